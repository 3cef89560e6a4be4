"""Fields of a JSON body or a form -> values that cannot be wrong; a picture among them.

Software sends what it holds: empty texts for what was not chosen, numbers as texts, words in any letter case. What is
clearly meant is read; what cannot be followed is named, never refused, unless it would change what is drawn.
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
"""Pictures that one call may ask for."""

RANGES = {
    "n": (1, MAX_PICTURES),
    "steps": (1, 100),
    "output_compression": (0, 100),
}
"""Whole numbers that a body or a prompt may hold; a model's own range for steps may be smaller."""

FORMATS = {name: mime for mime, extension in EXTENSIONS.items() for name in (mime.removeprefix("image/"), extension)}
"""What each `output_format` means."""

LEVELS = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
    "standard": "medium",
    "hd": "high",
}
"""What each quality that a caller can name means, of the three there are."""
QUALITIES = ("auto", *LEVELS)


# --- one field each -----------------------------------------------------------------------------


def value_of(body: Body, name: str, kind: type | tuple[type, ...], wanted: str) -> Any:
    """The field's value, None where it is absent, null or a blank text."""
    value = body.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, kind):
        raise InvalidRequest(f"'{name}' must be {wanted}.", param=name)
    return value


def text(body: Body, name: str) -> str | None:
    """A text, without what UTF-8 cannot carry; None where it is absent or blank."""
    value = value_of(body, name, str, "a string")
    return clean(value).strip() if value else None


_SWITCHES = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def switch(body: Body, name: str) -> bool | None:
    """True or false, in one of the forms that forms have."""
    value = value_of(body, name, object, "")
    word = value.strip().lower() if isinstance(value, str) else str(value).lower().removesuffix(".0")
    known = _SWITCHES.get(word)
    if value is not None and known is None:
        raise InvalidRequest(f"'{name}' must be true or false.", param=name)
    return known


def texts(body: Body, name: str) -> Sequence[str]:
    """A list of texts, empty where it is absent."""
    value: Sequence[str] = value_of(body, name, list, "a list") or ()
    if not all(isinstance(one, str) for one in value):
        raise InvalidRequest(f"'{name}' must be a list of strings.", param=name)
    return value


def object_of(body: Body, name: str) -> Body | None:
    """An object, or the JSON text of one, which is how a form can hold it; None where it is absent."""
    value = body.get(name)
    if isinstance(value, str) and is_object(value):
        try:
            body = {name: read_json(value)}
        except ValueError as error:
            raise InvalidRequest(f"'{name}' {error}.", param=name) from error
    found: Body | None = value_of(body, name, dict, "an object")
    return found


def is_object(value: object) -> bool:
    """Whether a value is an object, or the beginning of its JSON text."""
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))


def integer(value: object) -> int | None:
    """A whole number, as JSON or as a text; None for anything else."""
    if isinstance(value, str):
        value = value.strip()
        plain = value.removeprefix("-").removesuffix(".0")
        if plain.isascii() and plain.isdigit() and len(plain) <= MAX_DIGITS:
            return int(value.removesuffix(".0"))
    elif isinstance(value, float) and value.is_integer():  # JSON does not tell 2 from 2.0
        return int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    return None


def whole_number(body: Body, name: str) -> int | None:
    """A whole number within its range."""
    value = value_of(body, name, object, "")
    return None if value is None else in_range(name, value)


def in_range(name: str, value: object, maximum: int | None = None) -> int:
    """The value, if it is a whole number in the range of the field, which `maximum` may make smaller."""
    minimum, most = RANGES[name]
    maximum = most if maximum is None else maximum
    number = integer(value)
    if number is None or not minimum <= number <= maximum:
        raise InvalidRequest(f"'{name}' must be a whole number from {minimum} to {maximum}.", param=name)
    return number


def choice(body: Body, name: str, choices: Sequence[str]) -> str | None:
    """One of the choices, in any letter case."""
    value = value_of(body, name, object, "")
    lower = value.strip().lower() if isinstance(value, str) else value
    if lower is None or (isinstance(lower, str) and lower in choices):
        return lower
    raise InvalidRequest(f"'{name}' must be one of: {', '.join(choices)}.", param=name)


# --- options ------------------------------------------------------------------------------------


def prompt(body: Body) -> str:
    """What to draw, where an API has a field for it. Raises `MissingParameter`."""
    found = text(body, "prompt")
    if not found:
        raise MissingParameter("Send a 'prompt' that says what to draw.", param="prompt")
    return found


def options(body: Body, *, max_pictures: int = MAX_PICTURES) -> Options:
    """The options that every API takes as fields of its body."""
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
    """How many pictures. Clients that cannot leave the field out send 0."""
    value = value_of(body, "n", object, "")
    return None if value is None or integer(value) == 0 else in_range("n", value, maximum)


def _seed(body: Body) -> int | None:
    """Any whole number: a negative one means "any" to those who send it, and a large one is for the model's row."""
    value = value_of(body, "seed", object, "")
    if value is None:
        return None
    number = integer(value)
    if number is None:
        raise InvalidRequest("'seed' must be a whole number.", param="seed")
    return None if number < 0 else number


