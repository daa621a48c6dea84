import { post } from "../support/memories.ts";
import { visitMember } from "../support/people.ts";
import { type Page, PEOPLE, awake, expect, pressAndConfirm, runsScripts, test, visit } from "../support/test.ts";

// Members are suspended and reactivated here.
test.use({ world: "people" });

const NOWHERE = "0198f000-0000-7000-8000-000000000000";

const told = (page: Page) => page.getByRole("status").first();
const rows = (page: Page) => page.locator("main table.members tbody tr");

test("a suspended member is signed out with the next click and comes back when reactivated", async ({ visitors }) => {
  const viewer = await visitors.anew("viewer");
  await visit(viewer, "/");
  const admin = await visitors.as("admin");
  await visitMember(admin, "viewer");
  await pressAndConfirm(admin, "Suspend…");
  await expect(told(admin)).toContainText("Member suspended. Their sessions have ended");
  await expect(admin.getByRole("main")).toContainText("This member can’t sign in");
  await expect(admin.getByRole("main")).toContainText("API keys are blocked until reactivation.");
  await expect(admin.getByRole("region", { name: "Sessions" })).toContainText("No sessions.");

  await visit(viewer, "/memories");
  await expect(viewer).toHaveURL("/sign-in?return_to=%2Fmemories");
  await viewer.getByRole("link", { name: "Sign in" }).click();
  await viewer.getByRole("button", { name: PEOPLE.viewer }).click();
  await expect(viewer.getByRole("alert")).toContainText("suspended");

  await admin.getByRole("button", { name: "Reactivate" }).click();
  await expect(told(admin)).toContainText("Member reactivated.");
  await visit(viewer, "/sign-in");
  await viewer.getByRole("link", { name: "Sign in" }).click();
  await viewer.getByRole("button", { name: PEOPLE.viewer }).click();
  await expect(viewer.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await awake(viewer);
});

test("an assigned or removed role takes effect with the next request", async ({ visitors }) => {
  const billing = await visitors.anew("billing");
  const memories = billing.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Memories" });
  await visit(billing, "/");
  await expect(memories).toHaveCount(0);

  const admin = await visitors.as("admin");
  await visitMember(admin, "billing");
  await admin.getByLabel("Assign role").selectOption({ label: "Viewer" });
  await admin.getByRole("button", { name: "Assign" }).click();
  await expect(told(admin)).toContainText("Role assigned.");
  const roles = admin.getByRole("region", { name: "Roles" });
  await expect(roles.getByRole("row", { name: /Viewer/ })).toContainText("Assigned by Demo admin");
  await visit(billing, "/");
  await expect(memories).toBeVisible();

  await pressAndConfirm(admin, "Remove the role Viewer");
  await expect(told(admin)).toContainText("Role removed.");
  await visit(billing, "/");
  await expect(memories).toHaveCount(0);
});

test("an admin is not offered the owner's role and is denied it by hand", async ({ visitors }) => {
  const owner = await visitors.as("owner");
  const id = await visitMember(owner, "owner");
  await visit(owner, "/roles");
  const href = await owner.getByRole("link", { name: "Owner", exact: true }).first().getAttribute("href");
  const role = href?.split("/").at(-1) ?? "";

  const admin = await visitors.as("admin");
  const self = await visitMember(admin, "admin");
  await expect(admin.getByLabel("Assign role").locator("option", { hasText: "Owner" })).toHaveCount(0);
  const call = await admin.request.post("/api/member_role_grant", {
    form: { id: self, role },
    headers: { origin: new URL(admin.url()).origin },
  });
  expect(call.status()).toBe(403);
  expect(await call.text()).toContain("owner.grant");

  await visit(admin, `/members/${id}`);
  await expect(admin.getByRole("main")).toContainText("Only owners can suspend or deactivate an owner");
  await expect(admin.getByRole("button", { name: "Suspend" })).toHaveCount(0);
});

test("the last owner sees why nothing can be changed", async ({ visitors }) => {
  const owner = await visitors.as("owner");
  const id = await visitMember(owner, "owner");
  await expect(owner.getByRole("main")).toContainText("You are the organisation’s last owner");
  await expect(owner.getByRole("button", { name: "Suspend" })).toHaveCount(0);
  await expect(owner.getByRole("button", { name: "Remove the role Owner" })).toHaveCount(0);
  const call = await owner.request.post("/api/member_status_change", {
    form: { id, change: "deactivate" },
    headers: { origin: new URL(owner.url()).origin },
  });
  expect(call.status()).toBe(409);
  expect(await call.text()).toContain("last owner");
});

test("one session of another member is ended on their page", async ({ visitors }) => {
  const viewer = await visitors.anew("viewer");
  await visit(viewer, "/");
  const admin = await visitors.as("admin");
  await visitMember(admin, "viewer");
  const sessions = admin.getByRole("region", { name: "Sessions" });
  await sessions.getByRole("button", { name: /^Sign out of/ }).first().click();
  await expect(told(admin)).toContainText("Session ended.");
  await visit(admin, admin.url());
  if ((await sessions.getByRole("button", { name: "Sign out everywhere" }).count()) > 0) {
    await pressAndConfirm(sessions, "Sign out everywhere…");
    await expect(told(admin)).toContainText("Member signed out everywhere.");
  }
  await visit(viewer, "/profile");
  await expect(viewer).toHaveURL("/sign-in?return_to=%2Fprofile");
});

test("the list is filtered by text and fields, in the URL", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/members");
  await expect(rows(admin)).toHaveCount(5);
  await admin.getByRole("searchbox", { name: "Search members" }).fill("BILLING@");
  await admin.getByRole("button", { name: "Search", exact: true }).click();
  await expect(admin).toHaveURL(/query=BILLING/);
  await expect(rows(admin)).toHaveCount(1);
  await awake(admin);

  await visit(admin, "/members?role=owner");
  await expect(rows(admin)).toHaveCount(1);
  await expect(rows(admin)).toContainText(PEOPLE.owner);
  await admin.getByLabel("Status").selectOption({ label: "Suspended" });
  if (!runsScripts(admin)) await admin.getByRole("button", { name: "Search", exact: true }).click();
  await expect(admin).toHaveURL(/status=suspended/);
  await expect(admin.getByRole("heading", { name: "No results" })).toBeVisible();
  await admin.getByRole("link", { name: "Show all members" }).click();
  await expect(admin).toHaveURL("/members");
  await expect(rows(admin)).toHaveCount(5);
});

