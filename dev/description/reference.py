"""The reference at /docs: the OpenAPI document as a page for people, public/docs.html.

The page is made from the document alone, except for the form of its examples in Python and JavaScript. Its scripts only
insert the deployment's address and copy examples, so it can be read without them.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from dev import ROOT
from dev.description.refusals import ROWS

Json = dict[str, Any]

FILE = ROOT / "public" / "docs.html"
HOST = "https://HOST"
"""Placeholder for the deployment's address, which the page's script inserts."""
KEY = "YOUR_API_KEY"

SDK: dict[str, tuple[str, Json, str]] = {
    "createImage": ("images.generate", {"prompt": "A cute cat", "size": "1536x1024"}, "data[0].url"),
    "createImageEdit": ("images.edit", {"prompt": "Give it a hat"}, "data[0].url"),
    "createChatCompletion": (
        "chat.completions.create",
        {"model": "flux", "messages": [{"role": "user", "content": "A cute cat 3:2"}]},
        "choices[0].message.content",
    ),
    "createResponse": ("responses.create", {"model": "flux", "input": "A cute cat 3:2"}, "output_text"),
    "listModels": ("models.list", {}, "data"),
}
"""Operations for which OpenAI's packages have a call: the call, its arguments, and what to print of the answer."""


def text(document: Json) -> str:
    """The file's text."""
    return "\n".join(_page(document)) + "\n"


# --- small pieces ---------------------------------------------------------------------------------


def _escape(value: object) -> str:
    return html.escape(str(value), quote=False)


def _inline(markdown: str) -> str:
    """A line of Markdown in which only code is marked up."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _escape(markdown))


def _slug(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def _code(source: str, label: str = "") -> str:
    """A code block that can be copied."""
    named = f"<b>{label}</b>" if label else ""
    return (
        f'<div class="listing">{named}<button type="button" class="quiet" data-copy>Copy</button>'
        f'<pre tabindex="0"><code>{_escape(source)}</code></pre></div>'
    )


def _table(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of finished cells. The first cell of a row is its heading. Rows that only differ in it are merged."""
    titles = "".join(f"<th scope=col>{one}" for one in head)
    lines = []
    for cells, same in groupby(rows, key=lambda row: tuple(row[1:])):
        first = ", ".join(row[0] for row in same)
        lines.append(f"<tr><th scope=row>{first}" + "".join(f"<td>{cell}" for cell in cells))
    body = "\n".join(lines)
    return f'<div class="table" tabindex="0"><table><thead><tr>{titles}<tbody>\n{body}\n</table></div>'


def _markdown(source: str) -> Iterator[str]:
    """The parts of Markdown in the document's introduction: headings, paragraphs, code blocks and tables."""
    for block in re.split(r"\n\n(?!curl)", source.strip()):
        rest = block
        if rest.startswith("## "):
            title, _, rest = rest.partition("\n")
            name = title.removeprefix("## ")
            yield f'<h2 id="{_slug(name)}">{_escape(name)}</h2>'
        if rest.startswith("```"):
            yield _code(rest.strip("`").strip("\n").replace("$KEY", KEY))
        elif rest.startswith("|"):
            head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in rest.splitlines())
            yield _table(map(_inline, head), ([*map(_inline, row)] for row in rows))
        elif rest:
            yield f"<p>{_inline(rest)}</p>"


# --- types ----------------------------------------------------------------------------------------

_NAMES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "object": "object",
}


def _type(schema: Json) -> str:
    """The possible values of a schema, in words."""
    if ref := schema.get("$ref"):
        name = ref.rsplit("/", 1)[1]
        return f'<a href="#{name}">{name}</a>'
    if "const" in schema:
        return f"<code>{_escape(json.dumps(schema['const'], ensure_ascii=False))}</code>"
    if "enum" in schema:
        return ", ".join(f"<code>{_escape(one)}</code>" for one in schema["enum"] if one not in (None, "", [], {}))
    for word in ("anyOf", "oneOf"):
        if word in schema:
            kinds = dict.fromkeys(_type(one) for one in schema[word] if one.get("type") != "null")
            return " or ".join(filter(None, kinds))
    types = schema.get("type", [])
    first = next((kind for kind in ([types] if isinstance(types, str) else types) if kind != "null"), "")
    if first == "array":
        return f"list of {_type(schema.get('items', {})) or 'values'}"
    return _NAMES.get(first, "anything")


