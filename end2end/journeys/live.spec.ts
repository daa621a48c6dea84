// Pages that announce changes, and programs that receive them. Pages without scripts are in live-plain.spec.ts.
import { callApi, makeKey } from "../support/keys.ts";
import { giveFile, post, writeMemory } from "../support/memories.ts";
import { shareMemory, waiting } from "../support/proposals.ts";
import { type Page, awake, expect, test, uniqueWord, visit } from "../support/test.ts";

// These changes must not show on the pages of other journeys.
test.use({ world: "live" });

const bar = (page: Page) => page.getByRole("main").locator(".live-bar");
const titles = (page: Page) => page.getByRole("table").locator("td a.row-title");

/** Waits until the page is connected. */
async function listening(page: Page, path: string): Promise<void> {
  const stream = page.waitForResponse((response) => new URL(response.url()).pathname === "/events");
  await visit(page, path);
  expect((await stream).status()).toBe(200);
}

async function edit(page: Page, id: string, version: number, content: string): Promise<void> {
  await post(page, `/memories/${id}/edit`, { call: "memory_update", id, version: String(version), title: "", content, kind: "fact", tags: "" });
}

test("a proposal and its acceptance are announced to viewers of the page, and to nobody else", async ({ visitors }) => {
  const title = `Spare key ${uniqueWord()}`;
  const member = await visitors.as("member");
  await visit(member, "/");
  const viewer = await visitors.as("viewer");
  const outsider = await visitors.as("other-owner");
  await listening(viewer, "/memories");
  await listening(outsider, "/memories");
  const place = viewer.getByRole("main").locator(".live");
  await expect(place).toHaveAttribute("role", "status");

  const memory = await writeMemory(member, { title, content: "Under the third pot." });
  await shareMemory(member, memory, "org");
  const owner = await visitors.as("owner");
  await visit(owner, await waiting(owner, title));
  // Still private, so nothing is announced.
  await expect(bar(viewer)).toHaveCount(0);
  await owner.getByRole("button", { name: "Accept and share" }).click();

  await expect(bar(viewer)).toContainText("1 memory changed.");
  await expect(titles(viewer).filter({ hasText: title })).toHaveCount(0);
  await bar(viewer).getByRole("button", { name: "Show" }).focus();
  await viewer.keyboard.press("Enter");
  await expect(titles(viewer).filter({ hasText: title })).toHaveCount(1);
  await expect(bar(viewer)).toHaveCount(0);
  await expect(viewer.getByRole("main")).toBeFocused();
  await expect(bar(outsider)).toHaveCount(0);

  // Unsharing is announced too, because the list shows the memory.
  await post(member, `/memories/${memory}`, { call: "memory_unshare", id: memory });
  await expect(bar(viewer)).toContainText("1 memory changed.");
  await bar(viewer).getByRole("button", { name: "Show" }).click();
  await expect(titles(viewer).filter({ hasText: title })).toHaveCount(0);
});

test("a memory's page announces that it changed, has a reply or is no longer visible", async ({ visitors }) => {
  const owner = await visitors.as("owner");
  await visit(owner, "/");
  const memory = await writeMemory(owner, { title: "", content: "Tea at four." });
  await shareMemory(owner, memory, "org");
  const viewer = await visitors.as("viewer");
  await listening(viewer, `/memories/${memory}`);

  await edit(owner, memory, 2, "Tea at five.");
  await expect(bar(viewer)).toContainText("This memory was updated.");
  await bar(viewer).getByRole("button", { name: "Show" }).click();
  await expect(viewer.getByRole("article").first()).toHaveText("Tea at five.");
  await expect(bar(viewer)).toHaveCount(0);

  await post(owner, `/memories/${memory}`, { call: "memory_reply", id: memory, content: "And cake." });
  await expect(bar(viewer)).toContainText("The replies changed.");
  await bar(viewer).getByRole("button", { name: "Show" }).click();
  await expect(viewer.getByText("And cake.")).toBeVisible();

  await post(owner, `/memories/${memory}`, { call: "memory_unshare", id: memory });
  await expect(bar(viewer)).toContainText("You no longer have access to this memory.");
  await bar(viewer).getByRole("button", { name: "Show" }).click();
  await expect(viewer.getByRole("alert")).toContainText("Page not found");
});

test("an own reply shows without a bar", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/");
  const memory = await writeMemory(member, { content: "Tea at four." });
  await listening(member, `/memories/${memory}`);
  await member.getByLabel("Reply").fill("And cake.");
  await member.getByRole("button", { name: "Reply" }).click();
  await expect(member.getByRole("region", { name: "1 reply" })).toContainText("And cake.");
  await member.waitForTimeout(1_500);
  await expect(bar(member)).toHaveCount(0);
});

