"""Prompts are always drawn, and requests that chat apps send by themselves never are.

`tests/data/prompts.toml` has what people type, `tests/data/chores.toml` what apps send.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux import chores
from flux.chores import Chore, titles
from flux.chores.rule import Rule, Stage, TextRule, merged
from flux.conversation import Conversation
from flux.endpoints.responses import parse as responses_parse
from tests.builders import chat_request

DATA = Path(__file__).parents[1] / "data"
PROMPTS: Mapping[str, list[str]] = tomllib.loads((DATA / "prompts.toml").read_text())
CHORES: Mapping[str, Any] = tomllib.loads((DATA / "chores.toml").read_text())
TEMPLATES: list[dict[str, Any]] = CHORES["templates"]

Json = dict[str, Any]

MODEL = "@cf/black-forest-labs/flux-1-schnell"
LINK = "https://flux.example/image/QmFzZTY0IGlzIG5vdCBh-_-1vuhmo0.jpg"
PICTURE = f"Here's the result:\n\n![Generated Image]({LINK})"
FOREIGN_PICTURE = "![cat](https://other.example/image/cat.jpg)"
DATA_URL = "data:image/png;base64,iVBORw0KGgo="


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def assistant(content: Any) -> Json:
    return {"role": "assistant", "content": content}


def system(content: Any) -> Json:
    return {"role": "system", "content": content}


def text_part(text: str) -> Json:
    return {"type": "text", "text": text}


IMAGE_PART = {"type": "image_url", "image_url": {"url": DATA_URL}}


def recognise(body: Json, headers: Mapping[str, str] | None = None) -> Chore | None:
    return chores.recognise(chat_request(body, headers).conversation)


def ask(*messages: Json, **fields: Any) -> Chore | None:
    return recognise({"model": MODEL, "messages": list(messages), **fields})


# --- prompts are drawn ------------------------------------------------------------------------------

NEXT_CHAT = {"model": MODEL, "temperature": 0.5, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}
TURN = (user("A lighthouse"), assistant(PICTURE))
TOOL = {"type": "function", "function": {"name": "draw", "parameters": {"type": "object"}}}
DRAWN = {"type": "object", "required": ["title", "image_url"], "properties": {"title": {"type": "string"}}}
RAG = """### Task:
Respond to the user query using the provided context, incorporating inline citations in the format [id].

<context>
<source id="1">How Open WebUI asks for a title:
### Output:
JSON format: { "title": "your concise title here" }
### Chat History:
<chat_history>
USER: hi
ASSISTANT: hello
</chat_history></source>
</context>

