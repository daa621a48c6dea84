// A certified OpenID provider on this machine (npm's oidc-provider) that behaves like Entra ID: directory and object
// ids, groups, app roles, and a Graph for people with more groups than a token holds.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { type IncomingMessage, type Server as Listener, type ServerResponse, createServer } from "node:http";
import { Provider, type Configuration, type JWK } from "oidc-provider";

const CLIENT_ID = "atrium";
const CLIENT_SECRET = "a secret for journeys only";
const DIRECTORY = "6f1ed002-ab59-4f0e-9ad3-1c2b6a7c8d90";
const GRAPH = "/graph";

/** A person in the directory; journeys change their groups and roles. */
export interface Account {
  oid: string;
  name: string;
  groups: string[];
  roles: string[];
  /** The token only says that there are groups. */
  overage: boolean;
}

/** A running provider. */
export class Entra {
  /** By the name that they sign in with. */
  readonly accounts = new Map<string, Account>();
  private provider: Provider | undefined;
  private atrium = "";

  private constructor(
    private readonly listener: Listener,
    private readonly origin: string,
  ) {}

  static async start(): Promise<Entra> {
    const listener = createServer();
    await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
    const address = listener.address();
    if (address === null || typeof address !== "object") throw new Error("the provider has no address");
    const entra = new Entra(listener, `http://127.0.0.1:${address.port}`);
    listener.on("request", (request, response) => void entra.answer(request, response));
    return entra;
  }

  async stop(): Promise<void> {
    this.listener.closeAllConnections();
    await new Promise((closed) => this.listener.close(closed));
  }

  /** The settings with which Atrium uses it. */
  get settings(): Record<string, string> {
    return {
      ATRIUM_OIDC__ISSUER: this.issuer,
      ATRIUM_OIDC__KIND: "entra",
      ATRIUM_OIDC__CLIENT_ID: CLIENT_ID,
      ATRIUM_OIDC__CLIENT_SECRET: CLIENT_SECRET,
      ATRIUM_OIDC__GRAPH_URL: `${this.origin}${GRAPH}`,
    };
  }

  /** The command that creates the directory's organisation with `owner` as its owner. */
  organisation(owner: Account): string[] {
    return ["tenant", "create", "--slug=acme", "--name=Acme", `--owner-tid=${DIRECTORY}`, `--owner-oid=${owner.oid}`];
  }

  /** Adds a person. */
  person(login: string, name: string): Account {
    const account: Account = { oid: randomUUID(), name, groups: [], roles: [], overage: false };
    this.accounts.set(login, account);
    return account;
  }

  /** Registers the Atrium at this address as the client. */
  serve(atrium: string): void {
    this.atrium = atrium;
    this.rotateKeys();
  }

  /** Signs with a new key from now on and removes the old one. */
  rotateKeys(): void {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" } as JWK;
    this.provider = new Provider(this.issuer, this.configuration(key));
  }

  /** The page on which a person ends the session at the provider, as from another application. */
  get signOut(): string {
    return `${this.issuer}/session/end`;
  }

  private get issuer(): string {
    return `${this.origin}${this.path}`;
  }

  private get path(): string {
    return `/${DIRECTORY}/v2.0`;
  }

  private configuration(key: JWK): Configuration {
    return {
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          redirect_uris: [`${this.atrium}/auth/callback`],
          post_logout_redirect_uris: [`${this.atrium}/sign-in`],
          backchannel_logout_uri: `${this.atrium}/auth/backchannel-logout`,
          backchannel_logout_session_required: true,
        },
      ],
      jwks: { keys: [key] },
      cookies: { keys: ["for journeys only"] },
      pkce: { required: () => true },
      features: { backchannelLogout: { enabled: true } },
      claims: { openid: ["sub", "tid", "oid", "groups", "roles"], profile: ["name"], email: ["email"] },
      // Like Entra: the ID token itself contains the claims of the scopes.
      conformIdTokenClaims: false,
      findAccount: (_, login) => {
        const account = this.accounts.get(login);
        if (account === undefined) return undefined;
        return { accountId: login, claims: () => ({ sub: login, ...this.claims(account) }) };
      },
      // The administrator has consented for everybody.
      loadExistingGrant: async ({ oidc }) => {
        const { client, session, provider } = oidc;
        const known = client && session?.grantIdFor(client.clientId);
        if (known) return provider.Grant.find(known);
        const grant = new provider.Grant({ clientId: client?.clientId, accountId: session?.accountId });
        grant.addOIDCScope("openid profile email");
        await grant.save();
        return grant;
      },
    };
  }

  private claims({ oid, name, groups, roles, overage }: Account): Record<string, unknown> {
    const elsewhere = {
      _claim_names: { groups: "src1" },
      _claim_sources: { src1: { endpoint: "https://graph.windows.net/nobody-asks-here" } },
    };
    const told = overage ? elsewhere : { groups };
    return { tid: DIRECTORY, oid, name, email: `${oid}@contoso.example`, roles, ...told };
  }

  private async answer(request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): Promise<void> {
    const url = request.url ?? "/";
    if (url.startsWith(`${this.path}/`) && this.provider !== undefined) {
      request.originalUrl = url;
      request.url = url.slice(this.path.length);
      await this.provider.callback()(request, response);
    } else if (url.startsWith(`${GRAPH}/v1.0/me/transitiveMemberOf`)) {
      await this.graph(new URL(url, this.origin), request, response);
    } else {
      response.writeHead(404).end();
    }
  }

  /** One group on each page, so that pages are followed. */
  private async graph(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = await this.provider?.AccessToken.find(request.headers.authorization?.replace("Bearer ", "") ?? "");
    const account = token && this.accounts.get(token.accountId);
    if (!account) {
      response.writeHead(401).end();
      return;
    }
    const page = Number(url.searchParams.get("$skiptoken") ?? 0);
    const value = account.groups.slice(page, page + 1).map((id) => ({ "@odata.type": "#microsoft.graph.group", id }));
    const isLast = page + 1 >= account.groups.length;
    url.searchParams.set("$skiptoken", String(page + 1));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(isLast ? { value } : { value, "@odata.nextLink": url.href }));
  }
}
