/** As little as a Worker in JavaScript can do. */
export default {
  async fetch() {
    return new Response("Hello world!");
  },
};
