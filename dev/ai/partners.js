/**
 * Models of other makers by their published schemas (models/partners/*.json: src/content/catalog-models/ of
 * github.com/cloudflare/cloudflare-docs): their inputs, and the formats of their answers.
 */
import { Breakdown, Fault } from "./faults.js";
import { identify } from "./pictures-in.js";
import alibabaQwenImage30Pro from "./models/partners/alibaba-qwen-image-3.0-pro.json" with { type: "json" };
import alibabaWan26Image from "./models/partners/alibaba-wan-2.6-image.json" with { type: "json" };
import blackForestLabsFlux1KontextMax from "./models/partners/black-forest-labs-flux-1-kontext-max.json" with { type: "json" };
import blackForestLabsFlux1KontextPro from "./models/partners/black-forest-labs-flux-1-kontext-pro.json" with { type: "json" };
import blackForestLabsFlux2Flex from "./models/partners/black-forest-labs-flux-2-flex.json" with { type: "json" };
import blackForestLabsFlux2Max from "./models/partners/black-forest-labs-flux-2-max.json" with { type: "json" };
import blackForestLabsFlux2ProPreview from "./models/partners/black-forest-labs-flux-2-pro-preview.json" with { type: "json" };
import briaFiboEdit15 from "./models/partners/bria-fibo-edit-1.5.json" with { type: "json" };
import briaFiboGenerate15 from "./models/partners/bria-fibo-generate-1.5.json" with { type: "json" };
import bytedanceSeedream45 from "./models/partners/bytedance-seedream-4.5.json" with { type: "json" };
import bytedanceSeedream5Lite from "./models/partners/bytedance-seedream-5-lite.json" with { type: "json" };
import bytedanceSeedream5Pro from "./models/partners/bytedance-seedream-5-pro.json" with { type: "json" };
import googleNanoBanana2Lite from "./models/partners/google-nano-banana-2-lite.json" with { type: "json" };
import googleNanoBanana2 from "./models/partners/google-nano-banana-2.json" with { type: "json" };
import googleNanoBananaPro from "./models/partners/google-nano-banana-pro.json" with { type: "json" };
import googleNanoBanana from "./models/partners/google-nano-banana.json" with { type: "json" };
import kreaKrea2Large from "./models/partners/krea-krea-2-large.json" with { type: "json" };
import kreaKrea2MediumTurbo from "./models/partners/krea-krea-2-medium-turbo.json" with { type: "json" };
import kreaKrea2Medium from "./models/partners/krea-krea-2-medium.json" with { type: "json" };
import openaiGptImage15 from "./models/partners/openai-gpt-image-1.5.json" with { type: "json" };
import openaiGptImage25Flare from "./models/partners/openai-gpt-image-2.5-flare.json" with { type: "json" };
import openaiGptImage25Sunburst from "./models/partners/openai-gpt-image-2.5-sunburst.json" with { type: "json" };
import openaiGptImage2 from "./models/partners/openai-gpt-image-2.json" with { type: "json" };
import recraftRecraftv41 from "./models/partners/recraft-recraftv4-1.json" with { type: "json" };
import recraftRecraftv4 from "./models/partners/recraft-recraftv4.json" with { type: "json" };
import xaiGrokImagineImageQuality from "./models/partners/xai-grok-imagine-image-quality.json" with { type: "json" };
import xaiGrokImagineImage from "./models/partners/xai-grok-imagine-image.json" with { type: "json" };

const PUBLISHED = [
  alibabaQwenImage30Pro,
  alibabaWan26Image,
  blackForestLabsFlux1KontextMax,
  blackForestLabsFlux1KontextPro,
  blackForestLabsFlux2Flex,
  blackForestLabsFlux2Max,
  blackForestLabsFlux2ProPreview,
  briaFiboEdit15,
  briaFiboGenerate15,
  bytedanceSeedream45,
  bytedanceSeedream5Lite,
  bytedanceSeedream5Pro,
  googleNanoBanana2Lite,
  googleNanoBanana2,
  googleNanoBananaPro,
  googleNanoBanana,
  kreaKrea2Large,
  kreaKrea2MediumTurbo,
  kreaKrea2Medium,
  openaiGptImage15,
  openaiGptImage25Flare,
  openaiGptImage25Sunburst,
  openaiGptImage2,
  recraftRecraftv41,
  recraftRecraftv4,
  xaiGrokImagineImageQuality,
  xaiGrokImagineImage,
];

/** Inputs that contain pictures, as strings or in objects with a `url`. */
const PICTURE_FIELDS = ["image", "images", "image_input", "input_image", "input_images"];
const MAX_SIDE = 2048; // the most pixels that the service promises to send; the models take more
const DATA_URL = /^data:image\/(?:png|jpeg|webp);base64,/;

/** Side of a square in pixels, by the name of its resolution. */
const RESOLUTIONS = { "1K": 1024, "1k": 1024, "1MP": 1024, "2K": 2048, "2k": 2048, "3K": 3072, "4K": 4096, "4MP": 2048 };
const RESOLUTION_FIELDS = ["resolution", "image_size", "size"];