def _range(schema: Json) -> str:
    """The limits of a value; "" if it has none, or if they add nothing."""
    least, most = schema.get("minimum"), schema.get("maximum")
    if "boolean" in str(schema.get("type")):
        return ""
    if least is not None and most is not None:
        return f"{least} to {most}"
    if "minItems" in schema or "maxItems" in schema:
        return f"{schema.get('minItems', 0)} to {schema.get('maxItems', 'any number')}"
    return f"at least {least}" if least is not None else ""


def _fields(schema: Json, schemas: Json, before: str = "") -> Iterator[tuple[str, ...]]:
    """A row for each field of an object, including nested objects."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        limits = _range(field)
        if "default" in field:
            limits += f"{'; ' if limits else ''}default <code>{_escape(json.dumps(field['default']))}</code>"
        told = _inline(field.get("description", ""))
        needed = " <b>required</b>" if name in required else ""
        yield f"<code>{before}{_escape(name)}</code>{needed}", _type(field), limits, told
        if "properties" in field:
            yield from _fields(field, schemas, f"{before}{name}.")
    for part in schema.get("allOf", ()):
        yield from _fields(schemas[part["$ref"].rsplit("/", 1)[1]], schemas, before)


_FIELD_HEAD = ("Field", "Type", "Range, default", "What it does")


# --- examples -------------------------------------------------------------------------------------


def _examples(path: str, method: str, operation: Json) -> Iterator[str]:
    url = HOST + re.sub(r"\{(\w+)\}", r"\1", path)
    content = operation.get("requestBody", {}).get("content", {})
    examples: Json = content.get("application/json", {}).get("examples", {})
    body = next((one["value"] for one in examples.values()), None)
    protected = "security" not in operation
    yield _code(_curl(url, method, content, body, protected=protected), "curl")
    if sdk := SDK.get(operation["operationId"]):
        call, arguments, shown = sdk
        takes_file = "multipart/form-data" in content
        yield _code(_python_sdk(call, arguments, shown, takes_file=takes_file), "Python")
        yield _code(_javascript_sdk(call, arguments, shown, takes_file=takes_file), "JavaScript")
    else:
        yield _code(_python(url, method, body, protected=protected), "Python")
        yield _code(_javascript(url, method, body, protected=protected), "JavaScript")


def _curl(url: str, method: str, content: Json, body: object, *, protected: bool) -> str:
    parts = [f"curl {'-I ' if method == 'head' else ''}{url}"]
    if protected:
        parts.append(f'-H "Authorization: Bearer {KEY}"')
    if "multipart/form-data" in content:
        parts += ["-F image=@picture.png", '-F prompt="Give it a hat"']
    elif body is not None:
        parts += ['-H "Content-Type: application/json"', f"-d '{json.dumps(body, ensure_ascii=False)}'"]
    return " \\\n  ".join(parts)


def _python_sdk(call: str, arguments: Json, shown: str, *, takes_file: bool) -> str:
    said = [f"{name}={value!r}" for name, value in arguments.items()]
    said = ['image=open("picture.png", "rb")', *said] if takes_file else said
    return (
        "from openai import OpenAI\n\n"
        f'client = OpenAI(base_url="{HOST}/v1", api_key="{KEY}")\n'
        f"answer = client.{call}({', '.join(said)})\nprint(answer.{shown})"
    )


def _javascript_sdk(call: str, arguments: Json, shown: str, *, takes_file: bool) -> str:
    said = [f"{name}: {json.dumps(value)}" for name, value in arguments.items()]
    said = ['image: createReadStream("picture.png")', *said] if takes_file else said
    more = 'import { createReadStream } from "node:fs";\n' if takes_file else ""
    given = f"{{ {', '.join(said)} }}" if said else ""
    return (
        f'import OpenAI from "openai";\n{more}\n'
        f'const client = new OpenAI({{ baseURL: "{HOST}/v1", apiKey: "{KEY}" }});\n'
        f"const answer = await client.{call}({given});\nconsole.log(answer.{shown});"
    )


def _python(url: str, method: str, body: object, *, protected: bool) -> str:
    said = [f'"{url}"']
    if protected:
        said.append(f'headers={{"Authorization": "Bearer {KEY}"}}')
    if body is not None:
        said.append(f"json={body!r}")
    shown = "headers" if method == "head" else "text"
    return f"import httpx\n\nanswer = httpx.{method}({', '.join(said)})\nprint(answer.status_code, answer.{shown})"


def _javascript(url: str, method: str, body: object, *, protected: bool) -> str:
    headers = [f'Authorization: "Bearer {KEY}"'] if protected else []
    headers += ['"Content-Type": "application/json"'] if body is not None else []
    said = [f'method: "{method.upper()}"'] if method != "get" else []
    said += [f"headers: {{ {', '.join(headers)} }}"] if headers else []
    said += [f"body: JSON.stringify({json.dumps(body, ensure_ascii=False)})"] if body is not None else []
    options = f", {{ {', '.join(said)} }}" if said else ""
    shown = "answer.headers" if method == "head" else "await answer.text()"
    return f'const answer = await fetch("{url}"{options});\nconsole.log(answer.status, {shown});'


# --- operations -----------------------------------------------------------------------------------


def operations(document: Json) -> Iterator[tuple[str, str, Json, Json]]:
    """Path, method, operation and the path's other properties, in the order of the document."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, method, operation, item


