// Screenshots of every page in every state, light and dark, narrow and wide.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { giveFile, untilFoundByMeaning, untilImported } from "./support/memories.ts";
import { STATES, seed } from "./support/states.ts";
import { stillness, test, visit } from "./support/test.ts";

const FOLDER = fileURLToPath(new URL("screenshots/", import.meta.url));
const WIDTHS = [360, 1440];
const THEMES = ["light", "dark"] as const;

test("the picture in the README", async ({ visitors }) => {
  const page = await visitors.as("member");
  await page.setViewportSize({ width: 1440, height: 760 });
  await visit(page, "/");
  const notes = readFileSync(new URL("../docs/sample-notes.md", import.meta.url), "utf8");
  await untilImported(page, await giveFile(page, "sample-notes.md", notes));
  await untilFoundByMeaning(page);
  await visit(page, "/memories?query=who%20tells%20our%20customers%20when%20something%20is%20down");
  await page.screenshot({ path: fileURLToPath(new URL("../docs/images/memories.png", import.meta.url)) });
});

test("every page in every state", async ({ server, visitors }) => {
  const about = await seed(visitors, server);
  const chosen = process.env["ONLY"];
  for (const state of STATES.filter(({ name }) => chosen === undefined || name.startsWith(chosen))) {
    for (const width of WIDTHS) {
      if (state.narrowOnly && width > 900) continue;
      const page = state.as === undefined ? await visitors.anonymous() : await visitors.as(state.as);
      await page.setViewportSize({ width, height: width < 900 ? 780 : 900 });
      try {
        await state.show(page, about);
      } catch (error) {
        console.log(`${state.name} at ${width}: ${String(error).slice(0, 300)}`);
      }
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await stillness(page);
        await page.screenshot({ path: `${FOLDER}${state.name}-${colorScheme}-${width}.png`, fullPage: state.name !== "menu" });
      }
      await page.close();
    }
  }
});
