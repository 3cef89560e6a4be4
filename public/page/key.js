/** The API key: asked for once, kept in this module alone, stored only where the person says so. */
import { call } from "./api.js";
import { at } from "./dom.js";
import { stored } from "./storage.js";

const STORED = "api-key";
const dialog = at("key-dialog");
const field = at("key");
const remember = at("remember");

export let key = "";
let answered = () => {};
let onConnect = () => {};

/** @param {(models: object[], preferred: object) => void} connected told what the service can draw with */
export async function start(connected) {
  onConnect = connected;
  at("key-button").addEventListener("click", () => ask());
  at("key-cancel").addEventListener("click", () => dialog.close());
  at("key-forget").addEventListener("click", forget);
  at("key-form").addEventListener("submit", submit);
  dialog.addEventListener("close", () => answered());
  const kept = stored((storage) => storage.getItem(STORED));
  if (!kept) return;
  remember.checked = true;
  await connect(kept).catch((error) => {
    field.value = kept;
    ask(error.message);
  });
}

/** Opens the dialog, with what is wrong with the key so far; resolves when it is closed. */
export function ask(problem = "") {
  at("key-problem").textContent = problem;
  at("key-forget").hidden = !key && !remember.checked;
  dialog.showModal();
  return new Promise((resolve) => {
    answered = resolve;
  });
}

/** Tries a key. Throws Refused where it opens nothing. */
async function connect(candidate) {
  const models = await (await call("/v1/models", { key: candidate })).json();
  const preferred = await (await call("/v1/models/default", { key: candidate })).json();
  key = candidate;
  at("key-button").dataset.state = "ok";
  onConnect(models.data, preferred);
}

async function submit(event) {
  event.preventDefault();
  at("key-problem").textContent = "";
  field.removeAttribute("aria-invalid");
  try {
    await connect(field.value.trim());
    stored((storage) => (remember.checked ? storage.setItem(STORED, key) : storage.removeItem(STORED)));
    field.value = "";
    dialog.close();
  } catch (error) {
    at("key-problem").textContent = error.message;
    field.setAttribute("aria-invalid", "true");
    field.select();
  }
}

function forget() {
  key = field.value = "";
  remember.checked = false;
  stored((storage) => storage.removeItem(STORED));
  delete at("key-button").dataset.state;
  dialog.close();
}
