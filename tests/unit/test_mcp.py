"""`POST /mcp`: the tools, their results and their streams, over the whole app."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import mcp_types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from flux import catalog, fields, sizes, upstream
from flux.endpoints.mcp import tools
from flux.endpoints.mcp.protocol import LEGACY, MODERN
from flux.http import MAX_BODY
from flux.pipeline import MAX_PREVIEW, MAX_SHOWN_WHOLE, PREVIEW_SIDE
from flux.ports import NotStored, ResizeFailed
from flux.words import LANGUAGES
from tests.builders import KEY, KLEIN, ORIGIN, SCHNELL, SDXL, Answer, Service, data_url, posted, request, stream_of
from tests.fakes import (
    Allowance,
    Bytes,
    Drawing,
    Painter,
    Posted,
    Rewriter,
    Scissors,
    Shelf,
    decode,
    encoded,
    opened,
    painted,
    shows,
)

pytestmark = pytest.mark.usefixtures("clock")

MCP = "/mcp"
EN = LANGUAGES["en"]
STREAMED = {"accept": "application/json, text/event-stream"}
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN[0],
    "io.modelcontextprotocol/clientCapabilities": {},
}
PHOTO = data_url(encoded(opened(painted("A photo", 300, 200)), "image/png"))
ERAS = ("modern", "legacy")


async def ask(
    service: Service,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    era: str = "legacy",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to a request of an era."""
    params, sent = dict(params or {}), dict(headers or {})
    if era == "modern":
        params["_meta"] = META | params.get("_meta", {})
        sent |= {"mcp-protocol-version": MODERN[0], "mcp-method": method}
        if "name" in params:
            sent["mcp-name"] = params["name"]
    return await service.post(MCP, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, headers=sent)


def result_of(answer: Answer) -> dict[str, Any]:
    """The result in an answer."""
    assert answer.status == 200, answer.text
    assert answer.json.keys() == {"jsonrpc", "id", "result"}
    found: dict[str, Any] = answer.json["result"]
    return found


async def call(service: Service, tool: str, *, era: str = "legacy", **arguments: Any) -> dict[str, Any]:
    """The result of a tool, checked against the protocol's format."""
    result = result_of(await ask(service, "tools/call", {"name": tool, "arguments": arguments}, era=era))
    mcp_types.CallToolResult.model_validate(result)
    return result


async def draw(service: Service, prompt: str = "A cat", **arguments: Any) -> list[dict[str, Any]]:
    """The content blocks of a successful drawing."""
    result = await call(service, "draw", prompt=prompt, **arguments)
    assert not result.get("isError"), result
    blocks: list[dict[str, Any]] = result["content"]
    return blocks


def said(result: dict[str, Any]) -> str:
    """The message of a failed call."""
    assert result["isError"] is True, result
    [block] = result["content"]
    return str(block["text"])


def kinds(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["type"] for block in blocks]


# --- around the tools -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/v1/mcp"])
async def test_it_is_found_at_its_path(path: str) -> None:
    answer = await Service().post(path, {"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert answer.json == {"jsonrpc": "2.0", "id": 1, "result": {}}


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "PUT"])
async def test_no_stream_is_opened_and_no_session_ended(method: str) -> None:
    answer = await Service().ask(request(MCP, method))
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


async def test_the_key_is_asked_for() -> None:
    answer = await Service().ask(posted(MCP, {"jsonrpc": "2.0", "id": 1, "method": "ping"}, key=None))
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_any_origin_is_let_in_with_the_key_alone(origin: str) -> None:
    """As everywhere: browsers do not add the key by themselves."""
    service = Service()
    answer = await ask(service, "ping", headers={"origin": origin})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert not {name for name in answer.headers if name.startswith(("set-cookie", "access-control-allow-credentials"))}
    refused = await service.ask(
        posted(MCP, {"jsonrpc": "2.0", "id": 1, "method": "ping"}, {"origin": origin}, key=None)
    )
    assert refused.status == 401


async def test_hosts_of_the_transport_before_are_told_the_address() -> None:
    answer = await Service().get("/sse")
    assert answer.status == 404
    assert "/mcp" in answer.error["message"]


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/cancelled", "notifications/other"])
@pytest.mark.parametrize("headers", [{}, {"mcp-protocol-version": MODERN[0]}])
async def test_a_notification_is_taken_without_an_answer(method: str, headers: dict[str, str]) -> None:
    answer = await Service().post(MCP, {"jsonrpc": "2.0", "method": method}, headers=headers)
    assert (answer.status, answer.text) == (202, "")


