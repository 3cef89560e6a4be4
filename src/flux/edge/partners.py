"""What goes into models of other makers and what comes back, with every picture outside Python."""

from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException

from flux import links, partner_failures, picture, upstream
from flux.catalog import ImagesIn, Model
from flux.edge import model_output
from flux.edge.fetching import aborted_with_its_task
from flux.edge.js_bytes import array_of, base64_in_array, js_object, result_in_array
from flux.picture import Picture
from flux.ports import Inputs
from flux.text import Blob
from flux.time_limit import time_limit

# --- in -------------------------------------------------------------------------------------------


def inputs_of(model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Any:
    """Inputs as a JavaScript object, the pictures among them."""
    given = js_object(dict(inputs))
    if images and model.partner and model.partner.images:
        _put(given, model.partner.images, images)
    return given


def body_of(model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Any:
    """A call of the REST API as JSON, in a JavaScript `Blob`."""
    asked = js_object({"model": model.id})
    asked.input = inputs_of(model, inputs, images)
    return js.Blob.new(result_in_array(js.JSON.stringify.bind(js.JSON, asked)))


def _put(given: Any, field: ImagesIn, images: tuple[Blob, ...]) -> None:
    texts = js.Array.new().concat(*(_text_in_array(image, field) for image in images))
    if field.as_list:
        setattr(given, field.field, texts)
    else:
        entry = js.Array.of(field.field).concat(texts.slice(0, 1))
        js.Object.assign(given, js.Object.fromEntries(js.Array.of(entry)))


def _text_in_array(image: Blob, field: ImagesIn) -> Any:
    base64 = base64_in_array(array_of(image))
    if not field.data_urls:
        return base64
    found = picture.look(image)
    pieces = js.Array.of(f"data:{found.type if found else 'image/png'};base64,").concat(base64)
    return result_in_array(pieces.join.bind(pieces, ""))


# --- out ------------------------------------------------------------------------------------------

MAX_LEVELS = 4
"""Of nesting: `{image}`, `{result: {image}}`, `{result: {result: {image}}}`, and REST's envelope around each."""
MAX_STATE = 500
"""Characters of a failure that are read."""
BEFORE_BASE64 = 200
"""Characters of a data URL that may stand before its base64."""
FIRST_READ = 1024 * 1024
"""Bytes of memory for a body of unknown size."""


async def picture_of(answer: Any) -> Picture:
    """The picture in an answer, or behind the link in it. Raises `UpstreamFailure`."""
    if _kind(js.Array.of(answer)) != "Object":
        return await model_output.picture_of(answer)
    try:
        return model_output.look(await _bytes(_text_in_answer(answer)))
    except JsException as error:
        raise upstream.no_picture(f"{error.name}: {error.message}") from error


def _text_in_answer(answer: Any) -> Any:
    """The text that stands for the picture, the one item of an array. Raises `UpstreamFailure`."""
    place = js.Array.of(answer)
    for _ in range(MAX_LEVELS):
        if _kind(place) != "Object":
            break
        _raise_failed(place)
        for name in ("image", "images"):
            found = _property(place, name)
            if _kind(found) == "Array":
                found = found.flat().slice(0, 1)
            if _kind(found) == "String":
                return found
        place = _property(place, "result")
    raise upstream.no_picture("an answer of no known shape")


def _raise_failed(place: Any) -> None:
    state = _said(_property(place, "state"))
    error = _property(place, "error")
    if _kind(error) == "Object":
        raise partner_failures.of_state(state, _said(_property(error, "code")), _said(_property(error, "message")))
    if state not in ("", "Completed"):
        raise partner_failures.of_state(state, "", _said(error))


def _property(place: Any, name: str) -> Any:
    """What an object has by a name, both the one item of an array: nothing of it comes to Python."""
    at = js.Object.keys(place[0]).indexOf(name)
    return js.Object.values(place[0]).slice(at, at + 1) if at >= 0 else js.Array.new()


def _kind(place: Any) -> str:
    """What the one item of an array is: "Object", "Array", "String" and so on; "Undefined" where there is none."""
    return str(_call(js.Object.prototype.toString, place)).removeprefix("[object ").removesuffix("]")


def _said(place: Any) -> str:
    """The beginning of a text, "" where it is none."""
    kind = _kind(place)
    if kind == "Number":
        return str(place[0])
    return str(_call(js.String.prototype.slice, place, 0, MAX_STATE)) if kind == "String" else ""


def _call(method: Any, place: Any, *arguments: Any) -> Any:
    """What a method returns of the one item of an array."""
    return js.Reflect.apply(js.Function.prototype.call, method, place.slice(0, 1).concat(*arguments))


async def _bytes(text: Any) -> Any:
    """The `Uint8Array` of a link, a data URL or bare base64, which is the one item of an array."""
    beginning = str(_call(js.String.prototype.slice, text, 0, BEFORE_BASE64)).lstrip()
    scheme, colon, _ = beginning.partition(":")
    if colon and scheme.lower() == "data":
        if not beginning.partition(",")[0].lower().endswith(";base64"):
            raise upstream.no_picture("a data URL without base64")
        text = _call(js.String.prototype.split, text, ",").slice(1, 2)
    elif colon:
        return await _fetched(str(_call(js.String.prototype.slice, text, 0, links.MAX_LENGTH + 1)).strip())
    return js.Reflect.apply(js.Uint8Array.fromBase64, js.Uint8Array, text)


# --- links ----------------------------------------------------------------------------------------


async def _fetched(url: str) -> Any:
    """The `Uint8Array` behind a link. Raises `UpstreamFailure`."""
    with suppress(TimeoutError), time_limit(links.FETCH_SECONDS), aborted_with_its_task() as signal:
        return await _followed(url, signal)
    raise upstream.no_picture("the link was not answered in time")  # not from within: see `pipeline`


async def _followed(url: str, signal: Any) -> Any:
    options = js_object({"redirect": "manual"})
    options.signal = signal
    base = js.undefined
    for _ in range(links.MAX_REDIRECTS + 1):
        href = _checked(url, base)
        try:
            response = await js.fetch(href, options)
        except JsException as error:  # whose message may hold the link
            raise upstream.no_picture(f"{error.name} at {links.host_of(href)}") from None
        location = response.headers.get("location")
        if response.status not in links.REDIRECTS or not location:
            return await _read(response, href)
        url, base = str(location), href
    raise upstream.no_picture("too many redirects")


def _checked(url: str, base: Any) -> str:
    """The link as the runtime understands it. Raises `UpstreamFailure` where it is none that is fetched."""
    try:
        href = str(js.URL.new(url, base).href)
    except JsException:
        raise upstream.no_picture("a link that is none") from None
    if reason := links.refusal(href):
        raise upstream.no_picture(f"a link with {reason}")
    return href


async def _read(response: Any, href: str) -> Any:
    """All of a body, in one read where its size is told. Raises `UpstreamFailure`."""
    if not response.ok:
        raise upstream.no_picture(f"HTTP {response.status} from {links.host_of(href)}")
    declared = str(response.headers.get("content-length") or "")
    size = int(declared[:12]) if declared.isascii() and declared.isdigit() else FIRST_READ
    too_large = upstream.no_picture(f"more than {links.MAX_BYTES} bytes from {links.host_of(href)}")
    if size > links.MAX_BYTES:
        raise too_large
    reader = response.body.getReader(js_object({"mode": "byob"}))
    memory, read, done = js.ArrayBuffer.new(size + 1), 0, False  # one more, so that the end is seen
    try:
        while not done:
            if read == memory.byteLength:
                memory = memory.transfer(min(2 * read, links.MAX_BYTES + 1))
            part = await reader.readAtLeast(memory.byteLength - read, js.Uint8Array.new(memory, read))
            memory, done = part.value.buffer, part.done
            read += part.value.byteLength
            if read > links.MAX_BYTES:
                raise too_large
    except JsException as error:
        raise upstream.no_picture(f"{error.name} while reading from {links.host_of(href)}") from None
    return js.Uint8Array.new(memory, 0, read)
