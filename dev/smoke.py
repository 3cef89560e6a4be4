"""Check a live deployment with two dozen requests, two of which draw: the command behind `make smoke`.

A problem is explained in a sentence, with what to do about it.
"""

import argparse
import base64
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from dev.smoke_report import Exchange, Report
from flux import catalog
from flux.picture import Picture, look

SECONDS = 90
"""For one request. A model that has to be loaded takes up to a minute."""
PARTNER_SECONDS = 240
"""For a request to a model of another maker."""
AT_ONCE = 10
"""Requests sent at the same time. A stuck isolate fails all of them."""


class Wrong(Exception):
    """A check failed. The text says what to do."""


class NotThere(Wrong):
    """Nothing answers at that address, or something else does."""


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The JSON body. Raises `Wrong` if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Wrong(f"the answer is no JSON but: {self.body[:200]!r}") from error

    @property
    def said(self) -> str:
        """The message of an error in OpenAI's format, or else the beginning of the body."""
        try:
            return str(json.loads(self.body)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            return self.body[:200].decode(errors="replace")


@dataclass(frozen=True)
class Deployment:
    """The service under test."""

    url: str
    key: str
    seconds: int = SECONDS
    """Longest wait for one answer."""
    exchanges: list[Exchange] = field(default_factory=list)
    """All requests, for the report."""

    def ask(self, method: str, path: str, body: object = None, *, key: str | None = None, **headers: str) -> Answer:
        """Send a request, with the right key unless another is given ("" for none). Raises `NotThere`."""
        began = time.monotonic()
        try:
            answer = self._ask(method, path, body, key=key, **headers)
        except NotThere:
            self.exchanges.append(Exchange(method, path, 0, {}, b"", time.monotonic() - began))
            raise
        exchange = Exchange(method, path, answer.status, answer.headers, answer.body, time.monotonic() - began)
        self.exchanges.append(exchange)
        return answer

    def _ask(self, method: str, path: str, body: object, *, key: str | None, **headers: str) -> Answer:
        address = path if path.startswith("http") else self.url + path
        token = self.key if key is None else key
        try:
            request = urllib.request.Request(
                address,
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers={"user-agent": "flux-smoke", "origin": "https://smoke.example"}
                | ({"authorization": f"Bearer {token}"} if token else {})
                | {name.replace("_", "-"): value for name, value in headers.items()},
            )
            with urllib.request.urlopen(request, timeout=self.seconds) as response:
                return Answer(response.status, _lower(response.headers), response.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return Answer(refusal.code, _lower(refusal.headers), refusal.read())
        except (OSError, HTTPException) as error:
            raise NotThere(f"{address} cannot be reached: {getattr(error, 'reason', error)}") from error
        except ValueError as error:
            raise NotThere(f"{address} is no address: it should look like https://YOUR-WORKER.workers.dev") from error

    def chat(self, prompt: str, **fields: object) -> Answer:
        """Send a chat request."""
        message = {"role": "user", "content": prompt}
        return self.ask("POST", "/v1/chat/completions", {"messages": [message], **fields})


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@dataclass(frozen=True)
class _Bytes:
    """A `flux.text.Blob` of Python bytes."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]


# --- the checks -----------------------------------------------------------------------------------

REMEDIES = {
    "api_key": "set one with: npx wrangler secret put API_KEY",
    "model": "bind AI in wrangler.toml, or set CF_ACCOUNT_ID and CF_API_TOKEN",
    "writer": "bind AI in wrangler.toml, or set EXTERNAL_API_BASE and EXTERNAL_MODEL, to have prompts rewritten",
    "storage": "bind FLUX_CF_KV in wrangler.toml",
    "images": "bind IMAGES in wrangler.toml: without it pictures keep the size of their model",
    "rate_limiter": "bind RATE_LIMITER in wrangler.toml: without it a key may draw without limit",
}


def everything_is_there(it: Deployment) -> str:
    """/health reports nothing as missing."""
    answer = it.ask("GET", "/health", key="")
    if answer.status != HTTPStatus.OK or b'"checks"' not in answer.body:
        raise NotThere(f"{it.url}/health does not answer as this service does: is that its address?")
    checks = answer.json["checks"]
    missing = [f"{name}: {REMEDIES.get(name, said)}" for name, said in checks.items() if said != "ok"]
    if missing:
        raise Wrong("; ".join(missing))
    return ""


def the_page_is_served(it: Deployment) -> str:
    """/ is the page."""
    if b"<html" not in it.ask("GET", "/", key="").body.lower():
        raise Wrong("/ is no page: is [assets] in wrangler.toml as it came?")
    return ""


def browsers_may_ask(it: Deployment) -> str:
    """A preflight request is allowed."""
    answer = it.ask(
        "OPTIONS",
        "/v1/chat/completions",
        key="",
        access_control_request_method="POST",
        access_control_request_headers="authorization, x-stainless-lang",
    )
    _expect(answer, 204)
    if "x-stainless-lang" not in answer.headers.get("access-control-allow-headers", ""):
        raise Wrong("the preflight does not allow the headers that it was asked for")
    return ""


def nobody_gets_in_without_the_key(it: Deployment) -> str:
    """Requests with a wrong key or none are refused, in a form that browsers can read."""
    for key in ("", f"not-{it.key}"):
        answer = it.ask("GET", "/v1/models", key=key)
        if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:  # API_KEY is not set, so everything is refused
            break
        _expect_error(answer, 401, "invalid_api_key")
        if answer.headers.get("access-control-allow-origin") != "*":
            raise Wrong("a refusal has no CORS headers: browsers hide what it says")
    return ""


def the_key_opens(it: Deployment) -> str:
    """The key lists the models."""
    answer = it.ask("GET", "/v1/models")
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise Wrong("the service does not know this KEY: is it one of those in API_KEY?")
    _expect(answer, 200)
    if catalog.DEFAULT_MODEL not in [one["id"] for one in answer.json["data"]]:
        raise Wrong(f"{catalog.DEFAULT_MODEL} is not in the list of models")
    return ""


def requests_at_once_are_answered(it: Deployment) -> str:
    """Ten requests sent at the same time are all answered."""

    def ask(_: int) -> str:
        try:
            answer = it.ask("GET", "/v1/models")
        except NotThere as nowhere:
            return str(nowhere)
        return "" if answer.status == HTTPStatus.OK else f"HTTP {answer.status}: {answer.said}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        failures = [failure for failure in pool.map(ask, range(AT_ONCE)) if failure]
    if failures:
        raise Wrong(
            f"{len(failures)} of {AT_ONCE} failed, the first with {failures[0]} "
            "(an isolate that has wedged? docs/deploy.md#when-it-goes-wrong)"
        )
    return ""


def refusals_say_what_is_wrong(it: Deployment) -> str:
    """A request without a prompt gets the right error."""
    _expect_error(it.ask("POST", "/v1/chat/completions", {"messages": []}), 400, "invalid_value")
    return ""


def a_chore_draws_nothing(it: Deployment) -> str:
    """A chat app's request for a title is answered in text."""
    task = "### Task:\nGenerate a concise, 3-5 word title.\n<chat_history>\nUSER: A red fox\n</chat_history>"
    answer = it.chat(task)
    _expect(answer, 200)
    if "/image/" in answer.json["choices"][0]["message"]["content"]:
        raise Wrong("a picture was drawn for a title: is CHORES set to draw?")
    return ""


def a_picture_has_the_size_that_it_is_said_to_have(it: Deployment) -> str:
    """A drawn picture can be decoded, and has the size and type that the answer states."""
    answer = it.chat("A red fox in the snow 3:2")
    _expect(answer, 200)
    link, first = _check_picture(it, answer.json["choices"][0]["message"]["content"], "768x512")
    again = it.ask("GET", link, key="")
    if (again.status, again.body) != (first.status, first.body):
        raise Wrong("the picture was another one when it was asked for again")
    cache = again.headers.get("cf-cache-status", "none")
    return (
        f"asked for again, {'a cache answered' if cache == 'HIT' else f'no cache answered (cf-cache-status: {cache})'}"
    )


def a_stream_tells_how_it_goes(it: Deployment) -> str:
    """A streamed answer arrives in the order that clients expect, and ends."""
    answer = it.chat("A lighthouse at dusk 16:9", stream=True)
    _expect(answer, 200)
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        raise Wrong("a streamed answer is no event stream")
    lines = answer.body.decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    if not data or data[-1] != "[DONE]":
        raise Wrong("the stream does not end with [DONE]")
    chunks = [json.loads(one) for one in data[:-1]]
    if failures := [one["error"]["message"] for one in chunks if "error" in one]:
        raise Wrong(failures[0])
    deltas = [one["choices"][0]["delta"] for one in chunks if one["choices"]]
    if deltas[0].get("role") != "assistant":
        raise Wrong("the stream does not begin with a role")
    _check_picture(it, "".join(one.get("content", "") for one in deltas), "1024x576")
    return ""


def draws_with(model: str) -> "Check":
    """A check that a model of another maker draws. It costs money, so it runs only on request."""

    def a_model_of_another_maker_draws(it: Deployment) -> str:
        listed = it.ask("GET", "/v1/models")
        _expect(listed, 200)
        if model not in [one["id"] for one in listed.json["data"]]:
            raise Wrong(f"{model} is not in the list of models: does PARTNER_MODELS enable it?")
        began = time.monotonic()
        patient = replace(it, seconds=PARTNER_SECONDS)
        answer = patient.ask("POST", "/v1/images/generations", {"prompt": "A red fox in the snow", "model": model})
        _expect(answer, 200)
        found = look(_Bytes(base64.b64decode(answer.json["data"][0]["b64_json"])))
        if found is None:
            raise Wrong("what came is no picture")
        return f"{found.type} {found.size} in {time.monotonic() - began:.0f} s"

    return a_model_of_another_maker_draws


Check = Callable[[Deployment], str]
"""Raises `Wrong`, or returns a remark, "" for none."""

CHECKS: tuple[Check, ...] = (
    everything_is_there,
    the_page_is_served,
    browsers_may_ask,
    nobody_gets_in_without_the_key,
    the_key_opens,
    requests_at_once_are_answered,
    refusals_say_what_is_wrong,
    a_chore_draws_nothing,
    a_picture_has_the_size_that_it_is_said_to_have,
    a_stream_tells_how_it_goes,
)


def _check_picture(it: Deployment, content: str, size: str) -> tuple[str, Answer]:
    """The link in an answer, and the picture it leads to."""
    _, _, link = content.partition("](")
    link = link.removesuffix(")")
    if link.startswith("data:"):
        raise Wrong("the picture came in the answer itself: FLUX_CF_KV did not keep it (the free plan has 1,000 a day)")
    if not link.startswith("http"):
        raise Wrong(f"the answer holds no link to a picture: {content[:200]}")
    try:
        answer = it.ask("GET", link, key="")
    except NotThere as nowhere:
        raise Wrong(f"{nowhere} (is PUBLIC_URL right?)") from nowhere
    _expect(answer, 200)
    found: Picture | None = look(_Bytes(answer.body))
    if found is None or found.type != answer.headers.get("content-type"):
        raise Wrong(f"{link} is no picture of the type that its header says")
    if found.size != size or size not in content:
        raise Wrong(f"the picture is {found.size} instead of {size}: is IMAGES bound?")
    return link, answer


def _expect(answer: Answer, status: int) -> None:
    if answer.status != status:
        raise Wrong(f"HTTP {answer.status} instead of {status}: {answer.said}")


def _expect_error(answer: Answer, status: int, code: str) -> None:
    _expect(answer, status)
    error = answer.json.get("error", {})
    if set(error) != {"message", "type", "param", "code"} or error["code"] != code:
        raise Wrong(f"the error is not {code} in OpenAI's shape: {answer.body[:300]!r}")


# --- the command ----------------------------------------------------------------------------------


class Found(NamedTuple):
    """The outcome of a check."""

    sentence: str
    problem: str
    """"" if there is none."""
    note: str


def check(it: Deployment, checks: tuple[Check, ...] = CHECKS) -> Iterator[Found]:
    """Run each check. Stops if all further ones would fail for the same reason."""
    for one in checks:
        sentence = one.__name__.replace("_", " ")
        try:
            yield Found(sentence, "", one(it))
        except Wrong as wrong:
            yield Found(sentence, str(wrong), "")
            if isinstance(wrong, NotThere) or one is the_key_opens:
                return
        except (KeyError, IndexError, TypeError, ValueError) as error:
            yield Found(sentence, f"the answer has not the shape that it should have ({error!r})", "")


def _check_writable(path: str) -> None:
    """Fail early, before anything is drawn."""
    try:
        Path(path).touch()
    except OSError as error:
        sys.exit(f"The report cannot be written to {path} ({error.strerror}): choose another REPORT.")


def main() -> None:
    """Run the checks, print the results, and fail if there is a problem."""
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__.splitlines()[0])
    parser.add_argument("url", help="where the service is, such as https://flux-image-api.NAME.workers.dev")
    parser.add_argument("key", help="one of its API keys")
    parser.add_argument("--report", default="", help="a file for what was found, free of keys, prompts and addresses")
    parser.add_argument("--partner", default="", help="draw one more picture, with this model of another maker")
    options = parser.parse_args()
    if not (options.key.isascii() and options.key.isprintable()):
        sys.exit("KEY has a character that cannot be sent: a key consists of printable ASCII characters.")
    if options.report:
        _check_writable(options.report)
    checks = (*CHECKS, draws_with(options.partner)) if options.partner else CHECKS
    url = options.url if "://" in options.url else f"https://{options.url}"
    it = Deployment(url.rstrip("/").removesuffix("/v1"), options.key)
    report = Report()
    print(f"Asking {it.url}, which draws {'three' if options.partner else 'two'} pictures:", flush=True)
    tried = wrong = 0
    for sentence, problem, note in check(it, checks):
        added = problem or note
        print(f"{'WRONG' if problem else 'ok   '} {sentence}{f': {added}' if added else ''}", flush=True)
        report.add(sentence, is_wrong=bool(problem), exchanges=it.exchanges)
        it.exchanges.clear()
        tried += 1
        wrong += bool(problem)
    if options.report:
        Path(options.report).write_text(report.text())
        print(f"Written to {options.report}: what to send with a problem.")
    untried = f", {len(checks) - tried} were not tried" if tried < len(checks) else ""
    sys.exit(f"{wrong} of {tried} checks failed{untried}." if wrong else 0)


if __name__ == "__main__":
    main()
