// Teams with a lead, and shared or proposed memories, by form posts for journeys about something else.
import { post } from "./memories.ts";
import { visitMember } from "./people.ts";
import { type Page, type Person, expect, visit } from "./test.ts";

/** A team's id and name. */
export interface Team {
  id: string;
  name: string;
}

/** Creates a team whose lead is the first of `people`. Needs the permission to manage teams. */
export async function makeTeam(admin: Page, name: string, lead: Person, ...members: Person[]): Promise<Team> {
  await visit(admin, "/teams");
  const path = (await post(admin, "/teams", { call: "team_create", name })).split("?")[0] ?? "";
  const id = path.split("/").at(-1) ?? "";
  await post(admin, path, { call: "team_member_change", id, lead: await visitMember(admin, lead) });
  for (const person of members) {
    await post(admin, path, { call: "team_member_change", id, member: await visitMember(admin, person) });
  }
  return { id, name };
}

/** Shares or proposes a memory of `page`'s member to a team's id, or to `org`. */
export async function shareMemory(page: Page, memory: string, audience: string, comment = "", version = 1): Promise<void> {
  await post(page, `/memories/${memory}`, { call: "memory_share", id: memory, version: String(version), audience, comment });
}

/** The path of a proposal that waits for `page`'s member, by the memory's title. */
export async function waiting(page: Page, title: string): Promise<string> {
  await visit(page, "/memories/proposals?view=waiting");
  const href = await page.getByRole("main").getByRole("link", { name: title }).getAttribute("href");
  expect(href).toMatch(/^\/memories\/proposals\/[0-9a-f-]{36}$/);
  return href ?? "";
}
