/** Ready lines for people's own tools. They draw what the form says. */
import { body, own } from "./api.js";
import { at, choice } from "./dom.js";

const BASE = `${location.origin}/v1`;
const KEY = "YOUR_API_KEY"; // never the real one: snippets are pasted into chats and screenshots
const FILE = "picture.jpg"; // for each picture that was added

const SNIPPETS = {
  curl: (wish) => `curl ${BASE}/chat/completions \\
  -H "Authorization: Bearer ${KEY}" \\
  -H "Content-Type: application/json" \\
  -d '${JSON.stringify(body(wish, wish.pictures.map(() => "data:image/jpeg;base64,YOUR_PICTURE"))).replaceAll("'", "'\\''")}'`,

  Python: (wish) => `from openai import OpenAI

client = OpenAI(base_url="${BASE}", api_key="${KEY}")
images = client.images.${wish.pictures.length ? "edit" : "generate"}(
${pictures(wish, "    image=[", `open("${FILE}", "rb")`)}${fields(standard(wish), "    ", "=")}    extra_body={
${fields(extra(wish), '        "', '": ').replace(": true", ": True").replace(": false", ": False")}    },
)
print(*(image.url for image in images.data))`,

  JavaScript: (wish) => `import OpenAI from "openai";
${wish.pictures.length ? 'import { createReadStream } from "node:fs";\n' : ""}
const client = new OpenAI({ baseURL: "${BASE}", apiKey: "${KEY}" });
const images = await client.images.${wish.pictures.length ? "edit" : "generate"}({
${pictures(wish, "  image: [", `createReadStream("${FILE}")`)}${fields({ ...standard(wish), ...extra(wish) }, "  ", ": ")}});
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
const standard = ({ prompt, model, ratio, width, height, n }) => ({
  ...(model && { model }),
  prompt,
  size: width ? `${width}x${height}` : ratio,
  n,
});

/** Fields that this service adds. */
const extra = (wish) => ({ ...own(wish), optimize: wish.optimize });

const pictures = (wish, before, one) => (wish.pictures.length ? `${before}${wish.pictures.map(() => one).join(", ")}],\n` : "");

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