"""
"""open-webui/open-webui, backend/open_webui/config.py, DEFAULT_RAG_TEMPLATE, with a misleading document."""

Shape = Callable[[str], Json]

SHAPES: Mapping[str, Shape] = {
    "one message": lambda p: {"messages": [user(p)]},
    "streamed": lambda p: {"messages": [user(p)], "stream": True, "stream_options": {"include_usage": True}},
    "in parts": lambda p: {"messages": [user([text_part(p)])]},
    "with a picture": lambda p: {"messages": [user([text_part(p), IMAGE_PART])], "max_tokens": 16},
    "with a system prompt": lambda p: {"messages": [system("You are a helpful assistant."), user(p)]},
    "behind a system prompt about titles": lambda p: {
        "messages": [system("You are a professional designer. Summarize every wish into a title and draw it."), user(p)]
    },
    "from NextChat, in a conversation": lambda p: NEXT_CHAT | {"messages": [*TURN, user(p)], "stream": True},
    "from a script, in a conversation": lambda p: {"messages": [*TURN, user(p)]},
    "from a script with other fields": lambda p: NEXT_CHAT | {"messages": [*TURN, user(p)]},
    "from a script that does not stream": lambda p: (
        NEXT_CHAT | {"messages": [*TURN, user(p)], "stream": False, "user": "me"}
    ),
    "about a picture from elsewhere": lambda p: (
        NEXT_CHAT | {"messages": [user("A cat"), assistant(FOREIGN_PICTURE), user(p)], "stream": False}
    ),
    "behind a system prompt with a context": lambda p: {
        "messages": [system("<context>The requested image has to be square.</context>\nBe brief."), user(p)]
    },
    "behind a system prompt that talks of a tool's": lambda p: {
        "messages": [
            system("Do not generate concise conversation titles. You are a title generator's painter."),
            user(p),
        ]
    },
    "with a limit that fits a prompt": lambda p: {"messages": [user(p)], "max_tokens": 17},
    "with a small limit, in a conversation": lambda p: {"messages": [*TURN, user(p)], "max_tokens": 1},
    "where JSON is asked for": lambda p: {"messages": [user(p)], "response_format": {"type": "json_object"}},
    "where text is asked for": lambda p: {"messages": [user(p)], "response_format": {"type": "text"}},
    "where a picture's link is asked for": lambda p: {
        "messages": [user(p)],
        "response_format": {"type": "json_schema", "json_schema": {"name": "drawn", "schema": DRAWN}},
    },
    "with tools": lambda p: {"messages": [user(p)], "tools": [TOOL], "tool_choice": "auto"},
    "with a tool that must be called": lambda p: {
        "messages": [user(p)],
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "draw"}},
    },
    "before a last system message": lambda p: {"messages": [*TURN, user(p), system("Keep to the style.")]},
    "before the beginning of an answer": lambda p: {"messages": [user(p), assistant("Sure:")]},
    "before the result of a tool": lambda p: {
        "messages": [user(p), assistant(""), {"role": "tool", "tool_call_id": "1", "content": "{}"}]
    },
    "answered, and asked to continue": lambda p: {"messages": [user(p), assistant(PICTURE)]},
    "with metadata": lambda p: {"messages": [user(p)], "metadata": {"task": "draw", "title": "yes"}},
    "with modalities": lambda p: {"messages": [user(p)], "modalities": ["image", "text"]},
    "with a ratio": lambda p: {"messages": [user(f"{p} 3:2")]},
    "with directives": lambda p: {"messages": [user(f"{p} --seed 7 --ar 16:9")]},
    "with what was found for it": lambda p: {"messages": [user(f"{RAG}{p}")]},
}
HEADERS: Mapping[str, Mapping[str, str]] = {
    "no header": {},
    "the header of a chat": {"x-openwebui-task": "", "x-openwebui-chat-id": "1"},
    "the header of Open WebUI before 0.10": {"x-openwebui-task": "{{TASK}}"},
    "the header without a value": {"x-openwebui-task": "None"},
}


def test_there_are_several_hundred_prompts_in_more_than_eight_languages() -> None:
    assert sum(map(len, PROMPTS.values())) > 500
    assert len([language for language, prompts in PROMPTS.items() if len(prompts) >= 25]) >= 8
    for language, prompts in PROMPTS.items():
        assert len(set(prompts)) == len(prompts), language


@pytest.mark.parametrize("language", PROMPTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_prompt_is_taken_for_a_chore(shape: str, language: str) -> None:
    """Whatever its subject, and however it is sent."""
    alarms = {
        prompt: chore
        for prompt in PROMPTS[language]
        for headers in HEADERS.values()
        if (chore := recognise({"model": MODEL, **SHAPES[shape](prompt)}, headers))
    }
    assert alarms == {}


def beginnings(text: str) -> list[str]:
    words = text.split(" ")
    return [" ".join(words[:count]) for count in range(1, min(len(words), 6) + 1)]


def test_the_first_words_of_a_template_are_no_mark() -> None:
    """A mark is long enough that only an app writes it: a user may begin like a template."""
    texts = [*CHORES["next_chat"]["title"].values(), *CHORES["next_chat"]["summary"].values()]
    texts += [template["asking"] for template in TEMPLATES if template.get("role") != "system"]
    alarms = [
        begun
        for text in texts
        for begun in beginnings(text.partition("\n")[0])
        if len(begun) < 24 and ask(user(f"{begun} and a cat"))
    ]
    assert alarms == []


# --- chores are answered ----------------------------------------------------------------------------


class Talk(NamedTuple):
    """What was typed, and the resulting title."""

    prompt: str
    title: str
    asked: str
    """The prompt without directives."""


TALKS: Mapping[str, Talk] = {
    "en": Talk(
        "A red fox in the snow at dawn, soft light --ar 3:2",
        "A red fox in the snow at",
        "A red fox in the snow at dawn, soft light",
    ),
    "zh": Talk(
        "雪地里的红狐狸，清晨柔光，35毫米胶片 16:9", "雪地里的红狐狸，清晨柔光", "雪地里的红狐狸，清晨柔光，35毫米胶片"
    ),
    "ja": Talk("夜明けの雪原に立つ赤い狐 3:4", "夜明けの雪原に立つ赤い狐", "夜明けの雪原に立つ赤い狐"),
    "ko": Talk("눈밭에 서 있는 붉은 여우", "눈밭에 서 있는 붉은 여우", "눈밭에 서 있는 붉은 여우"),
    "ru": Talk("Рыжая лиса на снегу на рассвете", "Рыжая лиса на снегу на рассвете", "Рыжая лиса на снегу на рассвете"),
    "ar": Talk("ثعلب أحمر في الثلج عند الفجر", "ثعلب أحمر في الثلج عند الفجر", "ثعلب أحمر في الثلج عند الفجر"),
    "es": Talk("¡Un zorro!", "Un zorro", "¡Un zorro!"),
}

APPS: Mapping[str, tuple[Json, Mapping[str, str]]] = {
    "NextChat": (
        NEXT_CHAT | {"stream": False},
        {"content-type": "application/json", "accept": "application/json", "origin": "https://app.nextchat.club"},
    ),
    "ChatBox": (
        {"temperature": 0.7, "top_p": 1, "stream": True},
        {"content-type": "application/json", "user-agent": "Mozilla/5.0 ai-sdk/openai-compatible/1.0.22"},
    ),
    "LobeChat": (
        {"temperature": 1, "stream": True, "stream_options": {"include_usage": True}},
        {"x-stainless-lang": "js", "user-agent": "OpenAI/JS 5.20.0"},
    ),
    "Open WebUI": ({"stream": False}, {"user-agent": "Python/3.11 aiohttp/3.12.15", "x-openwebui-user-name": "me"}),
    "Cherry Studio": (
        {"temperature": 1, "stream": True, "stream_options": {"include_usage": True}},
        {"user-agent": "Mozilla/5.0 CherryStudio/1.7.3 Electron/38.7.0", "x-title": "Cherry Studio"},
    ),
    "LibreChat": ({"user": "66f0", "stream": False}, {"x-stainless-lang": "js", "user-agent": "OpenAI/JS 6.1.0"}),
    "New API": ({"stream": False}, {"user-agent": "Go-http-client/2.0"}),
    "LiteLLM": ({"stream": False}, {"x-stainless-lang": "python", "user-agent": "AsyncOpenAI/Python 3.54.0"}),
}
"""What each app sends besides the messages."""
OF_OTHERS: tuple[Json, Mapping[str, str]] = {"stream": True}, {}
"""The same for apps that are recognised only by their texts."""


def filled(template: str, prompt: str) -> str:
    """The template as its app fills it in after one turn."""
    turn = {"USER": prompt, "ASSISTANT": PICTURE}
    lines = "\n".join(f"{role}: {text}" for role, text in turn.items())
    tags = [f"<user>{{0}}{prompt}{{0}}</user>", f"<assistant>{{0}}{PICTURE}{{0}}</assistant>"]
    written = [
        {"role": "user", "mainText": prompt, "files": ["sketch.png"]},
        {"role": "assistant", "mainText": "Here's the result:\n\n"},
    ]
    values = {
        "{{MESSAGES:END:2}}": lines,
        "{{MESSAGES:END:6}}": lines,
        "{{COMPACTED_MESSAGES}}": lines,
        "{{prompt}}": prompt,
        "{{PROMPT}}": prompt,
        "{{prompt:middletruncate:8000}}": prompt,
        "{{responses}}": f'"""{PICTURE}"""\n\n"""{PICTURE}"""',
        "{{CURRENT_DATE}}": "2026-11-22",
        "${prompt}": prompt,
        "${blocks}": "\n\n---------\n\n".join(text[:100] for text in turn.values()),
        "${tags}": "\n".join(tags).format("\n"),
        "${inline_tags}": "\n".join(tags).format(""),
        "${title_lines}": f"User: {prompt}\nAssistant: {PICTURE}",
        "${bracketed_lines}": f"[USER]: {prompt}\n\n[ASSISTANT]: {PICTURE}",
        "${lower_lines}": f"user: {prompt}\nassistant: {PICTURE}",
        "${json}": json.dumps(written, ensure_ascii=False, separators=(",", ":")),
        "${language}": "English",
        "${locale}": "en-US",
        "{convo}": f"User: {prompt}\nAI: {PICTURE}",
        "{quoted_convo}": f'||>User:\n"{prompt}"\n||>Response:\n"{json.dumps(PICTURE)}"',
    }
    for name, value in values.items():
        template = template.replace(name, value)
    return template.removeprefix("\n")


def sent(template: Mapping[str, Any], prompt: str) -> Json:
    """The request that the template's app sends."""
    messages = [system(filled(template["system"], prompt))] if "system" in template else []
    if template.get("history"):
        messages += [user(prompt), assistant(PICTURE)]
    if "asked_before" in template:
        messages.append(user(template["asked_before"]))
    messages.append({"role": template.get("role", "user"), "content": filled(template["asking"], prompt)})
    fields, _ = APPS.get(template["app"], OF_OTHERS)
    return {"model": MODEL, **fields, **template.get("body", {}), "messages": messages}


