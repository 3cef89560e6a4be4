"""Pydantic AI, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON."""

import asyncio
import json
import sys
from typing import Any

from pydantic_ai import Agent, AgentRunResult, BinaryImage, ImageGenerationTool, ModelAPIError
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.result import StreamedRunResult

base_url, api_key, prompt = sys.argv[1:]
model = OpenAIResponsesModel("gpt-6-astra", provider=OpenAIProvider(base_url=base_url, api_key=api_key))
plain = Agent(model)
with_tool = Agent(model, capabilities=[NativeTool(ImageGenerationTool(size="1536x1024"))])
painter = Agent(model, output_type=BinaryImage)


def understood(result: AgentRunResult[Any] | StreamedRunResult[Any, Any]) -> dict[str, Any]:
    """An answer's text, its pictures and its cost."""
    answer = result.response
    return {
        "text": answer.text,
        "pictures": [image.base64 for image in answer.images],
        "tokens": answer.usage.total_tokens,
    }


async def image(words: str) -> dict[str, Any]:
    """A run whose output is a picture."""
    result = await painter.run(f"{prompt} {words}")
    return understood(result) | {"output": result.output.data_uri}


async def stream(words: str) -> dict[str, Any]:
    """A streamed run, and the pieces of its text."""
    async with plain.run_stream(f"{prompt} {words}") as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
    return understood(result) | {"pieces": pieces}


async def image_stream(words: str) -> dict[str, Any]:
    """A streamed run whose output is a picture."""
    async with painter.run_stream(f"{prompt} {words}") as result:
        output = await result.get_output()
    return understood(result) | {"output": output.data_uri}


async def late_failure() -> str:
    """The error that is raised after the stream has begun."""
    try:
        await stream("late [[delay 1500ms]] [[fault 3030]]")
    except ModelAPIError as error:
        return str(error)
    return ""


async def main() -> dict[str, Any]:
    """Make all calls; the second turn includes the messages of the first."""
    first = await with_tool.run(f"{prompt} first")
    second = await with_tool.run(f"{prompt} second", message_history=first.all_messages())
    return {
        "turns": {
            "plain": understood(await plain.run(f"{prompt} plain")),
            "plain stream": await stream("plain stream"),
            "image": await image("image"),
            "image stream": await image_stream("image stream"),
            "first": understood(first),
            "second": understood(second),
        },
        "late failure": await late_failure(),
    }


json.dump(asyncio.run(main()), sys.stdout)
