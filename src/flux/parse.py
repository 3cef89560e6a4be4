"""A body -> a value that cannot be wrong: nobody after this looks at what the caller sent."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flux import picture, prompt, sizes
from flux.errors import InvalidJson, InvalidRequest, MissingParameter
from flux.http import Decoder, Form
from flux.picture import Picture
from flux.text import Blob, clean

MAX_PICTURES = 4
"""Pictures of one call, drawn or taken in."""
MAX_BRACKETS = 20_000
"""Lists and objects in a body: a thousand messages and room to spare. A megabyte of `[],` takes fifty in memory."""

RANGES = {
    "n": (1, MAX_PICTURES),
    "seed": (0, 2**32 - 1),
    "steps": (1, 100),
    "output_compression": (0, 100),
    "partial_images": (0, 3),
}
"""Whole numbers that a body or a prompt may hold; a model's own range for steps may be smaller."""

MAX_DEPTH = 64
"""Levels of nesting in a body: the deepest a client sends is a tool's schema, about ten."""

FORMATS = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_NO_EFFECT = ("background", "moderation", "style", "user", "input_fidelity")
"""OpenAI's fields that no model here can follow: taken, so that clients need no change."""

LEVELS = {"low": "low", "medium": "medium", "high": "high", "standard": "medium", "hd": "high"}
"""What each quality that a caller can name means, of the three there are."""
QUALITIES = ("auto", *LEVELS)


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What one call wants drawn, whichever door it came through; None leaves a choice to us."""

    asked: str
    """The prompt as it was typed."""
    prompt: str
    """The prompt without directives; never empty."""
    model: str | None = None
    insists: bool = False
    """Whether the model was named on purpose, so that another one would be no answer."""
    size: sizes.Size | None = None
    steps: int | None = None
    seed: int | None = None
    n: int = 1
    quality: str | None = None
    negative_prompt: str | None = None
    optimize: bool | None = None
    images: tuple[Picture, ...] = ()
    linked_images: bool = False
    """Whether pictures came as links, which are never fetched."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation: its text, and the URLs of its pictures."""

    role: str
    text: str
    image_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`POST /v1/chat/completions`, before it is known whether it wants a picture or a chore done."""

    body: Mapping[str, Any]
    messages: tuple[Message, ...]
    stream: bool
    include_usage: bool
    images_apart: bool
    """`modalities` has "image": pictures go into `images`, not into the text."""

    @property
    def last_user(self) -> Message | None:
        """What a person said last."""
        return next((m for m in reversed(self.messages) if m.role == "user"), None)


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """`POST /v1/images/generations` or `/v1/images/edits`."""

    wish: GenerationRequest
    edit: bool
    stream: bool
    wants_url: bool
    wants_base64: bool
    mime: str | None
    """Type to deliver; None leaves it as it was drawn."""
    compression: int | None
    """Quality of the delivered JPEG or WebP, 1 to 100."""


# --- bodies -------------------------------------------------------------------------------------


def json_object(text: str) -> dict[str, Any]:
    """A JSON object (RFC 8259: no NaN, no Infinity) of at most `MAX_DEPTH` levels."""
    if _is_too_deep(text):
        raise InvalidJson(f"The body is nested too deep: at most {MAX_DEPTH} levels.")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidJson(f"The body is not valid JSON{place}: send a JSON object.") from error
    if not isinstance(value, dict):
        raise InvalidJson("The body must be a JSON object.")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def _is_too_deep(text: str) -> bool:
    """Whether brackets nest deeper than `MAX_DEPTH`.

    Asked before the text is parsed: under Pyodide the parser's recursion overflows the WebAssembly
    stack at some thousand levels, which ends the whole isolate and not only the request.
    """
    brackets = text.count("[") + text.count("{")
    if brackets > MAX_BRACKETS:
        raise InvalidJson(f"The body holds too many lists and objects: at most {MAX_BRACKETS}.")
    if brackets <= MAX_DEPTH:
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        bracket = match[0][0]
        if bracket in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def form_values(form: Form) -> dict[str, Any]:
    """A form's fields as JSON would hold them: numbers and switches are read from their text."""
    values: dict[str, Any] = {}
    for name, text in form.fields:
        if name in RANGES and _is_whole(text):
            values[name] = int(text)
        elif name in _SWITCHES and text.lower() in ("true", "false"):
            values[name] = text.lower() == "true"
        elif text or name == "prompt":
            values[name] = text
    return values


