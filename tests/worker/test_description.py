"""The running Worker held to public/openapi.json: by schemathesis, and where chance does not come."""

import re
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis import Case, CheckContext, CheckFunction, GenerationMode, HookContext, Response
from schemathesis.openapi.checks import RejectedPositiveData
from schemathesis.specs.openapi import checks

from dev import description
from dev.description.refusals import ROWS
from dev.description.schemas import PNG_URL, SHAPE_FIELDS
from tests.worker.service import KEY, SCHNELL, Service, chat_body, unique

EXAMPLES = 60
"""By chance, of each operation; those of the description and those at the edges of every field come before them."""

API = schemathesis.openapi.from_path(
    description.FILE,
    config=schemathesis.Config.from_dict(
        {
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
            # What one answer teaches would change the next request, and a run could not be repeated.
            "phases": {"fuzzing": {"error-feedback": {"enabled": False}, "extra-data-sources": {"responses": False}}},
        }
    ),
)

FORM = "multipart/form-data"
NEVER_WAS, EXPIRED = (f"/image/{22 * 'a'}-{end}.jpg" for end in ("zzzzzzz", "0000001"))
CHAT, GENERATIONS, EDITS = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"

# --- whatever schemathesis thinks of --------------------------------------------------------------

BEYOND_SCHEMAS = {
    ("invalid_value", "size"),  # sides have a range, ratios too
    ("invalid_value", "width"),  # one alone says no size
    ("invalid_value", "height"),
    ("invalid_value", "n"),  # n times width times height has a limit
    ("invalid_value", "aspect_ratio"),  # a ratio has a range
    ("invalid_value", "ratio"),
    ("invalid_value", "image_config"),  # in a form it is a text, of JSON or not
    ("invalid_value", "steps"),  # each model has a range of its own
    ("invalid_value", "image"),  # the bytes are no picture
    ("invalid_value", "images"),
    ("invalid_value", "messages"),
    ("invalid_value", "function_call"),  # an object forces a function
    ("invalid_value", "tool_choice"),
    ("invalid_value", "response_format"),  # no schema is filled in
    ("missing_required_parameter", "image"),  # there, but null or empty
    ("missing_required_parameter", "input"),
    ("invalid_value", "input"),
    ("invalid_value", "text.format"),  # no schema is filled in
    ("previous_response_not_found", "previous_response_id"),  # of another service, or expired
    ("unsupported_model", "model"),  # edits need a model that takes pictures
    ("model_not_found", "model"),
    ("missing_required_parameter", "prompt"),  # more is white space than the patterns of JSON Schema know
    ("missing_required_parameter", "messages"),  # it is the last user message that needs text, besides directives
    ("not_found", ""),  # no picture has this key, or none any more
    ("picture_expired", ""),
}
"""Codes and fields of the refusals that a request may meet which is right by the schemas: what those cannot tell."""