async def test_a_body_that_is_no_json_is_told_where() -> None:
    answer = await Service().post(MCP, "{")
    assert (answer.status, answer.json["error"]["code"], answer.json["id"]) == (400, -32700, None)
    assert "line 1" in answer.json["error"]["message"]


async def test_a_batch_is_refused() -> None:
    answer = await Service().post(MCP, [{"jsonrpc": "2.0", "id": 1, "method": "ping"}])
    assert (answer.status, answer.json["error"]["code"]) == (400, -32600)


async def test_a_body_may_be_as_large_as_any_with_pictures() -> None:
    answer = await Service().ask(request(MCP, "POST", body=Posted(b" " * (MAX_BODY + 1))))
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/list", "x/y"])
async def test_the_modern_era_has_no_handshake_and_no_ping(method: str) -> None:
    answer = await ask(Service(), method, era="modern")
    assert (answer.status, answer.json["error"]["code"], answer.json["id"]) == (404, -32601, 1)


async def test_an_old_client_hears_of_an_unknown_method_without_losing_its_connection() -> None:
    answer = await ask(Service(), "server/discover")
    assert (answer.status, answer.json["error"]["code"]) == (200, -32601)


async def test_an_old_client_is_greeted() -> None:
    result = result_of(await ask(Service(), "initialize", {"protocolVersion": LEGACY[1], "capabilities": {}}))
    greeting = mcp_types.InitializeResult.model_validate(result)
    assert (greeting.protocol_version, greeting.instructions) == (LEGACY[1], tools.INSTRUCTIONS)


async def test_a_new_client_discovers_the_server() -> None:
    found = mcp_types.DiscoverResult.model_validate(result_of(await ask(Service(), "server/discover", era="modern")))
    assert found.supported_versions[0] == MODERN[0]


async def test_settings_that_are_wrong_are_refused_as_everywhere() -> None:
    answer = await ask(Service(variables={"FLUX_MODEL": "nothing"}), "ping")
    assert (answer.status, answer.error["code"]) == (500, "invalid_configuration")


# --- the list -------------------------------------------------------------------------------------


async def listed(era: str = "legacy") -> dict[str, mcp_types.Tool]:
    """The tools by name."""
    result = result_of(await ask(Service(), "tools/list", era=era))
    found = mcp_types.ListToolsResult.model_validate(result).tools
    return {tool.name: tool for tool in found}


@pytest.mark.parametrize("era", ERAS)
async def test_the_tools_are_listed_in_both_eras(era: str) -> None:
    found = await listed(era)
    assert list(found) == ["draw", "edit", "list_models"]
    for tool in found.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.input_schema["additionalProperties"] is False
        assert tool.title
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.destructive_hint is False
        assert tool.annotations.read_only_hint is (tool.name == "list_models")
        for argument in tool.input_schema["properties"].values():
            assert argument["description"].endswith((".", "'"))


async def test_schemas_are_those_of_the_tables() -> None:
    found = await listed()
    draw, edit = (found[name].input_schema["properties"] for name in ("draw", "edit"))
    assert draw["aspect_ratio"]["enum"] == list(sizes.RATIOS)
    assert draw["model"]["enum"] == list(catalog.MODELS)
    assert edit["model"]["enum"] == [id for id, model in catalog.MODELS.items() if model.max_images]
    assert edit["images"]["maxItems"] == max(model.max_images for model in catalog.MODELS.values())
    assert (draw["n"]["minimum"], draw["n"]["maximum"]) == (1, tools.MAX_PICTURES)
    assert (draw["steps"]["minimum"], draw["steps"]["maximum"]) == fields.RANGES["steps"]
    assert {fields.FORMATS[name] for name in draw["output_format"]["enum"]} == set(fields.FORMATS.values())
    assert draw.keys() - edit.keys() == set()
    assert edit.keys() - draw.keys() == {"images"}


