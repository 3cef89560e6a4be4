/** The local stand-in for Workers AI, as a Worker: `env.AI.run` over RPC, everything else over HTTP. */
import { WorkerEntrypoint } from "cloudflare:workers";

import { run } from "./binding.js";
import { serve } from "./http.js";

export default class StandIn extends WorkerEntrypoint {
  #settings() {
    return { delayMs: Number(this.env.DELAY_MS), token: this.env.API_TOKEN };
  }

  run(model, inputs, options) {
    return run(model, inputs, options, this.#settings());
  }

  fetch(request) {
    return serve(request, this.#settings());
  }
}
