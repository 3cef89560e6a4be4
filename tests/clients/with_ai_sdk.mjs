// Vercel's AI SDK, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON. Its schemas are stricter than OpenAI's own
// client, which checks nothing.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage, generateText, streamText } from "ai";

const [baseURL, apiKey, prompt] = process.argv.slice(2);
const provider = createOpenAICompatible({ name: "flux", baseURL, apiKey, includeUsage: true });
const model = provider.chatModel("flux");

async function image() {
  const { images, warnings } = await generateImage({
    model: provider.imageModel("flux"),
    prompt: `${prompt} image`,
    n: 2,
    size: "1024x1024",
  });
  return { images: images.map(({ base64, mediaType }) => ({ base64, mediaType })), warnings };
}

async function text() {
  const { text, finishReason, usage } = await generateText({ model, prompt: `${prompt} text 3:2` });
  return { text, finishReason, usage };
}

async function stream() {
  const result = streamText({ model, prompt: `${prompt} stream 3:2` });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  return { pieces, finishReason: await result.finishReason, usage: await result.usage };
}

/** A failure after the first byte, which has to be the SDK's error and not a schema's. */
async function lateFailure() {
  const errors = [];
  const result = streamText({
    model,
    prompt: `${prompt} late [[delay 2s]] [[fault 3030]]`,
    onError: ({ error }) => errors.push(error),
  });
  const parts = [];
  for await (const part of result.fullStream) parts.push(part.type);
  return { parts, errors: errors.map((error) => error.message ?? String(error)) };
}

async function refusal() {
  try {
    await generateImage({ model: provider.imageModel("flux"), prompt: `${prompt} [[fault 3036]]`, maxRetries: 0 });
  } catch (error) {
    return { kind: error.name, status: error.statusCode, message: error.message };
  }
  return null;
}

const understood = {
  image: await image(),
  text: await text(),
  stream: await stream(),
  lateFailure: await lateFailure(),
  refusal: await refusal(),
};
process.stdout.write(JSON.stringify(understood));
