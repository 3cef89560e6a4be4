"""Draws and writes through the `AI` binding."""

from typing import Any

import js
from pyodide.ffi import JsException

from flux import upstream
from flux.catalog import Model
from flux.edge.js_bytes import array_of, js_object
from flux.edge.model_output import picture_of
from flux.picture import Picture
from flux.ports import Inputs, RewriteFailed
from flux.text import Blob, read_json


def form_of(inputs: Inputs, images: tuple[Blob, ...]) -> Any:
    """Inputs as a JavaScript `FormData`, pictures under the names that FLUX.2 gives them."""
    form = js.FormData.new()
    for name, value in inputs.items():
        form.append(name, str(value))
    for index, image in enumerate(images):
        form.append(f"input_image_{index}", js.Blob.new(js.Array.of(array_of(image))), f"{index}")
    return form


class BindingModel:
    """`ImageModel` over `env.AI`."""

    def __init__(self, ai: Any, gateway_id: str | None) -> None:
        self._ai = ai
        self._gateway_id = gateway_id

    async def draw(self, model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Picture:
        """See `ImageModel.draw`."""
        try:
            answer = await self._ai.run(model.id, *self._arguments(model, inputs, images))
        except JsException as error:
            raise upstream.failure(error.message or "") from error
        return await picture_of(answer)

    def _arguments(self, model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> tuple[Any, ...]:
        if not model.multipart:
            return js_object(dict(inputs)), *gateway_option(self._gateway_id)
        # The boundary is in the content type that the runtime chose, so both come from one Response.
        # No gateway: the binding refuses streams through one.
        response = js.Response.new(form_of(inputs, images))
        multipart = js.Object.new()
        multipart.body = response.body
        multipart.contentType = response.headers.get("content-type")
        wrapped = js.Object.new()
        wrapped.multipart = multipart
        return (wrapped,)


class BindingRewriter:
    """`PromptRewriter` over `env.AI`."""

    def __init__(self, ai: Any, model: str, system_message: str, gateway_id: str | None) -> None:
        self.name = model
        self._ai = ai
        self._system_message = system_message
        self._gateway_id = gateway_id

    async def rewrite(self, prompt: str) -> str:
        """See `PromptRewriter.rewrite`."""
        inputs = {"messages": conversation(self._system_message, prompt), "max_tokens": MAX_TOKENS}
        try:
            answer = await self._ai.run(self.name, js_object(inputs), *gateway_option(self._gateway_id))
        except JsException as error:
            raise RewriteFailed(error.message or error.name) from error
        return answer_text(plain(answer))


MAX_TOKENS = 400
"""Of a rewritten prompt: 2048 characters, the most that FLUX.1 takes, with room to spare."""


def gateway_option(gateway_id: str | None) -> tuple[Any, ...]:
    """The third argument of `AI.run`, where there is something to say in it.

    Without a seed the same prompt is the same request, so a gateway that caches would sell one
    picture twice.
    """
    return (js_object({"gateway": {"id": gateway_id, "skipCache": True}}),) if gateway_id else ()


def conversation(system_message: str, prompt: str) -> list[dict[str, str]]:
    """The messages that ask for a prompt."""
    return [{"role": "system", "content": system_message}, {"role": "user", "content": prompt}]


def plain(answer: Any) -> Any:
    """A text model's answer as Python's own values. Raises `RewriteFailed`.

    By way of JSON, since `to_py` has no limit of depth: a deeply nested answer would end the isolate.
    """
    try:
        return read_json(js.JSON.stringify(answer) or "null")
    except JsException as error:  # too deep for JavaScript as well
        raise RewriteFailed(error.name) from error
    except ValueError as error:
        raise RewriteFailed("too deeply nested an answer") from error


def answer_text(answer: Any) -> str:
    """The text in a text model's answer: Workers AI's own shape, or OpenAI's.

    Raises `RewriteFailed` where it has neither.
    """
    match answer:
        case {"response": str(text)}:
            return text
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text
    raise RewriteFailed("an answer of no known shape")
