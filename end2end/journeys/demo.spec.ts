import { bringAxe, findings } from "../support/axe.ts";
import { Server } from "../support/server.ts";
import { type Page, awake, test as base, expect, runsScripts, visit } from "../support/test.ts";

// A separate server on the company that has a history.
const test = base.extend({
  server: [
    async ({ world }, use, worker) => {
      const server = await Server.start(`${worker.project.name}-${world}`, { demo: "company" });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
});

test.use({ world: "company" });

const banner = (page: Page) => page.getByRole("complementary", { name: "About this demo" });

/** Chooses a person on the issuer's page. */
async function become(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: new RegExp(`^${name} `) }).click();
  await expect(page).toHaveURL("/");
  await awake(page);
}

/** Opens the overview as this person. */
async function signInAs(page: Page, name: string): Promise<void> {
  await visit(page, "/");
  await page.getByRole("link", { name: "Sign in" }).click();
  await become(page, name);
}

/** Without scripts axe can't run. */
async function expectAccessible(page: Page): Promise<void> {
  if (!runsScripts(page)) return;
  await bringAxe(page);
  expect(await findings(page, false), page.url()).toEqual([]);
}

const PEOPLE = [
  { name: "Aiko Tanaka", roles: "Member", reads: true },
  { name: "Mira Okafor", roles: "Owner", reads: true },
  { name: "Jonas Weber", roles: "Admin", reads: true },
  { name: "Tom Reyes", roles: "Viewer", reads: true },
  { name: "Ines Villar", roles: "Billing", reads: false },
  { name: "Sam Lind", roles: "Auditor, Viewer", reads: true },
  { name: "Kay Moreau", roles: "Admin", reads: true },
];

for (const { name, roles, reads } of PEOPLE) {
  test(`${name} finds a company that works`, async ({ visitors }) => {
    const page = await visitors.anonymous();
    await signInAs(page, name);
    await expect(banner(page)).toContainText(`Viewing as ${name} (${roles})`);
    await expect(page.getByRole("navigation", { name: "Main" })).toContainText("Northwind Labs");
    await expectAccessible(page);
    if (!reads) return;
    await visit(page, "/memories");
    await expect(page.getByRole("main").getByRole("link", { name: /Decision: Poland next/ })).toBeVisible();
    await expectAccessible(page);
    await visit(page, "/memories?query=who%20has%20to%20approve%20an%20expensive%20purchase%3F");
    await expect(page.getByRole("main").getByRole("listitem").first()).toContainText("Purchases above 5,000 euros need two signatures");
    await expectAccessible(page);
  });
}

test("another person is two clicks away, and an empty organisation too", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await signInAs(page, "Aiko Tanaka");
  await banner(page).getByRole("link", { name: "Switch person" }).click();
  await become(page, "Mira Okafor");
  await expect(banner(page)).toContainText("Viewing as Mira Okafor (Owner)");
  await banner(page).getByRole("link", { name: "Switch person" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "Start with an empty organisation" })).toBeVisible();
  await expectAccessible(page);
  await become(page, "Robin Hart");
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("New organisation");
  await visit(page, "/memories");
  await expect(page.getByRole("main")).not.toContainText("Poland");
});

test("each task on the issuer's page can be done", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await signInAs(page, "Sam Lind");
  await visit(page, "/audit?action=break_glass");
  await expect(page.getByRole("main")).toContainText("Jonas Weber");
  await expect(page.getByRole("main")).toContainText("break_glass.read");

  await page.context().clearCookies();
  await signInAs(page, "Mira Okafor");
  await visit(page, "/memories/proposals");
  await expect(page.getByRole("main").getByRole("link", { name: /Checklist before an order abroad/ })).toBeVisible();

  await page.context().clearCookies();
  await signInAs(page, "Jonas Weber");
  await visit(page, "/keys/all?ended=true");
  await expect(page.getByRole("main")).toContainText("Nightly export");

  await page.context().clearCookies();
  await signInAs(page, "Kay Moreau");
  await visit(page, "/operator");
  await expect(page.getByRole("main").getByRole("link", { name: "Fjord Analytics" })).toBeVisible();

  await page.context().clearCookies();
  await signInAs(page, "Astrid Berg");
  await visit(page, "/memories?query=greenhouse&mode=words");
  await expect(page.getByRole("main")).not.toContainText("Northwind");
});

test("the audit log of the history verifies", ({ server }) => {
  const report = server.command(["audit", "verify"]);
  expect(report).toContain("northwind");
});
