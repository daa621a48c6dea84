import { makeKey, tellApi } from "../support/keys.ts";
import { REVISIONS, connect } from "../support/mcp.ts";
import { untilFoundByMeaning, writeMemory } from "../support/memories.ts";
import { makeTeam, shareMemory, waiting } from "../support/proposals.ts";
import { PEOPLE, type Page, awake, expect, test, uniqueWord, visit } from "../support/test.ts";

// Team memberships must not change during other journeys.
test.use({ world: "proposals" });

const told = (page: Page) => page.getByRole("status").first();
const sight = (page: Page) => page.getByRole("region", { name: "Who can see this" });

/** The titles that the search of `page`'s member finds. */
async function finds(page: Page, question: string, mode: string): Promise<string> {
  await visit(page, `/memories?query=${encodeURIComponent(question)}&mode=${mode}`);
  return (await page.getByRole("main").textContent()) ?? "";
}

test("a lead accepts a member's proposal, and only the team finds it by keyword and by meaning", async ({ visitors }) => {
  const word = uniqueWord();
  const title = `House key ${word}`;
  const admin = await visitors.as("admin");
  // The viewer is a member of the team; the owner is not.
  const team = await makeTeam(admin, `Front desk ${word}`, "admin", "member", "viewer");
  const member = await visitors.as("member");
  await visit(member, "/");
  const memory = await writeMemory(member, { title, content: `The spare one lies under the third flower pot, says ${word}.` });
  await untilFoundByMeaning(member);

  await visit(member, `/memories/${memory}`);
  await expect(sight(member)).toContainText("Only you");
  await sight(member).getByRole("button", { name: "Propose…" }).click();
  await member.getByLabel("Share with").selectOption({ label: team.name });
  await member.getByLabel("Reason").fill("Everybody asks me for it");
  await member.getByRole("dialog").getByRole("button", { name: "Propose" }).click();
  await expect(told(member)).toContainText("Proposal sent.");
  await expect(sight(member)).toContainText(`You proposed sharing it with ${team.name}. It is pending review.`);
  await awake(member);
  // Editing it shows a warning.
  await visit(member, `/memories/${memory}/edit`);
  await expect(member.getByRole("main")).toContainText("you need to propose it again");

  const viewer = await visitors.as("viewer");
  const owner = await visitors.as("owner");
  for (const outside of [viewer, owner]) expect(await finds(outside, word, "words")).not.toContain(title);

  // The lead is notified, reads the exact text, and decides.
  const lead = await visitors.as("admin");
  await visit(lead, "/notifications");
  const notice = lead.getByRole("listitem").filter({ hasText: `${PEOPLE.member} proposed sharing a memory with ${team.name}` });
  await notice.getByRole("link", { name: "Review" }).click();
  await expect(lead.getByRole("heading", { level: 1 })).toHaveText(title);
  await awake(lead);
  const link = lead.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Proposals/ });
  await expect(link).toContainText("to review");
  await expect(lead.getByRole("article")).toContainText("third flower pot");
  await expect(lead.getByRole("main")).toContainText("Everybody asks me for it");
  await expect(lead.getByRole("region", { name: "Who will see this" })).toContainText("3 people");
  await lead.getByLabel("Comment").fill("Good to know");
  await lead.getByRole("button", { name: "Accept and share" }).click();
  await expect(told(lead)).toContainText("Accepted. The memory is shared.");
  await expect(lead).toHaveURL(/\/memories\/proposals(\?|$)/);
  await awake(lead);

  expect(await finds(viewer, word, "words")).toContain(title);
  expect(await finds(viewer, "how do I get into the building", "meaning")).toContain(title);
  for (const mode of ["words", "meaning"]) expect(await finds(owner, word, mode)).not.toContain(title);
  expect((await owner.goto(`/memories/${memory}`))?.status()).toBe(404);
  await awake(owner);
  await visit(viewer, `/memories/${memory}`);
  await expect(sight(viewer)).toContainText(`${PEOPLE.member} and the members of ${team.name}.`);
  await expect(sight(viewer)).toContainText("3 people");
  await sight(viewer).getByText("Show names").click();
  await expect(sight(viewer).getByRole("link")).toHaveText([PEOPLE.admin, PEOPLE.member, PEOPLE.viewer]);
  await expect(sight(viewer).getByRole("button")).toHaveCount(0);

  // The member is notified and can unshare it at any time.
  await visit(member, "/notifications");
  const decided = member.getByRole("listitem").filter({ hasText: `${PEOPLE.admin} accepted your proposal for ${team.name}` });
  await expect(decided).toContainText("Good to know");
  await decided.getByRole("link", { name: "View memory" }).click();
  await awake(member);
  await sight(member).getByRole("button", { name: "Stop sharing" }).click();
  await expect(told(member)).toContainText("No longer shared.");
  await expect(sight(member)).toContainText("Only you");
  expect((await viewer.goto(`/memories/${memory}`))?.status()).toBe(404);
  await awake(viewer);
});

