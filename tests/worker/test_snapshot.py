"""The start-up snapshot that a deployment takes. What must not happen during start-up fails here, before a deployment.

Cloudflare runs a Worker's imports once, when it is deployed, and starts every isolate from the resulting memory.
workerd does the same on request. `wrangler dev` does not, and allows modules to keep JavaScript objects.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from bench import runtime
from dev import ROOT
from tests.worker.service import PATIENCE_SECONDS, chat_body, content, links


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Stand-ins for Workers AI, with one picture, and for KV."""
    picture = tmp_path_factory.mktemp("pictures") / "picture.jpg"
    Image.effect_noise((1024, 1024), 20).save(picture)
    folder = runtime.write_stand_ins(tmp_path_factory.mktemp("stand-ins"), {"1": picture})
    with runtime.Process(folder):
        yield folder


def take(folder: Path, source: Path, stand_ins: Path) -> tuple[Path, str]:
    """Take a snapshot of the Worker in `source`; returns its folder and workerd's output."""
    runtime.write_worker(folder, runtime.python("snapshot", source), stand_ins)
    snapshots = folder / "snapshots"
    snapshots.mkdir()
    with (
        runtime.Process(folder, runtime.to_snapshot(snapshots)) as process,
        contextlib.suppress(ConnectionError, RuntimeError),  # the log has the details
    ):
        process.answer()
    return snapshots, (folder / "log").read_text()


def test_workers_start_from_one_snapshot_and_have_nothing_secret_in_common(stand_ins: Path, tmp_path: Path) -> None:
    """All imports are in the snapshot. Random values are created after it, and differ."""
    snapshots, log = take(tmp_path, ROOT / "src", stand_ins)
    assert (snapshots / runtime.SNAPSHOT).exists(), log
    ids, pictures = set(), set()
    for _ in range(2):
        with runtime.Process(tmp_path, runtime.from_snapshot(snapshots)) as process:
            process.answer()
            headers = {"authorization": f"Bearer {runtime.API_KEY}"}
            with httpx.Client(
                transport=httpx.HTTPTransport(uds=str(process.socket)),
                base_url="http://snapshot.test",
                headers=headers,
                timeout=PATIENCE_SECONDS,
            ) as client:
                answer = client.post("/v1/chat/completions", json=chat_body("Picture 1"))
                [link] = links(content(answer))
                assert client.get(link).headers["content-type"] == "image/jpeg"
        ids |= {answer.json()["id"], answer.headers["x-request-id"]}
        pictures.add(link)
    assert len(ids) == 4
    assert len(pictures) == 2


@pytest.mark.parametrize(
    ("module", "planted", "complaint"),
    [
        (
            "flux/tokens.py",
            "import secrets; _SALT = secrets.token_hex()",
            "Randomness is not allowed while a Worker is starting",
        ),
        (
            "flux/edge/__init__.py",
            "_ALLOWED = js.Headers.new()",
            "Can't serialize top-level variable",
        ),
        (
            "flux/edge/kv.py",
            "import js; _PLACEHOLDER = js.fetch('https://example.com')",
            "Disallowed operation called within global scope",
        ),
    ],
)
def test_a_mistake_at_import_shows(tmp_path: Path, stand_ins: Path, module: str, planted: str, complaint: str) -> None:
    """Random numbers, a JavaScript object kept by a module, and waiting: the log names each."""
    source = shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    with (source / module).open("a") as file:
        file.write(f"\n{planted}\n")
    snapshots, log = take(tmp_path / "worker", source, stand_ins)
    assert not list(snapshots.iterdir())
    assert complaint in log
