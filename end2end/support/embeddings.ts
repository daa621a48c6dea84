// An embedding service like OpenAI's `/embeddings`: each word has a direction of its own, so texts with common words
// are near each other.
import { createHash } from "node:crypto";
import { type IncomingMessage, type Server as HttpServer, createServer } from "node:http";
import { type AddressInfo } from "node:net";

const DIMENSIONS = 96;

/** A running service. */
export class EmbeddingService {
  /** The texts that were sent to it. */
  readonly texts: string[] = [];
  private held: (() => void)[] | undefined;

  private constructor(private readonly http: HttpServer) {}

  /** Starts a service on a free port. */
  static async start(): Promise<EmbeddingService> {
    const http = createServer((request, response) => {
      void service.answer(request).then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      });
    });
    const service = new EmbeddingService(http);
    await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
    return service;
  }

  /** The base URL, without `/embeddings`. */
  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}/v1`;
  }

  /** Delays the answer to every request with more than one text. */
  hold(): void {
    this.held ??= [];
  }

  /** Answers again, including delayed requests. */
  release(): void {
    for (const answer of this.held ?? []) answer();
    this.held = undefined;
  }

  /** Stops the service. */
  stop(): void {
    this.release();
    this.http.close();
    this.http.closeAllConnections();
  }

  private async answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    let text = "";
    request.setEncoding("utf8");
    for await (const piece of request) text += String(piece);
    if (request.headers.authorization !== "Bearer house-key") return { status: 401, body: { error: { message: "No such key" } } };
    const asked = JSON.parse(text) as { model: string; input: string[] };
    this.texts.push(...asked.input);
    if (this.held !== undefined && asked.input.length > 1) await new Promise<void>((released) => this.held?.push(released));
    const data = asked.input.map((text, index) => ({ object: "embedding", index, embedding: vector(text) }));
    return { status: 200, body: { object: "list", model: asked.model, data } };
  }
}

function vector(text: string): number[] {
  const sum = Array.from({ length: DIMENSIONS }, () => 0.001);
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
    const at = createHash("sha256").update(word).digest().readUInt16BE() % DIMENSIONS;
    sum[at] = (sum[at] ?? 0) + 1;
  }
  return sum;
}
