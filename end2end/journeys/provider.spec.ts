// Signing in and out with a certified OpenID provider that behaves like Entra ID.
import { randomUUID } from "node:crypto";
import { type Account, Entra } from "../support/provider.ts";
import { Server } from "../support/server.ts";
import { makeInvite } from "../support/invites.ts";
import { type Page, test as base, awake, expect, visit } from "../support/test.ts";

interface Directory {
  entra: Entra;
  owner: Account;
  mia: Account;
}

const test = base.extend<object, { directory: Directory }>({
  directory: [
    async ({}, use) => {
      const entra = await Entra.start();
      await use({ entra, owner: entra.person("olga", "Olga Owner"), mia: entra.person("mia", "Mia Muster") });
      await entra.stop();
    },
    { scope: "worker" },
  ],

  server: [
    async ({ directory: { entra, owner } }, use, worker) => {
      const setup = { settings: entra.settings, commands: [entra.organisation(owner)] };
      const server = await Server.start(`${worker.project.name}-provider`, setup);
      entra.serve(server.url);
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
});

/** Signs in on the provider's own page. */
async function signIn(page: Page, login: string): Promise<void> {
  await withoutTypeface(page);
  await visit(page, "/");
  await page.getByRole("link", { name: "Sign in" }).click();
  await authenticate(page, login);
}

/** The provider's page requests a font from another host, which is answered with an empty style sheet. */
async function withoutTypeface(page: Page): Promise<void> {
  await page.context().route("https://fonts.googleapis.com/**", (route) => route.fulfill({ contentType: "text/css", body: "" }));
}

/** Fills in the provider's own form. */
async function authenticate(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
}

/** Fills in the form of a new rule and opens its preview. */
async function previewRule(page: Page, rule: { source?: string; group: string; name: string; role: string }): Promise<void> {
  await visit(page, "/groups/new");
  await page.getByLabel("Match on").selectOption(rule.source ?? "group");
  await page.getByLabel("Group or app role").fill(rule.group);
  await page.getByLabel("Name").fill(rule.name);
  await page.getByLabel("Role", { exact: true }).selectOption({ label: rule.role });
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("button", { name: "Save rule" })).toBeVisible();
  await awake(page);
}

/** Saves the previewed rule. */
async function save(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Save rule" }).click();
  await expect(page.getByText("Rule saved.")).toBeVisible();
  await awake(page);
}

test("the named owner signs in and is the owner", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await signIn(page, "olga");
  await expect(page).toHaveURL("/");
  await awake(page);
  const nav = page.getByRole("navigation", { name: "Main" });
  await expect(nav).toContainText("Olga Owner");
  await expect(nav).toContainText("Acme");
  await visit(page, "/profile");
  await expect(page.getByRole("main")).toContainText("Owner");
});

test("a person without any group is told to ask an admin", async ({ visitors, directory: { mia } }) => {
  mia.groups = [];
  const page = await visitors.anonymous();
  await signIn(page, "mia");
  await expect(page).toHaveURL("/no-access");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You have no access yet");
});

test("a person joins by an invite with an account of the directory", async ({ visitors, directory: { entra } }) => {
  entra.person("nina", "Nina Neu");
  const owner = await visitors.anonymous();
  await signIn(owner, "olga");
  await expect(owner).toHaveURL("/");
  await visit(owner, "/roles");
  const href = await owner.getByRole("link", { name: "Admin", exact: true }).first().getAttribute("href");
  const link = await makeInvite(owner, { role: href?.split("/").at(-1) ?? "" });

  const page = await visitors.anonymous();
  await withoutTypeface(page);
  await visit(page, link);
  await page.getByRole("button", { name: "Sign in and join" }).click();
  await authenticate(page, "nina");
  await expect(page.getByText("Welcome. You have joined.")).toBeVisible();
  await awake(page);
  const nav = page.getByRole("navigation", { name: "Main" });
  await expect(nav).toContainText("Nina Neu");
  await expect(nav).toContainText("Admin");
});

test("keys that rotate between two sign-ins need no restart", async ({ visitors, directory: { entra } }) => {
  await signIn(await visitors.anonymous(), "olga");
  entra.rotateKeys();
  const page = await visitors.anonymous();
  await signIn(page, "olga");
  await expect(page).toHaveURL("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
});

test("signing out ends the session at the provider too", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await signIn(page, "olga");
  await expect(page).toHaveURL("/");
  await awake(page);
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await awake(page);
  // The provider asks for the account again.
  await page.getByRole("link", { name: "Sign in" }).click();
  await expect(page.getByPlaceholder("Enter any login")).toBeVisible();
});

test("signing out at the provider ends the session here", async ({ visitors, directory: { entra } }) => {
  const page = await visitors.anonymous();
  await signIn(page, "olga");
  await expect(page).toHaveURL("/");
  // As from another application of the directory: the provider notifies Atrium.
  await page.goto(entra.signOut);
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await expect(page.getByText("Sign-out Success")).toBeVisible();
  await visit(page, "/memories");
  await expect(page).toHaveURL("/sign-in?return_to=%2Fmemories");
});

test("a rule is previewed, saved, applied at the next sign-in, and removed", async ({ visitors, directory: { mia } }) => {
  const group = randomUUID();
  mia.groups = [group];
  const first = await visitors.anonymous();
  await signIn(first, "mia");
  await expect(first).toHaveURL("/no-access");

  const owner = await visitors.anonymous();
  await signIn(owner, "olga");
  await expect(owner).toHaveURL("/");
  await previewRule(owner, { group, name: "Engineers", role: "Member" });
  const change = owner.getByRole("region", { name: "Affected members" }).getByRole("row").filter({ hasText: "Mia Muster" });
  await expect(change).toContainText("Role Member");
  await owner.getByLabel("Member", { exact: true }).selectOption({ label: "Mia Muster" });
  await owner.getByRole("button", { name: "Test" }).click();
  await expect(owner.getByRole("heading", { name: "Mia Muster would have" })).toBeVisible();
  await awake(owner);
  await expect(owner.getByRole("row").filter({ hasText: "Engineers, priority" })).toContainText("Role Member");
  await save(owner);

  const second = await visitors.anonymous();
  await signIn(second, "mia");
  await expect(second.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await awake(second);

  await visit(owner, "/groups");
  await owner.getByRole("link", { name: "Engineers" }).click();
  await owner.getByRole("link", { name: "Remove rule" }).click();
  await expect(change).toContainText("Role Member");
  await awake(owner);
  await owner.getByRole("button", { name: "Remove rule" }).click();
  await expect(owner.getByText("Rule removed.")).toBeVisible();
  const third = await visitors.anonymous();
  await signIn(third, "mia");
  await expect(third).toHaveURL("/no-access");
});

test("app roles are applied, and groups that don't fit into the token are read from Graph", async ({ visitors, directory: { mia } }) => {
  const [group, appRole] = [randomUUID(), "Atrium.Reader"];
  const owner = await visitors.anonymous();
  await signIn(owner, "olga");
  await expect(owner).toHaveURL("/");
  await previewRule(owner, { group, name: "Everybody", role: "Member" });
  await save(owner);
  await previewRule(owner, { source: "app_role", group: appRole, name: "Readers", role: "Viewer" });
  await save(owner);

  // This group is on the last of several pages of Graph's answer.
  Object.assign(mia, { groups: [randomUUID(), randomUUID(), group], roles: [appRole], overage: true });
  const page = await visitors.anonymous();
  await signIn(page, "mia");
  await expect(page).toHaveURL("/");
  await awake(page);
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("Member, Viewer");
  Object.assign(mia, { groups: [], roles: [], overage: false });
});
