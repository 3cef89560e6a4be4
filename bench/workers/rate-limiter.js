/** The rate-limiting binding, which on Cloudflare runs on the same machine as the Worker. */
export default () => ({ limit: async () => ({ success: true }) });