def expected(form: str, talk: Talk) -> object:
    """The answer in the form that the app reads: an object if it parses JSON."""
    summary = f"Asked to be drawn: “{talk.asked}”."
    forms: Mapping[str, object] = {
        "title": talk.title,
        "title_json": {"title": talk.title},
        "title_and_language": {"language": "und", "title": talk.title},
        "prompt_json": {"prompt": talk.asked},
        "summary": summary,
        "no lines": "\n",
        "description_and_summary": {"description": summary, "summary": summary},
    }
    return forms[form] if form in forms else parsed(form.strip())


def parsed(text: str) -> object:
    return json.loads(text) if text.startswith("{") else text


@pytest.mark.parametrize("language", TALKS)
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: f"{template['app']}: {template['name']}")
def test_a_default_template_is_answered_in_the_form_its_app_reads(template: Json, language: str) -> None:
    """With only the text to recognise it by."""
    talk = TALKS[language]
    _, headers = APPS.get(template["app"], OF_OTHERS)
    found = recognise(sent(template, talk.prompt), headers)
    assert found is not None
    assert found.kind == template["kind"]
    assert parsed(found.text) == expected(template["answer"], talk)


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("雪地里红狐，清晨柔光三十五毫米胶片质感", "雪地里红狐，清晨柔光三十五毫米胶"),
        ("雪地里的红狐，清晨柔光三十五毫米胶片质", "雪地里的红狐"),
    ],
)
def test_a_title_ends_with_a_clause_unless_less_than_a_third_would_be_left(prompt: str, title: str) -> None:
    assert titles.title((prompt,)) == title


