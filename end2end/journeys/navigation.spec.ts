// Places in lists are kept.
import { writeMemory } from "../support/memories.ts";
import { awake, expect, test, uniqueWord, visit } from "../support/test.ts";

test("going back returns to the place in the list", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/memories");
  for (let n = 0; n < 25; n += 1) await writeMemory(page, { title: `Place ${n} ${uniqueWord()}`, content: "Somewhere in a long list." });
  await page.setViewportSize({ width: 1280, height: 400 });
  await visit(page, "/memories");
  const row = page.getByRole("table").locator("a.row-title").nth(20);
  await row.scrollIntoViewIfNeeded();
  const before = await page.evaluate(() => scrollY);
  expect(before).toBeGreaterThan(300);
  await row.click();
  await expect(page.getByRole("article")).toBeVisible();
  await page.goBack();
  await awake(page);
  // The click may have scrolled a little further.
  await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(before - 100);
});
