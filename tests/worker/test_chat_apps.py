"""A conversation in each chat app, replayed request by request: the user's messages are drawn, and nothing else.

Paths, headers and fields are the apps' own, read from their sources. The templates of their chores, with their sources,
are in tests/data/chores.toml. Each conversation is also run through the Responses API, which some of these apps
support.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.worker import responses
from tests.worker.service import (
    SCHNELL,
    Ledger,
    Service,
    content,
    deltas,
    events,
    fetched,
    links,
    shows,
    unique,
)

DATA = tomllib.loads((Path(__file__).parents[1] / "data" / "chores.toml").read_text())
TEMPLATES: Mapping[tuple[str, str], dict[str, Any]] = {(one["app"], one["name"]): one for one in DATA["templates"]}

FIRST, SECOND = "a lighthouse on a cliff in the storm", "the same lighthouse at dawn"
STAINLESS = {
    "x-stainless-lang": "js",
    "x-stainless-package-version": "6.1.0",
    "x-stainless-os": "Linux",
    "x-stainless-arch": "x64",
    "x-stainless-runtime": "node",
    "x-stainless-runtime-version": "v22.19.0",
    "x-stainless-retry-count": "0",
    "x-stainless-timeout": "600",
    "user-agent": "OpenAI/JS 6.1.0",
    "accept": "application/json",
}

Json = dict[str, Any]


Ask = Callable[[httpx.Client, list[Json], Json, dict[str, str]], str]
"""Sends messages, with further fields of a chat completion and headers, and returns the text of the answer."""


def ask_chat(http: httpx.Client, messages: list[Json], fields: Json, headers: dict[str, str]) -> str:
    """`Ask` for a chat completion."""
    body = {"model": "flux", "messages": messages, **fields}
    response = http.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return deltas(response.text) if fields["stream"] else content(response)


def ask_responses(http: httpx.Client, messages: list[Json], fields: Json, headers: dict[str, str]) -> str:
    """`Ask` for a response. It has one message, preceded by as many pictures as the message has links."""
    body = {"model": "flux", "input": [as_item(message) for message in messages], **as_responses(fields)}
    response = http.post("/v1/responses", json=body, headers=headers)
    assert response.status_code == 200, response.text
    answer = streamed_response(response.text) if fields["stream"] else response.json()
    assert answer["status"] == "completed"
    *pictures, message = answer["output"]
    [part] = message["content"]
    text = str(part["text"])
    assert message["type"] == "message"
    assert [item["type"] for item in pictures] == ["image_generation_call"] * len(links(text))
    return text


def streamed_response(stream: str) -> Json:
    """The response at the end of a stream."""
    found = [json.loads(data) for data in events(stream)]
    responses.assert_numbered(found)
    response: Json = found[-1]["response"]
    return response


def as_item(message: Json) -> Json:
    """A chat message as an item of the Responses API's input."""
    if isinstance(message["content"], str):
        return message
    parts = [{"type": "input_text", "text": part["text"]} for part in message["content"]]
    return {**message, "content": parts}


def as_responses(fields: Json) -> Json:
    """The fields of a chat completion under their names in the Responses API."""
    renamed = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
    kept = {renamed.get(name, name): value for name, value in fields.items() if name != "stream_options"}
    if form := kept.pop("response_format", None):
        kept["text"] = {"format": {"type": form["type"], **form["json_schema"]}}
    return kept


APIS: Mapping[str, Ask] = {"chat": ask_chat, "responses": ask_responses}