@pytest.mark.parametrize(
    ("variables", "offered"),
    [({"PARTNER_MODELS": "google/nano-banana"}, True), ({}, False)],
    ids=["enabled", "not enabled"],
)
async def test_a_model_of_another_maker_is_offered_where_it_is_enabled(
    variables: dict[str, str], *, offered: bool
) -> None:
    service = Service(variables=variables)
    tools_listed = result_of(await ask(service, "tools/list"))["tools"]
    [draw] = [tool["inputSchema"]["properties"] for tool in tools_listed if tool["name"] == "draw"]
    listed_models = result_of(await ask(service, "tools/call", {"name": "list_models"}))["content"][0]["text"]
    assert ("google/nano-banana" in draw["model"]["enum"]) == offered
    assert ("google/nano-banana" in listed_models) == offered


async def test_every_choice_that_a_schema_offers_is_drawn() -> None:
    schema = (await listed())["draw"].input_schema
    for name, argument in schema["properties"].items():
        for value in argument.get("enum", ()):
            arguments = {"prompt": "A cat", name: value}
            jsonschema.validate(arguments, schema)
            assert "image" in kinds(await draw(Service(), **arguments)), arguments


async def test_the_models_are_told_with_what_they_can_do() -> None:
    service = Service(variables={"FLUX_MODEL": KLEIN})
    result = await call(service, "list_models")
    [block] = result["content"]
    lines = block["text"].split("\n")
    assert [line.split()[0] for line in lines] == list(catalog.MODELS)
    [default] = [line for line in lines if "the default" in line]
    assert default.startswith(KLEIN)
    assert "edits up to 4 pictures" in default
    assert service.painter.drawings == []


# --- drawing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
async def test_a_picture_comes_as_a_preview_a_link_and_a_sentence(era: str) -> None:
    service = Service()
    result = await call(service, "draw", era=era, prompt="A cute cat", aspect_ratio="3:2")
    image, link, text = result["content"]
    found = await service.open(link["uri"])
    assert opened(found.data).size == (768, 512)
    assert (link["mimeType"], link["size"]) == (found.headers["content-type"], len(found.data))
    assert link["name"] == link["uri"].rpartition("/")[2]
    preview = decode(image["data"])
    assert shows(preview, "A cute cat")
    assert (image["mimeType"], max(opened(preview).size)) == ("image/jpeg", PREVIEW_SIDE)
    assert preview.size <= MAX_PREVIEW
    assert text["text"] == f"{link['uri']} (768x512 JPEG, drawn by {SCHNELL}). The link expires in 30 minutes."
    assert "structuredContent" not in result
    assert ("resultType" in result) is (era == "modern")


async def test_a_prompt_is_taken_as_it_is() -> None:
    """Directives are only for conversations."""
    service = Service()
    blocks = await draw(service, "A cat 16:9 --n 3")
    assert [drawing.prompt for drawing in service.painter.drawings] == ["A cat 16:9 --n 3"]
    assert "1024x1024" in blocks[2]["text"]


async def test_arguments_are_followed() -> None:
    service = Service()
    blocks = await draw(
        service, model=SDXL, size="640x320", seed=5, steps=9, negative_prompt="dogs", output_format="webp", n=2
    )
    assert kinds(blocks) == ["image", "resource_link", "text"] * 2
    first, second = service.painter.drawings
    assert (first.inputs["seed"], second.inputs["seed"]) == (5, 6)
    assert (first.inputs["num_steps"], first.inputs["negative_prompt"]) == (9, "dogs")
    assert (blocks[1]["mimeType"], "640x320 WebP" in blocks[2]["text"]) == ("image/webp", True)


async def test_what_could_not_be_followed_is_said_at_the_end() -> None:
    blocks = await draw(Service(), seed=5, negative_prompt="dogs", n=2)
    assert "\n" not in blocks[2]["text"]
    _, *told = blocks[5]["text"].split("\n")
    assert told == [
        EN.seed_ignored.removeprefix("⚠️ "),
        EN.fields_ignored.removeprefix("⚠️ ").format("negative_prompt"),
    ]


async def test_the_rewritten_prompt_is_told() -> None:
    service = Service(variables={"PROMPT_OPTIMIZATION": "true"}, writer=Rewriter("A fluffy cat"))
    assert "A fluffy cat" in (await draw(service))[2]["text"]


async def test_pictures_that_were_drawn_are_delivered_and_what_failed_is_said() -> None:
    blocks = await draw(Service(painter=Painter(None, upstream.failure("3043: broken"))), n=2)
    assert kinds(blocks) == ["image", "resource_link", "text"]
    assert "1 of 2 pictures could not be drawn" in blocks[2]["text"]


