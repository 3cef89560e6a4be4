// Vercel's AI SDK with its provider for OpenAI, which uses the Responses API, unmodified: BASE_URL API_KEY PROMPT -> what it
// understood, as JSON.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";

const [baseURL, apiKey, prompt] = process.argv.slice(2);
const openai = createOpenAI({ baseURL, apiKey });
const model = openai("gpt-6-astra");
const tools = { image_generation: openai.tools.imageGeneration({ size: "1536x1024" }) };

/** The text of an answer, its pictures and what it cost. */
function understood({ text, toolResults, usage, finishReason }) {
  if (finishReason !== "stop") throw new Error(`finished with ${finishReason}`);
  return { text, pictures: toolResults.map(({ output }) => output.result), tokens: usage.totalTokens };
}

/** Two turns; the second has the messages of the first before it. */
async function conversation(offered, words) {
  const asked = { role: "user", content: `${prompt} ${words}first` };
  const first = await generateText({ model, messages: [asked], ...offered });
  const messages = [asked, ...first.response.messages, { role: "user", content: `${prompt} ${words}second` }];
  return [understood(first), understood(await generateText({ model, messages, ...offered }))];
}

async function stream(words, offered) {
  let failure = null;
  const onError = ({ error }) => (failure ??= error);
  const result = streamText({ model, prompt: `${prompt} ${words}`, onError, ...offered });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  if (failure) throw failure;
  const [text, toolResults, usage, finishReason] = await Promise.all([
    result.text,
    result.toolResults,
    result.usage,
    result.finishReason,
  ]);
  return { ...understood({ text, toolResults, usage, finishReason }), pieces };
}

/** What is raised after the stream has begun. */
async function lateFailure() {
  try {
    await stream("late [[delay 1500ms]] [[fault 3030]]");
  } catch (error) {
    return error.message;
  }
  return "";
}

// Without the tool its result is one of a tool that the SDK does not know, and the next turn has to work all the same.
const [plainFirst, plainSecond] = await conversation({}, "plain ");
const [first, second] = await conversation({ tools }, "");
const turns = {
  "plain first": plainFirst,
  "plain second": plainSecond,
  "plain stream": await stream("plain stream"),
  stream: await stream("stream", { tools }),
  first,
  second,
};
process.stdout.write(JSON.stringify({ turns, "late failure": await lateFailure() }));
