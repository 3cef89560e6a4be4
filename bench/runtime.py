"""Starts real workerd directly, each Worker in a separate process, and measures such processes."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from bench import WORKERS
from dev import BUNDLE_FOLDER, NODE_MODULES, PYTHON_MODULES, ROOT, configuration

API_KEY = "bench-key"
START_SECONDS = 180
CONFIG = "config.capnp"
SNAPSHOT = "snapshot.bin"
"""The name that workerd gives to the dedicated snapshot it saves."""

Modules = Sequence[tuple[str, Path]]
"""Module names as the Worker imports them, each with its file. The first one is the main module."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A Worker: its modules, in Python or in JavaScript, and what it is deployed with."""

    name: str
    modules: Modules
    flags: tuple[str, ...] = ()
    ledger: bool = False
    """Whether it has Durable Objects of class `Ledger`, bound as `LEDGER`."""
    variables: Mapping[str, str] = field(default_factory=dict)
    entrypoints: tuple[str, ...] = ()
    """Its named entrypoints. Each listens on its own socket."""

    @property
    def is_python(self) -> bool:
        """Whether it is written in Python."""
        return self.modules[0][0].endswith(".py")


def javascript(name: str) -> Worker:
    """A Worker from bench/workers."""
    return Worker(name, [(f"{name}.js", WORKERS / f"{name}.js")])


def python(name: str, folder: Path, *more: Path, main: str = "entry.py") -> Worker:
    """A Worker made of all Python files in the folders, packed as wrangler packs it."""
    files = {str(file.relative_to(root)): file for root in (folder, *more) for file in sorted(root.rglob("*.py"))}
    modules = [(main, files.pop(main)), *files.items()]
    return Worker(name, modules, tuple(configuration.local()["compatibility_flags"]))


def product(*more: Path, main: str = "entry.py") -> Worker:
    """The Worker in src/."""
    return replace(python("ours", ROOT / "src", *more, main=main), ledger=main == "entry.py")


def sdk() -> Modules:
    """The Workers SDK, which every Python Worker includes."""
    files = (file for file in sorted(PYTHON_MODULES.rglob("*")) if file.is_file() and "__pycache__" not in file.parts)
    return [(f"python_modules/{file.relative_to(PYTHON_MODULES)}", file) for file in files]


def write_worker(folder: Path, worker: Worker, stand_ins: Path) -> Path:
    """Write the folder to run a Worker in, with the bindings of a deployment connected to the stand-ins."""
    ledgers = folder / "ledgers"
    ledgers.mkdir(parents=True, exist_ok=True)
    bindings = [f"(name = {_text(name)}, text = {_text(value)})," for name, value in worker.variables.items()]
    if worker.ledger:
        bindings.append('(name = "LEDGER", durableObjectNamespace = "Ledger"),')
    modules = [*worker.modules, *(sdk() if worker.is_python else ())]
    return _write(
        folder,
        f"""
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      compatibilityDate = {_text(configuration.local()["compatibility_date"])},
      compatibilityFlags = [{", ".join(map(_text, worker.flags))}],
      modules = [{", ".join(_module(name, file) for name, file in modules)}],
      bindings = [
        (name = "API_KEY", text = {_text(API_KEY)}),
        (name = "AI", wrapped = (
          moduleName = "cloudflare-internal:ai-api", innerBindings = [(name = "fetcher", service = "ai")]
        )),
        (name = "FLUX_CF_KV", kvNamespace = "kv"),
        (name = "IMAGES", wrapped = (
          moduleName = "cloudflare-internal:images-api", innerBindings = [(name = "fetcher", service = "images")]
        )),
        (name = "RATE_LIMITER", wrapped = (moduleName = "bench:rate-limiter")),
        {"".join(bindings)}
      ],
      {LEDGER if worker.ledger else ""}
    )),
    (name = "ledgers", disk = (path = {_text(ledgers)}, writable = true)),
    (name = "ai", external = (address = "unix:{stand_ins}/ai.sock", http = ())),
    (name = "kv", external = (address = "unix:{stand_ins}/kv.sock", http = ())),
    (name = "images", external = (address = "unix:{stand_ins}/images.sock", http = ())),
  ],
  sockets = [
    (name = "http", service = "worker", address = "unix:{folder}/http.sock", http = ()),
    {"".join(_socket(folder, entrypoint) for entrypoint in worker.entrypoints)}
  ],
  extensions = [(modules = [
    (name = "bench:rate-limiter", internal = true, esModule = embed {_text(WORKERS / "rate-limiter.js")})
  ])],
);
""",
    )


LEDGER = """
      durableObjectNamespaces = [(className = "Ledger", uniqueKey = "ledger", enableSql = true)],
      durableObjectStorage = (localDisk = "ledgers"),
"""


