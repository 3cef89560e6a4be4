/** The playground: the form wishes, the service draws, the stage shows, the gallery keeps. */
import { Refused, call, draw, fetchPicture } from "./api.js";
import * as cost from "./cost.js";
import { announce, ask as askFirst, at, copy, hush, make } from "./dom.js";
import * as form from "./form.js";
import * as gallery from "./gallery.js";
import { ask, key, start as startKey } from "./key.js";
import * as snippets from "./snippets.js";
import * as sources from "./sources.js";
import * as stage from "./stage.js";
import { stored } from "./storage.js";
import { say, span, start as startWords, tell } from "./words.js";

const THEMES = { "": "◐", light: "☀", dark: "☾" }; // "": the system's
const CHECKS = {
  api_key: "key",
  settings: "checkSettings",
  model: "model",
  writer: "checkWriter",
  storage: "checkStorage",
  images: "checkImages",
  rate_limiter: "checkLimiter",
  ledger: "checkLedger",
};

/** @type {AbortController | undefined} of the drawing under way */
let drawing;
let countdown = 0;
let again = () => {};

form.start(changed);
stage.start({
  reuse: ({ wish }) => form.write(wish),
  edit: async ({ blob }) => {
    await sources.add([blob]);
    at("prompt").focus();
  },
  // With a seed of its own, and without touching what is being typed.
  variation: ({ wish }) => drawAll([form.fit({ ...wish, seed: null })]),
});
snippets.start(form.read);
at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!drawing) drawFrom();
  // Enter in a field wishes for a picture, never for the end of one.
  else if (!document.activeElement.matches("input, textarea")) drawing.abort();
});
at("retry").addEventListener("click", () => again());
at("settings-link").addEventListener("click", ({ target }) => copy(`${location.origin}/#${form.fragment()}`, target));
at("theme").addEventListener("click", () => {
  const names = Object.keys(THEMES);
  const { dataset } = document.documentElement;
  dataset.theme = names[(names.indexOf(dataset.theme ?? "") + 1) % names.length];
  if (!dataset.theme) delete dataset.theme;
  stored((storage) => (dataset.theme ? storage.setItem("theme", dataset.theme) : storage.removeItem("theme")));
  showTheme();
});
at("shortcuts-button").addEventListener("click", () => at("shortcuts").showModal());
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(at(button.dataset.copy).textContent, button));
}
addEventListener("click", ({ target }) => {
  if (!at("health").contains(target)) at("health").open = false;
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drawing && !document.querySelector("dialog[open]")) drawing.abort();
  if (event.key === "/" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) at("shortcuts").showModal();
  }
});
addEventListener("online", checkHealth);
addEventListener("hashchange", readLink);
document.addEventListener("visibilitychange", () => {
  document.title = document.title.replace(/^✓ /, "");
});
showTheme();
await startWords(() => {
  stage.refresh();
  changed();
});
form.restore();
readLink();
checkHealth();
gallery.start((picture) => stage.show(picture, view));
startKey(
  (models, preferred) => {
    form.setModels(models, preferred);
    changed();
    cost.showToday(key);
  },
  async () => {
    changed();
    cost.showToday(key);
    if (gallery.all().length && (await askFirst("askAll", gallery.all().length))) {
      await gallery.clear();
      stage.clear();
      changed();
    }
  },
);

for (const element of document.querySelectorAll("[data-wait]")) element.disabled = false;

function changed() {
  const wish = form.read();
  stage.preview(wish);
  snippets.show(wish);
  if (key) cost.show(form.costs());
  else hush(at("cost"));
}

function readLink() {
  if (form.readFragment()) tell(at("source-note"), "fromLink");
}

function showTheme() {
  at("theme-icon").textContent = THEMES[document.documentElement.dataset.theme ?? ""];
}

async function view(picture) {
  (await import("./viewer.js")).open(picture, (moved) => stage.show(moved, view));
}

// --- drawing ---

async function drawFrom() {
  calm();
  const problem = form.problem();
  if (problem) {
    tell(at("problem"), ...problem.say);
    form.blame(problem.param);
    return;
  }
  if (!key) {
    await ask();
    if (!key) return;
  }
  await drawAll(form.wishes()); // only now it is known what there is to choose from
}

/** Draws wishes side by side. Pictures that arrive stay, whatever happens to the others. */
async function drawAll(wishes) {
  if (drawing) return;
  calm();
  hush(at("source-note"));
  drawing = new AbortController();
  const { signal } = drawing;
  tell(at("draw-label"), "stop");
  const jobs = stage.begin(wishes);
  const failed = [];
  const follow = async (wish, index) => {
    try {
      const left = await drawOne(wish, jobs[index], signal);
      if (left) failed.push({ ...left, job: jobs[index] });
    } catch (error) {
      if (error.name === "AbortError") return; // by the person, who knows
      failed.push({ error, wish, job: jobs[index] });
      if (!(error instanceof Refused)) console.error(error);
    }
  };
  await Promise.all(wishes.map(follow));
  drawing = undefined;
  tell(at("draw-label"), "draw");
  cost.showToday(key);
  explain(failed);
  stage.end();
  changed();
  if (failed.length || signal.aborted) return;
  announce(say("ready"));
  if (document.hidden) document.title = `✓ ${document.title}`;
}

