"""public/openapi.json is valid, up to date, and matches the code."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from dev import description
from dev.description import reference
from flux import app, catalog, errors, fields, partners, picture, sizes
from flux.endpoints import chat, images, responses
from tests.builders import chat_request

DOCUMENT = description.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
METHODS = {"get", "head", "post", "put", "patch", "delete"}


def test_the_file_is_up_to_date() -> None:
    """Write it with: PYTHONPATH=src .venv/bin/python -m dev.description."""
    assert description.FILE.read_text() == description.text()


def test_the_reference_is_made_of_it_and_up_to_date() -> None:
    """To update it: PYTHONPATH=src .venv/bin/python -m dev.description."""
    assert reference.FILE.read_text() == reference.text(DOCUMENT)


def test_it_is_valid_openapi() -> None:
    """According to the meta-schema of OpenAPI 3.1."""
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_it_stays_small_enough_to_read() -> None:
    """People and language models read the whole file."""
    assert len(description.text()) < 150_000


# --- the route table ------------------------------------------------------------------------------


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation; without the path's variable part, as in the route table."""
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS & item.keys():
            yield re.sub(r"\{\w+\}$", "", path), method.upper(), item[method]


CANONICAL = [(route.path, route) for route in app.OPEN + app.TOOLS] + [(f"/v1{route.path}", route) for route in app.API]


def test_every_route_is_described_and_nothing_else() -> None:
    """Including methods. HEAD works wherever GET does, so GET must be described if HEAD is."""
    described = {(path, method) for path, method, _ in operations()}
    routed = {(path, method) for path, route in CANONICAL for method in route.methods}
    assert {one for one in described if one[1] != "HEAD"} == routed
    assert {(path, "GET") for path, method in described if method == "HEAD"} <= routed


def test_every_described_path_answers_without_v1_too() -> None:
    """As the introduction says."""
    for path, route in CANONICAL:
        assert app.ROUTES[path] is app.ROUTES[path.removeprefix("/v1")] is route


def test_what_needs_a_key_is_described_so() -> None:
    """If an operation says nothing, the document's security applies."""
    protected = {path: route.protected for path, route in CANONICAL}
    assert DOCUMENT["security"]
    for path, _, operation in operations():
        assert ("security" not in operation) == protected[path], path


# --- errors ---------------------------------------------------------------------------------------


def kinds(kind: type[errors.ApiError] = errors.ApiError) -> Iterator[type[errors.ApiError]]:
    """Every class of errors."""
    for one in kind.__subclasses__():
        yield one
        yield from kinds(one)


CODES = {(str(kind.status), kind.code) for kind in kinds()}


def test_every_error_is_described_and_no_other() -> None:
    """With its status: in the introduction's table, in the error schema, and among the responses."""
    table = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", DOCUMENT["info"]["description"], re.MULTILINE)
    assert set(table) == CODES
    assert set(SCHEMAS["Error"]["properties"]["error"]["properties"]["code"]["enum"]) == {code for _, code in CODES}
    assert {kind.type for kind in kinds()} == set(SCHEMAS["Error"]["properties"]["error"]["properties"]["type"]["enum"])
    nowhere_in_particular = {("405", "method_not_allowed")}
    assert set(answered_errors()) == CODES - nowhere_in_particular


def answered_errors() -> Iterator[tuple[str, str]]:
    """Status and code of every error in the responses of operations."""
    for _, _, operation in operations():
        for status, answer in operation["responses"].items():
            content = followed(answer).get("content", {}).get("application/json", {})
            yield from ((status, code) for code in content.get("examples", {}) if status >= "400")


def followed(item: dict[str, Any]) -> dict[str, Any]:
    """The target of a reference."""
    if "$ref" not in item:
        return item
    found: dict[str, Any] = reduce(lambda part, name: part[name], item["$ref"].split("/")[1:], DOCUMENT)
    return found


# --- fields ---------------------------------------------------------------------------------------


class Recorded(dict[str, Any]):
    """A body that records which of its fields were read.

    It has all fields that are looked for only where there is one of them: a size, and what cannot be followed.
    """

    def __init__(self, body: Mapping[str, Any], ignored: Iterable[str] = ()) -> None:
        super().__init__({"size": None, **dict.fromkeys((*fields.WITHOUT_EFFECT, *ignored)), **body})
        self.read: set[str] = set()

    def items(self) -> Any:
        self.read |= self.keys()
        return super().items()

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)


def properties(name: str) -> dict[str, Any]:
    """The properties of a schema and of the schemas it includes."""
    schema = SCHEMAS[name]
    found: dict[str, Any] = dict(schema["properties"])
    for base in schema.get("allOf", []):
        found |= properties(base["$ref"].rsplit("/", 1)[1])
    return found


OTHER_SPELLINGS = {*fields.OTHER_PICTURE_FIELDS, "aspectRatio", "imageSize", "imageConfig"}
"""For clients of other APIs. Readers of the description need only one name for each field."""


def test_every_field_that_a_chat_reads_is_described_and_no_other() -> None:
    """Recorded while the parser runs."""
    body = Recorded({"messages": [{"role": "user", "content": "A cat"}]}, ignored=fields.PICTURE_FIELDS)
    chat_request(body)
    chat.parse.refuse(body)
    assert body.read - OTHER_SPELLINGS == properties("ChatRequest").keys()