async def test_pictures_count_against_the_rate_of_the_key() -> None:
    service = Service(limiter=Allowance(4))
    await draw(service, n=4)
    assert "Too many pictures" in said(await call(service, "draw", prompt="A cat"))
    assert len(service.painter.drawings) == 4


async def test_the_log_has_the_route_and_the_tool() -> None:
    service = Service()
    await draw(service)
    await call(service, "edit", prompt="A cat", images=[f"{ORIGIN}/x.jpg"])
    await ask(service, "tools/call", {"name": "x"})
    drawn, edited, unknown = service.log
    assert (drawn["route"], drawn["tool"], drawn["model"], drawn["status"]) == (MCP, "draw", SCHNELL, 200)
    assert (edited["tool"], edited["error"]) == ("edit", "invalid_value")
    assert (unknown["error"], "tool" in unknown) == ("-32602", False)


# --- previews -------------------------------------------------------------------------------------


async def test_a_small_picture_is_its_own_preview() -> None:
    """Each preview is a billed transformation."""
    service = Service()
    blocks = await draw(service, model=SDXL, size="512x512")
    found = await service.open(blocks[1]["uri"])
    assert decode(blocks[0]["data"]).data == found.data
    assert service.resizer.fits == []


class Noisy(Painter):
    """Draws pictures that compress badly."""

    async def draw(self, *given: Any, **options: Any) -> Any:
        drawn = await super().draw(*given, **options)
        noise = Image.merge("RGB", [Image.effect_noise((drawn.width, drawn.height), 200) for _ in range(3)])
        return type(drawn)("image/jpeg", drawn.width, drawn.height, Bytes(encoded(noise, "image/jpeg", quality=95)))


async def test_a_preview_that_is_too_large_is_made_again() -> None:
    service = Service(painter=Noisy())
    blocks = await draw(service)
    assert decode(blocks[0]["data"]).size <= MAX_PREVIEW
    assert [side for side, _, _ in service.resizer.fits] == [PREVIEW_SIDE, PREVIEW_SIDE // 2]


@pytest.mark.parametrize("painter", [Painter(), Noisy()])
@pytest.mark.parametrize("broken", [True, False])
async def test_without_a_preview_the_picture_itself_is_shown_if_it_is_not_large(
    painter: Painter, *, broken: bool
) -> None:
    resizer = Scissors(*[ResizeFailed("9523")] * 9) if broken else None
    service = Service(painter=painter, resizer=resizer, unbound=() if broken else ("resizer",))
    blocks = await draw(service)
    [link] = [block for block in blocks if block["type"] == "resource_link"]
    is_shown = link["size"] <= MAX_SHOWN_WHOLE
    assert is_shown is (type(painter) is Painter)
    assert kinds(blocks) == ["image", "resource_link", "text"] if is_shown else ["resource_link", "text"]
    assert service.log[0]["preview_error"]


async def test_a_picture_that_cannot_be_stored_is_shown_whole() -> None:
    """It is paid for."""
    blocks = await draw(Service(store=Shelf(NotStored("429"))))
    assert kinds(blocks) == ["image", "text"]
    assert opened(decode(blocks[0]["data"])).size == (1024, 1024)
    assert EN.not_stored.removeprefix("⚠️ ") in blocks[1]["text"]


# --- editing --------------------------------------------------------------------------------------


async def test_a_picture_is_edited_by_its_link_or_by_its_bytes() -> None:
    service = Service()
    link = (await draw(service, aspect_ratio="3:2"))[1]["uri"]
    result = await call(service, "edit", prompt="A red cat", images=[link, PHOTO])
    assert kinds(result["content"]) == ["image", "resource_link", "text"]
    drawing: Drawing = service.painter.drawings[-1]
    assert (drawing.model.id, len(drawing.images)) == (KLEIN, 2)
    assert shows(drawing.images[0], "A cat")
    assert shows(drawing.images[1], "A photo")


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "no prompt": ("draw", {}, "Send a 'prompt'"),
    "a blank prompt": ("draw", {"prompt": " "}, "Send a 'prompt'"),
    "a prompt that is no text": ("draw", {"prompt": 5}, "'prompt' must be a string"),
    "too many": ("draw", {"prompt": "A cat", "n": 5}, "from 1 to 4"),
    "an unknown model": ("draw", {"prompt": "A cat", "model": "x"}, "no model 'x'"),
    "an impossible size": ("draw", {"prompt": "A cat", "size": "1x1"}, "64 to 4096"),
    "an impossible ratio": ("draw", {"prompt": "A cat", "aspect_ratio": "9:1"}, "1:4 to 4:1"),
    "steps out of range": ("draw", {"prompt": "A cat", "steps": 9}, "1 to 8 steps"),
    "a model that cannot edit": ("edit", {"prompt": "A cat", "images": [PHOTO], "model": SCHNELL}, "takes no pictures"),
    "no picture": ("edit", {"prompt": "A cat"}, "at least one picture"),
    "an empty list of pictures": ("edit", {"prompt": "A cat", "images": []}, "at least one picture"),
    "a link of another host": ("edit", {"prompt": "A cat", "images": ["https://x.example/a.png"]}, "Only links to"),
    "a link that has expired": (
        "edit",
        {"prompt": "A cat", "images": [f"{ORIGIN}/image/AAAAAAAAAAAAAAAAAAAAAA-0tp4uqm.jpg"]},
        "expired",
    ),
    "no base64": ("edit", {"prompt": "A cat", "images": ["data:image/png;base64,???"]}, "cannot be decoded"),
    "no picture in it": ("edit", {"prompt": "A cat", "images": ["data:image/png;base64,AAAA"]}, "is no PNG"),
}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_value_is_told_to_the_model_and_nothing_is_drawn(case: str, era: str) -> None:
    tool, arguments, sentence = WRONG[case]
    service = Service()
    assert sentence in said(await call(service, tool, era=era, **arguments))
    assert service.painter.drawings == []
    assert service.limiter.spent == {}


MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({}, "draw, edit, list_models"),
    "an unknown tool": ({"name": "paint"}, "no tool 'paint'"),
    "a name that is no text": ({"name": 5}, "must name a tool"),
    "arguments that are no object": ({"name": "draw", "arguments": ["A cat"]}, "must be an object"),
    "an unknown argument": ({"name": "draw", "arguments": {"prompt": "A cat", "style": "x"}}, "no argument 'style'"),
    "the argument of another tool": ({"name": "draw", "arguments": {"prompt": "A cat", "images": []}}, "'images'"),
    "an argument too many": ({"name": "list_models", "arguments": {"x": 1}}, "takes no arguments"),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_call_that_is_malformed_is_refused(case: str) -> None:
    params, sentence = MALFORMED[case]
    service = Service()
    answer = await ask(service, "tools/call", params)
    assert (answer.status, answer.json["error"]["code"]) == (200, -32602)
    assert sentence in answer.json["error"]["message"]
    assert service.painter.drawings == []


async def test_a_new_client_hears_of_a_malformed_call_by_its_status() -> None:
    answer = await ask(Service(), "tools/call", {"name": "paint"}, era="modern")
    assert (answer.status, answer.json["error"]["code"]) == (400, -32602)


async def test_a_refused_prompt_is_told_to_the_model() -> None:
    service = Service(painter=Painter(upstream.failure("3030: NSFW")))
    assert "safety filter" in said(await call(service, "draw", prompt="A cat"))
    assert (service.log[0]["error"], service.log[0]["status"]) == ("content_policy_violation", 200)


async def test_a_bug_of_ours_is_one_also_here() -> None:
    answer = await ask(
        Service(painter=Painter(ZeroDivisionError())), "tools/call", {"name": "draw", "arguments": {"prompt": "A cat"}}
    )
    assert (answer.status, answer.error["code"]) == (500, "internal_error")


# --- streams --------------------------------------------------------------------------------------


