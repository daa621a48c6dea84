import { makeRole } from "../support/break-glass.ts";
import { writeMemory } from "../support/memories.ts";
import { visitMember } from "../support/people.ts";
import { type Page, awake, expect, pressAndConfirm, test, uniqueWord, visit } from "../support/test.ts";

test.use({ world: "people" });

const told = (page: Page) => page.getByRole("status").first();
const REASON = "Customer 41 asks what was agreed in March.";

test("an owner grants break-glass to a member, who gives a reason, reads and closes; the owner of the memories sees what was read", async ({ visitors }) => {
  const member = await visitors.anew("member");
  const word = uniqueWord();
  const memory = await writeMemory(member, { title: `Agreed with ${word}`, content: `Ten per cent off, says ${word}.` });
  await writeMemory(member, { title: `Not read ${word}`, content: "Nobody reads this." });

  // The owner's own role opens nothing.
  const owner = await visitors.as("owner");
  const person = await visitMember(owner, "member");
  await expect(owner.getByRole("region", { name: "Private memories" })).toHaveCount(0);
  for (const path of [`/members/${person}/break-glass`, `/members/${person}/break-glass/${memory}`]) {
    expect((await owner.goto(path))?.status(), path).toBe(403);
    await expect(owner.getByRole("main")).toContainText("memory.break_glass");
    await awake(owner);
  }
  const role = await makeRole(owner);
  await visitMember(owner, "admin");
  await owner.getByLabel("Assign role").selectOption({ label: role });
  await owner.getByRole("button", { name: "Assign" }).click();
  await expect(told(owner)).toContainText("Role assigned.");

  const reader = await visitors.as("admin");
  await visit(reader, `/members/${person}`);
  const section = reader.getByRole("region", { name: "Private memories" });
  await section.getByLabel("Reason for access").fill("Because");
  await section.getByRole("button", { name: "Open private memories" }).click();
  await expect(reader.locator("#reason-error")).toContainText("10 to 500 characters");
  await expect(section.getByLabel("Reason for access")).toHaveValue("Because");
  await awake(reader);
  await section.getByLabel("Reason for access").fill(REASON);
  await section.getByLabel("Duration").selectOption({ label: "1 hour" });
  await section.getByRole("button", { name: "Open private memories" }).click();
  await expect(told(reader)).toContainText("Private memories opened. The member was notified.");
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText("Private memories of Demo member");
  await awake(reader);

  const banner = reader.getByRole("complementary", { name: "Open private memories" });
  await expect(banner).toContainText(REASON);
  await expect(banner).toContainText("Access ends in 1 h");
  const main = reader.getByRole("main");
  await expect(main.getByRole("link", { name: `Not read ${word}` })).toBeVisible();
  await expect(main).not.toContainText(`says ${word}`);
  await main.getByRole("link", { name: `Agreed with ${word}` }).click();
  await expect(reader.getByRole("article")).toHaveText(`Ten per cent off, says ${word}.`);
  await expect(banner).toContainText(REASON);
  await awake(reader);
  // All other pages keep it private.
  expect((await reader.goto(`/memories/${memory}`))?.status()).toBe(404);
  await visit(reader, `/memories?query=${word}&mode=words`);
  await expect(reader.getByText(`Agreed with ${word}`)).toHaveCount(0);

  // The member sees it at the next page load.
  await visit(member, "/");
  const link = member.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Notifications/ });
  await expect(link).toContainText("1 new");
  await link.click();
  await expect(member.getByRole("heading", { level: 1 })).toHaveText("Notifications");
  await awake(member);
  const item = member.getByRole("listitem").filter({ hasText: "Demo admin opened your private memories" });
  await expect(item).toContainText(REASON);
  await expect(item).toContainText("New");
  await item.getByRole("button", { name: "Mark as read" }).click();
  await expect(told(member)).toContainText("Marked as read.");
  await expect(item.getByRole("button", { name: "Mark as read" })).toHaveCount(0);
  await expect(link).not.toContainText("new");

  await visit(member, "/profile");
  const readers = member.getByRole("region", { name: "Break-glass access to your memories" });
  await expect(readers).toContainText("1 memory read");
  await expect(readers).toContainText("Active");
  await readers.locator("summary").first().click();
  await expect(readers.getByRole("link", { name: `Agreed with ${word}` })).toBeVisible();
  await expect(readers.getByText(`Not read ${word}`)).toHaveCount(0);

  await visit(reader, `/members/${person}/break-glass`);
  await reader.getByRole("button", { name: "End access" }).click();
  await expect(told(reader)).toContainText("Break-glass access ended.");
  await expect(section.getByRole("button", { name: "Open private memories" })).toBeVisible();
  await visit(reader, `/members/${person}/break-glass/${memory}`);
  await expect(main).toContainText("Access has expired");
  await expect(main).not.toContainText(word);
  await main.getByRole("link", { name: "View member" }).click();
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText("Demo member");
  await awake(reader);
  await visit(member, "/profile");
  await expect(readers.getByText("Active", { exact: true })).toHaveCount(0);

  // Removing the role ends the access at the next request.
  await visitMember(owner, "admin");
  await pressAndConfirm(owner, `Remove the role ${role}`);
  await expect(told(owner)).toContainText("Role removed.");
  expect((await reader.goto(`/members/${person}/break-glass`))?.status()).toBe(403);
  await awake(reader);
});

test("an admin can neither create nor assign a role with break-glass", async ({ visitors }) => {
  const owner = await visitors.as("owner");
  const role = await makeRole(owner);
  const admin = await visitors.as("admin");
  await visit(admin, "/roles/new");
  const box = admin.getByRole("checkbox", { name: "Open a member's private memories" });
  await expect(box).toBeDisabled();
  await visitMember(admin, "viewer");
  await expect(admin.getByLabel("Assign role").locator("option", { hasText: "Viewer" })).toHaveCount(0);
  await expect(admin.getByLabel("Assign role").locator("option", { hasText: "Billing" })).toHaveCount(1);
  await expect(admin.getByLabel("Assign role").locator("option", { hasText: role })).toHaveCount(0);
});

test("a member without notifications sees that; others can mark all as read", async ({ visitors }) => {
  const viewer = await visitors.anew("viewer");
  await visit(viewer, "/notifications");
  await expect(viewer.getByRole("heading", { name: "You’re all caught up" })).toBeVisible();
  await expect(viewer.getByRole("button", { name: "Mark all as read" })).toHaveCount(0);
});

test("a member's keys are listed on their page and revoked there", async ({ visitors }) => {
  const { makeKey } = await import("../support/keys.ts");
  const member = await visitors.as("member");
  const label = `Export ${uniqueWord()}`;
  await visit(member, "/");
  await makeKey(member, { label, scopes: ["memory.read"] });
  const admin = await visitors.as("admin");
  await visitMember(admin, "member");
  const row = admin.getByRole("region", { name: "API keys" }).getByRole("row", { name: new RegExp(label) });
  await expect(row).toContainText("Active");
  await pressAndConfirm(row, `Revoke ${label}`);
  await expect(told(admin)).toContainText("Key revoked.");
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Demo member");
  await expect(row).toContainText("Revoked");
  await expect(row.getByRole("button")).toHaveCount(0);

  await visitMember(member, "member");
  await expect(member.getByRole("region", { name: "API keys" })).toHaveCount(0);
});
