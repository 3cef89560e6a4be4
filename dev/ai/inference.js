/**
 * One inference, for all transports: find the model, check the inputs against its schema, follow the marks in the
 * prompt, wait, answer.
 */
import { answer, typeOf } from "./answers.js";
import { Breakdown, Fault } from "./faults.js";
import { ledger } from "./ledger.js";
import { readMarks } from "./marks.js";
import { check, findModel } from "./models.js";
import { picture } from "./picture.js";
import { answered, failed, picturesOf, sizeOf } from "./partners.js";
import { identify, picturesIn } from "./pictures-in.js";
import { draft, lastUserText, textAnswer } from "./writer.js";

const HANG_MS = 600_000; // longer than any caller waits; then error 3007
const COUNTED = 20_000; // prompts whose failures are counted, for "x2"
const NUMBER = /^-?\d+(\.\d+)?$/;
const LONG = 2_000; // characters: a longer input that is not the prompt is a picture
const IMAGE_INPUTS = ["image", "image_b64", "mask"];

/** How often each prompt has failed on request. */
const failures = new Map();

/**
 * @param {object} asked
 * @param {"rpc" | "rest" | "gateway"} asked.transport
 * @param {string} asked.model
 * @param {unknown} [asked.inputs] for a model that takes JSON
 * @param {() => Promise<FormData>} [asked.form] for a model that takes a form
 * @param {object} [asked.options] recorded in the ledger
 * @param {AbortSignal} [asked.signal]
 * @param {{delayMs: number}} settings
 * @returns {Promise<{value: unknown} | {body: Uint8Array | ReadableStream | null, type: string}>}
 * @throws {Fault | Breakdown}
 */
export async function infer(asked, settings) {
  const call = ledger.open(asked.transport, asked.model, asked.signal);
  try {
    const model = findModel(asked.model);
    const inputs = model.multipart ? await fieldsOf(asked) : asked.inputs;
    call.prompt = promptOf(inputs);
    call.inputs = withoutBytes(inputs);
    call.options = asked.options ?? {};
    check(model, inputs);
    if (model.partner && !asked.options?.gateway?.id) throw new Fault(2001);
    const perform = model.task === "text" ? write : draw;
    return await perform(model, inputs, call, settings);
  } catch (error) {
    call.finish(asked.signal?.aborted ? "aborted" : String(error.code ?? error));
    throw error;
  }
}

/** A form as the object that its schema describes. @throws {Fault} 5006 */
async function fieldsOf({ form }) {
  if (!form) throw new Fault(5006, "Error: required properties at '/' are 'multipart'");
  const data = await form().catch((error) => {
    throw new Fault(5006, `Error: the multipart body cannot be read: ${error.message}`);
  });
  const isPicture = ([name]) => name.startsWith("input_image_");
  const entries = [...data.entries()];
  const texts = entries.filter((entry) => !isPicture(entry));
  const pictures = await picturesIn(entries.filter(isPicture));
  return Object.fromEntries([
    ...texts.map(([name, value]) => [name, NUMBER.test(value) && name !== "prompt" ? Number(value) : value]),
    ...pictures.map((one) => [one.name, one]),
  ]);
}

async function draw(model, inputs, call, { delayMs }) {
  const prompt = promptOf(inputs);
  const marks = readMarks(prompt);
  const fault = faultDue(marks.fault, model, prompt);
  if (marks.hang && model.name.includes(marks.hang.model)) {
    await call.wait(HANG_MS);
    throw new Fault(3007);
  }
  await call.wait(marks.delay ?? (fault ? 0 : delayMs));
  if (fault) throw fault;
  if (isDue(marks.state, prompt)) {
    call.finish(marks.state.code);
    return { value: failed(model, marks.state.code) };
  }

  const own = model.partner ? sizeOf(inputs) : {};
  const { width, height } = marks.size ?? {
    width: own.width || inputs.width || model.width,
    height: own.height || inputs.height || model.height,
  };
  const facts = {
    call: call.number,
    model: model.name,
    prompt,
    seed: inputs.seed ?? null,
    steps: inputs.steps ?? inputs.num_steps ?? null,
    pictures_in: model.partner ? picturesOf(model, inputs).length : countPictures(inputs),
  };
  const drawn = await picture(typeOf(model, marks.answer), { width, height, size: marks.bytes }, facts);
  const given = answer(model, drawn, marks.answer);
  call.finish("ok", { type: drawn.type, width, height, bytes: drawn.bytes.length, kind: marks.answer ?? "picture" });
  return model.partner && !marks.answer ? { value: answered(model, drawn, marks) } : given;
}

async function write(model, inputs, call, { delayMs }) {
  if (inputs.stream) throw new Breakdown("workers-ai-stand-in does not stream text");
  const messages = inputs.messages ?? [{ role: "user", content: inputs.prompt }];
  const marks = readMarks(call.prompt);
  const written = draft(messages, marks.writer);
  await call.wait(written.delay ?? delayMs);
  if (written.failure && written.failure.status >= 400) throw written.failure;
  call.finish("ok", { kind: marks.writer ?? "text" });
  if (written.failure) return { body: new TextEncoder().encode(written.failure.body), type: written.failure.type };
  return { value: textAnswer(model, written, call.prompt) };
}

/** The failure that this prompt requests, or undefined if it has failed as often as requested. */
function faultDue(fault, model, prompt) {
  if (!fault || !model.name.includes(fault.model)) return undefined;
  if (!isDue(fault, prompt)) return undefined;
  return fault.text ? new Breakdown(fault.text) : new Fault(fault.code, fault.words);
}

/** Whether this prompt still has to fail. If so, the failure is counted. */
function isDue(wanted, prompt) {
  const before = failures.get(prompt) ?? 0;
  if (!wanted || before >= wanted.times) return false;
  failures.delete(prompt);
  failures.set(prompt, before + 1);
  if (failures.size > COUNTED) failures.delete(failures.keys().next().value);
  return true;
}

function promptOf(inputs) {
  const prompt = inputs?.prompt ?? inputs?.instruction; // Bria's name for the prompt
  if (typeof prompt === "string") return prompt;
  return Array.isArray(inputs?.messages) ? lastUserText(inputs.messages) : "";
}

/** @throws {Fault} 5004 */
function countPictures(inputs) {
  const form = Object.keys(inputs).filter((name) => name.startsWith("input_image_")).length;
  if (inputs.image_b64 === undefined) return form + (inputs.image === undefined ? 0 : 1);
  try {
    if (identify(Uint8Array.fromBase64(inputs.image_b64))) return 1;
  } catch {
    // not base64: refused in the same way
  }
  throw new Fault(5004);
}

/** The inputs for the ledger: without the prompt, which is recorded separately, and with lengths for pictures. */
function withoutBytes(inputs) {
  if (typeof inputs !== "object" || inputs === null) return inputs;
  const { prompt, ...rest } = inputs;
  for (const name of IMAGE_INPUTS) if (name in rest) rest[name] = `(${rest[name]?.length} long)`;
  return JSON.parse(JSON.stringify(rest, (_, value) => (value?.length > LONG ? `(${value.length} long)` : value)));
}
