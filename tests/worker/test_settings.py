"""A Worker with every setting changed, and the effect of each."""

from collections.abc import Iterator

import httpx
import pytest

from tests.worker.service import Ledger, Service, Start, chat_body, content, error_of, links, unique

LUCID, KLEIN = "@cf/leonardo/lucid-origin", "@cf/black-forest-labs/flux-2-klein-4b"
WRITER = "@cf/openai/gpt-oss-20b"


@pytest.fixture(scope="module")
def configured(start: Start) -> Iterator[Service]:
    """Numbers and booleans as in `[vars]`, and one setting left empty as in the dashboard."""
    with start(
        vars={
            "API_KEY": " first-key ,test-key,",
            "FLUX_MODEL": "lucid-origin",
            "FLUX_FALLBACK_MODEL": KLEIN,
            "FLUX_NUM_STEPS": 99,
            "IMAGE_EXPIRATION": 60,
            "PROMPT_OPTIMIZATION": True,
            "PROMPT_MODEL": WRITER,
            "SYSTEM_MESSAGE": "Write haiku.",
            "PUBLIC_URL": "https://pictures.example/flux/",
            "RESPONSE_LANGUAGE": "de",
            "LOG_PROMPTS": "yes",
            "CHORES": "draw",
            "AI_GATEWAY_ID": "  ",
        }
    ) as running:
        assert running.http.get("/health").json()["status"] == "ok"
        yield running


def test_each_of_several_keys_opens_the_door_and_nothing_else_does(configured: Service) -> None:
    for key, status in (("first-key", 200), ("test-key", 200), ("first-key ,test-key,", 401), (",", 401)):
        headers = {"authorization": f"Bearer {key}"}
        assert httpx.get(f"{configured.url}/v1/models", headers=headers).status_code == status


def test_the_default_model_is_the_owners_choice_with_as_many_steps_as_it_takes(
    configured: Service, ledger: Ledger
) -> None:
    prompt = unique("a terrace")
    assert configured.chat(f"{prompt} --raw").json()["model"] == LUCID
    [call] = ledger.calls(prompt)
    assert (call["model"], call["inputs"]["num_steps"]) == (LUCID, 40)


def test_a_fallback_model_draws_when_the_first_has_no_capacity(configured: Service, ledger: Ledger) -> None:
    prompt = unique("a pier [[fault 3040 on lucid-origin]]")
    answer = configured.chat(f"{prompt} --raw").json()
    assert answer["model"] == KLEIN
    models = [call["model"] for call in ledger.calls(prompt)]
    assert set(models[:-1]) == {LUCID}
    assert models[-1] == KLEIN


def test_links_start_with_the_public_address(configured: Service) -> None:
    prompt = unique("a gable")
    [link] = links(content(configured.chat(prompt)))
    [image] = configured.generate(prompt).json()["data"]
    for url in (link, image["url"]):
        start, key = url.rsplit("/", 1)
        assert start == "https://pictures.example/flux/image"
        response = httpx.get(f"{configured.url}/image/{key}")
        assert response.status_code == 200
        assert 0 < int(response.headers["cache-control"].split("=")[1].split(",")[0]) <= 60


def test_the_answer_speaks_the_owners_language(configured: Service) -> None:
    text = content(configured.chat(unique("ein Fuchs")))
    assert text.startswith("🎨 Ursprünglicher Prompt: ein Fuchs")
    assert "Hier ist das Ergebnis:" in text


def test_the_writer_and_what_it_is_told_are_the_owners_choice(configured: Service, ledger: Ledger) -> None:
    prompt = unique("a bell")
    assert WRITER in content(configured.chat(prompt))
    [written, _] = ledger.calls(prompt)
    assert written["model"] == WRITER
    assert written["inputs"]["messages"] == [
        {"role": "system", "content": "Write haiku."},
        {"role": "user", "content": prompt},
    ]


def test_prompts_are_logged_only_where_the_owner_wants_it(configured: Service, service: Service) -> None:
    prompt = unique("a diary")
    assert configured.log_line(configured.chat(prompt))["prompt"] == prompt
    service.log_line(service.chat(prompt))
    assert prompt not in service.log()


def test_chores_are_drawn_where_the_owner_wants_it(configured: Service, service: Service, ledger: Ledger) -> None:
    """Open WebUI's header is the surest sign of a chore."""
    prompt = unique("a title card")
    body = chat_body(f"{prompt} --raw")
    for worker, drawn in ((service, []), (configured, ["ok"])):
        response = worker.http.post("/v1/chat/completions", json=body, headers={"x-openwebui-task": "title_generation"})
        assert bool(links(content(response))) == bool(drawn)
        assert ledger.outcomes(prompt) == drawn


def test_a_refusal_says_nothing_of_the_settings(configured: Service) -> None:
    response = configured.generate("")
    assert error_of(response)["param"] == "prompt"
    for secret in ("first-key", "test-key", "haiku"):
        assert secret not in configured.http.get("/health").text
        assert secret not in response.text
