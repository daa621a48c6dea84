import { PEOPLE, awake, choose, expect, pressAndConfirm, signIn, test, visit } from "../support/test.ts";

// Sessions are counted here.
test.use({ world: "sign-in" });

test("a member signs in with one click and arrives at the overview", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await visit(page, "/");
  await expect(page).toHaveURL("/sign-in");
  await expect(page.getByRole("complementary", { name: "About this demo" })).toContainText("made up");
  await page.getByRole("link", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Choose who you are");
  await choose(page, "member");
  await expect(page).toHaveURL("/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await expect(page.getByRole("navigation", { name: "Main" })).toContainText("Demo member");
  await awake(page);
});

test("signing in returns to the page that was asked for, with its query", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await signIn(page, "member", "/memories?query=tea%20%26%20cake&mode=words");
  await expect(page.getByRole("searchbox", { name: "Search memories" })).toHaveValue("tea & cake");
});

for (const elsewhere of ["https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)"]) {
  test(`signing in never leads to ${elsewhere}`, async ({ visitors, baseURL }) => {
    const page = await visitors.anonymous();
    await visit(page, `/sign-in?return_to=${encodeURIComponent(elsewhere)}`);
    await page.getByRole("link", { name: "Sign in" }).click();
    await choose(page, "member");
    await expect(page).toHaveURL(`${baseURL}/`);
    await awake(page);
  });
}

test("a cancelled sign-in says so and can be started again", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await visit(page, "/sign-in");
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page).toHaveURL("/sign-in?error=refused");
  await expect(page.getByRole("alert")).toHaveText(/cancelled or refused/);
  await page.getByRole("link", { name: "Sign in" }).click();
  await choose(page, "member");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await awake(page);
});

test("an old or forged answer of the issuer signs nobody in", async ({ visitors }) => {
  const page = await visitors.anonymous();
  await visit(page, "/auth/callback?code=forged&state=forged");
  await expect(page).toHaveURL("/sign-in?error=state");
  await expect(page.getByRole("alert")).toHaveText(/Start again\./);
});

test("a malformed session cookie counts as none", async ({ visitors }) => {
  const page = await visitors.as("member");
  const names = (await page.context().cookies()).map(({ name }) => name);
  expect(names.length).toBeGreaterThan(0);
  const stranger = await visitors.anonymous();
  for (const value of ["%00", "not-a-session", '"', "a=b=c", "x".repeat(4000), "é"]) {
    const cookie = names.map((name) => `${name}=${value}`).join("; ");
    const answer = await stranger.request.get("/memories", { headers: { cookie, accept: "text/html" }, maxRedirects: 0 });
    expect(answer.status(), value.slice(0, 20)).toBe(303);
    expect(answer.headers()["location"]).toBe("/sign-in?return_to=%2Fmemories");
  }
});

test("signing out ends the session, and going back does not show the pages again", async ({ visitors }) => {
  const page = await visitors.anew("member");
  await visit(page, "/profile");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await awake(page);
  await page.goBack();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await visit(page, "/memories");
  await expect(page).toHaveURL("/sign-in?return_to=%2Fmemories");
});

test("a second sign-in is listed as a session, and ending all others ends it", async ({ visitors }) => {
  const here = await visitors.anew("owner");
  const there = await visitors.anew("owner");
  await visit(here, "/profile");
  const rows = here.getByRole("region", { name: "Sessions" }).getByRole("row").filter({ hasText: "Chrome" });
  await expect(rows).toHaveCount(2);
  await expect(rows.filter({ hasText: "This browser" })).toHaveCount(1);

  await pressAndConfirm(here, "Sign out everywhere else…");
  await expect(here.getByRole("status")).toContainText("Signed out everywhere else.");
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("This browser");

  await visit(there, "/profile");
  await expect(there).toHaveURL("/sign-in?return_to=%2Fprofile");
});

test("one session can be ended, and a page that is still open there says so", async ({ visitors }) => {
  const here = await visitors.anew("billing");
  const there = await visitors.anew("billing");
  await visit(there, "/");
  await visit(here, "/profile");
  await here.getByRole("button", { name: "Sign out of Headless Chrome on Linux" }).click();
  await expect(here.getByRole("status")).toContainText("Session ended.");

  await there.getByRole("link", { name: PEOPLE.billing }).click();
  await expect(there).toHaveURL("/sign-in?return_to=%2Fprofile");
});

test("a viewer is offered nothing to write and is denied when trying", async ({ visitors }) => {
  const page = await visitors.as("viewer");
  await visit(page, "/memories");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Memories");
  await expect(page.getByRole("link", { name: "New memory" })).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Import" })).toHaveCount(0);

  const refused = await page.goto("/memories/new");
  expect(refused?.status()).toBe(403);
  await expect(page.getByRole("main")).toContainText("memory.write");
  await awake(page);

  const posted = await page.request.post("/api/memory_create", {
    form: { content: "by hand" },
    headers: { origin: new URL(page.url()).origin },
  });
  expect(posted.status()).toBe(403);
  expect(await posted.text()).toContain("memory.write");
});

test("the billing role sees its own pages and no memories", async ({ visitors }) => {
  const page = await visitors.as("billing");
  await visit(page, "/");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Memories" })).toHaveCount(0);
  const refused = await page.goto("/memories");
  expect(refused?.status()).toBe(403);
  await expect(page.getByRole("main")).toContainText("memory.read");
  await awake(page);
});

test("a member sees which permission the audit log needs and who assigns it", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/");
  await expect(page.getByRole("link", { name: "Audit log" })).toHaveCount(0);
  const refused = await page.goto("/audit");
  expect(refused?.status()).toBe(403);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Access denied");
  await expect(page.getByRole("main")).toContainText("audit.read");
  await expect(page.getByRole("main")).toContainText("Ask an owner or admin of your organisation.");
  await awake(page);
});

test("an unknown address says so and leads back", async ({ visitors }) => {
  const page = await visitors.as("member");
  const missing = await page.goto("/nothing/here");
  expect(missing?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Page not found");
  await expect(page).toHaveTitle("Page not found · Atrium");
  await awake(page);
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
});

test("every page has a policy without inline code, and another site's form can't post here", async ({ visitors }) => {
  const page = await visitors.as("member");
  const answer = await page.goto("/");
  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe-inline");
  await awake(page);
  const forged = await page.request.post("/memories/new", {
    form: { call: "memory_create", content: "forged" },
    headers: { origin: "https://example.org" },
  });
  expect(forged.status()).toBe(403);
});