/** One request. @returns {{error, wish} | undefined} why pictures are missing */
async function drawOne(wish, job, signal) {
  let planned = { n: wish.n, prompt: wish.prompt, model: wish.model };
  let left;
  const arriving = [];
  const missing = new Set();
  for await (const event of draw(wish, key, signal)) {
    if (event.type === "plan") {
      planned = { ...event, time: Date.now() };
      stage.plan(job, planned);
      for (let index = 0; index < planned.n; index += 1) missing.add(index);
    } else if (event.type === "prompt") {
      if (!arriving.length) stage.foretell("prompt", planned.prompt);
      if (event.writer) stage.foretell("written", event.prompt);
    } else if (event.type === "picture") {
      missing.delete(event.index);
      arriving.push(keep(wish, job, planned, event));
    } else if (event.type === "failure") {
      const [first] = missing;
      const seed = wish.seed === null ? null : (wish.seed + first) % 2 ** 32;
      left ??= { error: event.error, wish: { ...wish, seed, n: missing.size } };
    }
  }
  await Promise.all(arriving);
  return left;
}

/** Reads, keeps and shows a picture that has come. Stop is too late for it. */
async function keep(wish, job, planned, told) {
  const blob = await fetchPicture(told.url);
  const words = planned.prompt.match(/[\p{L}\p{N}]+/gu) ?? ["picture"];
  const stored = !told.url.startsWith("data:");
  const picture = {
    id: crypto.randomUUID?.() ?? String(Math.random()),
    time: planned.time - told.index, // the first of several stands first
    blob,
    wish: settings(wish, planned, told),
    told: { ...told, url: "", asked: planned.model },
    url: stored ? told.url : "",
    expires: stored ? told.expires_at * 1000 : 0,
    file: `${words.join("-").slice(0, 60)}.${blob.type.slice(6).replace("jpeg", "jpg")}`,
    favourite: false,
  };
  await stage.place(job, told.index, picture, view);
  await gallery.add(picture);
  stage.describe();
}

/** What draws this very picture again, directives in the prompt included. */
function settings(wish, planned, told) {
  const [width, height] = told.size.split("x").map(Number);
  const [across, down] = wish.ratio.split(":").map(Number);
  const asked = wish.width ? wish.width === width && wish.height === height : width * down === height * across;
  return {
    ...wish,
    ...(!asked && { width, height }),
    prompt: planned.prompt,
    model: told.model,
    seed: told.seed,
    steps: wish.steps || /--steps\b/.test(wish.prompt) ? told.steps ?? 0 : 0,
    optimize: planned.optimize,
    n: 1,
  };
}

// --- what goes wrong ---

function calm() {
  clearInterval(countdown);
  hush(at("problem"));
  at("retry").hidden = true;
}

/** Says why pictures are missing, and offers another try where that may help. */
function explain(failed) {
  if (!failed.length) return;
  again = () => drawAll(failed.map(({ wish }) => wish));
  for (const { error, job } of failed) stage.fail(job, error.say ?? ["odd", error.name], () => again());
  const [{ error }] = failed;
  tell(at("problem"), ...(error.say ?? ["odd", error.name]));
  if (error.param) form.blame(error.param);
  if (error.code === "invalid_api_key") ask(error);
  if (error.code === "lost") checkHealth();
  const waits = failed.map((one) => one.error.seconds);
  if (waits.every((seconds) => seconds !== undefined)) wait(Math.max(...waits));
}

/** Offers another try, after so many seconds. */
function wait(seconds) {
  const end = Date.now() + seconds * 1000;
  const buttons = [at("retry"), ...document.querySelectorAll(".retry")];
  const show = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left <= 0) clearInterval(countdown);
    for (const button of buttons) {
      button.hidden = false;
      button.disabled = left > 0;
      tell(button, "tryAgain").append(left > 0 ? ` (${span(left)})` : "");
    }
  };
  countdown = setInterval(show, 1000);
  show();
}

// --- health ---

async function checkHealth() {
  let state = "unreachable";
  let version = "";
  let checks = {};
  try {
    ({ status: state, version, checks } = await (await call("/health")).json());
  } catch {
    // Said by the state: there is nobody to ask for more.
  }
  at("health").dataset.state = state;
  at("health").open = state === "degraded";
  tell(at("state"), state === "ok" ? "running" : state, version);
  at("checks").replaceChildren(
    ...Object.entries(checks).map(([name, found]) => {
      const term = CHECKS[name] ? tell(make("dt"), CHECKS[name]) : make("dt", { textContent: name });
      const value = make("dd", { className: found, textContent: found === "ok" ? "✓" : found });
      return make("div", {}, term, found === "missing" ? tell(value, "missing") : value);
    }),
  );
}
