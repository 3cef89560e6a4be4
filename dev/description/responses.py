"""The Responses API as JSON Schema, as far as this service supports it."""

from typing import Any

from dev.description.refusals import KEY
from dev.description.schemas import (
    BLANK,
    CONTENT,
    COSTS,
    COUNT,
    CREATED,
    JPEG,
    MODEL,
    NO_MASK,
    NOT_HERE,
    SHAPE,
    STREAM,
    TIME,
    an_object,
    ref,
)
from flux.endpoints.responses.parse import ITEM, RESPONSE

Json = dict[str, Any]

_ID = KEY.partition(".")[0]
_PICTURE_ID = r"[A-Za-z0-9_-]{22}-[0-9a-z]{7}"

REQUESTS: Json = {
    "ResponsesRequest": an_object(
        {
            "input": {
                "anyOf": [
                    {"type": "string", "pattern": r"\S"},
                    {"type": "array", "minItems": 1, "items": ref("InputItem"), "contains": ref("InputPrompt")},
                ],
                "description": "A text, or the items of a conversation. The text of the last `user` message is the "
                "prompt, without one that of the last instruction; its end may hold directives.",
            },
            "model": {
                "type": ["string", "null"],
                "description": "A name that is not served here means the deployment's own model.",
            },
            "instructions": {"type": ["string", "null"], "description": "Not drawn; echoed."},
            "tools": {
                "type": ["array", "string", "null"],
                "pattern": BLANK,
                "items": {"anyOf": [ref("ImageTool"), {}]},
                "description": "The first `image_generation` tool says how to draw. Others are ignored.",
            },
            "tool_choice": {
                "anyOf": [{"type": ["string", "null"]}, {"type": "object"}],
                "description": "400 where it forces a tool that does not draw.",
            },
            "previous_response_id": {
                "type": ["string", "null"],
                "pattern": rf"^\s*({RESPONSE}{_PICTURE_ID})?\s*$",
                "description": "Means the last picture of that response, where a picture is edited.",
            },
            "stream": STREAM,
            "text": {
                "type": ["object", "string", "null"],
                "pattern": BLANK,
                "description": "400 for a `format` of type `json_schema`, unless a chat app asks for a chore.",
            },
            "background": {"enum": [False, None], "description": "Not supported."},
            "mask": NO_MASK,
            "markup": NO_MASK,
            **NOT_HERE,
            "conversation": {"type": "null", "description": "Not supported: send the whole conversation."},
            **{
                name: {"description": "Echoed, without effect."}
                for name in ("metadata", "parallel_tool_calls", "temperature", "top_p", "max_output_tokens")
            },
        },
        required=("input",),
        allOf=[ref("PictureOptions")],
        description="Fields that are not named here are ignored.",
    ),
    "InputPrompt": an_object(
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
    "InputItem": {
        "anyOf": [
            an_object(
                {
                    "type": {"const": "message"},
                    "role": {"type": "string", "examples": ["user"]},
                    "content": {
                        "anyOf": [{"type": ["string", "null"]}, {"type": "array", "items": ref("ContentPart")}]
                    },
                },
                required=("role",),
            ),
            an_object(
                {
                    "type": {"enum": ["image_generation_call", "item_reference"]},
                    "id": {"type": "string"},
                    "result": {"type": ["string", "null"], "description": "The picture in base64, or none."},
                },
                required=("type",),
                description="A picture that was drawn before, with its bytes or by its id alone.",
            ),
            an_object(
                {"type": {"type": "string", "not": {"enum": ["message", "image_generation_call", "item_reference"]}}},
                description="Any other item is ignored.",
            ),
        ]
    },
    "ImageTool": an_object(
        {
            "type": {"const": "image_generation"},
            "action": {
                "enum": ["generate", "edit", "auto", None],
                "description": "`edit` means the newest picture of the conversation. `auto`: the deployment's "
                "`FOLLOW_UPS`.",
                "default": "auto",
            },
            "model": {
                "type": ["string", "null"],
                "description": "Wins over the request's own. An unknown name draws with the deployment's model, and "
                "the answer says so.",
            },
            "input_image_mask": {"type": "null", "description": "Masks are not supported."},
        },
        required=("type",),
        allOf=[ref("PictureOptions")],
    ),
}

_USAGE = {
    "input_tokens": 4,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 462,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 466,
    "cost_neurons": 57.6,
    "cost_dollars": 0.000634,
}
_PICTURE = {
    "id": f"{ITEM}{_ID}",
    "type": "image_generation_call",
    "status": "completed",
    "result": JPEG,
    "action": "generate",
    "background": "opaque",
    "output_format": "jpeg",
    "quality": "medium",
    "size": "768x512",
    "revised_prompt": "A cute cat",
}
_MESSAGE = {
    "id": "msg_3f0c1d2e4b5a69788796a5b4",
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": CONTENT, "annotations": [], "logprobs": []}],
}
EXAMPLE: Json = {
    "id": f"{RESPONSE}{_ID}",
    "object": "response",
    "created_at": CREATED,
    "completed_at": CREATED,
    "status": "completed",
    "model": MODEL,
    "output": [_PICTURE, _MESSAGE],
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "previous_response_id": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "temperature": 1.0,
    "top_p": 1.0,
    "max_output_tokens": None,
    "background": False,
    "reasoning": {"effort": None, "summary": None},
    "store": False,
    "text": {"format": {"type": "text"}},
    "truncation": "disabled",
    "usage": _USAGE,
}
_NULL = {"type": "null"}
_STATUS = {"enum": ["in_progress", "completed", "failed"]}

ANSWERS: Json = {
    "Response": an_object(
        {
            "id": {
                "type": "string",
                "pattern": f"^{RESPONSE}{_PICTURE_ID}$",
                "description": "Holds the identifier of the last picture.",
            },
            "object": {"const": "response"},
            "created_at": TIME,
            "completed_at": {"type": ["integer", "null"]},
            "status": _STATUS,
            "model": ref("ModelId"),
            "output": {
                "type": "array",
                "items": ref("OutputItem"),
                "description": "The pictures, then a message. The answer to a chore is a message alone.",
            },
            "error": {
                "anyOf": [
                    _NULL,
                    an_object(
                        {
                            "code": {"enum": ["image_content_policy_violation", "rate_limit_exceeded", "server_error"]},
                            "message": {"type": "string"},
                        }
                    ),
                ]
            },
            "incomplete_details": _NULL,
            "instructions": {"type": ["string", "null"]},
            "metadata": {"type": "object"},
            "previous_response_id": {"type": ["string", "null"]},
            "parallel_tool_calls": {"type": "boolean"},
            "tool_choice": {"type": ["string", "object"]},
            "tools": {"type": "array"},
            "temperature": {"type": "number"},
            "top_p": {"type": "number"},
            "max_output_tokens": {"type": ["integer", "null"]},
            "background": {"const": False},
            "reasoning": an_object({"effort": _NULL, "summary": _NULL}),
            "store": {"const": False, "description": "Nothing is kept but the pictures."},
            "text": {"type": "object"},
            "truncation": {"const": "disabled"},
            "usage": {"anyOf": [_NULL, ref("ResponseUsage")]},
        },
        examples=[EXAMPLE],
    ),
    "OutputItem": {
        "anyOf": [
            an_object(
                {
                    "id": {"type": "string", "pattern": f"^{ITEM}{_PICTURE_ID}$"},
                    "type": {"const": "image_generation_call"},
                    "status": _STATUS,
                    "result": {"type": ["string", "null"], "contentEncoding": "base64", "description": "The picture."},
                    "action": {"enum": ["generate", "edit"]},
                    **SHAPE,
                    "revised_prompt": {"type": "string", "description": "The prompt that was drawn."},
                },
                required=("id", "type", "status", "result"),
            ),
            an_object(
                {
                    "id": {"type": "string", "pattern": "^msg_"},
                    "type": {"const": "message"},
                    "role": {"const": "assistant"},
                    "status": _STATUS,
                    "content": {
                        "type": "array",
                        "items": an_object(
                            {
                                "type": {"const": "output_text"},
                                "text": {"type": "string", "description": "As the content of a chat answer."},
                                "annotations": {"type": "array", "maxItems": 0},
                                "logprobs": {"type": "array", "maxItems": 0},
                            }
                        ),
                    },
                }
            ),
        ]
    },
    "ResponseUsage": an_object(
        {
            "input_tokens": COUNT,
            "input_tokens_details": an_object({"cached_tokens": COUNT, "cache_write_tokens": COUNT}),
            "output_tokens": COUNT,
            "output_tokens_details": an_object({"reasoning_tokens": COUNT}),
            "total_tokens": COUNT,
            **COSTS,
        },
        description="Estimates, as ChatUsage.",
    ),
}

_EVENTS = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.image_generation_call.completed",
    "response.output_item.done",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.completed",
    "response.failed",
)

