import { type Page, awake, expect, test, visit } from "../support/test.ts";

async function choose(page: Page, colours: string, zone: string, formats: string): Promise<void> {
  await visit(page, "/profile");
  await page.getByLabel("Theme", { exact: true }).selectOption(colours);
  await page.getByLabel("Time zone").selectOption(zone);
  await page.getByLabel("Dates and numbers").selectOption(formats);
  await page.getByRole("button", { name: "Save preferences" }).click();
  await expect(page.getByText("Preferences saved.")).toBeVisible();
  await awake(page);
}

test("a member chooses theme, time zone and formats, and finds them in another browser", async ({ visitors }) => {
  const page = await visitors.as("billing");
  await choose(page, "dark", "Asia/Tokyo", "ja-JP");
  const begun = (where: Page) => where.getByRole("region", { name: "Sessions" }).locator("time").first();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(begun(page)).toHaveAttribute("title", /^\d{4}\/\d\d\/\d\d, \d\d:\d\d:\d\d UTC\+9 \(.* UTC\)$/);

  const other = await visitors.anew("billing", { colorScheme: "light" });
  await visit(other, "/profile");
  await expect(other.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(begun(other)).toHaveAttribute("title", / UTC\+9 /);
  await expect(other.getByLabel("Time zone")).toHaveValue("Asia/Tokyo");

  await choose(page, "system", "", "en-GB");
  await expect(begun(page)).toHaveAttribute("title", /^\d+ \w{3} \d{4}, .* UTC$/);
});

test("the organisation's time zone applies if a member chose none", async ({ visitors }) => {
  const owner = await visitors.as("other-owner");
  const settle = async (zone: string, currency: string): Promise<void> => {
    await visit(owner, "/settings");
    await owner.getByLabel("Time zone").selectOption(zone);
    await owner.getByLabel("Currency").selectOption(currency);
    await owner.getByRole("button", { name: "Save settings" }).click();
    await expect(owner.getByText("Settings saved.")).toBeVisible();
    await awake(owner);
  };
  await settle("Asia/Kolkata", "INR");
  await visit(owner, "/profile");
  await expect(owner.getByLabel("Time zone")).toContainText("Organisation default (Asia/Kolkata)");
  await expect(owner.getByRole("region", { name: "Sessions" }).locator("time").first()).toHaveAttribute("title", / UTC\+5:30 /);
  await visit(owner, "/settings");
  await expect(owner.getByLabel("Currency")).toHaveValue("INR");
  await settle("", "");
});
