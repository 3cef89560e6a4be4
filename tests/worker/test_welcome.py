"""What a visitor without a key sees."""

import httpx

from tests.worker.service import Service


def test_the_welcome_page_names_what_there_is(service: Service) -> None:
    page = httpx.get(f"{service.url}/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    for path in ("/v1/chat/completions", "/v1/images/generations", "/v1/models"):
        assert path in page.text


def test_health_tells_what_is_there_and_no_value(service: Service) -> None:
    response = httpx.get(f"{service.url}/health")
    health = response.json()
    assert (response.status_code, health["status"]) == (200, "ok")
    assert set(health["checks"].values()) == {"ok"}
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