def _compression(body: Body) -> int | None:
    """OpenAI's runs from 0; encoders' quality from 1."""
    compression = whole_number(body, "output_compression")
    return None if compression is None else max(1, compression)


# --- the shape of a picture ---------------------------------------------------------------------


def _size(body: Body) -> Size | None:
    """The size that is asked for, by whichever name: the first of these that says something.

    `size`; `width` with `height`; a ratio, with a resolution; a resolution alone. Each counts in the body first.
    """
    sources = (body, *(config for name in _CONFIGS if (config := object_of(body, name))))
    exact = (find(source) for find in (_named_size, _sides) for source in sources)
    return next(filter(None, exact), None) or _shape(sources)


_CONFIGS = ("image_config", "imageConfig")
"""OpenRouter's and Google's."""


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
    """Name and value of the first of these fields that says something."""
    for body in sources:
        for name in names:
            value: str | None = value_of(body, name, str, "a string")
            if value and value.strip().lower() not in sizes.UNSAID:
                return name, value
    return None


# --- what has no effect -------------------------------------------------------------------------


def _anything(_value: object) -> bool:
    return True


def _other_than(*values: object) -> Callable[[object], bool]:
    """Whether a value is none of these, which are what is done anyway."""
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
"""Fields that ask for something which no model here can follow; each with what tells a wish from a default."""


def ignored(body: Body, also: Sequence[str] = ()) -> tuple[str, ...]:
    """The fields of a body that ask for what cannot be followed; `also` those that only this API has no use for."""
    sent = [(name, body[name]) for name in (*WITHOUT_EFFECT, *also) if name in body]
    return tuple(
        name for name, value in sent if value not in (None, "", [], {}) and WITHOUT_EFFECT.get(name, _anything)(value)
    )


def refuse_masks(body: Body) -> None:
    """Refuse what protects a part of a picture: without it that part would be painted over. Raises `InvalidRequest`."""
    for name in MASKS:
        if body.get(name) not in (None, "", {}, []):
            raise no_masks(name)


MASKS = ("mask", "markup")


def no_masks(name: str) -> InvalidRequest:
    """The refusal of a mask in a field."""
    return InvalidRequest(f"'{name}' is not supported: describe the change instead.", param=name)


_NESTED_NAME = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")


def form_values(form: Form) -> dict[str, Any]:
    """A form's texts as the fields of a body. `image_config[aspect_ratio]` is a field of an object.

    Clients made for JSON write an object so: the official `openai` packages, and `qs` of Node.
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
"""What other APIs call the pictures that a picture is drawn from: fal's, Together's, those of Black Forest Labs and of
Workers AI."""
PICTURE_FIELDS = ("image", "images", *OTHER_PICTURE_FIELDS)
"""Under any of these names a picture makes a call an edit."""

_INSIDE = ("image_url", "image", "source", "url", "b64_json", "base64", "data", "file_data")
"""Where an object has its picture: OpenAI's, Anthropic's and Vercel's, some inside each other."""
MAX_WRAPS = 3


def url_of(value: object) -> str | None:
    """The URL or the base64 of a picture: a text, or an object that holds one. None without one."""
    for _ in range(MAX_WRAPS):
        if not isinstance(value, dict):
            break
        value = next((value[name] for name in _INSIDE if isinstance(value.get(name), str | dict)), None)
    return value if isinstance(value, str) else None


def required_url(value: object, param: str) -> str:
    """As `url_of`. Raises `InvalidRequest`."""
    url = url_of(value)
    if url is None:
        raise InvalidRequest("'image_url' must hold a 'url'.", param=param)
    return url


def picture_source(url: str, param: str) -> PictureSource | None:
    """The picture that a URL names: a data URL, base64 alone, or a link of our own. None for a link of another host.

    No other link of a caller is ever fetched.
    """
    if is_data_url(url) or embedded.is_base64(url):
        return PictureSource(param, data=url)
    id = id_in_url(url)
    return PictureSource(param, id=id) if id else None


def picture_sources(body: Body) -> Iterator[PictureSource]:
    """The pictures of `PICTURE_FIELDS`, each a picture or a list of them.

    A picture is a data URL, a link of our own or base64 alone, as a text or in an object. Raises `InvalidRequest` for
    anything else.
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
    """Whether a text begins as a data URL does."""
    return text.lstrip()[:5].lower() == "data:"


def is_url(text: str) -> bool:
    """Whether a text begins as a link or a data URL does."""
    return is_data_url(text) or "://" in text[:32]


def base64_of(source: PictureSource) -> str:
    """The base64 in a data URL, or the text itself. Raises `InvalidRequest`."""
    if not is_data_url(source.data):
        return source.data
    base64 = embedded.base64_of(source.data)
    if base64 is None:
        raise InvalidRequest("Send pictures as data URLs in base64; links are not fetched.", param=source.param)
    return base64
