import { readFileSync } from "node:fs";
import { giveFile, untilImported, uploadFile, writeMemory } from "../support/memories.ts";
import { type Page, awake, expect, test, uniqueWord, visit } from "../support/test.ts";

/** Downloads the file behind a link. */
async function download(page: Page, name: string): Promise<{ name: string; content: string }> {
  const arrives = page.waitForEvent("download");
  await page.getByRole("link", { name }).click();
  const file = await arrives;
  return { name: file.suggestedFilename(), content: readFileSync(await file.path(), "latin1") };
}

test("the export contains exactly the listed memories, and can be imported where they are missing", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const tag = uniqueWord();
  await visit(page, "/memories");
  await writeMemory(page, { title: "Formula", content: "=1+1", tags: tag });
  await writeMemory(page, { title: "Plain", content: "Not a formula.", tags: `${tag}, other` });
  await writeMemory(page, { title: "Elsewhere", content: "Without the tag." });

  await visit(page, `/memories?tag=${tag}`);
  await page.getByRole("link", { name: "Export", exact: true }).click();
  await expect(page).toHaveURL(`/memories/export?tag=${tag}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Export memories");
  await awake(page);

  const lines = await download(page, "Download JSON Lines");
  expect(lines.name).toMatch(/^atrium-memories-\d{4}-\d\d-\d\d\.jsonl$/);
  const records = lines.content.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records.map((record) => record["title"])).toEqual(["Plain", "Formula"]);
  expect(records.every((record) => record["format"] === "atrium.memory/1")).toBe(true);

  const table = await download(page, "Download CSV");
  expect(table.name).toMatch(/\.csv$/);
  expect(table.content).toContain("'=1+1,Formula");
  expect(table.content).not.toContain("Elsewhere");

  const archive = await download(page, "Download Markdown files (zip)");
  expect(archive.name).toMatch(/\.zip$/);
  expect(archive.content.startsWith("PK")).toBe(true);
  expect(archive.content).toContain("000001-plain.md");

  // Another member's copy becomes their own memory.
  const other = await visitors.as("other-owner");
  await visit(other, "/memories/import");
  const path = await uploadFile(other, lines.name, Buffer.from(lines.content, "latin1"));
  await visit(other, path);
  await expect(other.getByLabel("Format", { exact: true })).toHaveValue("atrium");
  await other.getByRole("button", { name: "Import 2 memories" }).click();
  await expect(other.getByRole("region", { name: "Progress" })).toContainText("Done", { timeout: 20_000 });
  await visit(other, `/memories?tag=${tag}`);
  await expect(other.getByRole("table").locator("td a.row-title")).toHaveText(["Plain", "Formula"]);
});

test("a search can't be exported, and an export says whose memories it contains", async ({ visitors }) => {
  const page = await visitors.as("owner");
  await visit(page, "/memories");
  await untilImported(page, await giveFile(page, "one.txt", `One: ${uniqueWord()}`));
  await visit(page, "/memories?query=one&mode=words");
  await expect(page.getByRole("link", { name: "Export", exact: true })).toHaveCount(0);
  await visit(page, "/memories/export");
  await page.getByRole("link", { name: "Export only your own memories" }).click();
  await expect(page).toHaveURL("/memories/export?owner=mine");
  expect((await page.request.get("/memories/export/file?format=csv&owner=mine")).status()).toBe(200);
  expect((await page.request.get("/memories/export/file?format=song")).status()).toBe(422);
});