def write_stand_ins(folder: Path, pictures: Mapping[str, Path]) -> Path:
    """Write the folder to run the stand-ins in. Pictures are named by their kilobytes, or by their result in Images."""
    bindings = ", ".join(f"(name = {_text(size)}, data = embed {_text(file)})" for size, file in pictures.items())
    return _write(
        folder,
        f"""
const config :Workerd.Config = (
  services = [(name = "stand-ins", worker = (
    compatibilityDate = {_text(configuration.local()["compatibility_date"])},
    modules = [{_module("stand-ins.js", WORKERS / "stand-ins.js")}],
    bindings = [{bindings}],
  ))],
  sockets = [
    (name = "ai", address = "unix:{folder}/ai.sock", http = (),
     service = (name = "stand-ins", entrypoint = "Ai")),
    (name = "kv", address = "unix:{folder}/kv.sock", http = (),
     service = (name = "stand-ins", entrypoint = "Kv")),
    (name = "images", address = "unix:{folder}/images.sock", http = (),
     service = (name = "stand-ins", entrypoint = "Images")),
    (name = "http", address = "unix:{folder}/http.sock", http = (), service = "stand-ins"),
  ],
);
""",
    )


def _write(folder: Path, config: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    schema = NODE_MODULES / "workerd" / "workerd.capnp"
    (folder / CONFIG).write_text(f"@0xd0c1e2f3a4b59687;\nusing Workerd = import {_text(schema)};\n{config}")
    return folder


def _module(name: str, file: Path) -> str:
    """A module's configuration. The SDK's Python files are data modules, as wrangler uploads them."""
    kind = {".py": "pythonModule", ".js": "esModule"}.get(file.suffix, "data")
    if kind == "pythonModule" and name.startswith("python_modules/"):
        kind = "data"
    return f"(name = {_text(name)}, {kind} = embed {_text(file)})"


def _socket(folder: Path, entrypoint: str) -> str:
    service = f'(name = "worker", entrypoint = {_text(entrypoint)})'
    return f'(name = {_text(entrypoint)}, service = {service}, address = "unix:{folder}/{entrypoint}.sock", http = ()),'


def _text(value: object) -> str:
    return json.dumps(str(value))


@dataclass(slots=True)
class Process:
    """A running workerd. As a context manager it is stopped at the end."""

    folder: Path
    arguments: Sequence[str] = ()
    socket: Path = field(init=False)
    """The socket on which it listens."""
    _process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.socket = self.folder / "http.sock"
        [workerd] = NODE_MODULES.glob("@cloudflare/workerd-*/bin/workerd")  # npm installs the package for this platform
        for left in self.folder.glob("*.sock"):
            left.unlink()
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(workerd, "serve", self.folder / CONFIG, "--import-path=/", "--experimental"),
                    *(f"--pyodide-bundle-disk-cache-dir={BUNDLE_FOLDER}", *self.arguments),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def answer(self, path: str = "/health") -> bytes:
        """The status line and beginning of the first answer, however long it takes."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
                client.settimeout(START_SECONDS)
                client.connect(str(self.socket))
                client.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
                if answer := client.recv(4096):
                    return answer
            time.sleep(0.001)
        log = (self.folder / "log").read_text(errors="replace")
        raise RuntimeError(f"workerd did not answer:\n{log[-2000:]}")

    def ask(self, entrypoint: str, path: str) -> bytes:
        """The body of the answer of a named entrypoint."""
        transport = httpx.HTTPTransport(uds=str(self.folder / f"{entrypoint}.sock"))
        with httpx.Client(transport=transport, timeout=START_SECONDS) as client:
            return client.get(f"http://localhost{path}").raise_for_status().content

    @property
    def cpu(self) -> float:
        """User and system time so far, in seconds.

        It is read from the process's own clock (clock_getcpuclockid(3)), which counts nanoseconds. /proc/PID/stat has
        the same value in hundredths of a second.
        """
        return time.clock_gettime(~self._process.pid << 3 | 2)

    @property
    def isolate_cpu(self) -> float:
        """The part of `cpu` used by the isolates' own thread, without V8's compilers and garbage collectors."""
        return int(Path(f"/proc/{self._process.pid}/schedstat").read_text().split()[0]) / 1e9

    @property
    def resident(self) -> int:
        """Memory in use, in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * int(status.split("VmRSS:")[1].split()[0])

    @property
    def most_resident(self) -> int:
        """The most memory in use since `forget_most_resident`, in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])

    def forget_most_resident(self) -> None:
        """Restart the count for `most_resident` (proc(5), clear_refs)."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def stop(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()
        self.socket.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def save_snapshot(folder: Path) -> Path:
    """Save the Worker's memory before its first request, as Cloudflare does during a deployment."""
    with Process(folder, to_snapshot(folder)) as worker:
        worker.answer()
    return folder / SNAPSHOT


def to_snapshot(folder: Path) -> list[str]:
    """The arguments that save a Worker's snapshot in the folder."""
    return ["--python-save-snapshot", f"--python-snapshot-dir={folder}"]


def from_snapshot(folder: Path) -> list[str]:
    """The arguments that start a Worker from its snapshot."""
    return [f"--python-load-snapshot={SNAPSHOT}", f"--python-snapshot-dir={folder}"]