@pytest.mark.parametrize("language", CHORES["next_chat"]["title"])
def test_next_chat_is_given_a_title_in_every_language(language: str) -> None:
    asking = CHORES["next_chat"]["title"][language]
    for body in (NEXT_CHAT | {"stream": False}, {"model": "flux", "stream": True}):
        assert recognise({**body, "messages": [*TURN, user("And a ship"), user(asking)]}) == Chore(
            "title", "A lighthouse"
        )


@pytest.mark.parametrize("language", CHORES["next_chat"]["summary"])
def test_next_chat_is_given_a_memory_in_every_language(language: str) -> None:
    asking = system(CHORES["next_chat"]["summary"][language])
    memory = system("This is a summary of the chat history as a recap: Asked to be drawn: “A tree”.")
    for messages in ([*TURN, asking], [memory, *TURN, user("A ship"), assistant(PICTURE), asking], [TURN[0], asking]):
        found = recognise({**NEXT_CHAT, "stream": True, "messages": messages})
        assert found is not None
        assert found.kind == "summary"
        assert "“A lighthouse”" in found.text


OPENINGS = [template for template in TEMPLATES if template.get("stages") == ["OPENING"]]
NAMED_BY_SYSTEM = [
    template
    for template in TEMPLATES
    if "system" in template
    and template not in OPENINGS
    and template["kind"] != "probe"
    and template["app"] not in ("Goose", "big-AGI")
    and not template["source"].startswith("the same, topic.")
]


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("template", NAMED_BY_SYSTEM, ids=lambda template: f"{template['app']}: {template['name']}")
def test_a_system_prompt_of_an_app_tells_enough(template: Json, role: str) -> None:
    """In any form of the conversation, and together with the user's own text."""
    written = {"role": role, "content": f"Be polite.\n\n{filled(template['system'], 'A cat')}\n\nBe brief."}
    found = ask(written, user("Me: A cat!"), **template.get("body", {}))
    assert found is not None
    assert found.kind == template["kind"]


@pytest.mark.parametrize("role", ["system", "developer"])
@pytest.mark.parametrize("template", OPENINGS, ids=lambda template: f"{template['app']}: {template['name']}")
def test_a_first_message_of_an_app_tells_enough(template: Json, role: str) -> None:
    """Only in the first message: users' own system prompts are not examined."""
    written = {"role": role, "content": filled(template["system"], "A cat")}
    found = ask(written, *TURN, user("Me: A cat!"))
    assert found is not None
    assert found.kind == template["kind"]
    assert ask(system("Be polite."), written, user("A cat!")) is None
    assert ask({**written, "role": "user"}, user("A cat!")) is None


def test_a_mark_counts_only_where_its_app_sets_it() -> None:
    asking = CHORES["next_chat"]["title"]["en"]
    assert ask(user("A cat"), assistant(asking)) is None
    assert ask(*TURN, user(asking), assistant(PICTURE), user("A ship")) is None
    assert ask(user(f"Paint these words: {asking}")) is None
    assert ask(user('[{"role":"user","mainText":"A cat"}]')) is None


