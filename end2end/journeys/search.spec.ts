import { deleteMemory, untilFoundByMeaning, writeMemory } from "../support/memories.ts";
import { type Page, awake, expect, pressAndConfirm, runsScripts, test, uniqueWord, visit } from "../support/test.ts";

const search = (page: Page) => page.getByRole("searchbox", { name: "Search memories" });
const rows = (page: Page) => page.getByRole("table").getByRole("row").filter({ has: page.getByRole("cell") });
const hits = (page: Page) => page.locator("ol.hits > li");
const chips = (page: Page) => page.getByRole("list", { name: "Filters" });
const views = (page: Page) => page.getByRole("navigation", { name: "Saved views" });
const done = (page: Page) => page.getByRole("main").getByRole("status").first();

test("a list has several filters, and each chip removes one", async ({ visitors }) => {
  const page = await visitors.as("member");
  const [tag, other] = [uniqueWord(), uniqueWord()];
  await visit(page, "/memories");
  await writeMemory(page, { title: "Both tags", content: "x", kind: "event", tags: `${tag},${other}` });
  await writeMemory(page, { title: "One tag", content: "x", kind: "event", tags: tag });
  await writeMemory(page, { title: "A fact", content: "x", kind: "fact", tags: tag });

  await page.getByLabel("Tag").fill(`${tag}, ${other}`);
  await page.getByText("More filters").click();
  await page.getByLabel("Visible to").selectOption({ label: "Private" });
  if (runsScripts(page)) await expect(page).toHaveURL(/visibility=private/);
  await page.getByLabel("Updated after").fill("2020-01-01");
  await page.getByRole("button", { name: "Apply" }).click();
  await expect(page).toHaveURL(/from=2020-01-01/);
  await awake(page);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("Both tags");
  await expect(chips(page).getByRole("link")).toHaveText([
    /Visible to: Private/,
    /Updated after: 2020-01-01/,
    new RegExp(`Tag: ${tag}`),
    new RegExp(`Tag: ${other}`),
    "Clear filters",
  ]);

  await chips(page).getByRole("link", { name: `Tag: ${other}` }).click();
  await expect(rows(page)).toHaveCount(3);
  await awake(page);
  await expect(page.getByLabel("Tag")).toHaveValue(tag);
  await page.getByLabel("Kind").selectOption({ label: "Event" });
  if (!runsScripts(page)) await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(rows(page)).toHaveCount(2);
  await awake(page);
  await chips(page).getByRole("link", { name: "Clear filters" }).click();
  await expect(page).toHaveURL("/memories");
});

test("memories shared by others are found by their owner's name", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  const id = await writeMemory(page, { title: `Mine ${word}`, content: word });
  await visit(page, `/memories/${id}`);
  await page.getByRole("complementary", { name: "About this memory" }).getByRole("link", { name: "Demo member" }).click();
  await expect(page).toHaveURL(/owner=[0-9a-f-]{36}/);
  await expect(rows(page).filter({ hasText: word })).toHaveCount(1);
  await page.getByLabel("Owner").selectOption({ label: "Demo admin" });
  if (!runsScripts(page)) await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(chips(page)).toContainText("Owner: Demo admin");
  await expect(rows(page).filter({ hasText: word })).toHaveCount(0);
});

test("a view is saved, opened, renamed and deleted", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  await writeMemory(page, { title: "Saved for later", content: word, kind: "event" });
  await expect(page.getByText("Save as a view")).toHaveCount(0);

  await visit(page, `/memories?query=${word}&mode=words&kind=event`);
  await page.getByText("Save as a view").click();
  await page.getByRole("button", { name: "Save view" }).click();
  await expect(page.locator("#name-error")).toHaveText("A view's name has 1 to 60 characters.");
  await awake(page);
  await page.getByLabel("View name").fill(`Events ${word}`);
  await page.getByRole("button", { name: "Save view" }).click();
  await expect(done(page)).toContainText("View saved.");
  await expect(hits(page)).toHaveCount(1);
  await awake(page);

  await visit(page, "/memories");
  await views(page).getByRole("link", { name: `Events ${word}` }).click();
  await expect(page).toHaveURL(`/memories?query=${word}&mode=words&kind=event`);
  await expect(hits(page)).toHaveCount(1);
  await expect(views(page).getByRole("link", { name: `Events ${word}` })).toHaveAttribute("aria-current", "page");
  await expect(page.getByText("Save as a view")).toHaveCount(0);
  await awake(page);

  // A second view of the same name is rejected, and what was typed is kept.
  await visit(page, `/memories?query=${word}`);
  await page.getByText("Save as a view").click();
  await page.getByLabel("View name").fill(`events ${word}`);
  await page.getByRole("button", { name: "Save view" }).click();
  await expect(page.locator("#name-error")).toHaveText("You have a view with this name already.");
  await awake(page);
  await expect(page.getByLabel("View name")).toHaveValue(`events ${word}`);

  await views(page).getByRole("link", { name: "Edit views" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Saved views");
  await awake(page);
  await page.getByLabel(`Name of “Events ${word}”`).fill("");
  const row = page.getByRole("listitem").filter({ hasText: `Events ${word}` });
  await row.getByRole("button", { name: "Rename" }).click();
  await expect(row.locator(".view-error")).toHaveText("A view's name has 1 to 60 characters.");
  await awake(page);
  await page.getByLabel(`Name of “Events ${word}”`).fill(`Renamed ${word}`);
  await row.getByRole("button", { name: "Rename" }).click();
  await expect(done(page)).toContainText("View renamed.");
  await awake(page);
  await pressAndConfirm(page, `Delete “Renamed ${word}”`);
  await expect(done(page)).toContainText("View deleted.");
  await expect(page.getByRole("link", { name: `Renamed ${word}` })).toHaveCount(0);
});

test("saved views are private", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, `/memories?query=${word}`);
  await page.getByText("Save as a view").click();
  await page.getByLabel("View name").fill(word);
  await page.getByRole("button", { name: "Save view" }).click();
  await expect(done(page)).toContainText("View saved.");
  const other = await visitors.as("owner");
  await visit(other, "/memories/views");
  await expect(other.getByText(word)).toHaveCount(0);
});

