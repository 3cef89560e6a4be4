/**
 * `env.AI.run`, with the steps and messages of the real binding (workerd's src/cloudflare/internal/ai-api.ts), but with
 * the inference in place of its fetch.
 */
import { infer } from "./inference.js";

/**
 * @param {string} model
 * @param {object} inputs
 * @param {object} [options] `gateway`, `returnRawResponse` and `signal` have an effect, others are only recorded; a
 *   signal passes through RPC only with the compatibility flag enable_abortsignal_rpc
 * @param {{delayMs: number}} settings
 */
export async function run(model, inputs, options = {}, settings) {
  try {
    const { signal, returnRawResponse, ...told } = options;
    const asked = { transport: "rpc", model, signal, options: told, ...transmitted(inputs, options) };
    const answered = await infer(asked, settings);
    return returnRawResponse ? rawResponse(answered) : cooked(answered);
  } catch (error) {
    if (typeof error.exception !== "function") throw error;
    if (options.returnRawResponse) return error.response();
    throw error.exception();
  }
}

/** The part of the inputs that reaches the service: JSON, or the only stream among them. */
function transmitted(inputs, options) {
  const streams = Object.keys(inputs).filter((key) => isStream(inputs[key]) || isStream(inputs[key]?.body));
  if (streams.length === 0) return { inputs: JSON.parse(JSON.stringify(inputs)) };
  if (streams.length > 1) {
    throw internalError(`Multiple ReadableStreams are not supported. Found streams in keys: [${streams.join(", ")}]`);
  }
  if (options.gateway?.id) throw internalError("AI Gateway does not support ReadableStreams yet.");
  const { body, contentType } = inputs[streams[0]];
  if (!contentType) throw internalError("Content-Type is required with ReadableStream inputs");
  return { form: () => new Response(body, { headers: { "content-type": contentType } }).formData() };
}

function isStream(value) {
  return value instanceof ReadableStream || value instanceof FormData;
}

function cooked(answered) {
  return "value" in answered ? answered.value : answered.body && new Response(answered.body).body;
}

function rawResponse(answered) {
  if ("value" in answered) return Response.json(answered.value);
  return new Response(answered.body, { headers: { "content-type": answered.type } });
}

function internalError(message) {
  const error = new Error(message);
  error.name = "AiInternalError";
  return error;
}
