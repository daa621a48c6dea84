// The overview: what needs the viewer, figures that lead to their lists, the chart and its table, and the set-up steps.
import { writeMemory } from "../support/memories.ts";
import { shareMemory } from "../support/proposals.ts";
import { expect, type Page, test, visit } from "../support/test.ts";

// One organisation must be new, which other journeys write to.
test.use({ world: "overview" });

const figure = (page: Page, label: string) => page.locator("dl.figures > div", { has: page.locator("dt", { hasText: label }) }).getByRole("link");

test("a member's figures lead to their lists, and the chart has a table of the same figures", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/");
  await writeMemory(page, { title: "Parking", content: "Visitors park behind the building." });
  await visit(page, "/");
  const own = Number(await figure(page, "Your memories").textContent());
  expect(own).toBeGreaterThan(0);

  const image = page.getByRole("img", { name: /^Memories created in the last 30 days: Yours \d+, Shared with you \d+\.$/ });
  await expect(image).toBeVisible();
  const table = page.getByRole("table", { name: "Memories created per day" });
  await expect(table).toBeHidden();
  await page.getByText("Show as table").click();
  await expect(table.locator("tbody tr")).toHaveCount(30);
  const total = await table.locator("tfoot td").first().textContent();
  expect(await image.getAttribute("aria-label")).toContain(`Yours ${total ?? ""},`);

  await figure(page, "Your memories").click();
  await expect(page).toHaveURL(/\/memories\?owner=mine$/);
  await expect(page.getByRole("link", { name: "Parking" }).first()).toBeVisible();
});

test("an owner sees what needs attention and the figures of the organisation", async ({ visitors }) => {
  const owner = await visitors.as("owner");
  await visit(owner, "/");
  await expect(owner.getByRole("region", { name: "Needs you" })).toBeVisible();
  const organisation = owner.getByRole("region", { name: "Organisation" });
  for (const [label, path, heading] of [
    ["Active people", "/members?status=active&kind=human", "Members"],
    ["Services", "/members?status=active&kind=service", "Members"],
    ["Teams", "/teams", "Teams"],
    ["Pending invites", "/invites?status=pending", "Invites"],
    ["API keys", "/keys/all", "API keys"],
    ["Audit log entries", "/audit", "Audit log"],
  ] as const) {
    await visit(owner, "/");
    const link = organisation.locator("div", { has: owner.locator("dt", { hasText: label }) }).getByRole("link");
    await expect(link).toHaveAttribute("href", path);
    await link.click();
    await expect(owner.getByRole("heading", { name: heading, level: 1 })).toBeVisible();
  }
});

test("a proposal that waits for the owner is on their overview", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/");
  const id = await writeMemory(member, { title: "Lift", content: "The lift stops at night." });
  await shareMemory(member, id, "org");
  const owner = await visitors.as("owner");
  await visit(owner, "/");
  await owner.getByRole("region", { name: "Needs you" }).getByRole("link", { name: /to review$/ }).click();
  await expect(owner.getByRole("heading", { name: "Proposals", level: 1 })).toBeVisible();
  await expect(owner.getByRole("link", { name: "Lift" })).toBeVisible();
});

test("the owner of a new organisation has the steps to set it up", async ({ visitors }) => {
  const owner = await visitors.as("other-owner");
  await visit(owner, "/");
  const setup = owner.getByRole("region", { name: "Set up your organisation" });
  const step = setup.getByRole("listitem").filter({ hasText: "Add the first memories" });
  await expect(step).toContainText("To do");
  await writeMemory(owner, { title: "Opening hours", content: "We open at nine." });
  await visit(owner, "/");
  await expect(step).toContainText("Done");
  await expect(step.getByRole("link")).toHaveCount(0);
  await setup.getByRole("link", { name: "Connect an AI client" }).click();
  await expect(owner.getByRole("heading", { name: "Connect AI clients", level: 1 })).toBeVisible();
});

test("a billing member sees the figures of the organisation and no error", async ({ visitors }) => {
  const page = await visitors.as("billing");
  await visit(page, "/");
  await expect(page.getByRole("region", { name: "Organisation" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Yours" })).toHaveCount(0);
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(figure(page, "Active people")).toHaveAttribute("href", "/members?status=active&kind=human");
});
