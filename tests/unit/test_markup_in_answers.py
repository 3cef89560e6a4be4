"""Hostile prompts in complete answers: every CommonMark renderer shows exactly the pictures that were drawn."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flux import upstream
from tests import fakes
from tests.builders import ORIGIN, Answer, Service
from tests.fakes import Painter, Rewriter

HOSTILE = st.text(st.sampled_from("`~!*_[]()<>#&\\\n\r\t \x0b\x85\u2028\"':/-=+|{}$.1aA;x"), min_size=1, max_size=60)
PIECES = st.lists(
    st.sampled_from(
        ["```", "~~~", "<!--", "<?", "<![CDATA[", "<script>", "</p>", "![x](http://e.example/x.png)", "![x][y]",
         "[y]: http://e.example/y.png", "<img src=http://e.example/z.png>", "&#33;[", "\\", "\n", "\n\n", "    ", "> ",
         "- ", "1. ", "# ", "***", "---", "===", "$$", "|", "A cat", " "]
    ),
    min_size=1,
    max_size=12,
).map("".join)  # fmt: skip
PROMPTS = (HOSTILE | PIECES).map("A cat {}".format)
RENDERERS = {name: MarkdownIt(name) for name in ("commonmark", "js-default")}


def shown(text: str, parser: MarkdownIt) -> list[str]:
    """The URLs of the pictures that a renderer shows. Nothing else in an answer may be markup."""
    found: list[str] = []
    for token in parser.parse(text):
        assert token.type not in ("fence", "code_block", "html_block", "heading_open", "bullet_list_open"), token
        assert token.type not in ("blockquote_open", "ordered_list_open", "table_open", "hr"), token
        for child in token.children or ():
            assert child.type not in ("html_inline", "code_inline", "em_open", "strong_open", "s_open"), child
            if child.type == "image":
                found.append(str(child.attrs["src"]))
    return found


def answered(path: str, body: dict[str, Any], service: Service) -> Answer:
    """The answer, read completely."""
    with asyncio.Runner(loop_factory=fakes.skipping_loop) as runner:
        return runner.run(service.post(path, body))


def said(answer: Answer, path: str) -> list[str]:
    """The texts in an answer of either API."""
    if "chat" in path:
        return [choice["message"]["content"] for choice in answer.json["choices"]]
    return [item["content"][0]["text"] for item in answer.json["output"] if item["type"] == "message"]


def bodies(path: str, prompt: str, n: int) -> dict[str, Any]:
    """A request for this number of pictures of a prompt."""
    if "chat" in path:
        return {"messages": [{"role": "user", "content": prompt}], "n": n}
    return {"input": prompt, "n": n}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@settings(max_examples=40)
@given(prompt=PROMPTS, n=st.sampled_from([1, 2]))
@example(prompt="A cat\n```\ncode", n=1)
@example(prompt="A cat <!-- hidden", n=2)
@example(prompt="A cat ![x](http://tracker.example/x.png)", n=1)
@example(prompt="A cat ![x]\n\n[x]: http://tracker.example/x.png", n=1)
@example(prompt="A cat\\", n=1)
def test_exactly_the_pictures_that_were_drawn_are_shown(path: str, prompt: str, n: int) -> None:
    service = Service()
    answer = answered(path, bodies(path, prompt, n), service)
    assert answer.status == 200, answer.text
    drawn = {f"{ORIGIN}/image/{id}.jpg" for id in service.store.pictures}
    assert len(drawn) == n
    for parser in RENDERERS.values():
        found = [url for text in said(answer, path) for url in shown(text, parser)]
        assert len(found) == n
        assert set(found) == drawn


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@settings(max_examples=40)
@given(written=PROMPTS)
def test_what_a_writer_says_is_no_markup_either(path: str, written: str) -> None:
    """A prompt can make a text model write anything."""
    service = Service(writer=Rewriter(written))
    answer = answered(path, bodies(path, "A cat", 1) | {"optimize": True}, service)
    for parser in RENDERERS.values():
        assert [url for text in said(answer, path) for url in shown(text, parser)] == [
            f"{ORIGIN}/image/{id}.jpg" for id in service.store.pictures
        ]


def streamed(answer: Answer, path: str) -> list[str]:
    """What a client reads from a stream: the text of each choice of a chat, or that of a response."""
    texts: dict[int, str] = {}
    for line in answer.text.split("\n"):
        event = json.loads(line.removeprefix("data: ")) if line.startswith("data: {") else {}
        if "chat" in path:
            for choice in event.get("choices", ()):
                texts[choice["index"]] = texts.get(choice["index"], "") + choice["delta"].get("content", "")
        elif event.get("type") == "response.output_text.delta":
            texts[0] = texts.get(0, "") + event["delta"]
    return list(texts.values())


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@settings(max_examples=40)
@given(prompt=PROMPTS, n=st.sampled_from([1, 2]), seconds=st.sampled_from([0.0, 5.0]))
@example(prompt="A cat\n```\ncode", n=1, seconds=5.0)
@example(prompt="A cat ![x](http://tracker.example/x.png)", n=2, seconds=0.0)
@example(prompt="A cat <!--", n=1, seconds=5.0)
def test_a_stream_shows_exactly_the_pictures_that_were_drawn(path: str, prompt: str, n: int, seconds: float) -> None:
    """Streamed while it is drawn, or all at once."""
    service = Service(painter=Painter(seconds=seconds))
    answer = answered(path, bodies(path, prompt, n) | {"stream": True}, service)
    assert answer.status == 200, answer.text
    drawn = {f"{ORIGIN}/image/{id}.jpg" for id in service.store.pictures}
    for parser in RENDERERS.values():
        found = [url for text in streamed(answer, path) for url in shown(text, parser)]
        assert (len(found), set(found)) == (n, drawn)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@settings(max_examples=20)
@given(prompt=PROMPTS)
def test_a_picture_that_failed_leaves_exactly_the_others(path: str, prompt: str) -> None:
    """The sentence that reports it is not markup either."""
    service = Service(painter=Painter(1.0, upstream.failure("500: ![x](http://e.example/x.png)"), 1.0))
    answer = answered(path, bodies(path, prompt, 3), service)
    for parser in RENDERERS.values():
        assert len([url for text in said(answer, path) for url in shown(text, parser)]) == 2
