/** The API key: asked for once, kept in this module alone, stored only where the person says so. */
import { call } from "./api.js";
import { at, hush } from "./dom.js";
import { stored } from "./storage.js";
import { tell } from "./words.js";

const STORED = "api-key";
const dialog = at("key-dialog");
const field = at("key");
const remember = at("remember");

export let key = "";
let answered = () => {};
let onConnect = () => {};
let onForget = () => {};

const storedKey = () => stored((storage) => storage.getItem(STORED)) ?? "";

/** @param {(models: object[], preferred: object) => void} connected @param {() => void} forgotten */
export async function start(connected, forgotten) {
  onConnect = connected;
  onForget = forgotten;
  for (const id of ["key-button", "need-key"]) at(id).addEventListener("click", () => ask());
  at("key-cancel").addEventListener("click", () => dialog.close());
  at("key-forget").addEventListener("click", forget);
  at("key-form").addEventListener("submit", submit);
  remember.addEventListener("change", showState);
  dialog.addEventListener("close", () => answered());
  const kept = storedKey();
  at("need-key").hidden = Boolean(kept);
  if (!kept) return;
  remember.checked = true;
  await connect(kept).catch((error) => {
    field.value = kept;
    ask(error);
  });
}

/** Opens the dialog, with what is wrong with the key so far; resolves when it is closed. */
export function ask(problem) {
  hush(at("key-problem"));
  if (problem) tell(at("key-problem"), ...problem.say);
  if (problem?.code === "invalid_api_key") at("key-button").dataset.state = "unreachable";
  showState();
  dialog.showModal();
  return new Promise((resolve) => {
    answered = resolve;
  });
}

function showState() {
  at("key-state").hidden = !storedKey();
  at("key-forget").hidden = !key && !storedKey();
  at("key-tab").hidden = remember.checked;
  at("key-warning").hidden = !remember.checked;
}

/** Tries a key. Throws Refused where it opens nothing. */
async function connect(candidate) {
  const models = await (await call("/v1/models", { key: candidate })).json();
  const preferred = await (await call("/v1/models/default", { key: candidate })).json();
  key = candidate;
  at("key-button").dataset.state = "ok";
  at("need-key").hidden = true;
  onConnect(models.data, preferred);
}

async function submit(event) {
  event.preventDefault();
  hush(at("key-problem"));
  field.removeAttribute("aria-invalid");
  try {
    await connect(field.value.trim());
    stored((storage) => (remember.checked ? storage.setItem(STORED, key) : storage.removeItem(STORED)));
    field.value = "";
    dialog.close();
  } catch (error) {
    tell(at("key-problem"), ...error.say);
    field.setAttribute("aria-invalid", "true");
    field.select();
  }
}

function forget() {
  key = field.value = "";
  remember.checked = false;
  stored((storage) => storage.removeItem(STORED));
  delete at("key-button").dataset.state;
  at("need-key").hidden = false;
  dialog.close();
  onForget();
}
