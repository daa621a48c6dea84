import { callApi, makeKey } from "../support/keys.ts";
import { expect, pressAndConfirm, test, uniqueWord, visit } from "../support/test.ts";

test("a program calls the API as documented, until its key is revoked", async ({ visitors }) => {
  const page = await visitors.as("owner");
  const label = `Reference ${uniqueWord()}`;
  const key = await makeKey(page, { label, scopes: ["profile.manage", "api_key.own"] });
  await visit(page, "/keys");
  await page.getByRole("link", { name: "API reference" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("API reference");
  await page.getByRole("main").getByRole("link", { name: "Get the current identity" }).click();
  await expect(page).toHaveURL(/group=account/);
  const operation = page.locator("details", { has: page.getByText("/api/v1/me", { exact: true }) });
  await operation.locator("summary").click();
  await expect(operation).toContainText("profile.manage");
  await expect(operation.locator("pre")).toContainText(`${new URL(page.url()).origin}/api/v1/me`);

  const me = await callApi(page, "/api/v1/me", key);
  expect(me.status()).toBe(200);
  expect(await me.json()).toMatchObject({ display_name: "Demo owner", permissions: ["profile.manage", "api_key.own"] });
  const refused = await callApi(page, "/api/v1/audit", key);
  expect(refused.status()).toBe(403);
  expect(refused.headers()["content-type"]).toBe("application/problem+json");
  expect(await refused.json()).toMatchObject({ code: "forbidden", permission: "audit.read", type: "/reference#forbidden" });
  await visit(page, "/reference#forbidden");
  await expect(page.locator("#forbidden")).toBeVisible();

  await visit(page, "/keys");
  await page.getByRole("link", { name: label }).click();
  await pressAndConfirm(page, "Revoke key…");
  await expect(page.getByRole("status").first()).toContainText("Key revoked.");
  expect((await callApi(page, "/api/v1/me", key)).status()).toBe(401);
});
