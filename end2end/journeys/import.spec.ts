import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { giveFile, untilImported, uploadFile } from "../support/memories.ts";
import { type Page, awake, expect, pressAndConfirm, test, uniqueWord, visit } from "../support/test.ts";

interface File {
  name: string;
  content: string | Buffer;
}

/** Uploads a file by the form, which then waits for review. */
async function give(page: Page, { name, content }: File, format?: string): Promise<void> {
  await visit(page, "/memories/import");
  const buffer = typeof content === "string" ? Buffer.from(content) : content;
  await page.getByLabel("File", { exact: true }).setInputFiles({ name, mimeType: "application/octet-stream", buffer });
  if (format !== undefined) await page.getByLabel("Format", { exact: true }).selectOption({ label: format });
  await page.getByRole("button", { name: "Upload file" }).click();
}

/** Confirms the import under review. */
async function confirm(page: Page): Promise<void> {
  await expect(page).toHaveURL(/\/memories\/imports\//);
  await awake(page);
  await page.getByRole("button", { name: /^Import (all|[0-9,]+) memor/ }).click();
}

const figure = (page: Page, name: string) => page.locator("dl.figures > div", { hasText: name }).locator("dd");
const titles = (page: Page) => page.getByRole("table").locator("td a.row-title");

async function ended(page: Page): Promise<void> {
  await expect(page).toHaveURL(/\/memories\/imports\//);
  await awake(page);
  await expect(page.getByRole("region", { name: "Progress" })).toContainText("Done", { timeout: 20_000 });
}

test("valid lines of JSON Lines are imported and each invalid one is reported by number and reason", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const tag = uniqueWord();
  const lines = [
    `{"content": "The office closes at six.", "title": "Hours", "kind": "fact", "tags": ["${tag}"]}`,
    "",
    "this is no JSON",
    `{"title": "Nothing in it", "tags": ["${tag}"]}`,
    `{"content": "Unknown kind", "kind": "weather", "tags": ["${tag}"]}`,
    `{"content": "NUL \\u0000 inside", "tags": ["${tag}"]}`,
    `{"content": "Mira takes her tea without milk. 🫖", "tags": "${tag}, people"}`,
  ];
  await give(page, { name: "mixed.jsonl", content: lines.join("\r\n") });
  await confirm(page);
  await ended(page);
  await expect(figure(page, "Imported")).toHaveText("4");
  await expect(figure(page, "Skipped")).toHaveText("2");
  const problems = page.getByRole("region", { name: "Skipped records" }).getByRole("row");
  await expect(problems.nth(1)).toContainText("3");
  await expect(problems.nth(1)).toContainText("JSON");
  await expect(problems.nth(2)).toContainText("4");
  await expect(problems.nth(2)).toContainText("content");
  await expect(problems).toHaveCount(3);
  const changes = page.getByRole("region", { name: "Imported with changes" }).getByRole("row");
  await expect(changes.nth(1)).toContainText("5");
  await expect(changes.nth(1)).toContainText("Unknown kind “weather”; imported as fact.");
  await expect(changes.nth(2)).toContainText("6");
  await expect(changes.nth(2)).toContainText("NUL");
  await expect(changes).toHaveCount(3);

  await visit(page, `/memories?tag=${tag}`);
  await expect(titles(page)).toHaveText(["Mira takes her tea without milk. 🫖", "NUL  inside", "Unknown kind", "Hours"]);
});

test("the same file again imports nothing twice, nor do its lines in another file", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const tag = uniqueWord();
  const line = (text: string) => `{"content": "${text}", "tags": ["${tag}"]}`;
  const content = [line("One of two"), line("Two of two")].join("\n");
  await give(page, { name: "again.jsonl", content });
  const waiting = new URL(page.url()).pathname;
  await give(page, { name: "again.jsonl", content });
  expect(new URL(page.url()).pathname).toBe(waiting);
  await confirm(page);
  await ended(page);
  await give(page, { name: "again.jsonl", content });
  await confirm(page);
  await ended(page);
  await expect(figure(page, "Imported")).toHaveText("0");
  await expect(figure(page, "Duplicates")).toHaveText("2");

  await give(page, { name: "more.jsonl", content: `${content}\n${line("Three of two")}` });
  await confirm(page);
  await ended(page);
  await expect(figure(page, "Imported")).toHaveText("1");
  await expect(figure(page, "Duplicates")).toHaveText("2");
  await visit(page, `/memories?tag=${tag}`);
  await expect(titles(page)).toHaveCount(3);
});

