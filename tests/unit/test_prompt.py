"""Directives at the end of a prompt, and shortening prompts to a model's limit."""

from typing import Any

import pytest

from flux import sizes
from flux.errors import InvalidRequest
from flux.generation import Options
from flux.prompt import shorten, split
from flux.sizes import Size

RATIOS = {
    # the first six as the contract gives them
    "1:1": Size(1024, 1024),
    "1:2": Size(512, 1024),
    "3:2": Size(768, 512),
    "3:4": Size(768, 1024),
    "16:9": Size(1024, 576),
    "9:16": Size(576, 1024),
    # "the usual others, at about one megapixel, sides multiples of 16"
    **{ratio: sizes.RATIOS[ratio] for ratio in ("2:1", "2:3", "4:3", "4:5", "5:4", "21:9", "9:21")},
}


@pytest.mark.parametrize(("ratio", "size"), RATIOS.items())
@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("A cat {}", "A cat"),
        ("A cat, {}", "A cat"),
        ("A cat --ar {}", "A cat"),
        ("A cat --size {}", "A cat"),
        ("一只猫{}", "一只猫"),
        ("猫，{}", "猫"),
    ],
)
def test_a_ratio_at_the_end_is_the_size(written: str, text: str, ratio: str, size: Size) -> None:
    """Also after a comma, and directly after Chinese, which has no spaces."""
    assert split(written.format(ratio)) == (text, Options(size=size))


@pytest.mark.parametrize(
    ("written", "text", "directives"),
    [
        ("A cat 16：9", "A cat", Options(size=Size(1024, 576))),
        ("A cat --ar 3：2", "A cat", Options(size=Size(768, 512))),
        ("A cat --size 768x512", "A cat", Options(size=Size(768, 512))),
        ("A cat --size=768X512", "A cat", Options(size=Size(768, 512))),
        ("A cat --size auto", "A cat", Options(size=Size(1024, 1024))),
        ("A cat --steps 8", "A cat", Options(steps=8)),
        ("A cat --seed 0", "A cat", Options(seed=0)),
        ("A cat --n 4", "A cat", Options(n=4)),
        ("A cat --model flux-2-dev", "A cat", Options(model="flux-2-dev")),
        ("A cat --model @cf/lykon/dreamshaper-8-lcm", "A cat", Options(model="@cf/lykon/dreamshaper-8-lcm")),
        ("A cat --raw", "A cat", Options(optimize=False)),
        ("A cat ---ntl", "A cat", Options(optimize=False)),
        ("A cat --optimize", "A cat", Options(optimize=True)),
        ("A cat ---tl", "A cat", Options(optimize=True)),
        ("A cat --RAW --Steps 3", "A cat", Options(steps=3, optimize=False)),
        ("一只猫--steps 3", "一只猫", Options(steps=3)),
        ("一只猫3:2 --raw", "一只猫", Options(size=Size(768, 512), optimize=False)),
        ("--raw", "", Options(optimize=False)),
        ("16:9", "", Options(size=Size(1024, 576))),
        ("  A cat \n 3:2 \n", "A cat", Options(size=Size(768, 512))),
        ("A cat\n\n--seed 7", "A cat", Options(seed=7)),
        ("一只猫　１６：９", "一只猫", Options(size=Size(1024, 576))),
        ("猫（３：２）", "猫", Options(size=Size(768, 512))),
        ("１６：９、猫", "１６：９、猫", Options()),
        ("１６：９ 猫", "猫", Options(size=Size(1024, 576))),
        ("A cat 16∶9", "A cat", Options(size=Size(1024, 576))),
        ("A cat --ar 16x9", "A cat", Options(size=Size(1024, 576))),
        ("A cat --ar １６：９", "A cat", Options(size=Size(1024, 576))),
    ],
)
def test_each_directive_is_read_and_removed(written: str, text: str, directives: Options) -> None:
    """In every spelling. Full-width digits and colons are equivalent."""
    assert split(written) == (text, directives)


