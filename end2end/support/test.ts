// What every journey stands on: a server, people who visit it, and eyes on
// the browser's console and the server's log.
import { type Browser, type BrowserContextOptions, type Page, test as base, expect } from "@playwright/test";
import { Server } from "./server.ts";

export { expect, type Page };

/** The demo's people, as the sign-in page names them. */
export const PEOPLE = {
  member: "Demo member",
  owner: "Demo owner",
  admin: "Demo admin",
  viewer: "Demo viewer",
  billing: "Demo billing",
  "other-owner": "Other owner",
} as const;

export type Person = keyof typeof PEOPLE;
type Cookies = Exclude<BrowserContextOptions["storageState"], string | undefined>;

/** Opens browsers of their own, as different people. */
export interface Visitors {
  /** A browser that nobody has signed in with. */
  anonymous(options?: BrowserContextOptions): Promise<Page>;
  /** A browser in which `person` is signed in, in a session shared by the worker's journeys. */
  as(person: Person, options?: BrowserContextOptions): Promise<Page>;
  /** The same in a session that nothing else uses, for journeys that end it. */
  anew(person: Person, options?: BrowserContextOptions): Promise<Page>;
}

interface Fixtures {
  visitors: Visitors;
  /** Fails the journey when the server logged an error during it. */
  serverIsCalm: void;
}

interface WorkerFixtures {
  /** Journeys with a world of their own start on an empty server. */
  world: string;
  server: Server;
  sessions: Map<Person, Cookies>;
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

  sessions: [async ({ server: _ }, use) => use(new Map()), { scope: "worker" }],

  baseURL: async ({ server }, use) => use(server.url),

  serverIsCalm: [
    async ({ server }, use) => {
      const before = server.logLength();
      await use();
      expect(server.troublesSince(before), "the server's log").toEqual([]);
    },
    { auto: true },
  ],

  visitors: async ({ browser, baseURL, contextOptions, javaScriptEnabled, sessions }, use) => {
    const open = new Browsers(browser, { ...contextOptions, baseURL: baseURL ?? "", javaScriptEnabled: javaScriptEnabled ?? true });
    const anew = async (person: Person, options?: BrowserContextOptions): Promise<Page> => {
      const page = await open.page(options);
      await signIn(page, person);
      return page;
    };
    await use({
      anonymous: (options) => open.page(options),
      anew,
      as: async (person, options) => {
        const known = sessions.get(person);
        if (known !== undefined) return open.page({ ...options, storageState: known });
        const page = await anew(person, options);
        sessions.set(person, await page.context().storageState());
        return page;
      },
    });
    await open.close();
  },
});

/** The browsers of one journey. */
class Browsers {
  private readonly pages: Page[] = [];
  private readonly complaints: string[] = [];

  constructor(
    private readonly browser: Browser,
    private readonly options: BrowserContextOptions,
  ) {}

  async page(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({ ...this.options, ...options });
    const page = await context.newPage();
    // Without scripts Chromium warns of preloaded ones that nothing runs.
    if (options.javaScriptEnabled ?? this.options.javaScriptEnabled) this.listen(page);
    this.pages.push(page);
    return page;
  }

  private listen(page: Page): void {
    page.on("pageerror", (error) => this.complaints.push(error.stack ?? error.message));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !isExpected(message.text(), message.location().url)) {
        this.complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
  }

  async close(): Promise<void> {
    for (const page of this.pages) await page.context().close();
    expect(this.complaints, "the browser's console").toEqual([]);
  }
}

/** A refusal that a journey asks for; Chromium reports the status by itself. */
function isExpected(text: string, url: string): boolean {
  return /^Failed to load resource: the server responded with a status of (401|403|404|409|413|422) /.test(text) && !url.includes("/pkg/");
}

/** Waits until the page listens, where scripts run. */
export async function awake(page: Page): Promise<void> {
  if (runsScripts(page)) await expect(page.locator("html")).toHaveAttribute("data-hydrated", "");
}

/** Goes to `path` and waits until the page listens. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await awake(page);
}

/** Takes the way that people take: the sign-in page, then the choice at the demo's issuer. */
export async function signIn(page: Page, person: Person, returnTo = "/"): Promise<void> {
  await visit(page, returnTo);
  await page.getByRole("link", { name: "Sign in" }).click();
  await choose(page, person);
  await expect(page).toHaveURL(returnTo);
  await awake(page);
}

/** Chooses somebody at the demo's issuer. */
export async function choose(page: Page, person: Person): Promise<void> {
  await page.getByRole("button", { name: PEOPLE[person] }).click();
}

/** Whether `page`'s browser runs scripts. */
export function runsScripts(_page: Page): boolean {
  return test.info().project.use.javaScriptEnabled ?? true;
}

/** A word that occurs nowhere else. */
export function uniqueWord(): string {
  const letters = Array.from({ length: 12 }, () => String.fromCharCode(97 + Math.floor(Math.random() * 26)));
  return letters.join("");
}
