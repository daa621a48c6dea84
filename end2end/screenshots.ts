// Every page in every state, light and dark, narrow and wide, to be looked at.
import { fileURLToPath } from "node:url";
import { STATES, seed } from "./support/states.ts";
import { test } from "./support/test.ts";

const FOLDER = fileURLToPath(new URL("screenshots/", import.meta.url));
const WIDTHS = [360, 1440];
const THEMES = ["light", "dark"] as const;

test("every page in every state", async ({ visitors }) => {
  const about = await seed(visitors);
  const chosen = process.env["ONLY"];
  for (const state of STATES.filter(({ name }) => chosen === undefined || name.startsWith(chosen))) {
    for (const width of WIDTHS) {
      if (state.narrowOnly && width > 900) continue;
      const page = state.as === undefined ? await visitors.anonymous() : await visitors.as(state.as);
      await page.setViewportSize({ width, height: width < 900 ? 780 : 900 });
      await page.emulateMedia({ reducedMotion: "reduce" });
      try {
        await state.show(page, about);
      } catch (error) {
        console.log(`${state.name} at ${width}: ${String(error).slice(0, 300)}`);
      }
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${FOLDER}${state.name}-${colorScheme}-${width}.png`, fullPage: state.name !== "menu" });
      }
      await page.close();
    }
  }
});
