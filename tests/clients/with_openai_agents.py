"""OpenAI's Agents SDK, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON."""

import asyncio
import json
import sys
from typing import Any

import agents
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent
from openai.types.responses.response_output_item import ImageGenerationCall

base_url, api_key, prompt = sys.argv[1:]
agents.set_tracing_disabled(disabled=True)  # otherwise it sends traces to OpenAI
agents.set_default_openai_client(AsyncOpenAI(base_url=base_url, api_key=api_key), use_for_tracing=False)

plain = agents.Agent(name="Painter", instructions="Draw what you are asked for.", model="gpt-6-astra")
tool = agents.ImageGenerationTool({"type": "image_generation", "size": "1536x1024"})
with_tool = plain.clone(tools=[tool])
forced = with_tool.clone(model_settings=agents.ModelSettings(tool_choice="image_generation"))


def understood(result: agents.RunResult | agents.RunResultStreaming) -> dict[str, Any]:
    """The text of a turn, its pictures and its cost."""
    items = [item.raw_item for item in result.new_items]
    return {
        "text": result.final_output,
        "pictures": [item.result for item in items if isinstance(item, ImageGenerationCall)],
        "tokens": result.context_wrapper.usage.total_tokens,
    }


async def run(words: str, agent: agents.Agent) -> dict[str, Any]:
    """A turn in a separate run."""
    return understood(await agents.Runner.run(agent, f"{prompt} {words}"))


async def stream(words: str, agent: agents.Agent) -> dict[str, Any]:
    """A streamed turn, and the pieces of its text."""
    result = agents.Runner.run_streamed(agent, f"{prompt} {words}")
    pieces = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
    ]
    return understood(result) | {"pieces": pieces}


async def conversation() -> tuple[dict[str, Any], dict[str, Any]]:
    """Two turns; the second includes all items of the first."""
    first = await agents.Runner.run(with_tool, f"{prompt} first")
    items: list[agents.TResponseInputItem] = [
        *first.to_input_list(),
        {"role": "user", "content": f"{prompt} second"},
    ]
    return understood(first), understood(await agents.Runner.run(with_tool, items))


async def late_failure() -> str:
    """The error that is raised after the stream has begun."""
    try:
        await stream("late [[delay 1500ms]] [[fault 3030]]", plain)
    except agents.exceptions.AgentsException as error:
        return str(error)
    return ""


async def main() -> dict[str, Any]:
    """Make all calls."""
    first, second = await conversation()
    return {
        "turns": {
            "plain": await run("plain", plain),
            "forced": await run("forced", forced),
            "plain stream": await stream("plain stream", plain),
            "stream": await stream("stream", with_tool),
            "first": first,
            "second": second,
        },
        "late failure": await late_failure(),
    }


json.dump(asyncio.run(main()), sys.stdout)
