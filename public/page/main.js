/** The playground: the form wishes, the service draws, the stage shows. */
import { Refused, call, draw, fetchPicture } from "./api.js";
import * as cost from "./cost.js";
import { announce, at, copy, make } from "./dom.js";
import * as form from "./form.js";
import { ask, key, start as startKey } from "./key.js";
import * as snippets from "./snippets.js";
import * as stage from "./stage.js";
import { say, start as startWords, tell } from "./words.js";

/** @type {AbortController | undefined} of the drawing under way */
let drawing;

form.start(changed);
stage.start((wish) => {
  form.write(wish);
  changed();
  at("draw").focus({ preventScroll: true }); // the button that was pressed goes away
  drawFrom(wish);
});
snippets.start(form.read);
at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!drawing) drawFrom(form.read());
  // Enter in a field wishes for a picture, never for the end of one.
  else if (!document.activeElement.matches("input, textarea")) drawing.abort();
});
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(at(button.dataset.copy).textContent, button));
}
addEventListener("click", ({ target }) => {
  if (!at("health").contains(target)) at("health").open = false;
});
addEventListener("online", checkHealth);
await startWords(() => {
  stage.refresh();
  changed();
});
checkHealth();
startKey((models, preferred) => {
  form.setModels(models, preferred);
  changed();
  cost.showToday(key);
});

function changed() {
  const wish = form.read();
  stage.preview(wish.ratio);
  snippets.show(wish);
  if (key) cost.show(form.cost(wish), form.money(wish));
}

async function drawFrom(wish) {
  if ((at("problem").textContent = form.problem())) return;
  if (!key) {
    await ask();
    if (!key) return;
    wish = form.read(); // only now it is known what there is to choose from
  }
  wish = form.seeded(wish);
  drawing = new AbortController();
  tell(at("draw-label"), "stop");
  const before = stage.begin(wish);
  try {
    await follow(wish, drawing.signal);
    announce(say("ready"));
  } catch (error) {
    explain(error);
  } finally {
    drawing = undefined;
    tell(at("draw-label"), "draw");
    cost.showToday(key);
    stage.end(before);
    changed();
  }
}

/** One drawing, from its first line to its last picture. */
async function follow(wish, signal) {
  const lines = [];
  const urls = [];
  for await (const { url, ...line } of draw(wish, key, signal)) {
    if (url) urls.push(url);
    // Where nothing is improved, the lines on it only repeat the prompt.
    else if (wish.optimize || !["writer", "written"].includes(line.name)) {
      lines.push(line);
      stage.addLine(line);
      announce(line.text);
    }
  }
  const found = await Promise.all(urls.map(fetchPicture));
  let picture;
  for (let index = urls.length - 1; index >= 0; index -= 1) {
    // The service counts the seeds of several pictures up from the one it is given.
    const seed = wish.seed === null ? null : (wish.seed + index) % 2 ** 32;
    picture = await stage.add({ ...wish, seed, n: 1 }, lines, urls[index], found[index]);
  }
  stage.show(picture);
}

function explain(error) {
  if (error.name === "AbortError") return; // by the person, who knows
  if (!(error instanceof Refused)) {
    at("problem").textContent = say("odd", error.name);
    throw error;
  }
  at("problem").textContent = form.blame(error.param, error.message);
  if (error.code === "invalid_api_key") ask(error.message);
  if (error.code === "lost") checkHealth();
}

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
    ...Object.entries(checks).map(([name, found]) =>
      make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: found, className: found })),
    ),
  );
}