test("similar memories are linked from a memory and from a hit, and exclude the memory itself", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  const id = await writeMemory(page, { title: `First ${word}`, content: `The ${word} stands in the hall.` });
  await writeMemory(page, { title: `Second ${word}`, content: `Another ${word}, in the garden.` });
  const gone = await writeMemory(page, { title: `Third ${word}`, content: `The ${word} that went.` });
  await deleteMemory(page, gone);
  await untilFoundByMeaning(page);

  await visit(page, `/memories/${id}`);
  await page.getByRole("link", { name: "More like this" }).click();
  await expect(page).toHaveURL(`/memories?like=${id}`);
  await expect(page.getByText(`like “First ${word}”`)).toBeVisible();
  await expect(hits(page).first().getByRole("link").first()).toHaveText(`Second ${word}`);
  await expect(hits(page).filter({ hasText: `First ${word}` })).toHaveCount(0);
  await expect(hits(page).filter({ hasText: `Third ${word}` })).toHaveCount(0);
  await awake(page);

  await hits(page).first().getByRole("link", { name: "More like this" }).click();
  await expect(page.getByText(`like “Second ${word}”`)).toBeVisible();
  await expect(hits(page).first().getByRole("link").first()).toHaveText(`First ${word}`);

  // A memory that doesn't exist, or is another member's.
  const answer = await page.goto("/memories?like=0190b2f0-0000-7000-8000-000000000001");
  expect(answer?.status()).toBe(404);
});

test("the score is explained as a sum", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  await writeMemory(page, { title: "Scored", content: `Why the ${word} counts.` });
  await untilFoundByMeaning(page);
  await visit(page, `/memories?query=${word}`);
  const best = hits(page).first();
  await best.getByText("Why this score").click();
  await expect(best).toContainText(/Semantic [01]\.[0-9]{2} × 0\.4 \+ keyword 1\.00 × 0\.6 = [01]\.[0-9]{2}\./);
  await expect(best).toContainText(`Matching words: ${word}.`);
  await visit(page, `/memories?query=${word}&mode=words`);
  await best.getByText("Why this score").click();
  await expect(best).toContainText("Keyword 1.00 × 1.0 = 1.00.");
});

test("an invalid filter or query is reported next to its field", async ({ visitors }) => {
  const page = await visitors.as("member");
  const answer = await page.goto("/memories?kind=song&from=yesterday&persona=x&mode=loud");
  expect(answer?.status()).toBe(422);
  await awake(page);
  for (const field of ["kind", "persona", "mode"]) {
    await expect(page.locator(`#${field}`)).toHaveAttribute("aria-invalid", "true");
  }
  await expect(page.locator("#from-error")).toContainText("Enter a date as year, month and day");
  await expect(page.getByRole("heading", { name: "Couldn’t complete" })).toBeVisible();

  const long = await page.goto(`/memories?query=${"x".repeat(1001)}`);
  expect(long?.status()).toBe(422);
  await expect(page.getByText("A search has at most 1000 characters.").first()).toBeVisible();
  const nul = await page.goto("/memories?query=a%00b");
  expect(nul?.status()).toBe(422);
  await visit(page, "/memories");
  await expect(page.locator("#kind")).not.toHaveAttribute("aria-invalid", "true");
});

test("results appear while typing, only the last ones, and the Enter key still searches", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories?mode=words");
  await writeMemory(page, { title: "Typed", content: `About ${word}.` });
  if (!runsScripts(page)) {
    // Without scripts nothing happens before the Enter key.
    await search(page).pressSequentially(word);
    await expect(page).toHaveURL("/memories?mode=words");
    await search(page).press("Enter");
    await expect(page).toHaveURL(new RegExp(`query=${word}&mode=words`));
    await expect(hits(page)).toHaveCount(1);
    return;
  }
  // The first answer arrives long after the second one.
  let asked = 0;
  await page.route("**/memories?*", async (route) => {
    asked += 1;
    if (asked === 1) await new Promise((resolve) => setTimeout(resolve, 2_000));
    await route.continue().catch(() => undefined);
  });
  const entries = await page.evaluate(() => history.length);
  await search(page).focus();
  await page.keyboard.type("nothing-has-this", { delay: 5 });
  await expect.poll(() => asked).toBe(1);
  await search(page).fill(word);
  await expect(hits(page)).toHaveCount(1);
  await expect(page).toHaveURL(`/memories?query=${word}&mode=words`);
  await expect(page.getByRole("status").filter({ hasText: /\b1 result\b/ })).toHaveCount(1);
  await page.waitForTimeout(2_200);
  await expect(hits(page)).toHaveCount(1);
  await expect(page).toHaveURL(`/memories?query=${word}&mode=words`);
  await expect(search(page)).toBeFocused();
  await expect(search(page)).toHaveValue(word);
  expect(asked, "one question for each pause, not for each key").toBe(2);
  expect(await page.evaluate(() => history.length), "typing leaves no history").toBe(entries);

  await search(page).press("Enter");
  await expect(search(page)).toBeFocused();
  await search(page).fill("");
  await expect(page).toHaveURL("/memories?mode=words");
  await expect(rows(page).filter({ hasText: "Typed" }).first()).toBeVisible();
});