def _operation(path: str, method: str, operation: Json, item: Json, document: Json) -> Iterator[str]:
    schemas = document["components"]["schemas"]
    yield f'<section id="{operation["operationId"]}">'
    yield f"<h3><b>{method.upper()}</b> <code>{_escape(path)}</code></h3>"
    key = "" if "security" in operation else " Needs a key."
    yield f"<p>{_inline(operation['summary'])}.{key} {_inline(operation.get('description', ''))}</p>"
    if parameters := [*item.get("parameters", ()), *operation.get("parameters", ())]:
        rows = (
            (
                f"<code>{_escape(one['name'])}</code>{' <b>required</b>' if one.get('required') else ''}",
                f"{_type(one['schema'])} in the {one['in']}",
                "",
                _inline(one.get("description", "")),
            )
            for one in parameters
        )
        yield _table(_FIELD_HEAD, rows)
    content = operation.get("requestBody", {}).get("content", {})
    if body := content.get("application/json") or next(iter(content.values()), None):
        name = body["schema"]["$ref"].rsplit("/", 1)[1]
        yield f"<h4>Fields{' (JSON, or a form with the same names)' if len(content) > 1 else ''}</h4>"
        if told := schemas[name].get("description"):
            yield f"<p>{_inline(told)}</p>"
        yield _table(_FIELD_HEAD, _fields(schemas[name], schemas))
    yield "<h4>Examples</h4>"
    yield from _examples(path, method, operation)
    yield "<h4>Answers</h4>"
    yield from _answers(operation, document)
    yield "</section>"


def _answers(operation: Json, document: Json) -> Iterator[str]:
    errors: list[tuple[str, ...]] = []
    for status, response in operation["responses"].items():
        told = response
        if ref := response.get("$ref"):
            told = document["components"]["responses"][ref.rsplit("/", 1)[1]]
        json_content = told.get("content", {}).get("application/json", {})
        if status < "400":
            kinds = [
                _type(one["schema"]) for one in told.get("content", {}).values() if "$ref" in one.get("schema", {})
            ]
            yield f"<p><b>{status}</b> {_inline(told['description'])} {' or, streamed, '.join(kinds)}</p>"
            for example in list(json_content.get("examples", {}).values())[:1]:
                shown = json.dumps(example["value"], indent=2, ensure_ascii=False)
                yield f"<details><summary>Example</summary>{_code(shown)}</details>"
        for code, example in json_content.get("examples", {}).items() if status >= "400" else ():
            errors.append((f"{status} <code>{code}</code>", *advice(code, example["value"]["error"]["message"])))
    if errors:
        yield "<h4>Errors</h4>"
        yield _table(("Status, code", "When", "For example", "Try again"), errors)


_AGAIN = {True: "once", False: "no", None: "after a change"}


