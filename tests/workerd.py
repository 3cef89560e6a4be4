"""The Worker in bare workerd, in a separate process from its services, which can be made to fail.

`wrangler dev` cannot simulate a failure of KV. Its proxy continues requests whose caller has left, rewrites requests,
and grows in memory. Here the Worker is the only one in its process, and is called directly. Its bindings are the
runtime's own code. They call tests/outside.js, which is in front of the stand-in for Workers AI and of workerd's KV on
disk.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from bench import runtime
from dev import BIN, NODE_MODULES, ROOT, configuration

KEY = "test-key"
HOST = "http://flux.example"
"""The host in callers' URLs. Requests go through a Unix socket."""
PATIENCE_SECONDS = 150
"""For one answer: more than the service's longest wait."""

MAIN_SOCKET = "http.sock"
IMAGES = "+images"
NO_LEDGER = "+broken"
"""End of the names of deployments whose ledger is broken."""
OUTSIDE_SERVICES = ("ai", "kv", "images", "internet")

ISOLATE_MEMORY = "--max-heap-size=128"
"""In MB, as on Cloudflare (developers.cloudflare.com/workers/platform/limits). If V8 may use all of the machine's
memory, it delays garbage collection, and even a hello-world Worker grows by half before it stops."""

STAND_IN = ROOT / "dev" / "ai"
OUTSIDE = ROOT / "tests" / "outside.js"
BROKEN_LEDGER = ROOT / "tests" / "broken-ledger.js"
DATE = str(configuration.read(configuration.DEPLOYED)["compatibility_date"])

REST = {
    "CF_ACCOUNT_ID": "account",
    "CF_API_TOKEN": "local-token",
    "CF_API_BASE_URL": "http://ai.example/client/v4",
}
"""Draws through the REST API."""
WRITER = {
    "EXTERNAL_API_BASE": "http://writer.example/v1",
    "EXTERNAL_MODEL": "some-chat-model",
    "EXTERNAL_API_KEY": "local-token",
}
"""Rewrites prompts through an external chat API."""


