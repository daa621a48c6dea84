// Changes while a list is open, with and without scripts.
import { writeMemory } from "../support/memories.ts";
import { expect, runsScripts, test, uniqueWord, visit } from "../support/test.ts";

test.use({ world: "live" });

test("a change elsewhere shows when the list is reloaded; with scripts a bar announces it", async ({ visitors }) => {
  const member = await visitors.as("member");
  const title = `Quiet ${uniqueWord()}`;
  const written = member.getByRole("table").getByRole("link", { name: title });
  await visit(member, "/memories");
  const place = member.getByRole("main").locator(".live");
  await expect(place).toHaveText("");
  await writeMemory(member, { title, content: "Written elsewhere." });
  if (runsScripts(member)) await expect(place).toContainText("changed.");
  else await expect(place).toHaveText("");
  await expect(written).toHaveCount(0);
  await visit(member, "/memories");
  await expect(written).toHaveCount(1);
  await expect(place).toHaveText("");
});
