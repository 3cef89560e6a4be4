/**
 * Workers AI's errors: the codes as data, and the three formats in which callers see them.
 *
 * Codes, statuses and texts are from developers.cloudflare.com/workers-ai/platform/errors/. Rows marked "seen" are from
 * published answers of the live API: the page does not have the code, or words it differently.
 */
const DOCUMENTED = [
  [3003, 400, "Request is missing headers or body"],
  [3006, 413, "Request is too large"],
  [3007, 408, "Request timeout"],
  [3008, 408, "Request was aborted"],
  [3023, 403, "Service unavailable for account"],
  [
    3036,
    429,
    "You have used up your daily free allocation of 10,000 neurons. Please upgrade to Cloudflare's Workers Paid plan " +
      "if you would like to continue usage.",
  ],
  [3039, 400, "Finetune is missing required files (model.safetensors and config.json)"],
  [3040, 429, "Capacity temporarily exceeded, please try again."],
  [3041, 403, "The account is not allowed to access this model"],
  [3042, 404, "The model name is invalid"],
  [5004, 400, "Invalid data type for base64 input"],
  [5005, 405, "The model does not support LoRa inference"],
  [5007, 400, "No such model or task", "No such model"],
  [5016, 403, "User has not agreed to Llama3.2 model terms"],
  [5018, 403, "The account is not allowed to access this model"],
  [5019, 405, "Request trying to use deprecated SDK version"],
  [5035, 403, "This model is not available on the Workers Free plan. Upgrade to access this model"],
];
const SEEN = [
  [402, 402, "Payment error"], // from AI Gateway, like the next three
  [429, 429, "Too many requests"],
  [2001, 400, "Please configure AI Gateway in the Cloudflare dashboard"],
  [2009, 401, "Unauthorized"],
  [3005, 500, "Internal server error"],
  [3030, 400, "Input prompt contains NSFW content"],
  [
    4006, // documented as 3036, sent as 4006
    429,
    "you have used up your daily free allocation of 10,000 neurons, please upgrade to Cloudflare's Workers Paid plan " +
      "if you would like to continue usage.",
  ],
  [3010, 400, "Invalid or incomplete input for the model"],
  [3043, 500, "Internal server error"],
  [3046, 408, "Request timeout"],
  [5006, 400, "Error: required properties at '/' are 'prompt'", "Bad input"],
  [5012, 422, "Request body failed validation"],
  [5021, 400, "The estimated number of input and maximum output tokens exceeded this model context window limit"],
  [5028, 410, "This model was deprecated on 2026-05-30. Please use an alternative model."],
  [7000, 400, "No route for that URI"],
  [7003, 404, "Could not route to /client/v4/accounts/wrong/ai/run, perhaps your object identifier is invalid?"],
  [8001, 400, "Invalid input"],
  [8004, 500, "Internal server error"],
  [8007, 400, "Input prompt contains NSFW content."],
  [9109, 403, "Unauthorized to access requested resource"],
];

/** Code to `{code, status, description, title}`. */
export const FAULTS = new Map(
  [...DOCUMENTED, ...SEEN].map(([code, status, description, title = "AiError"]) => [
    code,
    { code, status, description, title },
  ]),
);

/** An error of the service. Its `code` is recorded in the ledger. */
export class Fault extends Error {
  /**
   * @param {number} code one of FAULTS
   * @param {string} [description] instead of the usual text
   */
  constructor(code, description = FAULTS.get(code).description) {
    super(`${code}: ${description}`);
    Object.assign(this, FAULTS.get(code), { description, requestId: crypto.randomUUID() });
  }

  /** The exception of `env.AI.run`: only the description, without REST's title before it and request id after it. */
  exception() {
    return named("AiError", this.message);
  }

  /** The response of the service behind the binding, which AI Gateway passes on unchanged. */
  response() {
    const { title, status, code, description, requestId } = this;
    const message = `AiError: ${title}: ${description} (${requestId})`;
    const body = { name: "AiError", internalCode: code, httpCode: status, message, description, requestId };
    return Response.json(body, { status });
  }

  /** The response in the REST API's envelope, with keys in the order of the live API. */
  restResponse() {
    const { title, status, code, description, requestId } = this;
    const errors = [{ message: `AiError: ${title}: ${description} (${requestId})`, code }];
    return Response.json({ errors, success: false, result: {}, messages: [] }, { status });
  }
}

/** A failure that is not one of the API's errors: a proxy's page, or text without a code. */
export class Breakdown extends Error {
  constructor(body, { status = 500, type = "text/plain" } = {}) {
    super(body);
    Object.assign(this, { code: "text", body, status, type });
  }

  exception() {
    return named("InferenceUpstreamError", this.body);
  }

  response() {
    return new Response(this.body, { status: this.status, headers: { "content-type": this.type } });
  }

  restResponse() {
    return this.response();
  }
}

function named(name, message) {
  const error = new Error(message);
  error.name = name;
  return error;
}
