import { type Page, PEOPLE, awake, expect, pressAndConfirm, test, uniqueWord, visit } from "../support/test.ts";

test.use({ world: "people" });

const told = (page: Page) => page.getByRole("status").first();

/** Searches for `name` on the team's page. */
async function find(page: Page, name: string): Promise<void> {
  await page.getByRole("searchbox", { name: "Search members" }).fill(name);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(/[?&]query=/);
  await awake(page);
}

test("an admin creates a team and its lead, who manages it and can't delete it", async ({ visitors }) => {
  const name = `Design ${uniqueWord()}`;
  const admin = await visitors.as("admin");
  await visit(admin, "/teams");
  await admin.getByLabel("Name").fill(name);
  await admin.getByRole("button", { name: "Create team" }).click();
  await expect(told(admin)).toContainText("Team created.");
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText(name);
  await awake(admin);
  const team = new URL(admin.url()).pathname;
  await find(admin, PEOPLE.member);
  await admin.getByRole("button", { name: `Add ${PEOPLE.member} as lead` }).click();
  await expect(told(admin)).toContainText("Team updated.");

  const lead = await visitors.as("member");
  await visit(lead, "/teams");
  await expect(lead.getByRole("row", { name: new RegExp(name) })).toContainText("Your team");
  await visit(lead, team);
  await expect(lead.getByRole("heading", { name: "Delete this team" })).toHaveCount(0);
  await find(lead, "demo v");
  await lead.getByRole("button", { name: `Add ${PEOPLE.viewer} as member` }).click();
  await expect(told(lead)).toContainText("Team updated.");
  await visit(lead, team);
  const row = lead.getByRole("row", { name: new RegExp(PEOPLE.viewer) });
  await lead.getByRole("button", { name: `Make lead: ${PEOPLE.viewer}` }).click();
  await expect(row).toContainText("Lead");
  await pressAndConfirm(lead, `Remove ${PEOPLE.viewer} from the team`);
  await expect(told(lead)).toContainText("Removed from the team.");
  await expect(row).toHaveCount(0);

  await visit(lead, team);
  await lead.getByLabel("Team name").fill(`${name} and words`);
  await lead.getByRole("button", { name: "Rename" }).click();
  await expect(lead.getByRole("heading", { level: 1 })).toHaveText(`${name} and words`);

  await visit(admin, team);
  await admin.getByLabel("Type the team’s name to confirm").fill("something else");
  await admin.getByRole("button", { name: "Delete team" }).click();
  await expect(admin.locator("#confirm-error")).toContainText(`Type the team's name, “${name} and words”`);
  await awake(admin);
  await admin.getByLabel("Type the team’s name to confirm").fill(`${name} and words`);
  await admin.getByRole("button", { name: "Delete team" }).click();
  await expect(told(admin)).toContainText("Team deleted.");
  await expect(admin).toHaveURL(/^[^?]*\/teams(\?|$)/);
  await expect(admin.getByRole("row", { name: new RegExp(name) })).toHaveCount(0);
});

test("a viewer can view teams and change none", async ({ visitors }) => {
  const viewer = await visitors.anew("viewer");
  await visit(viewer, "/teams");
  await expect(viewer.getByRole("heading", { level: 1 })).toHaveText("Teams");
  await expect(viewer.getByRole("button", { name: "Create team" })).toHaveCount(0);
  const call = await viewer.request.post("/api/team_create", {
    form: { name: "By hand" },
    headers: { origin: new URL(viewer.url()).origin },
  });
  expect(call.status()).toBe(403);
  expect(await call.text()).toContain("team.manage");
});
