import { awake, expect, test, visit } from "../support/test.ts";

test("an admin renames the organisation and limits its sessions; an invalid value is reported next to its field", async ({ visitors }) => {
  const admin = await visitors.as("other-owner");
  await visit(admin, "/settings");
  const name = await admin.getByLabel("Organisation name").inputValue();
  await admin.getByLabel("Idle timeout (hours)").fill("9");
  await admin.getByLabel("Maximum session length (hours)").fill("8");
  await admin.getByRole("button", { name: "Save settings" }).click();
  await expect(admin.locator(".field-error", { hasText: "can’t be longer than the maximum session length" })).toBeVisible();
  await awake(admin);
  await expect(admin.getByLabel("Idle timeout (hours)")).toHaveValue("9");

  await admin.getByLabel("Idle timeout (hours)").fill("4");
  await admin.getByLabel("Organisation name").fill(`${name} renamed`);
  await admin.getByRole("button", { name: "Save settings" }).click();
  await expect(admin.getByText("Settings saved.")).toBeVisible();
  await visit(admin, "/");
  await expect(admin.getByRole("navigation", { name: "Main" })).toContainText(`${name} renamed`);

  await visit(admin, "/settings");
  await admin.getByLabel("Organisation name").fill(name);
  await admin.getByLabel("Idle timeout (hours)").fill("");
  await admin.getByLabel("Maximum session length (hours)").fill("");
  await admin.getByRole("button", { name: "Save settings" }).click();
  await expect(admin.getByText("Settings saved.")).toBeVisible();
});

test("a member is denied the settings", async ({ visitors }) => {
  const member = await visitors.as("member");
  const answer = await member.goto("/settings");
  expect(answer?.status()).toBe(403);
  await expect(member.getByRole("main")).toContainText("settings.manage");
});
