// Atrium with a demo organisation, on a free port, with its own data.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const START_SECONDS = 60;
const STOP_SECONDS = 20;

/** A line of the server's log about an error. */
interface LogLine {
  level: string;
}

/** Options of a server. */
export interface Setup {
  settings?: Record<string, string>;
  /** A command that `atrium` runs before it serves. */
  commands?: string[][];
  /** With organisations without content and their people, or with the company that has a history. */
  demo?: "empty" | "company";
}

/** A running server. */
export class Server {
  private constructor(
    /** The base URL, without a slash at the end. */
    readonly url: string,
    private readonly folder: string,
    private readonly log: string,
    private readonly process: ChildProcess,
    private readonly program: string,
    private readonly run: { cwd: string; env: NodeJS.ProcessEnv },
  ) {}

  /** Starts a server whose data is in a new folder named after `name`. */
  static async start(name: string, setup: Setup = { demo: "empty" }): Promise<Server> {
    const program = process.env["ATRIUM_BINARY"] ?? join(PROJECT, "target/debug/atrium");
    if (!existsSync(program)) {
      throw new Error(`${program} is not there. Build it with \`cargo xtask serve\`, or run \`cargo xtask test\`.`);
    }
    const folder = newFolder(name);
    const log = join(folder, "server.log");
    const address = `127.0.0.1:${await freePort()}`;
    const output = openSync(log, "w");
    const run = {
      cwd: folder,
      env: environment({
        ATRIUM_ADDR: address,
        ATRIUM_DATA_DIR: join(folder, "data"),
        ATRIUM_SITE_DIR: process.env["ATRIUM_SITE_DIR"] ?? join(PROJECT, "target/site"),
        ATRIUM_MODEL_DIR: process.env["ATRIUM_MODEL_DIR"] ?? join(homedir(), ".cache/atrium/all-MiniLM-L6-v2"),
        ATRIUM_LOG__FORMAT: "json",
        // All journeys come from one address.
        ATRIUM_SIGN_IN_STARTS_PER_MINUTE: "100000",
        ATRIUM_SIGN_IN_FAILURES_PER_MINUTE: "100000",
        ATRIUM_ACCOUNT_SIGN_IN_FAILURES_PER_MINUTE: "100000",
        // And many of them are one member.
        ATRIUM_PAGE_CALLS_PER_MINUTE: "100000",
        ...setup.settings,
      }),
    };
    for (const command of setup.commands ?? []) execFileSync(program, command, { ...run, stdio: ["ignore", output, output] });
    const child = spawn(program, setup.demo ? ["serve", `--demo=${setup.demo}`] : ["serve"], { ...run, stdio: ["ignore", output, output] });
    const server = new Server(`http://${address}`, folder, log, child, program, run);
    await server.untilReady();
    return server;
  }

  /** Runs a command of the program beside the running server and returns its output. */
  command(args: string[], settings: Record<string, string> = {}): string {
    return execFileSync(this.program, args, { cwd: this.run.cwd, env: { ...this.run.env, ...settings }, encoding: "utf8" });
  }

  /** Stops the server and removes its data. */
  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise<void>((done) => this.process.once("exit", () => done()));
      this.process.kill("SIGTERM");
      const deadline = setTimeout(() => this.process.kill("SIGKILL"), STOP_SECONDS * 1000);
      await ended;
      clearTimeout(deadline);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The length of the log so far, for `troublesSince`. */
  logLength(): number {
    return this.logText().length;
  }

  /** True if the log contains this text. */
  logHas(text: string): boolean {
    return this.logText().includes(text);
  }

  /** The errors that the server has logged since. */
  troublesSince(length: number): string[] {
    return this.logText()
      .slice(length)
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .filter((line) => (JSON.parse(line) as LogLine).level === "ERROR");
  }

  private logText(): string {
    return readFileSync(this.log, "utf8");
  }

  private async untilReady(): Promise<void> {
    const deadline = Date.now() + START_SECONDS * 1000;
    while (Date.now() < deadline) {
      if (this.process.exitCode !== null) {
        throw new Error(`The server ended with code ${this.process.exitCode}:\n${this.logText()}`);
      }
      const ready = await fetch(`${this.url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return;
      await new Promise((wake) => setTimeout(wake, 50));
    }
    this.process.kill("SIGKILL");
    throw new Error(`The server was not ready within ${START_SECONDS} s:\n${this.logText()}`);
  }
}

/** The environment without Atrium's settings, because an unknown one is rejected. */
function environment(settings: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ATRIUM_"));
  return { ...Object.fromEntries(inherited), ...settings };
}

function newFolder(name: string): string {
  const base = process.env["ATRIUM_TEST_DATA_DIR"] ?? tmpdir();
  mkdirSync(base, { recursive: true });
  const folder = mkdtempSync(join(base, `${name}-`));
  // As root, PostgreSQL runs as another user, who must be able to enter the folder.
  chmodSync(folder, 0o755);
  return folder;
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === "object") found(address.port);
        else failed(new Error("there is no free port"));
      });
    });
  });
}
