"""The result of a smoke test as a page that can be shared: nothing in it identifies the deployment.

Only known harmless content is written: numbers, and words that are listed here or in the service's own tables. Other
words are never copied, because keys, hosts and names can look like anything.
"""

import json
import platform
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flux import errors

ROUTES = ("/health", "/v1/models", "/v1/chat/completions", "/v1/images/generations", "/")
PICTURE = "/image/{key}"
CODES = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ApiError)}
CLOUDFLARE_ERROR = re.compile(rb"(?i)error(?: code:?)? *(1\d{3})\b")
"""The code on the error pages that Cloudflare shows instead of a Worker's answer."""
METRICS = ("write", "shrink", "budget", "draw", "cut", "preview", "keep", "limit", "total")
"""The metrics in the service's `Server-Timing` (src/flux/trace.py)."""
PICTURE_TYPE = re.compile(r"image/(?:jpeg|png|webp|gif|avif)")
NOTE = re.compile(rf"\d{{1,5}}x\d{{1,5}} {PICTURE_TYPE.pattern}|nothing counted|requests counted")
METRIC = re.compile(rf"(?:{'|'.join(METRICS)})(?:;desc=\"(?:{NOTE.pattern})\")?(?:;dur=\d{{1,7}})?")
CACHE = re.compile(r"HIT|MISS|EXPIRED|STALE|UPDATING|REVALIDATED|BYPASS|DYNAMIC|NONE|UNKNOWN")
VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")
HEALTH = (
    *("api_key", "settings", "model", "writer", "storage", "images", "rate_limiter"),
    *("ledger", "partner_models"),
)
"""The checks of `/health`."""


class Exchange(NamedTuple):
    """A request and its response."""

    method: str
    path: str
    status: int
    """0 if there was no response."""
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def route(self) -> str:
        """The path's route in the service's table."""
        return self.path if self.path in ROUTES else PICTURE

    @property
    def code(self) -> str:
        """The code of an error: the service's own, or that of Cloudflare's page."""
        try:
            code = str(json.loads(self.body)["error"]["code"])
        except (ValueError, KeyError, TypeError):
            page = CLOUDFLARE_ERROR.search(self.body[:20_000]) if self.status >= 400 else None  # noqa: PLR2004 - HTTP
            return f"Cloudflare {page[1].decode()}" if page else ""
        return code if code in CODES else "other"

    @property
    def metrics(self) -> list[str]:
        """The durations in `Server-Timing`."""
        metrics = self.headers.get("server-timing", "").split(", ")
        return [metric for metric in metrics if METRIC.fullmatch(metric)]

    @property
    def cache(self) -> str:
        """Whether a cache answered, according to Cloudflare's header."""
        return _matching(CACHE, self.headers.get("cf-cache-status", ""))

    @property
    def note(self) -> dict[str, str]:
        """The descriptions in `Server-Timing`, by metric."""
        return dict(re.findall(r'(\w+);desc="([^"]*)"', ", ".join(self.metrics)))


@dataclass
class Report:
    """Filled check by check."""

    checks: list[tuple[str, bool, list[Exchange]]] = field(default_factory=list)

    def add(self, sentence: str, *, is_wrong: bool, exchanges: Iterable[Exchange]) -> None:
        """Add a finished check."""
        self.checks.append((sentence, is_wrong, list(exchanges)))

    def text(self) -> str:
        """The page, in Markdown."""
        rows = [
            f"| {sentence if not number else ''} | {('WRONG' if is_wrong else 'ok') if not number else ''} "
            f"| {one.method} {one.route} | {one.status or 'none'} | {one.code} | {one.seconds * 1000:.0f} "
            f"| {', '.join(one.metrics)} | {one.cache} |"
            for sentence, is_wrong, exchanges in self.checks
            for number, one in enumerate(exchanges)
        ]
        facts = [f"- {name}: {fact}" for name, fact in self._facts().items()]
        return "\n".join(
            [
                "# A smoke test",
                "",
                "Written by `make smoke REPORT=file`: no keys, no prompts, no addresses.",
                "",
                *facts,
                "",
                "| check | | request | status | code | ms | Server-Timing | cache |",
                "| --- | --- | --- | --- | --- | ---: | --- | --- |",
                *rows,
                "",
            ]
        )

    def _facts(self) -> dict[str, str]:
        every = [one for _, _, exchanges in self.checks for one in exchanges]
        pictures = [one for one in every if one.route == PICTURE and one.status == 200]  # noqa: PLR2004 - HTTP
        drawn = [one for one in every if "draw" in one.note]
        health = next((one for one in every if one.route == "/health"), None)
        return {
            "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "asked with Python": platform.python_version(),
            "version of the service": _version(health),
            "health": _health(health),
            "the model drew, before anything was cut": drawn[0].note["draw"] if drawn else "not known",
            "what the limiter counted": (drawn[0].note.get("limit") or "pictures: it took delta")
            if drawn
            else "not known",
            "pictures that were served": ", ".join(
                f"{_matching(PICTURE_TYPE, one.headers.get('content-type', ''))} of {len(one.body)} bytes"
                for one in pictures
            )
            or "none",
            "a cache answered the second request for a picture": "yes"
            if "HIT" in [one.cache for one in pictures]
            else "no",
        }


def _health(answer: Exchange | None) -> str:
    """The checks by name. The text about a wrong setting may quote it, so it is left out."""
    try:
        checks = json.loads(answer.body)["checks"] if answer else {}
        said = {name: value if value in ("ok", "missing") else "wrong" for name, value in checks.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        said = {}
    return ", ".join(f"{name} {value}" for name, value in said.items() if name in HEALTH) or "not known"


def _version(answer: Exchange | None) -> str:
    try:
        return _matching(VERSION, str(json.loads(answer.body)["version"])) if answer else "not known"
    except (ValueError, KeyError, TypeError):
        return "not known"


def _matching(pattern: re.Pattern[str], text: str) -> str:
    return text if pattern.fullmatch(text) else ""