test("a declined memory stays private, and its author sees the reason", async ({ visitors }) => {
  const title = `Rumour ${uniqueWord()}`;
  const member = await visitors.as("member");
  await visit(member, "/");
  const memory = await writeMemory(member, { title, content: "Somebody heard something." });
  await shareMemory(member, memory, "org");
  const owner = await visitors.as("owner");
  await visit(owner, await waiting(owner, title));
  await owner.getByLabel("Comment").fill("x".repeat(1001));
  await owner.getByRole("button", { name: "Decline" }).click();
  await expect(owner.locator("#comment-error")).toContainText("at most 1000 characters");
  await awake(owner);
  await owner.getByLabel("Comment").fill("Not ours to tell");
  await owner.getByRole("button", { name: "Decline" }).click();
  await expect(told(owner)).toContainText("Declined.");
  await awake(owner);
  await visit(owner, "/memories/proposals?view=decided");
  await expect(owner.getByRole("row", { name: new RegExp(title) })).toContainText("Declined");

  await visit(member, "/memories/proposals");
  await member.getByRole("link", { name: title }).click();
  await expect(member.getByRole("region", { name: "Declined" })).toContainText("Not ours to tell");
  await awake(member);
  const viewer = await visitors.as("viewer");
  expect((await viewer.goto(`/memories/${memory}`))?.status()).toBe(404);
  await awake(viewer);
});

test("a withdrawn proposal, or one whose memory changed, can't be decided", async ({ visitors }) => {
  const title = `Door code ${uniqueWord()}`;
  const member = await visitors.as("member");
  await visit(member, "/");
  const memory = await writeMemory(member, { title, content: "It is 4711." });
  await shareMemory(member, memory, "org");
  const owner = await visitors.as("owner");
  const first = await waiting(owner, title);
  await visit(owner, first);

  await visit(member, `/memories/${memory}/edit`);
  await member.getByLabel("Content").fill("It is 0815.");
  await member.getByRole("button", { name: "Save changes" }).click();
  await expect(sight(member)).toContainText("The memory changed after it was proposed");
  await awake(member);
  await owner.getByRole("button", { name: "Accept and share" }).click();
  await expect(owner.getByRole("alert").first()).toContainText("changed after it was proposed");
  await awake(owner);

  // Proposed again in its current version; the old proposal is closed.
  await sight(member).getByRole("button", { name: "Propose…" }).click();
  await member.getByLabel("Share with").selectOption({ label: "Organisation" });
  await member.getByRole("dialog").getByRole("button", { name: "Propose" }).click();
  await expect(told(member)).toContainText("Proposal sent.");
  await awake(member);
  expect((await owner.goto(first))?.status()).toBe(404);
  await awake(owner);
  await visit(owner, await waiting(owner, title));
  await expect(owner.getByRole("article")).toHaveText("It is 0815.");

  await sight(member).getByRole("link", { name: "proposed" }).click();
  await expect(member.getByRole("heading", { level: 1 })).toHaveText(title);
  await awake(member);
  await member.getByRole("button", { name: "Withdraw" }).click();
  await expect(told(member)).toContainText("Proposal withdrawn.");
  await expect(member.getByRole("region", { name: "Withdrawn" })).toBeVisible();
  await owner.getByRole("button", { name: "Accept and share" }).click();
  await expect(owner.getByRole("main")).toContainText("Page not found");
});

test("a lead shares with the team at once and proposes to the organisation", async ({ visitors }) => {
  const word = uniqueWord();
  const admin = await visitors.as("admin");
  const team = await makeTeam(admin, `Kitchen ${word}`, "member", "viewer");
  const member = await visitors.as("member");
  await visit(member, "/");
  const memory = await writeMemory(member, { title: `Oven ${word}`, content: "It runs ten degrees too hot." });
  await visit(member, `/memories/${memory}`);
  await sight(member).getByRole("button", { name: "Share or propose…" }).click();
  await member.getByLabel("Share with").selectOption({ label: team.name });
  await member.getByRole("dialog").getByRole("button", { name: "Share or propose" }).click();
  await expect(told(member)).toContainText("Memory shared.");
  await expect(sight(member)).toContainText(`You and the members of ${team.name}.`);
  await awake(member);
  const viewer = await visitors.as("viewer");
  await visit(viewer, `/memories/${memory}`);
  await expect(viewer.getByRole("article")).toHaveText("It runs ten degrees too hot.");

  // Each change of visibility keeps the version before.
  await visit(member, `/memories/${memory}`);
  await expect(member.getByRole("region", { name: "Versions" }).getByRole("row", { name: /Version 1/ })).toBeVisible();
});

