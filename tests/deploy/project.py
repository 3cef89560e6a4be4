"""A clone of the project as somebody has it who deploys it, and the commands that they type."""

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
"""For one command; a quiet machine needs ten."""

KEY = "a long random text"
"""What a deployer sets as API_KEY."""

HIDDEN = ("CLOUDFLARE_", "CF_", "WRANGLER_", "WORKERS_CI", "MAKE", "MFLAGS", "XDG_", "CI")
"""What a developer's environment may hold, and no rehearsal is to see."""


@dataclass(frozen=True)
class Ended:
    """A command that has run."""

    status: int
    printed: str

    @property
    def last_line(self) -> str:
        """What somebody reads first, without make's own remark about the failure."""
        lines = [
            line for line in self.printed.splitlines() if line.strip() and not line.startswith(("make", "npm error"))
        ]
        return lines[-1].strip()


class Project:
    """A clone of the files that git knows, with its packages installed. Nothing is written outside its folder."""

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
                os.utime(self.folder / name, (0, 0))  # older than what make installs, and than what `sync` leaves
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
        """What `pywrangler sync` would leave, which needs a Pyodide interpreter from outside the registries."""
        shutil.copytree(PYTHON_MODULES, self.folder / "python_modules")
        for name in ("python_modules", ".venv-workers"):
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / ".synced").write_text(version("workers-py"))

    @property
    def configuration(self) -> Path:
        """Its wrangler.toml."""
        return self.folder / "wrangler.toml"

    def changed(self) -> set[str]:
        """The files that differ from the project's, and those that git would see as new."""
        git = ["git", f"--git-dir={self._repository}", f"--work-tree={self.folder}"]
        status = subprocess.check_output([*git, "status", "--porcelain", "--untracked-files=all"], text=True)
        return {line[3:] for line in status.splitlines()}

    def run(self, api: StandIn, *command: str, **environment: str) -> Ended:
        """Run a command as a build service does: with nobody at a terminal."""
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
        """Run a command as somebody does who sits there, and answers each question by the words that it has."""
        ours, theirs = pty.openpty()
        # Ctrl-C reaches what is in the foreground of that terminal, also where these tests run in a background that
        # ignores it (`make test &` in a script).
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
            "WRANGLER_CACHE_DIR": str(self._home / "cache"),  # else the account is kept in node_modules
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_WRITE_LOGS": "false",
            "MINIFLARE_WORKERD_PATH": "/bin/false",  # wrangler profiles a Worker that Cloudflare could not start
            "NODE_COMPILE_CACHE": str(self._compiled),  # wrangler starts sooner the second time
            "NO_COLOR": "1",
            **more,
        }


def _answered(terminal: int, answers: Mapping[str, str]) -> str:
    """All that is printed on a terminal until it is closed; each question is answered once, in their order."""
    printed, left = "", dict(answers)
    start = 0
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # what Linux says where the other end is closed
            return printed
        printed += chunk.decode(errors="replace")
        for question in list(left)[:1]:
            if (found := printed.find(question, start)) >= 0:
                start = found + len(question)
                os.write(terminal, left.pop(question).encode())
