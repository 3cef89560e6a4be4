/** The same service in typical JavaScript: `atob` in a loop, and pictures as whole buffers. */
const MODEL = "@cf/black-forest-labs/flux-1-schnell";
const TTL = 1800;

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname.startsWith("/image/")) return show(url.pathname.slice("/image/".length), env);
    if (request.headers.get("authorization") !== `Bearer ${env.API_KEY}`) {
      return Response.json({ error: { message: "Invalid API key" } }, { status: 401 });
    }
    const { messages, stream } = await request.json();
    const prompt = messages.findLast((message) => message.role === "user").content;
    if (stream) return streamed(prompt, env, ctx, url.origin);
    const content = await draw(prompt, env, url.origin);
    return Response.json({
      id: `chatcmpl-${crypto.randomUUID()}`,
      object: "chat.completion",
      created: Math.floor(Date.now() / 1000),
      model: MODEL,
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
      usage: { prompt_tokens: prompt.length, completion_tokens: content.length, total_tokens: 0 },
    });
  },
};

async function draw(prompt, env, origin) {
  const answer = await env.AI.run(MODEL, { prompt, steps: 4 });
  const bytes = decode(answer.image);
  const key = `${crypto.randomUUID()}.jpg`;
  await env.FLUX_CF_KV.put(key, bytes.buffer, { expirationTtl: TTL, metadata: { contentType: "image/jpeg" } });
  return `Prompt: ${prompt}\n\n![image](${origin}/image/${key})`;
}

function decode(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function show(key, env) {
  const picture = await env.FLUX_CF_KV.get(key, "arrayBuffer");
  if (!picture) return new Response("Not found", { status: 404 });
  const headers = { "content-type": "image/jpeg", "cache-control": `public, max-age=${TTL}` };
  return new Response(picture, { headers });
}

function streamed(prompt, env, ctx, origin) {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  const head = {
    id: `chatcmpl-${crypto.randomUUID()}`,
    object: "chat.completion.chunk",
    created: Math.floor(Date.now() / 1000),
    model: MODEL,
  };
  const send = (delta, finish_reason = null) => {
    const data = JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason }] });
    return writer.write(encoder.encode(`data: ${data}\n\n`));
  };
  ctx.waitUntil(
    (async () => {
      await send({ role: "assistant", content: "Drawing ...\n" });
      await send({ content: await draw(prompt, env, origin) });
      await send({}, "stop");
      await writer.write(encoder.encode("data: [DONE]\n\n"));
      await writer.close();
    })(),
  );
  return new Response(readable, { headers: { "content-type": "text/event-stream" } });
}
