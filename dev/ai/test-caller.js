/** A Worker for worker.test.js: it calls env.AI.run with the request's arguments, and answers with the outcome. */
export default {
  async fetch(request, { AI }) {
    const { model, inputs, fields, picture, options } = await request.json();
    try {
      const answer = await AI.run(model, fields ? form(fields, picture) : inputs, options);
      if (answer instanceof ReadableStream) return new Response(answer);
      if (answer instanceof Response) return Response.json({ status: answer.status, body: await answer.json() });
      return Response.json({ answer });
    } catch ({ name, message }) {
      return Response.json({ error: { name, message } });
    }
  },
};

function form(fields, picture) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  if (picture) data.append("input_image_0", new Blob([Uint8Array.fromBase64(picture)]), "one");
  const { body, headers } = new Response(data);
  return { multipart: { body, contentType: headers.get("content-type") } };
}
