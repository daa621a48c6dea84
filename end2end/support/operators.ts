// Those who run the installation: named on the command line.
import { type Server } from "./server.ts";

/** Lets the demo's `subject` run the installation. */
export function nameOperator(server: Server, subject = "owner", organisation = "demo"): void {
  server.command(["operator", "add", "--organisation", organisation, "--subject", subject], {
    ATRIUM_OIDC__ISSUER: `${server.url}/demo/issuer`,
    ATRIUM_OIDC__CLIENT_ID: "atrium",
  });
}
