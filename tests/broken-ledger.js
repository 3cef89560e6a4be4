/** A broken ledger: it fails some questions and never answers others. */
import { DurableObject } from "cloudflare:workers";

export class Ledger extends DurableObject {
  async ask(question) {
    if (JSON.parse(question).ask === "reserve") throw new Error("out of order");
    await new Promise(() => {});
  }
}

export default {};