class Talk:
    """A conversation in an app, with the history that the app would send."""

    def __init__(self, service: Service, ask: Ask, app: str, headers: Mapping[str, str], fields: Json) -> None:
        self.messages: list[Json] = []
        """The history: the user's messages and the answers."""
        self._ask = ask
        self._app = app
        self._http = service.http
        self._headers = dict(headers)
        self._fields = fields
        """The fields of a turn besides model and messages."""

    def get(self, path: str) -> httpx.Response:
        """Send a GET request as the app does."""
        return self._http.get(path, headers=self._headers)

    def models(self, path: str) -> None:
        """Get the list of models, as the app does during set-up."""
        listed = self.get(path).json()
        assert SCHNELL in [model["id"] for model in listed["data"]]

    def say(self, prompt: str, before: list[Json] | None = None, *, parts: bool = False) -> None:
        """A turn: the user's message, and the picture that must be returned."""
        said = [{"type": "text", "text": prompt}] if parts else prompt
        asked = [*(before or []), *self.messages, {"role": "user", "content": said}]
        answer = self._ask(self._http, asked, self._fields, self._headers)
        [link] = links(answer)
        assert shows(fetched(link)[0], prompt)
        self.messages += [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]

    def chore(self, name: str, fields: Json, headers: Mapping[str, str] | None = None) -> str:
        """A request that the app sends by itself, named by its template, after the messages so far."""
        template = TEMPLATES[self._app, name]
        asked = [{"role": "system", "content": self._filled(template["system"])}] if "system" in template else []
        if template.get("history"):
            asked += self.messages
        asked.append({"role": template.get("role", "user"), "content": self._filled(template["asking"])})
        return self.app_asks(asked, {**fields, **template.get("body", {})}, headers)

    def app_asks(self, messages: list[Json], fields: Json, headers: Mapping[str, str] | None = None) -> str:
        """The text that the app receives, which must not contain a picture."""
        answer = self._ask(self._http, messages, fields, {**self._headers, **(headers or {})})
        assert answer
        assert links(answer) == []
        return answer

    def _filled(self, template: str) -> str:
        """The template with the conversation inserted in the app's way of quoting."""
        said = [(message["role"], message["content"]) for message in self.messages]
        upper = "\n".join(f"{role.upper()}: {text}" for role, text in said)
        names = {"user": "User", "assistant": "AI"}
        values = {
            "{{MESSAGES:END:2}}": upper,
            "{{MESSAGES:END:6}}": upper,
            "${blocks}": "\n\n---------\n\n".join(text[:100] for _, text in said),
            "${tags}": "\n".join(f"<{role}>\n{text}\n</{role}>" for role, text in said),
            "${json}": json.dumps([{"role": role, "mainText": text} for role, text in said], separators=(",", ":")),
            "{convo}": "\n".join(f"{names[role]}: {text}" for role, text in said),
            "${language}": "English",
            "${locale}": "en-US",
        }
        for name, value in values.items():
            template = template.replace(name, value)
        return template.removeprefix("\n")


def next_chat(service: Service, ask: Ask, first: str, second: str) -> None:
    """Directly from a browser. Its memory is sent as a last system message, its title without a stream."""
    fields = {"temperature": 0.5, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}
    headers = {"accept": "application/json", "origin": "https://app.nextchat.dev"}
    talk = Talk(service, ask, "NextChat", headers, {"stream": True, **fields})
    preflight = service.http.options(
        "/v1/chat/completions",
        headers={
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        },
    )
    assert preflight.headers["access-control-allow-headers"] == "authorization,content-type"
    talk.models("/v1/models")
    assert talk.get("/dashboard/billing/usage").status_code == 404
    talk.say(first)
    topic = {"role": "user", "content": DATA["next_chat"]["title"]["en"]}
    title = talk.app_asks([*talk.messages, topic], {"stream": False, **fields})
    assert_is_title(title, first)
    summarize = {"role": "system", "content": DATA["next_chat"]["summary"]["en"]}
    memory = talk.app_asks([*talk.messages, summarize], {"stream": True, **fields})
    assert first in memory
    recap = "This is a summary of the chat history as a recap: "
    talk.say(second, [{"role": "system", "content": recap + memory}])
    talk.app_asks([*talk.messages, summarize], {"stream": True, **fields})


def chat_box(service: Service, ask: Ask, first: str, second: str) -> None:
    """Its host is typed without /v1, and it requests the list of models there."""
    headers = {"user-agent": "Mozilla/5.0 Chatbox/1.17.2 Electron/37.2.0 ai-sdk/openai-compatible/1.0.22"}
    fields = {"temperature": 0.7, "top_p": 1, "stream": True}
    talk = Talk(service, ask, "ChatBox", headers, fields)
    system = [{"role": "system", "content": "You are a helpful assistant."}]
    talk.models("/models")
    talk.say(first, system, parts=True)
    assert_is_title(talk.chore("name", fields), first)
    talk.say(second, system, parts=True)
    talk.chore("compaction", fields)


def lobe_chat(service: Service, ask: Ask, first: str, second: str) -> None:
    """The `openai` client for Node, used by the app's server. Titles are objects with a schema."""
    fields = {"temperature": 1, "top_p": 1, "stream": True, "stream_options": {"include_usage": True}, "user": "u_1"}
    talk = Talk(service, ask, "LobeChat", STAINLESS, fields)
    talk.models("/v1/models")
    talk.say(first)
    title = json.loads(talk.chore("title", {"stream": False, "user": "u_1"}))
    assert_is_title(title["title"], first)
    talk.say(second)
    talk.chore("summary of the history", fields)


