// Every page in every state that people can see, for the screenshots and for axe.
import { readFileSync } from "node:fs";
import { type Draft, deleteMemory, giveFile, origin, post, untilFoundByMeaning, untilImported, uploadFile, writeMemory } from "./memories.ts";
import { makeRole } from "./break-glass.ts";
import { makeInvite } from "./invites.ts";
import { makeKey } from "./keys.ts";
import { nameOperator } from "./operators.ts";
import { visitMember } from "./people.ts";
import { shareMemory, waiting } from "./proposals.ts";
import { type Server } from "./server.ts";
import { type Page, type Person, type Visitors, PEOPLE, awake, pressAndConfirm, runsScripts, visit } from "./test.ts";

/** The objects that the states show. */
export interface Seed {
  memory: string;
  untitled: string;
  trashed: string;
  report: string;
  /** The path of a file under review. */
  preview: string;
  /** Paths of a team and of a custom role, the id of a member, and the path of a bulk action's outcome. */
  team: string;
  role: string;
  person: string;
  bulk: string;
  /** The id of the billing member, who has break-glass access to the private memories of the member (`person`). */
  reader: string;
  /** The path of a pending invite's link. */
  link: string;
  /** Memories of the member: shared with a team, and proposed to the organisation. */
  shared: string;
  proposed: string;
  /** Paths of a pending and of a declined proposal. */
  proposal: string;
  declined: string;
  /** The path of an organisation, for operators. */
  tenant: string;
}

/** A page in one state. */
export interface State {
  name: string;
  /** The person who views it; none for pages before signing in. */
  as?: Person;
  /** Brings `page` into this state. */
  show(page: Page, seed: Seed): Promise<void>;
  /** Exists only with scripts. */
  needsScripts?: boolean;
  /** Exists only on narrow screens. */
  narrowOnly?: boolean;
}

const at =
  (path: string) =>
  (page: Page): Promise<void> =>
    visit(page, path);

/** Memories of the member, so that lists are full. */
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

/** The date `days` from now, in the format of a date field. */
function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

const PEOPLE_ROWS = [
  "who,note,labels,colour",
  'Mira,"Takes her tea without milk, always.","people, tea",green',
  "Ben,Is in on Mondays only.,people,blue",
  "Nobody,,people,grey",
].join("\n");

/** Fills the organisation. The admin is left without data. */
export async function seed(visitors: Visitors, server: Server): Promise<Seed> {
  const page = await visitors.as("member");
  await visit(page, "/");
  const notes = readFileSync(new URL("../../docs/sample-notes.md", import.meta.url), "utf8");
  await untilImported(page, await giveFile(page, "sample-notes.md", notes));
  const report = await giveFile(page, "notes-with-mistakes.jsonl", BAD_LINES);
  await untilImported(page, report);
  const preview = await uploadFile(page, "people.csv", PEOPLE_ROWS);
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
  await post(page, `/memories/${untitled}`, { call: "memory_reply", id: untitled, content: "And with honey when she has a cold." });
  await post(page, `/memories/${untitled}`, { call: "memory_reply", id: untitled, content: "نعم، وبلا سكر.\n\nhttps://example.org/" + "a-very-long-path-without-breaks/".repeat(4) });
  await post(page, "/memories/personas", { call: "persona_create", name: "Work", description: "What happens between nine and five, and now and then in the evening as well." });
  await post(page, "/memories/personas", { call: "persona_create", name: "Home", description: "" });
  await writeMemory(page, { title: "Visitor's badge", content: "It is at the front desk until the end of the fair.", tags: "office", keep: "until", expires_on: inDays(5), vendors: "only", importance: "0.9" });
  await makeKey(page, { label: "Nightly export", scopes: ["memory.read"] });
  await makeKey(page, { label: "Notes from the phone", scopes: ["memory.read", "memory.write"], lifetime: "never" });
  await untilFoundByMeaning(page);
  const owner = await visitors.as("owner");
  await visit(owner, "/keys/services/new");
  await post(owner, "/keys/services/new", { call: "service_account_create", name: "Nightly export", kind: "service" });
  nameOperator(server);
  await visit(owner, "/operator?query=other");
  const tenant = (await owner.getByRole("link", { name: "Other organisation" }).getAttribute("href")) ?? "";
  // A denial for the audit log.
  await page.goto("/audit");
  const people = await seedPeople(visitors);
  const proposals = await seedProposals(visitors, people.team);
  return { memory, untitled, trashed, report, preview, tenant, ...people, ...proposals, reader: await seedReader(visitors, people.person, memory) };
}

