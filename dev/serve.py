"""Run the Worker on this machine, in real workerd: the command behind `make dev`, and an API for tests.

    with serve.stand_in(tmp / "ai") as ai, serve.start(tmp / "worker", ai=ai, vars={"API_KEY": "k"}) as worker:
        httpx.get(worker.url + "/health")   # the Worker
        httpx.get(ai.url)                   # the stand-in's own HTTP door

Each server has a folder of its own for its configuration, log and state, listens on 127.0.0.1 and runs in a process
group of its own, so that several can run side by side and nothing outlives `stop()`.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from dev import configuration

ROOT = configuration.ROOT
LOCAL = ROOT / ".local"
BIN = ROOT / "node_modules" / ".bin"
PYTHON_MODULES = LOCAL / "python_modules"

START_SECONDS = 120  # a busy machine with two cores; a quiet one needs 5
STOP_SECONDS = 5
LOCAL_KEY = "local-key"
WELCOME = """
  {url}   key: {key}

  curl {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\
    -d '{{"messages": [{{"role": "user", "content": "A cute cat 3:2"}}]}}'

  Ctrl-C stops it; its log follows.
"""
READY = re.compile(r"Ready on (http://\S+)")


class ServerFailed(Exception):
    """The server ended, or never answered; the message holds the end of its log."""


@dataclass(frozen=True)
class Server:
    """A running `wrangler dev`; as a context manager it is stopped at the end."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The id of wrangler's process and of its process group."""
        return self.process.pid

    @property
    def log_path(self) -> Path:
        """What wrangler, workerd and the Worker printed."""
        return self.folder / "log"

    @property
    def registry(self) -> Path:
        """Where servers find each other for service bindings."""
        return self.folder / "registry"

    def stop(self) -> None:
        """End wrangler and all that it started; safe to call again."""
        _end(self.process)

    def kill(self) -> None:
        """End it all at once, as a crash would."""
        _signal_group(self.process, signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def start(
    folder: Path,
    *,
    port: int = 0,
    ai: Server | None = None,
    remote_ai: bool = False,
    vars: Mapping[str, object] | None = None,
    changes: Mapping[str, object] | None = None,
    persist: Path | None = None,
    arguments: tuple[str, ...] = (),
) -> Server:
    """Start the Worker and return when it answers.

    `port` 0 takes a free one. `ai` is a stand-in that runs already; without one the stand-in runs inside this server,
    with no HTTP door. `vars` are the Worker's variables. `changes` replaces top-level keys of the configuration, None
    leaves one out: `{"images": None}` is a deployment without IMAGES, `{"services": None}` one without AI. `persist` is
    the folder of the KV data, `folder / "state"` by default.
    """
    configured = configuration.local(remote_ai=remote_ai, changes={"vars": dict(vars or {})} | dict(changes or {}))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "wrangler.json"
    path.write_text(json.dumps(configured, indent=2))
    modules = folder / "python_modules"  # wrangler looks for the SDK beside the configuration
    modules.unlink(missing_ok=True)
    modules.symlink_to(PYTHON_MODULES)
    configs = ["-c", str(path)]
    if ai is None and "services" in configured:
        configs += ["-c", str(configuration.STAND_IN)]
    state = str(persist or folder / "state")
    return _launch(
        folder,
        [*configs, "--port", str(port), "--persist-to", state, *arguments],
        registry=ai.registry if ai else folder / "registry",
    )


def stand_in(folder: Path, *, port: int = 0) -> Server:
    """Start the stand-in for Workers AI as a server of its own, for tests that watch it over HTTP."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["-c", str(configuration.STAND_IN), "--port", str(port), "--persist-to", str(folder / "state")]
    return _launch(folder, arguments, registry=folder / "registry")


def _launch(folder: Path, arguments: list[str], *, registry: Path) -> Server:
    command = [str(BIN / "wrangler"), "dev", "--ip", "127.0.0.1", "--inspector-port", "0", *arguments]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(registry),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return Server(_wait_until_it_answers(process, folder / "log"), folder, process)
    except BaseException:
        _end(process)
        raise


def _environment(registry: Path) -> dict[str, str]:
    real_workerd = subprocess.run(
        [BIN / "node", "-p", "require('workerd').default"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    return os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",  # the pinned node, where the machine's may be too old
        "MINIFLARE_WORKERD_PATH": str(ROOT / "dev" / "workerd"),
        "WORKERD": real_workerd,
        "PYODIDE_BUNDLE_DIR": str(LOCAL / "bundle"),
        "WRANGLER_REGISTRY_PATH": str(registry),
        # Nothing is asked of the internet, nothing is written outside the project.
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_WRITE_LOGS": "false",
        "WRANGLER_HIDE_BANNER": "true",
        "NO_COLOR": "1",
    }


def _wait_until_it_answers(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ready := READY.search(log.read_text(errors="replace")):
            _ask(ready[1], deadline - time.monotonic())
            return ready[1]
        time.sleep(0.05)
    raise ServerFailed(f"wrangler dev did not start; the end of {log}:\n{log.read_text(errors='replace')[-4000:]}")


def _ask(url: str, seconds: float) -> None:
    """Wait for one answer, whatever it says: Python itself starts with the first request."""
    try:
        urllib.request.urlopen(f"{url}/health", timeout=seconds).close()
    except urllib.error.HTTPError as answered:
        answered.close()
    except OSError as error:
        raise ServerFailed(f"{url} does not answer: {error}") from error


def _end(process: subprocess.Popen[bytes]) -> None:
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass  # the next line does not ask
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass  # all of them have ended already


def main() -> None:
    """Serve in the foreground until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make dev", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8787)
    parser.add_argument("--ai", choices=("stand-in", "cloudflare"), default="stand-in")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit())
    print("Starting the Worker ...", flush=True)
    try:
        with start(
            LOCAL / "dev",
            port=options.port,
            remote_ai=options.ai == "cloudflare",
            vars={"API_KEY": LOCAL_KEY},
        ) as server:
            print(WELCOME.format(url=server.url, key=LOCAL_KEY), flush=True)
            follow(server)
    except ServerFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        print()


def follow(server: Server) -> None:
    """Print what the server logs from now on, until it ends."""
    with server.log_path.open(errors="replace") as log:
        log.seek(0, os.SEEK_END)
        while server.process.poll() is None:
            print(log.read(), end="", flush=True)
            time.sleep(0.1)


if __name__ == "__main__":
    main()
