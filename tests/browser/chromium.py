"""Debian's Chromium: where it is, and how it comes onto a machine that lets us. `python -m tests.browser.chromium`."""

import os
import shutil
import subprocess
from pathlib import Path

PROGRAMS = ("chromium", "/usr/bin/chromium")
PACKAGE = "chromium"
FLAGS = (
    "--no-sandbox",  # refused to root, as which machines for tests run; the pages are our own
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)


def find() -> Path | None:
    """The program, None where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return Path(found) if found else None


def obstacle() -> str:
    """Why it cannot be installed from here; "" where nothing stands in the way."""
    if shutil.which("apt-get") is None:
        return "this machine has no apt-get"
    if os.geteuid() != 0:
        return "only root may install packages"
    return ""


def install() -> str:
    """Install it with apt-get. Gives back why that failed, "" where it did not."""
    if found := obstacle():
        return found
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
        done = subprocess.run(
            ["apt-get", "--quiet", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            return f"apt-get {arguments[0]} failed: {lines[-1]}"
    return "" if find() else f"the package {PACKAGE} brought no program of that name"


def main() -> None:
    """Install it where it is missing. Never fails: the tests that need it say so themselves."""
    if find():
        return
    print("Installing Debian's chromium, for the browser tests ...", flush=True)  # noqa: T201 - talks to the terminal
    if failure := install():
        print(f"No chromium: {failure}. The browser tests will be skipped.", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
