import { deleteMemory, writeMemory } from "../support/memories.ts";
import { type Page, awake, expect, runsScripts, test, visit } from "../support/test.ts";

const entries = (page: Page) => page.locator("main .audit > details");
const first = (page: Page) => entries(page).first();

test("the owner finds a sign-in, a creation and a denial, with member, time and outcome", async ({ visitors }) => {
  const member = await visitors.anew("member");
  await visit(member, "/memories");
  const id = await writeMemory(member, { title: "Watched", content: "Its creation is in the log." });
  await member.goto("/audit");

  const owner = await visitors.as("owner");
  await visit(owner, "/audit?action=audit.list&outcome=denied");
  await expect(first(owner)).toContainText("Demo member");
  await expect(first(owner)).toContainText("Denied");

  await visit(owner, "/audit?action=memory.create");
  await expect(first(owner)).toContainText("Demo member");
  await expect(first(owner)).toContainText("Success");
  await first(owner).locator("summary").click();
  await expect(first(owner)).toContainText(id);
  await expect(first(owner)).toContainText("127.0.0.1");
  await expect(first(owner)).toContainText("UTC");
  // The log does not contain the text of the memory.
  await expect(first(owner)).not.toContainText("Its creation is in the log.");

  await visit(owner, "/audit?action=session.sign_in&outcome=success");
  await expect(entries(owner).filter({ hasText: "Demo member" }).first()).toBeVisible();
});

test("a refused sign-in and a sign-out are in the log", async ({ visitors }) => {
  const visitor = await visitors.anonymous();
  await visit(visitor, "/sign-in");
  await visitor.getByRole("link", { name: "Sign in" }).click();
  await visitor.getByRole("button", { name: "Cancel" }).click();
  await expect(visitor).toHaveURL("/sign-in?error=refused");
  const member = await visitors.anew("member");
  await visit(member, "/profile");
  await member.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(member).toHaveURL(/\/sign-in/);

  const admin = await visitors.as("admin");
  await visit(admin, "/audit?action=session.sign_in&outcome=denied");
  await expect(first(admin)).toContainText("Visitor");
  await visit(admin, "/audit?action=session.sign_out");
  await expect(first(admin)).toContainText("Demo member");
});

test("the log is filtered by action, outcome and member, in the URL", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/memories");
  await deleteMemory(member, await writeMemory(member, { content: "Deleted for the log." }));

  const owner = await visitors.as("owner");
  await visit(owner, "/audit");
  await owner.getByLabel("Event").fill("memory");
  await owner.getByRole("button", { name: "Apply", exact: true }).click();
  await expect(owner).toHaveURL(/action=memory/);
  await awake(owner);
  await expect(entries(owner).filter({ hasText: "session." })).toHaveCount(0);
  await expect(entries(owner).filter({ hasText: "memory.delete" }).first()).toBeVisible();

  await owner.getByLabel("Outcome").selectOption({ label: "Success" });
  if (!runsScripts(owner)) await owner.getByRole("button", { name: "Apply", exact: true }).click();
  await expect(owner).toHaveURL(/outcome=success/);

  await entries(owner).filter({ hasText: "memory.delete" }).first().locator("summary").click();
  await owner.getByRole("link", { name: "View all activity" }).first().click();
  await expect(owner).toHaveURL(/actor=[0-9a-f-]{36}/);
  await expect(entries(owner).filter({ hasNotText: "Demo member" })).toHaveCount(0);
  await expect(owner.getByLabel("Actor").locator("option:checked")).toHaveText("Demo member");

  await owner.getByRole("link", { name: "Clear filters" }).click();
  await expect(owner).toHaveURL("/audit");
});

test("filters without results say so and lead back to everything", async ({ visitors }) => {
  const owner = await visitors.as("owner");
  await visit(owner, "/audit?action=nothing.like.this");
  await expect(owner.getByRole("heading", { name: "No results" })).toBeVisible();
  await owner.getByRole("link", { name: "Show all activity" }).click();
  await expect(owner).toHaveURL("/audit");
  await expect(first(owner)).toBeVisible();
});
