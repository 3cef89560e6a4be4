"""Inputs and answers of models of other makers, without copying pictures into Python."""

from contextlib import suppress
from typing import Any

import js
from pyodide.ffi import JsException

from flux import links, partner_failures, picture, upstream
from flux.catalog import ImagesIn, Model
from flux.edge import model_output
from flux.edge.fetching import aborted_with_its_task
from flux.edge.js_bytes import array_of, base64_in_array, inputs_object, js_object, result_in_array
from flux.picture import Picture
from flux.ports import Inputs
from flux.text import Blob
from flux.time_limit import time_limit

# --- inputs ---------------------------------------------------------------------------------------


def inputs_of(model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Any:
    """The inputs as a JavaScript object, including the pictures."""
    given = inputs_object(inputs)
    if images and model.partner and model.partner.images:
        _put(given, model.partner.images, images)
    return given


def body_of(model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Any:
    """The JSON body of a REST API call, in a JavaScript `Blob`."""
    asked = js_object(model=model.id, input=inputs_of(model, inputs, images))
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


# --- answers --------------------------------------------------------------------------------------

MAX_LEVELS = 4
"""Deepest nesting of a picture: `{image}`, `{result: {image}}`, `{result: {result: {image}}}`, plus REST's envelope."""
MAX_STATE = 500
"""Most characters of a failure that are read."""
BEFORE_BASE64 = 200
"""Most characters of a data URL before its base64."""
FIRST_READ = 1024 * 1024
"""Bytes allocated for a body of unknown size."""


async def picture_of(answer: Any) -> Picture:
    """The picture in an answer, or behind its link. Raises `UpstreamFailure`."""
    if _kind(js.Array.of(answer)) != "Object":
        return await model_output.picture_of(answer)
    try:
        return model_output.look(await _bytes(_text_in_answer(answer)))
    except JsException as error:
        raise upstream.no_picture(f"{error.name}: {error.message}") from error


def _text_in_answer(answer: Any) -> Any:
    """The string that represents the picture, as the only item of an array. Raises `UpstreamFailure`."""
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
    """A property of an object. Both are the only item of an array, so that neither is copied into Python.

    `js_bytes.result_in_array` says what copies cost.
    """
    at = js.Object.keys(place[0]).indexOf(name)
    return js.Object.values(place[0]).slice(at, at + 1) if at >= 0 else js.Array.new()


def _kind(place: Any) -> str:
    """The type of an array's only item: "Object", "Array", "String" and so on; "Undefined" if the array is empty."""
    return str(_call(js.Object.prototype.toString, place)).removeprefix("[object ").removesuffix("]")


def _said(place: Any) -> str:
    """The beginning of a string; "" if the item is not one."""
    kind = _kind(place)
    if kind == "Number":
        return str(place[0])
    return str(_call(js.String.prototype.slice, place, 0, MAX_STATE)) if kind == "String" else ""


def _call(method: Any, place: Any, *arguments: Any) -> Any:
    """The result of calling a method on an array's only item."""
    return js.Reflect.apply(js.Function.prototype.call, method, place.slice(0, 1).concat(*arguments))


async def _bytes(text: Any) -> Any:
    """The `Uint8Array` for a link, a data URL or plain base64, which is the only item of an array."""
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
    raise upstream.no_picture("the link was not answered in time")  # raised outside the `with` block: see `pipeline`


async def _followed(url: str, signal: Any) -> Any:
    base = js.undefined
    for _ in range(links.MAX_REDIRECTS + 1):
        href = _checked(url, base)
        try:
            response = await js.fetch(href, redirect="manual", signal=signal)
        except JsException as error:  # its message may contain the link
            raise upstream.no_picture(f"{error.name} at {links.host_of(href)}") from None
        location = response.headers.get("location")
        if response.status not in links.REDIRECTS or not location:
            return await _read(response, href)
        url, base = str(location), href
    raise upstream.no_picture("too many redirects")


def _checked(url: str, base: Any) -> str:
    """The link as the runtime parses it. Raises `UpstreamFailure` if it is not a link that may be fetched."""
    try:
        href = str(js.URL.new(url, base).href)
    except JsException:
        raise upstream.no_picture("a link that is none") from None
    if reason := links.refusal(href):
        raise upstream.no_picture(f"a link with {reason}")
    return href


async def _read(response: Any, href: str) -> Any:
    """The whole body, in one read if its size is known. Raises `UpstreamFailure`."""
    if not response.ok:
        raise upstream.no_picture(f"HTTP {response.status} from {links.host_of(href)}")
    declared = str(response.headers.get("content-length") or "")
    size = int(declared[:12]) if declared.isascii() and declared.isdigit() else FIRST_READ
    too_large = upstream.no_picture(f"more than {links.MAX_BYTES} bytes from {links.host_of(href)}")
    if size > links.MAX_BYTES:
        raise too_large
    reader = response.body.getReader(mode="byob")
    memory, read, done = js.ArrayBuffer.new(size + 1), 0, False  # one more byte, so that the same read detects the end
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