/** Shares a memory with the team that the member leads, and proposes two to the organisation, one of which the owner declines. */
async function seedProposals(visitors: Visitors, team: string): Promise<Pick<Seed, "shared" | "proposed" | "proposal" | "declined">> {
  const member = await visitors.as("member");
  await visit(member, "/");
  const shared = await writeMemory(member, { title: "Who opens the front desk", content: "Mira on weekdays, Jo on Saturdays. The alarm has to be off before the lights go on." });
  await shareMemory(member, shared, team.split("/").at(-1) ?? "");
  const draft: Draft = {
    title: "Customer 41 pays late",
    content: "They always pay, three weeks late. Sending the second reminder only costs us a phone call with their director.",
    kind: "context",
    tags: "customers, money",
  };
  const refused = await writeMemory(member, { ...draft, title: "Customer 17 is moody" });
  await shareMemory(member, refused, "org");
  const owner = await visitors.as("owner");
  const declined = await waiting(owner, "Customer 17 is moody");
  const comment = "That is an impression, and they could ask to see it. Please keep it to yourself.";
  await post(owner, declined, { call: "proposal_decide", id: declined.split("/").at(-1) ?? "", decision: "decline", comment });
  const proposed = await writeMemory(member, draft);
  await shareMemory(member, proposed, "org", "Whoever answers the phone should know before they call them.");
  return { shared, proposed, proposal: await waiting(owner, "Customer 41 pays late"), declined };
}

/** Grants break-glass to the billing member, who opens and reads one of the member's private memories. */
async function seedReader(visitors: Visitors, person: string, memory: string): Promise<string> {
  const owner = await visitors.as("owner");
  const role = await makeRole(owner);
  const reader = await visitMember(owner, "billing");
  await owner.getByLabel("Assign role").selectOption({ label: role });
  await owner.getByRole("button", { name: "Assign" }).click();
  await owner.getByText("Role assigned.").first().waitFor();
  const page = await visitors.as("billing");
  await visit(page, `/members/${person}`);
  const reason = "A customer asks what was agreed on the phone in March, and Mira is on leave until Monday.";
  await post(page, `/members/${person}`, { call: "break_glass_open", id: person, reason, minutes: "240" });
  await visit(page, `/members/${person}/break-glass/${memory}`);
  return reader;
}