STREAM_EVENTS: Json = {
    "ResponseEvent": an_object(
        {
            "event": {"enum": list(_EVENTS), "description": "The same as the `type` of the data."},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": an_object(
                    {
                        "type": {"enum": list(_EVENTS)},
                        "sequence_number": COUNT,
                        "response": ref("Response"),
                        "item": ref("OutputItem"),
                        "item_id": {"type": "string"},
                        "output_index": COUNT,
                        "content_index": COUNT,
                        "delta": {"type": "string"},
                        "text": {"type": "string"},
                        "part": {"type": "object"},
                    },
                    required=("type", "sequence_number"),
                ),
            },
        },
        description="One server-sent event, in OpenAI's order. `sequence_number` counts from 0 without a gap. A "
        "failure comes as `response.failed`.",
    )
}

SCHEMAS: Json = REQUESTS | ANSWERS | STREAM_EVENTS

EXAMPLES: Json = {
    "simple": {"input": "A cute cat 3:2", "model": "gpt-6-astra"},
    "streamed": {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "A cute cat"}]}],
        "tools": [{"type": "image_generation", "size": "768x512", "output_format": "webp"}],
        "stream": True,
    },
}
STREAMED: Json = {
    "created": {
        "event": "response.created",
        "data": {
            "type": "response.created",
            "sequence_number": 0,
            "response": {**EXAMPLE, "status": "in_progress", "completed_at": None, "output": [], "usage": None},
        },
    },
    "picture": {
        "event": "response.output_item.done",
        "data": {"type": "response.output_item.done", "sequence_number": 6, "output_index": 0, "item": _PICTURE},
    },
}
