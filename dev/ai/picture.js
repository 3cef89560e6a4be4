/** The stand-in's picture: a scene, encoded as by a model, with the request in its comment. */
import { jpeg } from "./jpeg.js";
import { withoutMarks } from "./marks.js";
import { png } from "./png.js";
import { scene } from "./scene.js";

const COMMENTED = 8_000; // characters of a prompt in the comment, whose segment has at most 64 KiB

// There is no WebP encoder here. This one is from libwebp, 1024x1024 in one colour, for tests that need another type.
const FLAT_WEBP =
  "UklGRlAAAABXRUJQVlA4TEMAAAAv/8P/AAdQsAIVtP8BgUCyv/kERfQ/4z//+c9//vOf//znP//5z3/+85///Oc///nPf/7zn//85z//+c9//vOf" +
  "//zfAA==";

const ENCODERS = {
  "image/jpeg": jpeg,
  "image/png": png,
  "image/webp": () => Uint8Array.from(atob(FLAT_WEBP), (character) => character.charCodeAt(0)),
};

/**
 * @param {string} type image/jpeg, image/png, or image/webp, which is always the same
 * @param {object} wanted
 * @param {number} wanted.width pixels
 * @param {number} wanted.height pixels
 * @param {number} [wanted.size] bytes, at least
 * @param {object} facts `call`, `model`, `prompt` and anything else for the comment, as JSON
 * @returns {Promise<{type: string, width: number, height: number, bytes: Uint8Array}>}
 */
export async function picture(type, { width, height, size }, facts) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(facts.prompt)));
  const nonce = Math.random();
  const cells = scene({
    width,
    height,
    digest,
    nonce,
    title: "WORKERS AI STAND-IN",
    text: withoutMarks(facts.prompt),
    footer: footer(facts),
  });
  const prompt = facts.prompt.slice(0, COMMENTED);
  const comment = JSON.stringify({ by: "workers-ai-stand-in", ...facts, prompt, width, height, nonce });
  return { type, width, height, bytes: await ENCODERS[type](cells, { width, height, comment, size }) };
}

function footer({ call, model, pictures_in: count }) {
  const edited = count > 0 ? ` ${count} IN` : "";
  return `#${call}${edited} ${model.split("/").at(-1)}`;
}
