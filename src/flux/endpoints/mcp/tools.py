"""The tools: their descriptions for the calling model, and their arguments -> a validated request."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flux import fields, sizes
from flux.catalog import Model
from flux.endpoints.mcp.protocol import CACHED, INVALID_PARAMS, Json, RpcError
from flux.errors import MissingParameter
from flux.fields import Body
from flux.generation import GenerationRequest
from flux.picture import EXTENSIONS
from flux.text import quoted

MAX_PICTURES = 4
"""Most pictures per call. Each has a preview in the answer, which the calling model has to read."""

INSTRUCTIONS = (
    "Draws pictures from words with 'draw' and changes them with 'edit'. Every picture is answered with a small "
    "preview and a link to the whole of it: give the user the link. Links expire, so download what is to be kept."
)

# --- arguments ------------------------------------------------------------------------------------


def _prompt(said: str) -> Json:
    return {"type": "string", "minLength": 1, "description": said}


def _whole_number(minimum: int, said: str, **rest: int) -> Json:
    return {"type": "integer", "minimum": minimum, **rest, "description": said}


def _shape(default: str) -> Json:
    return {
        "aspect_ratio": {
            "type": "string",
            "enum": list(sizes.RATIOS),
            "description": f"Shape of the picture, width to height, at about one megapixel. Default: {default}.",
        },
        "size": {
            "type": "string",
            "pattern": r"^\d+x\d+$",
            "description": (
                f"Exact size as WIDTHxHEIGHT in pixels, each from {sizes.MIN_SIDE} to {sizes.MAX_SIDE}, such as "
                "1280x720. Use it in place of aspect_ratio; where both are given, it counts."
            ),
        },
    }


def _model(models: Iterable[Model], default: str) -> Json:
    return {
        "type": "string",
        "enum": [one.id for one in models],
        "description": f"Which model draws: list_models tells what each can do. Leave it out for {default}.",
    }


def _choices(models: tuple[Model, ...]) -> Json:
    negative = ", ".join(one.id for one in models if one.negative_prompt)
    min_steps, max_steps = fields.RANGES["steps"]
    steps = ", ".join(f"{one.id} {one.steps.min} to {one.steps.max}" for one in models if one.steps)
    return {
        "n": _whole_number(1, "How many pictures of the same prompt. Default: 1.", maximum=MAX_PICTURES),
        "seed": _whole_number(0, "The same seed, prompt and model draw the same picture, where the model takes seeds."),
        "steps": _whole_number(
            min_steps,
            f"Diffusion steps: more are slower and finer. These models take them: {steps or 'none'}.",
            maximum=max_steps,
        ),
        "negative_prompt": {
            "type": "string",
            "description": f"What the picture must not show. These models follow it: {negative or 'none'}.",
        },
        "output_format": {
            "type": "string",
            "enum": [mime.removeprefix("image/") for mime in EXTENSIONS],
            "description": "Type of the picture's file. Default: as the model draws it.",
        },
    }


def _draw(models: tuple[Model, ...]) -> Json:
    return {
        "prompt": _prompt(
            "What the picture shows, in full sentences: subject, surroundings, style, light, colours, perspective. "
            "Put words that are to be written in the picture in quotes. It is drawn as it is given."
        ),
        **_shape("1:1"),
        "model": _model(models, "this service's default"),
        **_choices(models),
    }


def _edit(models: tuple[Model, ...]) -> Json:
    able = tuple(one for one in models if one.max_images)
    return {
        "prompt": _prompt(
            "What to change, as an instruction: 'Make the sky stormy and leave everything else as it is.' With several "
            "pictures, call them the first picture, the second picture and so on."
        ),
        "images": {
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "maxItems": max((one.max_images for one in able), default=1),
            "description": (
                "The pictures to work from, in order: links that draw or edit has answered with, or data URLs in "
                "base64. Other links are not opened."
            ),
        },
        **_shape("that of the first picture"),
        "model": _model(able, "a model that can edit"),
        **_choices(able),
    }


def _nothing(_models: tuple[Model, ...]) -> Json:
    return {}


# --- tools ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool."""

    name: str
    title: str
    description: str
    properties: Callable[[tuple[Model, ...]], Json]
    """Its arguments as JSON Schema, for the given models."""
    required: tuple[str, ...] = ()
    annotations: Mapping[str, bool] = field(default_factory=dict)

    def definition(self, models: tuple[Model, ...]) -> Json:
        """`Tool` of the protocol."""
        schema: Json = {"type": "object", "properties": self.properties(models), "additionalProperties": False}
        if self.required:
            schema["required"] = list(self.required)
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": schema,
            "annotations": {"title": self.title, **self.annotations},
        }