def test_every_app_has_its_templates_and_each_names_its_source() -> None:
    apps = {template["app"] for template in TEMPLATES}
    assert apps >= {"ChatBox", "LobeChat", "Open WebUI", "Cherry Studio", "LibreChat"}
    assert all(template["source"] for template in TEMPLATES)
    assert len(CHORES["next_chat"]["title"]) >= 20
    assert len(CHORES["next_chat"]["summary"]) >= 20


# --- Open WebUI's own names -------------------------------------------------------------------------

OPEN_WEBUI = [
    template
    for template in TEMPLATES
    if template["app"] == "Open WebUI" and template["answer"] != "title" and template["kind"] != "image_result"
]
"""Without the titles that are not JSON, which are older than the header, and without what is not a task."""


@pytest.mark.parametrize("template", OPEN_WEBUI, ids=lambda template: template["name"])
def test_open_webuis_header_names_the_task_whatever_its_text_says(template: Json) -> None:
    """Administrators may rewrite every template."""
    talk = TALKS["en"]
    task = template.get("task") or template["name"].partition(",")[0]
    body = {"model": MODEL, "messages": [user(f"Do it!\nUSER: {talk.prompt}\nASSISTANT: {PICTURE}")]}
    by_header = recognise(body, {"x-openwebui-task": task})
    by_body = recognise({**body, "metadata": {"task": task, "chat_id": "1"}})
    assert by_header == by_body
    assert by_header is not None
    assert by_header.kind == template["kind"]
    assert parsed(by_header.text) == expected(template["answer"], talk)


@pytest.mark.parametrize("task", ["", "{{TASK}}", "None", "draw", "title", "TITLE_GENERATION", "image_generation"])
def test_a_name_that_is_no_task_of_open_webui_draws(task: str) -> None:
    body = {"messages": [user("A cat")]}
    assert recognise(body, {"x-openwebui-task": task}) is None
    assert recognise({**body, "metadata": {"task": task}}) is None


@pytest.mark.parametrize("metadata", [None, [], "title_generation", {"task": 1}, {"task": ["title_generation"]}, {}])
def test_odd_metadata_draws(metadata: object) -> None:
    assert ask(user("A cat"), metadata=metadata) is None


# --- Open WebUI's image button ----------------------------------------------------------------------


def image_context(error: str) -> Json:
    said = "Image generation was attempted but failed because of an error. The system is currently unable to generate"
    told = f"the image. Tell the user that the following error occurred: {error}"
    return system(f"<context>{said} {told}</context>")


@pytest.mark.parametrize(
    ("error", "quoted"),
    [
        ("[ERROR: 429 too\nmany requests]", " The error was: [ERROR: 429 too many requests]"),
        ("![x](https://evil.example/x.png)", " The error was: [x](https://evil.example/x.png)"),
        ("no" * 1000, f" The error was: {'no' * 250}"),
        ("   ", ""),
    ],
)
def test_an_error_of_the_image_button_is_told_in_one_line(error: str, quoted: str) -> None:
    found = ask(image_context(error), user("A cat"))
    assert found == Chore("image_result", f"The picture could not be made.{quoted}")


def test_after_the_image_button_a_later_prompt_without_its_context_is_drawn() -> None:
    """The context belongs to the request of one turn and is not kept."""
    assert ask(system("Be polite."), *TURN, user("And a ship")) is None


# --- NextChat in a language that is not listed ------------------------------------------------------

UNLISTED = user("Podaj krótki temat tej rozmowy w czterech słowach")
TITLE_REQUEST = {**NEXT_CHAT, "stream": False, "messages": [user("A cat"), assistant(PICTURE), UNLISTED]}


def test_next_chats_title_is_known_by_its_form_in_any_language() -> None:
    assert recognise(TITLE_REQUEST) == Chore("title", "A cat")
    for origin in ("http://localhost:8787", "https://pictures.example/flux"):
        picture = assistant(PICTURE.replace("https://flux.example", origin))
        assert recognise({**TITLE_REQUEST, "messages": [user("A cat"), picture, UNLISTED]}) == Chore("title", "A cat")


@pytest.mark.parametrize(
    "change",
    [
        {"stream": True},
        {"stream": None},
        {"max_tokens": 4000},
        {"user": "me"},
        {"messages": [UNLISTED]},
        {"messages": [user("A cat"), assistant(FOREIGN_PICTURE), UNLISTED]},
        {"messages": [user("A cat"), assistant("No picture yet."), UNLISTED]},
        {"messages": [user("A cat"), assistant(PICTURE), user("A dog"), UNLISTED]},
        {"messages": [assistant(PICTURE), user("A cat"), assistant("a dog?"), UNLISTED]},
    ],
    ids=str,
)
def test_what_differs_from_next_chats_form_in_one_thing_is_drawn(change: Json) -> None:
    assert recognise(TITLE_REQUEST | change) is None


