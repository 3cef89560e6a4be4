/** Tests the stand-in in real workerd, called as the Worker calls it: over RPC, and over HTTP. */
import assert from "node:assert/strict";
import test, { after, before } from "node:test";

import sharp from "sharp";

// wrangler reads these when it starts, and then sends nothing to the internet and writes nothing outside the project.
Object.assign(process.env, {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_WRITE_LOGS: "false",
});
const { createTestHarness } = await import("wrangler");

const SCHNELL = "@cf/black-forest-labs/flux-1-schnell";
const KLEIN = "@cf/black-forest-labs/flux-2-klein-4b";

const server = createTestHarness({
  root: import.meta.dirname,
  workers: [
    {
      config: {
        name: "caller",
        main: "test-caller.js",
        compatibility_date: "2026-11-17",
        services: [{ binding: "AI", service: "workers-ai-stand-in" }],
      },
    },
    { configPath: "wrangler.toml", vars: { DELAY_MS: 0 } },
  ],
});

before(() => server.listen());
after(() => server.close());

async function run(called) {
  const response = await server.getWorker("caller").fetch("/", { method: "POST", body: JSON.stringify(called) });
  if ((response.headers.get("content-type") ?? "").startsWith("application/json")) return response.json();
  return { bytes: Buffer.from(await response.arrayBuffer()) };
}

function http(path, init = {}) {
  const headers = { authorization: "Bearer local-token", ...init.headers };
  return server.getWorker("workers-ai-stand-in").fetch(path, { ...init, headers });
}

function post(path, body, headers) {
  return http(path, { method: "POST", body: JSON.stringify(body), headers });
}

async function calls(prompt) {
  return (await http(`/calls?prompt=${encodeURIComponent(prompt)}`)).json();
}

test("run() draws a picture of the size that the schema says", async () => {
  const { answer } = await run({ model: SCHNELL, inputs: { prompt: "A cat", steps: 4 } });
  const { format, width, height } = await sharp(Buffer.from(answer.image, "base64")).metadata();
  assert.deepEqual([format, width, height], ["jpeg", 1024, 1024]);
});

test("run() answers with a stream where the schema says binary", async () => {
  for (const [model, format] of [
    ["@cf/leonardo/phoenix-1.0", "jpeg"],
    ["@cf/bytedance/stable-diffusion-xl-lightning", "png"],
  ]) {
    const { bytes } = await run({ model, inputs: { prompt: "A cat", width: 768, height: 520 } });
    const found = await sharp(bytes).metadata();
    assert.deepEqual([found.format, found.width, found.height], [format, 768, 520]);
  }
});

test("run() throws errors with the name and the message of the real binding", async () => {
  const cases = [
    [{ model: "@cf/no/such", inputs: { prompt: "a" } }, "AiError", "5007: No such model @cf/no/such or task"],
    [
      { model: SCHNELL, inputs: { prompt: "a", width: 512 } },
      "AiError",
      "5006: Error: Additional or unevaluated properties '/width' at '/' not allowed",
    ],
    [{ model: SCHNELL, inputs: { prompt: "[[fault 8007]]" } }, "AiError", "8007: Input prompt contains NSFW content."],
    [{ model: SCHNELL, inputs: { prompt: "[[fault text Oops]]" } }, "InferenceUpstreamError", "Oops"],
    [{ model: KLEIN, inputs: { prompt: "a" } }, "AiError", "5006: Error: required properties at '/' are 'multipart'"],
    [
      { model: KLEIN, fields: { prompt: "a" }, options: { gateway: { id: "default" } } },
      "AiInternalError",
      "AI Gateway does not support ReadableStreams yet.",
    ],
  ];
  for (const [called, name, message] of cases) assert.deepEqual((await run(called)).error, { name, message });
});

test("run() with returnRawResponse answers with a Response", async () => {
  const called = { model: SCHNELL, inputs: { prompt: "[[fault 3036]]" }, options: { returnRawResponse: true } };
  const { status, body } = await run(called);
  assert.deepEqual([status, body.internalCode], [429, 3036]);
});

test("run() notes the options of a call in the ledger", async () => {
  await run({ model: SCHNELL, inputs: { prompt: "hurried" }, options: { rejectIfBusy: true } });
  await post(`/client/v4/accounts/a/ai/run/${SCHNELL}`, { prompt: "hurried", options: { rejectIfBusy: true } });
  const { calls: noted } = await calls("hurried");
  assert.deepEqual(noted.map(({ options }) => options), [{ rejectIfBusy: true }, { rejectIfBusy: true }]);
});

test("A fault with a count stops after it, and one for a model leaves the others alone", async () => {
  const twice = { model: SCHNELL, inputs: { prompt: "twice [[fault 3040 x2]]" } };
  const codes = [await run(twice), await run(twice), await run(twice)].map(({ error }) => error?.message.slice(0, 4));
  assert.deepEqual(codes, ["3040", "3040", undefined]);
  assert.deepEqual((await calls("twice")).outcomes, { 3040: 2, ok: 1 });

  const prompt = "[[fault 3040 on flux-1-schnell]]";
  assert.ok((await run({ model: SCHNELL, inputs: { prompt } })).error);
  assert.ok((await run({ model: "@cf/leonardo/lucid-origin", inputs: { prompt } })).answer.image);
});

