// Operators of the installation, who are added on the command line.
import { type Server } from "./server.ts";

/** Makes the demo's `subject` an operator. */
export function nameOperator(server: Server, subject = "owner", organisation = "demo"): void {
  server.command(["operator", "add", "--organisation", organisation, "--subject", subject], {
    ATRIUM_OIDC__ISSUER: `${server.url}/demo/issuer`,
    ATRIUM_OIDC__CLIENT_ID: "atrium",
  });
}
