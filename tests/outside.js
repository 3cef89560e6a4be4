/**
 * Everything outside the Worker, for tests of failures: the services behind its bindings, which are called by the
 * runtime's own binding code, and the internet.
 *
 * Workers AI is the stand-in of dev/ai, whose failures dev/ai/README.md describes. This file has further marks for it,
 * and for KV, whose pictures have their prompt in a comment:
 *
 *   [[http 503]]  Workers AI answers with this status and an HTML page    [[write 502]]  so does the external writer
 *   [[put 500]]   KV refuses to store the picture, with this status       [[put hang]]  KV never answers
 *   [[get 500]]   KV fails to return the picture, with this status        [[get hang]]  [[get half]]  [[get gone]]
 *   [[cut hang]]  Images never answers; without such a mark it refuses everything
 *   [[cut less]]  Images answers with the same JPEG, but only with the first of its filler comments
 */
import { WorkerEntrypoint } from "cloudflare:workers";

const MARK = /\[\[(http|write|put|get|cut) ([a-z0-9]+)\]\]/g;
/** The stand-in's mark for a delay in milliseconds. */
const DELAY = /\[\[delay (\d+)ms\]\]/;
const HANG_MS = 600_000;
const HALF_MS = 300;
/** Second bytes of JPEG markers. */
const COMMENT = 0xfe;
const START_OF_SCAN = 0xda;
/** The error page of a proxy in front of a service. */
const PAGE = "<html><head><title>Error 1101</title></head><body>Ray ID: 8f0c, secret-machine-7</body></html>";
const STAND_IN_HOSTS = ["ai.example", "writer.example"];

/** All requests of the Worker to the internet. */
const fetched = [];
/** Stored pictures by key: the prompt, once KV has acknowledged the picture, and the fault for a GET. */
const kept = new Map();
/** Prompts of the pictures that KV refused. */
const refused = [];
/** Prompts whose fault is in this file, so that they never reached the stand-in and its ledger. */
const misled = [];

/** The service behind `env.AI`. */
export class Ai extends WorkerEntrypoint {
  async fetch(request) {
    const model = request.headers.get("cf-consn-model-id");
    const type = request.headers.get("content-type");
    const body = await request.arrayBuffer();
    const { http } = marksIn(body);
    if (http) return mislead(http, body);
    const { inputs, options } = type.startsWith("multipart/")
      ? { inputs: { multipart: { body: new Response(body).body, contentType: type } }, options: optionsIn(request.url) }
      : JSON.parse(new TextDecoder().decode(body));
    return this.env.STAND_IN.run(model, inputs, { ...options, returnRawResponse: true });
  }
}

/** The service behind the KV namespace: workerd's own, with faults. */
export class Kv extends WorkerEntrypoint {
  async fetch(request) {
    const key = new URL(request.url).pathname.slice(1);
    return request.method === "PUT" ? this.#put(request, key) : this.#get(request, key);
  }

  async #put(request, key) {
    const body = await request.arrayBuffer();
    const { put, get } = marksIn(body);
    const prompt = promptIn(body);
    const response = put ? await answer(put) : await this.env.KV.fetch(new Request(request, { body }));
    if (response.ok) kept.set(key, { prompt, get });
    else refused.push(prompt);
    return response;
  }

  async #get(request, key) {
    const { get } = kept.get(key) ?? {};
    if (get === "gone") return new Response(null, { status: 404 });
    if (get && get !== "half") return answer(get);
    const response = await this.env.KV.fetch(request);
    return get ? half(response) : response;
  }
}

/** The service behind `env.IMAGES`. Only its failures are needed here. */
export class Images extends WorkerEntrypoint {
  async fetch(request) {
    const body = await request.arrayBuffer();
    const { cut } = marksIn(body);
    if (cut === "less") return new Response(withLessFilling(body), { headers: { "content-type": "image/jpeg" } });
    return answer(cut ?? "415");
  }
}

const PICTURES = "pictures.example";
const FAR = "https://pictures-of-another.example";

/** The behaviour of `https://pictures.example/KIND/ID`; any other kind returns the picture. */
const PICTURE_KINDS = {
  redirect: (_, id) => moved(`/ok/${id}`),
  thrice: (_, id) => moved(`/twice/${id}`),
  twice: (_, id) => moved(`/redirect/${id}`),
  around: (_, id) => moved(`/around/${id}`),
  private: () => moved("https://169.254.169.254/latest/meta-data"),
  plain: (_, id) => moved(`http://${PICTURES}/ok/${id}`),
  nowhere: () => moved("https://"),
  far: (_, id) => moved(`${FAR}/ok/${id}`),
  hang: async () => scheduler.wait(HANG_MS),
  stall: (picture) => new Response(stalled(picture), { headers: { "content-type": "image/jpeg" } }),
  page: () => new Response(PAGE, { headers: { "content-type": "image/png" } }),
  typed: (picture) => new Response(picture.body, { headers: { "content-type": "text/html" } }),
  chunked: (picture) => new Response(picture.body.pipeThrough(new TransformStream())),
  large: () => new Response("", { headers: { "content-length": "99999999" } }),
  endless: () => new Response(endless()),
  forbidden: () => new Response(PAGE, { status: 403 }),
  half: (picture) => half(picture),
};

