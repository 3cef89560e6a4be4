// The Responses API of the official `openai` client for Node, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as
// JSON. The client checks no field, so each response and event is passed on whole.
import OpenAI from "openai";

const [baseURL, apiKey, prompt] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey });
const model = "gpt-6-astra";
const tools = [{ type: "image_generation", size: "1536x1024" }];
const user = (words) => ({ role: "user", content: [{ type: "input_text", text: `${prompt} ${words}` }] });

/** The text of a response, its pictures and what it cost. */
function understood({ output_text, ...response }) {
  const calls = response.output.filter(({ type }) => type === "image_generation_call");
  return { text: output_text, pictures: calls.map(({ result }) => result), tokens: response.usage.total_tokens, response };
}

async function collected(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function stream(words, offered) {
  const events = await collected(await client.responses.create({ model, input: [user(words)], stream: true, ...offered }));
  const pieces = events.filter(({ type }) => type === "response.output_text.delta").map(({ delta }) => delta);
  const { response } = events.at(-1);
  return { ...understood({ ...response, output_text: pieces.join("") }), pieces, events };
}

/** The client's own helper, which puts a response together from the events and adds fields of its own. */
async function helper(words) {
  const finished = await client.responses.stream({ model, input: `${prompt} ${words}`, tools }).finalResponse();
  const { response, ...turn } = understood(finished);
  return turn;
}

async function lateFailure() {
  const input = `${prompt} late [[delay 1500ms]] [[fault 3030]]`;
  const events = await collected(await client.responses.create({ model, input, stream: true }));
  return events.at(-1).response.error.message;
}

const create = (fields) => client.responses.create({ model, ...fields });
const plain = await create({ input: `${prompt} plain` });
const first = await create({ input: [user("first")], tools });
const second = await create({ input: [user("first"), ...first.output, user("second")], tools });
const secondById = await create({ input: `${prompt} second by id`, previous_response_id: first.id });
const turns = {
  plain: understood(plain),
  "plain stream": await stream("plain stream"),
  stream: await stream("stream", { tools }),
  helper: await helper("helper"),
  first: understood(first),
  second: understood(second),
  "second by id": understood(secondById),
};
process.stdout.write(JSON.stringify({ turns, "late failure": await lateFailure() }));
