"""What the documents name exists, and they name everything that they should.

tests/worker/test_documentation.py runs the commands in them.
"""

import json
import re
import tomllib
from pathlib import Path

import pytest

from dev import ROOT
from flux import settings
from flux.errors import ApiError

README = ROOT / "README.md"
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
DOCUMENTS = (
    README,
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
    ROOT / "bench" / "README.md",
    ROOT / "dev" / "ai" / "README.md",
    ROOT / "dev" / "cloudflare" / "README.md",
)
EACH = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))

FENCE = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[\w+\]: (\S+)$|(?:src|srcset|href)=\"([^\"]+)\"", re.MULTILINE)


def prose(document: Path) -> str:
    """A document without code blocks."""
    return FENCE.sub("", document.read_text())


def links(text: str) -> list[str]:
    """The links in a text, including pictures, in order."""
    return [next(filter(None, found)) for found in LINK.findall(text)]


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes from a document's headings."""
    found = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def kinds(base: type[ApiError] = ApiError) -> list[type[ApiError]]:
    """Every class of errors."""
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


STATUSES: dict[str, set[int]] = {}
for kind in kinds():
    STATUSES.setdefault(kind.code, set()).add(kind.status)


# --- what they name exists --------------------------------------------------------------------------


@EACH
def test_links_lead_somewhere(document: Path) -> None:
    """Files and headings in this repository. Links to the internet are not checked."""
    broken = []
    for link in links(prose(document)):
        if not re.match(r"https?:|\.\./\.\./", link):
            path, _, heading = link.partition("#")
            target = document.parent / path if path else document
            if not target.exists() or (heading and heading not in anchors(target)):
                broken.append(link)
    assert not broken


TOP = ("src/", "tests/", "dev/", "docs/", "bench/", "public/", ".github/")


@EACH
def test_paths_are_there(document: Path) -> None:
    """Paths that begin with a folder of this repository, with or without a part after a colon."""
    named = {code.split(":")[0].rstrip(".") for code in CODE.findall(prose(document)) if code.startswith(TOP)}
    assert not [name for name in named if not re.search(r"[*{<…\s]", name) and not (ROOT / name).exists()]


TARGETS = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split())  # type: ignore[index]


@EACH
def test_make_has_the_targets(document: Path) -> None:
    named = set(re.findall(r"(?:^|`)make (?:\w+=\S+ )*([a-z]+)", document.read_text(), re.MULTILINE))
    assert named <= TARGETS


def bindings() -> set[str]:
    """The names of the bindings in wrangler.toml."""
    configured = tomllib.loads((ROOT / "wrangler.toml").read_text())
    found: set[str] = set()
    waiting: list[object] = [configured]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found |= {value for key, value in one.items() if key in ("binding", "name") and isinstance(value, str)}
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


FOREIGN = {
    "CLOUDFLARE_ACCOUNT_ID": "wrangler's",
    "CLOUDFLARE_API_TOKEN": "wrangler's",
    "IMAGE_GEN_OAI_API_KEY": "LibreChat's",
    "IMAGE_GEN_OAI_BASEURL": "LibreChat's",
    "API_TOKEN": "of the stand-in for Workers AI",
    "DELAY_MS": "of the stand-in for Workers AI",
}
"""Names in capitals that are not settings of the Worker, and what they belong to."""


@EACH
def test_settings_are_there(document: Path) -> None:
    """A name in capitals, alone or before an equals sign, is a setting, a binding, or listed above."""
    named = {
        match[1]
        for code in CODE.findall(prose(document))
        if (match := re.fullmatch(r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:\s?=.*)?", code))
    }
    assert named <= {*settings.NAMES, *bindings(), *FOREIGN}


@EACH
def test_error_codes_are_there_with_the_status_that_is_told(document: Path) -> None:
    for status, code in re.findall(r"\b([45]\d\d) `(\w+)`", prose(document)):
        assert int(status) in STATUSES.get(code, set()), code


# --- what the code has is named in them -------------------------------------------------------------


def section(document: Path, heading: str) -> str:
    """The text below a heading, up to the next one of its level."""
    return re.split(r"^## ", prose(document).split(f"\n## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_every_setting_is_in_the_table_of_the_readme_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?) \|", section(README, "Settings"), re.MULTILINE)
    named = [name for row in rows for name in CODE.findall(row)]
    assert sorted(named) == sorted(settings.NAMES)


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_every_error_code_has_a_symptom(code: str) -> None:
    """In the last column of a table, where people who search for it find the remedy."""
    rows = [line for line in TROUBLESHOOTING.read_text().splitlines() if line.startswith("| ")]
    assert [row for row in rows if f"`{code}`" in row.rsplit("|", 2)[1]]


def test_every_code_of_a_symptom_is_one_of_the_service() -> None:
    last = [line.rsplit("|", 2)[1] for line in TROUBLESHOOTING.read_text().splitlines() if line.count(" | ") == 3]
    assert {code for cell in last for code in CODE.findall(cell)} - {"code"} == set(STATUSES)


# --- the README -------------------------------------------------------------------------------------

FIRST = README.read_text().split("\n## ")[0]
"""What a visitor sees before scrolling."""

QUESTIONS = {
    "What does a picture cost?": "| FLUX.1 [schnell] |",
    "How long are pictures kept?": "Pictures are deleted after `IMAGE_EXPIRATION`",
    "Does it run on Windows?": "WSL 2",
    "How do I connect NextChat?": "Custom Endpoint",
    "How do I limit what it spends?": 'DAILY_NEURONS = "9500"',
    "Which model can edit pictures?": "| `klein` | 256 to 1920 a side | yes |",
    "Why do I get 401?": "`invalid_api_key`",
    "Who can see my pictures?": "Anyone with a link sees the picture",
}
"""The questions of a new user, each with a part of the answer."""


def followed(pages: dict[Path, str]) -> dict[Path, str]:
    """The documents to which pages link."""
    linked = {
        (document.parent / link.partition("#")[0]).resolve() if link[0] != "#" else document
        for document, text in pages.items()
        for link in links(text)
        if not link.startswith("http")
    }
    return {document: document.read_text() for document in linked & set(DOCUMENTS)}


@pytest.mark.parametrize(("question", "answer"), QUESTIONS.items())
def test_a_question_is_answered_two_links_from_the_first_screen(question: str, answer: str) -> None:
    one = followed({README: FIRST})
    two = followed(one)
    assert any(answer in text for text in (FIRST, *one.values(), *two.values())), question


def test_badges_are_true() -> None:
    badges = set(re.findall(r"img\.shields\.io/badge/([^)]+)\)", FIRST))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    openapi = json.loads((ROOT / "public" / "openapi.json").read_text())["openapi"]
    assert badges == {
        f"license-{project['license']}-blue",
        f"python-{project['requires-python'].removeprefix('>=')}%2B-blue",
        f"OpenAPI-{openapi.rpartition('.')[0]}-blue",
    }
