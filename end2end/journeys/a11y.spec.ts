import { bringAxe, findings } from "../support/axe.ts";
import { LAYOUT_WIDTHS, overprints } from "../support/overlap.ts";
import { STATES, type Seed, seed } from "../support/states.ts";
import { type Page, awake, expect, stillness, test, uniqueWord, visit } from "../support/test.ts";

// The seeded states need people without data, too.
test.use({ world: "a11y" });

const WIDTHS = [360, 1440];
const THEMES = ["light", "dark"] as const;
/** Limit for the compressed HTML of a page in its full state; it only falls. */
const MAX_PAGE_BYTES = 25_000;

let seeded: Seed | undefined;

test.beforeEach(async ({ server, visitors }) => {
  seeded ??= await seed(visitors, server);
});

/** Bytes of the page's HTML as it was sent. */
async function transferred(page: Page): Promise<number> {
  return page.evaluate(() => {
    const [navigation] = performance.getEntriesByType("navigation");
    return navigation instanceof PerformanceNavigationTiming ? navigation.encodedBodySize : 0;
  });
}

/** Elements that extend beyond the right edge of the window, which would scroll sideways. */
async function sticksOut(page: Page): Promise<number> {
  return page.evaluate(() => {
    const root = document.documentElement;
    return Math.max(0, root.scrollWidth - root.clientWidth);
  });
}

for (const state of STATES) {
  test(`${state.name} is accessible in light and dark, narrow and wide`, async ({ visitors }) => {
    if (seeded === undefined) throw new Error("nothing was seeded");
    const page = state.as === undefined ? await visitors.anonymous() : await visitors.as(state.as);
    await page.setViewportSize({ width: WIDTHS[0] ?? 0, height: 800 });
    await state.show(page, seeded);
    expect.soft(await transferred(page), "bytes of the page as sent").toBeLessThanOrEqual(MAX_PAGE_BYTES);
    if (!state.narrowOnly && (await page.locator("main :is(tr, .rows)").count()) > 0) {
      for (const width of LAYOUT_WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        expect.soft(await overprints(page), `texts that overprint each other at ${width}`).toEqual([]);
      }
    }
    await bringAxe(page);
    for (const width of state.narrowOnly ? WIDTHS.slice(0, 1) : WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      expect.soft(await page.title(), "the title").not.toBe("");
      await expect.soft(page.locator("h1"), "one main heading").toHaveCount(1);
      expect.soft(await sticksOut(page), `pixels that stick out at ${width}`).toBe(0);
      // The sticky bar covers elements depending on the scroll position, which would count as unreachable.
      await page.evaluate(() => window.scrollTo(0, 0));
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await stillness(page);
        // The page differs in its colours only.
        expect.soft(await findings(page, colorScheme === "dark"), `${colorScheme} at ${width}`).toEqual([]);
      }
    }
  });
}

test("nothing moves with reduced motion", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/memories");
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  await page.getByRole("button", { name: "Search", exact: true }).hover();
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});

test("the first Tab key leads past the navigation to the content", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/memories");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await page.keyboard.press("Tab");
  const inMain = await page.evaluate(() => document.querySelector("main")?.contains(document.activeElement));
  expect(inMain).toBe(true);
});

test("every focused element shows its focus, is in view and is at least 24 px", async ({ visitors }) => {
  const page = await visitors.as("member");
  for (const path of ["/", "/memories", "/memories/new", "/profile"]) {
    await visit(page, path);
    const seen = new Set<string>();
    for (let steps = 0; steps < 80; steps += 1) {
      await page.keyboard.press("Tab");
      const focus = await page.evaluate(() => {
        const element = document.activeElement;
        if (!(element instanceof HTMLElement) || element === document.body) return null;
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        const parts = [...element.querySelectorAll("*"), element, element.parentElement].filter((part) => part instanceof HTMLElement);
        const isMarked = parts.some((part) => {
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(part);
          return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
        });
        return {
          name: `${element.tagName} ${element.id} ${element.getAttribute("aria-label") ?? element.textContent?.trim().slice(0, 40)}`,
          isMarked,
          isInline: style.display === "inline",
          isInView: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
          size: Math.min(box.width, box.height),
        };
      });
      // After the last element, the browser's own controls have the focus.
      if (focus === null) break;
      seen.add(focus.name);
      expect.soft(focus.isMarked, `${path}: the focus shows on ${focus.name}`).toBe(true);
      expect.soft(focus.isInView, `${path}: ${focus.name} is in view`).toBe(true);
      if (!focus.isInline) expect.soft(focus.size, `${path}: ${focus.name}`).toBeGreaterThanOrEqual(24);
    }
    expect(seen.size, path).toBeGreaterThan(6);
  }
});

