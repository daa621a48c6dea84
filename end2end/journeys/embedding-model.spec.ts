import { EmbeddingService } from "../support/embeddings.ts";
import { writeMemory } from "../support/memories.ts";
import { Server } from "../support/server.ts";
import { type Page, awake, confirmDialog, expect, runsScripts, test as base, visit } from "../support/test.ts";

// A separate server whose operator has configured an embedding service.
const test = base.extend<object, { service: EmbeddingService }>({
  service: [
    async ({ world: _ }, use) => {
      const service = await EmbeddingService.start();
      await use(service);
      service.stop();
    },
    { scope: "worker" },
  ],
  server: [
    async ({ world, service }, use, worker) => {
      const settings = {
        ATRIUM_EMBEDDING_ENDPOINTS__HOUSE__URL: service.url,
        ATRIUM_EMBEDDING_ENDPOINTS__HOUSE__KEY: "house-key",
      };
      const server = await Server.start(`${worker.project.name}-${world}`, { settings, demo: "empty" });
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
});

test.use({ world: "embedding" });

/** Waits for a background job: without scripts the page reloads itself only while a model is being prepared. */
async function eventually(page: Page, look: () => Promise<boolean>): Promise<void> {
  await expect
    .poll(
      async () => {
        if (!runsScripts(page)) await page.reload();
        return look();
      },
      { timeout: 40_000, intervals: [500] },
    )
    .toBe(true);
}

async function byMeaning(page: Page, question: string): Promise<void> {
  await visit(page, `/memories?query=${encodeURIComponent(question)}&mode=meaning`);
}

test("an admin sees the active model, and an unreachable service is reported next to its field", async ({ visitors }) => {
  const admin = await visitors.as("admin");
  await visit(admin, "/settings");
  await admin.getByRole("link", { name: "Semantic search" }).click();
  await expect(admin.getByRole("heading", { level: 1 })).toHaveText("Semantic search");
  await awake(admin);
  const active = admin.getByRole("region", { name: "In use" });
  await expect(active).toContainText("all-MiniLM-L6-v2");
  await expect(active).toContainText("runs locally");
  await expect(active).toContainText("384");

  await admin.getByLabel("Provider").selectOption({ label: "Other service (enter address)" });
  await admin.getByLabel("Address").fill("https://127.0.0.1/v1");
  await admin.getByLabel("Dimensions").fill("12");
  await admin.getByRole("button", { name: "Test and switch" }).click();
  await expect(admin.locator("#dimensions-error")).toContainText("64");
  await expect(admin.locator("#model-error")).toContainText("model");
  await awake(admin);
  await expect(admin.getByLabel("Address")).toHaveValue("https://127.0.0.1/v1");

  await admin.getByLabel("Model", { exact: true }).fill("small");
  await admin.getByLabel("Dimensions").fill("");
  await admin.getByRole("button", { name: "Test and switch" }).click();
  await expect(confirmDialog(admin)).toContainText("https://127.0.0.1/v1");
  await confirmDialog(admin).getByRole("button", { name: "Send and switch" }).click();
  await expect(admin.locator("#base_url-error")).toContainText("into the network that this installation stands in");
});

test("a member is denied the choice of a model", async ({ visitors }) => {
  const member = await visitors.as("member");
  const answer = await member.goto("/settings/embedding");
  expect(answer?.status()).toBe(403);
  await expect(member.getByRole("main")).toContainText("settings.manage");
});

test("an organisation switches its model while members go on searching with the earlier one", async ({ visitors, service }) => {
  test.slow();
  const [admin, member] = [await visitors.as("admin"), await visitors.as("member")];
  await visit(member, "/");
  for (const content of ["The kettle is descaled in May", "Parking is behind the mill", "Lunch is at noon"]) await writeMemory(member, { content });
  // The built-in model finds it without a common word.
  await eventually(member, async () => {
    await byMeaning(member, "When do we eat?");
    return (await member.getByRole("main").textContent())?.includes("Lunch is at noon") ?? false;
  });

  service.hold();
  await visit(admin, "/settings/embedding");
  await admin.getByLabel("Provider").selectOption({ label: "“house”" });
  await admin.getByLabel("Model", { exact: true }).fill("small");
  await admin.getByRole("button", { name: "Test and switch" }).click();
  await expect(confirmDialog(admin)).toContainText(/The text of \d+ memories is sent to “house”, including \d+ private memories of members/);
  await confirmDialog(admin).getByRole("button", { name: "Send and switch" }).click();
  const next = admin.getByRole("region", { name: "Switching to" });
  await expect(next).toContainText("Indexing");
  await expect(next).toContainText("96");
  await expect(next.getByRole("progressbar")).toBeVisible();
  await awake(admin);
  await next.getByRole("button", { name: "Pause" }).click();
  await expect(next).toContainText("Paused");
  await byMeaning(member, "When do we eat?");
  await expect(member.getByRole("main")).toContainText("Lunch is at noon");

  await awake(admin);
  await next.getByRole("button", { name: "Resume" }).click();
  await expect(next).toContainText("Indexing");
  service.release();
  const active = admin.getByRole("region", { name: "In use" });
  await eventually(admin, async () => (await active.textContent())?.includes("small") ?? false);
  await expect(active).toContainText("“house”");
  expect(service.texts).toContain("Parking is behind the mill");
  await expect(admin.getByRole("region", { name: "Switch model" })).toContainText("Cleaning up the previous index");

  // Now the service's vectors are used, in which common words make texts similar.
  await byMeaning(member, "Who descaled the kettle in May?");
  await expect(member.getByRole("main")).toContainText("The kettle is descaled in May");
  expect(service.texts.some((text) => text.includes("descaled the kettle"))).toBe(true);
});
