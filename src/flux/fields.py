"""Fields of a JSON body or a form -> checked values, including pictures.

Clients send empty strings for options that are not set, numbers as strings, and words in any letter case. Clear
intentions are accepted. Fields that cannot be followed are named in the answer, and refused only if ignoring them would
change what is drawn.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flux import embedded, sizes
from flux.errors import InvalidRequest, MissingParameter
from flux.generation import Options, PictureSource
from flux.http import Form
from flux.picture import EXTENSIONS, id_in_url
from flux.prompt import MAX_DIGITS
from flux.sizes import Size
from flux.text import clean, read_json

Body = Mapping[str, Any]

MAX_PICTURES = 10
"""Most pictures that one call may request."""

RANGES = {
    "n": (1, MAX_PICTURES),
    "steps": (1, 100),
    "output_compression": (0, 100),
}
"""Ranges of whole numbers in a body or a prompt. A model's own range for steps may be smaller."""

FORMATS = {name: mime for mime, extension in EXTENSIONS.items() for name in (mime.removeprefix("image/"), extension)}
"""The media type for each `output_format`."""

LEVELS = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
    "standard": "medium",
    "hd": "high",
}
"""The level for each quality that a caller may name."""
QUALITIES = ("auto", *LEVELS)


# --- single fields ------------------------------------------------------------------------------


def value_of(body: Body, name: str, kind: type | tuple[type, ...], wanted: str) -> Any:
    """The field's value; None if it is absent, null or blank."""
    value = body.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, kind):
        raise InvalidRequest(f"'{name}' must be {wanted}.", param=name)
    return value


def text(body: Body, name: str) -> str | None:
    """A string without characters that UTF-8 cannot encode; None if it is absent or blank."""
    value = value_of(body, name, str, "a string")
    return clean(value).strip() if value else None


_SWITCHES = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def switch(body: Body, name: str) -> bool | None:
    """A boolean, also in the spellings that forms use."""
    value = value_of(body, name, object, "")
    if value is None or isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else str(value).removesuffix(".0")
    known = _SWITCHES.get(word)
    if known is None:
        raise InvalidRequest(f"'{name}' must be true or false.", param=name)
    return known


def texts(body: Body, name: str) -> Sequence[str]:
    """A list of strings; empty if the field is absent."""
    value: Sequence[str] = value_of(body, name, list, "a list") or ()
    if not all(isinstance(one, str) for one in value):
        raise InvalidRequest(f"'{name}' must be a list of strings.", param=name)
    return value


def object_of(body: Body, name: str) -> Body | None:
    """An object, or a string with its JSON, as in forms; None if the field is absent."""
    value = body.get(name)
    if isinstance(value, str) and is_object(value):
        try:
            body = {name: read_json(value)}
        except ValueError as error:
            raise InvalidRequest(f"'{name}' {error}.", param=name) from error
    found: Body | None = value_of(body, name, dict, "an object")
    return found


def is_object(value: object) -> bool:
    """Whether a value is an object, or a string that starts like its JSON."""
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))


def integer(value: object) -> int | None:
    """A whole number, given as a number or a string; None for anything else."""
    if isinstance(value, str):
        value = value.strip()
        plain = value.removeprefix("-").removesuffix(".0")
        if plain.isascii() and plain.isdigit() and len(plain) <= MAX_DIGITS:
            return int(value.removesuffix(".0"))
    elif isinstance(value, float) and value.is_integer():  # JSON does not distinguish 2 from 2.0
        return int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    return None


def whole_number(body: Body, name: str) -> int | None:
    """A whole number within the field's range."""
    value = value_of(body, name, object, "")
    return None if value is None else in_range(name, value)


def in_range(name: str, value: object, maximum: int | None = None) -> int:
    """The value as a whole number within the field's range; `maximum` may lower its upper end."""
    minimum, most = RANGES[name]
    maximum = most if maximum is None else maximum
    number = integer(value)
    if number is None or not minimum <= number <= maximum:
        raise InvalidRequest(f"'{name}' must be a whole number from {minimum} to {maximum}.", param=name)
    return number


def choice(body: Body, name: str, choices: Sequence[str]) -> str | None:
    """One of the choices, accepted in any letter case."""
    value = value_of(body, name, object, "")
    lower = value.strip().lower() if isinstance(value, str) else value
    if lower is None or (isinstance(lower, str) and lower in choices):
        return lower
    raise InvalidRequest(f"'{name}' must be one of: {', '.join(choices)}.", param=name)


# --- options ------------------------------------------------------------------------------------


def prompt(body: Body) -> str:
    """The prompt, in APIs that have a field for it. Raises `MissingParameter`."""
    found = text(body, "prompt")
    if not found:
        raise MissingParameter("Send a 'prompt' that says what to draw.", param="prompt")
    return found


