"""What a visitor without a key sees."""

import httpx

from flux.app import API, TOOLS
from tests.worker.service import Service


def test_the_welcome_page_leads_to_the_reference_which_names_every_endpoint(service: Service) -> None:
    page, reference = (httpx.get(f"{service.url}{path}") for path in ("/", "/docs"))
    for answer in (page, reference):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/docs"' in page.text
    for route in API + TOOLS:
        assert route.absent or route.path.rstrip("/") in reference.text


def test_health_tells_what_is_there_and_no_value(service: Service) -> None:
    response = httpx.get(f"{service.url}/health")
    health = response.json()
    assert (response.status_code, health["status"]) == (200, "ok")
    assert set(health["checks"].values()) == {"ok"}
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["cache-control"] == "no-store"