test("a memory is written, changed and deleted by keyboard alone", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/memories");
  await follow(page, "New memory");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New memory");
  await tabTo(page, "Title");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Nobody touched a mouse.");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.type("keys");
  await tabTo(page, "Create memory");
  await leave(page, () => page.keyboard.press("Enter"));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("By keyboard");
  await expect(page.getByRole("complementary", { name: "About this memory" })).toContainText("Preference");
  await follow(page, "Edit");
  await tabTo(page, "Content");
  await page.keyboard.press("Control+End");
  await page.keyboard.type(" Not even now.");
  await tabTo(page, "Save changes");
  await leave(page, () => page.keyboard.press("Enter"));
  await expect(page.getByRole("article")).toHaveText("Nobody touched a mouse. Not even now.");
  await tabTo(page, "Delete");
  await leave(page, () => page.keyboard.press("Enter"));
  await expect(page.getByRole("status").first()).toContainText("Memory moved to the trash.");
  await tabTo(page, "Undo");
  await leave(page, () => page.keyboard.press("Enter"));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("By keyboard");
});

test("the menu of a narrow screen opens, leads on and closes by keyboard", async ({ visitors }) => {
  const page = await visitors.as("member");
  await page.setViewportSize({ width: 360, height: 800 });
  await visit(page, "/");
  const menu = page.getByRole("navigation", { name: "Main" });
  await expect(menu).toBeHidden();
  await tabTo(page, "Menu");
  await page.keyboard.press("Enter");
  await expect(menu).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(menu).toBeHidden();
  await page.keyboard.press("Enter");
  await follow(page, "Memories");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Memories");
  await expect(menu).toBeHidden();
});

test("the palette opens by keyboard, navigates and gives the focus back", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/");
  await page.keyboard.press("Control+k");
  const box = page.getByRole("combobox", { name: "Go to or search" });
  await expect(box).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(box).toBeHidden();
  await page.keyboard.press("Control+k");
  await expect(box).toBeFocused();
  await page.keyboard.type("profile");
  await leave(page, () => page.keyboard.press("Enter"));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Profile");
  await page.keyboard.press("Control+k");
  await expect(box).toBeFocused();
  await page.keyboard.type("blue whales");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL("/memories?query=blue+whales");
});

test("the focus goes to what a form answers", async ({ visitors }) => {
  const page = await visitors.as("member");
  await visit(page, "/keys/new");
  await page.locator("input[name=label]").fill(uniqueWord());
  await page.getByRole("button", { name: "Create key" }).click();
  const scope = page.locator("fieldset[aria-invalid=true] input").first();
  await expect(scope).toBeFocused();
  await scope.check();
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.locator("h1[data-answer]")).toBeFocused();
});

test("single-key shortcuts do nothing in a field or when switched off", async ({ visitors }) => {
  const page = await visitors.anew("member");
  await visit(page, "/memories");
  await page.getByRole("searchbox", { name: "Search memories" }).focus();
  await page.keyboard.type("n?g");
  await expect(page).toHaveURL("/memories?query=n%3Fg");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.getByRole("main").focus();
  await page.keyboard.press("?");
  await page.getByRole("checkbox", { name: "Use single-key shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("n");
  await expect(page).toHaveURL("/memories?query=n%3Fg");
});

/** Presses Tab until the element called `name` has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const label = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement ? element.labels?.[0]?.textContent : null;
      return (element?.getAttribute("aria-label") ?? label ?? element?.textContent ?? "").trim();
    });
    if (focused === name) return;
  }
  throw new Error(`Tab never reached “${name}”`);
}

/** Does what leads to another page, and waits until that is hydrated. */
async function leave(page: Page, act: () => Promise<void>): Promise<void> {
  const arrived = page.waitForEvent("domcontentloaded");
  await act();
  await arrived;
  await awake(page);
}

/** Focuses the link called `name` and follows it. */
async function follow(page: Page, name: string): Promise<void> {
  await tabTo(page, name);
  await leave(page, () => page.keyboard.press("Enter"));
}

test("a message leaves by itself, but not while it is pointed at or focused", async ({ visitors }) => {
  const page = await visitors.anew("member");
  await page.clock.install();
  await visit(page, "/memories?done=memory_created");
  const toast = page.locator(".toast");
  await toast.hover();
  await page.clock.runFor(9_000);
  await expect(toast).toContainText("Memory created.");
  await page.mouse.move(0, 0);
  await toast.getByRole("button", { name: "Dismiss" }).focus();
  await page.clock.runFor(9_000);
  await expect(toast).toBeVisible();
  await page.locator("#main").focus();
  await page.clock.runFor(9_000);
  await expect(toast).toBeHidden();
});

test("a message that offers to undo stays longer", async ({ visitors }) => {
  const page = await visitors.anew("member");
  await page.clock.install();
  await visit(page, "/memories?done=memory_deleted&memory=0198f000-0000-7000-8000-000000000001");
  const undo = page.getByRole("button", { name: "Undo" });
  await page.clock.runFor(12_000);
  await expect(undo).toBeVisible();
  await page.clock.runFor(12_000);
  await expect(undo).toBeHidden();
});