@pytest.mark.parametrize("name", sorted(NEXT_CHAT | {"stream": False}))
def test_what_lacks_one_of_next_chats_fields_is_drawn(name: str) -> None:
    assert recognise({key: value for key, value in TITLE_REQUEST.items() if key != name}) is None


def test_a_last_system_message_behind_an_answer_is_a_summary_in_any_language() -> None:
    found = ask(*TURN, user("A ship"), assistant(PICTURE), system("Streść rozmowę w dwustu słowach"))
    assert found == Chore("summary", "Asked to be drawn: “A lighthouse”; “A ship”.")


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_last_system_message_behind_an_open_prompt_is_drawn(role: str) -> None:
    note = {"role": role, "content": "Answer in the style of the sea."}
    assert ask(user("A ship"), note) is None
    assert ask(*TURN, user("A ship"), note, note) is None
    assert ask(note) is None
    assert ask(assistant("What shall I draw?"), note) is None


# --- structured answers -----------------------------------------------------------------------------


def schema_of(required: object, **types: str) -> Json:
    properties = {name: {"type": kind} for name, kind in types.items()}
    schema = {"type": "object", "required": required, "properties": properties}
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def test_a_schema_that_holds_a_title_and_nothing_of_a_picture_is_filled_in() -> None:
    wanted = schema_of(["title", "tags"], title="string", tags="array", note="string")
    found = ask(user("A red fox"), assistant(PICTURE), user("Name and tag this."), response_format=wanted)
    assert found is not None
    assert json.loads(found.text) == {"title": "A red fox", "tags": ["Image"]}


@pytest.mark.parametrize(
    "wanted",
    [
        schema_of(["title", "image"], title="string", image="string"),
        schema_of(["description"], description="string"),
        schema_of(["language"], language="string"),
        schema_of(["title"], title="array"),
        schema_of(["title"]),
        schema_of([], title="string"),
        schema_of("title", title="string"),
        schema_of([["title"]], title="string"),
        schema_of(None, title="string"),
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": []},
        {"type": "json_schema", "json_schema": {"schema": {"required": ["title"], "properties": ["title"]}}},
        {"type": "json_schema", "json_schema": {"schema": {"required": ["title"], "properties": {"title": "string"}}}},
        {"type": "json_object"},
        "json_object",
        None,
    ],
    ids=str,
)
def test_any_other_schema_is_drawn(wanted: object) -> None:
    assert ask(user("A red fox"), response_format=wanted) is None


# --- probes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["hi", "Hi!", " hello ", "test", "ping", "What's 1 + 1?"])
def test_a_word_with_a_limit_that_no_picture_fits_in_is_a_probe(word: str) -> None:
    assert ask(user(word), max_tokens=1) == Chore("probe", "OK")
    assert ask(user([text_part(word)]), max_completion_tokens=16, stream=True) == Chore("probe", "OK")
    assert ask(user(word)) is None
    assert ask(user(word), max_tokens=17) is None
    assert ask(user(word), max_tokens=0) is None
    assert ask(user(word), max_tokens="1") is None
    assert ask(*TURN, user(word), max_tokens=1) is None
    assert ask(user([text_part(word), IMAGE_PART]), max_tokens=1) is None


@pytest.mark.parametrize("prompt", ["A cat", "a", "hi there, draw a cat", "こんにちは", "", "test card, 1970s"])
def test_a_small_limit_alone_is_no_probe(prompt: str) -> None:
    assert ask(user(prompt), max_tokens=1) is None


# --- titles -----------------------------------------------------------------------------------------


def title_of(*prompts: str) -> str:
    turns = [message for prompt in prompts for message in (user(prompt), assistant(PICTURE))]
    found = ask(*turns, user(CHORES["next_chat"]["title"]["en"]))
    assert found is not None
    return found.text


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("A cat", "A cat"),
        ("  A cat.  ", "A cat"),
        ("A cat --ar 3:2 --seed 7", "A cat"),
        ("A cat --steps many", "A cat --steps many"),
        ('"A cat," he said', 'A cat," he said'),
        ("# A cat\n\nwith **boots**", "A cat with **boots"),
        ("one two three four five six seven eight nine", "one two three four five six seven"),
        (
            "Donaudampfschifffahrtsgesellschaftskapitän und Bergwerksingenieur",
            "Donaudampfschifffahrtsgesellschaftskapitän und",
        ),
        ("一只在雪地里奔跑的柴犬，电影感光线，超高清，细节丰富", "一只在雪地里奔跑的柴犬"),
        ("春江潮水连海平海上明月共潮生滟滟随波千万里", "春江潮水连海平海上明月共潮生滟滟"),
        ("A cat at 10:30", "A cat at 10:30"),
        (f"{PICTURE} now at night", "Here's the result: now at night"),
        (f"![a sketch]({DATA_URL}) in colour", "in colour"),
        (f"![a sketch]({DATA_URL}{'A' * 5000}) in colour", "Image"),
        ("???", "Image"),
        ("🦊", "🦊"),
        ("", "Image"),
    ],
)
def test_a_title_is_the_first_words_of_the_prompt(prompt: str, title: str) -> None:
    assert title_of(prompt) == title


