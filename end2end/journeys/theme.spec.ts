import { type Page, awake, expect, test, visit } from "../support/test.ts";

/** The colour of the text as the browser paints it. */
async function ink(page: Page): Promise<string> {
  return page.getByRole("heading", { level: 1 }).evaluate((heading) => getComputedStyle(heading).color);
}

const option = (page: Page, name: string) => page.getByRole("button", { name: `Theme: ${name}` });

/** Chooses a theme and waits until the server has stored it. */
async function pick(page: Page, name: string): Promise<void> {
  const stored = page.waitForResponse((response) => response.request().method() === "POST");
  await option(page, name).click();
  await stored;
}

test("the theme follows the system until the member chooses, and the choice is kept", async ({ visitors }) => {
  const page = await visitors.anew("member", { colorScheme: "light" });
  await visit(page, "/memories");
  await expect(option(page, "system")).toHaveAttribute("aria-pressed", "true");
  const light = await ink(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(() => ink(page)).not.toBe(light);
  const dark = await ink(page);

  await pick(page, "light");
  await expect(option(page, "light")).toHaveAttribute("aria-pressed", "true");
  await expect.poll(() => ink(page)).toBe(light);
  await expect(page).toHaveURL("/memories");
  await awake(page);
  await page.reload();
  await awake(page);
  await expect.poll(() => ink(page)).toBe(light);

  await pick(page, "dark");
  await expect(option(page, "dark")).toHaveAttribute("aria-pressed", "true");
  await page.emulateMedia({ colorScheme: "light" });
  await visit(page, "/profile");
  await expect(option(page, "dark")).toHaveAttribute("aria-pressed", "true");
  await expect.poll(() => ink(page)).toBe(dark);

  await pick(page, "system");
  await expect(option(page, "system")).toHaveAttribute("aria-pressed", "true");
  await expect.poll(() => ink(page)).toBe(light);
  await awake(page);
  await visit(page, "/");
  await expect(option(page, "system")).toHaveAttribute("aria-pressed", "true");
});

test("the choice applies before signing in again, and a page never starts in the other theme", async ({ visitors }) => {
  const page = await visitors.anew("member", { colorScheme: "light" });
  await visit(page, "/profile");
  await pick(page, "dark");
  await expect(option(page, "dark")).toHaveAttribute("aria-pressed", "true");
  const html = await (await page.request.get("/profile", { headers: { accept: "text/html" } })).text();
  expect(html).toContain('data-theme="dark"');
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await awake(page);

  // Another browser shows the member's choice; the browsers of other journeys are not affected.
  const other = await visitors.anew("member", { colorScheme: "light" });
  await expect(other.locator("html")).toHaveAttribute("data-theme", "dark");
  await awake(other);
  await option(other, "system").click();
  await expect(option(other, "system")).toHaveAttribute("aria-pressed", "true");
});
