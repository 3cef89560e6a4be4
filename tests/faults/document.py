"""docs/faults.md, made of the table in cases.py: `PYTHONPATH=src .venv/bin/python -m tests.faults.document`."""

from dev import ROOT
from tests.faults.cases import FAULTS, LEAVING, RETRIED, STORAGE, TOOLS, WRITER, Case

PAGE = ROOT / "docs" / "faults.md"

TEXT = """\
<!-- Made of tests/faults/cases.py by `PYTHONPATH=src .venv/bin/python -m tests.faults.document`. -->
# What happens when something fails

Every line is a test on the real runtime (`tests/faults`), in which the thing does fail: the models and the writer are
[the stand-in](../dev/ai/README.md), KV and Images are the runtime's own bindings in front of services that refuse,
hang or break off. The errors' shape is that of OpenAI's API; "retry" and "no retry" are the header `x-should-retry`,
which OpenAI's SDKs obey. What Workers AI said is in the log (`npx wrangler tail`), never in an answer.

- **A status is chosen for what the client will do with it.** A model that is out of capacity is tried three times here,
  with a wait of half a second that doubles, plus random jitter; then the caller is told to wait. Where there is a
  fallback model (`FLUX_FALLBACK_MODEL`), the first model is asked once and not to queue the call, and the fallback is
  tried three times. What will fail again says so. What may be tried once more
  says so once: a request that is itself a retry (`x-stainless-retry-count`) is told not to.
- **A stream has one second of grace.** What fails within it fails with its true status. After that the same error comes
  in band: a readable sentence as content, then `data: {{"error": ...}}`, then `data: [DONE]`.
- **A picture that was drawn is paid for.** Whatever fails after that, the caller gets it.

## Workers AI

Each through the `AI` binding, through the REST API, and after a stream opened. Nothing is stored.

| What fails | The caller sees | Model calls |
| --- | --- | --- |
{upstream}

## Retries, fallback, several pictures

| What fails | The caller sees | Stored | Model calls |
| --- | --- | --- | --- |
{retried}

## The prompt writer

It has ten seconds and one try; "writer" is its call.

| What fails | The caller sees | Stored | Calls |
| --- | --- | --- | --- |
{writer}

## Storage and Images

| What fails | The caller sees | Stored | Model calls |
| --- | --- | --- | --- |
{storage}

## MCP

A tool that fails has a result with `isError` and the sentence that the other APIs answer with, so that the model which
called it reads what to do.

| What fails | The host gets | Stored | Model calls |
| --- | --- | --- | --- |
{tools}

## A caller who leaves

Ends the work, whatever it is doing: nothing more is paid for. Its line in the log has the status 499.

| When | Stored | Model calls |
| --- | --- | --- |
{leaving}

## For long, and all at once

`make soak` (three minutes on two quiet cores; `make test` runs a short form with the same checks) asks for much more
than one thing:

- **The soak**: 7,500 generations by 16 callers at once, streamed and not, chat and Images API, one or two pictures,
  four sizes, one generation in ten with a fault of eight kinds. Each picture is opened, where it is linked and where it
  is carried, and has to be the one that was asked for. What the callers saw, what the models were asked, what KV kept
  and refused and what the log says have to add up to the last one.
- **A crash** in it: after 2,000 generations the Worker and KV are killed (SIGKILL) with 16 requests under way, and
  started again on the same disk. Every picture whose URL was handed out before is still served, byte for byte.
- **Memory**: what the process has in memory at the end is within 10 % of what it had after its first 500 generations.
  The Worker is alone in its workerd process, and V8's heap has the 128 MB that an isolate has at Cloudflare: with more
  it puts collecting off, and even a Worker that says hello grows by a half. (Nor would `wrangler dev` tell: its own
  processes grow with every request.) A Worker that keeps 10 KB a request fails this.
- **The fuzzing**: 12,000 requests as nobody should send them, the same ones each time: fields, texts, bytes, nesting,
  forms in pieces, calls of tools, methods, paths, headers, hosts, keys, framing, bodies over the limit, noise. None
  hangs, none is answered with a status that the API has not, none leaves a traceback in the log, and memory stays as
  it was.
- **Isolation**: 1,000 requests of two keys, in two languages and two sizes, side by side, each answer compared whole.
"""


def page() -> str:
    """The page as it has to be."""
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
