import { writeMemory } from "../support/memories.ts";
import { shareMemory, waiting } from "../support/proposals.ts";
import { expect, test, uniqueWord, visit } from "../support/test.ts";

test.use({ world: "proposals" });

// The attack that made an admin's click grant its author the admin role, and the one that redirected everybody who
// opened the page.
const attacks = [
  `</title><form method=post><input name=id value=1><input name=role value=2><button name=call value=member_role_grant>Open</form>`,
  `</title><meta http-equiv=refresh content="0;url=https://evil.example/">`,
];

for (const attack of attacks) {
  test(`a title is text and nothing else: ${attack.slice(0, 24)}`, async ({ visitors }) => {
    const title = `${uniqueWord()} ${attack}`;
    const member = await visitors.as("member");
    await visit(member, "/");
    const memory = await writeMemory(member, { title, content: "Have a look at this" });
    await shareMemory(member, memory, "org");
    await visit(member, `/memories/${memory}`);
    const admin = await visitors.as("admin");
    await visit(admin, await waiting(admin, title));
    for (const page of [admin, member]) {
      await expect(page).toHaveURL(/\/memories\/[^/]+/);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
      expect(await page.title()).toBe(`${title} · Atrium`);
      await expect(page.locator("button[value=member_role_grant]")).toHaveCount(0);
      await expect(page.locator("body meta, head meta[http-equiv]")).toHaveCount(0);
    }
  });
}
