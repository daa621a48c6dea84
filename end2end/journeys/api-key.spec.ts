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

test("key managers create an agent or a service account, which can do nothing until it has a role", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  const name = `Exporter ${uniqueWord()}`;
  await visit(admin, "/keys/services/new");
  await admin.getByRole("button", { name: "Create" }).click();
  await expect(admin.getByText("Enter a name of 1 to 100 characters.")).not.toHaveCount(0);
  await admin.getByLabel("Name").fill(name);
  await admin.getByRole("button", { name: "Create" }).click();
  await expect(admin.getByRole("status").first()).toContainText("Created. Assign a role, then create a key.");
  const row = admin.getByRole("row", { name: new RegExp(name) });
  await expect(row).toContainText("None");
  await row.getByRole("link", { name: `New key for ${name}` }).click();
  await expect(admin.getByRole("heading", { name: "No permissions available for this key" })).toBeVisible();

  const member = await visitors.as("member");
  expect((await member.goto("/keys/services"))?.status()).toBe(403);
});