def test_a_title_is_made_of_the_first_prompt_that_has_words() -> None:
    assert title_of("", "...", "A fox", "A dog") == "A fox"


@pytest.mark.parametrize("language", PROMPTS)
def test_a_title_is_short_and_a_part_of_what_was_typed(language: str) -> None:
    """So it is in the user's language."""
    for prompt in PROMPTS[language]:
        title = title_of(prompt)
        assert len(title.split()) <= 7
        assert 0 < len(title) <= 50
        assert "![" not in title
        assert title in " ".join(prompt.split())


def test_a_summary_quotes_at_most_five_prompts_each_shortened() -> None:
    turns = [message for count in range(9) for message in (user(f"Fox {count} " + "in snow " * 40), assistant(PICTURE))]
    found = ask(*turns, user(CHORES["next_chat"]["summary"]["en"]))
    assert found is not None
    assert [f"Fox {count}" in found.text for count in range(9)] == [True] * 5 + [False] * 4
    assert len(found.text) < 600


def test_only_the_first_line_of_a_quoted_conversation_is_the_title() -> None:
    quoted = "USER: A fox\nASSISTANT: done\nUSER: A dog\nASSISTANT: done"
    asking = f'### Task:\nName it. {{ "title": "" }}\n<chat_history>\n{quoted}\n</chat_history>'
    assert ask(user(asking)) == Chore("title", '{"title": "A fox"}')


def test_open_webuis_picture_is_drawn_from_what_was_typed_last() -> None:
    quoted = "USER: A fox\nASSISTANT: done\nUSER: Now with a hat 16:9"
    asking = f'### Task:\nDescribe it. {{ "prompt": "" }}\n<chat_history>\n{quoted}\n</chat_history>'
    assert ask(user(asking)) == Chore("image_prompt", '{"prompt": "Now with a hat"}')


def test_half_a_surrogate_in_a_quoted_conversation_does_no_harm() -> None:
    quoted = r'[{"role":"user","mainText":"A \ud83d fox"}]'
    assert ask(system("Name it."), user(quoted)) == Chore("title", "A � fox")


@pytest.mark.parametrize("end", ["", '"', '"}', "\\", '","files":' + "[" * 100_000])
def test_a_cut_or_endlessly_nested_conversation_does_no_harm(end: str) -> None:
    found = ask(system("Name it."), user('[{"role":"user","mainText":"A fox' + end))
    assert found is not None
    assert found.kind == "title"


# --- anything -----------------------------------------------------------------------------------------

texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from([template["asking"] for template in TEMPLATES]),
    st.sampled_from([template["system"] for template in TEMPLATES if "system" in template]),
    st.builds(
        "{}{}".format,
        st.sampled_from(
            ["### Task:", '### Task:\n"title":\n<chat_history>\n', '[{"role":"user","mainText":"', "||>User:\n"]
        ),
        st.text(max_size=60),
    ),
)
messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system", "developer", "tool", "", "User"]),
        "content": st.one_of(st.none(), texts, st.lists(st.one_of(texts, st.builds(text_part, texts)), max_size=3)),
    }
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["type", "json_schema", "schema", "required", "task", "title"]), inner),
    ),
    max_leaves=8,
)


@given(
    conversation=st.lists(messages, min_size=1, max_size=5),
    fields=st.dictionaries(st.sampled_from(["metadata", "response_format", "max_tokens", "tool_choice"]), values),
    task=st.one_of(st.text(max_size=8), st.sampled_from(["title_generation", "image_prompt_generation"])),
)
def test_whatever_is_sent_is_answered_without_a_picture_or_drawn(
    conversation: list[Json], fields: Json, task: str
) -> None:
    found = recognise({"model": MODEL, "messages": conversation, **fields}, {"x-openwebui-task": task})
    if found is not None:
        assert found.kind
        assert found.text
        assert "![" not in found.text
        found.text.encode()


# --- rules --------------------------------------------------------------------------------------------


class Fixture(NamedTuple):
    """A request of an app, and the stages in which it has a mark."""

    body: Json
    headers: Mapping[str, str]
    stages: tuple[str, ...]

    @property
    def conversation(self) -> Conversation:
        return chat_request(self.body, self.headers).conversation