test("an editor is told that the memory changed meanwhile, and loses nothing", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/");
  const memory = await writeMemory(member, { content: "It is 4711." });
  await listening(member, `/memories/${memory}/edit`);
  await member.getByLabel("Content").fill("It is 4712, I think.");
  const elsewhere = await visitors.as("member");
  await visit(elsewhere, "/");
  await edit(elsewhere, memory, 1, "It is 4713.");
  await expect(bar(member)).toContainText("Someone else updated this memory.");
  await expect(member.getByLabel("Content")).toHaveValue("It is 4712, I think.");
  await member.getByRole("button", { name: "Save changes" }).click();
  await member.getByText("Show the current version").waitFor();
  await expect(member.getByLabel("Content")).toHaveValue("It is 4712, I think.");
  // The current text is on the page, so there is nothing more to announce.
  await expect(bar(member)).toHaveCount(0);
});

test("an import's page follows the import without a reload", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/");
  const tag = uniqueWord();
  const lines = Array.from({ length: 3_000 }, (_, n) => JSON.stringify({ content: `Line ${n} of ${tag}`, tags: [tag] }));
  const path = await giveFile(member, `${tag}.jsonl`, lines.join("\n"));
  const progress = member.getByRole("region", { name: "Progress" });
  const asked: string[] = [];
  member.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await listening(member, path);
  await member.evaluate(() => document.documentElement.setAttribute("data-same", ""));
  await expect(progress).toContainText("Done", { timeout: 40_000 });
  await expect(member.locator("dl.figures > div", { hasText: "Imported" }).locator("dd")).toHaveText("3,000");
  await expect(member.locator("html[data-same]")).toHaveCount(1);
  expect(asked.filter((path) => path === "/events")).toHaveLength(1);
});

test("a page whose session ends elsewhere says so and stops asking", async ({ visitors }) => {
  const page = await visitors.anew("member");
  await listening(page, "/memories");
  const streams: string[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).pathname === "/events") streams.push(request.url());
  });
  // As another tab of the same browser does.
  const out = await page.request.post("/auth/logout", { headers: { origin: new URL(page.url()).origin, accept: "text/html" }, maxRedirects: 0 });
  expect(out.status()).toBe(303);
  await expect(bar(page)).toContainText("You are signed out.");
  await page.waitForTimeout(4_000);
  expect(streams).toEqual([]);
  await bar(page).getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL("/sign-in?return_to=%2Fmemories");
});

test("a page has one stream, while it is visible", async ({ visitors }) => {
  const member = await visitors.as("member");
  await member.addInitScript(() => {
    const open = new Set<EventSource>();
    Object.assign(window, { openStreams: () => [...open].filter((source) => source.readyState !== 2).length });
    window.EventSource = class extends EventSource {
      constructor(url: string | URL, init?: EventSourceInit) {
        super(url, init);
        open.add(this);
      }
    };
  });
  const streams = () => member.evaluate(() => (window as unknown as { openStreams: () => number }).openStreams());
  const look = (hidden: boolean) =>
    member.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, hidden);
  await visit(member, "/memories");
  await expect.poll(streams).toBe(1);
  await member.getByRole("link", { name: "New memory" }).first().click();
  await expect(member).toHaveURL(/new$/);
  await expect.poll(streams).toBe(0);
  await member.goBack();
  await expect.poll(streams).toBe(1);
  await look(true);
  await expect.poll(streams).toBe(0);
  // Changes in the meantime are announced when the page becomes visible again.
  await writeMemory(member, { content: `Meanwhile ${uniqueWord()}` });
  await expect(bar(member)).toHaveCount(0);
  await look(false);
  await expect(bar(member)).toContainText("1 memory changed.");
  await expect.poll(streams).toBe(1);
  // To another page and back, when the browser may have kept the first one.
  await member.goto("/profile");
  await member.goBack();
  await awake(member);
  await expect.poll(streams).toBe(1);
});

test("a program receives changes with its key, and not without", async ({ visitors, server }) => {
  const member = await visitors.as("member");
  const key = await makeKey(member, { label: "Ears", scopes: ["memory.read"] });
  await visit(member, "/");
  expect((await callApi(member, "/api/v1/events", "atr_x")).status()).toBe(401);
  const stop = new AbortController();
  const answer = await fetch(new URL("/api/v1/events", server.url), { headers: { authorization: `Bearer ${key}` }, signal: stop.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  const until = async (text: string) => {
    while (!heard.includes(text)) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`it ended: ${heard}`);
      heard += value;
    }
  };
  await until("event: ready");
  const memory = await writeMemory(member, { content: "Said aloud, not in the stream." });
  await until(memory);
  expect(heard).not.toContain("aloud");
  stop.abort();
});
