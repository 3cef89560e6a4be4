"""A stand-in for the part of Cloudflare's API that deployments use: see README.md."""
