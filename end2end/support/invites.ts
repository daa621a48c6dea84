// Creates invites by a form post, for journeys about something else.
import { type Page, expect } from "@playwright/test";
import { origin } from "./memories.ts";

/** The fields of the invite form. */
export interface InviteDraft {
  email?: string;
  /** Ids of a role and a team. */
  role?: string;
  team?: string;
  days?: string;
}

/** Creates an invite by the form of `/invites/new` and returns the path of its link. */
export async function makeInvite(page: Page, draft: InviteDraft): Promise<string> {
  const path = "/invites/new";
  const { email = "", ...others } = draft;
  const answer = await page.request.post(path, {
    headers: origin(page, path),
    form: { call: "invite_create", emails: email, role: "", team: "", days: "7", ...others },
    maxRedirects: 0,
  });
  expect(answer.status(), "creating an invite").toBe(200);
  const link = /\/invite\/atri_[0-9A-Za-z]{33}/.exec(await answer.text())?.[0];
  if (link === undefined) throw new Error("the page shows no link");
  return link;
}
