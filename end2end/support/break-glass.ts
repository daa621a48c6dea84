// Roles with the break-glass permission.
import { post } from "./memories.ts";
import { type Page, uniqueWord, visit } from "./test.ts";

/** Creates such a role as an owner and returns its name. */
export async function makeRole(owner: Page): Promise<string> {
  const name = `Reader ${uniqueWord()}`;
  await visit(owner, "/roles/new");
  await post(owner, "/roles/new", { call: "role_create", name, description: "", "permissions[0]": "memory.break_glass" });
  return name;
}
