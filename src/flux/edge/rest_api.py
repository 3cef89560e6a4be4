"""Draws and rewrites through Cloudflare's REST API: without an `AI` binding, or on another account."""

import json
from collections.abc import Callable
from typing import Any

from pyodide.ffi import JsException

from flux import partner_failures, upstream
from flux.catalog import Model
from flux.edge import partners
from flux.edge.fetching import aborted_with_its_task, fetch
from flux.edge.model_output import picture_of
from flux.edge.workers_ai import DEFAULT_GATEWAY, TextModel, form_of, plain
from flux.errors import UpstreamFailure
from flux.picture import Picture
from flux.ports import Inputs, RewriteFailed, Rewritten
from flux.settings import Account
from flux.text import Blob, read_json


class RestApi:
    """Workers AI of one account, through the REST API."""

    def __init__(self, account: Account, gateway_id: str | None) -> None:
        self._account = account
        self._gateway_id = gateway_id

    async def run(self, model: str, body: Any, content_type: str | None, signal: Any) -> Any:
        """The model's answer: the same as from the binding's `run`, or a `Response` with bytes.

        A form has its own content type, with its boundary. Raises `UpstreamFailure`.
        """
        gateway_id = self._gateway_id if content_type else None  # the gateway rejects forms
        answer = await self._posted(f"/{model}", body, content_type, gateway_id, signal, upstream.failure)
        return getattr(answer, "result", answer)

    async def run_elsewhere(self, body: Any, signal: Any) -> Any:
        """The answer of the other maker's model that `body` names. Raises `UpstreamFailure`."""
        gateway_id = self._gateway_id or DEFAULT_GATEWAY
        return await self._posted("", body, "application/json", gateway_id, signal, partner_failures.failure)

    async def _posted(
        self,
        path: str,
        body: Any,
        content_type: str | None,
        gateway_id: str | None,
        signal: Any,
        failure: Callable[..., UpstreamFailure],
    ) -> Any:
        """The envelope of a JSON answer, or a `Response` with bytes."""
        headers = {"authorization": f"Bearer {self._account.api_token}"}
        if content_type:
            headers["content-type"] = content_type
        if gateway_id:
            headers |= {"cf-aig-gateway-id": gateway_id, "cf-aig-skip-cache": "true"}
        url = f"{self._account.base_url}/accounts/{self._account.account_id}/ai/run{path}"
        try:
            response = await fetch(url, headers, body, signal)
            is_json = "json" in str(response.headers.get("content-type") or "")
            if not response.ok:
                raise _failure(response.status, await response.text(), failure)
            if not is_json:
                return response
            return await response.json()
        except JsException as error:
            raise failure(error.message or "") from error


def _failure(status: int, text: str, failure: Callable[..., UpstreamFailure]) -> UpstreamFailure:
    """The failure in Cloudflare's envelope: `{"errors": [{"code", "message"}], ...}`."""
    try:
        error = read_json(text)["errors"][0]
        return failure(str(error["message"]), code=int(error["code"]), status=status)
    except (ValueError, LookupError, TypeError):
        return failure(text or f"HTTP {status}", status=status)


class RestModel:
    """`ImageModel` over the REST API."""

    def __init__(self, api: RestApi) -> None:
        self._api = api

    async def draw(
        self, model: Model, inputs: Inputs, images: tuple[Blob, ...], *, reject_if_busy: bool = False
    ) -> Picture:
        """See `ImageModel.draw`. With a form no options can be sent."""
        if model.partner:
            with aborted_with_its_task() as signal:
                answer = await self._api.run_elsewhere(partners.body_of(model, inputs, images), signal)
                return await partners.picture_of(answer)
        with aborted_with_its_task() as signal:
            if model.multipart:
                answer = await self._api.run(model.id, form_of(inputs, images), None, signal)
            else:
                options = {"options": {"rejectIfBusy": True}} if reject_if_busy else {}
                answer = await self._api.run(model.id, json.dumps({**inputs, **options}), "application/json", signal)
            return await picture_of(answer)


class RestRewriter(TextModel):
    """`PromptRewriter` over the REST API."""

    def __init__(self, api: RestApi, model: str, system_message: str) -> None:
        super().__init__(model, system_message)
        self._api = api

    async def rewrite(self, prompt: str) -> Rewritten:
        """See `PromptRewriter.rewrite`."""
        try:
            with aborted_with_its_task() as signal:
                answer = await self._api.run(self.name, json.dumps(self.inputs(prompt)), "application/json", signal)
        except UpstreamFailure as failure:
            raise RewriteFailed(failure.detail or failure.code, may_have_cost=failure.may_have_cost) from failure
        return self.rewritten(prompt, plain(answer))