test("a change of a shared memory waits for a review that shows both versions; others see the accepted one until then", async ({ visitors }) => {
  const title = `Wifi ${uniqueWord()}`;
  const member = await visitors.as("member");
  await visit(member, "/");
  const memory = await writeMemory(member, { title, content: "The password is on the fridge." });
  await shareMemory(member, memory, "org");
  const owner = await visitors.as("owner");
  await visit(owner, await waiting(owner, title));
  await owner.getByRole("button", { name: "Accept and share" }).click();
  await expect(told(owner)).toContainText("Accepted.");
  await awake(owner);

  // The notice shows before and after saving.
  await visit(member, `/memories/${memory}/edit`);
  await expect(member.getByRole("main")).toContainText("the organisation sees version 2 until the change is approved");
  await member.getByLabel("Content").fill("The password is on the door.");
  await member.getByLabel("Change note").fill("The fridge is new");
  await member.getByRole("button", { name: "Propose changes" }).click();
  await expect(told(member)).toContainText("Saved as a proposal.");
  await expect(sight(member)).toContainText("It is pending review. Until then, the organisation sees version 2.");
  await expect(member.getByRole("article")).toHaveText("The password is on the fridge.");
  await awake(member);
  // The form continues with the pending change.
  await visit(member, `/memories/${memory}/edit`);
  await expect(member.getByLabel("Content")).toHaveValue("The password is on the door.");
  await expect(member.getByRole("main")).toContainText("This is your proposed change.");

  const viewer = await visitors.as("viewer");
  await visit(viewer, `/memories/${memory}`);
  await expect(viewer.getByRole("article")).toHaveText("The password is on the fridge.");
  await expect(viewer.getByRole("textbox", { name: "Reply" })).toHaveCount(0);

  await visit(owner, "/memories/proposals?view=waiting");
  await expect(owner.getByRole("row", { name: new RegExp(title) })).toContainText("Change");
  await visit(owner, await waiting(owner, title));
  const difference = owner.getByRole("region", { name: "Changes to version 2" });
  await expect(difference.locator("del")).toHaveText("fridge.");
  await expect(difference.locator("ins")).toHaveText("door.");
  await expect(owner.getByRole("main")).toContainText("The fridge is new");
  await owner.getByRole("button", { name: "Accept change" }).click();
  await expect(told(owner)).toContainText("Accepted.");
  await awake(owner);
  await visit(viewer, `/memories/${memory}`);
  await expect(viewer.getByRole("article")).toHaveText("The password is on the door.");
});

test("a viewer is not offered to propose and is denied by hand", async ({ visitors }) => {
  const viewer = await visitors.as("viewer");
  await visit(viewer, "/");
  await expect(viewer.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Proposals/ })).toHaveCount(0);
  const call = await viewer.request.post("/api/proposal_decide", {
    form: { id: "0198f000-0000-7000-8000-000000000001", decision: "accept" },
    headers: { origin: new URL(viewer.url()).origin },
  });
  expect(call.status()).toBe(403);
  expect(await call.text()).toContain("memory.share");
});

test("a memory from an AI client is proposed and accepted over REST, and the team's clients find it", async ({ visitors, server }) => {
  const word = uniqueWord();
  const admin = await visitors.as("admin");
  const team = await makeTeam(admin, `Tea kitchen ${word}`, "admin", "member", "viewer");
  const keyOf = async (page: Page, scopes: string[]) => makeKey(page, { label: `Program ${uniqueWord()}`, scopes });
  const member = await visitors.as("member");
  const writer = await connect(server.url, await keyOf(member, ["memory.read", "memory.write"]), REVISIONS[0]);
  const added = await writer.call("add_memory", { title: `Kettle ${word}`, content: "The kettle has to be descaled every month." });
  const id = String(added.data["id"]);
  await writer.close();
  await untilFoundByMeaning(member);

  const sharer = await keyOf(member, ["memory.share"]);
  const shared = await tellApi(member, `/api/v1/memories/${id}/share`, sharer, { version: 1, audience: team.id });
  expect(shared["outcome"]).toBe("proposed");
  const viewer = await visitors.as("viewer");
  const owner = await visitors.as("owner");
  const [reader, outside] = [await keyOf(viewer, ["memory.read"]), await keyOf(owner, ["memory.read"])];
  const finds = async (key: string, filter: object) => {
    const client = await connect(server.url, key, REVISIONS[1]);
    const found = await client.call("search_memories", { query: "How do I look after what boils the water?", mode: "meaning", limit: 50, filter });
    await client.close();
    expect(found.isError, found.text).toBe(false);
    return (found.data["hits"] as { memory: { id: string } }[]).some((hit) => hit.memory.id === id);
  };
  expect(await finds(reader, {})).toBe(false);

  const lead = await keyOf(admin, ["memory.share"]);
  await tellApi(admin, `/api/v1/proposals/${String(shared["proposal_id"])}/accept`, lead, { comment: "Good to know" });
  expect(await finds(reader, { team: team.id, owner: "shared" })).toBe(true);
  expect(await finds(reader, { visibility: "private" })).toBe(false);
  expect(await finds(outside, {})).toBe(false);
});