@pytest.mark.parametrize("dash", ["--", "—", "–"])
def test_the_dash_that_a_phone_makes_of_two_hyphens_counts(dash: str) -> None:
    assert split(f"A cat {dash}seed 7") == ("A cat", Options(seed=7))
    assert split(f"A cat {dash}raw") == ("A cat", Options(optimize=False))


@pytest.mark.parametrize(
    "end", ["16:9 --steps 2 --seed 5 --raw", "--raw --seed 5 --steps 2 16:9", "--steps 2, 16:9, --raw, --seed 5"]
)
def test_directives_come_in_any_order(end: str) -> None:
    assert split(f"A cat {end}") == ("A cat", Options(size=Size(1024, 576), steps=2, seed=5, optimize=False))


@pytest.mark.parametrize(
    ("written", "directives"),
    [
        ("A cat 1:1 16:9", Options(size=Size(1024, 576))),
        ("A cat --ar 16:9 3:2", Options(size=Size(768, 512))),
        ("A cat --seed 1 --seed 2", Options(seed=2)),
        ("A cat --raw --optimize", Options(optimize=True)),
    ],
)
def test_of_two_that_say_the_same_the_last_one_counts(written: str, directives: Options) -> None:
    """People correct themselves this way. Both are removed."""
    assert split(written) == ("A cat", directives)


@pytest.mark.parametrize(
    "prompt",
    [
        "A cat at 10:30",
        "A cat at 12:00",
        "The bus leaves at 7:05",
        "A cat 7:3",
        "A cat 16:90",
        "A cat 116:9",
        "A cat 1:1:1",
        "A cat 1：1：1",
        "猫１１６：９",
        "１０：３０に猫",
        "猫　１０：３０",
        "score 3-2:1",
        "John3:2",
        "A 16:9 screen on a desk",
        "A 3:4 portrait --ish",
        "the words --steps 8 on a sign",
        "a sign that says --raw food",
        "A cat --steps",
        "well--raw",
        "a self--n 3",
        "A cat --verbose",
        "A cat - raw",
        "",
    ],
)
def test_what_is_no_directive_at_the_end_stays_in_the_prompt(prompt: str) -> None:
    """A time is not a ratio, an unlisted ratio stays, and words inside a prompt are left alone."""
    assert split(prompt) == (prompt, Options())


WIDE = Size(1024, 576)


@pytest.mark.parametrize(
    "written",
    ["A cat 16:9.", "A cat 16:9!", "A cat 16:9。", "A cat (16:9)", "A cat (16:9).", "A cat [16:9]", "A cat（16：9）",
     "A cat 【16:9】", "A cat\u00a016:9", "A cat\u202f16:9", "A cat\u200916:9", "A cat\u200b16:9", "A cat\ufeff16:9",
     "A cat\u205f\u205f16:9", "A cat;16:9", "A cat\u300016:9", "A cat, (16:9)", "A cat 16:9\u200b", "\ufeffA cat 16:9",
     "A cat --ar 16:9.", "A cat --ar\u00a016:9", "A cat --AR=16：9", "A cat --size 1024x576!", "A cat —ar 16:9",
     "16:9 A cat", "16:9, A cat", "(16:9) A cat", "[16:9] A cat", "16：9，A cat", "16:9. A cat", "16:9\nA cat",
     "--ar 16:9 A cat", "--size=1024x576, A cat", "—ar 16:9 A cat", "\u00a016:9\u00a0A cat"],
)  # fmt: skip
def test_a_shape_counts_in_every_way_that_people_set_it_apart(written: str) -> None:
    """After every kind of space, in brackets, before the end of a sentence, and at the very beginning."""
    assert split(written) == ("A cat", Options(size=WIDE))


@pytest.mark.parametrize(
    ("ratio", "size"),
    [("2.35:1", Size(1568, 672)), ("4:1", Size(2048, 512)), ("1:4", Size(512, 2048)), ("7:3", None), ("9:19.5", None),
     ("32:18", WIDE), ("10:30", None)],
)  # fmt: skip
def test_any_ratio_counts_where_it_is_clearly_meant(ratio: str, size: Size | None) -> None:
    """A bare ratio is text unless it is in the list."""
    meant = size or sizes.of_ratio(ratio)
    assert meant is not None
    for written in (f"A cat --ar {ratio}", f"A cat --size {ratio}.", f"--ar {ratio} A cat"):
        assert split(written) == ("A cat", Options(size=meant))
    for written in (f"A cat {ratio}", f"A cat ({ratio})", f"{ratio} A cat"):
        assert split(written) == (written, Options())