def advice(code: str, message: str) -> tuple[str, str, str]:
    """When an error occurs, what its message says to do, and whether to retry."""
    error = ROWS[code].error
    again = _AGAIN[error.should_retry]
    if error.retry_after:
        again = "after `Retry-After` seconds" if error.should_retry is not False else "at 00:00 UTC (`Retry-After`)"
    return _inline(ROWS[code].when), _inline(message), _inline(again)


# --- the page -------------------------------------------------------------------------------------


def _object(name: str, schema: Json, schemas: Json) -> Iterator[str]:
    yield f'<section id="{name}"><h3><code>{name}</code></h3>'
    if told := schema.get("description"):
        yield f"<p>{_inline(told)}</p>"
    if rows := list(_fields(schema, schemas)):
        yield _table(_FIELD_HEAD, rows)
    else:
        yield f"<p>{_type(schema)}</p>"
    yield "</section>"


def _page(document: Json) -> Iterator[str]:
    info, schemas = document["info"], document["components"]["schemas"]
    found = list(operations(document))
    requests = {
        kind["schema"]["$ref"].rsplit("/", 1)[1]
        for _, _, operation, _ in found
        for kind in operation.get("requestBody", {}).get("content", {}).values()
    }
    yield "<!doctype html>"
    yield "<!-- Made of openapi.json: make describe. -->"
    yield '<html lang="en">'
    yield '<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta name="description" content="{_escape(info["summary"])}">\n<title>{info["title"]}: reference</title>'
    yield '<link rel="icon" href="/favicon.svg" type="image/svg+xml">\n<script src="/page/theme.js"></script>'
    yield '<link rel="stylesheet" href="/page/style.css">\n<link rel="stylesheet" href="/docs.css">'
    yield '<script type="module" src="/docs.js"></script>\n</head>\n<body>'
    yield '<header><img src="/favicon.svg" alt="" width="28" height="28"><strong>FLUX image API</strong>'
    yield '<a class="quiet" href="/">Draw</a> <a class="quiet" href="/openapi.json">OpenAPI</a></header>'
    yield '<div class="docs"><nav aria-label="Contents"><ul>'
    for title in re.findall(r"^## (.*)$", info["description"], re.MULTILINE):
        yield f'<li><a href="#{_slug(title)}">{_escape(title)}</a>'
    for tag in document["tags"]:
        yield f'<li><a href="#tag-{_slug(tag["name"])}">{tag["name"]}</a><ul>'
        for path, method, operation, _ in found:
            if tag["name"] in operation["tags"]:
                yield f'<li><a href="#{operation["operationId"]}">{method.upper()} {_escape(path)}</a>'
        yield "</ul>"
    yield '<li><a href="#objects">Objects</a></ul></nav>\n<main>'
    yield f"<h1>{info['title']}: reference</h1>"
    yield f"<p>Version {info['version']}. The same as a file: <a href=/openapi.json>/openapi.json</a>.</p>"
    yield from _markdown(info["description"])
    for tag in document["tags"]:
        yield f'<h2 id="tag-{_slug(tag["name"])}">{tag["name"]}</h2>\n<p>{_inline(tag["description"])}</p>'
        for path, method, operation, item in found:
            if tag["name"] in operation["tags"]:
                yield from _operation(path, method, operation, item, document)
    yield '<h2 id="objects">Objects</h2>'
    for name, schema in schemas.items():
        if name in requests:  # described where it is sent
            yield f'<section id="{name}"><h3><code>{name}</code></h3><p>{_sent(name, found)}</p></section>'
        else:
            yield from _object(name, schema, schemas)
    yield '</main></div>\n<div id="announcer" class="unseen" role="log"></div>\n</body>\n</html>'


def _sent(name: str, found: list[tuple[str, str, Json, Json]]) -> str:
    """The requests in which an object is sent."""
    places = (
        f'<a href="#{operation["operationId"]}">{method.upper()} {_escape(path)}</a>'
        for path, method, operation, _ in found
        if any(
            kind["schema"]["$ref"].endswith(f"/{name}")
            for kind in operation.get("requestBody", {}).get("content", {}).values()
        )
    )
    return "Sent to " + ", ".join(places) + "."
