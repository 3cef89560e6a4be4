"""Draws and rewrites through the `AI` binding."""

import json
from typing import Any

import js
from pyodide.ffi import JsException

from flux import partner_failures, prices, tokens, upstream
from flux.catalog import Model
from flux.edge import partners
from flux.edge.fetching import aborted_with_its_task
from flux.edge.js_bytes import array_of, inputs_object, js_object
from flux.edge.model_output import picture_of
from flux.picture import Picture
from flux.ports import Inputs, RewriteFailed, Rewritten
from flux.text import Blob, read_json


def form_of(inputs: Inputs, images: tuple[Blob, ...]) -> Any:
    """The inputs as a JavaScript `FormData`, with pictures under FLUX.2's field names."""
    form = js.FormData.new()
    for name, value in inputs.items():
        form.append(name, str(value))
    for index, image in enumerate(images):
        form.append(f"input_image_{index}", js.Blob.new(js.Array.of(array_of(image))), f"{index}")
    return form


class AiBinding:
    """`env.AI`, called with the deployment's gateway."""

    def __init__(self, ai: Any, gateway_id: str | None) -> None:
        self._ai = ai
        self._gateway_id = gateway_id
        # A service binding, such as the stand-in in dev/ai, is called by RPC, which cannot pass signals.
        self._takes_signals = ai.constructor.name != "Fetcher"

    async def run(
        self,
        model: str,
        inputs: Any,
        signal: Any,
        *,
        by_gateway: bool = True,
        reject_if_busy: bool = False,
        default_gateway: str | None = None,
    ) -> Any:
        """The answer of `AI.run`. Raises `JsException`.

        The gateway's cache is skipped: without a seed the same prompt is the same request, and would return the same
        picture.
        """
        options: dict[str, Any] = {"rejectIfBusy": True} if reject_if_busy else {}
        if by_gateway and (gateway_id := self._gateway_id or default_gateway):
            options["gateway"] = js_object(id=gateway_id, skipCache=True)
        if self._takes_signals:
            options["signal"] = signal
        return await self._ai.run(model, inputs, **options)


class BindingModel:
    """`ImageModel` over `env.AI`."""

    def __init__(self, ai: AiBinding) -> None:
        self._ai = ai

    async def draw(
        self, model: Model, inputs: Inputs, images: tuple[Blob, ...], *, reject_if_busy: bool = False
    ) -> Picture:
        """See `ImageModel.draw`."""
        if model.partner:
            return await self._draw_elsewhere(model, inputs, images)
        # The binding rejects streams through a gateway.
        given, by_gateway = (_wrapped(inputs, images), False) if model.multipart else (inputs_object(inputs), True)
        with aborted_with_its_task() as signal:
            try:
                answer = await self._ai.run(
                    model.id, given, signal, by_gateway=by_gateway, reject_if_busy=reject_if_busy
                )
            except JsException as error:
                raise upstream.failure(error.message or "") from error
            return await picture_of(answer)

    async def _draw_elsewhere(self, model: Model, inputs: Inputs, images: tuple[Blob, ...]) -> Picture:
        """Draw with a model of another maker, which is always called through a gateway."""
        with aborted_with_its_task() as signal:
            try:
                # Not stored in a variable, so that the pictures' texts are freed before the answer arrives.
                answer = await self._ai.run(
                    model.id, partners.inputs_of(model, inputs, images), signal, default_gateway=DEFAULT_GATEWAY
                )
            except JsException as error:
                raise partner_failures.failure(error.message or "") from error
            return await partners.picture_of(answer)


DEFAULT_GATEWAY = "default"
"""The gateway that every account has, or gets with its first request."""


def _wrapped(inputs: Inputs, images: tuple[Blob, ...]) -> Any:
    """A form in the binding's format. Body and type are from one `Response`, for which the runtime chose a boundary."""
    response = js.Response.new(form_of(inputs, images))
    multipart = js_object(body=response.body, contentType=response.headers.get("content-type"))
    return js_object(multipart=multipart)


MAX_TOKENS = 400
"""Limit of a rewritten prompt: enough for 2048 characters, the most that FLUX.1 takes."""


class TextModel:
    """A text model of Workers AI, as prompt rewriter."""

    def __init__(self, name: str, system_message: str) -> None:
        self.name = name
        self._system_message = system_message
        self._price = prices.TEXT_MODELS.get(name)

    def inputs(self, prompt: str) -> dict[str, Any]:
        """The model's inputs."""
        return {"messages": conversation(self._system_message, prompt), "max_tokens": MAX_TOKENS}

    def most(self, prompt: str) -> prices.Cost:
        """See `PromptRewriter.most`."""
        return self._cost(tokens.at_most(self._system_message, prompt), MAX_TOKENS)

    def rewritten(self, prompt: str, answer: Any) -> Rewritten:
        """The rewritten prompt, with the cost of the tokens that the model reports. Raises `RewriteFailed`."""
        text = answer_text(answer)
        match answer:
            case {"usage": {"prompt_tokens": int(taken), "completion_tokens": int(written)}} if taken > 0 <= written:
                return Rewritten(text, self._cost(taken, written))
        return Rewritten(text, self.most(prompt))

    def _cost(self, taken: int, written: int) -> prices.Cost:
        return self._price.cost(taken, written) if self._price else prices.UNKNOWN


class BindingRewriter(TextModel):
    """`PromptRewriter` over `env.AI`."""

    def __init__(self, ai: AiBinding, model: str, system_message: str) -> None:
        super().__init__(model, system_message)
        self._ai = ai

    async def rewrite(self, prompt: str) -> Rewritten:
        """See `PromptRewriter.rewrite`."""
        try:
            with aborted_with_its_task() as signal:
                answer = await self._ai.run(self.name, js.JSON.parse(json.dumps(self.inputs(prompt))), signal)
        except JsException as error:
            may_have_cost = upstream.failure(error.message or "").may_have_cost
            raise RewriteFailed(error.message or error.name, may_have_cost=may_have_cost) from error
        return self.rewritten(prompt, plain(answer))


def conversation(system_message: str, prompt: str) -> list[dict[str, str]]:
    """The messages that ask for a prompt."""
    return [{"role": "system", "content": system_message}, {"role": "user", "content": prompt}]


def plain(answer: Any) -> Any:
    """A text model's answer as Python values. Raises `RewriteFailed`.

    It is passed as JSON, since `to_py` has no depth limit: a deeply nested answer would end the isolate.
    """
    try:
        return read_json(js.JSON.stringify(answer) or "null")
    except JsException as error:  # too deep for JavaScript as well
        raise RewriteFailed(error.name) from error
    except ValueError as error:
        raise RewriteFailed("too deeply nested an answer") from error


def answer_text(answer: Any) -> str:
    """The text in a text model's answer, in the format of Workers AI or OpenAI.

    Raises `RewriteFailed` if it has neither.
    """
    match answer:
        case {"response": str(text)}:
            return text
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text
    raise RewriteFailed("an answer of no known shape")
