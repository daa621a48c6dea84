// Pages stay usable when scripts, the event stream or the network do not work as they should.
import { type Page, type Visitors, expect, test, uniqueWord, visit } from "../support/test.ts";

const NEW = "/memories/new";

/** A page whose console may have errors: the browser reports what fails here. */
async function open(visitors: Visitors): Promise<Page> {
  const member = await visitors.as("member");
  return member.context().newPage();
}

/** Writes a memory on the page that is open, and returns when its own page is shown. */
async function write(page: Page, title: string): Promise<void> {
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Content").fill("Written all the same.");
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
}

test("a page whose module can't be loaded works without it", async ({ visitors }) => {
  const page = await open(visitors);
  await page.route("**/pkg/*.wasm", (route) => route.fulfill({ status: 404, body: "" }));
  await page.goto(NEW);
  await expect(page.locator("html")).not.toHaveAttribute("data-hydrated", "");
  await expect(page.getByRole("button", { name: "Go to or search" })).toBeHidden();
  const title = uniqueWord();
  await write(page, title);
  await page.goto("/memories?mode=words");
  await page.getByRole("searchbox", { name: "Search memories" }).fill(title);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page.locator("ol.hits > li")).toHaveCount(1);
});

test("a form can be sent before the module has arrived", async ({ visitors }) => {
  const page = await open(visitors);
  await page.route("**/pkg/*.wasm", async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await route.continue().catch(() => undefined);
  });
  await page.goto(NEW, { waitUntil: "commit" });
  await write(page, uniqueWord());
});

test("a page without its event stream says nothing and works", async ({ visitors }) => {
  const page = await open(visitors);
  await page.route("**/events?*", (route) => route.fulfill({ status: 404, body: "" }));
  await visit(page, "/memories");
  await expect(page.getByRole("main").locator(".live-bar")).toHaveCount(0);
  await visit(page, NEW);
  await write(page, uniqueWord());
});

test("what was typed is kept while the server can't be reached", async ({ visitors }) => {
  const page = await open(visitors);
  await visit(page, NEW);
  const title = uniqueWord();
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Content").fill("Not lost.");
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "The server could not be reached." })).toBeVisible();
  await expect(page.getByLabel("Title")).toHaveValue(title);
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "Create memory" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
});

test("a page of an earlier version loads the new one instead of mixing them", async ({ visitors }) => {
  const page = await open(visitors);
  await visit(page, "/memories");
  await page.evaluate(() => {
    document.documentElement.dataset["build"] = "earlier";
  });
  const loaded = page.waitForEvent("domcontentloaded");
  await page.getByRole("searchbox", { name: "Search memories" }).fill("tea");
  await loaded;
  await expect(page).toHaveURL("/memories?query=tea");
  await expect(page.locator("html")).not.toHaveAttribute("data-build", "earlier");
});

test("unsent text is asked about before its page is left", async ({ visitors }) => {
  const page = await open(visitors);
  await visit(page, NEW);
  await page.getByLabel("Title").fill("Half");
  const asked = page.waitForEvent("dialog");
  const left = page.getByRole("link", { name: "Cancel" }).click({ noWaitAfter: true });
  const dialog = await asked;
  expect(dialog.type()).toBe("beforeunload");
  await dialog.dismiss();
  await left;
  await expect(page.getByLabel("Title")).toHaveValue("Half");
});

test("text of one form survives the answer to another", async ({ visitors }) => {
  const page = await open(visitors);
  await visit(page, NEW);
  await write(page, uniqueWord());
  await page.getByLabel("Reply").fill("Half a reply");
  // Bad input, so that the page stays.
  await page.locator("section.who").getByRole("button", { name: /…$/ }).click();
  await page.locator("textarea[name=comment]").fill("x".repeat(2_000));
  await page.locator("dialog[open] button[type=submit]").click();
  await expect(page.locator("[aria-invalid=true]").first()).toBeVisible();
  await expect(page.getByLabel("Reply")).toHaveValue("Half a reply");
});

test("a form that is sent twice is carried out once", async ({ visitors }) => {
  const page = await open(visitors);
  await visit(page, NEW);
  const title = uniqueWord();
  let posts = 0;
  await page.route(`**${NEW}`, async (route) => {
    if (route.request().method() === "POST") {
      posts += 1;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await route.continue();
  });
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Content").fill("Once.");
  await page.getByRole("button", { name: "Create memory" }).dblclick();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
  expect(posts).toBe(1);
});