def options(body: Body, *, max_pictures: int = MAX_PICTURES) -> Options:
    """The options that every API accepts as fields of its body."""
    output_format = choice(body, "output_format", tuple(FORMATS))
    return Options(
        model=text(body, "model"),
        size=_size(body),
        steps=whole_number(body, "steps"),
        seed=_seed(body),
        n=_count(body, max_pictures),
        quality=choice(body, "quality", QUALITIES),
        negative_prompt=text(body, "negative_prompt"),
        optimize=switch(body, "optimize"),
        mime=FORMATS[output_format] if output_format else None,
        compression=_compression(body),
    )


def _count(body: Body, maximum: int) -> int | None:
    """The number of pictures. Clients that cannot omit the field send 0."""
    value = value_of(body, "n", object, "")
    return None if value is None or integer(value) == 0 else in_range("n", value, maximum)


def _seed(body: Body) -> int | None:
    """Any whole number. Clients that send a negative one mean "any"; the model's row says how to treat a large one."""
    value = value_of(body, "seed", object, "")
    if value is None:
        return None
    number = integer(value)
    if number is None:
        raise InvalidRequest("'seed' must be a whole number.", param="seed")
    return None if number < 0 else number


def _compression(body: Body) -> int | None:
    """OpenAI's range starts at 0, that of encoders at 1."""
    compression = whole_number(body, "output_compression")
    return None if compression is None else max(1, compression)


# --- size and shape -----------------------------------------------------------------------------


def _size(body: Body) -> Size | None:
    """The requested size, from the first of these fields that specifies one.

    `size`; `width` with `height`; a ratio, with or without a resolution; a resolution. The body itself precedes its
    config objects.
    """
    if _SIZE_FIELDS.isdisjoint(body):
        return None
    sources = (body, *(config for name in _CONFIGS if (config := object_of(body, name))))
    exact = (find(source) for find in (_named_size, _sides) for source in sources)
    return next(filter(None, exact), None) or _shape(sources)


_CONFIGS = ("image_config", "imageConfig")
"""OpenRouter's, then Google's."""


def _named_size(body: Body) -> Size | None:
    if is_object(body.get("size")):
        return _sides(object_of(body, "size") or {})
    named = value_of(body, "size", str, "a string")
    return sizes.parse(named) if named else None


def _sides(body: Body) -> Size | None:
    values = {name: value_of(body, name, object, "") for name in ("width", "height")}
    if all(value is None or integer(value) == 0 for value in values.values()):
        return None
    numbers = {name: integer(value) for name, value in values.items()}
    for name, number in numbers.items():
        if number is None:
            raise InvalidRequest("'width' and 'height' go together: two whole numbers, in pixels.", param=name)
    return sizes.of_sides(numbers["width"] or 0, numbers["height"] or 0, "width")


_RATIOS = ("aspect_ratio", "ratio", "aspectRatio")
_RESOLUTIONS = ("image_size", "resolution", "imageSize")
_SIZE_FIELDS = frozenset((*_CONFIGS, "size", "width", "height", *_RATIOS, *_RESOLUTIONS))


def _shape(sources: tuple[Body, ...]) -> Size | None:
    ratio = _first(sources, _RATIOS)
    resolution = _first(sources, _RESOLUTIONS)
    shape = sizes.parse_shape(ratio[1], ratio[0]) if ratio else None
    if resolution is None:
        return shape
    name, named = resolution
    factor = sizes.RESOLUTIONS.get(named.strip().lower())
    if factor is None:
        size = sizes.parse(named, name)
        return shape or size
    return sizes.scaled(shape or sizes.DEFAULT, factor)


def _first(sources: tuple[Body, ...], names: tuple[str, ...]) -> tuple[str, str] | None:
    """Name and value of the first of these fields that specifies something."""
    for body in sources:
        for name in names:
            value: str | None = value_of(body, name, str, "a string")
            if value and value.strip().lower() not in sizes.UNSAID:
                return name, value
    return None


# --- fields without effect ----------------------------------------------------------------------


def _anything(_value: object) -> bool:
    return True


def _other_than(*values: object) -> Callable[[object], bool]:
    """Whether a value is none of these, which describe what happens anyway."""
    return lambda value: (value.strip().lower() if isinstance(value, str) else value) not in values


WITHOUT_EFFECT: Mapping[str, Callable[[object], bool]] = {
    "background": _other_than("auto", "opaque"),
    "moderation": _other_than("auto"),
    "input_fidelity": _anything,
    "partial_images": _other_than(0, "0"),
    "style": _anything,
    "guidance_scale": _anything,
    "guidance": _anything,
    "cfg_scale": _anything,
    "strength": _anything,
    "prompt_strength": _anything,
    "num_inference_steps": _anything,
    **dict.fromkeys(("num_images", "num_outputs", "numberOfImages", "batch_size"), _other_than(1, "1")),
    "scheduler": _anything,
    "sampler": _anything,
    "loras": _anything,
    "watermark": _other_than(0, "false"),
    "extra_body": _anything,
    "generationConfig": _anything,
}
"""Fields that no model here can follow, each with a test that tells a request from a default value."""