_SWITCHES = ("stream", "optimize")


def _is_whole(text: str) -> bool:
    return text.isascii() and text.removeprefix("-").isdigit() and len(text) <= prompt.MAX_DIGITS


# --- chat ---------------------------------------------------------------------------------------


def chat(body: Mapping[str, Any]) -> ChatRequest:
    """A chat request. Raises `InvalidRequest` or one of its kinds with the field's name."""
    messages = body.get("messages")
    if messages is None:
        raise MissingParameter("Send 'messages', with your prompt as the last.", param="messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest("'messages' must be a list of at minimum one.", param="messages")
    options = _field(body, "stream_options", dict, "an object") or {}
    return ChatRequest(
        body=body,
        messages=tuple(_message(item, f"messages[{i}]") for i, item in enumerate(messages)),
        stream=_field(body, "stream", bool, "true or false") or False,
        include_usage=_field(options, "include_usage", bool, "true or false") or False,
        images_apart="image" in _texts(body, "modalities"),
    )


def _message(item: object, where: str) -> Message:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise InvalidRequest(f"{where} must be an object with a 'role'.", param=where)
    content = item.get("content")
    if content is None or isinstance(content, str):
        return Message(item["role"], clean(content or ""))
    if not isinstance(content, list):
        raise InvalidRequest("'content' must be a text or a list.", param=f"{where}.content")
    texts, images = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(clean(part))
        elif not isinstance(part, dict):
            raise InvalidRequest("A content part must be an object.", param=f"{where}.content")
        elif part.get("type") in ("text", "input_text"):
            if not isinstance(part.get("text"), str):
                raise InvalidRequest("A text part's 'text' must be a text.", param=f"{where}.content")
            texts.append(clean(part["text"]))
        elif part.get("type") in ("image_url", "input_image"):
            images.append(_image_url(part.get("image_url"), f"{where}.content"))
    return Message(item["role"], "\n".join(filter(None, texts)), tuple(images))


def _image_url(value: object, where: str) -> str:
    url = value.get("url") if isinstance(value, dict) else value
    if not isinstance(url, str):
        raise InvalidRequest("'image_url' must hold a 'url'.", param=where)
    return url


def chat_wish(request: ChatRequest, decode: Decoder) -> GenerationRequest:
    """The picture that a conversation's last user message asks for. Fields win over directives."""
    message = request.last_user
    if message is None:
        raise InvalidRequest("There is no message with the role 'user'.", param="messages")
    text, directives = prompt.split(message.text)
    if not text:
        raise MissingParameter("The last user message has no text that says what to draw.", param="messages")
    embedded = [url for url in message.image_urls if url[:5].lower() == "data:"]
    if len(embedded) > MAX_PICTURES:
        raise InvalidRequest(f"Attach at most {MAX_PICTURES} pictures.", param="messages")
    said = _said(directives)
    # The field wins, but for the model: there the field is the app's setting, and what stands in
    # the prompt is the person's word.
    chosen = {**said, **_wish_fields(request.body)}
    if "model" in said:
        chosen |= {"model": said["model"], "insists": True}
    return GenerationRequest(
        asked=message.text.strip(),
        prompt=text,
        images=tuple(_embedded_picture(url, "messages", decode) for url in embedded),
        linked_images=len(embedded) < len(message.image_urls),
        **chosen,
    )


def _said(directives: prompt.Directives) -> dict[str, Any]:
    said = {name: value for name in prompt.Directives.__slots__ if (value := getattr(directives, name)) is not None}
    for name in said.keys() & RANGES.keys():
        _whole(said, name)
    return said


# --- images -------------------------------------------------------------------------------------


def image(body: Mapping[str, Any], *, edit: bool = False) -> ImageRequest:
    """An Images API request; the pictures of an edit are added with `with_pictures`."""
    response_format = _choice(body, "response_format", ("url", "b64_json"))
    output_format = _choice(body, "output_format", tuple(FORMATS))
    for name in _NO_EFFECT:
        _field(body, name, str, "a text")
    _whole(body, "partial_images")
    text = _field(body, "prompt", str, "a text")
    if text is None or not text.strip():
        raise MissingParameter("Send a 'prompt' that says what to draw.", param="prompt")
    text = clean(text).strip()
    return ImageRequest(
        wish=GenerationRequest(asked=text, prompt=text, insists=True, **_wish_fields(body)),
        edit=edit,
        stream=_field(body, "stream", bool, "true or false") or False,
        wants_url=response_format != "b64_json",
        wants_base64=response_format != "url",
        mime=FORMATS[output_format] if output_format else None,
        compression=_compression(body),
    )


def _compression(body: Mapping[str, Any]) -> int | None:
    """OpenAI's `output_compression` runs from 0; encoders' quality from 1."""
    value = _whole(body, "output_compression")
    return None if value is None else max(1, value)


def with_pictures(request: ImageRequest, pictures: Sequence[Picture]) -> ImageRequest:
    """The request with the pictures it is about. Raises `MissingParameter` or `InvalidRequest`."""
    if not pictures:
        raise MissingParameter("Send at minimum one picture as 'image'.", param="image")
    if len(pictures) > MAX_PICTURES:
        raise InvalidRequest(f"Send at most {MAX_PICTURES} pictures.", param="image")
    return replace(request, wish=replace(request.wish, images=tuple(pictures)))


def form_pictures(form: Form) -> list[Picture]:
    """The pictures of a form: files named `image`, `image[]` or `image[0]`."""
    if any(name == "mask" for name, _ in form.files):
        raise _no_masks()
    return [_known(blob, "image") for name, blob in form.files if name.split("[")[0] == "image"]


def json_pictures(body: Mapping[str, Any], decode: Decoder) -> list[Picture]:
    """The pictures of a JSON edit: `images: [{"image_url": "data:..."}]`."""
    if body.get("mask") is not None:
        raise _no_masks()
    items = _field(body, "images", list, "a list") or ()
    if len(items) > MAX_PICTURES:
        raise InvalidRequest(f"Send at most {MAX_PICTURES} pictures.", param="images")
    urls = [
        _image_url(item.get("image_url") if isinstance(item, dict) else item, f"images[{i}]")
        for i, item in enumerate(items)
    ]
    return [_embedded_picture(url, f"images[{i}]", decode) for i, url in enumerate(urls)]


def _no_masks() -> InvalidRequest:
    return InvalidRequest("Masks are not supported: describe the change instead.", param="mask")


def _embedded_picture(url: str, where: str, decode: Decoder) -> Picture:
    head, comma, data = url.partition(",")
    if head[:5].lower() != "data:" or not comma or not head.lower().endswith(";base64"):
        raise InvalidRequest("Send pictures as data URLs in base64; links are not fetched.", param=where)
    try:
        blob = decode(data)
    except ValueError as error:
        raise InvalidRequest("The picture's base64 cannot be decoded.", param=where) from error
    return _known(blob, where)


def _known(blob: Blob, where: str) -> Picture:
    found = picture.look(blob)
    if found is None:
        raise InvalidRequest("The picture is no readable PNG, JPEG or WebP.", param=where)
    return found


# --- fields -------------------------------------------------------------------------------------


def _wish_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that both doors share; those not sent are left out."""
    size = _field(body, "size", str, "a text")
    model = _field(body, "model", str, "a text")
    negative = _field(body, "negative_prompt", str, "a text")
    fields = {
        "model": clean(model).strip() if model else None,
        "size": sizes.parse(size) if size else None,
        "steps": _whole(body, "steps"),
        "seed": _whole(body, "seed"),
        "n": _whole(body, "n"),
        "quality": _choice(body, "quality", QUALITIES),
        "negative_prompt": clean(negative).strip() if negative else None,
        "optimize": _field(body, "optimize", bool, "true or false"),
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _field(body: Mapping[str, Any], name: str, kind: type, wanted: str) -> Any:
    """The field's value, None where it is absent or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise InvalidRequest(f"'{name}' must be {wanted}.", param=name)
    return value


def _texts(body: Mapping[str, Any], name: str) -> Sequence[str]:
    value = _field(body, name, list, "a list") or ()
    if not all(isinstance(one, str) for one in value):
        raise InvalidRequest(f"'{name}' must be a list of texts.", param=name)
    return value


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    minimum, maximum = RANGES[name]
    if isinstance(value, float) and value.is_integer():  # JSON does not tell 2 from 2.0
        value = int(value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise InvalidRequest(f"'{name}' must be a whole number from {minimum} to {maximum}.", param=name)
    return value


def _choice(body: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str | None:
    value = body.get(name)
    if value is None or value in choices:
        return value
    raise InvalidRequest(f"'{name}' must be one of: {', '.join(choices)}.", param=name)
