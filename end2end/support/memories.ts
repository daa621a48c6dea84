// Creates memories and imports by form posts, for journeys about something else.
import { type Page, expect } from "@playwright/test";

/** The fields of the memory form. */
export interface Draft {
  title?: string;
  content: string;
  kind?: string;
  tags?: string;
  /** `until` the end of `expires_on`, or `always`. */
  keep?: string;
  expires_on?: string;
  persona_id?: string;
  importance?: string;
  /** `only` those named: none. */
  vendors?: string;
}

/** Posts a form as the browser would without scripts; returns the path of the redirect. */
export async function post(page: Page, path: string, form: Record<string, string>): Promise<string> {
  const answer = await page.request.post(path, { form, headers: origin(page, path), maxRedirects: 0 });
  expect(answer.status(), `posting to ${path}`).toBe(303);
  return answer.headers()["location"] ?? "";
}

/** Creates a memory and returns its id. */
export async function writeMemory(page: Page, draft: Draft): Promise<string> {
  const to = await post(page, "/memories/new", { call: "memory_create", title: "", kind: "fact", tags: "", ...draft });
  const id = /^\/memories\/([0-9a-f-]{36})\?/.exec(to)?.[1];
  if (id === undefined) throw new Error(`creating a memory led to ${to}`);
  return id;
}

/** Moves a memory to the trash. */
export async function deleteMemory(page: Page, id: string): Promise<void> {
  await post(page, `/memories/${id}`, { call: "memory_delete", id });
}

/** Uploads a file, which then waits for review, and returns the path of its import. */
export async function uploadFile(page: Page, name: string, content: string | Buffer, format = ""): Promise<string> {
  const answer = await page.request.post("/memories/import", {
    headers: origin(page, "/memories/import"),
    multipart: { file: { name, mimeType: "application/octet-stream", buffer: typeof content === "string" ? Buffer.from(content) : content }, format },
    maxRedirects: 0,
  });
  expect(answer.status(), `giving ${name}`).toBe(303);
  return answer.headers()["location"] ?? "";
}

/** Uploads a file, imports it without changes, and returns the path of its import. */
export async function giveFile(page: Page, name: string, content: string | Buffer, format = ""): Promise<string> {
  const path = await uploadFile(page, name, content, format);
  const id = path.split("/").pop() ?? "";
  await post(page, path, { call: "import_confirm", id });
  return path;
}

/** Waits until the import at `path` has succeeded. */
export async function untilImported(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.getByRole("region", { name: "Progress" })).toContainText("Done");
}

/** Waits until all of the member's memories have an embedding. */
export async function untilFoundByMeaning(page: Page): Promise<void> {
  await expect(async () => {
    await page.goto("/");
    await expect(page.getByRole("heading", { name: "Recent memories" })).toBeVisible({ timeout: 500 });
    await expect(page.getByText(/^Indexing /)).toHaveCount(0, { timeout: 500 });
  }).toPass();
}

/** The header that browsers send with requests of the page itself. */
export function origin(page: Page, path: string): Record<string, string> {
  return { origin: new URL(path, page.url()).origin, accept: "text/html" };
}
