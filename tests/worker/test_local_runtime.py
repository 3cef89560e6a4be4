"""`make dev` and the servers of the tests: they start, reload, fail and stop as intended."""

import itertools
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
from collections.abc import Callable
from pathlib import Path

import pytest

from dev import ROOT, serve

WORKER = """\
from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response(ANSWER)
"""
PATIENCE_SECONDS = 60


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    """A small Worker that answers `one`."""
    path = tmp_path / "source" / "entry.py"
    path.parent.mkdir()
    path.write_text(WORKER.replace("ANSWER", "'one'"))
    return path


def body(url: str) -> str:
    """The body of a GET request's response."""
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:
        return str(response.read().decode())


def body_or_status(url: str) -> str:
    """The same, or the status of an error: a half-written file cannot answer."""
    try:
        return body(url)
    except urllib.error.HTTPError as error:
        with error:
            return str(error.status)


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition becomes true within our time limit."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return held


def group_is_gone(pid: int) -> bool:
    """Whether the process group that this process started is gone."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_edit_reloads_the_worker_and_stopping_leaves_nothing(worker: Path, tmp_path: Path) -> None:
    """Edits take effect without a restart. wrangler and all workerd processes end with the server."""
    with serve.start(tmp_path / "server", changes={"main": str(worker), "services": None}) as server:
        assert body(f"{server.url}/any") == "one"
        worker.write_text(WORKER.replace("ANSWER", "'two'"))
        assert eventually(lambda: body_or_status(f"{server.url}/any") == "two")
    assert group_is_gone(server.pid)
    server.stop()  # a second call has no effect


def test_a_killed_server_leaves_nothing(worker: Path, tmp_path: Path) -> None:
    """A simulated crash, for tests of what remains after one."""
    server = serve.start(tmp_path / "server", changes={"main": str(worker), "services": None})
    server.kill()
    assert eventually(lambda: group_is_gone(server.pid))


def test_a_worker_that_cannot_start_says_why(worker: Path, tmp_path: Path) -> None:
    """The error contains wrangler's log with Python's own message."""
    worker.write_text("import nowhere_to_be_found\n")
    with pytest.raises(serve.ServerFailed, match="No module named 'nowhere_to_be_found'"):
        serve.start(tmp_path / "server", changes={"main": str(worker), "services": None})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_make_dev_prints_how_to_call_it_and_ends_on_a_signal(number: int) -> None:
    """The curl line works as printed. Ctrl-C and a kill also stop the server."""
    command = [sys.executable, "-m", "dev.serve", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout
        printed = "".join(itertools.takewhile(lambda line: "Ctrl-C" not in line, launcher.stdout))
        curl = re.search(r"curl (?:.*\\\n)*.*", printed)
        assert curl, printed
        answer = json.loads(subprocess.check_output(curl[0], shell=True))  # noqa: S602 - as it is pasted
        launcher.send_signal(number)
        assert launcher.wait(PATIENCE_SECONDS) == 0
    picture = re.search(r"\((http://localhost:\d+)/image/", answer["choices"][0]["message"]["content"])
    assert picture, answer
    with pytest.raises(urllib.error.URLError, match="refused"):
        body(picture[1])


# --- make dev -------------------------------------------------------------------------------------

DEVELOP = """\
import sys
from pathlib import Path
from dev import serve
folder, main = map(Path, sys.argv[1:])
serve.develop(folder, port=0, changes={"main": str(main), "services": None})
"""


def test_a_broken_file_is_reported_and_the_server_goes_on_when_it_is_mended(worker: Path, tmp_path: Path) -> None:
    """Both while it runs and when it starts: only one line with the file, the line number and the reason."""
    worker.write_text("import nowhere_to_be_found\n")
    command = [sys.executable, "-c", DEVELOP, str(tmp_path / "server"), str(worker)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout
        try:
            lines = filter(str.strip, iter(launcher.stdout.readline, ""))
            assert "line 1: ModuleNotFoundError: No module named 'nowhere_to_be_found'" in next(lines)
            assert next(lines) == "The Worker cannot start: edit the file, and it is started again.\n"
            worker.write_text(WORKER.replace("ANSWER", "'one'"))
            url = next(found[0] for line in lines if (found := re.findall(r"http://localhost:\d+", line)))
            next(line for line in lines if "Its log:" in line)
            assert body(f"{url}/any") == "one"
            worker.write_text("def broken(:\n")
            assert "line 1: SyntaxError" in next(lines)
            next(lines)
            worker.write_text(WORKER.replace("ANSWER", "'two'"))
            again = next(lines)
            assert again.startswith("Started again at ")
            assert body(again.split()[-1].rstrip(".") + "/any") == "two"
        finally:
            launcher.send_signal(signal.SIGINT)
    assert launcher.returncode != 0


def test_a_port_in_use_is_said_in_one_line_before_anything_is_touched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            ["make", "dev", f"PORT={port}", f"PYTHON={sys.executable}"],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},  # of `make test`
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode != 0
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert said == [f"Port {port} is in use: stop what runs there, or choose another, make dev PORT=9000."]
    assert not (ROOT / ".local" / f"port-{port}").exists()
