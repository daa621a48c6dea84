import { defineConfig } from "@playwright/test";
import journeys from "./playwright.config.ts";

// `npm run screenshots` saves every page in every state to screenshots/.
export default defineConfig({
  ...journeys,
  testMatch: "screenshots.ts",
  workers: 1,
  timeout: 600_000,
  projects: [{ name: "screenshots" }],
});
