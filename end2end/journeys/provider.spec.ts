// Signing in and out with a certified OpenID provider that speaks as Entra ID.
import { type Account, Entra } from "../support/provider.ts";
import { Server } from "../support/server.ts";
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

/** Goes through the provider's own page. */
async function signIn(page: Page, login: string): Promise<void> {
  // Its page asks for a typeface of another host.
  await page.context().route("https://fonts.googleapis.com/**", (route) => route.fulfill({ contentType: "text/css", body: "" }));
  await visit(page, "/");
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
}

test("the owner who was named signs in, and is one", async ({ visitors }) => {
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

test("somebody without any group is told to ask", async ({ visitors, directory: { mia } }) => {
  mia.groups = [];
  const page = await visitors.anonymous();
  await signIn(page, "mia");
  await expect(page).toHaveURL("/no-access");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You have no access yet");
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
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await awake(page);
  // The provider asks again who they are.
  await page.getByRole("link", { name: "Sign in" }).click();
  await expect(page.getByPlaceholder("Enter any login")).toBeVisible();
});

test("signing out at the provider ends the session here", async ({ visitors, directory: { entra } }) => {
  const page = await visitors.anonymous();
  await signIn(page, "olga");
  await expect(page).toHaveURL("/");
  // As from another application of the directory: the provider tells us.
  await page.goto(entra.signOut);
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await expect(page.getByText("Sign-out Success")).toBeVisible();
  await visit(page, "/memories");
  await expect(page).toHaveURL("/sign-in?return_to=%2Fmemories");
});
