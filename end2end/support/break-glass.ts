// Roles that entrust somebody with reading private memories.
import { post } from "./memories.ts";
import { type Page, uniqueWord, visit } from "./test.ts";

/** Makes such a role as an owner and answers its name. */
export async function makeRole(owner: Page): Promise<string> {
  const name = `Reader ${uniqueWord()}`;
  await visit(owner, "/roles/new");
  await post(owner, "/roles/new", { call: "role_create", name, description: "", "permissions[0]": "memory.break_glass" });
  return name;
}