class Workerd:
    """The Worker, once per deployment, and everything around it. A context manager.

    `deployments` are names with the variables of each. If a name ends in `+images`, the deployment has an `IMAGES`
    binding; if it ends in `+broken`, its ledger is tests/broken-ledger.js. `worker` replaces the Worker in src/. Every
    deployment starts from one snapshot of it, as on Cloudflare.
    """

    def __init__(
        self,
        folder: Path,
        deployments: Mapping[str, Mapping[str, str]],
        worker: runtime.Worker | None = None,
    ) -> None:
        self.folder = folder
        self._product = worker or runtime.product()
        self._snapshot = runtime.write_worker(folder / "snapshot", self._product, folder / "nothing")
        self._stack = ExitStack()
        self._write(deployments)

    def __enter__(self) -> Self:
        runtime.save_snapshot(self._snapshot)
        with ExitStack() as started:
            self.outside = started.enter_context(self._process("outside"))
            self.store = started.enter_context(self._process("store"))
            self.worker = started.enter_context(self._worker())
            self.worker.answer()
            self._stack = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def crash(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Send SIGKILL to the Worker and KV at any moment, and restart them on the same disk."""
        self.worker.stop()
        self.store.stop()
        if meanwhile:
            meanwhile()
        self.store = self._stack.enter_context(self._process("store"))
        self.worker = self._stack.enter_context(self._worker())
        self.worker.answer()

    def ledger_file(self, deployment: str) -> Path:
        """The SQLite file of a deployment's ledger. The deployment's process keeps it open while it runs."""
        [file] = (self.folder / "worker" / "ledgers" / deployment).glob(f"{'[0-9a-f]' * 64}.sqlite")
        return file

    def resident(self) -> float:
        """Resident memory of the Worker's process, in MiB."""
        return self.worker.resident / 2**20

    def log(self) -> str:
        """What the Worker and its runtime have printed."""
        return (self.folder / "worker" / "log").read_text(errors="replace")

    def log_lines(self) -> list[dict[str, Any]]:
        """The service's own log lines, one per request."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith('{"request_id"')]

    # --- callers ----------------------------------------------------------------------------------

    def socket(self, deployment: str) -> Path:
        """The socket of a deployment."""
        return self.folder / "worker" / f"{deployment}.sock"

    def caller(self, deployment: str, *, key: str = KEY, connections: int = 100) -> httpx.AsyncClient:
        """A client with the key of a deployment."""
        return httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                uds=str(self.socket(deployment)), limits=httpx.Limits(max_connections=connections)
            ),
            base_url=HOST,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=PATIENCE_SECONDS,
        )

    # --- records ----------------------------------------------------------------------------------

    def calls(self, prompt: str = "", limit: int | None = None) -> dict[str, Any]:
        """The model calls in the stand-in's ledger whose prompt contains this text."""
        query = {"prompt": prompt} | ({} if limit is None else {"limit": str(limit)})
        return self._asked("calls", "/calls", query)

    def happened(self) -> dict[str, Any]:
        """What happened outside: `fetched` from the internet, `kept` in KV, and `refused` by KV."""
        return self._asked("http", "/", {})

    def _asked(self, socket: str, path: str, query: dict[str, str]) -> dict[str, Any]:
        transport = httpx.HTTPTransport(uds=str(self.folder / "outside" / f"{socket}.sock"))
        with httpx.Client(transport=transport, base_url=HOST, timeout=PATIENCE_SECONDS) as client:
            answer: dict[str, Any] = client.get(path, params=query).json()
            return answer

    # --- workerd ----------------------------------------------------------------------------------

    def _worker(self) -> runtime.Process:
        return self._process("worker", runtime.from_snapshot(self._snapshot))

    def _process(self, name: str, arguments: Sequence[str] = ()) -> runtime.Process:
        folder = self.folder / name
        for left in folder.glob("*.sock"):
            left.unlink()
        return runtime.Process(folder, arguments)

    def _write(self, deployments: Mapping[str, Mapping[str, str]]) -> None:
        for name in ("outside", "store/disk", "worker/ledgers"):
            (self.folder / name).mkdir(parents=True)
        self._write_outside(self.folder / "outside")
        self._write_store(self.folder / "store")
        self._write_worker(self.folder / "worker", deployments)

    def _write_outside(self, folder: Path) -> None:
        bundle = folder / "stand-in.js"
        # wrangler bundles with this too. The stand-in imports JSON and a package.
        command: list[str | Path] = [
            BIN / "esbuild",
            STAND_IN / "entry.js",
            "--bundle",
            "--format=esm",
            "--external:cloudflare:*",
        ]
        subprocess.run(
            [*command, "--log-level=warning", f"--outfile={bundle}"],
            check=True,
            env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        )
        token = configuration.read(configuration.STAND_IN)["vars"]["API_TOKEN"]
        services = [
            _worker("stand-in", [_file("stand-in.js", bundle)], [_text("DELAY_MS", "0"), _text("API_TOKEN", token)]),
            _worker(
                "outside", [_file("outside.js", OUTSIDE)], [_service("STAND_IN", "stand-in"), _service("KV", "store")]
            ),
            _external("store", self.folder / "store" / MAIN_SOCKET),
        ]
        sockets = [_socket(folder / MAIN_SOCKET, '"outside"'), _socket(folder / "calls.sock", '"stand-in"')]
        sockets += [
            _socket(folder / f"{name.lower()}.sock", f'(name = "outside", entrypoint = "{name}")')
            for name in ("Ai", "Kv", "Images", "Internet")
        ]
        _write(folder, services, sockets)

    def _write_store(self, folder: Path) -> None:
        """KV as included in workerd. The comment in `/workerd/kv.js` explains its configuration."""
        objects = (
            'durableObjectNamespaces = [(className = "KVNamespace", uniqueKey = "kv", enableSql = true)],'
            'durableObjectStorage = (localDisk = "disk"),'
        )
        bindings = ['(name = "SHARD", durableObjectNamespace = "KVNamespace")', _service("BLOBS", "disk")]
        services = [
            _worker("kv", ['(name = "kv.js", bundled = "/workerd/kv.js")'], bindings, objects),
            f'(name = "disk", disk = (path = {_quoted(folder / "disk")}, writable = true))',
        ]
        namespace = _quoted(json.dumps({"namespace": "pictures"}))
        _write(folder, services, [_socket(folder / MAIN_SOCKET, f'(name = "kv", props = (json = {namespace}))')])

    def _write_worker(self, folder: Path, deployments: Mapping[str, Mapping[str, str]]) -> None:
        modules = [_file(name, file) for name, file in (*self._product.modules, *runtime.sdk())]
        flags = f'compatibilityFlags = [{", ".join(map(_quoted, self._product.flags))}], globalOutbound = "internet",'
        services = [_external(name, self.folder / "outside" / f"{name}.sock") for name in OUTSIDE_SERVICES]
        services.append(f'(name = "ledgers", disk = (path = {_quoted(folder / "ledgers")}, writable = true))')
        services.append(_worker("broken-ledger", [_file("ledger.js", BROKEN_LEDGER)], [], _ledgers("broken")))
        for name, variables in deployments.items():
            bindings = [
                *(_text(variable, value) for variable, value in ({"API_KEY": KEY} | dict(variables)).items()),
                _wrapped("AI", "ai-api", "ai"),
                '(name = "FLUX_CF_KV", kvNamespace = "kv")',
                *([_wrapped("IMAGES", "images-api", "images")] if name.endswith(IMAGES) else ()),
                _ledger("broken-ledger" if name.endswith(NO_LEDGER) else name),
            ]
            services.append(_worker(name, modules, bindings, f"{flags} {_ledgers(name)}"))
        # Process waits for the first answer at the main socket.
        names = {MAIN_SOCKET: next(iter(deployments))} | {f"{name}.sock": name for name in deployments}
        _write(folder, services, [_socket(folder / file, _quoted(name)) for file, name in names.items()])


# --- workerd's configuration, piece by piece ------------------------------------------------------


def _write(folder: Path, services: list[str], sockets: list[str]) -> None:
    schema = NODE_MODULES / "workerd" / "workerd.capnp"
    lists = {"services": services, "sockets": sockets, "v8Flags": [_quoted(ISOLATE_MEMORY)]}
    fields = ",\n".join(f"{name} = [{', '.join(items)}]" for name, items in lists.items())
    (folder / runtime.CONFIG).write_text(
        f"@0xd0c1e2f3a4b59687;\nusing Workerd = import {_quoted(schema)};\nconst config :Workerd.Config = ({fields});\n"
    )


def _worker(name: str, modules: list[str], bindings: list[str], more: str = "") -> str:
    lists = f"modules = [{', '.join(modules)}], bindings = [{', '.join(bindings)}]"
    return f"(name = {_quoted(name)}, worker = (compatibilityDate = {_quoted(DATE)}, {more} {lists}))"


def _file(name: str, file: Path) -> str:
    kind = {".py": "pythonModule", ".js": "esModule"}.get(file.suffix, "data")
    if name.startswith("python_modules/"):  # as wrangler uploads it
        kind = "data"
    return f"(name = {_quoted(name)}, {kind} = embed {_quoted(file)})"


def _socket(path: Path, service: str) -> str:
    return f"(name = {_quoted(path.name)}, address = {_quoted(f'unix:{path}')}, http = (), service = {service})"


def _external(name: str, path: Path) -> str:
    return f"(name = {_quoted(name)}, external = (address = {_quoted(f'unix:{path}')}, http = ()))"


def _text(name: str, value: str) -> str:
    return f"(name = {_quoted(name)}, text = {_quoted(value)})"


def _service(name: str, service: str) -> str:
    return f"(name = {_quoted(name)}, service = {_quoted(service)})"


def _ledgers(deployment: str) -> str:
    """The Durable Objects of a Worker with a ledger, stored below a folder with this name."""
    return (
        f'durableObjectNamespaces = [(className = "Ledger", uniqueKey = {_quoted(deployment)}, enableSql = true)], '
        'durableObjectStorage = (localDisk = "ledgers"),'
    )


def _ledger(service: str) -> str:
    place = f'(className = "Ledger", serviceName = {_quoted(service)})'
    return f'(name = "LEDGER", durableObjectNamespace = {place})'


def _wrapped(name: str, module: str, service: str) -> str:
    """A binding that uses the runtime's own code for its service."""
    inner = f'(name = "fetcher", service = {_quoted(service)})'
    return f'(name = "{name}", wrapped = (moduleName = "cloudflare-internal:{module}", innerBindings = [{inner}]))'


def _quoted(value: object) -> str:
    return json.dumps(str(value))
