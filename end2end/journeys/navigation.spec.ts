// Places in lists are kept.
import { writeMemory } from "../support/memories.ts";
import { awake, confirmDialog, expect, test, uniqueWord, visit } from "../support/test.ts";

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

test("a question can be left with Cancel and with Escape, and the focus returns", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/profile");
  await visitors.anew("member");
  await visit(page, "/profile");
  const ask = page.getByRole("button", { name: "Sign out everywhere else…" });
  await ask.click();
  await expect(confirmDialog(page)).toBeVisible();
  await expect(confirmDialog(page).getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(confirmDialog(page)).toBeHidden();
  await expect(ask).toBeFocused();
  await ask.click();
  await confirmDialog(page).getByRole("button", { name: "Cancel" }).click();
  await expect(confirmDialog(page)).toBeHidden();
  await expect(ask).toBeFocused();
  await expect(page).toHaveURL("/profile");
});
