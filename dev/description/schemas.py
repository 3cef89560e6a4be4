"""The bodies of requests and responses as JSON Schema (2020-12)."""

from typing import Any, get_args

from dev.description.refusals import KEY, ROWS
from dev.prices import DOLLAR_UNITS, UNITS
from flux import VERSION, catalog, fields, partners, prices, sizes
from flux.endpoints.chat.respond import FINGERPRINT
from flux.prices import Source
from flux.words import LANGUAGES

Json = dict[str, Any]

MODEL = catalog.DEFAULT_MODEL
URL = f"https://example.com/image/{KEY}"
CREATED = 1795392000
COMPLETION_ID = "chatcmpl-3f0c1d2e4b5a69788796a5b4"
JPEG = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA=="
"""The beginning of a picture in base64."""
PNG_URL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
"""A complete picture of one red pixel, used in examples."""


def ref(name: str) -> Json:
    """A reference to a schema in `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(properties: Json, required: tuple[str, ...] | None = None, **more: Any) -> Json:
    """An object. All of its fields are required unless `required` says otherwise."""
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": properties, **({"required": needed} if needed else {}), **more}


# --- fields of requests: null or a blank text is the same as leaving a field out ------------------

BLANK = r"^\s*$"


def _text(description: str, **more: Any) -> Json:
    return {"type": ["string", "null"], "description": description, **more}


def _switch(description: str, **more: Any) -> Json:
    return {
        "type": ["boolean", "integer", "string", "null"],
        "minimum": 0,
        "maximum": 1,
        "pattern": r"^\s*(true|false)?\s*$",
        "description": description,
        **more,
    }


def _whole(name: str, description: str, **more: Any) -> Json:
    least, most = fields.RANGES[name]
    return {
        "type": ["integer", "string", "null"],
        "minimum": least,
        "maximum": most,
        "pattern": rf"^\s*({_digits(least, most)})?\s*$",
        "description": description,
        **more,
    }


def _digits(least: int, most: int) -> str:
    """A pattern for the numbers of a range as text; `most` is a power of ten."""
    return ("[1-9]" if least else r"\d") + r"\d?" * (len(str(most)) - 2) + f"|{most}"


def _choice(choices: tuple[str, ...], description: str, **more: Any) -> Json:
    return {"enum": [*choices, "", None], "description": description, **more}


_RATIO = r"\d{1,5}(\.\d{1,4})?[:：/]\d{1,5}(\.\d{1,4})?"
_SHAPE = f"a ratio from 1:{sizes.MAX_RATIO} to {sizes.MAX_RATIO}:1"
_SIDE = {
    "type": ["integer", "string", "null"],
    "minimum": sizes.MIN_SIDE,
    "maximum": sizes.MAX_SIDE,
    "pattern": r"^\s*([1-9]\d{2,3})?\s*$",
}
SIZE = {
    "type": ["string", "object", "null"],
    "pattern": rf"^\s*(auto|{_RATIO}|[1-9]\d{{1,3}}[x×*][1-9]\d{{1,3}}|(0\.5|[124])[kK]|512)?\s*$",
    "properties": {"width": _SIDE, "height": _SIDE},
    "description": f"`WIDTHxHEIGHT`, each from {sizes.MIN_SIDE} to {sizes.MAX_SIDE} pixels, or {_SHAPE}: "
    + ", ".join(f"`{ratio}` ({size})" for ratio, size in sizes.RATIOS.items())
    + ", any other at about one megapixel. The picture is delivered at exactly that size, whatever the model draws; "
    f"`n` times width times height is at most {sizes.MAX_PIXELS // 10**6} million. `auto`: {sizes.DEFAULT}, for an "
    "edit about the shape of its first picture.",
    "default": "auto",
    "examples": ["768x512", "16:9"],
}
_RESOLUTION = _text(
    "`1K`, `2K` or `4K`: how large the shape is.", pattern=r"^\s*(auto|[124][kK])?\s*$", examples=["2K"]
)
_ASPECT_RATIO = _text(
    f"The shape, where neither `size` nor `width` and `height` say it: {_SHAPE}.",
    pattern=rf"^\s*(auto|{_RATIO}|[1-9]\d?[x×*][1-9]\d?)?\s*$",
    examples=["16:9"],
)
SHAPE_FIELDS: Json = {
    "size": SIZE,
    "width": {**_SIDE, "description": "With `height`: the size, where `size` does not say it."},
    "height": _SIDE,
    "aspect_ratio": _ASPECT_RATIO,
    "ratio": {**_ASPECT_RATIO, "description": "As `aspect_ratio`."},
    "image_size": _RESOLUTION,
    "resolution": {**_RESOLUTION, "description": "As `image_size`."},
    "image_config": {
        "type": ["object", "string", "null"],
        "pattern": BLANK,
        "properties": {"aspect_ratio": _ASPECT_RATIO, "image_size": _RESOLUTION},
        "description": "OpenRouter's way to say the shape: any of the fields above.",
    },
}
"""The names of fields for the shape, in order of precedence."""
STREAM = _switch("Answer with server-sent events.", default=False)
PICTURE_FIELDS: Json = {
    **SHAPE_FIELDS,
    "n": _whole(
        "n",
        "How many pictures, at most four drawn at once. Those that were drawn are delivered, and what failed is said. "
        "In a chat each comes in a choice of its own. 0 is the same as none.",
        minimum=0,
        default=1,
    ),
    "quality": _choice(
        fields.QUALITIES,
        "How many steps to take, where `steps` does not say: fewest for `low`, most for `high` and `hd`.",
        default="auto",
    ),
    "steps": _whole(
        "steps",
        "Diffusion steps, within the model's own range (`capabilities.steps` of GET /v1/models). Beyond it: 400. "
        "A model without that range ignores it. Default: the deployment's `FLUX_NUM_STEPS`, else the model's own.",
    ),
    "seed": {
        "type": ["integer", "string", "null"],
        "pattern": r"^\s*(-?\d{1,19})?\s*$",
        "description": "The same seed, prompt, size and model draw the same picture; picture k of `n` uses seed + k. "
        "Models without `capabilities.seed` ignore it, and the answer says so. A negative one means any. "
        "Default: by chance.",
    },
    "negative_prompt": _text("What not to draw, for models with `capabilities.negative_prompt`."),
    "output_format": _choice(
        tuple(fields.FORMATS), "The pictures are converted to it. Default: as the model drew them."
    ),
    "output_compression": _whole("output_compression", "Quality of the delivered JPEG or WebP."),
    **{name: {"description": "Not followed, and the answer says so."} for name in fields.WITHOUT_EFFECT},
    "optimize": _switch(
        "Let a text model rewrite the prompt first; if that fails, the prompt is drawn as it is. "
        "Default: the deployment's `PROMPT_OPTIMIZATION`."
    ),
}
NO_MASK: Json = {
    "enum": [None, "", [], {}],
    "description": "Masks are not supported: describe the change in the prompt.",
}
NOT_HERE: Json = {
    name: {"description": "Not used: pictures are parts of messages. The answer says so."}
    for name in ("image", "images")
}
IMAGE_FIELDS: Json = {
    "prompt": {
        "type": "string",
        "pattern": r"\S",
        "description": "What to draw, taken as it is. Longer than the model takes (FLUX.1 [schnell]: "
        f"{catalog.MODELS[catalog.DEFAULT_MODEL].max_prompt} characters) it is cut at the end of a word.",
    },
    "model": {
        "anyOf": [ref("ModelId"), {"type": ["string", "null"]}],
        "description": "Unknown names: 404. Default: the deployment's own, for an edit one that takes pictures.",
    },
    **PICTURE_FIELDS,
    "response_format": _choice(
        ("url", "b64_json"),
        "What each picture comes as. Default: both. With `b64_json` alone nothing is stored.",
    ),
    "stream": STREAM,
    "safety_identifier": {"description": "The answer repeats it."},
    "mask": NO_MASK,
    "markup": NO_MASK,
}
DATA_URL = {
    "type": "string",
    "description": "A data URL in base64.",
    "examples": [PNG_URL],
}


def _in_form(field: Json) -> Json:
    """A field as it is in a form: not nullable, and without the description, which its JSON counterpart has."""
    told = {keyword: value for keyword, value in field.items() if keyword != "description"}
    if isinstance(field.get("type"), list):
        told["type"] = next(kind for kind in field["type"] if kind != "null")
    if "enum" in field:
        told["enum"] = [choice for choice in field["enum"] if isinstance(choice, str)]
    if "anyOf" in field:
        told["anyOf"] = [_in_form(choice) for choice in field["anyOf"]]
    return told


CHECKS = ("api_key", "settings", "model", "writer", "storage", "images", "rate_limiter")
_CHARGED = ", ".join(f"`per_{name}`" for name in {**UNITS, **DOLLAR_UNITS})
_EDIT_PICTURES = f"The pictures to work from, 1 to {partners.MAX_IMAGES}."
_WORDS = LANGUAGES["en"]
CONTENT = "\n".join(
    (
        _WORDS.original_prompt.format("A cute cat 3:2"),
        _WORDS.prompt_model.format(_WORDS.no_writer),
        _WORDS.optimized_prompt.format("A cute cat"),
        _WORDS.size.format(sizes.RATIOS["3:2"]),
        _WORDS.success,
        _WORDS.result,
        "",
        f"![{_WORDS.alt}]({URL})",
    )
)

REQUESTS: Json = {
    "ChatRequest": an_object(
        {
            "messages": {
                "type": "array",
                "minItems": 1,
                "items": ref("Message"),
                "contains": ref("Prompt"),
                "description": "The text of the last `user` message is the prompt; it must say what to draw. All "
                "other messages are ignored: every call is a new picture. Without a `user` message the last `system` "
                "or `developer` text is the prompt.",
            },
            "model": {
                "anyOf": [ref("ModelId"), {"type": ["string", "null"]}],
                "description": "A name that is not served here means the deployment's own model.",
            },
            "stream": STREAM,
            "stream_options": {
                "type": ["object", "string", "null"],
                "pattern": BLANK,
                "properties": {
                    "include_usage": _switch("A last chunk with `usage` and without choices.", default=False),
                    "include_progress": _switch(
                        "An extension: chunks without choices whose `progress` tells as data what happens. `type` is "
                        "`plan` (what will be drawn), `prompt` (the one that goes to the model), `picture` (one that "
                        "is finished, with its `url`, model, seed and steps) or `failure` (one that is not).",
                        default=False,
                    ),
                },
            },
            "response_format": {
                "description": "Read to recognise the chores of chat apps: a JSON schema of a title, of tags and the "
                "like is filled in without a picture. 400 for any other of type `json_schema`.",
            },
            "tools": {"description": "Not called."},
            "tool_choice": {"description": "400 where it forces a tool that does not draw."},
            "function_call": {"description": "400 where it names a function."},
            "mask": NO_MASK,
            "markup": NO_MASK,
            **NOT_HERE,
            **{
                name: {"description": "Read to recognise the chores of chat apps."}
                for name in ("metadata", "max_tokens", "max_completion_tokens")
            },
            "modalities": {
                "type": ["array", "string", "null"],
                "pattern": BLANK,
                "items": {"type": "string"},
                "description": 'With `"image"` in it the pictures come in `images`, beside the text and not in it, '
                "and nothing is stored.",
            },
        },
        required=("messages",),
        allOf=[ref("PictureOptions")],
        description="Fields win over the directives in the prompt. Fields that are not named here are ignored.",
    ),
    "PictureOptions": an_object(PICTURE_FIELDS, required=()),
    "Message": an_object(
        {
            "role": {"type": "string", "examples": ["user"]},
            "content": {
                "anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": ref("ContentPart")}],
                "description": "Text, or parts. All text parts together are the prompt.",
            },
        },
        required=("role",),
    ),
    "Prompt": an_object(
        {
            "role": {"const": "user"},
            "content": {
                "anyOf": [
                    {"type": "string", "pattern": r"\S"},
                    {"type": "array", "contains": ref("TextPart")},
                ]
            },
        },
        description="A message that says what to draw.",
    ),
    "ContentPart": {
        "anyOf": [
            {"type": "string"},
            an_object({"type": {"enum": ["text", "input_text"]}, "text": {"type": "string"}}),
            ref("ImagePart"),
            an_object(
                {"type": {"not": {"enum": ["text", "input_text", "image_url", "input_image"]}}},
                required=(),
                description="A picture in the forms of Anthropic and Vercel (`image`) or as a file in a data URL "
                "(`file`, `input_file`) is taken. Any other part is ignored, and the answer says so.",
            ),
        ]
    },
    "TextPart": an_object(
        {"type": {"enum": ["text", "input_text"]}, "text": {"type": "string", "pattern": r"\S"}},
    ),
    "ImagePart": an_object(
        {
            "type": {"enum": ["image_url", "input_image"]},
            "image_url": {"anyOf": [{"type": "string"}, an_object({"url": {"type": "string"}})]},
        },
        description=f"A picture to work from: a data URL in base64 or a link to a picture of this service, "
        f"at most {partners.MAX_IMAGES} in the last "
        "message. Other links are not fetched, and the answer says so.",
    ),
    "ImageRequest": an_object(
        {
            **{name: field for name, field in IMAGE_FIELDS.items() if name not in PICTURE_FIELDS},
            "image": {
                "anyOf": [ref("InputPicture"), {"type": "array", "items": ref("InputPicture")}, {"type": "null"}],
                "description": "Makes the call an edit.",
            },
            "images": {
                "anyOf": [ref("InputPicture"), {"type": "array", "items": ref("InputPicture")}, {"type": "null"}],
                "description": "As `image`.",
            },
        },
        required=("prompt",),
        allOf=[ref("PictureOptions")],
    ),
    "InputPicture": {
        "anyOf": [
            DATA_URL,
            an_object({"image_url": {"anyOf": [DATA_URL, an_object({"url": DATA_URL})]}}),
            an_object({"url": DATA_URL}),
            an_object({"b64_json": DATA_URL}),
        ],
        "description": "A PNG, JPEG or WebP, recognised by its bytes: a data URL, base64 alone, or a link to a picture "
        "of this service. Other links are not fetched.",
    },
    "ImageEditRequest": an_object(
        {},
        anyOf=[{"required": ["image"]}, {"required": ["images"]}],
        allOf=[ref("ImageRequest")],
        description=f"{_EDIT_PICTURES} `image` and `images` are the same.",
    ),
    "ImageEditForm": an_object(
        {
            **{name: _in_form(field) for name, field in IMAGE_FIELDS.items()},
            "image": {
                "type": "array",
                "minItems": 1,
                "maxItems": partners.MAX_IMAGES,
                "items": {"type": "string", "format": "binary"},
                "description": f"{_EDIT_PICTURES} PNG, JPEG or WebP, told by its bytes; the part must have a file "
                "name. `image[]` is the same.",
            },
        },
        required=("prompt", "image"),
        description="Fields as in ImageRequest; an empty one is the same as none. Masks are not supported.",
    ),
}

# --- responses ------------------------------------------------------------------------------------

COUNT = {"type": "integer", "minimum": 0}
COSTS = {
    "cost_neurons": {
        "type": ["number", "null"],
        "minimum": 0,
        "description": "What it cost in neurons by the price list, failed calls and the prompt writer included; 0 for "
        "models of other makers, null where the model's price is not known. In a stream of pictures each has its own.",
    },
    "cost_dollars": {
        "type": ["number", "null"],
        "minimum": 0,
        "description": "The same in dollars: $0.011 for 1,000 neurons, the free allocation not deducted.",
    },
}
TIME = {"type": "integer", "description": "Unix time in seconds."}
IMAGE_URL = {
    "type": "string",
    "format": "uri",
    "description": "A link for as long as the deployment keeps pictures (`IMAGE_EXPIRATION`, 1800 seconds by "
    "default); a data URL where the picture could not be stored.",
}
BASE64 = {"type": "string", "contentEncoding": "base64", "description": "The picture."}
SHAPE = {
    "background": {"const": "opaque"},
    "output_format": {"enum": ["jpeg", "png", "webp"], "description": "Read from the picture itself."},
    "quality": {"enum": ["low", "medium", "high"]},
    "size": {"type": "string", "pattern": r"^\d+x\d+$", "description": "Read from the picture itself."},
}
WARNINGS = {"type": "array", "items": {"type": "string"}, "description": "What could not be followed."}
IMAGE = {
    "b64_json": BASE64,
    "url": IMAGE_URL,
    "revised_prompt": {"type": "string", "description": "What was drawn, where a text model rewrote the prompt."},
}
_IMAGES_PART = {
    "type": "array",
    "minItems": 1,
    "items": an_object(
        {
            "type": {"const": "image_url"},
            "index": COUNT,
            "image_url": an_object({"url": {"type": "string", "format": "uri", "description": "A data URL."}}),
        }
    ),
    "description": "With `modalities`: the pictures.",
}
_HEAD: Json = {
    "service_tier": {"const": "default"},
    "system_fingerprint": {"type": "string"},
    "id": {"type": "string", "pattern": "^chatcmpl-", "description": "With the `x-request-id`."},
    "created": TIME,
    "model": ref("ModelId"),
}


def _choices(**more: Any) -> Json:
    return an_object({"index": COUNT, **more, "logprobs": {"type": "null"}})


ANSWERS: Json = {
    "ChatCompletion": an_object(
        {
            **_HEAD,
            "object": {"const": "chat.completion"},
            "choices": {
                "type": "array",
                "minItems": 1,
                "maxItems": fields.MAX_PICTURES,
                "items": _choices(
                    message=an_object(
                        {
                            "role": {"const": "assistant"},
                            "content": {
                                "type": "string",
                                "description": "Lines of text in the deployment's language and the pictures as "
                                "Markdown; of a chore, its answer.",
                            },
                            "refusal": {"type": "null"},
                            "annotations": {"type": "array", "maxItems": 0},
                            "images": _IMAGES_PART,
                        },
                        required=("role", "content", "refusal", "annotations"),
                    ),
                    finish_reason={"const": "stop"},
                ),
            },
            "usage": ref("ChatUsage"),
        },
        examples=[
            {
                "id": COMPLETION_ID,
                "object": "chat.completion",
                "created": CREATED,
                "model": MODEL,
                "service_tier": "default",
                "system_fingerprint": FINGERPRINT,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": CONTENT, "refusal": None, "annotations": []},
                        "logprobs": None,
                        "finish_reason": "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": 4,
                    "completion_tokens": 462,
                    "total_tokens": 466,
                    "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 0},
                    "completion_tokens_details": {
                        "accepted_prediction_tokens": 0,
                        "audio_tokens": 0,
                        "image_tokens": 384,
                        "reasoning_tokens": 0,
                        "rejected_prediction_tokens": 0,
                    },
                    "cost_neurons": 57.6,
                    "cost_dollars": 0.000634,
                },
            }
        ],
    ),
    "ChatCompletionChunk": an_object(
        {
            **_HEAD,
            "object": {"const": "chat.completion.chunk"},
            "choices": {
                "type": "array",
                "maxItems": 1,
                "items": _choices(
                    delta=an_object(
                        {
                            "role": {"const": "assistant", "description": "In the first chunk."},
                            "content": {
                                "type": "string",
                                "description": "One or more whole lines; a picture's Markdown is never split.",
                            },
                            "images": _IMAGES_PART,
                        },
                        required=(),
                    ),
                    finish_reason={"enum": [None, "stop"]},
                ),
                "description": "Empty in the chunks that carry `usage` or `progress`.",
            },
            "usage": {
                "anyOf": [ref("ChatUsage"), {"type": "null"}],
                "description": "With `include_usage`: null until the last chunk.",
            },
            "progress": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"enum": ["plan", "prompt", "picture", "failure"]}},
                "description": "With `include_progress`, in chunks without choices.",
            },
        },
        required=(*_HEAD, "object", "choices"),
    ),
    "ChatUsage": an_object(
        {
            "prompt_tokens": COUNT,
            "completion_tokens": COUNT,
            "total_tokens": COUNT,
            "prompt_tokens_details": an_object({"audio_tokens": COUNT, "cached_tokens": COUNT}),
            "completion_tokens_details": an_object(
                {
                    "accepted_prediction_tokens": COUNT,
                    "audio_tokens": COUNT,
                    "image_tokens": COUNT,
                    "reasoning_tokens": COUNT,
                    "rejected_prediction_tokens": COUNT,
                }
            ),
            **COSTS,
        },
        description="Tokens are estimates: one for every four bytes of text, and for every 32 by 32 pixels.",
    ),
    "Images": an_object(
        {
            "created": TIME,
            "model": ref("ModelId"),
            "data": {
                "type": "array",
                "minItems": 1,
                "maxItems": fields.MAX_PICTURES,
                "items": an_object(IMAGE, required=(), anyOf=[{"required": ["b64_json"]}, {"required": ["url"]}]),
                "description": "As many as `n`, or those that could be drawn.",
            },
            **SHAPE,
            "usage": ref("ImageUsage"),
            "safety_identifier": {"type": "string"},
            "warnings": WARNINGS,
        },
        required=("created", "model", "data", *SHAPE, "usage"),
        examples=[
            {
                "created": CREATED,
                "model": MODEL,
                "data": [{"b64_json": JPEG, "url": URL}],
                "background": "opaque",
                "output_format": "jpeg",
                "quality": "medium",
                "size": "768x512",
                "usage": {
                    "total_tokens": 391,
                    "input_tokens": 7,
                    "output_tokens": 384,
                    "input_tokens_details": {"text_tokens": 7, "image_tokens": 0},
                    "output_tokens_details": {"text_tokens": 0, "image_tokens": 384},
                    "cost_neurons": 57.6,
                    "cost_dollars": 0.000634,
                },
            }
        ],
    ),
    "ImageCompleted": an_object(
        {
            "type": {"enum": ["image_generation.completed", "image_edit.completed"]},
            **IMAGE,
            "created_at": TIME,
            **SHAPE,
            "usage": ref("ImageUsage"),
            "warnings": WARNINGS,
        },
        required=("type", "b64_json", "created_at", *SHAPE, "usage"),
        description="One finished picture.",
    ),
    "ImageWarnings": an_object(
        {
            "type": {"enum": ["image_generation.warnings", "image_edit.warnings"]},
            "created_at": TIME,
            "warnings": WARNINGS,
        },
        description="Why there are fewer pictures than `n`. Not an event of OpenAI's.",
    ),
    "ImageUsage": an_object(
        {
            "total_tokens": COUNT,
            "input_tokens": COUNT,
            "output_tokens": COUNT,
            "input_tokens_details": an_object({"text_tokens": COUNT, "image_tokens": COUNT}),
            "output_tokens_details": an_object({"text_tokens": COUNT, "image_tokens": COUNT}),
            **COSTS,
        },
        description="Estimates, as ChatUsage.",
    ),
    "ModelId": {
        "type": "string",
        "enum": [*catalog.MODELS, *partners.MODELS],
        "description": "Those without `@cf/` are models of other makers, which only some deployments enable. The part "
        "after the last `/` will do. Names that clients hold by default mean the "
        f"deployment's own model: {', '.join(f'`{name}`' for name in sorted(catalog.GENERIC_NAMES))}.",
    },
    "Model": an_object(
        {
            "id": ref("ModelId"),
            "object": {"const": "model"},
            "created": TIME,
            "owned_by": {"type": "string"},
            "name": {"type": "string"},
            "architecture": an_object(
                {
                    "input_modalities": {"type": "array", "items": {"enum": ["text", "image"]}},
                    "output_modalities": {"const": ["image"]},
                }
            ),
            "capabilities": an_object(
                {
                    "size": {"type": "boolean", "description": "Draws at the size asked for; else it is cut to it."},
                    "seed": {"type": "boolean"},
                    "negative_prompt": {"type": "boolean"},
                    "images": {**COUNT, "description": "How many pictures it takes in."},
                    "image_side": {
                        "type": ["integer", "null"],
                        "minimum": 1,
                        "description": "Pixels of the longest side of a picture it takes in: a larger one is scaled "
                        "down. Null where it takes none.",
                    },
                    "edits_only": {"type": "boolean", "description": "Draws nothing without a picture to edit."},
                    "prompt": {
                        "type": ["integer", "null"],
                        "minimum": 1,
                        "description": "Longest prompt in UTF-16 units, where one is published. What is longer is cut "
                        "at a word.",
                    },
                    "steps": {
                        "type": ["array", "null"],
                        "items": {"type": "integer"},
                        "minItems": 2,
                        "maxItems": 2,
                        "description": "Fewest and most; null where they cannot be chosen.",
                    },
                }
            ),
            "pricing": {
                "anyOf": [ref("Pricing"), {"type": "null"}],
                "description": "What a picture costs; null where Cloudflare does not publish it.",
            },
        }
    ),
    "Pricing": an_object(
        {
            "unit": {"enum": ["neurons", "dollars"], "description": "Dollars for models of other makers."},
            "source": {"enum": list(get_args(Source))},
            "checked": {"type": "string", "format": "date", "description": "When the source was looked at."},
            "note": {"type": ["string", "null"], "description": "Where sources differ."},
            "example": an_object(
                {
                    "size": {"const": str(sizes.DEFAULT)},
                    "steps": {"type": ["integer", "null"], "description": "Null where they cannot be chosen."},
                    "neurons": {"type": "number"},
                    "dollars": {"type": "number", "description": "Past the free allocation of the day."},
                    "free_per_day": {**COUNT, "description": "How many the free 10,000 neurons are enough for."},
                },
                required=("size", "steps", "dollars"),
            ),
        },
        patternProperties={"^per_": {"type": "number"}},
        description=f"What is charged for, each only where it is: {_CHARGED}.",
    ),
    "Models": an_object({"object": {"const": "list"}, "data": {"type": "array", "items": ref("Model")}}),
    "Usage": an_object(
        {
            "object": {"const": "usage"},
            "counting": {"type": "boolean", "description": "False: neither a budget nor `COUNT_USAGE` is set."},
            "resets_at": {**COUNT, "description": "When today ends (00:00 UTC), Unix time in seconds."},
            "key": an_object(
                {
                    "name": {"type": ["string", "null"], "description": "What the owner calls the key that was sent."},
                    "today": ref("Figures"),
                    "last_31_days": ref("Figures"),
                    "budget": ref("Budget"),
                }
            ),
            "deployment": an_object({"today": ref("Figures"), "last_31_days": ref("Figures"), "budget": ref("Budget")}),
        },
        description="What is being drawn counts already. Figures are null where nothing is counted.",
    ),
    "Figures": an_object(
        {
            "pictures": {**COUNT, "type": ["integer", "null"]},
            "neurons": {"type": ["number", "null"]},
            "dollars": {"type": ["number", "null"], "description": "The free allocation is not deducted."},
            "models": {
                "type": ["object", "null"],
                "additionalProperties": ref("Figures"),
                "description": "The same by model, of a key.",
            },
        },
        required=("pictures", "neurons", "dollars"),
    ),
    "Budget": {
        "anyOf": [
            an_object(
                {
                    unit: an_object({"limit": {"type": "number"}, "left": {"type": "number", "minimum": 0}})
                    for unit in prices.UNITS
                },
                required=(),
                minProperties=1,
            ),
            {"type": "null"},
        ],
        "description": "Of one day, in each unit that has one; null where none is set.",
    },
    "Health": an_object(
        {
            "status": {"enum": ["ok", "degraded"]},
            "version": {"type": "string"},
            "checks": an_object(
                {name: {"type": "string"} for name in (*CHECKS, "ledger", "partner_models")},
                required=(*CHECKS, "ledger"),
                description="`ok`, `missing`, or what is wrong; never a value. `writer` rewrites prompts. "
                "`writer`, `images` and `rate_limiter` are not required, and `ledger` only where there is a budget. "
                "`partner_models` is there where models of other makers are enabled.",
            ),
            "warnings": {
                "type": "array",
                "items": {"type": "string"},
                "description": "That most of today's budget is used. Absent where there is nothing to say.",
            },
        },
        required=("status", "version", "checks"),
        examples=[
            {
                "status": "ok",
                "version": VERSION,
                "checks": {
                    "api_key": "ok",
                    "settings": "ok",
                    "model": "ok",
                    "writer": "ok",
                    "storage": "ok",
                    "images": "ok",
                    "rate_limiter": "missing",
                    "ledger": "ok",
                },
            }
        ],
    ),
    "Error": an_object(
        {
            "error": an_object(
                {
                    "message": {"type": "string", "description": "What to do, in English."},
                    "type": {"enum": sorted({row.error.type for row in ROWS.values()})},
                    "param": {"type": ["string", "null"], "description": "The field that is wrong."},
                    "code": {"enum": list(ROWS)},
                }
            )
        }
    ),
}

# --- streams: the schema of one event. OpenAPI 3.1 cannot express this; 3.2 has `itemSchema` -------


def _event(data: Json, name: str | None = None) -> Json:
    """One server-sent event whose data is JSON."""
    told = {"event": {"const": name}} if name else {}
    return an_object(
        {**told, "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": data}}
    )


def _stream(description: str, *events: Json) -> Json:
    done = an_object({"data": {"const": "[DONE]"}})
    return {"description": description, "anyOf": [done, *events]}


STREAMS: Json = {
    "ChatEvent": _stream(
        "One server-sent event. In order: the role, text as it is known, a chunk with `finish_reason`, `[DONE]`. "
        "A failure comes as a chunk of readable text and an error before `[DONE]`.",
        _event(ref("ChatCompletionChunk")),
        _event(ref("Error")),
    ),
    "ImageEvent": _stream(
        "One server-sent event: each picture as soon as it is finished, then `[DONE]`. If some pictures could not be "
        "drawn, an event with `warnings` comes before `[DONE]`; if none could, an `error`.",
        _event(ref("ImageCompleted"), "image_generation.completed"),
        _event(ref("ImageWarnings"), "image_generation.warnings"),
        _event(ref("Error"), "error"),
    ),
    "ImageEditEvent": _stream(
        "As ImageEvent.",
        _event(ref("ImageCompleted"), "image_edit.completed"),
        _event(ref("ImageWarnings"), "image_edit.warnings"),
        _event(ref("Error"), "error"),
    ),
}

SCHEMAS: Json = REQUESTS | ANSWERS | STREAMS