@pytest.mark.parametrize(
    "prompt",
    ["A house –size matters", "A house —size matters", "a Ford —model T", "a Ford –model T.", "notes —n is a number",
     "stairs —steps everywhere", "a sign —seed here", "a tree –ar tree", "—size matters in art", "A train at 10:30.",
     "A train (10:30)", "10:30 at the station", "5:45, a train", "a 16:9-screen", "16:9-screens on a wall",
     "16:9A cat", "A cat v16:9"],
)  # fmt: skip
def test_words_that_look_like_directives_are_words(prompt: str) -> None:
    """A single dash may separate words, and times are not ratios."""
    assert split(prompt) == (prompt, Options())


def test_a_shape_at_the_end_wins_over_one_at_the_beginning() -> None:
    """Both are removed."""
    assert split("16:9 A cat 3:2") == ("A cat", Options(size=Size(768, 512)))
    assert split("16:9 A cat --seed 7") == ("A cat", Options(size=WIDE, seed=7))


@pytest.mark.parametrize("seed", ["-1", "-9223372036854775808", "9223372036854775807", "4294967296", "0"])
def test_a_seed_may_be_any_number_that_software_stores(seed: str) -> None:
    """A negative one means any."""
    assert split(f"A cat --seed {seed}") == ("A cat", Options(seed=None if seed.startswith("-") else int(seed)))


def test_reading_ends_at_the_first_thing_that_is_no_directive() -> None:
    assert split("A clock at 10:30 --raw") == ("A clock at 10:30", Options(optimize=False))
    assert split("--raw A cat 3:2") == ("--raw A cat", Options(size=Size(768, 512)))


@pytest.mark.parametrize(
    ("written", "param"),
    [
        ("A cat --steps many", "steps"),
        ("A cat --n 1.5", "n"),
        ("A cat --seed ٣", "seed"),
        ("A cat --seed 9999999999999999999999", "seed"),
        ("A cat --ar 5:1", "size"),
        ("A cat --size big", "size"),
        ("A cat --size 63x100", "size"),
    ],
)
def test_a_directive_that_is_meant_and_cannot_be_followed_is_refused(written: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        split(written)
    assert refusal.value.param == param


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("one two", None, "one two"),
        ("one two", 7, "one two"),
        ("one two three", 9, "one two"),
        ("one two three", 7, "one two"),
        ("one two three", 8, "one two"),
        ("one\ntwo three", 9, "one\ntwo"),
        ("a " + "b" * 20, 10, "a bbbbbbbb"),  # a word too long to leave out
        ("一二三四五六七八", 5, "一二三四五"),
        ("one two ", 7, "one two"),
        ("🐱" * 5, 10, "🐱" * 5),
        ("🐱" * 5, 9, "🐱" * 4),  # never half a character
        ("a cat 🐱🐱", 9, "a cat"),
        ("one two a b", 9, "one two a"),  # a word that ends there is whole
        ("first line\nsecond", 12, "first line"),
        ("abcde fghijk", 10, "abcde fghi"),  # the boundary is further away than a quarter
    ],
)
def test_prompts_are_cut_at_a_word_boundary(text: str, most: int | None, cut: str) -> None:
    """To at most this many UTF-16 units. If there is no boundary near the end, inside the word."""
    assert shorten(text, most) == cut


def test_a_prompt_of_nothing_but_directives_costs_no_more_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body may contain a quarter of a million of them, and the parsing time must not grow with their number."""
    looked_up = 0

    class Counted(dict[str, Size]):
        def get(self, key: str, default: Any = None) -> Any:
            nonlocal looked_up
            looked_up += 1
            return super().get(key, default)

    monkeypatch.setattr(sizes, "RATIOS", Counted(sizes.RATIOS))
    assert split("A cat" + " 3:2" * 1000)[1].size == Size(768, 512)
    assert looked_up < 100