function moved(location) {
  return new Response(null, { status: 302, headers: { location } });
}

/** The beginning of the picture, and then nothing for ten minutes. */
function stalled(picture) {
  const { readable, writable } = new TransformStream();
  void (async () => {
    const writer = writable.getWriter();
    await writer.write((await picture.bytes()).subarray(0, 1000));
    await scheduler.wait(HANG_MS);
  })().catch(() => {});
  return readable;
}

function endless() {
  const zeros = new Uint8Array(1 << 20);
  return new ReadableStream({ pull: (controller) => controller.enqueue(zeros.slice()) });
}

/** Everything else that the Worker can reach. */
export class Internet extends WorkerEntrypoint {
  async fetch(request) {
    fetched.push({ url: request.url, headers: Object.fromEntries(request.headers) });
    const { hostname: host, pathname } = new URL(request.url);
    if (host.startsWith("pictures")) return this.#picture(pathname);
    if (!STAND_IN_HOSTS.includes(host)) return new Response("a canary");
    const body = await request.arrayBuffer();
    const { http, write } = marksIn(body);
    const how = host === "writer.example" ? write : http;
    return how ? mislead(how, body) : this.env.STAND_IN.fetch(new Request(request, { body }));
  }

  async #picture(pathname) {
    const [, kind] = pathname.split("/");
    const id = pathname.split("/").at(-1);
    const picture = await this.env.STAND_IN.fetch(`http://${STAND_IN_HOSTS[0]}/pictures/${id}`);
    return (PICTURE_KINDS[kind] ?? ((found) => found))(picture, id);
  }
}

/** Tells the tests what happened outside. */
export default class extends WorkerEntrypoint {
  fetch() {
    const prompts = Object.fromEntries([...kept].map(([key, { prompt }]) => [key, prompt]));
    return Response.json({ fetched, kept: prompts, misled, refused });
  }
}

/** With a form, the binding sends its options in the query. */
function optionsIn(url) {
  const { version, userInputs, ...options } = Object.fromEntries(new URL(url).searchParams);
  return options;
}

function textOf(body) {
  return new TextDecoder("latin1").decode(body);
}

function marksIn(body) {
  return Object.fromEntries([...textOf(body).matchAll(MARK)].map(([, word, how]) => [word, how]));
}

/** The prompt in the comment of the stand-in's picture (dev/ai/README.md). */
function promptIn(body) {
  const found = /"by":"workers-ai-stand-in".*?"prompt":("(?:[^"\\]|\\.)*")/.exec(textOf(body));
  return found && JSON.parse(found[1]);
}

/** The JPEG in a body, with only one of the comments that the stand-in uses as filler (ITU T.81, B.2.4.5). */
function withLessFilling(body) {
  const bytes = new Uint8Array(body);
  const text = textOf(body);
  const start = text.indexOf("\xff\xd8\xff");
  const parts = [bytes.subarray(start, start + 2)];
  let at = start + 2;
  let comments = 0;
  while (bytes[at + 1] !== START_OF_SCAN) {
    const end = at + 2 + bytes[at + 2] * 256 + bytes[at + 3];
    if (bytes[at + 1] !== COMMENT || comments++ < 1) parts.push(bytes.subarray(at, end));
    at = end;
  }
  return new Blob([...parts, bytes.subarray(at, text.lastIndexOf("\xff\xd9") + 2)]);
}

async function mislead(how, body) {
  const text = textOf(body);
  misled.push(text);
  const delay = DELAY.exec(text);
  if (delay) await scheduler.wait(Number(delay[1]));
  return answer(how);
}

async function answer(how) {
  if (how === "hang") await scheduler.wait(HANG_MS);
  if (how === "redirect") return Response.redirect("http://elsewhere.example/");
  return new Response(PAGE, { status: Number(how), headers: { "content-type": "text/html" } });
}

/** The response, broken off in the middle of its body, after the first half was passed on. */
async function half(response) {
  const whole = await response.bytes();
  const { readable, writable } = new FixedLengthStream(whole.length);
  void breakOff(writable.getWriter(), whole.subarray(0, whole.length / 2));
  return new Response(readable, response);
}

async function breakOff(writer, bytes) {
  await writer.write(bytes);
  await scheduler.wait(HALF_MS);
  await writer.abort(new Error("broken off"));
}
