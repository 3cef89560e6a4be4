/**
 * The stand-in over HTTP: the Workers AI REST API, the same through AI Gateway, an OpenAI-compatible chat endpoint as
 * external prompt writer, and the ledger.
 */
import { Breakdown, Fault } from "./faults.js";
import { infer } from "./inference.js";
import { ledger } from "./ledger.js";
import { readMarks } from "./marks.js";
import { linkedPicture } from "./partners.js";
import { completion, draft, lastUserText } from "./writer.js";

/** Method, path and handler; `{model+}` may contain slashes. */
const ROUTES = [
  ["POST", "/client/v4/accounts/:account/ai/run/:model+", restRun],
  ["POST", "/client/v4/accounts/:account/ai/run", restRunNamed],
  ["GET", "/pictures/:id", linkedTo],
  ["POST", "/v1/chat/completions", chatCompletions],
  ["POST", "/v1/:account/:gateway/workers-ai/:model+", gatewayRun],
  ["GET", "/calls", listCalls],
  ["DELETE", "/calls", () => Response.json(ledger.clear())],
].map(([method, pathname, handler]) => ({ method, pattern: new URLPattern({ pathname }), handler }));

/**
 * @param {Request} request
 * @param {{delayMs: number, token: string}} settings
 */
export async function serve(request, settings) {
  for (const { method, pattern, handler } of ROUTES) {
    const match = request.method === method && pattern.exec(request.url);
    if (match) return handler(request, settings, match.pathname.groups);
  }
  return notFound(new URL(request.url));
}

/** POST /client/v4/accounts/{account_id}/ai/run/{model} */
async function restRun(request, settings, { model }) {
  if (!authorized(request, settings)) {
    return envelope({ errors: [{ code: 10000, message: "Authentication error" }] }, 401);
  }
  try {
    const body = await bodyOf(request);
    if (body.form && request.headers.has("cf-aig-gateway-id")) throw new Fault(7000); // FLUX.2 does not work through a gateway
    const answered = await infer({ transport: "rest", model: named(model), ...body }, settings);
    return "value" in answered ? envelope({ result: answered.value, success: true }) : bytes(answered);
  } catch (error) {
    return refusal(error, "restResponse");
  }
}

/** POST /client/v4/accounts/{account_id}/ai/run: models of other makers, whose names are in the body. */
async function restRunNamed(request, settings) {
  if (!authorized(request, settings)) {
    return envelope({ errors: [{ code: 10000, message: "Authentication error" }] }, 401);
  }
  try {
    const { model, input } = await request.json().catch(() => ({}));
    const id = request.headers.get("cf-aig-gateway-id") ?? "default";
    const options = { gateway: { id, skipCache: request.headers.get("cf-aig-skip-cache") === "true" } };
    const answered = await infer({ transport: "rest", model, inputs: input, options }, settings);
    return "value" in answered ? envelope({ result: answered.value, success: true }) : bytes(answered);
  } catch (error) {
    return refusal(error, "restResponse");
  }
}

/** GET /pictures/{id}: the picture that an answer links to. */
function linkedTo(request, settings, { id }) {
  const picture = linkedPicture(id);
  return picture ? bytes({ body: picture.bytes, type: picture.type }) : new Response("gone", { status: 404 });
}

/** POST /v1/{account_id}/{gateway_id}/workers-ai/{model}: errors as the service sends them, without an envelope. */
async function gatewayRun(request, settings, { model }) {
  if (!authorized(request, settings)) {
    const [message, code] = ["Unauthorized", 2009];
    const outer = { success: false, result: [], messages: [], error: [{ code, message }] };
    const fault = { name: "AiGatewayError", httpCode: 401, internalCode: code, message, description: message };
    return Response.json({ ...outer, ...fault }, { status: 401 });
  }
  try {
    const body = await bodyOf(request);
    if (body.form) throw new Fault(8001); // FLUX.2 does not work through a gateway
    const answered = await infer({ transport: "gateway", model: named(model), ...body }, settings);
    return "value" in answered ? envelope({ result: answered.value, success: true }) : bytes(answered);
  } catch (error) {
    return refusal(error, "response");
  }
}

/** POST /v1/chat/completions */
async function chatCompletions(request, settings) {
  if (!authorized(request, settings)) return openAiError(401, "Incorrect API key provided.", "invalid_api_key");
  const { model, messages, stream, ...rest } = (await request.json().catch(() => null)) ?? {};
  if (typeof model !== "string" || !Array.isArray(messages) || messages.length === 0) {
    return openAiError(400, "'model' and 'messages' are required.", "missing_required_parameter");
  }
  if (stream) return openAiError(400, "The stand-in does not stream.", "unsupported_value");
  const call = ledger.open("openai", model);
  call.prompt = lastUserText(messages);
  call.inputs = { messages, ...rest };
  try {
    const { writer } = readMarks(call.prompt);
    const written = draft(messages, writer);
    await call.wait(written.delay ?? settings.delayMs);
    if (written.failure instanceof Breakdown && written.failure.status === 200) {
      call.finish("ok", { kind: writer });
      return written.failure.response();
    }
    if (written.failure) throw written.failure;
    call.finish("ok", { kind: writer ?? "text" });
    return Response.json(completion(model, written, call.prompt));
  } catch (error) {
    call.finish(String(error.code ?? error));
    if (!(error instanceof Fault || error instanceof Breakdown)) throw error;
    return openAiError(error.status, error.message, null);
  }
}

/** GET /calls?prompt=TEXT&model=TEXT&limit=N */
function listCalls(request) {
  const { prompt, model, limit = Infinity } = Object.fromEntries(new URL(request.url).searchParams);
  return Response.json(ledger.list({ prompt, model, limit: Number(limit) }));
}

function authorized(request, { token }) {
  return request.headers.get("authorization") === `Bearer ${token}`;
}

/** The name may be percent-encoded, including "@" and "/". */
function named(model) {
  try {
    return decodeURIComponent(model);
  } catch {
    return model;
  }
}

/** @throws {Fault} 3003, 5006 */
async function bodyOf(request) {
  if ((request.headers.get("content-type") ?? "").startsWith("multipart/")) return { form: () => request.formData() };
  const text = await request.text();
  if (!text) throw new Fault(3003, "Request is missing headers or body: body");
  try {
    const { options, ...inputs } = JSON.parse(text);
    return { inputs, options };
  } catch (error) {
    throw new Fault(5006, `Error: ${error.message}`);
  }
}

function envelope({ result = null, success = false, errors = [] }, status = 200) {
  return Response.json({ result, success, errors, messages: [] }, { status });
}

function bytes({ body, type }) {
  return new Response(body, { headers: { "content-type": type } });
}

function refusal(error, shape) {
  if (error instanceof Fault || error instanceof Breakdown) return error[shape]();
  throw error;
}

function openAiError(status, message, code) {
  const type = status < 500 ? "invalid_request_error" : "server_error";
  return Response.json({ error: { message, type, param: null, code } }, { status });
}

function notFound({ pathname }) {
  const message = `Could not route to ${pathname}, perhaps your object identifier is invalid?`;
  return envelope({ errors: [{ code: 7003, message }] }, 404);
}
