import { makeInvite } from "../support/invites.ts";
import { post } from "../support/memories.ts";
import { type Page, awake, choose, expect, pressAndConfirm, test, uniqueWord, visit } from "../support/test.ts";

// A member of another organisation joins here.
test.use({ world: "invite" });

const LINK = /^http:\/\/127\.0\.0\.1:\d+\/invite\/atri_[0-9A-Za-z]{33}$/;

/** The link that the page shows. */
async function shownLink(page: Page): Promise<string> {
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Invitation link");
  const link = (await page.getByRole("region", { name: "Copy it now" }).locator("code").first().textContent()) ?? "";
  expect(link).toMatch(LINK);
  expect(page.url()).not.toContain("atri_");
  return link;
}

/** Opens a link and checks that it is not valid. */
async function isRefused(page: Page, link: string, reason: string): Promise<void> {
  expect((await page.goto(link))?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This invite can’t be used");
  await expect(page.getByRole("main")).toContainText(reason);
  await expect(page.getByRole("button", { name: "Sign in and join" })).toHaveCount(0);
}

test("a new person joins by a link, with its role and its team, once", async ({ visitors, server }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/teams");
  const team = `Front desk ${uniqueWord()}`;
  await post(admin, "/teams", { call: "team_create", name: team });
  await visit(admin, "/members");
  await admin.getByRole("link", { name: "Invite people" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Invite people");
  await awake(admin);
  // An admin can't assign the owner's role.
  await expect(admin.getByLabel("Role").getByRole("option", { name: "Owner" })).toHaveCount(0);
  const email = `${uniqueWord()}@example.org`;
  await admin.getByLabel("Email addresses").fill(email);
  await admin.getByLabel("Role").selectOption({ label: "Viewer" });
  await admin.getByLabel("Team").selectOption({ label: team });
  await admin.getByLabel("Expires in").selectOption("1");
  await admin.getByRole("button", { name: "Create invites" }).click();
  const link = await shownLink(admin);
  await expect(admin.getByRole("main")).toContainText(`Send the link to ${email} yourself.`);
  await admin.getByRole("link", { name: "Done" }).click();
  const row = admin.getByRole("row").filter({ hasText: email });
  await expect(row).toContainText("Pending");
  await expect(row).toContainText(`Viewer, ${team}`);
  expect(await admin.content()).not.toContain("atri_");

  const page = await visitors.anonymous();
  const answer = await page.goto(link);
  expect(answer?.headers()["referrer-policy"]).toBe("no-referrer");
  await awake(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Join Demo organisation");
  const main = page.getByRole("main");
  for (const text of ["Demo admin invites you.", "Viewer", team]) await expect(main).toContainText(text);
  await page.getByRole("button", { name: "Sign in and join" }).click();
  await choose(page, "other-owner");
  await expect(page.getByRole("status").first()).toContainText("Welcome. You have joined.");
  await awake(page);
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("Demo organisation");
  await visit(page, "/profile");
  await expect(page.getByRole("main")).toContainText("Viewer");
  await expect(page.getByRole("main")).toContainText(team);

  await isRefused(await visitors.anonymous(), link, "This invite was already used");
  await visit(admin, "/invites?status=accepted");
  await admin.getByRole("link", { name: email }).click();
  await expect(admin.getByRole("region", { name: "About this invite" })).toContainText("Other owner");
  await expect(admin.getByRole("button", { name: "Create new link" })).toHaveCount(0);
  // The log contains the requests, without the link.
  expect(server.logHas("/invite/")).toBe(true);
  expect(server.logHas("atri_")).toBe(false);
});

test("a signed-in member sees their name and gains what an invite grants", async ({ visitors }) => {
  const owner = await visitors.as("owner");
  await visit(owner, "/roles");
  const href = await owner.getByRole("link", { name: "Billing", exact: true }).first().getAttribute("href");
  const link = await makeInvite(owner, { role: href?.split("/").at(-1) ?? "" });
  const page = await visitors.anew("viewer");
  await visit(page, link);
  await expect(page.getByRole("main")).toContainText("You are signed in as Demo viewer.");
  await page.getByRole("button", { name: "Sign in and join" }).click();
  await choose(page, "viewer");
  await expect(page.getByRole("status").first()).toContainText("Welcome. You have joined.");
  await visit(page, "/profile");
  await expect(page.getByRole("main")).toContainText(/Billing.*Viewer|Viewer.*Billing/);
});

test("a link is renewed, which ends the old one, and revoked", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  const visitor = await visitors.anonymous();
  const email = `${uniqueWord()}@example.org`;
  await visit(admin, "/invites");
  const first = await makeInvite(admin, { email });
  await visit(admin, "/invites?status=pending");
  await admin.getByRole("link", { name: email }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText(email);
  await awake(admin);
  await admin.getByLabel("Expires in").selectOption("30");
  await admin.getByRole("button", { name: "Create new link" }).click();
  const second = await shownLink(admin);
  await isRefused(visitor, first, "This invite is not valid.");
  await visit(visitor, second);
  await expect(visitor.getByRole("heading", { level: 1 })).toHaveText("Join Demo organisation");

  await visit(admin, "/invites");
  await admin.getByRole("link", { name: email }).click();
  await awake(admin);
  await pressAndConfirm(admin, "Revoke invite…");
  await expect(admin.getByRole("status").first()).toContainText("Invite revoked.");
  await isRefused(visitor, second, "This invite was revoked.");
  await visit(admin, "/invites?status=revoked");
  await expect(admin.getByRole("row").filter({ hasText: email })).toContainText("Revoked");
});

test("invalid fields are reported next to them, and invites need the permission", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/invites/new");
  await admin.getByLabel("Email addresses").fill("nobody at example");
  await admin.getByLabel("Expires in").selectOption("30");
  await admin.getByRole("button", { name: "Create invites" }).click();
  await expect(admin.getByText("Not valid: “nobody at example”.")).not.toHaveCount(0);
  await expect(admin.getByLabel("Email addresses")).toHaveValue("nobody at example");
  await expect(admin.getByLabel("Expires in")).toHaveValue("30");

  const member = await visitors.as("member");
  for (const path of ["/invites", "/invites/new"]) expect((await member.goto(path))?.status(), path).toBe(403);
  await visit(member, "/members");
  await expect(member.getByRole("link", { name: /Invite/ })).toHaveCount(0);
});

test("several people are invited by their pasted addresses", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/invites/new");
  await expect(admin.getByLabel("Role").locator("option:checked")).toHaveText("Member");
  const [mia, ben, jo] = [`mia-${uniqueWord()}@example.org`, `ben-${uniqueWord()}@example.org`, `jo-${uniqueWord()}@example.org`];
  const pasted = `"Okafor, Mia" <${mia}>; ${ben}\nnobody, ${jo}, jo@`;
  await admin.getByLabel("Email addresses").fill(pasted);
  await admin.getByRole("button", { name: "Create invites" }).click();
  await expect(admin.getByText("Not valid: “nobody”, “jo@”.")).not.toHaveCount(0);
  await expect(admin.getByLabel("Email addresses")).toHaveValue(pasted);
  await visit(admin, "/invites");
  await expect(admin.getByRole("row").filter({ hasText: ben })).toHaveCount(0);

  await visit(admin, "/invites/new");
  await admin.getByLabel("Email addresses").fill(`"Okafor, Mia" <${mia}>; ${ben}\n${jo}, ${ben}`);
  await admin.getByRole("button", { name: "Create invites" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("3 invites created");
  const made = admin.getByRole("region", { name: "Copy them now" }).getByRole("listitem");
  await expect(made).toHaveCount(3);
  expect(admin.url()).not.toContain("atri_");
  const links = new Set<string>();
  for (const [n, email] of [mia, ben, jo].entries()) {
    await expect(made.nth(n)).toContainText(`Send the link to ${email} yourself.`);
    links.add((await made.nth(n).locator("code").textContent()) ?? "");
  }
  expect(links.size).toBe(3);
  for (const link of links) expect(link).toMatch(LINK);
  await admin.getByRole("link", { name: "Done" }).click();
  for (const email of [mia, ben, jo]) {
    const row = admin.getByRole("row").filter({ hasText: email });
    await expect(row).toContainText("Pending");
    await expect(row).toContainText("Member");
  }
  const visitor = await visitors.anonymous();
  for (const link of links) {
    await visit(visitor, link);
    await expect(visitor.getByRole("heading", { level: 1 })).toHaveText("Join Demo organisation");
  }
});
