"""Fields of a JSON body or a form -> values that cannot be wrong; a picture among them."""

from collections.abc import Mapping, Sequence
from typing import Any

from flux import embedded, sizes
from flux.errors import InvalidRequest
from flux.generation import Options, PictureSource
from flux.http import Form
from flux.picture import EXTENSIONS, id_in_url
from flux.prompt import MAX_DIGITS
from flux.text import clean

Body = Mapping[str, Any]

MAX_PICTURES = 4
"""Pictures of one call, drawn or taken in."""

RANGES = {
    "n": (1, MAX_PICTURES),
    "seed": (0, 2**32 - 1),
    "steps": (1, 100),
    "output_compression": (0, 100),
    "partial_images": (0, 3),
}
"""Whole numbers that a body or a prompt may hold; a model's own range for steps may be smaller."""

FORMATS = {name: mime for mime, extension in EXTENSIONS.items() for name in (mime.removeprefix("image/"), extension)}
"""What each `output_format` means."""

LEVELS = {"low": "low", "medium": "medium", "high": "high", "standard": "medium", "hd": "high"}
"""What each quality that a caller can name means, of the three there are."""
QUALITIES = ("auto", *LEVELS)


# --- one field each -----------------------------------------------------------------------------


def value_of(body: Body, name: str, kind: type, wanted: str) -> Any:
    """The field's value, None where it is absent or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise InvalidRequest(f"'{name}' must be {wanted}.", param=name)
    return value


def text(body: Body, name: str) -> str | None:
    """A text, without what UTF-8 cannot carry."""
    value = value_of(body, name, str, "a text")
    return None if value is None else clean(value).strip()


def switch(body: Body, name: str) -> bool | None:
    """True or false."""
    value: bool | None = value_of(body, name, bool, "true or false")
    return value


def texts(body: Body, name: str) -> Sequence[str]:
    """A list of texts, empty where it is absent."""
    value: Sequence[str] = value_of(body, name, list, "a list") or ()
    if not all(isinstance(one, str) for one in value):
        raise InvalidRequest(f"'{name}' must be a list of texts.", param=name)
    return value


def whole_number(body: Body, name: str) -> int | None:
    """A whole number within its range."""
    value = body.get(name)
    if isinstance(value, float) and value.is_integer():  # JSON does not tell 2 from 2.0
        value = int(value)
    return None if value is None else in_range(name, value)


def in_range(name: str, value: object) -> int:
    """The value, if it is a whole number in the range of the field."""
    minimum, maximum = RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise InvalidRequest(f"'{name}' must be a whole number from {minimum} to {maximum}.", param=name)
    return value


def choice(body: Body, name: str, choices: Sequence[str]) -> str | None:
    """One of the choices."""
    value = body.get(name)
    if value is None or value in choices:
        return value
    raise InvalidRequest(f"'{name}' must be one of: {', '.join(choices)}.", param=name)


# --- options ------------------------------------------------------------------------------------


def options(body: Body) -> Options:
    """The options that every API takes as fields of its body."""
    size = value_of(body, "size", str, "a text")
    return Options(
        model=text(body, "model") or None,
        size=sizes.parse(size) if size else None,
        steps=whole_number(body, "steps"),
        seed=whole_number(body, "seed"),
        n=whole_number(body, "n"),
        quality=choice(body, "quality", QUALITIES),
        negative_prompt=text(body, "negative_prompt") or None,
        optimize=switch(body, "optimize"),
    )


def output_options(body: Body) -> Options:
    """The options for the file that is delivered, where an API has fields for it."""
    output_format = choice(body, "output_format", tuple(FORMATS))
    compression = whole_number(body, "output_compression")
    return Options(
        mime=FORMATS[output_format] if output_format else None,
        # OpenAI's runs from 0; encoders' quality from 1.
        compression=None if compression is None else max(1, compression),
    )


def form_values(form: Form) -> dict[str, Any]:
    """A form's fields as JSON would hold them: numbers and switches are read from their text."""
    values: dict[str, Any] = {}
    for name, value in form.fields:
        if name in RANGES and _is_whole(value):
            values[name] = int(value)
        elif name in _SWITCHES and value.lower() in ("true", "false"):
            values[name] = value.lower() == "true"
        elif value or name == "prompt":
            values[name] = value
    return values


_SWITCHES = ("stream", "optimize")


def _is_whole(value: str) -> bool:
    return value.isascii() and value.removeprefix("-").isdigit() and len(value) <= MAX_DIGITS


# --- pictures -----------------------------------------------------------------------------------


def url_of(value: object) -> str | None:
    """The URL of an `image_url`: a text, or an object with a `url` or an `image_url` of its own. None without one."""
    for name in ("image_url", "url"):
        if isinstance(value, dict):
            value = value.get(name, value)
    return value if isinstance(value, str) else None


def required_url(value: object, param: str) -> str:
    """As `url_of`. Raises `InvalidRequest`."""
    url = url_of(value)
    if url is None:
        raise InvalidRequest("'image_url' must hold a 'url'.", param=param)
    return url


def picture_source(url: str, param: str) -> PictureSource | None:
    """The picture that a URL names: a data URL, or a link of our own. None for a link of another host.

    No other link of a caller is ever fetched.
    """
    if url.lstrip()[:5].lower() == "data:":
        return PictureSource(param, data=url)
    id = id_in_url(url)
    return PictureSource(param, id=id) if id else None


def base64_of(source: PictureSource) -> str:
    """The base64 in a data URL, or the text itself. Raises `InvalidRequest`."""
    if source.data.lstrip()[:5].lower() != "data:":
        return source.data
    base64 = embedded.base64_of(source.data)
    if base64 is None:
        raise InvalidRequest("Send pictures as data URLs in base64; links are not fetched.", param=source.param)
    return base64