test("a member can view the organisation's members and change nothing", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/members");
  await expect(rows(member)).toHaveCount(5);
  await expect(member.getByRole("checkbox")).toHaveCount(0);
  const id = await visitMember(member, "viewer");
  for (const name of ["Suspend", "Deactivate", "Assign", "Sign out everywhere"]) {
    await expect(member.getByRole("button", { name })).toHaveCount(0);
  }
  await expect(member.getByRole("heading", { name: "Sessions" })).toHaveCount(0);
  await expect(member.getByRole("heading", { name: "Recent activity" })).toHaveCount(0);
  const call = await member.request.post("/api/member_status_change", {
    form: { id, change: "suspend" },
    headers: { origin: new URL(member.url()).origin },
  });
  expect(call.status()).toBe(403);
  expect(await call.text()).toContain("member.manage");
});

// SEC-C6
test("another organisation's member, role and team are not found", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  const id = await visitMember(admin, "viewer");
  await visit(admin, "/roles");
  const role = (await admin.getByRole("link", { name: "Viewer", exact: true }).first().getAttribute("href")) ?? "";
  const team = (await post(admin, "/teams", { call: "team_create", name: "Out of sight" })).split("?")[0] ?? "";
  const other = await visitors.as("other-owner");
  for (const [path, kind] of [
    [`/members/${id}`, "members"],
    [role, "roles"],
    [team, "teams"],
  ]) {
    const seen = async (place: string) => {
      const answer = await other.goto(place);
      await awake(other);
      return { status: answer?.status(), text: await other.getByRole("main").innerText() };
    };
    const hidden = await seen(path ?? "");
    expect(hidden).toEqual(await seen(`/${kind}/${NOWHERE}`));
    expect(hidden.status).toBe(404);
  }
  await visit(other, "/members");
  await expect(rows(other).filter({ hasText: PEOPLE["other-owner"] })).toHaveCount(1);
  await expect(rows(other).filter({ hasText: PEOPLE.viewer })).toHaveCount(0);
});

