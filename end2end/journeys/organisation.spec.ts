import { awake, expect, test, visit } from "../support/test.ts";

// Sessions switch from one organisation to the other here.
test.use({ world: "organisation" });

test("a member of two organisations switches to the other one and back", async ({ visitors }) => {
  const page = await visitors.anew("billing");
  await visit(page, "/");
  const nav = page.getByRole("navigation", { name: "Main" });
  await nav.getByRole("link", { name: "Demo organisation" }).click();
  await expect(page).toHaveURL("/organisations");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Organisations");
  const rows = page.getByRole("main").getByRole("row");
  await expect(rows.filter({ hasText: "Demo organisation" })).toContainText("Current");

  const before = await page.context().cookies();
  await page.getByRole("button", { name: "Switch to Other organisation" }).click();
  await expect(page).toHaveURL("/");
  await awake(page);
  await expect(nav).toContainText("Other organisation");
  // The session has a new id: the earlier cookie is invalid (SEC-B2).
  const session = (cookies: typeof before): string | undefined => cookies.find(({ name }) => name === "atrium")?.value;
  expect(session(await page.context().cookies())).not.toBe(session(before));

  await visit(page, "/organisations");
  await page.getByRole("button", { name: "Switch to Demo organisation" }).click();
  await expect(nav).toContainText("Demo organisation");
});

test("a member of one organisation can't reach another", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/organisations");
  await expect(page.getByRole("main")).toContainText("You belong to one organisation.");
  await expect(page.getByRole("button", { name: /^Switch to/ })).toHaveCount(0);
  const forged = await page.request.post("/auth/switch", {
    form: { organisation: "other" },
    headers: { origin: new URL(page.url()).origin, accept: "text/html" },
    maxRedirects: 0,
  });
  expect(forged.status()).toBe(404);
  await visit(page, "/");
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("Demo organisation");
});
