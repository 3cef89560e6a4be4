"""The report of `make smoke` can be shared: it contains only what is known to be harmless."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dev.smoke_report import CODES, HEALTH, METRICS, Exchange, Report
from flux.errors import ApiError, InvalidApiKey

ROOT = Path(__file__).resolve().parents[2]

SECRETS = ("foxy", "fox_and_snow", "FOXKEY", "fox.example.com", "10.20.30.40", "fox", "1234567890", "f0f0f0f0", "höhle")
"""Keys, hosts, accounts and prompts that look like codes, metrics, versions and cache statuses."""


def report(status: int = 200, headers: dict[str, str] | None = None, body: Any = b"", path: str = "/health") -> str:
    """The report about one answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    written = Report()
    exchange = Exchange("GET", path, status, headers or {}, content, 0.1)
    written.add("everything is there", is_wrong=False, exchanges=[exchange])
    return written.text()


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_looks_like_what_is_told_is_not_told(secret: str) -> None:
    """Wherever it is in an answer."""
    cached = {
        "server-timing": f'{secret};dur=5, proxy;desc="{secret}", draw;desc="{secret}";dur=3, limit;desc="{secret}"',
        "cf-cache-status": secret,
        "content-type": f"image/{secret}",
    }
    health = {"version": secret, "checks": {secret: "ok", "settings": secret, "storage": "ok"}}
    pages = [
        report(headers=cached, path=f"/image/{secret}"),
        report(body=health),
        report(500, cached, f"<title>{secret} | error code: 1101</title>".encode()),
        report(400, cached, {"error": {"code": secret, "message": secret}}, f"https://{secret}/image/{secret}"),
    ]
    for page in pages:
        told = page.partition("no addresses.")[2]
        assert re.findall(rf"(?<![\w{{]){re.escape(secret)}(?!\w)", told) == []
    assert "health: settings wrong, storage ok" in pages[1]
    assert "| 500 | Cloudflare 1101 |" in pages[2]
    assert "| 400 | other |" in pages[3]


def test_what_the_service_says_is_told() -> None:
    timing = 'draw;desc="1024x768 image/jpeg";dur=1012, cut;dur=3, limit;desc="requests counted", total;dur=1040'
    page = report(headers={"server-timing": timing, "cf-cache-status": "HIT"}, body={"version": "1.2.3", "checks": {}})
    assert timing in page
    assert "| HIT |" in page
    assert "version of the service: 1.2.3" in page
    refused = report(401, body={"error": {"code": InvalidApiKey.code}})
    assert "| 401 | invalid_api_key |" in refused


def test_its_words_are_those_of_the_service() -> None:
    """A new step, check or error must be known here. Otherwise a report would omit it."""
    sources = "".join(path.read_text() for path in (ROOT / "src" / "flux").rglob("*.py"))
    steps = set(re.findall(r'\.step\("(\w+)"\)|\.notes\["(\w+)"\]', sources))
    assert {name for pair in steps for name in pair if name} | {"total"} == set(METRICS)
    described = json.loads((ROOT / "public" / "openapi.json").read_text())
    assert set(HEALTH) == set(described["components"]["schemas"]["Health"]["properties"]["checks"]["properties"])
    assert ApiError.code in CODES
