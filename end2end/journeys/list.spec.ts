// Lists: order, totals, export and selection.
import { makeKey } from "../support/keys.ts";
import { type Page, awake, expect, runsScripts, test, uniqueWord, visit } from "../support/test.ts";

const rows = (page: Page) => page.locator("main table tbody tr");
const head = (page: Page, name: string) => page.getByRole("columnheader", { name });

test("a list is sorted by its heads, and keeps the order when it is filtered", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/members?query=demo");
  await expect(head(admin, "Member")).toHaveAttribute("aria-sort", "ascending");
  await head(admin, "Member").getByRole("link").click();
  await expect(admin).toHaveURL("/members?query=demo&sort=-name");
  await expect(head(admin, "Member")).toHaveAttribute("aria-sort", "descending");
  await expect(rows(admin).first()).toContainText("Demo viewer");
  await awake(admin);
  await admin.getByRole("searchbox", { name: "Search members" }).fill("demo m");
  await admin.getByRole("button", { name: "Search", exact: true }).click();
  await expect(admin).toHaveURL(/sort=-name/);
  await expect(rows(admin)).toHaveCount(1);
});

test("a list is counted and exported as it is shown", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/members?query=demo&sort=-name");
  await expect(admin.getByRole("main")).toContainText("5 members");
  const file = admin.waitForEvent("download");
  await admin.getByRole("link", { name: "Export as CSV" }).click();
  expect((await file).suggestedFilename()).toMatch(/^atrium-members-.*\.csv$/);
  const path = await admin.getByRole("link", { name: "Export as JSON" }).getAttribute("href");
  const exported = await admin.request.get(path ?? "");
  const names = ((await exported.json()) as { display_name: string }[]).map((row) => row.display_name);
  expect(names).toEqual(["Demo viewer", "Demo owner", "Demo member", "Demo billing", "Demo admin"]);
});

test("a key is found by its first characters", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/");
  const label = uniqueWord();
  const key = await makeKey(member, { label, scopes: ["memory.read"] });
  const admin = await visitors.as("admin");
  await visit(admin, "/keys/all");
  await admin.getByRole("searchbox", { name: "Search keys" }).fill(key);
  await admin.getByRole("button", { name: "Search", exact: true }).click();
  await expect(rows(admin)).toHaveCount(1);
  await expect(rows(admin)).toContainText(label);
});

test("all rows are selected at once, and counted", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/members?query=demo");
  if (!runsScripts(admin)) {
    // It would do nothing; rows are selected one by one.
    await expect(admin.locator("input[data-select-all]")).toBeHidden();
    await rows(admin).first().getByRole("checkbox").check();
    await admin.getByLabel("With selected members").selectOption({ label: "Suspend" });
    await admin.getByRole("button", { name: "Review changes" }).click();
    await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Suspend");
    return;
  }
  await admin.getByRole("checkbox", { name: "Select all on this page" }).check();
  await expect(admin.getByText("5 selected")).toBeVisible();
  await rows(admin).first().getByRole("checkbox").uncheck();
  await expect(admin.getByText("4 selected")).toBeVisible();
  await expect(admin.getByRole("checkbox", { name: "Select all on this page" })).not.toBeChecked();
});

test("the audit log is narrowed to a period and to one target", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/audit?from=2999-01-01");
  await expect(admin.getByRole("heading", { name: "No results" })).toBeVisible();
  expect((await admin.goto("/audit?from=yesterday"))?.status()).toBe(422);
  await visit(admin, "/audit?action=session.sign_in&outcome=success");
  await expect(admin.getByLabel("From (UTC)")).toBeVisible();
  const entry = admin.locator("main .audit > details").first();
  await entry.locator("summary").click();
  await entry.getByRole("link", { name: "View its activity" }).click();
  await expect(admin).toHaveURL(/target=[0-9a-f-]{36}/);
  await expect(admin.getByRole("main")).toContainText("Only one target is shown.");
  await awake(admin);
});
