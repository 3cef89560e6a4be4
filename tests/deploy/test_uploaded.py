"""The uploaded Worker works: unpacked and started in workerd with its own metadata, it draws a picture."""

import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import version as installed
from pathlib import Path

import httpx
import pytest
from PIL import Image

from dev import BIN, BUNDLE_FOLDER, NODE_MODULES, ROOT
from dev.cloudflare.account import Version
from tests.deploy.project import KEY, PATIENCE_SECONDS


def unpack(version: Version, folder: Path) -> None:
    """Write an upload in the form that tests/deploy/uploaded.js reads."""
    for module in version.modules:
        path = folder / "modules" / module.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(module.content)
    for name, asset in version.assets.items():
        path = folder / "assets" / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(asset.content)
    if headers := version.metadata["assets"]["config"].get("_headers"):
        (folder / "assets" / "_headers").write_text(headers)
    modules = [{"name": module.name, "type": module.type} for module in version.modules]
    written = {"metadata": version.metadata, "bindings": version.bindings, "modules": modules}
    (folder / "version.json").write_text(json.dumps(written))


@pytest.fixture(scope="module")
def worker(version: Version, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client with the key for the uploaded Worker, which is running."""
    folder = tmp_path_factory.mktemp("uploaded")
    unpack(version, folder)
    [workerd] = NODE_MODULES.glob("@cloudflare/workerd-*/bin/workerd")
    environment = os.environ | {
        "MINIFLARE_WORKERD_PATH": str(ROOT / "dev" / "workerd"),
        "WORKERD": str(workerd),
        "PYODIDE_BUNDLE_FOLDER": str(BUNDLE_FOLDER),
    }
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [BIN / "node", ROOT / "tests" / "deploy" / "uploaded.js", folder],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            assert url, (folder / "log").read_text()
            with httpx.Client(
                base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE_SECONDS
            ) as client:
                yield client
        finally:
            process.stdin.close()
            process.wait(PATIENCE_SECONDS)


def test_it_draws_a_picture_and_serves_it(worker: httpx.Client) -> None:
    """Through the AI, Images, KV and rate-limiting bindings in its metadata."""
    answer = worker.post(
        "/v1/chat/completions", json={"messages": [{"role": "user", "content": "A red fox in the snow 3:2"}]}
    )
    assert answer.status_code == 200, answer.text
    [link] = re.findall(r"\((http\S+)\)", answer.json()["choices"][0]["message"]["content"])
    picture = Image.open(io.BytesIO(httpx.get(link, timeout=PATIENCE_SECONDS).content))
    assert picture.size == (768, 512)


def test_its_ledger_counts_in_a_durable_object_of_its_own(worker: httpx.Client) -> None:
    drawn = worker.post("/v1/images/generations", json={"prompt": "A red fox", "response_format": "b64_json"})
    left = float(drawn.headers["x-budget-remaining-neurons"])
    assert worker.get("/v1/usage").json()["deployment"]["budget"] == {"neurons": {"limit": 9500, "left": left}}


def test_nothing_is_missing(worker: httpx.Client) -> None:
    health = worker.get("/health").json()
    assert health["status"] == "ok"
    assert set(health["checks"].values()) == {"ok"}


def test_its_page_and_its_description_are_served_with_their_headers(worker: httpx.Client) -> None:
    for path in ("/", "/openapi.json"):
        served = worker.get(path)
        assert served.status_code == 200
        assert served.headers["x-content-type-options"] == "nosniff"


def test_the_metadata_is_that_of_wrangler_toml(version: Version) -> None:
    """Only the namespace differs, because it has an id. What `inherit` and `keep_bindings` add is in the bindings."""
    assert version.metadata["main_module"] == "entry.py"
    assert version.metadata["compatibility_flags"] == ["python_workers"]
    assert version.metadata["cache_options"] == {"enabled": True, "cross_version_cache": True}
    assert sorted(binding["name"] for binding in version.bindings) == [
        "AI",
        "API_KEY",
        "DAILY_NEURONS",
        "FLUX_CF_KV",
        "IMAGES",
        "LEDGER",
        "RATE_LIMITER",
    ]


def test_the_sdk_is_the_pinned_one(version: Version) -> None:
    """Its metadata is part of the upload."""
    names = [module.name for module in version.modules]
    assert f"python_modules/workers_runtime_sdk-{installed('workers-runtime-sdk')}.dist-info/METADATA" in names