test("FLUX.2 takes a form, with pictures smaller than 512x512", async () => {
  const blank = { width: 300, height: 200, channels: 3, background: "blue" };
  for (const format of ["png", "jpeg", "webp"]) {
    const picture = (await sharp({ create: blank }).toFormat(format).toBuffer()).toString("base64");
    const fields = { prompt: `edit ${format}`, width: "640", height: "480" };
    const { answer } = await run({ model: KLEIN, fields, picture });
    const { width, height } = await sharp(Buffer.from(answer.image, "base64")).metadata();
    assert.deepEqual([width, height], [640, 480]);
    const [{ inputs }] = (await calls(fields.prompt)).calls;
    const { bytes, ...shown } = inputs.input_image_0;
    assert.deepEqual(shown, { name: "input_image_0", type: `image/${format}`, width: 300, height: 200 });
  }
  const large = await sharp({ create: { ...blank, width: 512 } }).png().toBuffer();
  for (const picture of [large.toString("base64"), Buffer.from("no picture at all, just words").toString("base64")]) {
    assert.match((await run({ model: KLEIN, fields: { prompt: "a" }, picture })).error.message, /^5006: /);
  }
});

test("Every wrong answer that a test can ask for is given", async () => {
  const answers = { empty: {}, blank: { image: "" }, null: null, number: { image: 42 } };
  for (const [kind, expected] of Object.entries(answers)) {
    assert.deepEqual((await run({ model: SCHNELL, inputs: { prompt: `[[answer ${kind}]]` } })).answer, expected);
  }
  for (const kind of ["html", "truncated", "garbage"]) {
    const { answer } = await run({ model: SCHNELL, inputs: { prompt: `[[answer ${kind}]]` } });
    await assert.rejects(sharp(Buffer.from(answer.image, "base64"), { failOn: "truncated" }).raw().toBuffer());
  }
  for (const kind of ["png", "webp", "jpeg"]) {
    const { answer } = await run({ model: SCHNELL, inputs: { prompt: `[[answer ${kind}]]` } });
    assert.equal((await sharp(Buffer.from(answer.image, "base64")).metadata()).format, kind);
  }
});

test("The prompt writer answers in the shape of its model, and as badly as asked", async () => {
  const write = (model, content) => run({ model, inputs: { messages: [{ role: "user", content }] } });
  const llama = "@cf/meta/llama-3.1-8b-instruct-fast";
  assert.equal((await write(llama, "A cat")).answer.response, "A cat, cinematic lighting, highly detailed");
  const { choices } = (await write("@cf/zai-org/glm-4.7-flash", "A cat")).answer;
  assert.equal(choices[0].message.content, "A cat, cinematic lighting, highly detailed");
  assert.equal((await write(llama, "A cat [[writer long]]")).answer.response.length, 5000);
  assert.match((await write(llama, "A cat [[writer refused]]")).answer.response, /\[\[fault 3030\]\]$/);
  assert.equal((await write(llama, "A cat [[writer 3040]]")).error.message.slice(0, 4), "3040");
});

test("The REST API has the envelopes of Cloudflare's", async () => {
  const path = "/client/v4/accounts/abc/ai/run/%40cf%2Fblack-forest-labs%2Fflux-1-schnell";
  const drawn = await (await post(path, { prompt: "rest" })).json();
  assert.deepEqual([drawn.success, drawn.errors, typeof drawn.result.image], [true, [], "string"]);
  const refused = await post(path, { prompt: "rest", steps: 9 });
  const { errors } = await refused.json();
  assert.deepEqual([refused.status, errors[0].code], [400, 5006]);
  assert.match(errors[0].message, /^AiError: Bad input: Error: '\/steps' must be <= 8 \([0-9a-f-]{36}\)$/);
  const stranger = await post(path, { prompt: "rest" }, { authorization: "Bearer other" });
  assert.equal(stranger.status, 401);
  assert.deepEqual((await stranger.json()).errors, [{ code: 10000, message: "Authentication error" }]);
  const phoenix = await post("/client/v4/accounts/abc/ai/run/@cf/leonardo/phoenix-1.0", { prompt: "rest" });
  assert.equal(phoenix.headers.get("content-type"), "image/jpeg");
});

test("AI Gateway passes on the service's own errors", async () => {
  const refused = await post(`/v1/abc/default/workers-ai/${SCHNELL}`, { prompt: "[[fault 4006]]" });
  const { name, internalCode } = await refused.json();
  assert.deepEqual([refused.status, name, internalCode], [429, "AiError", 4006]);
});

test("The external writer speaks OpenAI's chat completions", async () => {
  const ask = (content) => post("/v1/chat/completions", { model: "gpt", messages: [{ role: "user", content }] });
  const written = await (await ask([{ type: "text", text: "A cat" }])).json();
  assert.equal(written.choices[0].message.content, "A cat, cinematic lighting, highly detailed");
  assert.equal((await ask("[[writer 500]]")).status, 500);
  assert.equal((await ask("[[writer html]]")).headers.get("content-type"), "text/html");
  assert.deepEqual((await (await ask("[[writer empty]]")).json()).choices, []);
});

test("The ledger counts calls and forgets them when told", async () => {
  await run({ model: SCHNELL, inputs: { prompt: "counted" } });
  const { count, outcomes, calls: listed } = await calls("counted");
  assert.deepEqual([count, outcomes], [1, { ok: 1 }]);
  assert.deepEqual([listed[0].transport, listed[0].model, listed[0].answer.width], ["rpc", SCHNELL, 1024]);
  await http("/calls", { method: "DELETE" });
  assert.equal((await calls("")).count, 0);
});
