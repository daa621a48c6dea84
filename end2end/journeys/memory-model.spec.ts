// Fields of a memory besides its text: retention, persona, AI products; replies, versions and the trash.
import { callApi, makeKey } from "../support/keys.ts";
import { deleteMemory, writeMemory } from "../support/memories.ts";
import { type Page, awake, confirmDialog, expect, pressAndConfirm, test, uniqueWord, visit } from "../support/test.ts";

const text = (page: Page) => page.getByLabel("Content");
const done = (page: Page) => page.getByRole("main").getByRole("status").first();
const facts = (page: Page) => page.getByRole("complementary", { name: "About this memory" });
const day = (from: number) => new Date(Date.now() + from * 86_400_000).toISOString().slice(0, 10);

async function unfoldMore(page: Page): Promise<void> {
  const more = page.locator("details.more");
  if ((await more.getAttribute("open")) === null) await more.locator("> summary").click();
}

test("a memory has a retention, a persona and a product, and all of them can be changed", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories/personas");
  await page.getByLabel("Name", { exact: true }).fill(`Work ${word}`);
  await page.getByRole("button", { name: "Create persona" }).click();
  await expect(done(page)).toContainText("Persona saved.");

  await visit(page, "/memories/new");
  await expect(page.getByLabel("Retention")).toBeHidden();
  await text(page).fill(`The badge ${word}`);
  await unfoldMore(page);
  await page.getByLabel("Retention").selectOption("until");
  await page.getByLabel("Last day").fill(day(-1));
  await page.getByLabel("Persona", { exact: true }).selectOption({ label: `Work ${word}` });
  await page.getByLabel("Importance").selectOption({ label: "High" });
  await page.getByLabel("AI access").selectOption("only");
  await page.getByRole("checkbox", { name: "Claude" }).check();
  await page.getByLabel("Source URL").fill("https://wiki.example/badges");
  await page.getByRole("button", { name: "Create memory" }).click();
  // A date in the past is rejected next to its field, and the form is kept.
  await expect(page.locator("#expires_on-error")).toHaveText("Choose a time in the future.");
  await awake(page);
  await expect(page.getByLabel("Last day")).toHaveValue(day(-1));
  await expect(page.getByRole("checkbox", { name: "Claude" })).toBeChecked();
  await page.getByLabel("Last day").fill(day(3));
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(done(page)).toContainText("Memory created.");
  await awake(page);
  await expect(facts(page)).toContainText(`Work ${word}`);
  await expect(facts(page)).toContainText("High");
  await expect(facts(page)).toContainText("Claude");
  await expect(facts(page)).toContainText("Until");
  const source = facts(page).getByRole("link", { name: "wiki.example/badges" });
  await expect(source).toHaveAttribute("href", "https://wiki.example/badges");
  await visit(page, "/memories?source_host=other.example");
  await expect(page.getByRole("row", { name: new RegExp(word) })).toHaveCount(0);
  await visit(page, "/memories?source_host=wiki.example");
  await expect(page.getByRole("row", { name: new RegExp(word) })).toContainText("Expires soon");

  await page.getByRole("link", { name: new RegExp(word) }).click();
  await page.getByRole("link", { name: "Edit" }).click();
  await expect(page.getByLabel("Last day")).toHaveValue(day(3));
  await awake(page);
  await page.getByLabel("Retention").selectOption("always");
  await page.getByLabel("Persona", { exact: true }).selectOption({ label: "None" });
  await page.getByLabel("Change note").fill("It is wanted longer");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(done(page)).toContainText("Changes saved.");
  await expect(facts(page)).toContainText("Until deleted");
  await expect(facts(page)).not.toContainText(`Work ${word}`);
  await expect(facts(page)).toContainText("Claude");
  await expect(page.getByRole("region", { name: "Versions" })).toContainText("It is wanted longer");
});

