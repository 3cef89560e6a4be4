/**
 * The prompt writer: a text model, or an external chat completions API. Its answer is predictable and recognisable: the
 * user's words and a few of its own.
 *
 * A test can make it misbehave by a word in the user's message: `[[writer long]]`. The code of a fault is such a word
 * too: `[[writer 3040]]`.
 */
import { Breakdown, Fault, FAULTS } from "./faults.js";
import { withoutMarks } from "./marks.js";

const HANG_MS = 600_000;
const LONG = 5_000; // characters
const DEEP = 4_000; // levels
const PAGE = "<!doctype html><title>Sign in</title><h1>Please sign in to the network</h1>";
const ADDED = ", cinematic lighting, highly detailed";

/**
 * The result of each behaviour: the message's `content` (null if the model gave none) and a reasoning model's
 * `reasoning`; `absent` if there is no message; `failure` if there is no answer.
 */
const BEHAVIOURS = {
  500: () => ({ failure: new Breakdown("upstream connect error or disconnect/reset before headers", { status: 500 }) }),
  html: () => ({ failure: new Breakdown(PAGE, { status: 200, type: "text/html" }) }),
  hang: () => ({ delay: HANG_MS, absent: true }),
  slow: (words) => ({ delay: 3_000, content: words + ADDED }),
  long: (words) => ({ content: `${words + ADDED}, and so on`.padEnd(LONG, ", and so on").slice(0, LONG) }),
  empty: () => ({ absent: true }),
  blank: () => ({ content: "" }),
  thinking: () => ({ content: null, reasoning: "The user wants a picture. Let me think about the light" }),
  chatty: (words) => ({ content: `Sure! Here is your prompt:\n\n"${words + ADDED}"` }),
  object: (words) => ({ content: { prompt: words + ADDED } }),
  deep: () => ({ content: nested(DEEP) }),
  refused: (words) => ({ content: `${words + ADDED} [[fault 3030]]` }),
};

/**
 * @param {Array<{role: string, content: unknown}>} messages
 * @param {string | undefined} behaviour the word of `[[writer WORD]]`
 */
export function draft(messages, behaviour) {
  const words = withoutMarks(lastUserText(messages), ["writer"]);
  if (behaviour === undefined) return { content: words + ADDED };
  if (FAULTS.has(Number(behaviour))) return { failure: new Fault(Number(behaviour)) };
  if (Object.hasOwn(BEHAVIOURS, behaviour)) return BEHAVIOURS[behaviour](words);
  throw new Breakdown(`workers-ai-stand-in has no writer "${behaviour}"`);
}

/** The user's last message: its text, or the text parts of an array. */
export function lastUserText(messages) {
  const content = messages.findLast((message) => message?.role === "user")?.content ?? "";
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map((part) => part?.text ?? "").join("\n") : "";
}

function nested(levels) {
  let value = {};
  for (let level = 1; level < levels; level += 1) value = { a: value };
  return value;
}

/**
 * A text model's answer. Older models have Workers AI's own format, with `response`; newer ones answer like OpenAI's
 * chat completions.
 */
export function textAnswer(model, written, prompt) {
  const usage = usageOf(prompt, written.content);
  if (model.shape === "choices") return completion(model.name, written, prompt);
  return written.absent ? { usage } : { response: written.content, tool_calls: [], usage };
}

/** A chat completion object in OpenAI's format. */
export function completion(model, { content, reasoning, absent }, prompt) {
  const message = { role: "assistant", content, refusal: null, ...(reasoning && { reasoning_content: reasoning }) };
  return {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model,
    choices: absent ? [] : [{ index: 0, message, logprobs: null, finish_reason: reasoning ? "length" : "stop" }],
    usage: usageOf(prompt, content),
  };
}

function usageOf(prompt, content) {
  const tokens = (text) => Math.ceil(String(text ?? "").length / 4);
  const [prompt_tokens, completion_tokens] = [tokens(prompt), tokens(content)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
