// API keys: created by a form post for journeys about something else, and used as programs do.
import { type APIResponse, type Page, expect, request } from "@playwright/test";
import { origin } from "./memories.ts";

/** The fields of the API key form. */
export interface KeyDraft {
  label: string;
  scopes: string[];
  lifetime?: string;
  /** The AI product that uses the key. */
  vendor?: string;
  /** The agent or service account that owns the key; the member by default. */
  owner?: string;
}

/** Creates a key by the form of `/keys/new` and returns it. */
export async function makeKey(page: Page, draft: KeyDraft): Promise<string> {
  const path = draft.owner === undefined ? "/keys/new" : `/keys/new?for=${draft.owner}`;
  await page.goto(path);
  const owner = await page.locator("input[name=owner]").getAttribute("value");
  const form = new URLSearchParams({ call: "api_key_create", owner: owner ?? "", label: draft.label, lifetime: draft.lifetime ?? "90", vendor: draft.vendor ?? "" });
  for (const scope of draft.scopes) form.append("scopes[]", scope);
  const answer = await page.request.post(path, {
    headers: { ...origin(page, path), "content-type": "application/x-www-form-urlencoded" },
    data: form.toString(),
    maxRedirects: 0,
  });
  expect(answer.status(), "creating a key").toBe(200);
  const key = /atr_[0-9A-Za-z]{33}/.exec(await answer.text())?.[0];
  if (key === undefined) throw new Error("the page shows no key");
  return key;
}

/** Calls an operation of the API, as a program does, and returns the body of the response. */
export async function tellApi(page: Page, path: string, key: string, data: unknown = {}): Promise<Record<string, unknown>> {
  const program = await request.newContext({ baseURL: new URL(page.url()).origin });
  const answer = await program.post(path, { headers: { authorization: `Bearer ${key}` }, data });
  const text = await answer.text();
  expect(answer.ok(), `${path}: ${text}`).toBe(true);
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** Calls the API as a program does, with a key and without cookies. */
export async function callApi(page: Page, path: string, key: string): Promise<APIResponse> {
  const program = await request.newContext({ baseURL: new URL(page.url()).origin });
  const answer = await program.get(path, { headers: { authorization: `Bearer ${key}` } });
  await answer.body();
  return answer;
}
