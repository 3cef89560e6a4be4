"""Prompts are repeated in answers in such a way that nothing in them becomes markup."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flux import markdown

LINK = "https://flux.example/image/QmFzZTY0IGlzIG5vdCBh-_-1vuhmo0.jpg"


def rendered(text: str) -> list[str]:
    """The URLs of the pictures that a renderer shows, and the text around them."""
    parser = MarkdownIt("commonmark")
    found: list[str] = []
    for token in parser.parse(text):
        assert token.type not in ("fence", "code_block", "html_block", "heading_open"), token
        for child in token.children or ():
            assert child.type not in ("html_inline", "code_inline", "link_open", "em_open", "strong_open"), child
            if child.type == "image":
                found.append(str(child.attrs["src"]))
    return found


def answer(prompt: str) -> str:
    """The lines of a chat answer."""
    echoed = markdown.escape(prompt)
    return f"🎨 Original prompt: {echoed}\n🌐 Optimized prompt: {echoed}\nHere:\n\n![Generated Image]({LINK})"


MARKUP = st.text(st.sampled_from("`~!*_[]()<>#&\\\n\r\t \x0b\u2028\"':/-=+|{}$.1aA;x"), max_size=60)


@given(MARKUP | st.text(max_size=60))
@example("```\ncode")
@example("<!-- hidden")
@example("![x](http://tracker.example/x.png)")
@example("![x]\n\n[x]: http://tracker.example/x.png")
@example("<img src=http://tracker.example/x.png>")
@example("a\\\n\n    ![x](y)")
@example("&#33;&#91;x&#93;(y)")
@example("\\\\![x](y)")
@example("<http://a.example>")
def test_exactly_the_pictures_that_were_drawn_are_shown(prompt: str) -> None:
    assert rendered(answer(prompt)) == [LINK]


@pytest.mark.parametrize(
    "prompt",
    [
        "A cute cat 3:2",
        "Two dogs, one hat (red); a 50% discount! Really? Yes: #1 & co.",
        "snake_case and 3 * 4 > 2 < 5",
        "It costs $5 - or 10 $",
        "猫、犬。“Ünïcödé” — 🐱",
        "a+b=c | d {e} @f ^g",
        "C:\\Users",
    ],
)
def test_a_prompt_without_markup_stays_as_it_is(prompt: str) -> None:
    assert markdown.escape(prompt) == prompt


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Zs"]), min_size=1, max_size=40))
def test_a_prompt_is_shown_as_it_was_typed(prompt: str) -> None:
    (token,) = [one for one in MarkdownIt("commonmark").parse(f"🎨 {markdown.escape(prompt)}") if one.children]
    shown = "".join(child.content for child in token.children or ())
    assert shown == f"🎨 {prompt}"