/** Rows for models.js. */
export const PARTNERS = PUBLISHED.map(({ model_id, schema }) => ({
  name: model_id,
  task: "image",
  // OpenAI's schemas allow any property. Those they do not name have no effect, so they are refused here.
  input: { ...schema.input, additionalProperties: false },
  multipart: false,
  partner: true,
  output: "json",
  many: "images" in schema.output.properties,
  pictures: schema.input.properties,
  width: 1024,
  height: 1024,
}));

/** The size of the picture, from width and height, from a string, or from ratio and resolution. */
export function sizeOf(inputs) {
  if (inputs.width) return { width: inputs.width, height: inputs.height };
  const [width, height] = /^(\d+)x(\d+)$/.exec(inputs.size ?? "")?.slice(1).map(Number) ?? [];
  if (width) return { width, height };
  const [across, down] = (inputs.aspect_ratio ?? "1:1").split(":").map(Number);
  const named = RESOLUTION_FIELDS.map((field) => RESOLUTIONS[inputs[field]]).find(Boolean) ?? 1024;
  const scale = named / Math.sqrt(across * down);
  return { width: Math.round((across * scale) / 8) * 8, height: Math.round((down * scale) / 8) * 8 };
}

/**
 * The pictures among the inputs. Links are not accepted: a provider could not fetch them.
 *
 * @throws {Fault} 5006
 */
export function picturesOf(model, inputs) {
  const found = [];
  for (const field of PICTURE_FIELDS.filter((name) => name in inputs)) {
    for (const [index, value] of [inputs[field]].flat().entries()) {
      const said = model.pictures[field].description ?? "";
      const text = typeof value === "string" ? value : value.url;
      const takesData = /data/.test(said);
      if (takesData !== DATA_URL.test(text)) throw new Fault(5006, `Error: '/${field}/${index}' is no ${said}`);
      found.push(pictureIn(text.replace(DATA_URL, ""), `/${field}/${index}`));
    }
  }
  return found;
}

function pictureIn(base64, place) {
  let picture;
  try {
    picture = identify(Uint8Array.fromBase64(base64));
  } catch {
    // not base64: refused in the same way
  }
  if (!picture) throw new Fault(5006, `Error: '${place}' is not a PNG, JPEG or WebP image`);
  if (Math.max(picture.width, picture.height) > MAX_SIDE) throw new Fault(5006, `Error: '${place}' is too large`);
  return picture;
}

// --- answers ---------------------------------------------------------------------------------------

const KEPT = 200; // pictures behind links
const HOST = "pictures.example";

/** Pictures that answers link to, by the last part of their path. */
const linked = new Map();

/** How an answer contains the picture, by the word of `[[form WORD]]`. */
const FORMS = {
  data: ({ type, bytes }) => `data:${type};base64,${bytes.toBase64()}`,
  base64: ({ bytes }) => bytes.toBase64(),
};
/** Links that must not be followed, by the word of `[[link WORD]]`; any other word is the first part of the path. */
const LINKS = {
  http: (id) => `http://${HOST}/ok/${id}`,
  port: (id) => `https://${HOST}:8443/ok/${id}`,
  user: (id) => `https://user@${HOST}/ok/${id}`,
  address: (id) => `https://0x7f.1/ok/${id}`,
  six: (id) => `https://[::1]/ok/${id}`,
  local: (id) => `https://printer.local/ok/${id}`,
  localhost: (id) => `https://localhost/ok/${id}`,
  script: () => "javascript:alert(1)",
  long: (id) => `https://${HOST}/ok/${"a".repeat(9000)}/${id}`,
};
/** Nesting, by the word of `[[level WORD]]`. */
const LEVELS = {
  flat: (result) => result,
  once: (result) => ({ state: "Completed", result, gatewayMetadata: { keySource: "Unified" } }),
  twice: (result) => ({ state: "Completed", result: { state: "Completed", result } }),
};

/** @returns {object} an answer with the picture, in the format of this model and the marks */
export function answered(model, picture, { form, link, level = "once", list }) {
  const text = link ? linkTo(picture, link) : (FORMS[form ?? "data"] ?? unknown(form))(picture);
  const result = (list ? list === "many" : model.many) ? { images: [text, text] } : { image: text };
  return (LEVELS[level] ?? unknown(level))(result);
}

/** @returns {object} the answer after a provider's failure, which is not an error of the API */
export function failed(model, code) {
  const message = code === "provider_unavailable" ? "The provider is unavailable." : `It failed: ${code}.`;
  return { state: "Failed", error: { code, message }, model: model.name };
}

/** The picture that a link leads to: `GET /pictures/ID`. */
export function linkedPicture(id) {
  return linked.get(id);
}

function linkTo(picture, kind) {
  const id = crypto.randomUUID();
  linked.set(id, picture);
  if (linked.size > KEPT) linked.delete(linked.keys().next().value);
  return (LINKS[kind] ?? ((id) => `https://${HOST}/${kind}/${id}?X-Signature=secret`))(id);
}

function unknown(word) {
  throw new Breakdown(`workers-ai-stand-in does not know "${word}"`);
}
