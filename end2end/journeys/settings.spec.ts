import { awake, expect, test, visit } from "../support/test.ts";

test("an admin renames the organisation and limits its sessions; an invalid value is reported next to its field", async ({ visitors }) => {
  const admin = await visitors.as("other-owner");
  await visit(admin, "/settings");
  const name = await admin.getByLabel("Name of the organisation").inputValue();
  await admin.getByLabel("Hours until an unused session ends").fill("9");
  await admin.getByLabel("Hours until any session ends").fill("8");
  await admin.getByRole("button", { name: "Save settings" }).click();
  await expect(admin.locator(".field-error", { hasText: "can’t be longer than a session lasts" })).toBeVisible();
  await awake(admin);
  await expect(admin.getByLabel("Hours until an unused session ends")).toHaveValue("9");

  await admin.getByLabel("Hours until an unused session ends").fill("4");
  await admin.getByLabel("Name of the organisation").fill(`${name} renamed`);
  await admin.getByRole("button", { name: "Save settings" }).click();
  await expect(admin.getByText("Settings saved.")).toBeVisible();
  await visit(admin, "/");
  await expect(admin.getByRole("navigation", { name: "Main" })).toContainText(`${name} renamed`);

  await visit(admin, "/settings");
  await admin.getByLabel("Name of the organisation").fill(name);
  await admin.getByLabel("Hours until an unused session ends").fill("");
  await admin.getByLabel("Hours until any session ends").fill("");
  await admin.getByRole("button", { name: "Save settings" }).click();
  await expect(admin.getByText("Settings saved.")).toBeVisible();
});

test("a member is denied the settings", async ({ visitors }) => {
  const member = await visitors.as("member");
  const answer = await member.goto("/settings");
  expect(answer?.status()).toBe(403);
  await expect(member.getByRole("main")).toContainText("settings.manage");
});
