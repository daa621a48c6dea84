import { visitMember } from "../support/people.ts";
import { type Page, awake, confirmDialog, expect, test, visit } from "../support/test.ts";

test.use({ world: "people" });

const told = (page: Page) => page.getByRole("status").first();
const may = (page: Page, sentence: string) => page.getByRole("checkbox", { name: sentence });

test("a custom role is created, assigned, narrowed and deleted, each taking effect with the next request", async ({ visitors }) => {
  const viewer = await visitors.anew("viewer");
  const audit = viewer.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Audit log" });
  await visit(viewer, "/");
  await expect(audit).toHaveCount(0);

  const admin = await visitors.as("admin");
  await visit(admin, "/roles");
  await admin.getByRole("link", { name: "New role" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("New role");
  await awake(admin);
  await expect(may(admin, "Manage owners")).toBeDisabled();
  await admin.getByLabel("Name", { exact: true }).fill("Auditor");
  await admin.getByLabel("Description").fill("Reads the log.");
  await may(admin, "Read the audit log.").check();
  await admin.getByRole("button", { name: "Create role" }).click();
  await expect(told(admin)).toContainText("Role created.");
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Auditor");
  const role = new URL(admin.url()).pathname;
  await expect(may(admin, "Read the audit log.")).toBeChecked();

  await visitMember(admin, "viewer");
  await admin.getByLabel("Assign role").selectOption({ label: "Auditor" });
  await admin.getByRole("button", { name: "Assign" }).click();
  await expect(told(admin)).toContainText("Role assigned.");
  await visit(viewer, "/");
  await expect(audit).toBeVisible();
  await visit(viewer, "/audit");
  await expect(viewer.getByRole("heading", { level: 1 })).toHaveText("Audit log");

  await visit(admin, role);
  await expect(admin.getByRole("heading", { name: "Assigned to 1 member" })).toBeVisible();
  await may(admin, "Read the audit log.").uncheck();
  await may(admin, "View members, roles and teams.").check();
  await admin.getByRole("button", { name: "Save changes" }).click();
  await expect(told(admin)).toContainText("Role saved.");
  const refused = await viewer.goto("/audit");
  expect(refused?.status()).toBe(403);
  await awake(viewer);

  await visit(admin, role);
  await admin.getByRole("button", { name: "Delete role…" }).click();
  await confirmDialog(admin).getByRole("button", { name: "Remove from 1 member and delete" }).click();
  await expect(admin).toHaveURL(/^[^?]*\/roles(\?|$)/);
  await expect(told(admin)).toContainText("Role deleted.");
  await expect(admin.getByRole("main").getByRole("link", { name: "Auditor" })).toHaveCount(0);
});

test("errors show next to their fields and ticked permissions are kept", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/roles/new");
  await admin.getByLabel("Name", { exact: true }).fill("Owner");
  await may(admin, "Read the audit log.").check();
  await admin.getByRole("button", { name: "Create role" }).click();
  await expect(admin.locator("#name-error")).toContainText("already");
  await expect(may(admin, "Read the audit log.")).toBeChecked();
  await awake(admin);
  await may(admin, "Read the audit log.").uncheck();
  await admin.getByLabel("Name", { exact: true }).fill("Nothing at all");
  await admin.getByRole("button", { name: "Create role" }).click();
  await expect(admin.getByText("Choose at least one permission.").first()).toBeVisible();
  await expect(admin.getByLabel("Name", { exact: true })).toHaveValue("Nothing at all");
});

test("built-in roles are shown and can't be changed", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/roles");
  await expect(admin.locator("table.matrix tbody tr").filter({ hasText: "Manage owners" }).getByText("Yes")).toHaveCount(1);
  await admin.getByRole("link", { name: "Member", exact: true }).first().click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Member");
  await awake(admin);
  await expect(admin.getByRole("main")).toContainText("Built-in roles can’t be edited");
  await expect(admin.getByRole("checkbox")).toHaveCount(0);
  await expect(admin.getByRole("button", { name: "Save changes" })).toHaveCount(0);
});

test("a member can view roles and create none", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/roles");
  await expect(member.getByRole("link", { name: "New role" })).toHaveCount(0);
  const refused = await member.goto("/roles/new");
  expect(refused?.status()).toBe(403);
  await expect(member.getByRole("main")).toContainText("role.manage");
  await awake(member);
});
