// Every page in every state that people can see, for looking at it (the
// screenshots) and for axe.
import { readFileSync } from "node:fs";
import { type Draft, deleteMemory, giveFile, untilFoundByMeaning, untilImported, writeMemory } from "./memories.ts";
import { type Page, type Person, type Visitors, awake, runsScripts, visit } from "./test.ts";

/** What the states are about. */
export interface Seed {
  memory: string;
  untitled: string;
  trashed: string;
  report: string;
}

/** One page in one state. */
export interface State {
  name: string;
  /** Who looks at it; nobody for pages before signing in. */
  as?: Person;
  /** Brings `page` there. */
  show(page: Page, seed: Seed): Promise<void>;
  /** Only there where scripts run. */
  needsScripts?: boolean;
  /** Only there on narrow screens. */
  narrowOnly?: boolean;
}

const at =
  (path: string) =>
  (page: Page): Promise<void> =>
    visit(page, path);

/** Written by the member, so that lists are full. */
const DRAFTS: Draft[] = [
  { title: "Espresso machine", content: "The machine on the third floor takes whole beans only. Ground coffee blocks it.", kind: "fact", tags: "office, coffee" },
  { title: "Quiet mornings", content: "I answer messages after ten; before that I write.", kind: "preference", tags: "habits" },
  { title: "Move to the new building", content: "On 3 March the whole team moved to Harbour Street 12.", kind: "event", tags: "office, history, team" },
  { title: "How to rotate the log files", content: "Stop the collector first, then rename, then start it again. Otherwise the last minute is lost.", kind: "skill_note", tags: "operations" },
  { title: "", content: "Mira takes her tea without milk and with two slices of lemon, whatever the weather, and she minds when people forget.", kind: "fact" },
  { title: "مرحبا بالعالم", content: "نص يُكتب من اليمين إلى اليسار، مع رقم 42.", kind: "context", tags: "لغة" },
  { title: "Averyveryverylongtitlewithoutasinglespacethatmustnotbreakthelayoutofanypagewhateveritswidthis", content: "https://example.org/" + "a-very-long-path-without-breaks/".repeat(8), kind: "fact", tags: "a-tag-that-is-as-long-as-tags-may-be-0123456789-01" },
];

const BAD_LINES = [
  '{"content": "The spare key is with the neighbours.", "title": "Spare key", "tags": ["home"]}',
  "this is no JSON",
  '{"title": "Without content"}',
  '{"content": "The boiler is serviced each May.", "kind": "weather"}',
  '{"content": "The boiler is serviced each May."}',
].join("\n");

/** Fills the organisation. The admin is left with nothing. */
export async function seed(visitors: Visitors): Promise<Seed> {
  const page = await visitors.as("member");
  await visit(page, "/");
  const notes = readFileSync(new URL("../../docs/sample-notes.md", import.meta.url), "utf8");
  await untilImported(page, await giveFile(page, "sample-notes.md", notes));
  const report = await giveFile(page, "notes-with-mistakes.jsonl", BAD_LINES);
  await untilImported(page, report);
  const ids: string[] = [];
  for (const draft of DRAFTS) ids.push(await writeMemory(page, draft));
  const [memory, trashed, , , untitled] = ids;
  if (memory === undefined || trashed === undefined || untitled === undefined) throw new Error("too few drafts");
  for (const content of ["The machine takes whole beans only.", "The machine takes whole beans only. Ground coffee blocks it, so don't."]) {
    const version = String(content.length > 40 ? 2 : 1);
    await page.request.post(`/memories/${memory}/edit`, {
      form: { call: "memory_update", id: memory, version, title: "Espresso machine", content, kind: "fact", tags: "office, coffee" },
      headers: { origin: new URL(page.url()).origin },
    });
  }
  await deleteMemory(page, trashed);
  await untilFoundByMeaning(page);
  // Something refused, for the audit log.
  await page.goto("/audit");
  return { memory, untitled, trashed, report };
}

