import { callApi } from "../support/keys.ts";
import { origin } from "../support/memories.ts";
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
  await expect(page.getByRole("region", { name: "Manual set-up" })).toContainText(`${server.url}/mcp`);
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

test("a client is connected in three clicks, with a key that is shown once", async ({ visitors, server }) => {
  const page = await visitors.as("member");
  await visit(page, "/");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Connect AI clients" }).click();
  await awake(page);
  await expect(page.getByRole("radio", { name: "Claude Code" })).toBeChecked();
  await page.getByRole("radio", { name: "Cursor" }).check();
  await page.getByRole("button", { name: "Create key and show set-up" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Connect Cursor");
  const key = (await page.getByRole("region", { name: "The key alone" }).locator("code").first().textContent()) ?? "";
  expect(key).toMatch(/^atr_[0-9A-Za-z]{33}$/);
  const file = JSON.parse(await textFor(page, "Cursor")) as { mcpServers: { atrium: { url: string; headers: Record<string, string> } } };
  expect(file.mcpServers.atrium.url).toBe(`${server.url}/mcp`);
  expect(file.mcpServers.atrium.headers["Authorization"]).toBe(`Bearer ${key}`);
  await expect(page.getByRole("region", { name: "Claude Code" })).toHaveCount(0);
  expect(page.url()).not.toContain("atr_");

  expect((await callApi(page, "/api/v1/memories", key)).status()).toBe(200);
  expect((await callApi(page, "/api/v1/members", key)).status()).toBe(403);

  await page.getByRole("link", { name: "View key" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Cursor");
  expect(await page.content()).not.toContain(key.slice(8));
  await visit(page, "/connect");
  expect(await page.content()).not.toContain(key.slice(8));
});

test("a viewer's client only reads, and one that does not exist is refused", async ({ visitors }) => {
  const page = await visitors.as("viewer");
  await visit(page, "/connect");
  await expect(page.getByText("The key can read memories as you")).toBeVisible();
  await page.getByRole("button", { name: "Create key and show set-up" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Connect Claude Code");
  await page.getByRole("link", { name: "View key" }).click();
  await expect(page.getByRole("main")).toContainText("Read memories");
  await expect(page.getByRole("main")).not.toContainText("Create, edit, delete");

  const refused = await page.request.post("/connect", { headers: origin(page, "/connect"), form: { call: "connect_client", client: "abacus" } });
  expect(refused.status()).toBe(422);
  expect(await refused.text()).toContain("Choose one of the clients.");
});

test("a key created by hand is part of the instructions once", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/connect");
  await page.getByRole("link", { name: "Choose permissions" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New key");
  await awake(page);
  await page.getByRole("checkbox", { name: /Read memories/ }).check();
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
