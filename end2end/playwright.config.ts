import { defineConfig } from "@playwright/test";
import { chromium, chromiumArguments } from "./support/chromium.ts";

// Each worker starts a server of its own (support/server.ts).
export default defineConfig({
  testMatch: "journeys/*.spec.ts",
  workers: 2,
  forbidOnly: true,
  reporter: process.env["CI"] ? [["list"]] : [["list"], ["html", { open: "never" }]],
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    launchOptions: { executablePath: chromium(), args: chromiumArguments },
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    contextOptions: { reducedMotion: "reduce" },
    screenshot: "only-on-failure",
    // Traces of all tests would cost as much time as the journeys themselves.
    trace: process.env["CI"] ? "off" : "retain-on-failure",
  },
  projects: [
    { name: "chromium", use: { javaScriptEnabled: true } },
    { name: "no-js", use: { javaScriptEnabled: false }, testIgnore: ["journeys/a11y.spec.ts", "journeys/live.spec.ts", "journeys/mcp.spec.ts", "journeys/resilience.spec.ts"] },
  ],
});