test("a persona is renamed and deleted, and its memories stay", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories/personas");
  await page.getByRole("button", { name: "Create persona" }).click();
  await expect(page.locator("#name-error")).toHaveText("Enter a name.");
  await page.getByLabel("Name", { exact: true }).fill(`Club ${word}`);
  await page.getByRole("button", { name: "Create persona" }).click();
  await expect(done(page)).toContainText("Persona saved.");
  await awake(page);
  await page.getByRole("link", { name: `Club ${word}` }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Club ${word}`);
  await awake(page);
  const path = new URL(page.url()).pathname;
  await page.getByLabel("Name", { exact: true }).fill(`Choir ${word}`);
  await page.getByRole("textbox", { name: "Description" }).fill("Thursdays");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("link", { name: `Choir ${word}` })).toBeVisible();
  const id = await writeMemory(page, { content: `Sing ${word}`, keep: "always", persona_id: path.split("/").pop() ?? "" });

  const other = await visitors.as("admin");
  expect((await other.goto(path))?.status()).toBe(404);

  await visit(page, path);
  await page.getByRole("button", { name: "Delete persona…" }).click();
  await expect(confirmDialog(page)).toContainText("1 memory will be kept");
  await confirmDialog(page).getByRole("button", { name: "Delete persona" }).click();
  await expect(done(page)).toContainText("Persona deleted. Its memories are kept.");
  await visit(page, `/memories/${id}`);
  await expect(page.getByRole("article")).toHaveText(`Sing ${word}`);
});

test("a reply shows under its memory, is found, and follows it into the trash and back", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  const id = await writeMemory(page, { title: `Where is the key ${word}`, content: "Somebody had it." });
  await visit(page, `/memories/${id}`);
  await page.getByRole("textbox", { name: "Reply" }).fill(`In the cellar, zeppelin${word}`);
  await page.getByRole("button", { name: "Reply" }).click();
  await expect(done(page)).toContainText("Reply added.");
  await awake(page);
  const replies = page.getByRole("region", { name: "1 reply" });
  await expect(replies).toContainText(`zeppelin${word}`);
  await expect(replies).toContainText("Demo member");

  await visit(page, "/memories");
  await expect(page.getByRole("row", { name: new RegExp(word) })).toHaveCount(1);
  await expect(page.getByRole("row", { name: new RegExp(word) })).toContainText("1 reply");
  await visit(page, `/memories?query=zeppelin${word}&mode=words`);
  await page.locator("ol.hits > li").getByRole("link").first().click();
  await expect(page).toHaveURL(new RegExp(`/memories/${id}#reply-`));

  await visit(page, `/memories/${id}`);
  await page.getByRole("link", { name: "Open reply by Demo member" }).click();
  await expect(page.getByText("This is a reply.")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Reply" })).toHaveCount(0);
  const reply = new URL(page.url()).pathname;

  await deleteMemory(page, id);
  await visit(page, `/memories?query=zeppelin${word}&mode=words`);
  await expect(page.getByRole("heading", { name: "No results" })).toBeVisible();
  await visit(page, reply);
  await page.getByRole("button", { name: "Restore" }).click();
  await expect(page.getByText("The original memory is in the trash")).toBeVisible();
  await visit(page, `/memories/${id}`);
  await page.getByRole("button", { name: "Restore" }).click();
  await expect(done(page)).toContainText("Memory restored.");
  await expect(page.getByRole("region", { name: "1 reply" })).toContainText(`zeppelin${word}`);
});

test("an earlier version is compared with the next and restored as a new one", async ({ visitors }) => {
  const page = await visitors.as("member");
  const word = uniqueWord();
  await visit(page, "/memories");
  const id = await writeMemory(page, { content: `Tea at three ${word}` });
  await visit(page, `/memories/${id}/edit`);
  await text(page).fill(`Tea at four ${word}`);
  await page.getByLabel("Change note").fill("The clock changed");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(done(page)).toContainText("Changes saved.");
  await awake(page);
  await page.getByRole("link", { name: "Version 1" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Version 1");
  await awake(page);
  const changed = page.getByRole("region", { name: "What changed" });
  await expect(changed.locator("del")).toHaveText("three");
  await expect(changed.locator("ins")).toHaveText("four");
  await expect(page.getByText("The clock changed")).toBeVisible();
  await page.getByRole("button", { name: "Restore this version" }).click();
  await expect(done(page)).toContainText("Version restored.");
  await expect(page.getByRole("article")).toHaveText(`Tea at three ${word}`);
  await expect(page.getByRole("region", { name: "Versions" })).toContainText("Restored version 1");
  expect((await page.goto(`/memories/${id}/versions/99`))?.status()).toBe(404);
  const other = await visitors.as("admin");
  expect((await other.goto(`/memories/${id}/versions/1`))?.status()).toBe(404);
});

test("the trash shows the date of permanent deletion and can be emptied before", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const word = uniqueWord();
  await visit(page, "/memories");
  const [one, two, kept] = [
    await writeMemory(page, { title: `One ${word}`, content: "x" }),
    await writeMemory(page, { title: `Two ${word}`, content: "x" }),
    await writeMemory(page, { title: `Kept ${word}`, content: "x" }),
  ];
  await deleteMemory(page, one);
  await deleteMemory(page, two);
  await visit(page, `/memories/${one}`);
  await expect(page.getByText("Permanently deleted on")).toBeVisible();
  await pressAndConfirm(page, "Delete permanently…");
  await expect(done(page)).toContainText("Memory permanently deleted.");
  expect((await page.goto(`/memories/${one}`))?.status()).toBe(404);

  await visit(page, "/memories?state=trash");
  await expect(page.getByRole("link", { name: `Two ${word}` })).toBeVisible();
  await pressAndConfirm(page, "Empty trash…");
  await expect(done(page)).toContainText("Trash emptied.");
  await visit(page, "/memories?state=trash");
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
  await visit(page, `/memories/${kept}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Kept ${word}`);
});

test("a key names its AI product and can't create one for another", async ({ visitors }) => {
  const page = await visitors.as("member");
  const label = `Desk ${uniqueWord()}`;
  await visit(page, "/keys/new");
  await page.getByLabel("Name", { exact: true }).fill(label);
  await page.getByLabel("Client", { exact: true }).selectOption({ label: "Claude" });
  await page.getByRole("checkbox", { name: /Read memories/ }).check();
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your new key");
  await visit(page, "/keys");
  await page.getByRole("link", { name: label }).click();
  await expect(page.getByRole("region", { name: "About this key" })).toContainText("Claude");

  const key = await makeKey(page, { label, scopes: ["memory.read", "api_key.own"], vendor: "cursor" });
  const answer = await callApi(page, "/api/v1/api-keys", key);
  const keys = (await answer.json()) as { items: { label: string; vendor: string }[] };
  expect(keys.items.filter((found) => found.label === label).map((found) => found.vendor).sort()).toEqual(["claude", "cursor"]);
  const made = await page.request.post("/api/v1/api-keys", {
    headers: { authorization: `Bearer ${key}` },
    data: { label, scopes: ["memory.read"], vendor: "claude" },
  });
  expect(made.status()).toBe(422);
  expect(await made.text()).toContain("vendor");
});
