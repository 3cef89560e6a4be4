"""Run the Worker locally in real workerd: the command behind `make dev`, also used by tests.

    with (
        serve.stand_in(folder / "ai", vars={"DELAY_MS": 0}) as ai,
        serve.start(folder / "worker", ai=ai, vars={"API_KEY": "secret"}) as worker,
    ):
        httpx.get(f"{worker.url}/health")
        httpx.get(f"{ai.url}/calls")  # the stand-in also answers over HTTP

Each server has its own folder for configuration, log and state, and its own process group, and listens on 127.0.0.1.
So any number of them can run at the same time, and `stop()` ends everything that a server started.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from dev import BIN, BUNDLE_FOLDER, LOCAL, NODE_MODULES, PYTHON_MODULES, ROOT, configuration, terminal

START_SECONDS = 120
"""About five are enough on an idle machine."""
STOP_SECONDS = 10
"""About two are enough on an idle machine."""
POLL_SECONDS = 0.05

DEV_VARS = ROOT / ".dev.vars"
LOCAL_KEY = "local-key"
WELCOME = """\

  {url}   API key: {key}

  curl {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -d '{{"messages": [{{"role": "user", "content": "A cute cat 3:2"}}]}}'

  Edits reload it, Ctrl-C stops it. Its log:
"""
AGAIN = "Started again at {url}."
QUIET_SECONDS = 1.0
"""Seconds without output after which a report in the log counts as complete."""


class ServerFailed(Exception):
    """A server did not start. The message gives the reason found in its log."""


class Server:
    """A running `wrangler dev`. Stops when used as a context manager and the block ends."""

    def __init__(self, folder: Path, arguments: list[str], *, registry: Path) -> None:
        """Start `wrangler dev` with these arguments and wait until it answers. Raises ServerFailed if it does not."""
        self.folder = folder
        self.registry = registry
        """The folder in which servers find each other's Workers for service bindings."""
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [BIN / "wrangler", "dev", "--ip", "127.0.0.1", "--inspector-port", "0", *arguments],
                cwd=ROOT,
                env=_environment(registry),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.url = self._wait_for_url()
            """Its address, without a slash at the end."""
            self._wait_for_answer()
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        """The id of wrangler's process and of its process group."""
        return self._process.pid

    @property
    def log_path(self) -> Path:
        """The output of wrangler, workerd and the Workers."""
        return self.folder / "log"

    def is_running(self) -> bool:
        """Whether wrangler is still running."""
        return self._process.poll() is None

    def stop(self) -> None:
        """Stop wrangler and everything that it started. A second call has no effect."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._signal(0) and time.monotonic() < deadline:  # wrangler ends before its runtime does
            self._process.poll()
            time.sleep(POLL_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill all processes at once, as in a crash."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _signal(self, number: int) -> bool:
        """Send a signal to the process group (0 for none). False if the group has no process left."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        return True

    def _wait_for_url(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while self.is_running() and time.monotonic() < deadline:
            log = self._log()
            if ready := re.search(r"Ready on (\S+)", log):
                return ready[1]
            if "Build failed" in log:  # wrangler waits for the files to change
                break
            time.sleep(POLL_SECONDS)
        raise ServerFailed(f"wrangler dev did not start:\n{self._log()}")

    def _wait_for_answer(self) -> None:
        """Wait for an answer of any kind: Python may start only with the first request."""
        try:
            urllib.request.urlopen(f"{self.url}/health", timeout=START_SECONDS).close()
        except urllib.error.HTTPError as answered:
            answered.close()
        except OSError as error:
            raise ServerFailed(f"{self.url} does not answer ({error}):\n{self._log()}") from error

    def _log(self) -> str:
        return self.log_path.read_text(errors="replace")


def start(
    folder: Path,
    *,
    port: int = 0,
    ai: Server | None = None,
    remote_ai: bool = False,
    vars: Mapping[str, object] | None = None,
    changes: Mapping[str, object] | None = None,
    dev_vars: str = "",
    persist: Path | None = None,
) -> Server:
    """Start the Worker.

    `folder` is for its files; `port` 0 means any free port.
    `ai` is the stand-in to draw with; without it, one runs inside this server, where only the Worker can reach it.
    `remote_ai` draws with the Workers AI of the account that wrangler is logged in to, which costs neurons.
    `vars` are the Worker's variables; `dev_vars` is the text of a .dev.vars file, whose values take precedence.
    `changes` replaces top-level keys of the configuration: `{"images": None}` for a Worker without IMAGES,
    `{"services": None}` for one without AI.
    `persist` is the folder for KV, which consecutive servers can share.
    """
    configured = configuration.local(remote_ai=remote_ai, changes={"vars": dict(vars or {}), **(changes or {})})
    folder = _made(folder)
    own = folder / "wrangler.json"
    own.write_text(json.dumps(configured, indent=2))
    # wrangler looks for both files next to the configuration.
    (folder / ".dev.vars").write_text(filled(dev_vars))
    modules = folder / "python_modules"
    modules.unlink(missing_ok=True)
    modules.symlink_to(PYTHON_MODULES)

    arguments = ["--config", str(own), "--port", str(port), "--persist-to", str(persist or folder / "state")]
    if ai is None and "services" in configured:
        arguments += ["--config", str(configuration.STAND_IN)]
    return Server(folder, arguments, registry=ai.registry if ai else folder / "registry")


def stand_in(folder: Path, *, port: int = 0, vars: Mapping[str, object] | None = None) -> Server:
    """Start the stand-in for Workers AI (dev/ai/README.md) as a separate server, with these variables changed."""
    folder = _made(folder)
    arguments = ["--config", str(configuration.STAND_IN), "--port", str(port), "--persist-to", str(folder / "state")]
    for name, value in (vars or {}).items():
        arguments += ["--var", f"{name}:{value}"]
    return Server(folder, arguments, registry=folder / "registry")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _environment(registry: Path) -> dict[str, str]:
    for needed in (NODE_MODULES, PYTHON_MODULES, BUNDLE_FOLDER):
        if not needed.exists():
            raise ServerFailed(f"{needed.relative_to(ROOT)} is missing: run `make runtime` first.")
    [workerd] = NODE_MODULES.glob("@cloudflare/workerd-*/bin/workerd")  # npm installs the package for this platform
    return os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "MINIFLARE_WORKERD_PATH": str(ROOT / "dev" / "workerd"),
        "WORKERD": str(workerd),
        "PYODIDE_BUNDLE_FOLDER": str(BUNDLE_FOLDER),
        "WRANGLER_REGISTRY_PATH": str(registry),
        # Send no requests to the internet; the useful output is in `log`.
        "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_WRITE_LOGS": "false",
        "WRANGLER_HIDE_BANNER": "true",
        "NO_COLOR": "1",
    }


def main() -> None:
    """Serve in the foreground until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m dev.serve", description="Run the Worker on this machine.")
    parser.add_argument("--port", type=int, default=8787)
    parser.add_argument("--ai", choices=("stand-in", "cloudflare"), default="stand-in")
    parser.add_argument("--log", choices=("text", "json"), default="text", help="a line for people, or as deployed")
    parser.add_argument("--check", action="store_true", help="only say whether the port is free")
    options = parser.parse_args()
    if is_in_use(options.port):
        sys.exit(f"Port {options.port} is in use: stop what runs there, or choose another, make dev PORT=9000.")
    if options.check:
        return

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with SIGINT ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGHUP, lambda *_: sys.exit())
    print("Starting the Worker ...", flush=True)
    try:
        develop(
            LOCAL / f"port-{options.port}",
            port=options.port,
            remote_ai=options.ai == "cloudflare",
            as_json=options.log == "json",
        )
    except ServerFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        print("\nStopped.")


def is_in_use(port: int) -> bool:
    """Whether the port is in use on this machine. Port 0 means any free port, so it never is."""
    with socket.socket() as probe:
        return port != 0 and probe.connect_ex(("127.0.0.1", port)) == 0


def develop(
    folder: Path,
    *,
    port: int,
    remote_ai: bool = False,
    as_json: bool = False,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Serve until the server stops, and print its log.

    A Worker that cannot be imported stops wrangler. It is started again as soon as one of the Worker's files changes.
    Raises ServerFailed if the start fails for another reason.
    """
    main_file = Path(str((changes or {}).get("main", ROOT / "src" / "entry.py")))
    dev_vars = DEV_VARS.read_text() if DEV_VARS.exists() else ""
    welcome = WELCOME
    while True:
        before = _edited(main_file.parent)
        try:
            with start(
                folder,
                port=port,
                remote_ai=remote_ai,
                vars={"API_KEY": LOCAL_KEY},
                dev_vars=dev_vars,
                changes=changes,
            ) as server:
                url = server.url.replace("127.0.0.1", "localhost")
                print(welcome.format(url=url, key=local_key(dev_vars)), flush=True)
                welcome = AGAIN
                before = follow(server, main_file.parent, terminal.Log(as_json=as_json))
                log = server.log_path.read_text(errors="replace")
        except ServerFailed as failure:
            log = str(failure)
            if not terminal.import_failure(log):
                raise
            print(terminal.import_failure(log), flush=True)
        if not terminal.import_failure(log):
            return
        print("The Worker cannot start: edit the file, and it is started again.", flush=True)
        while _edited(main_file.parent) == before:
            time.sleep(POLL_SECONDS)


def _edited(folder: Path) -> dict[Path, int]:
    """When each file of the Worker was last modified."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.py")}


def filled(dev_vars: str) -> str:
    """The lines of a .dev.vars file, without those unchanged from .dev.vars.example, which would set empty values."""
    return re.sub(r"^ *\w+ *= *$", "", dev_vars, flags=re.MULTILINE)


def local_key(dev_vars: str) -> str:
    """The key for the local Worker: the first API_KEY in the .dev.vars file, if there is one."""
    own = re.search(r"""^ *API_KEY *= *["']?([^"',\s]+)""", filled(dev_vars), re.MULTILINE)
    return own[1] if own else LOCAL_KEY


def follow(server: Server, source: Path, log: terminal.Log) -> dict[Path, int]:
    """Print the server's further output while it runs. Returns the modification times of the files that it last ran."""
    quiet_since = time.monotonic()
    edited = _edited(source)
    with server.log_path.open(errors="replace") as file:
        file.seek(0, os.SEEK_END)
        running = True
        rest = ""
        while running:
            running = server.is_running()  # checked first, so that its last output is read as well
            if text := file.read():
                edited, quiet_since = _edited(source), time.monotonic()
                *lines, rest = (rest + text).split("\n")
                _print(told for line in lines for told in log.read(line))
            elif time.monotonic() - quiet_since > QUIET_SECONDS:
                _print(log.rest())
            time.sleep(POLL_SECONDS)
    _print(log.rest())
    return edited


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
