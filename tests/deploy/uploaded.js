/**
 * Starts a Worker that was uploaded to the stand-in for Cloudflare's API, in real workerd, with the module types, the
 * bindings, date and flags in its metadata. Two things differ from Cloudflare: `AI` is the stand-in for Workers AI, and
 * Pyodide is from the development bundle (dev/pyodide_bundle.py).
 *
 *     node tests/deploy/uploaded.js FOLDER     prints its URL, and ends when standard input ends
 *
 * In FOLDER: version.json ({metadata, bindings, modules: [{name, type}]}), modules/ and assets/.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";

import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";

const STAND_IN = "workers-ai-stand-in";

const MODULE_TYPES = {
  "application/javascript+module": "ESModule",
  "application/octet-stream": "Data",
  "text/plain": "Text",
  "text/x-python": "PythonModule",
};

/** Miniflare's options for each kind of binding. An unknown kind fails the test. */
const BINDINGS = {
  ai: ({ name }) => ({ serviceBindings: { [name]: STAND_IN } }),
  durable_object_namespace: ({ name, class_name }) => ({
    durableObjects: { [name]: { className: class_name, useSQLite: true } },
  }),
  images: ({ name }) => ({ images: { binding: name } }),
  kv_namespace: ({ name, namespace_id }) => ({ kvNamespaces: { [name]: namespace_id } }),
  ratelimit: ({ name, namespace_id, simple }) => ({ ratelimits: { [name]: { namespace_id, simple } } }),
  secret_text: ({ name, text }) => ({ bindings: { [name]: text } }),
};

/** Other fields of the metadata, and why the runtime does not need them. */
const ELSEWHERE = {
  cache_options: "in front of the Worker",
  code_update_strategy: "for Durable Objects",
  keep_bindings: "done when it was uploaded",
  migrations: "done when it was uploaded",
  observability: "a setting of the log",
  package_dependencies: "a statistic of Cloudflare's",
};

const folder = path.resolve(process.argv[2]);
const { metadata, bindings, modules } = JSON.parse(await readFile(path.join(folder, "version.json")));
const { main_module, bindings: _, compatibility_date, compatibility_flags, assets, ...rest } = metadata;
const unknown = Object.keys(rest).filter((key) => !(key in ELSEWHERE));
if (unknown.length > 0) throw new Error(`the metadata has what this does not know: ${unknown}`);

const root = path.join(folder, "modules");
const module = async ({ name, type }) => {
  if (!(type in MODULE_TYPES)) throw new Error(`${name} is of the type ${type}`);
  const file = path.join(root, name);
  return { type: MODULE_TYPES[type], path: file, contents: await readFile(file) };
};
const first = (one) => (one.name === main_module ? -1 : 0);

const { outputFiles } = await build({
  entryPoints: [path.resolve(import.meta.dirname, "../../dev/ai/entry.js")],
  bundle: true,
  format: "esm",
  external: ["cloudflare:*"],
  write: false,
});

const { _headers, _redirects, ...assetConfig } = assets.config;
const options = {
  host: "127.0.0.1",
  port: 0,
  cf: false,
  workers: [
    {
      name: "uploaded",
      modulesRoot: root,
      modules: await Promise.all(modules.toSorted((a, b) => first(a) - first(b)).map(module)),
      compatibilityDate: compatibility_date,
      compatibilityFlags: [...compatibility_flags, "python_workers_development", "experimental"],
      assets: { directory: path.join(folder, "assets"), routerConfig: { has_user_worker: true }, assetConfig },
      ...bindings.map((one) => BINDINGS[one.type](one)).reduce(merged, {}),
    },
    {
      name: STAND_IN,
      modules: [{ type: "ESModule", path: "stand-in.js", contents: outputFiles[0].text }],
      compatibilityDate: compatibility_date,
      bindings: { DELAY_MS: "0", API_TOKEN: "local-token" },
    },
  ],
};
// The options are those of Miniflare 4; wrangler converts its options in the same way.
const miniflare = new Miniflare(convertV4MiniflareOptions(options));

function merged(all, some) {
  const [[key, value]] = Object.entries(some);
  return { ...all, [key]: { ...all[key], ...value } };
}

console.log(String(await miniflare.ready).replace(/\/$/, ""));
process.stdin.resume().on("end", () => miniflare.dispose().then(() => process.exit()));
