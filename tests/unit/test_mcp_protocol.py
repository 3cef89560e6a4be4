"""The messages of the Model Context Protocol in both eras, checked against the types of the official package."""

import json
from typing import Any

import mcp_types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types.jsonrpc import JSONRPCError

from flux.endpoints.mcp import protocol
from flux.endpoints.mcp.protocol import LEGACY, MODERN, Message, RpcError
from flux.text import write_json
from tests.builders import texts

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META = {VERSION: MODERN[0], CAPABILITIES: {}}


def body(method: str = "tools/list", meta: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A request; with `meta`, one of the modern era."""
    params = {**fields.pop("params", {}), **({"_meta": meta} if meta else {})}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params, **fields}


def headers(method: str = "tools/list", version: str = MODERN[0], **others: str) -> dict[str, str]:
    """The headers that the modern era requires."""
    return {"mcp-protocol-version": version, "mcp-method": method, **others}


def read(value: object, sent: dict[str, str] | None = None) -> Message:
    """The message of a body, checked."""
    asked = protocol.message(value, sent or {})
    protocol.check(asked, sent or {})
    return asked


def refused(value: object, sent: dict[str, str] | None = None) -> tuple[int, int, Any]:
    """The status, code and id of the error for a body."""
    asked = Message()
    try:
        asked = protocol.message(value, sent or {})
        protocol.check(asked, sent or {})
    except RpcError as failure:
        status, text = protocol.error(asked, failure)
    else:
        pytest.fail("it was taken")
    answer = json.loads(texts(text))
    JSONRPCError.model_validate(answer)
    assert answer["error"]["message"]
    return status, answer["error"]["code"], answer["id"]


@pytest.mark.parametrize(
    ("sent", "meta", "modern"),
    [
        ({}, None, False),
        *(({"mcp-protocol-version": version}, None, False) for version in LEGACY),
        (headers(), META, True),
        ({"mcp-protocol-version": MODERN[0]}, None, True),
        ({"mcp-protocol-version": "2099-01-01"}, None, True),
        ({}, META, True),
        ({"mcp-protocol-version": LEGACY[0]}, META, True),
    ],
)
def test_a_header_or_the_meta_says_the_era(sent: dict[str, str], meta: dict[str, Any] | None, *, modern: bool) -> None:
    assert protocol.message(body(meta=meta), sent).modern is modern


NO_MESSAGES: tuple[object, ...] = (
    [], [body()], "x", 5, None, {}, body(jsonrpc="1.0"), {"jsonrpc": "2.0", "id": 1, "result": {}},
    {**body(), "method": 5},
)  # fmt: skip


@pytest.mark.parametrize("value", NO_MESSAGES)
def test_what_is_no_message_is_refused(value: object) -> None:
    """Including batches."""
    assert refused(value) == (400, -32600, None)


def test_a_batch_is_told_what_to_do() -> None:
    with pytest.raises(RpcError, match="send each message in a request of its own"):
        protocol.message([body()], {})


@pytest.mark.parametrize("id", [None, True, 1.5, [], {}, "\ud800"])
def test_an_id_is_a_text_or_a_whole_number(id: object) -> None:
    assert refused(body(id=id)) == (400, -32600, None)


@pytest.mark.parametrize("id", [0, "", -1, "abc", 2**70])
def test_an_error_has_the_id_of_its_request(id: object) -> None:
    assert refused({**body(id=id), "params": []})[2] == id
    assert refused(body(id=id), headers())[2] == id


def test_params_that_are_no_object_are_refused() -> None:
    value = {"jsonrpc": "2.0", "id": 7, "method": "ping", "params": ["x"]}
    assert refused(value) == (400, -32600, 7)


def test_a_message_without_an_id_is_a_notification() -> None:
    assert read({"jsonrpc": "2.0", "method": "notifications/initialized"}).id is None


CALL = body("tools/call", META, params={"name": "draw"})


@pytest.mark.parametrize(
    ("value", "sent", "status", "code"),
    [
        (body(), headers(), 400, -32602),
        (body(meta={VERSION: MODERN[0]}), headers(), 400, -32602),
        (body(meta={CAPABILITIES: {}}), headers(), 400, -32602),
        (body(meta={**META, VERSION: 5}), headers(), 400, -32602),
        (body(meta=META), {}, 400, -32020),
        (body(meta=META), {"mcp-protocol-version": MODERN[0]}, 400, -32020),
        (body(meta=META), headers(version="v999"), 400, -32020),
        (body(meta=META), headers(version=LEGACY[0]), 400, -32020),
        (body(meta=META), headers("TOOLS/LIST"), 400, -32020),
        (body(meta={**META, VERSION: "v999"}), headers(version="v999"), 400, -32022),
        (body(meta={**META, VERSION: LEGACY[0]}), headers(version=LEGACY[0]), 400, -32022),
        (CALL, headers("tools/call"), 400, -32020),
        (CALL, headers("tools/call", **{"mcp-name": "edit"}), 400, -32020),
        (CALL, headers("tools/call", **{"mcp-name": "=?base64?ZHJhdw?="}), 400, -32020),
        (CALL, headers("tools/call", **{"mcp-name": "=?base64?/w==?="}), 400, -32020),
    ],
)
def test_the_modern_era_holds_the_headers_to_the_body(
    value: dict[str, Any], sent: dict[str, str], status: int, code: int
) -> None:
    assert refused(value, sent) == (status, code, 1)


@pytest.mark.parametrize("name", ["draw", "  draw  ", "=?base64?ZHJhdw==?="])
def test_the_name_in_the_header_is_trimmed_and_decoded(name: str) -> None:
    assert read(CALL, headers("tools/call", **{"mcp-name": name})).params["name"] == "draw"


def test_a_version_that_is_not_served_is_told_which_are() -> None:
    with pytest.raises(RpcError) as raised:
        read(body(meta={**META, VERSION: "v999"}), headers(version="v999"))
    data = mcp_types.UnsupportedProtocolVersionErrorData.model_validate(raised.value.data)
    assert (data.supported, data.requested) == ([*MODERN, *LEGACY], "v999")


def test_an_old_client_gets_errors_of_a_method_with_status_200() -> None:
    """The SDKs of that time treat other statuses as a broken connection."""
    failure = RpcError(protocol.METHOD_NOT_FOUND, "There is no such method.")
    assert protocol.error(Message("x", 1), failure)[0] == 200
    assert protocol.error(Message("x", 1, modern=True), failure)[0] == 404


@pytest.mark.parametrize(
    ("wanted", "given"),
    [*((one, one) for one in LEGACY), ("2024-11-05", LEGACY[0]), (MODERN[0], LEGACY[0]), ([], LEGACY[0])],
)
def test_initialize_answers_with_the_version_that_is_asked_for_or_the_newest_of_its_era(
    wanted: object, given: str
) -> None:
    asked = Message("initialize", 1, {"protocolVersion": wanted})
    answer = mcp_types.InitializeResult.model_validate(protocol.initialize(asked, "Draw."))
    assert (answer.protocol_version, answer.instructions, answer.capabilities.prompts) == (given, "Draw.", None)


def test_discovery_names_all_versions_and_says_how_long_it_holds() -> None:
    answer = protocol.result(Message("server/discover", 1, modern=True), protocol.discover("Draw."))["result"]
    found = mcp_types.DiscoverResult.model_validate(answer)
    assert found.supported_versions == [*MODERN, *LEGACY]
    assert answer["resultType"] == "complete"
    assert answer["_meta"]["io.modelcontextprotocol/serverInfo"] == protocol.SERVER
    assert (answer["ttlMs"] > 0, answer["cacheScope"]) == (True, "public")


def test_an_old_result_has_nothing_of_the_new_era() -> None:
    assert protocol.result(Message("ping", 3), {}) == {"jsonrpc": "2.0", "id": 3, "result": {}}


@pytest.mark.parametrize(
    ("token", "found"), [("a", "a"), (0, 0), (True, None), (1.5, None), (None, None), ("\udc00", None)]
)
def test_a_progress_token_is_a_text_or_a_whole_number(token: object, found: object) -> None:
    assert Message(params={"_meta": {"progressToken": token}}).progress_token == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | JSON, "method": st.sampled_from(["tools/list", "tools/call", "ping"]) | JSON},
    optional={"id": JSON, "params": JSON | st.fixed_dictionaries({"_meta": JSON | st.just(META), "name": JSON})},
)
SENT = st.dictionaries(
    st.sampled_from(["mcp-protocol-version", "mcp-method", "mcp-name"]),
    st.sampled_from([*MODERN, *LEGACY, "tools/call", "=?base64?=", "=?base64?eA==?=", "=?base64?é?="]) | st.text(),
)


@given(MESSAGES | JSON, SENT)
def test_whatever_is_sent_is_taken_or_refused_in_json_rpc(value: object, sent: dict[str, str]) -> None:
    asked = Message()
    try:
        asked = protocol.message(value, sent)
        protocol.check(asked, sent)
    except RpcError as failure:
        status, text = protocol.error(asked, failure)
        assert status in (200, 400)
        answer = json.loads(texts(text).encode())
        JSONRPCError.model_validate(answer)
    else:
        assert isinstance(asked.method, str)
        texts(write_json(protocol.result(asked, {}))).encode()
