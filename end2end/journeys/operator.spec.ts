import { nameOperator } from "../support/operators.ts";
import { type Page, PEOPLE, awake, expect, pressAndConfirm, test, visit } from "../support/test.ts";

// An organisation is suspended and resumed here.
test.use({ world: "operator" });

const NAME = "Other organisation";

const told = (page: Page) => page.getByRole("status").first();

/** Opens the page of the other organisation. */
async function visitOther(page: Page): Promise<void> {
  await visit(page, "/operator?query=other");
  await page.getByRole("link", { name: NAME }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(NAME);
  await awake(page);
}

test("a member who is not an operator sees no link and is denied by hand", async ({ visitors }) => {
  const owner = await visitors.as("admin");
  await visit(owner, "/");
  await expect(owner.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "All organisations" })).toHaveCount(0);
  expect((await owner.goto("/operator"))?.status()).toBe(403);
  await expect(owner.getByRole("main")).toContainText("platform.operate");
  const call = await owner.request.post("/api/tenant_suspend", {
    form: { id: "0198f000-0000-7000-8000-000000000000", reason: "x" },
    headers: { origin: new URL(owner.url()).origin },
  });
  expect(call.status()).toBe(403);
});

test("an operator suspends an organisation, whose members are signed out at once, and resumes it", async ({ server, visitors }) => {
  const member = await visitors.anew("other-owner");
  await visit(member, "/");
  nameOperator(server);
  const operator = await visitors.as("owner");
  await visit(operator, "/");
  await operator.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "All organisations" }).click();
  await expect(operator.getByRole("heading", { level: 1 })).toHaveText("All organisations");
  await expect(operator.getByRole("row", { name: /Demo organisation/ })).toContainText("Active");
  await visitOther(operator);

  await operator.getByLabel("Reason").fill("Unpaid since May");
  await pressAndConfirm(operator, "Suspend organisation…");
  await expect(told(operator)).toContainText("Organisation suspended.");
  await expect(operator.getByRole("main")).toContainText("Unpaid since May");

  await visit(member, "/memories");
  await expect(member).toHaveURL("/sign-in?error=tenant_suspended");
  await expect(member.getByRole("alert")).toContainText("Your organisation is suspended");
  await member.getByRole("link", { name: "Sign in" }).click();
  await member.getByRole("button", { name: PEOPLE["other-owner"] }).click();
  await expect(member).toHaveURL(/error=tenant_suspended/);

  // A member of both sees the status in the switcher.
  const billing = await visitors.anew("billing");
  await visit(billing, "/organisations");
  await expect(billing.getByRole("main").getByRole("row", { name: new RegExp(NAME) })).toContainText("Suspended");

  await visit(operator, "/operator?status=suspended");
  await expect(operator.getByRole("main").locator("tbody tr")).toHaveCount(1);
  await visitOther(operator);
  await operator.getByRole("button", { name: "Resume" }).click();
  await expect(told(operator)).toContainText("Organisation resumed.");
  await visit(member, "/audit?action=tenant");
  if (member.url().includes("/sign-in")) {
    await member.getByRole("link", { name: "Sign in" }).click();
    await member.getByRole("button", { name: PEOPLE["other-owner"] }).click();
    await visit(member, "/audit?action=tenant");
  }
  // The organisation's own audit log has the action and the operator.
  await expect(member.getByRole("main")).toContainText("tenant.suspend");
  await expect(member.getByRole("main")).toContainText("operator Demo owner");
});

