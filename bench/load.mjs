/**
 * The load: reads one job a line, sends its requests over connections that stay open, and writes one line of results.
 *
 * A job: `{socket, method, path, headers, body, connections, requests, declared}`. `declared` is the length of a body
 * that is announced and never sent: what a server says to the announcement alone.
 */
import http from "node:http";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}

async function run(job) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: job.connections });
  const latencies = [];
  const statuses = {};
  let left = job.requests;
  let last = "";
  let timing = "";
  const began = performance.now();
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      while (left-- > 0) {
        const sent = performance.now();
        const [status, text, told] = await request(job, agent);
        latencies.push(performance.now() - sent);
        statuses[status] = (statuses[status] ?? 0) + 1;
        last = text;
        timing = told;
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  return { seconds, statuses, last, timing, latencies };
}

function request({ socket, method, path, headers, body, declared }, agent) {
  return new Promise((resolve, reject) => {
    const all = declared ? { ...headers, "content-length": declared } : headers;
    const sent = http.request({ socketPath: socket, agent: declared ? false : agent, method, path, headers: all });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = (response.headers["content-type"] ?? "").startsWith("image/") ? "" : Buffer.concat(chunks);
        resolve([response.statusCode, text.toString(), response.headers["server-timing"] ?? ""]);
        if (declared) sent.destroy();
      });
    });
    if (declared) sent.flushHeaders();
    else sent.end(body);
  });
}