def ignored(body: Body, also: Sequence[str] = ()) -> tuple[str, ...]:
    """The fields of a body that cannot be followed. `also` names those that only this API cannot use."""
    sent = [(name, value) for name, value in body.items() if name in WITHOUT_EFFECT or name in also]
    return tuple(
        name for name, value in sent if value not in (None, "", [], {}) and WITHOUT_EFFECT.get(name, _anything)(value)
    )


def refuse_masks(body: Body) -> None:
    """Refuse masks: they protect a part of a picture, which would be redrawn. Raises `InvalidRequest`."""
    for name in MASKS:
        if body.get(name) not in (None, "", {}, []):
            raise no_masks(name)


MASKS = ("mask", "markup")


def no_masks(name: str) -> InvalidRequest:
    """The error for a mask in a field."""
    return InvalidRequest(f"'{name}' is not supported: describe the change instead.", param=name)


_NESTED_NAME = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")


def form_values(form: Form) -> dict[str, Any]:
    """A form's text fields as a body. `image_config[aspect_ratio]` is a field of an object.

    Clients built for JSON write objects this way: the official `openai` packages, and Node's `qs`.
    """
    values: dict[str, Any] = {}
    for name, value in form.fields:
        if nested := _NESTED_NAME.fullmatch(name):
            outer = values.setdefault(nested[1], {})
            if isinstance(outer, dict):
                outer[nested[2]] = value
        else:
            values[name] = value
    return values


# --- pictures -----------------------------------------------------------------------------------


OTHER_PICTURE_FIELDS = (
    "image[]",
    "image_url",
    "image_urls",
    "input_image",
    "input_images",
    *(f"input_image_{number}" for number in range(10)),
    "init_image",
    "reference_image",
    "reference_images",
)
"""Names that other APIs give to input pictures: those of fal, Together, Black Forest Labs and Workers AI."""
PICTURE_FIELDS = ("image", "images", *OTHER_PICTURE_FIELDS)
"""A picture in any of these fields makes the call an edit."""

_INSIDE = ("image_url", "image", "source", "url", "b64_json", "base64", "data", "file_data")
"""Fields of an object that can contain its picture: OpenAI's, Anthropic's and Vercel's. Some are nested in each
other."""
MAX_WRAPS = 3


def url_of(value: object) -> str | None:
    """The URL or base64 of a picture, given as a string or inside an object; None if there is none."""
    for _ in range(MAX_WRAPS):
        if not isinstance(value, dict):
            break
        value = next((value[name] for name in _INSIDE if isinstance(value.get(name), str | dict)), None)
    return value if isinstance(value, str) else None


def required_url(value: object, param: str) -> str:
    """Like `url_of`, but raises `InvalidRequest` if there is none."""
    url = url_of(value)
    if url is None:
        raise InvalidRequest("'image_url' must hold a 'url'.", param=param)
    return url


def picture_source(url: str, param: str) -> PictureSource | None:
    """The picture in a data URL, in plain base64 or behind a link of this service; None for a link to another host.

    Callers' links to other hosts are never fetched.
    """
    if is_data_url(url) or embedded.is_base64(url):
        return PictureSource(param, data=url)
    id = id_in_url(url)
    return PictureSource(param, id=id) if id else None


def picture_sources(body: Body) -> Iterator[PictureSource]:
    """The pictures in `PICTURE_FIELDS`, each field a picture or a list of them.

    A picture is a data URL, a link of this service or plain base64, as a string or inside an object. Raises
    `InvalidRequest` for anything else.
    """
    for name in PICTURE_FIELDS:
        value = body.get(name)
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield _required_source(item, f"{name}[{index}]")
        elif value not in (None, ""):
            yield _required_source(value, name)


def _required_source(value: object, param: str) -> PictureSource:
    if isinstance(value, dict) and isinstance(value.get("file_id"), str):
        raise InvalidRequest("Files are not kept here: send the picture as a data URL.", param=param)
    url = required_url(value, param)
    if source := picture_source(url, param):
        return source
    if is_url(url):
        raise InvalidRequest(
            "Only links to pictures of this service are read. Send other pictures as data URLs in base64.", param=param
        )
    return PictureSource(param, data=url)


def is_data_url(text: str) -> bool:
    """Whether a text starts like a data URL."""
    return text.lstrip()[:5].lower() == "data:"


def is_url(text: str) -> bool:
    """Whether a text starts like a link or a data URL."""
    return is_data_url(text) or "://" in text[:32]


def base64_of(source: PictureSource) -> str:
    """The base64 of a data URL, or the text itself. Raises `InvalidRequest`."""
    if not is_data_url(source.data):
        return source.data
    base64 = embedded.base64_of(source.data)
    if base64 is None:
        raise InvalidRequest("Send pictures as data URLs in base64; links are not fetched.", param=source.param)
    return base64
