import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { makeKey } from "../support/keys.ts";
import { KeyProxy, REVISIONS, connect } from "../support/mcp.ts";
import { expect, pressAndConfirm, test, uniqueWord } from "../support/test.ts";

const SCOPES = ["memory.read", "memory.write"];

interface Hits {
  hits: { memory: { id: string; excerpt: string }; similarity: number | null }[];
}

for (const revision of REVISIONS) {
  test(`a client of ${revision} keeps, finds, reads, changes and deletes memories`, async ({ visitors, server }) => {
    const page = await visitors.as("member");
    const key = await makeKey(page, { label: `Client ${uniqueWord()}`, scopes: SCOPES });
    const client = await connect(server.url, key, revision);
    expect(client.revision).toBe(revision);
    const tools = await client.tools();
    expect(tools.map((tool) => tool.name)).toEqual([
      "search",
      "fetch",
      "list_memories",
      "add_memory",
      "search_memories",
      "get_memory",
      "update_memory",
      "delete_memory",
    ]);
    const reading = tools.filter((tool) => tool.annotations?.readOnlyHint).map((tool) => tool.name);
    expect(reading).toEqual(["search", "fetch", "list_memories", "search_memories", "get_memory"]);

    const word = uniqueWord();
    const added = await client.call("add_memory", { title: word, content: "The cat sleeps on the warm windowsill all afternoon." });
    expect(added.isError, added.text).toBe(false);
    const id = String(added.data["id"]);

    // A semantic search: the query and the memory share no word.
    await expect
      .poll(async () => {
        const found = await client.call("search_memories", { query: "Where does the pet take a nap?", mode: "meaning", limit: 50 });
        const { hits } = found.data as unknown as Hits;
        return hits.find((hit) => hit.memory.id === id)?.similarity ?? 0;
      })
      .toBeGreaterThan(0.2);
    const found = await client.call("search", { query: word });
    const results = found.data["results"] as { id: string; title: string; url: string }[];
    expect(results[0]).toEqual({ id, title: word, url: `${server.url}/memories/${id}` });
    const fetched = await client.call("fetch", { id });
    expect(fetched.data["text"]).toBe("The cat sleeps on the warm windowsill all afternoon.");

    const changed = await client.call("update_memory", { id, version: 1, content: "The cat sleeps under the stove." });
    expect(changed.data["version"]).toBe(2);
    const late = await client.call("update_memory", { id, version: 1, content: "Too late" });
    expect(late.isError).toBe(true);
    expect(late.text).toContain("get_memory");
    const got = await client.call("get_memory", { id });
    expect(got.data).toMatchObject({ content: "The cat sleeps under the stove.", origin: "mcp", visibility: "private" });

    // A colleague with their own key doesn't see it.
    const admin = await visitors.as("admin");
    const other = await connect(server.url, await makeKey(admin, { label: `Other ${uniqueWord()}`, scopes: SCOPES }), revision);
    expect((await other.call("get_memory", { id })).isError).toBe(true);
    // A semantic search may also find memories of other journeys.
    const itself = expect.objectContaining({ id });
    expect((await other.call("search", { query: word })).data["results"]).not.toContainEqual(itself);
    await other.close();

    const gone = await client.call("delete_memory", { id });
    expect([gone.isError, gone.text]).toEqual([false, "Done."]);
    expect((await client.call("search", { query: word })).data["results"]).not.toContainEqual(itself);
    await client.close();

    await page.goto("/memories?state=trash");
    await expect(page.getByRole("link", { name: word })).toBeVisible();
  });

  test(`a client of ${revision} narrows lists and searches as programs over REST do`, async ({ visitors, server }) => {
    // A semantic search of another journey's member must not find these.
    const page = await visitors.as("owner");
    const key = await makeKey(page, { label: `Filters ${uniqueWord()}`, scopes: SCOPES });
    const client = await connect(server.url, key, revision);
    const word = uniqueWord();
    for (const [title, more] of [
      ["event", { kind: "event", tags: ["green", "black"] }],
      ["short", { tags: ["green"], expires_at: "2099-01-01T00:00:00Z" }],
      ["plain", {}],
    ] as const) {
      const added = await client.call("add_memory", { title, content: `Tea of ${word}`, ...more });
      expect(added.isError, added.text).toBe(false);
    }
    const today = new Date().toISOString().slice(0, 10);
    const ever = { from: "2001-01-01", to: "2999-12-31" };
    for (const [filter, expected] of [
      [{ kind: "event" }, ["event"]],
      [{ tag: "green" }, ["event", "short"]],
      [{ tag: "green,black" }, ["event"]],
      [{ term: "short" }, ["short"]],
      [{ owner: "mine", origin: "mcp", visibility: "private", ...ever }, ["event", "plain", "short"]],
      [{ owner: "shared" }, []],
      [{ from: today, to: "2001-01-02" }, undefined],
      [{ team: crypto.randomUUID() }, []],
      [{ persona: crypto.randomUUID() }, []],
      [{ state: "trash" }, []],
      [{ colour: "green" }, undefined],
    ] as const) {
      const found = await client.call("search_memories", { query: word, mode: "words", filter });
      const rest = await fetch(`${server.url}/api/v1/memories/search`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ query: word, mode: "words", filter }),
      });
      expect([found.isError, rest.status], found.text).toEqual(expected === undefined ? [true, 422] : [false, 200]);
      if (expected === undefined) continue;
      for (const { hits } of [found.data, await rest.json()] as { hits: { memory: { title: string } }[] }[]) {
        expect(hits.map((hit) => hit.memory.title).sort()).toEqual(expected);
      }
    }
    const [hit] = (await client.call("search_memories", { query: word, mode: "words", filter: { kind: "event" } })).data["hits"] as {
      memory: { id: string };
      score: number;
      parts: Record<string, number>;
    }[];
    expect(hit?.parts).toMatchObject({ words_weight: 1, meaning_weight: 0 });

    // A reply is listed next to its memory.
    const id = hit?.memory.id;
    const reply = await client.call("add_memory", { content: "With milk", parent_id: id });
    expect(reply.data["parent_id"]).toBe(id);
    const whole = await client.call("get_memory", { id });
    expect(whole.data["replies"]).toMatchObject([{ id: reply.data["id"], excerpt: "With milk" }]);
    await client.close();
  });

  test(`a client of ${revision} pages through a list, and is out as soon as its key is`, async ({ visitors, server }) => {
    const page = await visitors.as("owner");
    const tag = uniqueWord();
    const items = Array.from({ length: 53 }, (_, n) => ({ op: "create", content: `Number ${n}`, tags: [tag] }));
    const made = await fetch(`${server.url}/api/v1/memories/batch`, {
      method: "POST",
      headers: { authorization: `Bearer ${await makeKey(page, { label: `Rows ${tag}`, scopes: SCOPES })}`, "content-type": "application/json" },
      body: JSON.stringify({ items }),
    });
    expect(await made.json()).toMatchObject({ created: 53, failed: 0 });
    const label = `Pages ${uniqueWord()}`;
    const client = await connect(server.url, await makeKey(page, { label, scopes: ["memory.read"] }), revision);
    expect((await client.tools()).map((tool) => tool.name)).not.toContain("add_memory");
    const first = await client.call("list_memories", { tag });
    expect(first.data["items"]).toHaveLength(50);
    const second = await client.call("list_memories", { tag, after: first.data["next"] });
    expect(second.data["items"]).toHaveLength(3);
    expect(second.data["next"]).toBeUndefined();
    const refused = await client.call("add_memory", { content: "x" });
    expect(refused.text).toContain("memory.write");

    await page.goto("/keys");
    await page.getByRole("link", { name: label }).click();
    await pressAndConfirm(page, "Revoke key…");
    await expect(page.getByRole("status").first()).toContainText("Key revoked.");
    await expect(client.call("list_memories", {})).rejects.toThrow();
    await client.close();
  });
}

// The suite doesn't support keys: a proxy adds them.
test("the applicable tests of the protocol's conformance suite pass", async ({ visitors, server }, info) => {
  const page = await visitors.as("member");
  const proxy = await KeyProxy.start(server.url, await makeKey(page, { label: `Suite ${uniqueWord()}`, scopes: SCOPES }));
  const suite = resolve("node_modules/@modelcontextprotocol/conformance/dist/index.js");
  const given = ["server", "--url", `${proxy.url}/mcp`, "--expected-failures", resolve("support/conformance.yml")];
  const outcome = await new Promise<{ code: number | string | null | undefined; said: string }>((done) => {
    execFile(process.execPath, [suite, ...given, "--output-dir", info.outputDir], (error, out, err) => done({ code: error?.code ?? 0, said: out + err }));
  });
  await proxy.stop();
  await info.attach("conformance", { body: outcome.said, contentType: "text/plain" });
  expect(outcome.code, outcome.said).toBe(0);
  for (const scenario of ["server-initialize", "ping", "tools-list", "dns-rebinding-protection"]) {
    expect(outcome.said).toMatch(new RegExp(`✓ ${scenario}: [1-9]\\d* passed, 0 failed`));
  }
});
