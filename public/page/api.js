/** The service, as this page calls it. */
import { ahead } from "./words.js";

const DAY = 86_400;
const toMidnight = () => DAY - Math.floor(Date.now() / 1000) % DAY; // UTC, when allowances reset

/** Sentences for the service's codes, and the seconds after which to try again: 0 at once, none never. */
const CODES = {
  invalid_api_key: ["wrongKey"],
  content_policy_violation: ["refused"],
  rate_limit_exceeded: ["tooMany", 60],
  insufficient_quota: ["spent"],
  budget_exceeded: ["spent"],
  model_overloaded: ["overloaded", 10],
  budget_unavailable: ["overloaded", 5],
  storage_unavailable: ["overloaded", 5],
  upstream_error: ["failed", 0],
  internal_error: ["failed", 0],
  request_timeout: ["cutOff", 0],
  upstream_not_authorized: ["ownersTurn"],
  invalid_configuration: ["ownersTurn"],
  api_key_not_configured: ["ownersTurn"],
  lost: ["lost", 0],
  cut_off: ["cutOff", 0],
  odd: ["odd", 0],
};

/** A failure that the page can explain: `say` has the key of a sentence and its values. */
export class Refused extends Error {
  /** @param {{message?: string, code: string, param?: string}} error of the service, or one of this page's own */
  constructor({ message = "", code, param }, { headers, request = headers?.get("x-request-id") } = {}) {
    super(message || code);
    const [sentence, wait] = CODES[code] ?? ["notAccepted"];
    const value = sentence === "failed" ? request : sentence === "spent" ? ahead(toMidnight()) : message;
    /** @type {number | undefined} seconds; undefined where trying again is in vain */
    const seconds = wait === undefined ? wait : Number(headers?.get("retry-after")) || wait;
    Object.assign(this, { code, param, seconds, say: [sentence, value] });
  }
}

/** @returns {Promise<Response>} a good one. Throws Refused, and AbortError when stopped. */
export async function call(path, { key, ...options } = {}) {
  const headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
  let response;
  try {
    response = await fetch(path, { headers, cache: "no-store", ...options });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused({ code: "lost" });
  }
  if (response.ok) return response;
  // Cloudflare stands before the Worker: its own errors are pages of HTML.
  const { error } = await response.json().catch(() => ({}));
  throw new Refused(error ?? { code: "odd", message: `HTTP ${response.status}` }, response);
}

const shape = ({ ratio, width, height }) => (width ? { size: `${width}x${height}` } : ratio !== "1:1" && { size: ratio });

/**
 * What POST /v1/chat/completions takes. What was left alone is not sent, so that directives in the prompt still count.
 * @param {import("./form.js").Wish} wish @param {string[]} pictures data URLs
 */
export const body = (wish, pictures) => ({
  ...(wish.model && { model: wish.model }),
  messages: [{ role: "user", content: content(wish.prompt, pictures) }],
  ...shape(wish),
  ...own(wish),
  ...(wish.n > 1 && { n: wish.n }),
  optimize: wish.optimize,
});

const content = (text, pictures) =>
  pictures.length
    ? [{ type: "text", text }, ...pictures.map((url) => ({ type: "image_url", image_url: { url } }))]
    : text;

/** Fields that are the same in every API. */
export const own = ({ steps, seed, negative, format }) => ({
  ...(steps && { steps }),
  ...(seed !== null && { seed }),
  ...(negative && { negative_prompt: negative }),
  ...(format && { output_format: format }),
});

const dataUrl = (blob) =>
  new Promise((resolve, reject) => {
    const reader = Object.assign(new FileReader(), { onload: () => resolve(reader.result), onerror: reject });
    reader.readAsDataURL(blob);
  });

/**
 * What the service tells while it draws (`stream_options.include_progress`): objects whose `type` is `plan`, `prompt`,
 * `picture` or `failure`. Throws Refused, and AbortError when stopped.
 */
export async function* draw(wish, key, signal) {
  const pictures = await Promise.all(wish.pictures.map(dataUrl));
  const request = JSON.stringify({ ...body(wish, pictures), stream: true, stream_options: { include_progress: true } });
  const response = await call("/v1/chat/completions", { key, signal, method: "POST", body: request });
  const id = response.headers.get("x-request-id");
  let text = "";
  let pictured = false;
  for await (const data of events(response.body)) {
    if (data === "[DONE]") {
      if (!pictured) throw new Refused({ code: "odd", message: text });
      return;
    }
    const { error, choices, progress } = JSON.parse(data);
    if (error) throw new Refused(error, { request: id });
    text += choices[0]?.delta.content ?? "";
    pictured ||= progress?.type === "picture";
    if (progress?.type === "failure") yield { type: "failure", error: new Refused(progress.error, { request: id }) };
    else if (progress) yield progress;
  }
  throw new Refused({ code: "cut_off" });
}

/** The data of server-sent events. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) if (event.startsWith("data: ")) yield event.slice(6);
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused({ code: "cut_off" });
  } finally {
    reader.cancel().catch(() => {}); // of no use any more, whatever became of it
  }
}

/** A picture's bytes, which stay when its link expires. @param {string} url a link, or a data URL where nothing is stored */
export async function fetchPicture(url) {
  // A link may name another host (PUBLIC_URL): the picture is here, too, and the page asks no other host.
  const response = await call(url.startsWith("data:") ? url : `/image/${url.split("/").pop()}`);
  return response.blob();
}
