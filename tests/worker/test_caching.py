"""A cache in front of the Worker may store pictures and static files, but no other responses of any route."""

import re

import httpx
import pytest

from dev import ROOT
from flux.app import ROUTES
from tests.worker.service import Service, chat_body, content, links, unique

STATIC = sorted(f"/{path.relative_to(ROOT / 'public')}" for path in (ROOT / "public").rglob("*.*"))
KEPT_BY_BROWSERS = "public, max-age=0, must-revalidate"
"""From Cloudflare's asset server: browsers revalidate each time and get a 304, without Python."""
SERVED_AS_FILES = {"/", "/docs", "/openapi.json"}
OURS = sorted(path + "x" * path.endswith("/") for path in ROUTES.keys() - SERVED_AS_FILES)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", OURS)
def test_no_cache_keeps_an_answer_of_ours(service: Service, path: str, method: str) -> None:
    """With and without the key, successful or not."""
    for headers in (None, {"authorization": "Bearer wrong"}):
        answer = service.http.request(method, path, headers=headers)
        assert answer.headers["cache-control"] == "no-store"
        assert not {"etag", "expires", "last-modified"} & set(answer.headers)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/images/generations"])
def test_no_cache_keeps_what_was_drawn_for_somebody(service: Service, path: str, *, stream: bool) -> None:
    answer = service.http.post(path, json={"prompt": "A cat", **chat_body("A cat", stream=stream)})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


def test_a_cache_may_answer_for_a_picture_as_long_as_it_lives(service: Service) -> None:
    """With GET, HEAD, download or a 304. Nothing in the response depends on the caller."""
    [link] = links(content(service.chat(unique("A cat"))))
    whole = httpx.get(link)
    known = {"if-none-match": whole.headers["etag"]}
    for answer, status in (
        (whole, 200),
        (httpx.head(link), 200),
        (httpx.get(f"{link}?download"), 200),
        (httpx.get(link, headers=known), 304),
    ):
        assert answer.status_code == status
        found = re.fullmatch(r"public, max-age=(\d+), must-revalidate, immutable", answer.headers["cache-control"])
        assert found
        assert 0 < int(found[1]) <= 1_800
        assert not {"set-cookie", "vary"} & set(answer.headers)
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", ["/", *STATIC])
def test_a_static_file_never_wakes_python(service: Service, path: str) -> None:
    """Only the last of these requests has a line in the log."""
    before = len(service.log_lines())
    answer = httpx.get(f"{service.url}{path}", follow_redirects=True)
    again = httpx.get(f"{service.url}{path}", headers={"if-none-match": answer.headers["etag"]}, follow_redirects=True)
    health = httpx.get(f"{service.url}/health")
    service.log_line(health)
    assert [line["request_id"] for line in service.log_lines()[before:]] == [health.headers["x-request-id"]]
    assert (answer.status_code, again.status_code) == (200, 304)
    assert "x-request-id" not in answer.headers
    assert answer.headers["cache-control"] == KEPT_BY_BROWSERS
