import { type Page, awake, expect, runsScripts, test, uniqueWord, visit } from "../support/test.ts";

const CLIENTS = ["Claude Code", "Claude Desktop", "Cursor", "VS Code", "ChatGPT and OpenAI’s API"];

function textFor(page: Page, client: string): Promise<string> {
  return page.getByRole("region", { name: client }).locator("pre").innerText();
}

test("the instructions for each client name this installation", async ({ visitors, server }) => {
  const page = await visitors.as("member");
  await visit(page, "/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Connect AI clients" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Connect AI clients");
  await expect(page.getByRole("region", { name: "Address" })).toContainText(`${server.url}/mcp`);
  for (const client of CLIENTS) {
    const text = await textFor(page, client);
    expect(text).toContain(`${server.url}/mcp`);
    if (client !== "VS Code") expect(text).toContain("YOUR_KEY");
    if (text.startsWith("{")) JSON.parse(text);
  }
  expect(await textFor(page, "VS Code")).toContain("${input:atrium-key}");
  expect(await textFor(page, "Claude Code")).toMatch(/^claude mcp add --transport http --scope user atrium http/);
  const copy = page.getByRole("button", { name: "Copy the text for Cursor" });
  if (runsScripts(page)) {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await awake(page);
    await copy.click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await textFor(page, "Cursor"));
  } else {
    await expect(copy).toBeHidden();
  }
});

test("a key created for a client is part of the instructions once", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/connect");
  await page.getByRole("link", { name: "New key" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New key");
  await awake(page);
  await expect(page.getByRole("checkbox", { name: /Read memories/ })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: /Create, edit, delete and restore/ })).toBeChecked();
  await expect(page.getByRole("checkbox", { name: /Import memories/ })).not.toBeChecked();
  await page.getByLabel("Name", { exact: true }).fill(`Client ${uniqueWord()}`);
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your new key");
  const key = (await page.getByRole("region", { name: "Copy it now" }).locator("code").first().textContent()) ?? "";
  expect(key).toMatch(/^atr_[0-9A-Za-z]{33}$/);
  await page.getByText("Connect an AI client with this key").click();
  for (const client of CLIENTS.filter((client) => client !== "VS Code")) {
    expect(await textFor(page, client)).toContain(`Bearer ${key}`);
  }
  await visit(page, "/connect");
  expect(await page.content()).not.toContain(key.slice(8));
});
