"""The official MCP client for Python, unmodified: BASE_URL API_KEY PROMPT -> what it understood, as JSON, by mode."""

import asyncio
import json
import sys
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

base_url, api_key, prompt = sys.argv[1:]
MODES = ("legacy", "auto")
"""The first begins with `initialize`, the second detects what the server supports."""


async def understood(mode: str) -> dict[str, Any]:
    """One call of every kind."""
    heard: list[tuple[float, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {api_key}"}, timeout=60) as http,
        Client(streamable_http_client(f"{base_url}/mcp", http_client=http), mode=mode) as client,
    ):

        async def call(tool: str, **arguments: Any) -> Any:
            return (await client.call_tool(tool, arguments)).model_dump(mode="json", by_alias=True, exclude_none=True)

        async def refused(tool: str, **arguments: Any) -> list[Any]:
            try:
                await client.call_tool(tool, arguments)
            except Exception as error:  # noqa: BLE001 - any error that the client raises
                return [getattr(error, "code", None), str(error)]
            return []

        drawn = await call("draw", prompt=f"{prompt} {mode}", aspect_ratio="3:2", seed=5)
        [link] = [block["uri"] for block in drawn["content"] if block["type"] == "resource_link"]
        late = await client.call_tool(
            "draw", {"prompt": f"{prompt} {mode} late [[delay 1500ms]]", "n": 2}, progress_callback=on_progress
        )
        return {
            "version": client.protocol_version,
            "server": client.server_info.model_dump(mode="json", exclude_none=True) if client.server_info else None,
            "instructions": client.instructions,
            "tools": [one.name for one in (await client.list_tools()).tools],
            "drawn": drawn,
            "edited": await call("edit", prompt=f"{prompt} {mode} edit", images=[link]),
            "models": await call("list_models"),
            "late": late.model_dump(mode="json", by_alias=True, exclude_none=True),
            "progress": heard,
            "wrong value": await call("draw", prompt=f"{prompt} {mode} wrong", n=9),
            "refused prompt": await call("draw", prompt=f"{prompt} {mode} refused [[fault 3030]]"),
            "unknown argument": await refused("draw", prompt=f"{prompt} {mode} wrong", style="x"),
            "unknown tool": await refused("paint"),
        }


async def main() -> None:
    """Run both modes."""
    print(json.dumps({mode: await understood(mode) for mode in MODES}))  # noqa: T201


asyncio.run(main())