def fixture(body: Json, *stages: str, headers: Mapping[str, str] | None = None) -> Fixture:
    return Fixture({"model": MODEL, **body}, headers or {}, stages)


def fixtures() -> Iterator[tuple[str, Fixture]]:
    for one in TEMPLATES:
        name = f"{one['app']}: {one['name']}"
        yield name, fixture(sent(one, "A cute cat"), *one.get("stages", ()))
    for language, asking in CHORES["next_chat"]["title"].items():
        yield f"NextChat: title, {language}", fixture({"messages": [*TURN, user(asking)], "stream": True})
    for language, asking in CHORES["next_chat"]["summary"].items():
        yield f"NextChat: summary, {language}", fixture({"messages": [TURN[0], system(asking)], "stream": True})
    yield "NextChat: title, not listed", fixture(TITLE_REQUEST)
    yield "NextChat: summary, not listed", fixture({"messages": [*TURN, system("Streść rozmowę")]})
    task = {"x-openwebui-task": "title_generation"}
    yield "Open WebUI: named in a header", fixture({"messages": [user("Name it.")]}, headers=task)


FIXTURES = dict(fixtures())


def matching(conversation: Conversation, rules: Iterable[Rule]) -> list[Rule]:
    """The rules that match a conversation, each tried separately."""
    return [rule for rule in rules if any(find(conversation) for find in merged([rule]))]


@pytest.mark.parametrize("name", FIXTURES)
def test_a_request_of_an_app_matches_one_rule_alone(name: str) -> None:
    """So an app's rules can be read, changed and removed independently, and their order does not matter.

    If a request has marks in several stages, its fixture says so, and it matches one rule in each.
    """
    conversation, stages = FIXTURES[name].conversation, FIXTURES[name].stages
    found = sorted(matching(conversation, chores.RULES), key=lambda rule: list(Stage).index(rule.stage))
    assert [rule.stage.name for rule in found] == list(stages or [found[0].stage.name])
    assert len({chore.kind for rule in found for find in merged([rule]) if (chore := find(conversation))}) == 1


def one_mark_each() -> Iterator[Rule]:
    for rule in chores.RULES:
        if isinstance(rule, TextRule):
            yield from (replace(rule, marks=(mark,)) for mark in rule.marks)
        else:
            yield rule


def test_every_mark_of_every_rule_has_a_fixture() -> None:
    rules = list(one_mark_each())
    used = [rule for fixture in FIXTURES.values() for rule in matching(fixture.conversation, rules)]
    assert [rule for rule in rules if rule not in used] == []


# --- other ways to send the same ----------------------------------------------------------------------


def in_parts(text: str, kind: str = "text") -> list[Json]:
    """A text as one part, or as two if it contains a line break, with which parts are joined."""
    at = text.find("\n", 1, -1)
    return [{"type": kind, "text": part} for part in ((text,) if at < 0 else (text[:at], text[at + 1 :]))]


def chat_in_parts(sent: Fixture) -> Conversation:
    messages = [{**message, "content": in_parts(message["content"])} for message in sent.body["messages"]]
    return chat_request({**sent.body, "messages": messages}, sent.headers).conversation


def as_items(messages: list[Json]) -> list[Json]:
    kinds = {"assistant": "output_text"}
    return [
        {
            "type": "message",
            "role": message["role"],
            "content": in_parts(message["content"], kinds.get(message["role"], "input_text")),
        }
        for message in messages
    ]


def response_conversation(sent: Fixture, **fields: Any) -> Conversation:
    names = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
    body = {names.get(name, name): value for name, value in sent.body.items() if name != "messages"}
    if form := body.pop("response_format", None):
        body["text"] = {"format": {"type": "json_schema", **form["json_schema"]}}
    return responses_parse.responses({**body, **fields}, sent.headers).conversation


def response_of_items(sent: Fixture) -> Conversation:
    return response_conversation(sent, input=as_items(sent.body["messages"]))


def response_with_instructions(sent: Fixture) -> Conversation:
    """As clients send it: the first system message as `instructions`, the rest as input."""
    first, *rest = sent.body["messages"]
    if first["role"] != "system" or not rest:
        return response_of_items(sent)
    return response_conversation(sent, instructions=first["content"], input=as_items(rest))


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("other", [chat_in_parts, response_of_items, response_with_instructions])
def test_a_chore_is_the_same_in_parts_and_through_the_responses_api(
    other: Callable[[Fixture], Conversation], name: str
) -> None:
    """The rules see only the conversation, whichever API was used."""
    sent = FIXTURES[name]
    found = chores.recognise(sent.conversation)
    assert found is not None
    assert chores.recognise(other(sent)) == found
