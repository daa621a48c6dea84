// The installed browser: Playwright's own downloads are not needed.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

// The headless shell first: it opens pages in two thirds of the time.
const NAMES = ["chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** The browser that `CHROMIUM` names, or the first installed one. */
export function chromium(): string {
  const named = process.env["CHROMIUM"];
  if (named) {
    if (!isProgram(named)) throw new Error(`CHROMIUM names ${named}, which is not there.`);
    return named;
  }
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (found === undefined) {
    throw new Error(
      "The browser journeys need Chromium. Run `apt-get install --yes chromium-headless-shell fonts-liberation` as root, or name one in CHROMIUM.",
    );
  }
  return found;
}

/** Flags that a browser needs in a container, and that stop it from calling home. */
export const chromiumArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