test("CSV with quoted commas, line breaks and a byte order mark is imported", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const tag = uniqueWord();
  const content = `\uFEFFtitle,content,kind,tags\r\nTea,"Without milk, ""please"".\nAlways.",preference,"${tag}, people"\r\n,,fact,${tag}\r\nLate,"Ten, not nine",fact,${tag}\r\n`;
  await give(page, { name: "people.csv", content });
  await confirm(page);
  await ended(page);
  await expect(figure(page, "Imported")).toHaveText("2");
  await expect(figure(page, "Skipped")).toHaveText("1");
  await expect(page.getByRole("region", { name: "Skipped records" }).getByRole("row").nth(1)).toContainText("4");
  await visit(page, `/memories?tag=${tag}`);
  await expect(titles(page)).toHaveText(["Late", "Tea"]);
  await page.getByRole("link", { name: "Tea", exact: true }).click();
  expect(await page.getByRole("article").textContent()).toBe('Without milk, "please".\nAlways.');
});

test("plain text with an unknown file name becomes a memory for each paragraph", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const word = uniqueWord();
  const file = { name: "notes.log", content: `The ${word} key is with the neighbours.\n\n\nThe ${word} boiler\nis serviced each May.\n` };
  await give(page, file);
  await expect(page).toHaveURL("/memories/import?error=unknown_format");
  await expect(page.locator("#file-error")).toContainText("Choose the format below");
  await give(page, file, "Plain text");
  await confirm(page);
  await ended(page);
  await expect(figure(page, "Imported")).toHaveText("2");
  await visit(page, `/memories?query=${word}&mode=words`);
  await expect(page.locator("ol.hits > li")).toHaveCount(2);
});

const REFUSED: [string, File, string][] = [
  ["a picture", { name: "picture.txt", content: Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48]) }, "This file is not UTF-8 text."],
  ["UTF-16", { name: "wide.csv", content: Buffer.from("content\nx\n", "utf16le") }, "This file is not UTF-8 text."],
  ["an empty file", { name: "empty.md", content: "" }, "This file is empty."],
  ["a file of white space", { name: "blank.md", content: " \n\t\n" }, "This file is empty."],
];

for (const [what, file, sentence] of REFUSED) {
  test(`${what} is refused with a sentence`, async ({ visitors }) => {
    const page = await visitors.as("owner");
    await give(page, file);
    await expect(page).toHaveURL(/\/memories\/import\?error=/);
    await awake(page);
    await expect(page.locator("#file-error")).toContainText(sentence);
    await expect(page.getByLabel("File", { exact: true })).toHaveAttribute("aria-invalid", "true");
  });
}

test("the browser and the server both require a file", async ({ visitors }) => {
  const page = await visitors.as("owner");
  await visit(page, "/memories/import");
  await page.getByRole("button", { name: "Upload file" }).click();
  await expect(page).toHaveURL("/memories/import");
  await expect(page.locator("input[type=file]:invalid")).toHaveCount(1);

  const answer = await page.request.post("/memories/import", {
    multipart: { format: "" },
    headers: { origin: new URL(page.url()).origin },
    maxRedirects: 0,
  });
  expect(answer.status()).toBe(303);
  await visit(page, answer.headers()["location"] ?? "");
  await expect(page.locator("#file-error")).toHaveText("Choose a file first.");
});

test("a file above 256 MB is rejected with a hint, and the next one is accepted", async ({ visitors }, info) => {
  // Without scripts the browser sends all of it first.
  test.slow();
  const page = await visitors.as("owner");
  const large = info.outputPath("large.txt");
  const file = openSync(large, "w");
  writeSync(file, "A paragraph of a very long file.");
  ftruncateSync(file, 257 * 1024 * 1024);
  closeSync(file);
  await visit(page, "/memories/import");
  await page.getByLabel("File", { exact: true }).setInputFiles(large);
  await page.getByRole("button", { name: "Upload file" }).click();
  await expect(page.getByText("This file is larger than 256 MB. Split it and import the parts.")).toBeVisible({ timeout: 90_000 });
  rmSync(large);
  await untilImported(page, await giveFile(page, "small.txt", `Taken: ${uniqueWord()}`));
});

