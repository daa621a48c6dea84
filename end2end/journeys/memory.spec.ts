import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deleteMemory, untilFoundByMeaning, writeMemory } from "../support/memories.ts";
import { type Page, awake, expect, runsScripts, test, uniqueWord, visit } from "../support/test.ts";

const NOTES = fileURLToPath(new URL("../../docs/sample-notes.md", import.meta.url));

const search = (page: Page) => page.getByRole("searchbox", { name: "Search memories" });
const rows = (page: Page) => page.getByRole("table").getByRole("row").filter({ has: page.getByRole("cell") });
const hits = (page: Page) => page.locator("ol.hits > li");
const text = (page: Page) => page.getByLabel("Content");
const done = (page: Page) => page.getByRole("main").getByRole("status").first();

/** Searches with the search box. */
async function ask(page: Page, question: string): Promise<void> {
  await search(page).fill(question);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(/[?&]query=/);
  await awake(page);
}

/** Opens the list of memories in a state without messages of earlier pages. */
async function opened(page: Page, id: string): Promise<void> {
  await visit(page, `/memories/${id}`);
}

function words(sentence: string): Set<string> {
  return new Set(sentence.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
}

test("a file of notes is imported, and a query that shares no word with a note finds it", async ({ visitors }) => {
  const question = "who has to approve an expensive purchase?";
  const note = /# Invoices\n+([^#]+)/.exec(readFileSync(NOTES, "utf8"))?.[1] ?? "";
  expect(note).toContain("second signature");
  const shared = [...words(`Invoices ${note}`)].filter((word) => words(question).has(word));
  expect(shared).toEqual([]);

  const page = await visitors.as("member");
  await visit(page, "/");
  await page.getByRole("link", { name: "Import", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Import");
  await page.getByLabel("File", { exact: true }).setInputFiles(NOTES);
  await page.getByRole("button", { name: "Upload file" }).click();

  await expect(page).toHaveURL(/\/memories\/imports\/[0-9a-f-]{36}/);
  await awake(page);
  await page.getByRole("button", { name: "Import 12 memories" }).click();
  await awake(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("sample-notes.md");
  const progress = page.getByRole("region", { name: "Progress" });
  await expect(progress).toContainText("Done", { timeout: 20_000 });
  await expect(page.locator("dl.figures > div", { hasText: "Imported" }).locator("dd")).toHaveText("12");
  await expect(page.getByRole("link", { name: "View imported memories" })).toBeVisible();

  await untilFoundByMeaning(page);
  await visit(page, "/memories");
  await ask(page, question);
  const best = hits(page).first();
  await expect(best.getByRole("link").first()).toHaveText("Invoices");
  await expect(best).toContainText("second signature from finance");
  await expect(best).toContainText(/Semantic match: [0-9]+%/);
  await expect(best).not.toContainText("Keyword match:");
  await expect(best.locator(".hit-score")).toContainText(/[01]\.[0-9]{2}/);

  await best.getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Invoices");
  await expect(page.getByRole("region", { name: "Who can see this" })).toContainText("Only you.");
});

test("a keyword search marks and names the words that matched", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  await writeMemory(page, { title: "Marked", content: `The ${word} stands in the middle.` });
  await visit(page, "/memories?mode=words");
  await ask(page, `where is the ${word}`);
  await expect(page).toHaveURL(/mode=words/);
  await expect(hits(page).first().locator("mark").filter({ hasText: word })).toHaveCount(1);
  await expect(hits(page).first()).toContainText(`Keyword match: ${word}`);
});

test("a search without results says so and offers the next step", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/memories?mode=words&kind=event");
  await ask(page, uniqueWord());
  await expect(page.getByRole("heading", { name: "No results" })).toBeVisible();
  await page.getByRole("link", { name: "Search without filters" }).click();
  await expect(page).toHaveURL(/\/memories\?query=[a-z]+&mode=words$/);
});

test("a query is sent as it was typed, including percent signs, plus and ampersand", async ({ visitors }) => {
  const page = await visitors.as("member");
  const question = `100%25 & a+b=c ${uniqueWord()}`;
  await visit(page, "/memories?mode=words");
  await ask(page, question);
  await expect(search(page)).toHaveValue(question);
  await page.reload();
  await awake(page);
  await expect(search(page)).toHaveValue(question);
});

test("a memory is created, changed, and its earlier version kept", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  await page.getByRole("link", { name: "New memory" }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New memory");
  await page.getByLabel("Title").fill(`Title ${word}`);
  await text(page).fill(`First text ${word}`);
  await page.getByLabel("Kind").selectOption({ label: "Preference" });
  await page.getByLabel("Tags").fill(` ${word}, second tag ,${word}`);
  await page.getByRole("button", { name: "Create memory" }).click();

  await expect(done(page)).toContainText("Memory created.");
  await awake(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Title ${word}`);
  await expect(page.getByRole("article")).toHaveText(`First text ${word}`);
  const facts = page.getByRole("complementary", { name: "About this memory" });
  await expect(facts).toContainText("Preference");
  await expect(facts.locator(".tags").getByRole("link")).toHaveText([word, "second tag"]);

  await page.getByRole("link", { name: "Edit" }).click();
  await expect(page.getByLabel("Tags")).toHaveValue(`${word}, second tag`);
  await text(page).fill(`Second text ${word}`);
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(done(page)).toContainText("Changes saved.");
  await awake(page);
  await expect(page.getByRole("article")).toHaveText(`Second text ${word}`);
  const versions = page.getByRole("region", { name: "Versions" });
  await expect(versions.getByRole("row", { name: /Version 2/ })).toContainText("Current");
  await expect(versions.getByRole("row", { name: /Version 1/ })).toContainText("Demo member");
});

test("a conflicting change keeps what was typed and can be saved over the other", async ({ visitors }) => {
  const mine = await visitors.as("member");
  const other = await visitors.as("member");
  const word = uniqueWord();
  await visit(mine, "/memories");
  const id = await writeMemory(mine, { title: "Contested", content: `Original ${word}` });
  await visit(mine, `/memories/${id}/edit`);
  await visit(other, `/memories/${id}/edit`);
  await text(other).fill(`Theirs ${word}`);
  await other.getByRole("button", { name: "Save changes" }).click();
  await expect(done(other)).toContainText("Changes saved.");

  await text(mine).fill(`Mine ${word}`);
  await mine.getByRole("button", { name: "Save changes" }).click();
  await mine.getByText("Show the current version").click();
  await expect(mine.getByText(`Theirs ${word}`)).toBeVisible();
  await expect(text(mine)).toHaveValue(`Mine ${word}`);
  await opened(other, id);
  await expect(other.getByRole("article")).toHaveText(`Theirs ${word}`);

  await mine.getByRole("button", { name: "Overwrite" }).click();
  await expect(done(mine)).toContainText("Changes saved.");
  await expect(mine.getByRole("article")).toHaveText(`Mine ${word}`);
  await expect(mine.getByRole("region", { name: "Versions" }).getByRole("link")).toHaveCount(2);
});

test("a deletion can be undone", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  const id = await writeMemory(page, { title: word, content: "To be deleted." });
  await opened(page, id);
  await page.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/memories(\?|$)/);
  await awake(page);
  await expect(done(page)).toContainText("Memory moved to the trash.");
  await expect(page.getByRole("main").getByRole("link", { name: word })).toHaveCount(0);
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(done(page)).toContainText("Memory restored.");
  await visit(page, "/memories");
  await expect(page.getByRole("link", { name: word })).toBeVisible();
});

test("a deleted memory stays in the trash, out of lists and searches, until it is restored", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  const id = await writeMemory(page, { title: word, content: `About ${word}.` });
  await deleteMemory(page, id);
  await visit(page, `/memories?query=${word}&mode=words`);
  await expect(page.getByRole("heading", { name: "No results" })).toBeVisible();

  await visit(page, "/memories?state=trash");
  await page.getByRole("link", { name: word }).click();
  await expect(page.getByText("In the trash since")).toBeVisible();
  await expect(page.getByRole("button", { name: "Delete", exact: true })).toHaveCount(0);
  const refused = await page.goto(`/memories/${id}/edit`);
  expect(refused?.status()).toBe(409);
  await expect(page.getByText("Restore it first, then edit it.")).toBeVisible();

  await opened(page, id);
  await page.getByRole("button", { name: "Restore" }).click();
  await expect(done(page)).toContainText("Memory restored.");
  await visit(page, `/memories?query=${word}&mode=words`);
  await expect(hits(page)).toHaveCount(1);
});

test("filters are in the URL, and going back removes them", async ({ visitors }) => {
  const page = await visitors.as("member");
  const tag = uniqueWord();
  await visit(page, "/memories");
  for (const kind of ["fact", "preference", "event"]) await writeMemory(page, { title: `A ${kind}`, content: kind, kind, tags: tag });

  await page.getByLabel("Tag").fill(tag);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`tag=${tag}`));
  await awake(page);
  await expect(rows(page)).toHaveCount(3);

  await page.getByLabel("Kind").selectOption({ label: "Preference" });
  if (!runsScripts(page)) await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(/kind=preference/);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("A preference");

  await page.goBack();
  await expect(page).not.toHaveURL(/kind=preference/);
  await expect(rows(page)).toHaveCount(3);
  await expect(page.getByLabel("Kind")).toHaveValue("");
  await page.goForward();
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByLabel("Kind")).toHaveValue("preference");

  await visit(page, page.url());
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("link", { name: "Clear filters" }).click();
  await expect(page).toHaveURL("/memories");
  await expect(page.getByLabel("Tag")).toHaveValue("");
});

test("older memories are on the next page, each once", async ({ visitors }) => {
  const page = await visitors.as("admin");
  const tag = uniqueWord();
  await visit(page, "/memories");
  for (let index = 0; index < 53; index += 1) await writeMemory(page, { title: `Number ${index}`, content: "x", tags: tag });
  await visit(page, `/memories?tag=${tag}`);
  const titles = await rows(page).getByRole("link").allTextContents();
  expect(titles).toHaveLength(50);
  await page.getByRole("link", { name: "Next", exact: true }).click();
  await expect(page).toHaveURL(/after=/);
  await expect(rows(page)).toHaveCount(3);
  titles.push(...(await rows(page).getByRole("link").allTextContents()));
  expect(new Set(titles).size).toBe(53);
  await page.getByRole("link", { name: "Previous" }).click();
  await expect(rows(page)).toHaveCount(50);
});

test("an invalid field is reported next to it, and everything typed is kept", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/memories/new");
  const title = "t".repeat(201);
  await page.getByLabel("Title").fill(title);
  await text(page).fill("   ");
  await page.getByLabel("Kind").selectOption("event");
  await page.getByLabel("Tags").fill("kept, too");
  await page.getByRole("button", { name: "Create memory" }).click();

  await expect(page.locator("#title-error")).toHaveText("A title has at most 200 characters.");
  await expect(page.locator("#content-error")).toHaveText("Content is required.");
  await awake(page);
  await expect(page.getByLabel("Title")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Title")).toHaveValue(title);
  await expect(text(page)).toHaveValue("   ");
  await expect(page.getByLabel("Kind")).toHaveValue("event");
  await expect(page.getByLabel("Tags")).toHaveValue("kept, too");

  await page.getByLabel("Title").fill("Mended");
  await text(page).fill("Now with text.");
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(done(page)).toContainText("Memory created.");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Mended");
});

test("100 kB of text are stored exactly; one byte more is rejected and kept on the page", async ({ visitors }) => {
  const page = await visitors.as("member");
  const full = "€uro & 100% ".repeat(7000);
  const content = full + "x".repeat(100_000 - Buffer.byteLength(full));
  expect(Buffer.byteLength(content)).toBe(100_000);

  await visit(page, "/memories/new");
  await page.getByLabel("Title").fill("Large");
  await text(page).fill(`${content}x`);
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(page.locator("#content-error")).toContainText("this one has 100001 bytes");
  await awake(page);
  await expect(text(page)).toHaveValue(`${content}x`);

  await text(page).fill(content);
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Large");
  expect(await page.getByRole("article").textContent()).toBe(content);
});

test("any text is shown as text and read back unchanged", async ({ visitors }) => {
  const page = await visitors.as("member");
  const title = "👩‍👩‍👧‍👦 שלום & <b>bold</b>";
  const content = '\n  <script>document.title="hacked"</script>\n</textarea><img src=x onerror=alert(1)>\n𝒳 مرحبا &amp; "quotes" \'single\' \u202Ebidi\ttab  ';
  await visit(page, "/memories/new");
  await page.getByLabel("Title").fill(title);
  await text(page).fill(content);
  await page.getByLabel("Tags").fill("<i>tag</i>");
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
  await awake(page);
  await expect(page).toHaveTitle(`${title} · Atrium`);
  expect(await page.getByRole("article").textContent()).toBe(content);
  await expect(page.getByRole("link", { name: "<i>tag</i>" })).toBeVisible();

  await page.getByRole("link", { name: "Edit" }).click();
  await expect(text(page)).toHaveValue(content);
  await awake(page);
  // After a reload, the text comes from HTML instead of data.
  await page.reload();
  await awake(page);
  await expect(text(page)).toHaveValue(content);
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(done(page)).toContainText("Changes saved.");
  expect(await page.getByRole("article").textContent()).toBe(content);
});

test("words between angle brackets are found and shown as text", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  await writeMemory(page, { content: `It returns a Vec<${word}> in <script>code</script>.` });
  await visit(page, `/memories?query=${word}&mode=words`);
  await expect(hits(page).first()).toContainText(`Vec<${word}> in <script>code</script>.`);
});

test("a NUL character is rejected next to its field", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/memories/new");
  const answer = await page.request.post("/memories/new", {
    form: { call: "memory_create", content: "a\0b" },
    headers: { origin: new URL(page.url()).origin },
  });
  expect(answer.status()).toBe(422);
  expect(await answer.text()).toContain("A memory can&#x27;t contain a NUL character.".replace("&#x27;", "'"));
});
