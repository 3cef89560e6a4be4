/**
 * Stand-ins in a separate process: they answer the HTTP requests of workerd's bindings for Workers AI, KV and Images
 * immediately, from memory.
 */
import { WorkerEntrypoint } from "cloudflare:workers";

/** Answers by the size of their picture in kilobytes, each made once. */
const answers = new Map();

/** The service behind `env.AI.run`. The prompt says what to answer: "A picture of 200 KB", or "... after 300 ms". */
export class Ai extends WorkerEntrypoint {
  async fetch(request) {
    const { inputs } = await request.json();
    const [kilobytes, milliseconds] = inputs.prompt.match(/\d+/g);
    if (!answers.has(kilobytes)) {
      const image = new Uint8Array(this.env[kilobytes]).toBase64();
      answers.set(kilobytes, new TextEncoder().encode(JSON.stringify({ image })));
    }
    if (milliseconds) await scheduler.wait(Number(milliseconds));
    return new Response(answers.get(kilobytes), { headers: { "content-type": "application/json" } });
  }
}

/** The contents of KV: only the newest few, so that a long run does not fill the memory. */
const values = new Map();
const MOST_VALUES = 64;

/** The service behind a KV namespace: only the parts that pictures need. */
export class Kv extends WorkerEntrypoint {
  async fetch(request) {
    const key = new URL(request.url).pathname;
    if (request.method === "PUT") {
      const metadata = request.headers.get("CF-KV-Metadata");
      values.set(key, { body: await request.arrayBuffer(), headers: metadata ? { "CF-KV-Metadata": metadata } : {} });
      if (values.size > MOST_VALUES) values.delete(values.keys().next().value);
      return new Response();
    }
    const value = values.get(key);
    return value ? new Response(value.body, value) : new Response(null, { status: 404 });
  }
}

/** The service behind `env.IMAGES`: a prepared picture, chosen by the request. */
export class Images extends WorkerEntrypoint {
  async fetch(request) {
    const asked = new TextDecoder("latin1").decode(await request.arrayBuffer());
    const made = asked.includes("scale-down") ? this.env.preview : this.env.cut;
    return new Response(made, { headers: { "content-type": "image/jpeg" } });
  }
}

export default class extends WorkerEntrypoint {}
