"""What callers should know before their first request, in Markdown."""

from dev.description import refusals
from flux import catalog, fields, partners, pipeline, sizes, text
from flux.http import MAX_BODY, MAX_TEXT, MIB
from flux.progress import GRACE_SECONDS, PING_SECONDS

INTRODUCTION = f"""\
Pictures from words, for every client that speaks OpenAI's API: change its base URL to `https://HOST/v1` and its key. \
Every path under `/v1` answers without `/v1` too.

## Keys
`Authorization: Bearer KEY` or `api-key: KEY`, for everything under `/v1` and for `/mcp`. The other paths are open; \
the key of a stored picture is a secret of its own.

## First requests
```
curl https://HOST/v1/images/generations -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
  -d '{{"prompt": "A cute cat", "size": "3:2", "response_format": "url"}}'

curl https://HOST/v1/images/edits -H "Authorization: Bearer $KEY" -F image=@cat.png -F prompt="Give it a hat"

curl https://HOST/v1/chat/completions -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
  -d '{{"messages": [{{"role": "user", "content": "A cute cat 3:2"}}], "stream": true}}'
```

## Directives
In a chat the end of the prompt may say how to draw; the Images API and MCP take the prompt as it is. A ratio \
({", ".join(f"`{ratio}`" for ratio in sizes.RATIOS)}), `--ar 3:2`, `--size 768x512`, `--steps 4`, `--seed 7`, \
`--n 2`, `--model NAME`, `--raw` or `--optimize` (leave the prompt alone, or rewrite it), in any order. Body fields \
win, but for `--model`.

## Chores
Chat apps ask the same endpoint for titles, tags and follow-up questions. These are recognised and answered in text, \
in the form that the app asks for, without a picture.

## Streams
What fails within the first {GRACE_SECONDS:g} s fails with its true status; then the stream opens, and a failure comes \
in band. A comment is sent at the latest after every {PING_SECONDS:g} s of silence. The work ends when the client \
leaves. One try of a model takes at most {pipeline.DRAW_SECONDS} s, of one of another \
maker's {catalog.PARTNER_SECONDS} s.

## Limits
Bodies: {MAX_BODY // MIB} MiB with their pictures, of which {MAX_TEXT // MIB} MiB are text. \
JSON: {text.MAX_DEPTH} levels. Pictures: {catalog.MAX_IMAGES} in, {partners.MAX_IMAGES} with some models of other \
makers, {fields.MAX_PICTURES} out.

## Every answer
Browsers may call from any origin: CORS is on every answer, and `OPTIONS` is answered with 204 but for the two static \
files (`/`, `/openapi.json`). `HEAD` answers wherever `GET` does. `x-request-id` names the request in the deployment's \
log. Nothing is cached but pictures (`Cache-Control: no-store`).

## Errors
`{{"error": {{"message", "type", "param", "code"}}}}`, all four always. Programs read `code`, people `message`. \
Symptoms and what to do about them: `docs/troubleshooting.md` in the source of the service.

{refusals.table()}
"""