def right_requests_are_followed(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """The check that schemathesis has for this looks at the status alone."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE or response.status_code < 400:
        return
    error = response.json()["error"] if response.content else {"code": "not_found", "param": None}  # HEAD
    field = re.sub(r"^tools\[\d+\]\.", "", error["param"] or "").partition("[")[0]
    if (error["code"], field) not in BEYOND_SCHEMAS:
        raise RejectedPositiveData(
            operation=case.operation.label,
            message="A request that is right by the schemas was refused.",
            status_code=response.status_code,
            allowed_statuses=[],
        )


def wrong_requests_are_refused(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """The check that schemathesis has for this does not know that of the names of a shape only the first counts."""
    named = [name for name in SHAPE_FIELDS if case.body.get(name)] if isinstance(case.body, dict) else []
    if len(named) <= 1:
        checks.negative_data_rejection(ctx, response, case)


@API.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    """Leave out forms with a field that has no name, or a backslash in it: schemathesis does not escape those."""
    if case.media_type != FORM or not isinstance(case.body, dict):
        return True
    return all(name and "\\" not in name for name in case.body)


@API.parametrize()
def test_no_answer_is_outside_the_description(case: Case[Any], service: Service) -> None:
    """Whatever is asked: no 5xx, and no status, type, header or field that the description does not name.

    Nor is a wrong request followed or a right one refused, a key not asked for, a method taken that is not described.
    """
    additional: list[CheckFunction] = [right_requests_are_followed]
    # A form is text on its way, where much is right that was wrong before, and schemathesis cannot always tell.
    if case.media_type != FORM:
        additional.append(wrong_requests_are_refused)
    case.call_and_validate(
        base_url=service.url,
        headers={"Authorization": f"Bearer {KEY}"},
        additional_checks=additional,
        excluded_checks=[checks.positive_data_acceptance, checks.negative_data_rejection],
    )


# --- what it cannot think of ----------------------------------------------------------------------


def conforms(response: httpx.Response) -> None:
    """Raise where an answer is none of those that the description has for the path and method of its request."""
    request = response.request
    [path] = [one for one in API if re.fullmatch(re.sub(r"\{\w+\}", ".+", one), request.url.path)]
    case = API[path][request.method].Case(path_parameters={"id": "", "key": ""})
    case.validate_response(
        response,
        checks=[
            checks.status_code_conformance,
            checks.content_type_conformance,
            checks.response_headers_conformance,
            checks.response_schema_conformance,
        ],
    )


CAUSES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "invalid_json": ("POST", CHAT, {"content": "{"}),
    "invalid_value": ("POST", CHAT, {"json": chat_body("A cat", n=11)}),
    "missing_required_parameter": ("POST", GENERATIONS, {"json": {}}),
    "unsupported_model": ("POST", EDITS, {"json": {"prompt": "A hat", "images": [PNG_URL], "model": SCHNELL}}),
    "content_policy_violation": ("POST", GENERATIONS, {"json": {"prompt": "[[fault 3030]]"}}),
    "invalid_api_key": ("POST", CHAT, {"headers": {"authorization": "Bearer wrong"}}),
    "not_found": ("GET", NEVER_WAS, {}),
    "picture_expired": ("GET", EXPIRED, {}),
    "model_not_found": ("GET", "/v1/models/sora", {}),
    # Of an edit, whose body is read to its end: a client that is still sending when it is refused may miss the answer.
    "request_too_large": ("POST", EDITS, {"content": bytes(2 * 1024 * 1024)}),
    "insufficient_quota": ("POST", GENERATIONS, {"json": {"prompt": "[[fault 3036]]"}}),
    "upstream_error": ("POST", GENERATIONS, {"json": {"prompt": "[[answer empty]]"}}),
    "upstream_not_authorized": ("POST", GENERATIONS, {"json": {"prompt": "[[fault 5018]]"}}),
    "model_overloaded": ("POST", GENERATIONS, {"json": {"prompt": "[[fault 3040]]"}}),
}
"""A request for each error that a caller or the model can cause. The others need a deployment that lacks something:
test_refusals.py."""


@pytest.mark.parametrize("code", CAUSES)
def test_an_error_is_answered_as_described(code: str, service: Service) -> None:
    """With its status, its type, and what its row says of another try."""
    method, path, request = CAUSES[code]
    response = service.http.request(method, path, **request)
    conforms(response)
    error = ROWS[code].error
    got = response.json()["error"]
    assert (response.status_code, got["code"], got["type"]) == (error.status, code, error.type)
    assert response.headers.get("x-should-retry") == error.headers().get("x-should-retry")
    assert ("retry-after" in response.headers) == ("retry-after" in error.headers())


@pytest.mark.parametrize("path", [CHAT, GENERATIONS])
def test_a_stream_that_fails_is_as_described(path: str, service: Service) -> None:
    """After its first second a failure is an event of the stream."""
    prompt = unique("A cat [[delay 1500ms]] [[fault 3030]]")
    body = chat_body(prompt) if path == CHAT else {"prompt": prompt}
    response = service.http.post(path, json={**body, "stream": True})
    assert response.status_code == 200
    conforms(response)
    assert '"content_policy_violation"' in response.text


def test_a_stored_picture_is_as_described(service: Service) -> None:
    """Seen, looked for, saved, known already, and gone."""
    link = service.generate(unique("A cat"), response_format="url").json()["data"][0]["url"]
    shown = service.http.get(link)
    known = {"if-none-match": shown.headers["etag"]}
    for response, status in (
        (shown, 200),
        (service.http.get(f"{link}?download"), 200),
        (service.http.head(link), 200),
        (service.http.get(link, headers=known), 304),
        (service.http.head(link, headers=known), 304),
        (service.http.get(EXPIRED, headers={"accept": "image/avif,image/webp,*/*"}), 404),
        (service.http.head(EXPIRED), 404),
        (service.http.head(NEVER_WAS), 404),
    ):
        assert response.status_code == status
        conforms(response)


def test_the_description_is_served_to_everybody(service: Service) -> None:
    """As it is in the repository, without a key, to a page of any origin."""
    response = httpx.get(f"{service.url}/openapi.json", headers={"origin": "https://elsewhere.example"})
    assert response.text == description.text()
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["access-control-allow-origin"] == "*"
