"""A stand-in for the part of Cloudflare's API that a deployment uses: README.md."""
