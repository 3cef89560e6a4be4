/** The smallest possible JavaScript Worker. */
export default {
  async fetch() {
    return new Response("Hello world!");
  },
};
