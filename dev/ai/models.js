/**
 * The models by their published schemas (models/*.json: src/content/workers-ai-models/ of github.com/cloudflare/
 * cloudflare-docs). Inputs are checked by the validator that Workers AI uses, so the error texts are the real ones.
 */
import { Cabidela } from "@cloudflare/cabidela";

import { Fault } from "./faults.js";
import { PARTNERS } from "./partners.js";
import { wrong } from "./schema.js";
import dreamshaper from "./models/dreamshaper-8-lcm.json" with { type: "json" };
import schnell from "./models/flux-1-schnell.json" with { type: "json" };
import flux2Dev from "./models/flux-2-dev.json" with { type: "json" };
import flux2Form from "./models/flux-2-form.json" with { type: "json" };
import flux2Klein4b from "./models/flux-2-klein-4b.json" with { type: "json" };
import flux2Klein9b from "./models/flux-2-klein-9b.json" with { type: "json" };
import lucidOrigin from "./models/lucid-origin.json" with { type: "json" };
import phoenix from "./models/phoenix-1.0.json" with { type: "json" };
import sdxl from "./models/stable-diffusion-xl-base-1.0.json" with { type: "json" };
import sdxlLightning from "./models/stable-diffusion-xl-lightning.json" with { type: "json" };
import textGeneration from "./models/text-generation.json" with { type: "json" };

const PUBLISHED = [
  dreamshaper,
  schnell,
  flux2Dev,
  flux2Klein4b,
  flux2Klein9b,
  lucidOrigin,
  phoenix,
  sdxl,
  sdxlLightning,
];

// The size of a picture if no schema gives it. Third parties measured it for flux-1-schnell; for the Stable Diffusion
// models it is a guess.
const ASSUMED_SIDE = 1024;

/** Text models of Workers AI, by the format of their answers: see writer.js. */
const TEXT_MODELS = {
  response: [
    "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "@cf/meta/llama-3.1-8b-instruct-fast",
    "@cf/meta/llama-3.1-8b-instruct-fp8-fast",
    "@cf/meta/llama-3.1-8b-instruct-fp8",
    "@cf/meta/llama-3.2-1b-instruct",
    "@cf/meta/llama-3.2-3b-instruct",
    "@cf/meta/llama-4-scout-17b-16e-instruct",
    "@cf/mistralai/mistral-small-3.1-24b-instruct",
    "@cf/ibm-granite/granite-4.0-h-micro",
  ],
  choices: [
    "@cf/zai-org/glm-4.7-flash",
    "@cf/zai-org/glm-5.3-flash",
    "@cf/google/gemma-4-26b-a4b-it",
    "@cf/qwen/qwen3-30b-a3b-fp8",
    "@cf/openai/gpt-oss-20b",
    "@cf/openai/gpt-oss-120b",
    "@cf/nvidia/nemotron-3-120b-a12b",
    "@cf/moonshotai/kimi-k2.6",
  ],
};

/**
 * @typedef {object} Model
 * @property {string} name
 * @property {"image" | "text"} task
 * @property {object} input JSON Schema of the inputs, or of the form's fields
 * @property {boolean} multipart whether the inputs are sent as a form
 * @property {boolean} [partner] whether it is by another maker: see partners.js
 * @property {"json" | string} [output] `{image: base64}`, or the media type of the bytes
 * @property {number} [width] in pixels, if none is requested
 * @property {number} [height]
 * @property {"response" | "choices"} [shape] of a text model's answer
 */

/** @type {Map<string, Model>} */
const MODELS = new Map();
for (const published of PUBLISHED) MODELS.set(published.name, imageModel(published));
for (const partner of PARTNERS) MODELS.set(partner.name, partner);
for (const [shape, names] of Object.entries(TEXT_MODELS)) {
  for (const name of names) MODELS.set(name, { name, task: "text", input: textGeneration, multipart: false, shape });
}

/**
 * @returns {Model}
 * @throws {Fault} 5007
 */
export function findModel(name) {
  const model = MODELS.get(name);
  if (!model) throw new Fault(5007, `No such model ${name} or task`);
  return model;
}

/** @throws {Fault} 5006, with the validator's message */
export function check(model, inputs) {
  if (model.partner) {
    const said = wrong(model.input, inputs);
    if (said) throw new Fault(5006, `Error: ${said}`);
    return;
  }
  try {
    new Cabidela(model.input).validate(inputs);
  } catch (error) {
    throw new Fault(5006, `Error: ${error.message}`);
  }
}

function imageModel({ name, schema }) {
  const multipart = "multipart" in schema.input.properties;
  const input = multipart ? formFields(name) : schema.input;
  return {
    name,
    task: "image",
    input,
    multipart,
    output: schema.output.format === "binary" ? schema.output.contentType : "json",
    width: input.properties.width?.default ?? ASSUMED_SIDE,
    height: input.properties.height?.default ?? ASSUMED_SIDE,
  };
}

/** The published schemas of FLUX.2 say only that inputs are a form. Its fields are documented in the changelogs. */
function formFields(name) {
  if (!name.includes("klein")) return flux2Form;
  const { steps, ...properties } = flux2Form.properties; // "fixed at 4 and cannot be adjusted"
  return { ...flux2Form, properties };
}
