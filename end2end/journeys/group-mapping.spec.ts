import { awake, expect, test, uniqueWord, visit } from "../support/test.ts";

test("an admin previews a rule, saves it, changes it and removes it", async ({ visitors }) => {
  const word = uniqueWord();
  const admin = await visitors.as("admin");
  await visit(admin, "/groups/new");
  await admin.getByLabel("Group or app role").fill(`group-${word}`);
  await admin.getByLabel("Name").fill(`Finance ${word}`);
  await admin.getByLabel("Role", { exact: true }).selectOption({ label: "Viewer" });
  await admin.getByRole("button", { name: "Preview" }).click();

  await expect(admin.getByRole("heading", { name: "Preview", level: 1 })).toBeVisible();
  await awake(admin);
  await expect(admin.getByRole("main")).toContainText("No current member is in this group");
  await expect(admin.getByRole("main")).toContainText("No changes for");
  await admin.getByLabel("Or token claims").fill(`group-${word}\nanother-${word}`);
  await admin.getByRole("button", { name: "Test" }).click();
  await awake(admin);
  await expect(admin.getByRole("row", { name: /Role Viewer/ })).toContainText(`Group Finance ${word}, priority 100`);
  await expect(admin.getByRole("main")).toContainText(`No rule for: another-${word}`);

  // Back to the form, which keeps what was typed.
  await admin.getByRole("link", { name: "Edit rule" }).click();
  await awake(admin);
  await expect(admin.getByLabel("Group or app role")).toHaveValue(`group-${word}`);
  await admin.getByLabel("Priority").fill("many");
  await admin.getByRole("button", { name: "Preview" }).click();
  await expect(admin.getByRole("alert").filter({ hasText: "whole number from 0 to 1000" })).toBeVisible();
  await admin.getByRole("link", { name: "Back to the form" }).click();
  await awake(admin);
  await admin.getByLabel("Priority").fill("7");
  await admin.getByRole("button", { name: "Preview" }).click();
  await awake(admin);
  await admin.getByRole("button", { name: "Save rule" }).click();
  await expect(admin.getByText("Rule saved.")).toBeVisible();
  const row = admin.getByRole("row", { name: new RegExp(`Finance ${word}`) });
  await expect(row).toContainText("Role Viewer");
  await expect(row).toContainText("7");

  // The same rule again is rejected with the reason, and can be changed.
  await visit(admin, "/groups/new");
  await admin.getByLabel("Group or app role").fill(`group-${word}`);
  await admin.getByLabel("Role", { exact: true }).selectOption({ label: "Viewer" });
  await admin.getByRole("button", { name: "Preview" }).click();
  await awake(admin);
  await admin.getByRole("button", { name: "Save rule" }).click();
  await expect(admin.getByRole("alert").filter({ hasText: "already" })).toBeVisible();

  await visit(admin, "/groups");
  await admin.getByRole("link", { name: `Finance ${word}` }).click();
  await awake(admin);
  await admin.getByRole("link", { name: "Remove rule" }).click();
  await expect(admin.getByRole("heading", { name: "Remove this rule?" })).toBeVisible();
  await awake(admin);
  await admin.getByRole("button", { name: "Remove rule" }).click();
  await expect(admin.getByText("Rule removed.")).toBeVisible();
  await expect(admin.getByRole("link", { name: `Finance ${word}` })).toHaveCount(0);
});

test("a member has no link to the rules and is denied", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/");
  await expect(member.getByRole("link", { name: "Directory groups" })).toHaveCount(0);
  for (const path of ["/groups", "/groups/new", "/groups/preview"]) {
    const answer = await member.goto(path);
    expect(answer?.status(), path).toBe(403);
    await expect(member.getByRole("main")).toContainText("group_mapping.manage");
  }
});