test("several members are suspended at once, with an outcome for each", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/members");
  for (const person of ["viewer", "billing", "owner"] as const) await admin.getByLabel(`Select ${PEOPLE[person]}`).check();
  await admin.getByLabel("With selected members").selectOption({ label: "Suspend" });
  await admin.getByRole("button", { name: "Review changes" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Suspend");
  await awake(admin);
  await expect(admin.getByRole("main")).toContainText("2 members will change. 1 skipped.");
  await expect(admin.getByRole("row", { name: new RegExp(PEOPLE.owner) })).toContainText("owner.grant");
  await admin.getByRole("button", { name: "Suspend 2 members" }).click();

  await expect(admin).toHaveURL(/\/members\/bulk\/[0-9a-f-]{36}/);
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("2 members updated, 1 skipped");
  await awake(admin);
  await expect(admin.getByRole("row", { name: new RegExp(PEOPLE.viewer) })).toContainText("Updated");
  await admin.getByRole("link", { name: "View in audit log" }).click();
  await expect(admin).toHaveURL(/\/audit\?request=/);
  await awake(admin);
  await expect(admin.locator("main .audit > details")).toHaveCount(3);

  await visit(admin, "/members?status=suspended");
  await expect(rows(admin)).toHaveCount(2);
  for (const person of ["viewer", "billing"] as const) await admin.getByLabel(`Select ${PEOPLE[person]}`).check();
  await admin.getByLabel("With selected members").selectOption({ label: "Reactivate" });
  await admin.getByRole("button", { name: "Review changes" }).click();
  await awake(admin);
  await admin.getByRole("button", { name: "Reactivate 2 members" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("2 members updated");
  await awake(admin);
});

test("offboarding is previewed and takes effect at once, and a later sign-in revives nothing", async ({ visitors }) => {
  const billing = await visitors.anew("billing");
  await visit(billing, "/");
  const admin = await visitors.as("admin");
  const id = await visitMember(admin, "billing");
  await admin.getByRole("link", { name: "Offboard" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText(`Offboard ${PEOPLE.billing}`);
  await awake(admin);
  const ends = admin.getByRole("region", { name: "What is removed" });
  await expect(ends).toContainText("Billing");
  await expect(ends).toContainText(/[1-9]\d* ends?/);

  await admin.getByLabel("Type the member’s name to confirm").fill("somebody");
  await admin.getByRole("button", { name: `Offboard ${PEOPLE.billing}` }).click();
  await expect(admin.locator("#confirm-error")).toContainText(`Type the member's name, “${PEOPLE.billing}”.`);
  await awake(admin);
  await admin.getByLabel("Type the member’s name to confirm").fill(PEOPLE.billing);
  await admin.getByRole("button", { name: `Offboard ${PEOPLE.billing}` }).click();
  await expect(told(admin)).toContainText("Member offboarded.");
  await expect(admin.getByRole("region", { name: "Roles" })).toContainText("No roles.");

  await visit(billing, "/profile");
  await expect(billing).toHaveURL("/sign-in?return_to=%2Fprofile");
  await billing.getByRole("link", { name: "Sign in" }).click();
  await billing.getByRole("button", { name: PEOPLE.billing }).click();
  await expect(billing.getByRole("alert")).toContainText("suspended");
  // No new member was created either.
  await visit(admin, `/members?query=${encodeURIComponent(PEOPLE.billing)}`);
  await expect(rows(admin)).toHaveCount(1);

  // For the journeys that follow.
  await visit(admin, `/members/${id}`);
  await admin.getByRole("button", { name: "Reactivate" }).click();
  await expect(told(admin)).toContainText("Member reactivated.");
  await visit(admin, `/members/${id}`);
  await admin.getByLabel("Assign role").selectOption({ label: "Billing" });
  await admin.getByRole("button", { name: "Assign" }).click();
  await expect(told(admin)).toContainText("Role assigned.");
});
