// The official `openai` client for Node, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON.
import OpenAI, { toFile } from "openai";

const [baseURL, apiKey, prompt] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey });
const model = "flux";
const user = (content) => [{ role: "user", content }];

/** What a call that has to fail throws. */
async function failure(call) {
  try {
    await call();
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, requestId: error.requestID };
  }
  return null;
}

async function models() {
  const listed = [];
  for await (const one of client.models.list()) listed.push(one.id);
  const retrieved = await client.models.retrieve("@cf/black-forest-labs/flux-1-schnell");
  return { listed, retrieved: retrieved.id };
}

async function chat() {
  const { choices, usage } = await client.chat.completions.create({ model, messages: user(`${prompt} chat 3:2`) });
  return { content: choices[0].message.content, reason: choices[0].finish_reason, usage };
}

async function chatStream() {
  const stream = await client.chat.completions.create({
    model,
    messages: user(`${prompt} stream 3:2`),
    stream: true,
    stream_options: { include_usage: true },
  });
  const pieces = [];
  let usage = null;
  for await (const chunk of stream) {
    pieces.push(chunk.choices[0]?.delta.content ?? "");
    usage = chunk.usage ?? usage;
  }
  return { pieces, usage };
}

async function helperStream() {
  const runner = client.chat.completions.stream({ model, messages: user(`${prompt} helper`) });
  return { content: (await runner.finalMessage()).content };
}

async function images() {
  const url = await client.images.generate({ model, prompt: `${prompt} url`, response_format: "url" });
  const b64 = await client.images.generate({ model, prompt: `${prompt} b64`, response_format: "b64_json" });
  const three = await client.images.generate({ model: "gpt-image-1", prompt: `${prompt} three`, n: 3 });
  return { url: url.data, b64: b64.data, three: three.data, usage: three.usage };
}

async function imageStream() {
  const stream = await client.images.generate({ model, prompt: `${prompt} images`, n: 2, stream: true });
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function edit(b64) {
  const picture = await toFile(Buffer.from(b64, "base64"), "in.jpg", { type: "image/jpeg" });
  const { data, size } = await client.images.edit({ image: [picture, picture], prompt: `${prompt} edit`, size: "512x512" });
  return { data, size };
}

async function errors() {
  const draw = (words) => () => client.images.generate({ model, prompt: words });
  return {
    wrongKey: await failure(() => client.withOptions({ apiKey: "wrong" }).models.list()),
    empty: await failure(draw("")),
    refused: await failure(draw(`${prompt} [[fault 3030]]`)),
    quota: await failure(draw(`${prompt} [[fault 3036]]`)),
    garbage: await failure(draw(`${prompt} [[answer garbage]]`)),
  };
}

const drawn = await images();
const understood = {
  models: await models(),
  chat: await chat(),
  chatStream: await chatStream(),
  helperStream: await helperStream(),
  images: drawn,
  imageStream: await imageStream(),
  edit: await edit(drawn.b64[0].b64_json),
  errors: await errors(),
};
process.stdout.write(JSON.stringify(understood));
