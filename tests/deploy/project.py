"""A clone of the project as a deployer has it, and the commands that they type."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dev import BIN, NODE_MODULES, PYTHON_MODULES, ROOT
from dev.cloudflare.server import StandIn

PATIENCE_SECONDS = 120
"""For one command. About ten are enough on an idle machine."""

KEY = "a long random text"
"""The API_KEY that the deployer sets."""

HIDDEN = ("CLOUDFLARE_", "CF_", "WRANGLER_", "WORKERS_CI", "MAKE", "MFLAGS", "XDG_", "CI")
"""Prefixes of a developer's environment variables that a rehearsal must not see."""


@dataclass(frozen=True)
class Ended:
    """A command that has finished."""

    status: int
    printed: str

    @property
    def last_line(self) -> str:
        """The line that a user reads first, without make's own line about the failure."""
        lines = [
            line for line in self.printed.splitlines() if line.strip() and not line.startswith(("make", "npm error"))
        ]
        return lines[-1].strip()


class Project:
    """A clone of the files that git tracks, with its packages installed. Nothing is written outside its folder."""

    def __init__(self, folder: Path, compiled: Path) -> None:
        self.folder = folder / "clone"
        self._home = folder / "home"
        self._home.mkdir()
        self._compiled = compiled
        tracked = subprocess.check_output(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
        )
        for name in tracked.splitlines():
            if (ROOT / name).is_file() and name.partition("/")[0] not in ("tests", "bench", "docs"):
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)
                os.utime(self.folder / name, (0, 0))  # older than the files that make installs and that `sync` leaves
        (self.folder / "node_modules").symlink_to(NODE_MODULES)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        self._synchronize()
        self._repository = folder / "repository"
        git = [
            "git",
            f"--git-dir={self._repository}",
            f"--work-tree={self.folder}",
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@x",
        ]
        for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "As cloned"]):
            subprocess.run([*git, *command], check=True, cwd=self.folder)

    def _synchronize(self) -> None:
        """The result of `pywrangler sync`, which needs a Pyodide interpreter from outside the package registries."""
        shutil.copytree(PYTHON_MODULES, self.folder / "python_modules")
        for name in ("python_modules", ".venv-workers"):
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / ".synced").write_text(version("workers-py"))

    @property
    def configuration(self) -> Path:
        """Its wrangler.toml."""
        return self.folder / "wrangler.toml"

    def changed(self) -> set[str]:
        """The files that differ from the project's, and those that are new to git."""
        git = ["git", f"--git-dir={self._repository}", f"--work-tree={self.folder}"]
        status = subprocess.check_output([*git, "status", "--porcelain", "--untracked-files=all"], text=True)
        return {line[3:] for line in status.splitlines()}

    def run(self, api: StandIn, *command: str, **environment: str) -> Ended:
        """Run a command without a terminal, as a build service does."""
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(api, environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Ended(ran.returncode, ran.stdout)

    def wrangler(self, api: StandIn, *arguments: str, typed: str = "") -> Ended:
        """Run one of wrangler's own commands."""
        wrangler: list[str | Path] = [BIN / "node", NODE_MODULES / "wrangler" / "bin" / "wrangler.js", *arguments]
        ran = subprocess.run(
            wrangler,
            cwd=self.folder,
            env=self._environment(api, {}),
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return Ended(ran.returncode, ran.stdout)

    def run_in_terminal(self, api: StandIn, *command: str, typed: Mapping[str, str]) -> Ended:
        """Run a command at a terminal as a user would, and answer each question according to the words in it."""
        ours, theirs = pty.openpty()
        # Ctrl-C reaches the foreground processes of that terminal, even if these tests run in the background and ignore
        # it (`make test &` in a script).
        with subprocess.Popen(
            ["setsid", "--ctty", "--wait", "env", "--default-signal=INT", *command],
            cwd=self.folder,
            env=self._environment(api, {"TERM": "xterm"}),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            printed = _answered(ours, typed)
            status = process.wait(PATIENCE_SECONDS)
        os.close(ours)
        return Ended(status, printed.replace("\r\n", "\n"))

    def _environment(self, api: StandIn, more: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
        return {
            **kept,
            **api.environment,
            "HOME": str(self._home),
            "PYTHON": str(Path(sys.executable).resolve()),
            "WRANGLER_CACHE_DIR": str(self._home / "cache"),  # otherwise the account is remembered in node_modules
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_WRITE_LOGS": "false",
            "MINIFLARE_WORKERD_PATH": "/bin/false",  # wrangler would profile a Worker that Cloudflare could not start
            "NODE_COMPILE_CACHE": str(self._compiled),  # makes later runs of wrangler start faster
            "NO_COLOR": "1",
            **more,
        }


def _answered(terminal: int, answers: Mapping[str, str]) -> str:
    """Everything printed on a terminal until it is closed. Each question is answered once, in order."""
    printed, left = "", dict(answers)
    start = 0
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux raises this if the other end is closed
            return printed
        printed += chunk.decode(errors="replace")
        for question in list(left)[:1]:
            if (found := printed.find(question, start)) >= 0:
                start = found + len(question)
                os.write(terminal, left.pop(question).encode())
