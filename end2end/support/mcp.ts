// AI clients based on the official SDK, each speaking one revision of the protocol, with nothing but a key.
import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type Server as HttpServer, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** The answer of a tool. */
export interface Answer {
  isError: boolean;
  /** The text that a model reads. */
  text: string;
  /** The same as data. */
  data: Record<string, unknown>;
}

/** A tool in the list. */
export interface ListedTool {
  name: string;
  annotations?: { readOnlyHint?: boolean | undefined; destructiveHint?: boolean | undefined } | undefined;
}

/** A connected client. */
export interface McpClient {
  revision: string | undefined;
  tools(): Promise<ListedTool[]>;
  call(name: string, given: Record<string, unknown>): Promise<Answer>;
  close(): Promise<void>;
}

/** The newest revision, which has no `initialize`, and the last one with it. */
export const REVISIONS = ["2026-07-28", "2025-11-25"] as const;

const WHO = { name: "atrium-end2end", version: "1.0.0" };

/** Connects a client of `revision` to the server at `url`. */
export async function connect(url: string, key: string, revision: string): Promise<McpClient> {
  const address = new URL("/mcp", url);
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  if (revision === REVISIONS[0]) {
    const client = new NewClient(WHO, { versionNegotiation: { mode: { pin: revision } } });
    await client.connect(new NewTransport(address, { requestInit }));
    return {
      revision: client.getNegotiatedProtocolVersion(),
      tools: async () => (await client.listTools()).tools,
      call: async (name, given) => answer(await client.callTool({ name, arguments: given })),
      close: () => client.close(),
    };
  }
  const client = new OldClient(WHO);
  const transport = new OldTransport(address, { requestInit });
  await client.connect(transport as Transport);
  return {
    revision: transport.protocolVersion,
    tools: async () => (await client.listTools()).tools,
    call: async (name, given) => answer(await client.callTool({ name, arguments: given })),
    close: () => client.close(),
  };
}

/** The SDKs have validated the data against the tool's schema. */
function answer(result: Record<string, unknown>): Answer {
  const content = result["content"] as { type: string; text?: string }[];
  return {
    isError: result["isError"] === true,
    text: content.map((part) => part.text ?? "").join("\n"),
    data: (result["structuredContent"] ?? {}) as Record<string, unknown>,
  };
}

/** A proxy to `url` for programs without support for keys: it adds `key` to each request. */
export class KeyProxy {
  private constructor(
    readonly url: string,
    private readonly server: HttpServer,
  ) {}

  static async start(url: string, key: string): Promise<KeyProxy> {
    const target = new URL(url);
    let own = "";
    // The proxy's own host name is replaced by the server's; others are passed on.
    const translated = (text: string | undefined): string | undefined => text?.replace(own, target.host);
    const server = createServer((incoming, outgoing) => {
      const { host, origin, ...headers } = incoming.headers;
      const sent = { ...headers, host: translated(host) ?? target.host, authorization: `Bearer ${key}` };
      const options = {
        host: target.hostname,
        port: target.port,
        path: incoming.url,
        method: incoming.method,
        headers: origin === undefined ? sent : { ...sent, origin: translated(origin) },
      };
      const onward = request(options, (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      });
      onward.on("error", () => outgoing.writeHead(502).end());
      incoming.pipe(onward);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    own = `localhost:${(server.address() as AddressInfo).port}`;
    return new KeyProxy(`http://${own}`, server);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
