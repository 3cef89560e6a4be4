"""Makes docs/faults.md from the table in cases.py: `PYTHONPATH=src .venv/bin/python -m tests.faults.document`."""

from dev import ROOT
from tests.faults.cases import FAULTS, LEAVING, RETRIED, STORAGE, TOOLS, WRITER, Case

PAGE = ROOT / "docs" / "faults.md"

TEXT = """\
<!-- Made of tests/faults/cases.py by `PYTHONPATH=src .venv/bin/python -m tests.faults.document`. -->
# Failures and how callers see them

What to do about each: [troubleshooting.md](troubleshooting.md). Every row is a test on the real runtime
(`tests/faults`) in which the failure really happens: the models and the writer are [the stand-in](../dev/ai/README.md),
KV and Images are the runtime's own bindings in front of services that refuse, hang or disconnect. Errors have the
format of OpenAI's API; "retry" and "no retry" are the header `x-should-retry`, which OpenAI's SDKs obey. What Workers
AI said is in the log (`npx wrangler tail`), never in an answer.

- **Statuses are chosen by what clients do with them.** If a model is out of capacity, the service tries three times,
  with a wait of half a second that doubles, plus random jitter; then it tells the caller to wait. If there is a
  fallback model (`FLUX_FALLBACK_MODEL`), the first model is tried once, without queueing, and the fallback three times.
  Errors that will happen again say "no retry". Those that may succeed say "retry" once: a request that is itself a
  retry (`x-stainless-retry-count`) gets "no retry".
- **A stream opens after one second at the latest.** A failure before that has its true status. Later the same error is
  sent in the stream: a readable sentence as content, then `data: {{"error": ...}}`, then `data: [DONE]`.
- **A drawn picture is paid for.** Whatever fails afterwards, the caller gets it.

## Workers AI

Each is tested through the `AI` binding, through the REST API, and after a stream opened. Nothing is stored.

| What fails | The caller sees | Model calls |
| --- | --- | --- |
{upstream}

## Retries, fallback, several pictures

| What fails | The caller sees | Stored | Model calls |
| --- | --- | --- | --- |
{retried}

## The prompt writer

It has ten seconds and one try. "writer" in the last column is its call.

| What fails | The caller sees | Stored | Calls |
| --- | --- | --- | --- |
{writer}

## Storage and Images

| What fails | The caller sees | Stored | Model calls |
| --- | --- | --- | --- |
{storage}

## MCP

If a tool fails, its result has `isError` and the same sentence as in the other APIs, so that the calling model can read
what to do.

| What fails | The host gets | Stored | Model calls |
| --- | --- | --- | --- |
{tools}

## A caller who disconnects

All work for the request stops, and nothing more is paid for. Its log line has the status 499.

| When | Stored | Model calls |
| --- | --- | --- |
{leaving}

## Long runs and many requests at once

`make soak` takes three minutes on two idle cores; `make test` runs a shorter version with the same checks:

- **The soak**: 7,500 generations by 16 callers at once, streamed and not, chat and Images API, one or two pictures,
  four sizes, one generation in ten with a fault of eight kinds. Each picture, linked or in the answer, is opened and
  must be the one that was asked for. What callers saw, what the models were asked, what KV stored and refused, and what
  the log says must match exactly.
- **A crash** during the soak: after 2,000 generations the Worker and KV are killed (SIGKILL) with 16 requests in
  progress, and restarted on the same disk. Every picture whose URL was returned before is still served, byte for byte.
- **Memory**: at the end the process uses at most 10 % more memory than after its first 500 generations. The Worker is
  alone in its workerd process, and V8's heap is limited to the 128 MB of an isolate at Cloudflare: with more, V8
  collects later, and even a hello-world Worker grows by half. (`wrangler dev` would not show it either: its own
  processes grow with every request.) A Worker that leaks 10 KB a request fails this.
- **The fuzzing**: 12,000 malformed requests, the same ones each time: fields, texts, bytes, nesting, broken forms, tool
  calls, methods, paths, headers, hosts, keys, framing, bodies over the limit, noise. None hangs, none gets a status
  that the API does not have, none leaves a traceback in the log, and memory does not grow.
- **Isolation**: 1,000 requests with two keys, in two languages and two sizes, at the same time; each answer is compared
  as a whole.
"""


def page() -> str:
    """The expected content of the page."""
    return TEXT.format(
        upstream=_table([(fault.name, str(fault.refusal), str(len(fault.calls))) for fault in FAULTS]),
        retried=_table([_row(case) for case in RETRIED]),
        writer=_table([_row(case) for case in WRITER]),
        storage=_table([_row(case) for case in STORAGE]),
        tools=_table([_row(case) for case in TOOLS]),
        leaving=_table([(case.name, _stored(case), _calls(case)) for case in LEAVING]),
    )


def _row(case: Case) -> tuple[str, ...]:
    return case.name, str(case.seen), _stored(case), _calls(case)


def _stored(case: Case) -> str:
    return "0 or 1" if case.stored is None else str(case.stored)


def _calls(case: Case) -> str:
    if "optimize" not in case.fields:
        return str(len(case.calls))
    drawn = len(case.calls) - 1
    return f"writer + {drawn}" if drawn else "writer"


def _table(rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page())
