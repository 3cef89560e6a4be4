/**
 * Records every call that reached the stand-in, so that tests can count them: `GET /calls`.
 *
 * The record is in the isolate's memory: workerd has one isolate for each Worker. (On Cloudflare there would be many,
 * and this would be a Durable Object.)
 */
const KEPT = 20_000; // calls
const SHOWN = 4_000; // characters of a prompt in the listing
const TICK = 250; // ms between two heartbeats of a waiting call
const DEAD_AFTER = 1_500; // ms without a heartbeat

/** One call. The ledger lists its public properties. */
class Call {
  #signal;

  constructor(number, transport, model, signal) {
    this.#signal = signal;
    this.number = number;
    this.transport = transport;
    this.model = model;
    this.prompt = "";
    this.inputs = null;
    this.options = null;
    this.outcome = "pending";
    this.answer = null;
    this.started = Date.now();
    this.finished = null;
    this.alive = this.started;
  }

  /**
   * Wait, and update the heartbeat: if the caller leaves, the runtime silently drops this call's timers.
   *
   * @throws {DOMException} AbortError, if the caller's signal is aborted
   */
  async wait(ms) {
    const until = Date.now() + ms;
    for (let left = ms; left > 0; left = until - Date.now()) {
      await new Promise((resume) => setTimeout(resume, Math.min(left, TICK)));
      this.alive = Date.now();
      this.#signal?.throwIfAborted();
    }
  }

  finish(outcome, answer = null) {
    this.outcome = outcome;
    this.answer = answer;
    this.finished = Date.now();
  }

  listed(now) {
    const { alive, ...entry } = this;
    if (this.outcome === "pending" && now - alive > DEAD_AFTER) {
      Object.assign(entry, { outcome: "aborted", finished: alive });
    }
    if (entry.prompt.length > SHOWN) entry.prompt = `${entry.prompt.slice(0, SHOWN)}...`;
    return entry;
  }
}

class Ledger {
  #calls = [];
  #opened = 0;
  #dropped = 0;

  /**
   * @param {"rpc" | "rest" | "gateway" | "openai"} transport
   * @param {string} model
   * @param {AbortSignal} [signal] the caller's
   */
  open(transport, model, signal) {
    const call = new Call(++this.#opened, transport, model, signal);
    this.#calls.push(call);
    if (this.#calls.length > KEPT * 1.1) {
      this.#dropped += this.#calls.length - KEPT;
      this.#calls = this.#calls.slice(-KEPT); // in batches, so that a long run does not copy at every call
    }
    return call;
  }

  /** The calls whose prompt and model contain the given texts, oldest first. */
  list({ prompt = "", model = "", limit = Infinity } = {}) {
    const now = Date.now();
    const matching = this.#calls
      .filter((call) => call.prompt.includes(prompt) && call.model.includes(model))
      .map((call) => call.listed(now));
    const outcomes = {};
    for (const { outcome } of matching) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const calls = limit < matching.length ? matching.slice(matching.length - limit) : matching;
    return { count: matching.length, outcomes, dropped: this.#dropped, calls };
  }

  clear() {
    const deleted = this.#calls.length;
    this.#calls = [];
    this.#dropped = 0;
    return { deleted };
  }
}

export const ledger = new Ledger();