def messages(answer: Answer) -> list[dict[str, Any]]:
    """The messages of a stream."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    assert all(block.startswith("event: message\ndata: ") for block in blocks)
    return [json.loads(block.partition("data: ")[2]) for block in blocks]


async def streamed(service: Service, era: str = "legacy", **arguments: Any) -> Answer:
    """The answer to a drawing for a host that wants progress notifications."""
    params = {"name": "draw", "arguments": {"prompt": "A cat", **arguments}, "_meta": {"progressToken": "t"}}
    return await ask(service, "tools/call", params, era=era, headers=STREAMED)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("seconds", [0, 25])
async def test_a_host_that_wants_progress_gets_it_and_the_result_at_the_end(era: str, seconds: float) -> None:
    """At least every ten seconds, so that its timer restarts."""
    service = Service(painter=Painter(seconds=seconds))
    *told, last = messages(await streamed(service, era=era, n=2))
    assert [one["method"] for one in told] == ["notifications/progress"] * len(told)
    for one in told:
        mcp_types.ProgressNotification.model_validate(one)
        assert one["params"]["progressToken"] == "t"
    numbers = [one["params"]["progress"] for one in told]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3 + seconds // 10
    assert told[-1]["params"]["message"] == "2 of 2 pictures drawn."
    result = last["result"]
    mcp_types.CallToolResult.model_validate(result)
    assert kinds(result["content"]) == ["image", "resource_link", "text"] * 2
    assert last["id"] == 1
    assert ("resultType" in result) is (era == "modern")


@pytest.mark.parametrize(
    ("token", "headers"), [(None, STREAMED), ("t", {}), ("t", {"accept": "application/json"}), (True, STREAMED)]
)
async def test_others_get_one_answer(token: object, headers: dict[str, str]) -> None:
    params = {"name": "draw", "arguments": {"prompt": "A cat"}, "_meta": {"progressToken": token}}
    answer = await ask(Service(painter=Painter(seconds=25)), "tools/call", params, headers=headers)
    assert answer.headers["content-type"].startswith("application/json")
    assert kinds(result_of(answer)["content"]) == ["image", "resource_link", "text"]


async def test_a_failure_in_a_stream_is_its_result() -> None:
    service = Service(painter=Late(upstream.failure("3030: NSFW")))
    *_, last = messages(await streamed(service))
    assert "safety filter" in said(last["result"])
    assert service.log[0]["error"] == "content_policy_violation"


class Late(Painter):
    """Fails after the stream has opened."""

    async def draw(self, *given: Any, **options: Any) -> Any:
        await asyncio.sleep(5)
        return await super().draw(*given, **options)


async def test_a_failure_before_the_stream_is_one_answer() -> None:
    service = Service(painter=Painter(upstream.failure("3030: NSFW")))
    assert "safety filter" in said(result_of(await streamed(service)))


async def test_a_host_that_leaves_ends_the_work() -> None:
    service = Service(painter=Painter(30.0))
    params = {"name": "draw", "arguments": {"prompt": "A cat"}, "_meta": {"progressToken": 1}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    stream = stream_of(await service.app(posted(MCP, body, STREAMED)))
    await anext(stream)
    await stream.aclose()
    await asyncio.sleep(0)
    assert service.painter.fate.ended_early == 1
    assert service.log[0]["status"] == 499


# --- any input ------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["prompt", "images", "n", "size", "aspect_ratio", "seed", "steps", "model", "output_format", "x"]),
    JSON | st.sampled_from(["A cat", "1:1", "512x512", PHOTO, [PHOTO], f"{ORIGIN}/image/x.jpg", 1]),
)
PARAMS = st.fixed_dictionaries(
    {"name": st.sampled_from([*tools.TOOLS, "x"]) | JSON, "arguments": ARGUMENTS | JSON},
    optional={"_meta": JSON | st.just(META) | st.just({**META, "progressToken": "t"})},
)
BODIES = (
    st.binary()
    | JSON.map(json.dumps)
    | st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0") | JSON, "method": st.sampled_from(["tools/call", "tools/list"]) | JSON},
        optional={"id": st.integers() | st.text() | JSON, "params": PARAMS | JSON},
    ).map(json.dumps)
)
HEADERS = st.dictionaries(
    st.sampled_from(["mcp-protocol-version", "mcp-method", "mcp-name", "accept"]),
    st.sampled_from([*MODERN, *LEGACY, "tools/call", "draw", "=?base64?=", "text/event-stream", "é", ""]),
)


@given(body=BODIES, headers=HEADERS)
async def test_any_bytes_get_a_json_rpc_answer_or_a_refusal(body: bytes | str, headers: dict[str, str]) -> None:
    service = Service()
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    answer = await service.ask(request(MCP, "POST", body=Posted(data), headers=headers))
    assert answer.status < 500, answer.text
    if answer.status == 202:
        assert answer.text == ""
    elif answer.headers["content-type"].startswith("text/event-stream"):
        assert all(message["jsonrpc"] == "2.0" for message in messages(answer))
    elif "jsonrpc" in answer.json:
        assert answer.json.keys() - {"jsonrpc", "id"} in ({"result"}, {"error"})
    else:
        assert answer.error["code"]
    assert KEY not in answer.text
    assert not re.search("Traceback|flux/", answer.text)