test("deletion needs a reason and the name, and can be undone", async ({ server, visitors }) => {
  nameOperator(server);
  const operator = await visitors.as("owner");
  await visitOther(operator);
  await operator.getByRole("link", { name: "Delete organisation" }).click();
  await expect(operator.getByRole("heading", { level: 1 })).toHaveText(`Delete ${NAME}`);
  await awake(operator);
  await operator.getByLabel("Reason").fill("They left");
  await operator.getByLabel("Type the organisation’s name to confirm").fill("something else");
  await operator.getByRole("button", { name: "Delete organisation" }).click();
  await expect(operator.locator("#confirm-error")).toContainText(`Type the organisation's name, “${NAME}”`);
  await awake(operator);
  await operator.getByLabel("Type the organisation’s name to confirm").fill(NAME);
  await operator.getByRole("button", { name: "Delete organisation" }).click();
  await expect(told(operator)).toContainText("Organisation deleted. It can be restored for 30 days.");
  await expect(operator.getByRole("main")).toContainText("They left");

  const member = await visitors.anonymous();
  await visit(member, "/");
  await member.getByRole("link", { name: "Sign in" }).click();
  await member.getByRole("button", { name: PEOPLE["other-owner"] }).click();
  await expect(member).toHaveURL(/error=tenant_deleted/);
  await expect(member.getByRole("alert")).toContainText("Ask the operator of this installation soon");

  await operator.getByRole("button", { name: "Resume" }).click();
  await expect(told(operator)).toContainText("Organisation resumed.");
  await visit(member, "/sign-in");
  await member.getByRole("link", { name: "Sign in" }).click();
  await member.getByRole("button", { name: PEOPLE["other-owner"] }).click();
  await expect(member.getByRole("heading", { level: 1 })).toHaveText("Overview");
});

test("the tier changes, and one's own organisation can't be suspended", async ({ server, visitors }) => {
  nameOperator(server);
  const operator = await visitors.as("owner");
  await visitOther(operator);
  await operator.getByRole("combobox", { name: "Tier" }).selectOption({ label: "Enterprise" });
  await operator.getByRole("button", { name: "Change tier" }).click();
  await expect(told(operator)).toContainText("Tier updated.");
  await expect(operator.getByRole("region", { name: "Organisation" })).toContainText("Enterprise");

  await visit(operator, "/operator?query=demo");
  await operator.getByRole("link", { name: "Demo organisation" }).last().click();
  await expect(operator.getByRole("main")).toContainText("lock yourself out");
  await expect(operator.getByRole("button", { name: "Suspend organisation" })).toHaveCount(0);
});

test("a search without results leads back", async ({ server, visitors }) => {
  nameOperator(server);
  const operator = await visitors.as("owner");
  await visit(operator, "/operator");
  await operator.getByRole("searchbox", { name: "Search organisations" }).fill("zyzzyva");
  await operator.getByRole("button", { name: "Search", exact: true }).click();
  await expect(operator.getByRole("heading", { name: "No results" })).toBeVisible();
  await operator.getByRole("link", { name: "Show all organisations" }).click();
  await expect(operator.getByRole("main").locator("tbody tr")).toHaveCount(2);
});

test("an operator creates an organisation, whose owner is the person with the link", async ({ server, visitors }) => {
  nameOperator(server);
  const operator = await visitors.as("owner");
  await visit(operator, "/operator");
  await operator.getByRole("link", { name: "New organisation" }).click();
  await operator.getByLabel("Name", { exact: true }).fill("Nova Works");
  await operator.getByLabel("Short name").fill("Nova Works");
  await operator.getByRole("button", { name: "Create organisation" }).click();
  await expect(operator.locator(".field-error", { hasText: "lower-case letters" })).toBeVisible();
  await awake(operator);
  await expect(operator.getByLabel("Name", { exact: true })).toHaveValue("Nova Works");
  const slug = `nova-${Date.now()}`;
  await operator.getByLabel("Short name").fill(slug);
  await operator.getByRole("button", { name: "Create organisation" }).click();
  await expect(operator.getByRole("heading", { level: 1 })).toHaveText("Organisation created");
  const link = await operator.locator(".reveal code", { hasText: "/invite/" }).innerText();
  await awake(operator);

  const nina = await visitors.anonymous();
  await nina.goto(link);
  await expect(nina.getByRole("main")).toContainText("Nova Works");
  await expect(nina.getByRole("main")).toContainText("Owner");

  await visit(operator, `/operator?query=${slug}`);
  await expect(operator.getByRole("row", { name: /Nova Works/ })).toContainText("Active");
});
