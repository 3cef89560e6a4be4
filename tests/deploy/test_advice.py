"""The advice for each failure of wrangler, chosen by the code and the message in wrangler's output file."""

import pytest

from dev.deploy import Failed, address, target

API = "A request to the Cloudflare API (/accounts/0/workers/scripts/flux-image-api) failed."

ADVICE = {
    (9109, API): "Cloudflare refused the token",
    (10000, API): "Cloudflare refused the token",
    (10014, API): "The KV namespace exists already: repeat `make deploy`",
    (10021, API): "Cloudflare could not start the Worker",
    (10027, API): "The Worker is larger than the plan allows",
    (10034, API): "Verify the email address",
    (971, API): "Repeat `make deploy` in a few minutes",
    (10013, API): "Repeat `make deploy` in a few minutes",
    (0, "Received a malformed response from the API"): "Repeat `make deploy` in a few minutes",
    (0, "fetch failed"): "Cloudflare's API cannot be reached from here",
    (0, "... because the Cloudflare auth server could not be reached. ..."): "Cloudflare's API cannot be reached",
    # Errors for which retrying is useless, such as a hundred Workers on the free plan.
    (10037, API): "Cloudflare refused this, for the reason above: correct that and repeat",
    (10353, API): "Cloudflare refused this, for the reason above: correct that and repeat",
    # If a domain failed, the code is in the message.
    (
        0,
        f"Trigger configuration was only partially updated:\n  - {API}\n - No. [code: 10000]",
    ): "Cloudflare refused the",
    (
        0,
        f"Trigger configuration was only partially updated:\n  - {API}\n - No. [code: 100117]",
    ): "Cloudflare refused this",
    # wrangler's own message needs no addition.
    (0, 'You need to provide the name of your worker. Either pass it as a cli arg with "--name"'): "",
}


@pytest.mark.parametrize(("code", "message"), ADVICE)
def test_the_advice_fits_the_failure(code: int, message: str) -> None:
    advice = Failed(code, message).advice
    assert advice.startswith(ADVICE[code, message])
    assert bool(advice) == bool(ADVICE[code, message])


def test_an_address_is_told_without_its_zone() -> None:
    """So that it can be pasted after `make smoke URL=`."""
    assert address("https://flux-image-api.name.workers.dev") == "https://flux-image-api.name.workers.dev"
    assert address("images.example.com (custom domain - zone name: example.com)") == "images.example.com"
    assert address("example.com/images/* (zone id: 0)") == "example.com/images"


def test_the_name_is_that_which_wrangler_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment's own name, else the file's name and the environment's. A build service's name precedes both."""
    monkeypatch.delenv("WRANGLER_CI_OVERRIDE_NAME", raising=False)
    configured = {"name": "one", "env": {"staging": {}, "live": {"name": "two"}}}
    assert [target(configured, name).name for name in ("", "staging", "live")] == ["one", "one-staging", "two"]
    monkeypatch.setenv("WRANGLER_CI_OVERRIDE_NAME", "three")
    assert target(configured, "live").name == "three"
    assert target(configured, "live").title == "three-flux-cf-kv"