def open_webui(service: Service, ask: Ask, first: str, second: str) -> None:
    """It has many tasks, which are never streamed."""
    talk = Talk(service, ask, "Open WebUI", OPEN_WEBUI_HEADERS, OPEN_WEBUI_FIELDS)
    talk.models("/v1/models")
    assert json.loads(talk.chore("query_generation", {"stream": False})) == {"queries": []}
    talk.say(first)
    assert_is_title(json.loads(talk.chore("title_generation", {"stream": False}))["title"], first)
    assert json.loads(talk.chore("tags_generation", {"stream": False}))["tags"]
    assert json.loads(talk.chore("follow_up_generation", {"stream": False})) == {"follow_ups": []}
    talk.say(second)
    assert json.loads(talk.chore("follow_up_generation", {"stream": False})) == {"follow_ups": []}
    assert json.loads(talk.chore("autocomplete_generation", {"stream": False})) == {"text": ""}


def open_webui_with_its_header(service: Service, ask: Ask, first: str, second: str) -> None:
    """The administrator rewrote the templates and sends `X-OpenWebUI-Task`."""
    talk = Talk(service, ask, "Open WebUI", OPEN_WEBUI_HEADERS, OPEN_WEBUI_FIELDS)
    talk.models("/v1/models")
    for prompt in (first, second):
        talk.say(prompt)
        for task, name in (("title_generation", "title"), ("tags_generation", "tags")):
            asked = [{"role": "user", "content": f"Gib mir JSON: {name}. Gespräch: {prompt}"}]
            answer = talk.app_asks(asked, {"stream": False}, {"x-openwebui-task": task})
            assert json.loads(answer)[name]


OPEN_WEBUI_HEADERS = {"user-agent": "Python/3.11 aiohttp/3.12.15", "x-openwebui-chat-id": "c1", "x-openwebui-task": ""}
OPEN_WEBUI_FIELDS: Json = {"stream": True, "stream_options": {"include_usage": True}}


def cherry_studio(service: Service, ask: Ask, first: str, second: str) -> None:
    """The button that checks the provider is used first."""
    headers = {**STAINLESS, "http-referer": "https://cherry-ai.com", "x-title": "Cherry Studio"}
    fields = {"temperature": 1, "stream": True, "stream_options": {"include_usage": True}}
    talk = Talk(service, ask, "Cherry Studio", headers, fields)
    talk.models("/v1/models")
    assert talk.chore("check of a provider", {"stream": True}) == "OK"
    talk.say(first)
    assert_is_title(talk.chore("topic", {"stream": True}), first)
    talk.say(second)


def libre_chat(service: Service, ask: Ask, first: str, second: str) -> None:
    """It requests the title together with the first answer."""
    fields = {"user": "66f0c0ffee", "stream": True, "stream_options": {"include_usage": True}}
    talk = Talk(service, ask, "LibreChat", STAINLESS, fields)
    talk.models("/v1/models")
    beside = Talk(service, ask, "LibreChat", STAINLESS, fields)
    beside.messages = [{"role": "user", "content": first}]
    with ThreadPoolExecutor(1) as other:
        title = other.submit(beside.chore, "titleMethod: completion", {"user": "66f0c0ffee", "stream": False})
        talk.say(first)
        assert_is_title(title.result(), first)
    talk.say(second)
    found = json.loads(talk.chore("titleMethod: structured", {"user": "66f0c0ffee", "stream": False}))
    assert_is_title(found["title"], first)


APPS: Mapping[str, Callable[[Service, Ask, str, str], None]] = {
    "NextChat": next_chat,
    "ChatBox": chat_box,
    "LobeChat": lobe_chat,
    "Open WebUI": open_webui,
    "Open WebUI with its header": open_webui_with_its_header,
    "Cherry Studio": cherry_studio,
    "LibreChat": libre_chat,
}


def assert_is_title(title: str, prompt: str) -> None:
    """Check that it is short and taken from the conversation."""
    assert 0 < len(title) <= 60
    assert prompt.startswith(title)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("app", APPS)
def test_as_many_pictures_are_drawn_as_a_person_asked_for(service: Service, ledger: Ledger, app: str, api: str) -> None:
    first, second = unique(FIRST), unique(SECOND)
    before = ledger.count()
    APPS[app](service, APIS[api], first, second)
    assert [ledger.outcomes(first), ledger.outcomes(second)] == [["ok"], ["ok"]]
    assert ledger.count() - before == 2, "something else was asked of Workers AI"
