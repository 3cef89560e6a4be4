"""Rewrites prompts through any OpenAI-compatible chat API."""

import json

from pyodide.ffi import JsException

from flux.edge.fetching import aborted_with_its_task, fetch
from flux.edge.workers_ai import answer_text, conversation
from flux.ports import RewriteFailed, Rewritten
from flux.prices import NOTHING, Cost
from flux.settings import ExternalRewriter
from flux.text import read_json

MAX_TOKENS = 4000
"""Limit of an answer, including reasoning: more than a model can write in the time it has."""


class ChatApiRewriter:
    """`PromptRewriter` over HTTP."""

    def __init__(self, settings: ExternalRewriter, system_message: str) -> None:
        self.name = settings.model
        self._settings = settings
        self._system_message = system_message

    def most(self, _prompt: str) -> Cost:
        """Unknown, so it counts as nothing: it is paid to the operator of that API."""
        return NOTHING

    async def rewrite(self, prompt: str) -> Rewritten:
        """See `PromptRewriter.rewrite`."""
        body = {
            "model": self.name,
            "messages": conversation(self._system_message, prompt),
            "stream": False,
            self._settings.token_limit: MAX_TOKENS,
        }
        headers = {"content-type": "application/json"}
        if self._settings.api_key:
            headers["authorization"] = f"Bearer {self._settings.api_key}"
            if ".azure.com/" in self._settings.url:  # Azure's older addresses accept keys only in this header
                headers["api-key"] = self._settings.api_key
        try:
            with aborted_with_its_task() as signal:
                response = await fetch(self._settings.url, headers, json.dumps(body), signal)
                if not response.ok:
                    raise RewriteFailed(f"HTTP {response.status}")
                return Rewritten(answer_text(read_json(await response.text())), NOTHING)
        except JsException as error:
            raise RewriteFailed(error.name) from error
        except ValueError as error:
            raise RewriteFailed("no JSON") from error