/** All states. */
export const STATES: State[] = [
  { name: "sign-in", show: at("/sign-in") },
  { name: "sign-in-refused", show: at("/sign-in?error=refused") },
  {
    name: "demo-issuer",
    show: async (page) => {
      await page.goto("/auth/login");
    },
  },
  { name: "overview-empty", as: "admin", show: at("/") },
  { name: "overview", as: "member", show: at("/") },
  { name: "overview-viewer", as: "viewer", show: at("/") },
  { name: "overview-billing", as: "billing", show: at("/") },
  { name: "memories-empty", as: "admin", show: at("/memories") },
  { name: "memories-empty-viewer", as: "viewer", show: at("/memories") },
  { name: "memories", as: "member", show: at("/memories") },
  { name: "memories-search", as: "member", show: at("/memories?q=who%20has%20to%20approve%20an%20expensive%20purchase") },
  { name: "memories-search-words", as: "member", show: at("/memories?q=whole%20team&mode=words") },
  { name: "memories-no-result", as: "member", show: at("/memories?q=zyzzyva&mode=words") },
  { name: "memories-no-fit", as: "member", show: at("/memories?tag=nothing-has-this") },
  { name: "trash-empty", as: "admin", show: at("/memories?state=trash") },
  { name: "trash", as: "member", show: at("/memories?state=trash") },
  { name: "memory-new", as: "member", show: at("/memories/new") },
  { name: "memory-new-refused", as: "member", show: async (page) => sendInvalid(page) },
  { name: "memory-edit", as: "member", show: (page, { memory }) => visit(page, `/memories/${memory}/edit`) },
  { name: "memory-edit-conflict", as: "member", show: (page, { memory }) => conflict(page, memory) },
  { name: "memory", as: "member", show: (page, { memory }) => visit(page, `/memories/${memory}`) },
  { name: "memory-created", as: "member", show: (page, { memory }) => visit(page, `/memories/${memory}?done=memory_created`) },
  { name: "memory-untitled", as: "member", show: (page, { untitled }) => visit(page, `/memories/${untitled}`) },
  { name: "memory-trashed", as: "member", show: (page, { trashed }) => visit(page, `/memories/${trashed}`) },
  { name: "memories-undo", as: "member", show: (page, { trashed }) => visit(page, `/memories?done=memory_deleted&memory=${trashed}`) },
  { name: "import-empty", as: "admin", show: at("/memories/import") },
  { name: "import", as: "member", show: at("/memories/import") },
  { name: "import-refused", as: "member", show: at("/memories/import?error=not_text") },
  { name: "import-report", as: "member", show: (page, { report }) => visit(page, report) },
  { name: "audit", as: "owner", show: at("/audit") },
  {
    name: "audit-details",
    as: "owner",
    show: async (page) => {
      await visit(page, "/audit?action=memory.update");
      await page.locator("main details > summary").first().click();
    },
  },
  { name: "audit-no-fit", as: "owner", show: at("/audit?action=nothing.like.this") },
  { name: "isolation", as: "admin", show: at("/isolation") },
  { name: "profile", as: "member", show: at("/profile") },
  { name: "organisations", as: "billing", show: at("/organisations") },
  { name: "organisations-one", as: "member", show: at("/organisations") },
  { name: "organisations-refused", as: "billing", show: at("/organisations?error=suspended") },
  { name: "not-found", as: "member", show: at("/nothing/here") },
  { name: "forbidden", as: "member", show: at("/audit") },
  { name: "forbidden-new", as: "viewer", show: at("/memories/new") },
  { name: "no-access", as: "member", show: at("/no-access") },
  {
    name: "palette",
    as: "member",
    needsScripts: true,
    show: async (page) => {
      await visit(page, "/");
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox").fill("mem");
    },
  },
  {
    name: "shortcuts",
    as: "member",
    needsScripts: true,
    show: async (page) => {
      await visit(page, "/");
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    },
  },
  {
    name: "menu",
    as: "member",
    narrowOnly: true,
    show: async (page) => {
      await visit(page, "/memories");
      await page.getByRole("button", { name: "Menu" }).click();
      await page.getByRole("navigation", { name: "Main" }).waitFor();
    },
  },
];

async function sendInvalid(page: Page): Promise<void> {
  await visit(page, "/memories/new");
  await page.getByLabel("Title").fill("x".repeat(201));
  await page.getByLabel("What should be remembered").fill(" ");
  await page.getByRole("button", { name: "Create memory" }).click();
  await page.locator("[aria-invalid=true]").first().waitFor();
  await awake(page);
}

async function conflict(page: Page, id: string): Promise<void> {
  await visit(page, `/memories/${id}/edit`);
  // Somebody else was faster: the form still holds the version before.
  await page.locator("input[name=version]").evaluate((input: HTMLInputElement) => {
    input.value = "1";
  });
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("button", { name: "Save over the current version" }).waitFor();
  if (runsScripts(page)) await page.getByText("Show the current version").waitFor();
}