def test_every_field_that_the_responses_api_reads_is_described_and_no_other() -> None:
    """Of the request and of the tool."""
    tool = Recorded({"type": "image_generation"})
    body = Recorded({"input": "A cat", "tools": [tool]}, ignored=fields.PICTURE_FIELDS)
    responses.parse.refuse(body, responses.parse.responses(body, {}))
    assert body.read - OTHER_SPELLINGS == properties("ResponsesRequest").keys()
    assert tool.read - OTHER_SPELLINGS == properties("ImageTool").keys()


@pytest.mark.parametrize("schema", ["ImageRequest", "ImageEditRequest"])
def test_every_field_that_the_images_api_reads_is_described_and_no_other(schema: str) -> None:
    """Recorded while the parser runs."""
    body = Recorded({"prompt": "A cat", "images": []})
    images.parse.image(body, images.parse.json_sources(body))
    assert body.read - OTHER_SPELLINGS == properties(schema).keys()


def test_a_form_has_the_fields_of_json() -> None:
    """Except for the pictures."""
    assert properties("ImageEditForm").keys() - {"image"} == properties("ImageRequest").keys() - {"image", "images"}


def test_every_name_of_a_shape_and_every_wish_that_cannot_be_followed_is_described() -> None:
    """In each API."""
    names = {*fields.WITHOUT_EFFECT, *SHAPES}
    for schema in ("ChatRequest", "ImageRequest", "ImageEditForm", "ResponsesRequest", "ImageTool"):
        assert names <= properties(schema).keys()


SHAPES = ("size", "width", "height", "aspect_ratio", "ratio", "image_size", "resolution", "image_config")


@pytest.mark.parametrize("schema", ["ChatRequest", "ImageRequest", "ImageEditForm", "ResponsesRequest", "ImageTool"])
def test_ranges_and_choices_are_those_of_the_parser(schema: str) -> None:
    """Whole numbers have their limits, and enumerations all of their values. `n` may be 0, which means not set."""
    described = properties(schema)
    ranges = {
        name: (field["minimum"], field["maximum"])
        for name, field in described.items()
        if "integer" in field.get("type", ()) and "boolean" not in field["type"] and "minimum" in field
    }
    sides = (sizes.MIN_SIDE, sizes.MAX_SIDE)
    known = {**fields.RANGES, "n": (0, fields.MAX_PICTURES), "width": sides, "height": sides}
    assert ranges == {name: limits for name, limits in known.items() if name in described}
    choices = {
        name: set(field["enum"]) - {None, ""}
        for name, field in described.items()
        if name in ("quality", "output_format") and "enum" in field
    }
    assert choices["quality"] == set(fields.QUALITIES)
    assert choices.get("output_format", set(fields.FORMATS)) == set(fields.FORMATS)


def test_models_sizes_and_types_of_pictures_are_those_of_the_code() -> None:
    """Each by name."""
    assert SCHEMAS["ModelId"]["enum"] == [*catalog.MODELS, *partners.MODELS]
    told = SCHEMAS["PictureOptions"]["properties"]["size"]
    assert dict(re.findall(r"`([\d:]+)` \((\w+)\)", told["description"])) == {
        ratio: str(size) for ratio, size in sizes.RATIOS.items()
    }
    assert all(
        re.search(told["pattern"], text) for text in ("", "auto", *sizes.RATIOS, *map(str, sizes.RATIOS.values()))
    )
    shown = DOCUMENT["paths"]["/image/{key}"]["get"]["responses"]["200"]["content"]
    assert shown.keys() == picture.EXTENSIONS.keys()


# --- examples -------------------------------------------------------------------------------------

HERE = "urn:openapi"
REGISTRY: Registry[Any] = Registry().with_resource(HERE, DRAFT202012.create_resource(DOCUMENT))


def content(validator: Any, schema: Any, text: str, _parent: Any) -> Iterator[jsonschema.ValidationError]:
    """`contentSchema`, which JSON Schema leaves to applications."""
    yield from validator.descend(json.loads(text), schema)


Validator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {"contentSchema": content}
)


def examples(part: Any, pointer: str = "#") -> Iterator[tuple[str, Any]]:
    """The location of a schema, and an example of it."""
    if isinstance(part, list):
        for index, item in enumerate(part):
            yield from examples(item, f"{pointer}/{index}")
    if not isinstance(part, dict):
        return
    if "schema" in part:
        told = [item["value"] for item in part.get("examples", {}).values()]
        told += [part["example"]] if "example" in part else []
        yield from ((f"{pointer}/schema", value) for value in told)
    elif isinstance(part.get("examples"), list):
        yield from ((pointer, value) for value in part["examples"])
    for name, item in part.items():
        if name not in ("example", "examples"):
            yield from examples(item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")


EXAMPLES = [pytest.param(*one, id=f"{index} {one[0]}") for index, one in enumerate(examples(DOCUMENT))]


@pytest.mark.parametrize(("pointer", "value"), EXAMPLES)
def test_every_example_is_what_its_schema_says(pointer: str, value: Any) -> None:
    """Including the JSON inside a stream's event."""
    Validator({"$ref": HERE + pointer}, registry=REGISTRY).validate(value)


def test_whatever_is_sent_or_answered_in_json_or_events_has_an_example() -> None:
    """So that a stranger can write a client from them."""
    for _, method, operation in operations():
        if method != "POST":
            continue
        for body in map(followed, [operation["requestBody"], *operation["responses"].values()]):
            for kind in body.get("content", {}).keys() - {"multipart/form-data"}:
                told = body["content"][kind]
                assert "examples" in told or "examples" in followed(told["schema"]), operation["operationId"]
