/** The rate-limiting binding, which Cloudflare answers inside the machine that the Worker runs on. */
export default () => ({ limit: async () => ({ success: true }) });
