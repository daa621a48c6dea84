import { makeKey } from "../support/keys.ts";
import { type Page, awake, expect, pressAndConfirm, runsScripts, test, uniqueWord, visit } from "../support/test.ts";

const KEY = /^atr_[0-9A-Za-z]{33}$/;

/** Fills in and sends the form; returns the key that the page shows. */
async function createKey(page: Page, label: string, scopes: RegExp[]): Promise<string> {
  await page.getByLabel("Name", { exact: true }).fill(label);
  for (const scope of scopes) await page.getByRole("checkbox", { name: scope }).check();
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your new key");
  const key = (await page.getByRole("region", { name: "Copy it now" }).locator("code").first().textContent()) ?? "";
  expect(key).toMatch(KEY);
  return key;
}

const READ = /Read memories/;

test("a key is created, shown once and nowhere else, and revoked", async ({ visitors }) => {
  const page = await visitors.as("member");
  const label = `Export ${uniqueWord()}`;
  await visit(page, "/keys");
  await page.getByRole("link", { name: /New key|Create a key/ }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New key");
  await awake(page);
  const key = await createKey(page, label, [READ]);
  const secret = key.slice(8);
  expect(page.url()).not.toContain(secret);
  expect(new URL(page.url()).pathname).toBe("/keys/new");
  expect(JSON.stringify(await page.context().storageState())).not.toContain(secret);

  await page.getByRole("link", { name: "Done" }).click();
  const row = page.getByRole("row", { name: new RegExp(label) });
  await expect(row).toContainText("Active");
  await expect(row).toContainText(`${key.slice(0, 8)}…`);
  expect(await page.content()).not.toContain(secret);
  // The history doesn't contain it either: without scripts the browser would have to send the form again, and asks
  // before it does.
  if (runsScripts(page)) {
    await page.goBack();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("New key");
    expect(await page.content()).not.toContain(secret);
  } else {
    await expect(page.goBack()).rejects.toThrow("ERR_CACHE_MISS");
    await page.waitForURL("chrome-error://chromewebdata/");
  }

  await visit(page, "/keys");
  await page.getByRole("link", { name: label }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(label);
  await expect(page.getByRole("region", { name: "Permissions" })).toContainText("memory.read");
  expect(await page.content()).not.toContain(secret);
  await pressAndConfirm(page, "Revoke key…");
  await expect(page.getByRole("status").first()).toContainText("Key revoked.");
  await expect(page.getByRole("region", { name: "About this key" })).toContainText("Revoked");
  await expect(page.getByRole("button", { name: "Revoke key…" })).toHaveCount(0);
  await visit(page, "/keys?ended=true");
  await expect(page.getByRole("row", { name: new RegExp(label) })).toContainText("Revoked");
});

test("a missing value is reported next to its field and other choices are kept", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/keys/new");
  await page.getByRole("checkbox", { name: READ }).check();
  await page.getByLabel("Expires in").selectOption("7");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("Enter a name of 1 to 100 characters.")).not.toHaveCount(0);
  await expect(page.getByRole("checkbox", { name: READ })).toBeChecked();
  await expect(page.getByLabel("Expires in")).toHaveValue("7");
  await page.getByRole("checkbox", { name: READ }).uncheck();
  await page.getByLabel("Name", { exact: true }).fill("Nothing");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByText("Choose at least one permission.")).not.toHaveCount(0);
  await expect(page.getByLabel("Name", { exact: true })).toHaveValue("Nothing");
});

test("a key is offered its owner's permissions only, and others' keys are not visible", async ({ visitors }) => {
  const viewer = await visitors.as("viewer");
  await visit(viewer, "/keys/new");
  await expect(viewer.getByRole("checkbox", { name: READ })).toBeVisible();
  await expect(viewer.getByRole("checkbox", { name: /audit log/ })).toHaveCount(0);
  const label = `Viewer ${uniqueWord()}`;
  await makeKey(viewer, { label, scopes: ["memory.read"] });
  await visit(viewer, "/keys");
  const href = (await viewer.getByRole("link", { name: label }).getAttribute("href")) ?? "";
  expect(href).toMatch(/^\/keys\/[0-9a-f-]{36}$/);

  for (const person of ["member", "other-owner"] as const) {
    const other = await visitors.as(person);
    const answer = await other.goto(href);
    expect(answer?.status(), person).toBe(404);
  }
  const billing = await visitors.as("billing");
  expect((await billing.goto("/keys"))?.status()).toBe(403);

  const admin = await visitors.as("admin");
  await visit(admin, "/keys/all");
  await expect(admin.getByRole("row", { name: new RegExp(label) })).toContainText("Demo viewer");
  await admin.getByRole("link", { name: label }).click();
  await pressAndConfirm(admin, "Revoke key…");
  await expect(admin.getByRole("status").first()).toContainText("Key revoked.");
  await visit(viewer, href);
  await expect(viewer.getByRole("region", { name: "About this key" })).toContainText("Revoked");
});

test("an agent or a service gets its role and its first key in one form", async ({ visitors, server }) => {
  const admin = await visitors.as("admin");
  const name = `Exporter ${uniqueWord()}`;
  await visit(admin, "/keys/services/new");
  const form = admin.getByRole("main");
  await form.getByRole("button", { name: "Create" }).click();
  // Each invalid field is named at once, and what was chosen stays.
  await expect(form.getByText("Enter a name of 1 to 100 characters.").first()).toBeVisible();
  await expect(form.getByLabel("Key name")).toHaveAttribute("aria-invalid", "true");
  await expect(form.getByLabel("Create a key now")).toBeChecked();
  await form.getByLabel("Name", { exact: true }).fill(name);
  await form.getByLabel("Key name").fill("First key");
  await form.getByRole("button", { name: "Create" }).click();
  await expect(form.getByText("doesn't have the permission “memory.read”")).not.toHaveCount(0);
  await form.getByRole("checkbox", { name: /^Viewer/ }).check();
  await form.getByRole("button", { name: "Create" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Your new key");
  const key = (await form.locator("code").filter({ hasText: /^atr_/ }).first().textContent()) ?? "";
  const answer = await fetch(`${server.url}/api/v1/memories`, { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status).toBe(200);
  await form.getByRole("link", { name: "Done" }).click();
  await expect(admin.getByRole("row", { name: new RegExp(name) })).toContainText("Viewer");
});

test("key managers create an agent or a service account, which can do nothing until it has a role", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  const name = `Exporter ${uniqueWord()}`;
  await visit(admin, "/keys/services/new");
  await admin.getByRole("button", { name: "Create" }).click();
  await expect(admin.getByText("Enter a name of 1 to 100 characters.")).not.toHaveCount(0);
  await admin.getByLabel("Name", { exact: true }).fill(name);
  await admin.getByLabel("Create a key now").uncheck();
  await admin.getByRole("button", { name: "Create" }).click();
  await expect(admin.getByRole("status").first()).toContainText("Created. Assign a role, then create a key.");
  const row = admin.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("None");
  await row.getByRole("link", { name: `New key for ${name}` }).click();
  await expect(admin.getByRole("heading", { name: "No permissions available for this key" })).toBeVisible();

  const member = await visitors.as("member");
  expect((await member.goto("/keys/services"))?.status()).toBe(403);
});
