/**
 * Stops `make` if Node is too old for wrangler, before wrangler does. The npm packages `node-*` contain a Node that is
 * new enough, but not for every platform: this version has none for Apple silicon and Windows.
 */
import { readFileSync } from "node:fs";

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const range = JSON.parse(read("package-lock.json")).packages["node_modules/wrangler"].engines.node;
const needed = range.replace(">=", "");
const parts = (version) => version.replace("v", "").split(".").map(Number);

function older(one, other) {
  const place = one.findIndex((part, index) => part !== other[index]);
  return place >= 0 && one[place] < other[place];
}

if (older(parts(process.version), parts(needed))) {
  console.error(
    `wrangler needs Node ${needed} or newer, and this is ${process.version}. npm installed no newer one for ` +
      `${process.platform}-${process.arch}: install Node ${read(".node-version").trim()} (nodejs.org, Homebrew, nvm), then repeat.`,
  );
  process.exit(1);
}
