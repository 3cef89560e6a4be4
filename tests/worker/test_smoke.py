"""`make smoke` passes for a working deployment, and explains each problem of a broken one."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from dev import ROOT, serve
from dev.smoke import AT_ONCE, CHECKS
from flux import VERSION
from tests.serving import serving
from tests.worker.service import KEY, Ledger, Service, Start, eventually

NOWHERE = "http://127.0.0.1:1"
"""Nothing listens on port 1."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a clone that `make smoke` needs, without any installed packages."""
    clone = tmp_path_factory.mktemp("clone")
    shutil.copy(ROOT / "Makefile", clone)
    for folder in ("dev", "src"):
        shutil.copytree(ROOT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return clone


def smoke(clone: Path, *arguments: str) -> tuple[int, str]:
    """The status of make and its complete output."""
    python = Path(sys.executable).resolve()  # the Python from which .venv was made, without its packages
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "URL", "KEY")}
    made = subprocess.run(
        ["make", "smoke", f"PYTHON={python}", *arguments],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return made.returncode, made.stdout


def complaints(printed: str) -> dict[str, str]:
    """The message for each failed check."""
    wrong = [line.removeprefix("WRONG ") for line in printed.splitlines() if line.startswith("WRONG ")]
    return dict(line.split(": ", 1) for line in wrong)


def test_a_deployment_that_is_well_passes_with_two_dozen_requests_and_two_pictures(
    clone: Path, service: Service, ledger: Ledger
) -> None:
    requests, calls = len(service.log_lines()), len(ledger.calls(""))
    status, printed = smoke(clone, f"URL={service.url}", f"KEY={KEY}")
    assert (status, complaints(printed)) == (0, {}), printed
    assert printed.count("\nok ") == len(CHECKS)
    assert "asked for again, no cache answered (cf-cache-status: none)" in printed  # there is no cache locally
    assert KEY not in printed
    # Without the page, which never starts Python.
    assert eventually(lambda: len(service.log_lines()) - requests == 12 + AT_ONCE)
    assert [call["outcome"] for call in ledger.calls("")[calls:]] == ["ok", "ok"]


@pytest.mark.parametrize("url", ["{}/", "{}/v1", "{}/v1/"])
def test_the_base_url_of_an_app_is_taken_as_well(clone: Path, service: Service, url: str) -> None:
    """With a wrong key nothing is drawn, and checks that could only fail are skipped."""
    status, printed = smoke(clone, f"URL={url.format(service.url)}", "KEY=wrong")
    assert status != 0
    assert complaints(printed) == {
        "the key opens": "the service does not know this KEY: is it one of those in API_KEY?",
    }
    assert "1 of 5 checks failed, 5 were not tried." in printed


def test_a_deployment_must_be_named(clone: Path) -> None:
    for arguments in ([], [f"URL={NOWHERE}"], ["KEY=key"]):
        status, printed = smoke(clone, *arguments)
        assert status != 0
        assert "make smoke URL=https://YOUR-WORKER KEY=YOUR-KEY" in printed


UNUSABLE = {
    "a report without a folder": (
        {"URL": NOWHERE, "KEY": KEY, "REPORT": "/nowhere/report.md"},
        "The report cannot be written to /nowhere/report.md (No such file or directory): choose another REPORT.",
    ),
    "a key that no header can have": (
        {"URL": NOWHERE, "KEY": "schlüssel"},
        "KEY has a character that cannot be sent: a key consists of printable ASCII characters.",
    ),
    "an address that is none": (
        {"URL": "http://[::1", "KEY": KEY},
        "http://[::1/health is no address: it should look like https://YOUR-WORKER.workers.dev",
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_an_argument_that_cannot_be_used_is_named_before_anything_is_drawn(clone: Path, what: str) -> None:
    arguments, told = UNUSABLE[what]
    status, printed = smoke(clone, *(f"{name}={value}" for name, value in arguments.items()))
    assert status != 0
    assert told in printed
    assert "Traceback" not in printed


class Listener(BaseHTTPRequestHandler):
    """Fails all checks, and records the keys that it receives."""

    keys: ClassVar[set[str]]

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def serve(self) -> None:
        self.keys.add(self.headers.get("authorization", ""))
        body = b'{"checks": {}}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_OPTIONS = serve  # noqa: N815 - names required by http.server


@pytest.mark.parametrize("key", ["-a key", "$HOME$(id)$$`id`$(", 'it\'s "quoted"', "a,b;c\\d#e*"])
def test_a_key_is_sent_as_it_was_typed(clone: Path, key: str) -> None:
    """Neither make nor a shell interprets it, and it is not printed."""
    listener: Any = type("OneListener", (Listener,), {"keys": set()})
    with serving(listener) as url:
        _, printed = smoke(clone, f"URL={url}", f"KEY={key}")
    assert listener.keys == {"", f"Bearer {key}"}
    assert key not in printed


def test_an_address_where_nothing_is(clone: Path) -> None:
    status, printed = smoke(clone, f"URL={NOWHERE}", f"KEY={KEY}")
    assert status != 0
    [(sentence, problem)] = complaints(printed).items()
    assert sentence == "everything is there"
    assert problem.startswith(f"{NOWHERE}/health cannot be reached: ")


def test_an_address_where_something_else_is(clone: Path, stand_in: serve.Server) -> None:
    status, printed = smoke(clone, f"URL={stand_in.url}", f"KEY={KEY}")
    assert status != 0
    assert complaints(printed) == {
        "everything is there": f"{stand_in.url}/health does not answer as this service does: is that its address?",
    }


ACCOUNT = "0123456789abcdef" * 2
BROKEN: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no key, and a setting that cannot be": (
        {"key": "", "vars": {"IMAGE_EXPIRATION": "5"}},
        {
            "everything is there": ["npx wrangler secret put API_KEY", "IMAGE_EXPIRATION must be"],
            "the key opens": ["This deployment has no API key yet"],
        },
    ),
    "no Images binding, and chores are drawn": (
        {"changes": {"images": None}, "vars": {"CHORES": "draw"}},
        {
            "everything is there": ["bind IMAGES in wrangler.toml"],
            "a chore draws nothing": ["is CHORES set to draw?"],
            "a picture has the size that it is said to have": ["1024x1024 instead of 768x512: is IMAGES bound?"],
            "a stream tells how it goes": ["1024x1024 instead of 1024x576: is IMAGES bound?"],
        },
    ),
    "nothing to keep pictures in": (
        {"changes": {"kv_namespaces": None}},
        {
            "everything is there": ["bind FLUX_CF_KV in wrangler.toml"],
            "a picture has the size that it is said to have": ["FLUX_CF_KV did not keep it"],
            "a stream tells how it goes": ["FLUX_CF_KV did not keep it"],
        },
    ),
    "a token that Workers AI does not know": (
        {"vars": {"CF_ACCOUNT_ID": ACCOUNT, "CF_API_TOKEN": "secret-token", "CF_API_BASE_URL": "{stand_in}/client/v4"}},
        {
            "a picture has the size that it is said to have": ["HTTP 502", "CF_API_TOKEN"],
            "a stream tells how it goes": ["HTTP 502", "CF_API_TOKEN"],
        },
    ),
    "links that lead nowhere": (
        {"vars": {"PUBLIC_URL": NOWHERE}},
        {
            "a picture has the size that it is said to have": [f"{NOWHERE}/image/", "is PUBLIC_URL right?"],
            "a stream tells how it goes": [f"{NOWHERE}/image/", "is PUBLIC_URL right?"],
        },
    ),
}
"""The configuration of each deployment, and parts of the message for each check that fails."""


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_deployment_is_told_what_to_mend(
    clone: Path, start: Start, stand_in: serve.Server, tmp_path: Path, fault: str
) -> None:
    """Its report can be shared, whatever the service returned in answers, errors and headers."""
    deployed, expected = BROKEN[fault]
    vars = {name: value.format(stand_in=stand_in.url) for name, value in deployed.get("vars", {}).items()}
    report = tmp_path / "report.md"
    with start(**{**deployed, "vars": vars}) as service:
        status, printed = smoke(clone, f"URL={service.url}", f"KEY={KEY}", f"REPORT={report}")
    assert status != 0
    said = complaints(printed)
    assert said.keys() == expected.keys(), printed
    for sentence, parts in expected.items():
        assert not [part for part in parts if part not in said[sentence]], said[sentence]
    assert report.read_text().count("| WRONG |") == len(expected)
    assert_nothing_tells_whose_it_is(report.read_text())


def assert_nothing_tells_whose_it_is(report: str) -> None:
    """No key, setting, account, token, address or prompt, and no name of a picture or a request."""
    telling = [KEY, ACCOUNT, "secret-token", "example.com", "127.0.0.1", "localhost"]
    prompts = ["fox", "snow", "lighthouse", "dusk", "concise", "Task"]
    assert [one for one in [*telling, *prompts] if one in report] == []
    assert re.findall(r"https?:|/image/(?!{key})|[0-9a-f]{12,}|[A-Za-z0-9-]{20,}", report) == []


# --- problems that only deployments have ----------------------------------------------------------


class Edge(BaseHTTPRequestHandler):
    """Cloudflare in front of the Worker, as far as tests need it: a cache, and an isolate that is stuck."""

    worker: ClassVar[str]
    wedged: ClassVar[bool]
    cached: ClassVar[dict[str, httpx.Response]]
    in_flight: ClassVar[list[str]]

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def serve(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.wedged and self.path == "/v1/models" and self.together():
            return self.answer(500, {"content-type": "text/html"}, b"<title>flux.example | error code: 1101</title>")
        if self.path in self.cached:
            kept = self.cached[self.path]
            return self.answer(200, {**kept.headers, "cf-cache-status": "HIT"}, kept.content)
        answer = httpx.request(self.command, self.worker + self.path, headers=headers, content=body, timeout=60)
        if self.path.startswith("/image/"):
            self.cached[self.path] = answer
        return self.answer(answer.status_code, dict(answer.headers), answer.content)

    do_GET = do_POST = do_OPTIONS = serve  # noqa: N815 - names required by http.server

    def together(self) -> bool:
        """Whether another request arrives at the same time."""
        self.in_flight.append(self.path)
        time.sleep(0.5)
        together = len(self.in_flight) > 1
        time.sleep(0.5)
        self.in_flight.remove(self.path)
        return together

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "content-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def behind_cloudflare(service: Service, *, wedged: bool = False) -> Iterator[str]:
    """The address of the service behind a separate edge."""
    edge = type("OneEdge", (Edge,), {"worker": service.url, "wedged": wedged, "cached": {}, "in_flight": []})
    with serving(edge) as url:
        yield url


def test_it_says_whether_a_cache_answered(clone: Path, service: Service) -> None:
    with behind_cloudflare(service) as url:
        status, printed = smoke(clone, f"URL={url}", f"KEY={KEY}")
    assert (status, complaints(printed)) == (0, {}), printed
    assert "asked for again, a cache answered" in printed


def test_an_isolate_that_has_wedged_shows_where_ten_ask_at_once(clone: Path, service: Service, tmp_path: Path) -> None:
    """Single requests are answered. The report has the number of Cloudflare's error page."""
    report = tmp_path / "report.md"
    with behind_cloudflare(service, wedged=True) as url:
        status, printed = smoke(clone, f"URL={url}", f"KEY={KEY}", f"REPORT={report}")
    assert status != 0
    assert complaints(printed).keys() == {"requests at once are answered"}
    assert f" of {AT_ONCE} failed, the first with HTTP 500" in printed
    assert "docs/deploy.md#when-it-goes-wrong" in printed
    assert report.read_text().count("| GET /v1/models | 500 | Cloudflare 1101 |") > 1
    assert "flux.example" not in report.read_text()


# --- the report -----------------------------------------------------------------------------------


def test_the_report_has_what_only_a_deployment_can_tell(clone: Path, service: Service, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    with behind_cloudflare(service) as url:
        status, printed = smoke(clone, f"URL={url}", f"KEY={KEY}", f"REPORT={report}")
    assert status == 0, printed
    assert f"Written to {report}" in printed
    facts = dict(re.findall(r"^- ([^:]+): (.+)$", report.read_text(), re.MULTILINE))
    assert facts["the model drew, before anything was cut"] == "1024x1024 image/jpeg"
    assert facts["what the limiter counted"] == "pictures: it took delta"
    assert re.fullmatch(r"(image/jpeg of \d+ bytes(, )?){3}", facts["pictures that were served"])
    assert facts["a cache answered the second request for a picture"] == "yes"
    assert (
        facts["health"]
        == "api_key ok, settings ok, model ok, writer ok, storage ok, images ok, rate_limiter ok, ledger ok"
    )
    assert facts["version of the service"] == VERSION
    text = report.read_text()
    assert text.count("| GET /v1/models | 401 | invalid_api_key |") == 2
    assert "| POST /v1/chat/completions | 400 | invalid_value |" in text
    assert re.search(r'draw;desc="1024x1024 image/jpeg";dur=\d+, cut;dur=\d+, keep;dur=\d+, total;dur=\d+', text)
    assert_nothing_tells_whose_it_is(text)
    assert re.search(r"\| GET /image/{key} \| 200 \|  \| \d+ \| [^|]* \| HIT \|", text)
