import { giveFile, post, untilFoundByMeaning, writeMemory } from "../support/memories.ts";
import { type Page, type Person, awake, expect, test, uniqueWord, visit } from "../support/test.ts";

const NOWHERE = "0198f000-0000-7000-8000-000000000000";

/** People who must see none of the member's private memories. */
const STRANGERS: [Person, string][] = [
  ["other-owner", "the owner of another organisation"],
  ["owner", "the owner of the same organisation"],
  ["viewer", "a viewer of the same organisation"],
];

/** The content of the page at `path`, without what differs between any two requests. */
async function seen(page: Page, path: string): Promise<{ status: number | undefined; text: string; title: string }> {
  const answer = await page.goto(path);
  await awake(page);
  return { status: answer?.status(), text: await page.getByRole("main").innerText(), title: await page.title() };
}

/** The content of the page, without the query that it repeats. */
async function shown(page: Page): Promise<string> {
  return page.getByRole("main").evaluate((main) => {
    const copy = main.cloneNode(true) as HTMLElement;
    for (const asked of copy.querySelectorAll(".chips")) asked.remove();
    return copy.textContent ?? "";
  });
}

for (const [person, who] of STRANGERS) {
  test(`${who} sees no private memory in lists, searches or by its address`, async ({ visitors }) => {
    const word = uniqueWord();
    const member = await visitors.as("member");
    await visit(member, "/memories");
    const id = await writeMemory(member, { title: `Secret ${word}`, content: `The ${word} is kept under the third stone.`, tags: word });
    await untilFoundByMeaning(member);

    const stranger = await visitors.as(person);
    const places = [
      "/",
      "/memories",
      "/memories?owner=shared",
      `/memories?tag=${word}`,
      "/memories?state=trash",
      "/memories?query=the%20third%20stone&mode=meaning",
      "/memories?query=the%20third%20stone&mode=words",
    ];
    for (const place of places) {
      await visit(stranger, place);
      expect((await shown(stranger)).toLowerCase(), place).not.toContain(word);
      await expect(stranger.getByRole("main"), place).not.toContainText("third stone is");
    }

    const hidden = await seen(stranger, `/memories/${id}`);
    expect(hidden).toEqual(await seen(stranger, `/memories/${NOWHERE}`));
    expect(hidden.status).toBe(404);
    if (person !== "viewer") {
      expect(await seen(stranger, `/memories/${id}/edit`)).toEqual(await seen(stranger, `/memories/${NOWHERE}/edit`));
    }
  });
}

test("nobody changes, deletes or restores another member's memory, and the answers reveal nothing", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/memories");
  const id = await writeMemory(member, { title: "Untouched", content: "Stays as it is." });
  for (const person of ["other-owner", "owner"] as const) {
    const stranger = await visitors.as(person);
    await visit(stranger, "/");
    const call = async (name: string, form: Record<string, string>) => {
      const answer = await stranger.request.post(`/api/${name}`, { form, headers: { origin: new URL(stranger.url()).origin } });
      return { status: answer.status(), body: await answer.text() };
    };
    for (const [name, rest] of [
      ["memory_delete", {}],
      ["memory_restore", {}],
      ["memory_update", { version: "1", content: "changed" }],
    ] as const) {
      const theirs = await call(name, { id, ...rest });
      expect(theirs, name).toEqual(await call(name, { id: NOWHERE, ...rest }));
      expect(theirs.status, name).toBe(404);
    }
  }
  await visit(member, `/memories/${id}`);
  await expect(member.getByRole("article")).toHaveText("Stays as it is.");
});

test("the audit log shows its own organisation only", async ({ visitors }) => {
  const member = await visitors.as("member");
  await visit(member, "/memories");
  const id = await writeMemory(member, { content: "Seen in one log only." });

  const owner = await visitors.as("owner");
  await visit(owner, "/audit?action=memory.create");
  await owner.locator("main details > summary").first().click();
  await expect(owner.locator("main details").first()).toContainText(id);

  const other = await visitors.as("other-owner");
  await visit(other, "/audit");
  await expect(other.getByRole("main")).not.toContainText("Demo member");
  await expect(other.getByRole("main")).not.toContainText(id.slice(-8));
});

test("memories stay in their organisation when two import the same file", async ({ visitors }) => {
  const word = uniqueWord();
  const paths: string[] = [];
  for (const person of ["owner", "other-owner"] as const) {
    const page = await visitors.as(person);
    await visit(page, "/memories/import");
    const path = await giveFile(page, "same.txt", `Same text: ${word}`);
    paths.push(path);
    await page.goto(path);
    await expect(page.getByRole("region", { name: "Progress" })).toContainText("Done");
    await expect(page.locator("dl.figures > div", { hasText: "Imported" }).locator("dd")).toHaveText("1");
    await visit(page, `/memories?query=${word}&mode=words`);
    await expect(page.locator("ol.hits > li")).toHaveCount(1);
  }
  expect(paths[0]).not.toBe(paths[1]);
});

test("nobody ends another member's session", async ({ visitors }) => {
  const member = await visitors.anew("member");
  await visit(member, "/profile");
  const other = await visitors.as("other-owner");
  await visit(other, "/profile");
  const ended = await post(other, "/profile", { call: "session_revoke_others" });
  expect(ended).toContain("/profile");
  await visit(member, "/profile");
  await expect(member.getByRole("heading", { level: 1 })).toHaveText("Profile");
});

test("an admin sees that every probe passes; a member sees the missing permission", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/isolation");
  await expect(admin.getByRole("status").filter({ hasText: "Passed:" })).toBeVisible();
  const memories = admin.getByRole("row", { name: /^memories / });
  await expect(memories).toContainText("Blocked (no rows)");
  await expect(memories).toContainText(/Blocked(?! \(no rows\))/);
  await expect(memories).toContainText("Visible");
  await expect(admin.getByRole("main").getByText("Reached", { exact: true })).toHaveCount(0);
  await admin.getByRole("link", { name: "Run again" }).click();
  await expect(admin.getByRole("status").filter({ hasText: "Passed:" })).toBeVisible();

  const member = await visitors.as("member");
  const answer = await member.goto("/isolation");
  expect(answer?.status()).toBe(403);
  await expect(member.getByRole("main")).toContainText("isolation.probe");
});
