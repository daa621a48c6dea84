// Texts of two cells that overprint each other.
import { type Page } from "./test.ts";

/** Widths at which pages change their layout, and common ones between them. */
export const LAYOUT_WIDTHS = [360, 720, 768, 900, 960, 1024, 1100, 1280];

/** Pairs of texts in one row of a table or list of which both are visible and intersect. */
export async function overprints(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    type Box = { left: number; right: number; top: number; bottom: number };
    const intersect = (a: Box, b: Box): Box => ({
      left: Math.max(a.left, b.left),
      right: Math.min(a.right, b.right),
      top: Math.max(a.top, b.top),
      bottom: Math.min(a.bottom, b.bottom),
    });
    // The parts of a cell's texts that no ancestor cuts off.
    const visibleTexts = (cell: Element): Box[] => {
      const boxes: Box[] = [];
      const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (parent === null || node.textContent?.trim() === "" || parent.closest(".visually-hidden, dialog") !== null) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const rect of range.getClientRects()) {
          let box: Box = rect;
          for (let element: Element | null = parent; element !== null && element !== cell.parentElement; element = element.parentElement) {
            if (getComputedStyle(element).overflow !== "visible") box = intersect(box, element.getBoundingClientRect());
          }
          if (box.right - box.left > 1 && box.bottom - box.top > 1) boxes.push(box);
        }
      }
      return boxes;
    };
    const found: string[] = [];
    for (const row of document.querySelectorAll("main tr, main .rows-head, main .rows > details > summary")) {
      const cells = [...row.children].map((cell) => ({ text: cell.textContent?.trim().slice(0, 30), boxes: visibleTexts(cell) }));
      cells.forEach((a, index) => {
        for (const b of cells.slice(index + 1)) {
          const meet = a.boxes.some((one) =>
            b.boxes.some((other) => {
              const common = intersect(one, other);
              return common.right - common.left > 1 && common.bottom - common.top > 1;
            }),
          );
          if (meet) found.push(`“${a.text}” and “${b.text}”`);
        }
      });
    }
    return found;
  });
}
