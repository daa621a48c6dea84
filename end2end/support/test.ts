// The base of every journey: a server, people who visit it, and checks of the browser's console and the server's log.
import { type BrowserContext, type BrowserContextOptions, type Locator, type Page, test as base, expect } from "@playwright/test";
import { Server } from "./server.ts";

export { expect, type Page };

/** The demo's people, as named on the sign-in page. */
export const PEOPLE = {
  member: "Demo member",
  owner: "Demo owner",
  admin: "Demo admin",
  viewer: "Demo viewer",
  billing: "Demo billing",
  "other-owner": "Other owner",
} as const;

export type Person = keyof typeof PEOPLE;

/** Opens separate browsers for different people. */
export interface Visitors {
  /** A browser without a session. */
  anonymous(options?: BrowserContextOptions): Promise<Page>;
  /** A page in the browser in which `person` stays signed in for all journeys of a worker. */
  as(person: Person): Promise<Page>;
  /** A browser in which `person` has just signed in, for journeys that sign out or change preferences. */
  anew(person: Person, options?: BrowserContextOptions): Promise<Page>;
}

interface Fixtures {
  visitors: Visitors;
  /** Fails the journey when the server logged an error during it. */
  serverIsCalm: void;
}

interface WorkerFixtures {
  /** Journeys with a separate world start on an empty server. */
  world: string;
  server: Server;
  browsers: Map<Person, BrowserContext>;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  world: ["shared", { option: true, scope: "worker" }],

  server: [
    async ({ world }, use, worker) => {
      const server = await Server.start(`${worker.project.name}-${world}`);
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],

  // Signed in once and kept, with the browser's cache.
  browsers: [
    async ({ server: _ }, use) => {
      const browsers = new Map<Person, BrowserContext>();
      await use(browsers);
      for (const context of browsers.values()) await context.close();
    },
    { scope: "worker" },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  serverIsCalm: [
    async ({ server }, use) => {
      const before = server.logLength();
      await use();
      expect(server.troublesSince(before), "the server's log").toEqual([]);
    },
    { auto: true },
  ],

  visitors: async ({ browser, browsers, contextOptions, baseURL, javaScriptEnabled }, use) => {
    const settings = { ...contextOptions, baseURL: baseURL ?? "", javaScriptEnabled: javaScriptEnabled ?? true };
    const watch = new Watch(settings.javaScriptEnabled);
    const own: BrowserContext[] = [];
    const anonymous = async (options?: BrowserContextOptions): Promise<Page> => {
      const context = await browser.newContext({ ...settings, ...options });
      own.push(context);
      return watch.page(context);
    };
    await use({
      anonymous,
      anew: async (person, options) => {
        const page = await anonymous(options);
        await signIn(page, person);
        return page;
      },
      as: async (person) => {
        const known = browsers.get(person);
        if (known !== undefined) return watch.page(known);
        const context = await browser.newContext(settings);
        const page = await watch.page(context);
        await signIn(page, person);
        browsers.set(person, context);
        return page;
      },
    });
    await watch.close();
    for (const context of own) await context.close();
    // Every open page holds a connection for its event stream, of the six that Chromium has for a server.
    for (const context of browsers.values()) {
      for (const page of context.pages()) await page.close();
    }
  },
});

/** The pages of one journey, and the errors in their consoles. */
class Watch {
  private readonly pages: Page[] = [];
  private readonly complaints: string[] = [];

  constructor(private readonly runsScripts: boolean) {}

  async page(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    // Without scripts Chromium warns of preloaded ones that nothing runs.
    if (this.runsScripts) this.listen(page);
    this.pages.push(page);
    return page;
  }

  async close(): Promise<void> {
    for (const page of this.pages) await page.close();
    expect(this.complaints, "the browser's console").toEqual([]);
  }

  private listen(page: Page): void {
    page.on("pageerror", (error) => this.complaints.push(error.stack ?? error.message));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !isExpected(message.text(), message.location().url)) {
        this.complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
  }
}

/** A rejection that a journey causes; Chromium logs the status by itself. */
function isExpected(text: string, url: string): boolean {
  return /^Failed to load resource: the server responded with a status of (401|403|404|409|413|422) /.test(text) && !url.includes("/pkg/");
}

/** Waits until the page is hydrated, if scripts run. */
export async function awake(page: Page): Promise<void> {
  if (runsScripts(page)) await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
}

/** Waits until no transition or animation is running. */
export async function stillness(page: Page): Promise<void> {
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState === "finished"));
}

/** Opens `path` and waits until the page is hydrated. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await awake(page);
}

/** Signs in as people do: the sign-in page, then the choice at the demo's issuer. */
export async function signIn(page: Page, person: Person, returnTo = "/"): Promise<void> {
  await visit(page, returnTo);
  await page.getByRole("link", { name: "Sign in" }).click();
  await choose(page, person);
  await expect(page).toHaveURL(returnTo);
  await awake(page);
}

/** Chooses a person at the demo's issuer. */
export async function choose(page: Page, person: Person): Promise<void> {
  await page.getByRole("button", { name: PEOPLE[person] }).click();
}

/** Presses the button `name` in `place`, and the one of the dialog that it opens. */
export async function pressAndConfirm(place: Page | Locator, name: string): Promise<void> {
  await place.getByRole("button", { name }).click();
  const page = "page" in place ? place.page() : place;
  await confirmDialog(page).getByRole("button").last().click();
}

/** The dialog that asks before something is taken away. */
export function confirmDialog(page: Page): Locator {
  return page.getByRole("alertdialog");
}

/** True if `page`'s browser runs scripts. */
export function runsScripts(_page: Page): boolean {
  return test.info().project.use.javaScriptEnabled ?? true;
}

/** A word that occurs nowhere else. */
export function uniqueWord(): string {
  const letters = Array.from({ length: 12 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26)));
  return letters.join("");
}
