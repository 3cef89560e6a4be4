"""Clients in a process of their own: the scripts of tests/clients, and what they say of the answers that they got."""

import base64
import json
import subprocess
import sys
from typing import Any

from dev import BIN, ROOT
from tests.worker.service import KEY, PATIENCE_SECONDS, Service, decoded, fetched, links, unique

CLIENTS = ROOT / "tests" / "clients"

Understood = tuple[str, Any]
"""The prompt that a client's calls begin with, and what it understood of the answers."""


def understood(script: str, service: Service) -> Understood:
    """What a client makes of the service; its own errors fail the test."""
    program = BIN / "node" if script.endswith(".mjs") else sys.executable
    prompt = unique("a carousel")
    finished = subprocess.run(
        [program, CLIENTS / script, f"{service.url}/v1", KEY, prompt],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return prompt, json.loads(finished.stdout)


def shown(url_or_base64: str) -> Any:
    """The picture of a link or of base64."""
    if url_or_base64.startswith("http"):
        return fetched(url_or_base64)[0]
    return decoded(base64.b64decode(url_or_base64))


def only_link(text: str) -> str:
    """The one picture of a chat answer."""
    [link] = links(text)
    return link
