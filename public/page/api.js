/** The service, as this page calls it. */
import { ahead, say } from "./words.js";

/** A refusal or failure that the page can explain; its message tells what to do. */
export class Refused extends Error {
  constructor({ message, code, param }, { status, headers } = {}) {
    super(code === "invalid_api_key" ? say("wrongKey") : message);
    Object.assign(this, { code, param });
    const wait = Number(headers?.get("retry-after"));
    if (wait) this.message += ` ${say("retry", ahead(wait))}`;
    if (status >= 500) this.message += ` (x-request-id: ${headers.get("x-request-id")})`; // for the owner's log
  }
}

/** @returns {Promise<Response>} a good one. Throws Refused, and AbortError when stopped. */
export async function call(path, { key, ...options } = {}) {
  const headers = { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
  let response;
  try {
    response = await fetch(path, { headers, cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ message: say("lost"), code: "lost" });
  }
  if (response.ok) return response;
  // Cloudflare stands before the Worker: its own errors are pages of HTML.
  const { error } = await response.json().catch(() => ({}));
  throw new Refused(error ?? { message: say("odd", `HTTP ${response.status}`) }, response);
}

/**
 * What POST /v1/chat/completions takes. What was left alone is not sent, so that directives in the prompt still count.
 * @param {import("./form.js").Wish} wish
 */
export const body = ({ prompt, model, ratio, steps, seed, n, optimize }) => ({
  ...(model && { model }),
  messages: [{ role: "user", content: prompt }],
  ...(ratio !== "1:1" && { size: ratio }),
  ...(steps && { steps }),
  ...(seed !== null && { seed }),
  ...(n > 1 && { n }),
  optimize,
});

/**
 * What the service tells while it draws: `{name, text}` for a line, `{url}` for a picture.
 * Throws Refused, and AbortError when stopped.
 */
export async function* draw(wish, key, signal) {
  const request = JSON.stringify({ ...body(wish), stream: true });
  const response = await call("/v1/chat/completions", { key, signal, method: "POST", body: request });
  let said = "";
  for await (const data of events(response.body)) {
    if (data === "[DONE]") {
      if (said) throw new Refused({ message: say("odd", said) });
      return;
    }
    const { error, choices } = JSON.parse(data);
    if (error) throw new Refused(error);
    const text = choices[0]?.delta.content ?? "";
    // A picture comes as a text of its own: one in a prompt that is said back is never taken for it.
    const [, url] = /^\s*!\[[^\]]*\]\((\S+)\)$/.exec(text) ?? [];
    if (url) yield { url };
    else yield* lines(text);
    said = url ? "" : said + text;
  }
  throw new Refused({ message: say("cutOff") });
}

/** The marks that lines begin with, whatever language the service speaks. */
const MARKS = { "🎨": "prompt", "💬": "writer", "🌐": "written", "📐": "size", "⚠️": "notice" };

function* lines(text) {
  // Only a mark begins a line: a prompt may have line breaks of its own.
  for (const line of text.split(/\n(?=🎨|💬|🌐|📐|🌟|⚠️)/u)) {
    const [mark] = line.split(" ", 1);
    const told = line.slice(mark.length).trim();
    if (mark === "⚠️") yield { name: MARKS[mark], text: told };
    else if (MARKS[mark]) yield { name: MARKS[mark], text: told.replace(/^[^:：]*[:：]\s*/, "") };
  }
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
    throw error.name === "AbortError" ? error : new Refused({ message: say("cutOff") });
  } finally {
    reader.cancel().catch(() => {}); // of no use any more, whatever became of it
  }
}

/**
 * A picture as bytes, which stay when its link expires.
 * @param {string} url as the service told it: a link, or a data URL where nothing is stored
 * @returns {Promise<{blob: Blob, expires: number}>} Unix time in milliseconds; 0 where nothing is stored
 */
export async function fetchPicture(url) {
  // A link may name another host (PUBLIC_URL): the picture is here, too, and the page asks no other host.
  const response = await call(url.startsWith("data:") ? url : `/image/${url.split("/").pop()}`);
  const [, seconds] = /max-age=(\d+)/.exec(response.headers.get("cache-control")) ?? [];
  return { blob: await response.blob(), expires: seconds ? Date.now() + seconds * 1000 : 0 };
}