_ADDS = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": False, "openWorldHint": False}
_READS = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
_ANSWER = (
    "Answers for each picture with a preview of at most 512 pixels a side, and with a link to the whole picture, its "
    "size, and what of the call could not be followed."
)

DRAW = Tool(
    "draw",
    "Draw pictures",
    f"Draws one to {MAX_PICTURES} new pictures from a description in words: photos, illustrations, logos, icons, "
    f"textures, diagrams without small text. {_ANSWER} Takes from one second to about a minute, and costs its owner "
    "money: call it once for each picture that is wanted.",
    _draw,
    ("prompt",),
    _ADDS,
)
EDIT = Tool(
    "edit",
    "Edit pictures",
    "Draws a new picture from one picture or several and an instruction: changes what is in it, combines pictures, "
    f"takes over a style. The pictures that are given stay as they are. {_ANSWER}",
    _edit,
    ("prompt", "images"),
    _ADDS,
)
LIST_MODELS = Tool(
    "list_models",
    "List image models",
    "Lists the models that can draw here: their ids, which of them is the default, and what each takes: pictures to "
    "edit, seeds, steps, a negative prompt. Draws nothing and costs nothing.",
    _nothing,
    annotations=_READS,
)
TOOLS = {tool.name: tool for tool in (DRAW, EDIT, LIST_MODELS)}


def listed(models: tuple[Model, ...]) -> Json:
    """`ListToolsResult`, for the deployment's models."""
    return {"tools": [tool.definition(models) for tool in TOOLS.values()], **CACHED}


# --- calls ----------------------------------------------------------------------------------------


def called(params: Mapping[str, Any]) -> tuple[Tool, Body]:
    """The tool of a call and its arguments. Raises `RpcError` if any is unknown."""
    name, arguments = params.get("name"), params.get("arguments")
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None:
        said = f"There is no tool {quoted(name)} here" if isinstance(name, str) else "'name' must name a tool"
        raise RpcError(INVALID_PARAMS, f"{said}. These are: {', '.join(TOOLS)}.")
    if not isinstance(arguments, dict | None):
        raise RpcError(INVALID_PARAMS, "'arguments' must be an object.")
    arguments = arguments or {}
    known = tool.properties(())
    for unknown in (one for one in arguments if one not in known):
        taken = f"takes {', '.join(known)}" if known else "takes no arguments"
        raise RpcError(INVALID_PARAMS, f"There is no argument {quoted(unknown)}: {tool.name} {taken}.")
    return tool, arguments


def generation(tool: Tool, arguments: Body) -> GenerationRequest:
    """The request to draw in a call. Raises `InvalidRequest` or a subclass."""
    prompt = fields.prompt(arguments)
    options = fields.options(arguments, max_pictures=MAX_PICTURES)
    sources = tuple(fields.picture_sources(arguments))
    if tool is EDIT:
        if not sources:
            raise MissingParameter("Send at least one picture as 'images'.", param="images")
        options = replace(options, action="edit")
    return GenerationRequest(
        asked=prompt,
        prompt=prompt,
        options=options,
        model_required=True,
        sources=sources,
        previewed=True,
    )