test("columns are mapped and previewed before anything is imported", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const tag = uniqueWord();
  const content = `heading,remark,secret\nTea,Without milk.,one\nCoffee,Black.,two\nNothing,,three\n`;
  await give(page, { name: "remarks.csv", content });
  await expect(page).toHaveURL(/\/memories\/imports\//);
  await awake(page);
  await expect(page.getByText("The first line must name the columns")).toBeVisible();
  await page.getByLabel("Text", { exact: true }).selectOption("remark");
  await page.getByLabel("Title", { exact: true }).selectOption("heading");
  await page.getByLabel("Add tags").fill(`${tag}, drinks`);
  await page.getByRole("button", { name: "Update preview" }).click();
  await awake(page);
  const records = page.getByRole("region", { name: "Preview" }).getByRole("row");
  await expect(records.nth(1)).toContainText("Tea");
  await expect(records.nth(1)).toContainText("Without milk.");
  await expect(records.nth(1)).toContainText("drinks");
  await expect(page.getByText("Ignored fields: secret.")).toBeVisible();
  await expect(figure(page, "Errors")).toHaveText("1");
  await page.getByRole("button", { name: "Import 2 memories" }).click();
  await ended(page);
  await expect(figure(page, "Imported")).toHaveText("2");
  await expect(figure(page, "Skipped")).toHaveText("1");
  await visit(page, `/memories?tag=${tag}`);
  await expect(titles(page)).toHaveText(["Coffee", "Tea"]);
});

test("a file under review can be discarded", async ({ visitors }) => {
  const page = await visitors.as("owner");
  await visit(page, "/memories/import");
  const name = `${uniqueWord()}.txt`;
  const path = await uploadFile(page, name, `Not wanted: ${name}`);
  await visit(page, "/memories/import");
  await expect(page.getByRole("row", { name })).toContainText("Needs review");
  await visit(page, path);
  await pressAndConfirm(page, "Discard file…");
  await expect(page).toHaveURL(/\/memories\/import(\?|$)/);
  await expect(page.getByText(name)).toHaveCount(0);
  expect((await page.goto(path))?.status()).toBe(404);
});

test("conversations of a ChatGPT export are previewed and imported", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const word = uniqueWord();
  const node = (id: string, parent: string | null, role: string, text: string) => ({
    [id]: { id, parent, children: [], message: { id, author: { role }, content: { content_type: "text", parts: [text] } } },
  });
  const conversations = [
    {
      title: `Tea for ${word}`,
      create_time: 1714979289.25,
      conversation_id: word,
      current_node: "b",
      mapping: { ...node("a", null, "user", "How long does it draw?"), ...node("b", "a", "assistant", "Three minutes.") },
    },
  ];
  await give(page, { name: "conversations.json", content: JSON.stringify(conversations) });
  await expect(page).toHaveURL(/\/memories\/imports\//);
  await awake(page);
  await expect(page.getByLabel("Format", { exact: true })).toHaveValue("chatgpt");
  await page.getByRole("button", { name: "Import 1 memory" }).click();
  await ended(page);
  await visit(page, `/memories?query=${word}&mode=words`);
  await page.getByRole("link", { name: `Tea for ${word}`, exact: true }).click();
  await expect(page.getByRole("article")).toContainText("Three minutes.");
});

test("an import can be left and found again in the list", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const name = `${uniqueWord()}.txt`;
  await visit(page, "/memories/import");
  const many = Array.from({ length: 400 }, (_, index) => `Paragraph ${index} of ${name}.`).join("\n\n");
  const path = await giveFile(page, name, many);
  await visit(page, "/memories");
  await visit(page, "/memories/import");
  await page.getByRole("region", { name: "Your imports" }).getByRole("link", { name }).click();
  await expect(page).toHaveURL(path);
  await expect(page.getByRole("region", { name: "Progress" })).toContainText("Done", { timeout: 20_000 });
  await expect(figure(page, "Imported")).toHaveText("400");
});

test("imports are private to their member", async ({ visitors }) => {
  const page = await visitors.as("owner");
  await visit(page, "/memories/import");
  const path = await giveFile(page, "private.txt", `Private: ${uniqueWord()}`);
  for (const stranger of ["admin", "other-owner"] as const) {
    const theirs = await visitors.as(stranger);
    const answer = await theirs.goto(path);
    expect(answer?.status()).toBe(404);
    await awake(theirs);
    await visit(theirs, "/memories/import");
    await expect(theirs.getByText("private.txt")).toHaveCount(0);
  }
});
