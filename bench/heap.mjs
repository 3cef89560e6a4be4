/** What an isolate holds, in bytes, asked of workerd's inspector: node heap.mjs ADDRESS. Garbage is collected first. */
const [{ webSocketDebuggerUrl }] = await (await fetch(`http://${process.argv[2]}/json`)).json();
const inspector = new WebSocket(webSocketDebuggerUrl);
await new Promise((resolve, reject) => Object.assign(inspector, { onopen: resolve, onerror: reject }));

async function ask(method) {
  const answer = new Promise((resolve) => (inspector.onmessage = ({ data }) => resolve(JSON.parse(data))));
  inspector.send(JSON.stringify({ id: 1, method }));
  return (await answer).result;
}

await ask("HeapProfiler.collectGarbage");
console.log(JSON.stringify(await ask("Runtime.getHeapUsage")));
inspector.close();
