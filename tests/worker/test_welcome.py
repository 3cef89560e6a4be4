"""What is served without Python."""

import httpx

from tests.worker.service import Service


def test_the_welcome_page_never_starts_python(service: Service) -> None:
    """Of the two requests only the second leaves a line of ours."""
    before = len(service.log_lines())
    page = httpx.get(f"{service.url}/")
    health = httpx.get(f"{service.url}/health")
    service.log_line(health)
    assert [line["request_id"] for line in service.log_lines()[before:]] == [health.headers["x-request-id"]]
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "x-request-id" not in page.headers
    for path in ("/v1/chat/completions", "/v1/images/generations", "/v1/models"):
        assert path in page.text


def test_health_tells_what_is_there_and_no_value(service: Service) -> None:
    response = httpx.get(f"{service.url}/health")
    health = response.json()
    assert (response.status_code, health["status"]) == (200, "ok")
    assert set(health["checks"].values()) == {"ok"}
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