/** A team, a custom role, and a bulk action on several members. */
async function seedPeople(visitors: Visitors): Promise<Pick<Seed, "team" | "role" | "person" | "bulk" | "link">> {
  const admin = await visitors.as("admin");
  const person = await visitMember(admin, "member");
  const path = async (place: string, form: Record<string, string>) => (await post(admin, place, form)).split("?")[0] ?? "";
  const team = await path("/teams", { call: "team_create", name: "Facilities and front desk" });
  await path(team, { call: "team_member_change", id: team.split("/").at(-1) ?? "", lead: person });
  const role = await path("/roles/new", { call: "role_create", name: "Auditor", description: "Reads the log, changes nothing.", "permissions[0]": "audit.read", "permissions[1]": "member.read" });
  const viewer = await visitMember(admin, "viewer");
  await path(team, { call: "team_member_change", id: team.split("/").at(-1) ?? "", member: viewer });
  const bulk = await path("/members/bulk", { call: "member_bulk_apply", act: `role:${role.split("/").at(-1) ?? ""}`, "ids[0]": viewer, "ids[1]": person });
  const given = { role: role.split("/").at(-1) ?? "", team: team.split("/").at(-1) ?? "" };
  await makeInvite(admin, { email: "a.rather.long.address.of.somebody@a-department.of-a-company.example.org", ...given });
  await makeInvite(admin, { days: "1" });
  const link = await makeInvite(admin, { email: "nina@example.org", ...given });
  return { team, role, person, bulk, link };
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
  {
    name: "overview-figures",
    as: "member",
    show: async (page) => {
      await visit(page, "/");
      await page.getByText("Show as table").click();
    },
  },
  { name: "overview-owner", as: "owner", show: at("/") },
  { name: "overview-setup", as: "other-owner", show: at("/") },
  { name: "overview-viewer", as: "viewer", show: at("/") },
  { name: "overview-billing", as: "billing", show: at("/") },
  { name: "memories-empty", as: "admin", show: at("/memories") },
  { name: "memories-empty-viewer", as: "viewer", show: at("/memories") },
  { name: "memories", as: "member", show: at("/memories") },
  { name: "memories-changed", as: "owner", needsScripts: true, show: changed },
  { name: "memories-search", as: "member", show: at("/memories?query=who%20has%20to%20approve%20an%20expensive%20purchase") },
  { name: "memories-search-words", as: "member", show: at("/memories?query=whole%20team&mode=words") },
  { name: "memories-no-result", as: "member", show: at("/memories?query=zyzzyva&mode=words") },
  { name: "memories-no-fit", as: "member", show: at("/memories?tag=nothing-has-this") },
  { name: "memories-narrowed", as: "member", show: at("/memories?owner=mine&visibility=private&from=2020-01-01") },
  { name: "memories-faults", as: "member", show: at("/memories?kind=song&from=yesterday&visibility=x") },
  {
    name: "memories-why",
    as: "member",
    show: async (page) => {
      await visit(page, "/memories?query=who%20has%20to%20approve%20an%20expensive%20purchase");
      await page.getByText("Why this score").first().click();
    },
  },
  { name: "memories-like", as: "member", show: (page, { memory }) => visit(page, `/memories?like=${memory}`) },
  { name: "memory-views-empty", as: "admin", show: at("/memories/views") },
  {
    name: "memory-views",
    as: "member",
    show: async (page) => {
      for (const [name, shown] of [["Meetings of the whole team", "?kind=event&tag=team"], ["What others share", "?owner=shared"]]) {
        await page.goto("/memories");
        await page.request.post("/memories", { form: { call: "memory_view_create", name: name ?? "", shown: shown ?? "" }, headers: origin(page, "/memories") });
      }
      await visit(page, "/memories/views");
    },
  },
  { name: "memories-views", as: "member", show: at("/memories?owner=shared") },
  { name: "memories-save-view", as: "member", show: async (page) => {
      await visit(page, "/memories?kind=event");
      await page.getByText("Save as a view").click();
    },
  },
  { name: "trash-empty", as: "admin", show: at("/memories?state=trash") },
  { name: "trash", as: "member", show: at("/memories?state=trash") },
  { name: "memory-new", as: "member", show: at("/memories/new") },
  {
    name: "memory-new-more",
    as: "member",
    show: async (page) => {
      await visit(page, "/memories/new");
      await page.locator("details.more > summary").click();
    },
  },
  {
    name: "memory-new-more-refused",
    as: "member",
    show: async (page) => {
      await visit(page, "/memories/new");
      await page.getByLabel("Content").fill("Until when?");
      await page.locator("details.more > summary").click();
      await page.getByLabel("Retention").selectOption("until");
      await page.getByRole("button", { name: "Create memory" }).click();
      await page.locator("#expires_on-error p").waitFor();
      await awake(page);
    },
  },
  { name: "memory-version", as: "member", show: (page, { memory }) => visit(page, `/memories/${memory}/versions/2`) },
  {
    name: "trash-empty-confirm",
    as: "member",
    show: async (page) => {
      await visit(page, "/memories?state=trash");
      await page.getByRole("button", { name: "Empty trash…" }).click();
    },
  },
  { name: "personas-empty", as: "admin", show: at("/memories/personas") },
  { name: "personas", as: "member", show: at("/memories/personas") },
  {
    name: "persona",
    as: "member",
    show: async (page) => {
      await visit(page, "/memories/personas");
      await page.getByRole("link", { name: "Work" }).click();
      await page.getByRole("heading", { name: "Work", level: 1 }).waitFor();
      await awake(page);
    },
  },
  { name: "memory-new-refused", as: "member", show: async (page) => sendInvalid(page) },
  { name: "memory-edit", as: "member", show: (page, { memory }) => visit(page, `/memories/${memory}/edit`) },
  { name: "memory-edit-conflict", as: "member", show: (page, { memory }) => conflict(page, memory) },
  { name: "memory", as: "member", show: (page, { memory }) => visit(page, `/memories/${memory}`) },
  { name: "memory-created", as: "member", show: (page, { memory }) => visit(page, `/memories/${memory}?done=memory_created`) },
  { name: "memory-untitled", as: "member", show: (page, { untitled }) => visit(page, `/memories/${untitled}`) },
  { name: "memory-trashed", as: "member", show: (page, { trashed }) => visit(page, `/memories/${trashed}`) },
  { name: "memory-share", as: "member", show: (page, { untitled }) => openShare(page, untitled) },
  {
    name: "memory-shared",
    as: "member",
    show: async (page, { shared }) => {
      await visit(page, `/memories/${shared}`);
      await page.getByText("Show names").click();
    },
  },
  { name: "memory-proposed", as: "member", show: (page, { proposed }) => visit(page, `/memories/${proposed}`) },
  { name: "memory-proposed-edit", as: "member", show: (page, { proposed }) => visit(page, `/memories/${proposed}/edit`) },
  { name: "proposals-empty", as: "other-owner", show: at("/memories/proposals") },
  { name: "proposals-decided-empty", as: "admin", show: at("/memories/proposals?view=decided") },
  { name: "proposals", as: "owner", show: at("/memories/proposals") },
  { name: "proposals-mine", as: "member", show: at("/memories/proposals?view=mine") },
  { name: "proposals-decided", as: "owner", show: at("/memories/proposals?view=decided") },
  { name: "proposals-refused", as: "viewer", show: at("/memories/proposals") },
  {
    name: "proposal",
    as: "owner",
    show: async (page, { proposal }) => {
      await visit(page, proposal);
      await page.getByText("Show names").click();
    },
  },
  { name: "proposal-own", as: "member", show: (page, { proposal }) => visit(page, proposal) },
  { name: "proposal-declined", as: "member", show: (page, { declined }) => visit(page, declined) },
  { name: "memories-undo", as: "member", show: (page, { trashed }) => visit(page, `/memories?done=memory_deleted&memory=${trashed}`) },
  { name: "import-empty", as: "admin", show: at("/memories/import") },
  { name: "import", as: "member", show: at("/memories/import") },
  { name: "import-refused", as: "member", show: at("/memories/import?error=not_text") },
  { name: "import-preview", as: "member", show: (page, { preview }) => visit(page, preview) },
  { name: "import-preview-refused", as: "member", show: (page, { preview }) => visit(page, `${preview}?choice[format]=atrium`) },
  { name: "export", as: "member", show: at("/memories/export?tag=people") },
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
  { name: "groups-empty", as: "admin", show: at("/groups") },
  { name: "groups-new", as: "admin", show: at("/groups/new") },
  { name: "groups-faults", as: "admin", show: at("/groups/preview?source=group&group_id=finance&priority=many") },
  {
    name: "groups-preview",
    as: "admin",
    show: async (page) => {
      await visit(page, "/groups/new");
      await page.getByLabel("Group or app role").fill("0fd2a3c4-5b1e-4c0a-9d1f-7a6b5c4d3e2f");
      await page.getByLabel("Name").fill("Finance");
      await page.getByLabel("Role", { exact: true }).selectOption({ label: "Viewer" });
      await page.getByRole("button", { name: "Preview" }).click();
      await page.getByRole("heading", { name: "Rule" }).waitFor();
      await awake(page);
    },
  },
  { name: "groups-try", as: "admin", show: at("/groups/preview?claims=finance%0Aeverybody") },
  { name: "settings", as: "admin", show: at("/settings") },
  { name: "embedding-model", as: "admin", show: at("/settings/embedding") },
  { name: "invites-empty", as: "other-owner", show: at("/invites") },
  { name: "invites", as: "admin", show: at("/invites") },
  { name: "invites-no-fit", as: "admin", show: at("/invites?status=accepted") },
  {
    name: "invite-many-created",
    as: "admin",
    show: async (page) => {
      await visit(page, "/invites/new");
      await page.getByLabel("Email addresses").fill("Mia <mia.okafor@example.org>, a.rather.long.address.of.somebody@a-department.of-a-company.example.org");
      await page.getByRole("button", { name: "Create invites" }).click();
      await page.getByRole("heading", { name: "2 invites created", level: 1 }).waitFor();
      await awake(page);
    },
  },
  { name: "invite-new", as: "admin", show: at("/invites/new") },
  {
    name: "invite-new-refused",
    as: "admin",
    show: async (page) => {
      await visit(page, "/invites/new");
      await page.getByLabel("Email addresses").fill("nina");
      await page.getByRole("button", { name: "Create invites" }).click();
      await page.locator("#emails-error p").waitFor();
      await awake(page);
    },
  },
  {
    name: "invite-link",
    as: "admin",
    show: async (page) => {
      await visit(page, "/invites/new");
      await page.getByLabel("Email addresses").fill("nina@example.org");
      await page.getByRole("button", { name: "Create invites" }).click();
      await page.getByRole("heading", { name: "Invitation link" }).waitFor();
      await awake(page);
    },
  },
  {
    name: "invite",
    as: "admin",
    show: async (page) => {
      await visit(page, "/invites");
      await page.getByRole("link", { name: /^a\.rather/ }).first().click();
      await page.getByRole("button", { name: "Revoke invite…" }).click();
    },
  },
  { name: "invite-accept", show: (page, { link }) => visit(page, link) },
  { name: "invite-accept-signed-in", as: "viewer", show: (page, { link }) => visit(page, link) },
  { name: "invite-accept-ended", show: at("/invite/atri_000000000000000000000000000000000") },
  { name: "isolation", as: "admin", show: at("/isolation") },
  { name: "members", as: "admin", show: at("/members") },
  { name: "members-no-fit", as: "admin", show: at("/members?query=zyzzyva") },
  { name: "members-to-look-at", as: "member", show: at("/members") },
  { name: "member", as: "admin", show: (page, { person }) => visit(page, `/members/${person}`) },
  { name: "member-to-look-at", as: "viewer", show: (page, { person }) => visit(page, `/members/${person}`) },
  {
    name: "member-last-owner",
    as: "owner",
    show: async (page) => {
      await visitMember(page, "owner");
    },
  },
  {
    name: "bulk-preview",
    as: "admin",
    show: async (page) => {
      await visit(page, "/members");
      for (const person of ["owner", "billing"] as const) await page.getByLabel(`Select ${PEOPLE[person]}`).check();
      await page.getByLabel("With selected members").selectOption({ label: "Suspend" });
      await page.getByRole("button", { name: "Review changes" }).click();
      await page.getByRole("heading", { name: "Suspend", level: 1 }).waitFor();
      await awake(page);
    },
  },
  { name: "break-glass-form", as: "billing", show: async (page) => void (await visitMember(page, "owner")) },
  {
    name: "break-glass-refused",
    as: "billing",
    show: async (page) => {
      await visitMember(page, "owner");
      await page.getByLabel("Reason for access").fill("Because");
      await page.getByRole("button", { name: "Open private memories" }).click();
      await page.locator("#reason-error p").waitFor();
      await awake(page);
    },
  },
  { name: "break-glass-open", as: "billing", show: (page, { person }) => visit(page, `/members/${person}`) },
  { name: "break-glass-list", as: "billing", show: (page, { person }) => visit(page, `/members/${person}/break-glass`) },
  { name: "break-glass-read", as: "billing", show: (page, { person, memory }) => visit(page, `/members/${person}/break-glass/${memory}`) },
  { name: "break-glass-over", as: "billing", show: (page, { reader }) => visit(page, `/members/${reader}/break-glass`) },
  { name: "notifications", as: "member", show: at("/notifications") },
  { name: "notifications-empty", as: "viewer", show: at("/notifications") },
  {
    name: "profile-readers",
    as: "member",
    show: async (page) => {
      await visit(page, "/profile");
      await page.locator(".readers summary").first().click();
    },
  },
  { name: "offboard", as: "admin", show: (page, { person }) => visit(page, `/members/${person}/offboard`) },
  {
    name: "offboard-refused",
    as: "admin",
    show: async (page, { person }) => {
      await visit(page, `/members/${person}/offboard`);
      await page.getByLabel("Type the member’s name to confirm").fill("somebody");
      await page.getByRole("button", { name: /^Offboard/ }).click();
      await page.locator("#confirm-error p").waitFor();
      await awake(page);
    },
  },
  { name: "bulk-outcome", as: "admin", show: (page, { bulk }) => visit(page, bulk) },
  { name: "teams-empty", as: "other-owner", show: at("/teams") },
  { name: "teams", as: "admin", show: at("/teams") },
  { name: "teams-no-fit", as: "admin", show: at("/teams?query=zyzzyva") },
  { name: "team", as: "admin", show: (page, { team }) => visit(page, team) },
  { name: "team-find", as: "admin", show: (page, { team }) => visit(page, `${team}?query=demo`) },
  { name: "team-to-look-at", as: "viewer", show: (page, { team }) => visit(page, team) },
  { name: "roles", as: "admin", show: at("/roles") },
  { name: "role-new", as: "admin", show: at("/roles/new") },
  {
    name: "role-new-refused",
    as: "admin",
    show: async (page) => {
      await visit(page, "/roles/new");
      await page.getByLabel("Name", { exact: true }).fill("Empty");
      await page.getByRole("button", { name: "Create role" }).click();
      await page.getByText("Choose at least one permission.").first().waitFor();
      await awake(page);
    },
  },
  { name: "role", as: "admin", show: (page, { role }) => visit(page, role) },
  {
    name: "role-system",
    as: "viewer",
    show: async (page) => {
      await visit(page, "/roles");
      await page.getByRole("link", { name: "Admin", exact: true }).first().click();
      await page.getByRole("heading", { name: "Admin", level: 1 }).waitFor();
      await awake(page);
    },
  },
  { name: "keys-empty", as: "viewer", show: at("/keys") },
  { name: "keys", as: "member", show: at("/keys") },
  { name: "keys-ended-empty", as: "viewer", show: at("/keys?ended=true") },
  { name: "keys-all", as: "owner", show: at("/keys/all") },
  { name: "services-empty", as: "other-owner", show: at("/keys/services") },
  { name: "services", as: "owner", show: at("/keys/services") },
  { name: "service-new", as: "owner", show: at("/keys/services/new") },
  { name: "key-new", as: "owner", show: at("/keys/new") },
  { name: "key-new-refused", as: "member", show: async (page) => sendEmptyKey(page) },
  { name: "key-created", as: "member", show: async (page) => showNewKey(page) },
  { name: "key", as: "member", show: async (page) => showFirstKey(page) },
  { name: "connect", as: "member", show: at("/connect") },
  {
    name: "connect-created",
    as: "member",
    show: async (page) => {
      await visit(page, "/connect");
      await page.getByRole("button", { name: "Create key and show set-up" }).click();
      await page.getByRole("heading", { name: "Connect Claude Code", level: 1 }).waitFor();
      await awake(page);
    },
  },
  { name: "reference", as: "member", show: at("/reference") },
  { name: "reference-memories", as: "member", show: at("/reference?group=memories") },
  {
    name: "reference-operation",
    as: "member",
    show: async (page) => {
      await visit(page, "/reference?group=api-keys");
      await page.locator("#api_key_create > summary").click();
    },
  },
  { name: "profile", as: "member", show: at("/profile") },
  { name: "organisations", as: "billing", show: at("/organisations") },
  { name: "organisations-one", as: "member", show: at("/organisations") },
  { name: "organisations-refused", as: "billing", show: at("/organisations?error=suspended") },
  { name: "operator", as: "owner", show: at("/operator") },
  { name: "operator-no-fit", as: "owner", show: at("/operator?query=zyzzyva") },
  { name: "operator-refused", as: "member", show: at("/operator") },
  { name: "operator-home", as: "owner", show: async (page) => showHome(page) },
  { name: "operator-new", as: "owner", show: at("/operator/new") },
  { name: "operator-tenant", as: "owner", show: (page, { tenant }) => visit(page, tenant) },
  { name: "operator-delete", as: "owner", show: (page, { tenant }) => visit(page, `${tenant}/delete`) },
  {
    name: "operator-delete-refused",
    as: "owner",
    show: async (page, { tenant }) => {
      await visit(page, `${tenant}/delete`);
      await page.getByLabel("Reason").fill("They left");
      await page.getByLabel("Type the organisation’s name to confirm").fill("somebody");
      await page.getByRole("button", { name: "Delete organisation" }).click();
      await page.locator("#confirm-error p").waitFor();
      await awake(page);
    },
  },
  { name: "operator-suspended", as: "owner", show: (page, { tenant }) => showSuspended(page, tenant) },
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

async function showHome(page: Page): Promise<void> {
  await visit(page, "/operator?query=demo");
  await page.getByRole("main").getByRole("link", { name: "Demo organisation" }).click();
  await page.getByRole("heading", { name: "Usage" }).waitFor();
  await awake(page);
}

/** Stays suspended, so states with people of the other organisation come before. */
async function showSuspended(page: Page, tenant: string): Promise<void> {
  await visit(page, tenant);
  const suspend = page.getByRole("button", { name: "Suspend organisation" });
  if ((await suspend.count()) > 0) {
    await page.getByLabel("Reason").fill("Unpaid since May, and nobody answers. Ask the accounts team before resuming it.");
    await pressAndConfirm(page, "Suspend organisation…");
  }
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await visit(page, tenant);
}

async function sendEmptyKey(page: Page): Promise<void> {
  await visit(page, "/keys/new");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.locator("[aria-invalid=true]").first().waitFor();
}

async function showNewKey(page: Page): Promise<void> {
  await visit(page, "/keys/new");
  await page.getByLabel("Name", { exact: true }).fill("Backup of the archive");
  await page.getByRole("checkbox", { name: /Read memories/ }).check();
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByRole("heading", { name: "Your new key" }).waitFor();
  await awake(page);
}

/** The list while another member writes to it. */
async function changed(page: Page): Promise<void> {
  const stream = page.waitForResponse((response) => new URL(response.url()).pathname === "/events");
  await visit(page, "/memories");
  await stream;
  await writeMemory(page, { content: "Written elsewhere." });
  await page.locator(".live-bar").waitFor();
}

async function showFirstKey(page: Page): Promise<void> {
  await visit(page, "/keys");
  await page.locator("td a.row-title").first().click();
  await page.getByRole("button", { name: "Revoke key…" }).click();
}

async function openShare(page: Page, id: string): Promise<void> {
  await visit(page, `/memories/${id}`);
  await page.getByRole("button", { name: "Share or propose…" }).click();
  await page.getByLabel("Reason").waitFor();
}

async function sendInvalid(page: Page): Promise<void> {
  await visit(page, "/memories/new");
  await page.getByLabel("Title").fill("x".repeat(201));
  await page.getByLabel("Content").fill(" ");
  await page.getByRole("button", { name: "Create memory" }).click();
  await page.locator("[aria-invalid=true]").first().waitFor();
  await awake(page);
}

async function conflict(page: Page, id: string): Promise<void> {
  await visit(page, `/memories/${id}/edit`);
  // Another member was faster: the form still contains the earlier version.
  await page.locator("input[name=version]").evaluate((input: HTMLInputElement) => {
    input.value = "1";
  });
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("button", { name: "Overwrite" }).waitFor();
  if (runsScripts(page)) await page.getByText("Show the current version").waitFor();
}
