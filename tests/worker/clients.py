"""Runs the client scripts of tests/clients in separate processes, and returns what they report."""

import base64
import json
import subprocess
import sys
from typing import Any

from dev import BIN, ROOT
from tests.worker.service import KEY, PATIENCE_SECONDS, Service, decoded, fetched, links, unique

CLIENTS = ROOT / "tests" / "clients"

Understood = tuple[str, Any]
"""The prompt with which a client's calls begin, and the client's report."""


def understood(script: str, service: Service) -> Understood:
    """The report of a client that calls the service. An error of the client fails the test."""
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
    """The picture behind a link or in base64."""
    if url_or_base64.startswith("http"):
        return fetched(url_or_base64)[0]
    return decoded(base64.b64decode(url_or_base64))


def only_link(text: str) -> str:
    """The only picture in a chat answer."""
    [link] = links(text)
    return link
