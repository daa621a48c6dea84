// Checks of accessibility.
import axe from "axe-core";
import type { Page } from "./test.ts";

const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

declare global {
  interface Window {
    axe: typeof axe;
  }
}

/** Loads axe into the page; there are no frames. */
export async function bringAxe(page: Page): Promise<void> {
  await page.evaluate(axe.source);
}

/** What axe finds, one line each. */
export async function findings(page: Page, colorsOnly: boolean): Promise<string[]> {
  const runOnly: axe.RunOnly = colorsOnly ? { type: "rule", values: ["color-contrast"] } : { type: "tag", values: WCAG };
  // Only violations are described.
  const options: axe.RunOptions = { runOnly, resultTypes: ["violations"] };
  const violations = await page.evaluate(async (given) => (await window.axe.run(document, given)).violations, options);
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help} at ${node.target.join(" ")} (${node.html.slice(0, 120)})`));
}
