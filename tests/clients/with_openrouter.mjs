// OpenRouter's own client, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON. It checks every field.
import { OpenRouter } from "@openrouter/sdk";

const [serverURL, apiKey, prompt] = process.argv.slice(2);
const client = new OpenRouter({ serverURL, apiKey });
const model = "black-forest-labs/flux.1-schnell:free";
const user = (content) => [{ role: "user", content }];

/** The answer to a chat. */
async function send(content, fields = {}) {
  return await client.chat.send({ chatRequest: { model, messages: user(content), ...fields } });
}

/** The only picture of an answer, as a data URL, and what is said beside it. */
function told({ choices: [{ message, finishReason }], usage, systemFingerprint }) {
  const [image] = message.images;
  return { text: message.content, url: image.imageUrl.url, reason: finishReason, usage, systemFingerprint };
}

const shape = { modalities: ["image", "text"], imageConfig: { aspect_ratio: "16:9", image_size: "1K" } };

/**
 * Without `modalities`: this client knows no pictures in a delta. And without `includeUsage`: OpenAI's `usage: null` of
 * every chunk but the last is nothing that it takes.
 */
async function stream() {
  const pieces = [];
  const fields = { imageConfig: shape.imageConfig, stream: true };
  for await (const { choices } of await send(`${prompt} stream`, fields)) {
    pieces.push(choices[0]?.delta.content ?? "");
  }
  return pieces;
}

async function several() {
  const { choices } = await send(`${prompt} several --n 2`);
  return choices.map(({ index, message }) => ({ index, text: message.content }));
}

/** The status of a failure; its codes are numbers, where OpenAI's are words. */
async function failure(content, fields) {
  try {
    await send(content, fields);
  } catch (error) {
    return error.statusCode;
  }
  return null;
}

const image = told(await send(`${prompt} image`, shape));
const edited = await send(
  [
    { type: "text", text: `${prompt} edit` },
    { type: "image_url", imageUrl: { url: image.url } },
  ],
  { model: "flux", ...shape },
);
const understood = {
  image,
  stream: await stream(),
  several: await several(),
  edited: { ...told(edited), model: edited.model },
  refusal: await failure(`${prompt} refused`, {
    responseFormat: { type: "json_schema", jsonSchema: { name: "cat", schema: { type: "object" } } },
  }),
  quota: await failure(`${prompt} [[fault 3036]]`),
};
process.stdout.write(JSON.stringify(understood));
