/**
 * Instructions of a test to the stand-in, written into the prompt: `A cat [[fault 3040 x2]] [[delay 6s]]`.
 *
 * The table is the whole language; README.md explains it. Double brackets with any other first word are left alone,
 * since they may be part of a prompt. A known mark with invalid content is an error, so that no test passes because of
 * a typing error.
 */
import { Breakdown, FAULTS } from "./faults.js";

const MARK = /\[\[([a-z]+)\b([^[\]]*)\]\]/g;
const BYTES_IN = { b: 1, kb: 1000, mb: 1000 ** 2 };
const MS_IN = { ms: 1, s: 1000 };

/** First word to a pattern for the rest, and a function of its groups that returns the value. */
const LANGUAGE = {
  // [[fault 3040]] [[fault 3040 x2 on lucid-origin: other words]] [[fault text words without a code]]
  fault: [
    /^(?:text\s+(?<text>.+)|(?<code>\d{3,4})(?: x(?<times>\d+))?(?: on (?<model>[^\s:]+))?(?::\s*(?<words>.+))?)$/s,
    ({ text, code, times, model, words }) => {
      if (code && !FAULTS.has(Number(code))) return undefined;
      return { text, code: Number(code), times: times ? Number(times) : Infinity, model: model ?? "", words };
    },
  ],
  // [[state provider_unavailable]] [[state provider_unavailable x2]]: for a model of another maker
  state: [/^(?<code>\w+)(?: x(?<times>\d+))?$/, ({ code, times }) => ({ code, times: Number(times ?? Infinity) })],
  // [[form base64]] [[link redirect]] [[level twice]] [[list many]]: see partners.js
  form: [/^(?<kind>[a-z0-9]+)$/, ({ kind }) => kind],
  link: [/^(?<kind>[a-z0-9]+)$/, ({ kind }) => kind],
  level: [/^(?<kind>[a-z]+)$/, ({ kind }) => kind],
  list: [/^(?<kind>one|many)$/, ({ kind }) => kind],
  // [[delay 6s]] [[delay 250ms]]
  delay: [/^(?<amount>\d+(?:\.\d+)?)\s*(?<unit>ms|s)$/, ({ amount, unit }) => Number(amount) * MS_IN[unit]],
  // [[hang]] [[hang on lucid-origin]]
  hang: [/^(?:on (?<model>\S+))?$/, ({ model }) => ({ model: model ?? "" })],
  // [[answer empty]]: see answers.js
  answer: [/^(?<kind>[a-z]+)$/, ({ kind }) => kind],
  // [[size 768x512]]
  size: [/^(?<width>\d{1,4})x(?<height>\d{1,4})$/, ({ width, height }) => ({ width: +width, height: +height })],
  // [[bytes 5mb]] [[bytes 200kb]]
  bytes: [/^(?<amount>\d+)\s*(?<unit>b|kb|mb)?$/i, ({ amount, unit = "b" }) => amount * BYTES_IN[unit.toLowerCase()]],
  // [[writer html]] [[writer 3040]]: see writer.js
  writer: [/^(?<kind>[a-z0-9]+)$/, ({ kind }) => kind],
};

/**
 * @param {string} prompt
 * @returns {object} the value of each mark by its first word; the last one wins
 * @throws {Breakdown} for a known mark with invalid content
 */
export function readMarks(prompt) {
  const marks = {};
  for (const [mark, word, rest] of prompt.matchAll(MARK)) {
    if (!Object.hasOwn(LANGUAGE, word)) continue;
    const [pattern, value] = LANGUAGE[word];
    const match = pattern.exec(rest.trim());
    marks[word] = match ? value(match.groups) : undefined;
    if (marks[word] === undefined) throw new Breakdown(`workers-ai-stand-in does not understand ${mark}`);
  }
  return marks;
}

/** The prompt without marks; `words` limits this to marks that start with one of them. */
export function withoutMarks(prompt, words = Object.keys(LANGUAGE)) {
  return prompt.replace(MARK, (mark, word) => (words.includes(word) ? "" : mark)).replace(/ {2,}/g, " ").trim();
}
