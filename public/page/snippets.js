/** Ready lines for people's own tools. They draw what the form says. */
import { body } from "./api.js";
import { at, choice } from "./dom.js";

const BASE = `${location.origin}/v1`;
const KEY = "YOUR_API_KEY"; // never the real one: snippets are pasted into chats and screenshots

const SNIPPETS = {
  curl: (wish) => `curl ${BASE}/chat/completions \\
  -H "Authorization: Bearer ${KEY}" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify(body(wish)).replaceAll("'", "'\\''")}'`,

  Python: (wish) => `from openai import OpenAI

client = OpenAI(base_url="${BASE}", api_key="${KEY}")
images = client.images.generate(
${fields(standard(wish), "    ", "=")}    extra_body={
${fields(own(wish), '        "', '": ').replace(": true", ": True").replace(": false", ": False")}    },
)
print(*(image.url for image in images.data))`,

  JavaScript: (wish) => `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${BASE}", apiKey: "${KEY}" });
const images = await client.images.generate({
${fields({ ...standard(wish), ...own(wish) }, "  ", ": ")}});
for (const { url } of images.data) console.log(url);`,
};

const MCP = `${location.origin}/mcp`;
/** How each host takes the service as a tool, with a key. */
const HOSTS = {
  "Claude Code": `claude mcp add --transport http flux ${MCP} --header "Authorization: Bearer ${KEY}"`,
  Codex: `# ~/.codex/config.toml
[mcp_servers.flux]
url = "${MCP}"
http_headers = { Authorization = "Bearer ${KEY}" }
tool_timeout_sec = 120`,
  "VS Code": `{ "servers": { "flux": { "type": "http", "url": "${MCP}",
  "headers": { "Authorization": "Bearer ${KEY}" } } } }`,
  LibreChat: `mcpServers:
  flux:
    type: streamable-http
    url: ${MCP}
    headers: { Authorization: "Bearer ${KEY}" }`,
};

/** Fields of OpenAI's Images API. */
const standard = ({ prompt, model, ratio, n }) => ({ ...(model && { model }), prompt, size: ratio, n });

/** Fields that this service adds. */
const own = ({ steps, seed, optimize }) => ({ ...(steps && { steps }), ...(seed !== null && { seed }), optimize });

const fields = (values, before, between) =>
  Object.entries(values)
    .map(([name, value]) => `${before}${name}${between}${JSON.stringify(value)},\n`)
    .join("");

/** @param {() => object} wish what is to be drawn */
export function start(wish) {
  at("base-url").textContent = BASE;
  at("kinds").append(...Object.keys(SNIPPETS).map((kind, index) => choice("kind", kind, index)));
  at("kinds").addEventListener("change", () => show(wish()));
  at("hosts").append(...Object.keys(HOSTS).map((host, index) => choice("host", host, index)));
  at("hosts").addEventListener("change", showHost);
  showHost();
}

const showHost = () => (at("host").textContent = HOSTS[at("hosts").querySelector(":checked").value]);

export function show(wish) {
  const kind = at("kinds").querySelector(":checked").value;
  at("snippet").textContent = SNIPPETS[kind]({ ...wish, prompt: wish.prompt || at("prompt").placeholder });
}
