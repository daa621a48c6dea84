// The members of the demo, by their pages.
import { PEOPLE, type Page, type Person, visit } from "./test.ts";

/** Opens the page of `person` and returns the person's id. Needs the permission to view members. */
export async function visitMember(page: Page, person: Person): Promise<string> {
  await visit(page, `/members?query=${encodeURIComponent(PEOPLE[person])}`);
  const href = await page.getByRole("link", { name: PEOPLE[person], exact: true }).last().getAttribute("href");
  const id = /^\/members\/([0-9a-f-]{36})$/.exec(href ?? "")?.[1];
  if (id === undefined) throw new Error(`${person} is not in the list: ${href}`);
  await visit(page, `/members/${id}`);
  return id;
}
