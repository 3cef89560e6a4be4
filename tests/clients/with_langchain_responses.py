"""LangChain with the Responses API, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON."""

import json
import sys
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

base_url, api_key, prompt = sys.argv[1:]
chat = ChatOpenAI(model="gpt-6-astra", base_url=base_url, api_key=SecretStr(api_key))
plain = chat.model_copy(update={"use_responses_api": True})
with_tool = chat.bind_tools([{"type": "image_generation", "size": "1536x1024"}])  # this selects the Responses API
by_id = plain.model_copy(update={"use_previous_response_id": True})


def understood(answer: AIMessage) -> dict[str, Any]:
    """An answer's text, its pictures and its cost."""
    return {
        "text": answer.text,
        "pictures": [block["base64"] for block in answer.content_blocks if block["type"] == "image"],
        "tokens": answer.usage_metadata["total_tokens"] if answer.usage_metadata else 0,
    }


def stream(words: str) -> dict[str, Any]:
    """A streamed answer, and the pieces of its text."""
    first, *others = with_tool.stream(f"{prompt} {words}")
    return understood(sum(others, first)) | {"pieces": [chunk.text for chunk in (first, *others)]}


def late_failure() -> str:
    """The error that is raised after the stream has begun."""
    try:
        stream("late [[delay 1500ms]] [[fault 3030]]")
    except ValueError as error:
        return str(error)
    return ""


first = with_tool.invoke(f"{prompt} first")
before = [HumanMessage(f"{prompt} first"), first]
turns = {
    "plain": understood(plain.invoke(f"{prompt} plain")),
    "stream": stream("stream"),
    "first": understood(first),
    "second": understood(with_tool.invoke([*before, HumanMessage(f"{prompt} second")])),
    "second by id": understood(by_id.invoke([*before, HumanMessage(f"{prompt} second by id")])),
}
json.dump({"turns": turns, "late failure": late_failure()}, sys.stdout)
