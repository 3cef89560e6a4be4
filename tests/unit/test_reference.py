"""public/docs.html has everything that the OpenAPI document has, in the expected places."""

import ast
import html
import re
from typing import Any

import pytest

from dev import ROOT, description
from dev.description import reference
from dev.description.refusals import ROWS

DOCUMENT = description.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
PAGE = reference.FILE.read_text()
OPERATIONS = {operation["operationId"]: (path, method, operation) for path, method, operation, _ in
              reference.operations(DOCUMENT)}  # fmt: skip


def section(id: str) -> str:
    """The section about one operation or object."""
    start = PAGE.index(f'<section id="{id}">')
    return PAGE[start : PAGE.index("</section>", start)]


def listings(text: str) -> dict[str, str]:
    """The examples in a section, by language."""
    found = re.findall(r"<b>(curl|Python|JavaScript)</b>.*?<code>(.*?)</code>", text, re.DOTALL)
    return {name: html.unescape(code) for name, code in found}


def fields(schema: dict[str, Any]) -> set[str]:
    """The names of an object's fields, including nested ones."""
    parts = (SCHEMAS[part["$ref"].rsplit("/", 1)[1]] for part in schema.get("allOf", ()))
    return set(schema.get("properties", {})).union(*map(fields, parts))


@pytest.mark.parametrize("id", OPERATIONS)
def test_an_operation_has_its_fields_answers_errors_and_examples(id: str) -> None:
    path, method, operation = OPERATIONS[id]
    told = section(id)
    assert f"<b>{method.upper()}</b> <code>{path}</code>" in told
    for kind in operation.get("requestBody", {}).get("content", {}).values():
        for name in fields(SCHEMAS[kind["schema"]["$ref"].rsplit("/", 1)[1]]):
            assert f"<code>{name}</code>" in told
    for status, response in operation["responses"].items():
        resolved = response
        if "$ref" in response:
            resolved = DOCUMENT["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        if status < "400":
            assert f"<b>{status}</b>" in told
            continue
        for code in resolved.get("content", {}).get("application/json", {}).get("examples", {}):
            assert f"{status} <code>{code}</code>" in told
            assert reference.advice(code, "")[0] in told
    examples = listings(told)
    assert list(examples) == ["curl", "Python", "JavaScript"]
    ast.parse(examples["Python"])
    assert all(f"{reference.HOST}/" in code for code in examples.values())
    assert all((reference.KEY in code) == ("security" not in operation) for code in examples.values())


def test_ranges_and_defaults_stand_beside_their_fields() -> None:
    for name, limits in (
        ("n", "0 to 10; default <code>1</code>"),
        ("steps", "1 to 100"),
        ("stream", "default <code>false</code>"),
    ):
        [row] = re.findall(rf"<tr><th scope=row><code>{name}</code>.*", section("createImage"))
        assert limits in row


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_object_has_a_place_and_every_link_leads_to_one(name: str) -> None:
    assert f'<section id="{name}">' in PAGE
    ids = re.findall(r' id="([^"]+)"', PAGE)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', PAGE)) <= set(ids)


def test_every_error_is_told_with_what_to_do() -> None:
    for code, row in ROWS.items():
        assert f"<code>{code}</code>" in PAGE
        assert row.error.message


def test_the_page_links_to_sections_that_are_there() -> None:
    linked = re.findall(r'href="/docs#([^"]+)"', (ROOT / "public" / "index.html").read_text())
    assert all(f'id="{one}"' in PAGE for one in linked)


def test_it_weighs_at_most_150_kilobytes_with_its_scripts_and_has_none_inline() -> None:
    files = [reference.FILE, *(ROOT / "public" / name for name in ("docs.js", "docs.css"))]
    assert sum(path.stat().st_size for path in files) <= 150_000
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", PAGE)
