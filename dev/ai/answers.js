/** Answers of image models: by their schemas or, for tests, deliberately wrong: `[[answer KIND]]`. */
import { Breakdown } from "./faults.js";

const STALL_MS = 600_000;
const PAGE = "<!doctype html><title>502 Bad Gateway</title><h1>Bad gateway</h1>";

/** Kinds that change the picture's type. */
const TYPES = { jpeg: "image/jpeg", png: "image/png", webp: "image/webp" };

/** Kinds that replace the picture's bytes. */
const BYTES = {
  html: () => new TextEncoder().encode(PAGE),
  truncated: (bytes) => bytes.subarray(0, bytes.length >> 1),
};

/** Kinds that replace the whole answer: for a model that answers with JSON, and for one that answers with bytes. */
const ANSWERS = {
  empty: { json: () => ({}), bytes: () => new Uint8Array(0) },
  blank: { json: () => ({ image: "" }), bytes: () => new Uint8Array(0) },
  null: { json: () => null, bytes: () => null },
  number: { json: () => ({ image: 42 }), bytes: () => Uint8Array.of(42) },
  garbage: { json: () => ({ image: "this is not base64!" }), bytes: () => new TextEncoder().encode("garbage") },
  stall: { json: pictured, bytes: stalling },
};

/** The media type of the picture to draw. */
export function typeOf(model, kind) {
  return TYPES[kind] ?? (model.output === "json" ? "image/jpeg" : model.output);
}

/**
 * @returns {{value: unknown} | {body: Uint8Array | ReadableStream | null, type: string}} JSON, or bytes with their type
 * @throws {Breakdown} for an unknown kind
 */
export function answer(model, picture, kind) {
  if (kind && ![TYPES, BYTES, ANSWERS].some((kinds) => Object.hasOwn(kinds, kind))) {
    throw new Breakdown(`workers-ai-stand-in has no answer "${kind}"`);
  }
  const bytes = BYTES[kind]?.(picture.bytes) ?? picture.bytes;
  const { json, bytes: raw } = ANSWERS[kind] ?? { json: pictured, bytes: () => bytes };
  return model.output === "json" ? { value: json(bytes) } : { body: raw(bytes), type: picture.type };
}

function pictured(bytes) {
  return { image: bytes.toBase64() };
}

/** Half of the bytes, and then nothing for ten minutes. */
function stalling(bytes) {
  const half = bytes.length >> 1;
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  (async () => {
    await writer.write(bytes.slice(0, half));
    await new Promise((resume) => setTimeout(resume, STALL_MS));
    await writer.write(bytes.slice(half));
    await writer.close();
  })().catch(() => {}); // the reader is gone
  return readable;
}
