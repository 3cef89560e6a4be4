"""Makes the output of `make dev` from the log of wrangler and the Worker: a line for each request, and problems."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from dev import ROOT

PUBLIC = ROOT / "public"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ACCESS = re.compile(r"\[wrangler:info\] (?P<method>[A-Z]+) (?P<path>/\S*) (?P<status>\d{3}) .*\((?P<ms>\d+)ms\)")
_NOISE = re.compile(
    r"\s*$|[┌│├└]|Attaching additional modules|⎔|\[wrangler:info\]|\[Errno 32\]|.*A DurableObjectNamespace in the"
)
"""Lines without useful information. The last one warns that a class is missing, which is so whenever a file cannot be
imported, and the report of that file follows. Cloudflare refuses a Worker that really lacks the class."""
_TROUBLE = re.compile(r"✘|\[ERROR\]|Uncaught Error")
"""The first line of an error report, which continues on the next lines."""
_FRAME = re.compile(r'File "/session/metadata/([^"]+)", line (\d+)')
_RAISED = re.compile(r"^\s*((?:[A-Z]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit)\b.*)$", re.MULTILINE)

Clock = Callable[[], time.struct_time]


class Log:
    """Turns the log, line by line, into output for people."""

    def __init__(self, *, as_json: bool = False, clock: Clock = time.localtime) -> None:
        """With `as_json`, the Worker's own lines are printed unchanged, for tools."""
        self._as_json = as_json
        self._clock = clock
        self._trouble: list[str] = []
        self._broken = False
        """Whether a failed import has been reported. Anything that wrangler adds to it later is dropped."""

    def read(self, line: str) -> Iterator[str]:
        """The output for a line of the log."""
        line = _ANSI.sub("", line).rstrip("\n")
        facts = _facts(line)
        access = _ACCESS.match(line)
        if (self._trouble or self._broken) and not (facts or access or line.startswith("⎔")):
            self._trouble += [] if self._broken else [line]
            return
        yield from self.rest()
        self._broken = False
        if facts:
            yield line if self._as_json else self._request(facts)
            if not self._as_json and (traceback := facts.get("traceback")):
                yield traceback
        elif access:
            if not self._as_json and _is_file(access["path"]):  # the Worker logs all other requests itself
                yield self._line(int(access["status"]), int(access["ms"]), f"{access['method']} {access['path']}")
        elif _TROUBLE.search(line):
            self._trouble.append(line)
        elif not _NOISE.match(line):
            yield line

    def rest(self) -> Iterator[str]:
        """A problem that has not been reported yet because more lines might have followed."""
        if self._trouble:
            text = "\n".join(self._trouble)
            self._trouble = []
            self._broken = bool(import_failure(text))
            yield import_failure(text) or text.strip()

    def _request(self, facts: dict[str, Any]) -> str:
        return self._line(facts["status"], facts["ms"]["total"], f"{facts['method']} {_what(facts)}")

    def _line(self, status: int, milliseconds: int, what: str) -> str:
        return f"{time.strftime('%H:%M:%S', self._clock())}  {status}  {milliseconds:>6} ms  {what}"


def _facts(line: str) -> dict[str, Any] | None:
    """The content of the Worker's log line for a request (`flux.trace`)."""
    if not line.startswith('{"request_id"'):
        return None
    try:
        facts: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return facts


def _what(facts: dict[str, Any]) -> str:
    told = []
    if model := facts.get("model"):
        told.append(model.rsplit("/", 1)[-1])
    if pictures := facts.get("pictures"):
        told.append(f"{pictures} picture{'s' if pictures > 1 else ''}")
    if chore := facts.get("chore"):
        told.append(f"chore: {chore}")
    if prompt := facts.get("prompt"):
        told.append(repr(prompt))
    told += [facts[name] for name in ("error", "detail") if name in facts]
    told += [f"{name}: {value}" for name, value in facts.items() if name.endswith("_error")]
    return "  ".join([facts["route"], ", ".join(told)]).rstrip()


def _is_file(path: str) -> bool:
    """Whether Cloudflare serves this path from public/, without the Worker."""
    name = path.partition("?")[0].lstrip("/")
    return name in ("", "docs") or (PUBLIC / name).is_file()


def import_failure(log: str) -> str:
    """The file of the Worker that cannot be imported, with line and reason; "" if the log reports none."""
    log = _ANSI.sub("", log)
    frames, raised = _FRAME.findall(log), _RAISED.findall(log)
    if not frames or not raised:
        return ""
    path, number = frames[-1]
    return f"src/{path}, line {number}: {raised[-1].strip()}"
