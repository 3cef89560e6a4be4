"""Deploy with pywrangler, and explain in a sentence what to do if that fails: the command behind `make deploy`.

wrangler.toml names the KV namespace without its id, which differs between accounts. wrangler takes the id from the live
Worker. If that Worker has none (because the first deployment failed after creating the namespace, or the Worker was
deleted), wrangler does not look for the namespace. It creates it again, and fails because the title is taken
(github.com/cloudflare/workers-sdk/issues/14284). So this command looks for the namespace first, and passes the id in a
separate configuration.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import BIN, ROOT, configuration

KV_BINDING = "FLUX_CF_KV"
KEY = "API_KEY"
CONFIGURATION = ROOT / ".wrangler-deploy.json"
"""wrangler.toml with the id added. It is next to that file because its paths and `python_modules` are relative
to it."""

WORKER_NOT_FOUND = {10007, 10090}
"""The codes that wrangler also interprets this way."""

NOT_LOGGED_IN = (
    "Nobody is logged in: run `npx wrangler login` first, or set CLOUDFLARE_API_TOKEN to a token from the template "
    '"Edit Cloudflare Workers" (dash.cloudflare.com/profile/api-tokens).'
)
NOT_PERMITTED = (
    "Cloudflare refused the token. CLOUDFLARE_API_TOKEN needs the permissions of the template "
    '"Edit Cloudflare Workers", for this account; without a token, log in again: npx wrangler login'
)
SEVERAL_ACCOUNTS = "Choose an account: CLOUDFLARE_ACCOUNT_ID=... make deploy (the ids are above)."
EMAIL_NOT_VERIFIED = (
    "Verify the email address of your Cloudflare account first: open the link in Cloudflare's email, or request a new "
    "one at dash.cloudflare.com/profile. Then repeat `make deploy`."
)
NO_SUBDOMAIN = (
    "The account has no workers.dev subdomain yet: choose one at the address above, or run `make deploy` in a "
    "terminal, where wrangler asks for it."
)
NAMESPACE_EXISTS = "The KV namespace exists already: repeat `make deploy`, which then finds it."
NO_SUCH_NAMESPACE = (
    f"The id of {KV_BINDING} under [[kv_namespaces]] in wrangler.toml does not exist in this account: remove that line."
)
NAMESPACES_HIDDEN = (
    "The Worker has no KV namespace yet, and the token may not look for one: "
    "give it the permission Workers KV Storage: Edit."
)
NOT_STARTED = "Cloudflare could not start the Worker, for the reason above: see docs/deploy.md#when-it-goes-wrong"
TOO_LARGE = "The Worker is larger than the plan allows: see docs/deploy.md#when-it-goes-wrong"
UNREACHABLE = "Cloudflare's API cannot be reached from here: repeat `make deploy` when it can."
TRY_AGAIN = (
    "Repeat `make deploy` in a few minutes: nothing is created twice. If it goes on, look at www.cloudflarestatus.com."
)
REFUSED = (
    "Cloudflare refused this, for the reason above: correct that and repeat `make deploy`, which creates nothing twice "
    "(see also docs/deploy.md#when-it-goes-wrong)."
)
NOT_UPLOADED = (
    "pywrangler failed before it uploaded anything, for the reason above. Besides the package registries it needs "
    "github.com (for CPython and Pyodide) and index.pyodide.org."
)

ENDED_EARLY = "wrangler has not recorded how it ended"
STOPPED = "It was stopped before it was done: repeat `make deploy`, which creates nothing twice."

BY_CODE = {
    971: TRY_AGAIN,  # throttled
    9106: NOT_PERMITTED,
    9109: NOT_PERMITTED,
    10000: NOT_PERMITTED,
    10001: NOT_PERMITTED,
    10013: TRY_AGAIN,  # "unknown error"
    10014: NAMESPACE_EXISTS,
    10021: NOT_STARTED,
    10027: TOO_LARGE,
    10034: EMAIL_NOT_VERIFIED,
    10041: NO_SUCH_NAMESPACE,
    10057: NAMESPACES_HIDDEN,
}
"""Advice by the API's codes."""
BY_MESSAGE = (
    (ENDED_EARLY, STOPPED),
    ("CLOUDFLARE_API_TOKEN environment variable for", NOT_LOGGED_IN),
    ("Did not login", NOT_LOGGED_IN),
    ("More than one account", SEVERAL_ACCOUNTS),
    ("Failed to automatically retrieve account IDs", NOT_PERMITTED),
    ("register a workers.dev subdomain", NO_SUBDOMAIN),
    ("fetch failed", UNREACHABLE),
    ("auth server could not be reached", UNREACHABLE),
    ("malformed response from the API", TRY_AGAIN),
    ("Cloudflare API", TRY_AGAIN),
)
"""Advice by a part of wrangler's message. The first match counts."""

NO_CONFIGURATION = "wrangler.toml cannot be read ({}): correct it, or restore it with git checkout wrangler.toml"
NO_ENVIRONMENT = (
    "wrangler.toml has no [env.{environment}] (it has {known}): docs/deploy.md#several-environments shows what to add."
)
TAKEN = (
    f"The account already has a Worker named {{name}}, and it is not this service (it has no {KV_BINDING}). Choose "
    "another `name` in wrangler.toml, or replace that Worker: make deploy REPLACE=yes"
)
ASKED_AT_TERMINAL = {
    NOT_LOGGED_IN: ("login",),
    SEVERAL_ACCOUNTS: ("kv", "namespace", "list"),  # needs an account: wrangler asks, and remembers it
}
"""wrangler commands that ask the user at the terminal."""
NEXT = """
Now set the key that your apps will send, and check the deployment:

  npx wrangler secret put {key}{environment}
  make smoke URL={url} KEY=YOUR-KEY
"""


class Failed(Exception):
    """A command failed, with code and message from wrangler's output file. No message: wrangler did not start."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def advice(self) -> str:
        """What to do about it; "" if the printed output is the best advice."""
        if not self.message:
            return NOT_UPLOADED
        by_message = (advice for part, advice in BY_MESSAGE if part in self.message)
        # If several changes fail, wrangler's own message contains the API's codes.
        inside = re.search(r"\[code: (\d+)\]", self.message)
        code = self.code or int(inside[1] if inside else 0)
        return BY_CODE.get(code) or (REFUSED if code else next(by_message, ""))


@dataclass(frozen=True)
class Target:
    """The Worker to deploy, as configured in wrangler.toml for an environment ("" for none)."""

    environment: str
    name: str
    namespaces: list[dict[str, Any]]

    @property
    def namespace(self) -> dict[str, Any] | None:
        """The configuration of the KV namespace for pictures."""
        return next((one for one in self.namespaces if one.get("binding") == KV_BINDING), None)

    @property
    def title(self) -> str:
        """The title that wrangler gives to that namespace."""
        return f"{self.name}-{KV_BINDING.lower().replace('_', '-')}"


def target(configured: Mapping[str, Any], environment: str) -> Target:
    """The Worker that wrangler will deploy to. A build service's name for it takes precedence.

    Raises `KeyError` if there is no such environment.
    """
    of_environment = configured["env"][environment] if environment else configured
    name = of_environment.get("name") or f"{configured.get('name', '')}-{environment}"
    namespaces = of_environment.get("kv_namespaces", [])
    return Target(environment, os.environ.get("WRANGLER_CI_OVERRIDE_NAME") or name, namespaces)


# --- wrangler -------------------------------------------------------------------------------------


def run(command: list[str | Path], *, quiet: bool = False) -> tuple[str, dict[str, Any]]:
    """Run wrangler or pywrangler. Returns the output (if `quiet`) and the last entry of wrangler's output file.

    Raises `Failed`.
    """
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record"
        ran = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"WRANGLER_OUTPUT_FILE_PATH": str(record), "PATH": _path()},
            stdin=subprocess.DEVNULL if quiet else None,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.PIPE if quiet else None,
            text=True,
            check=False,
        )
        entries = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    last: dict[str, Any] = entries[-1] if entries else {}
    if ran.returncode:
        if not entries:
            raise Failed(0, "")
        if last.get("type") != "command-failed":
            raise Failed(0, ENDED_EARLY)
        code = last.get("code")
        raise Failed(code if isinstance(code, int) else 0, last.get("message", ""))
    return ran.stdout or "", last


def _path() -> str:
    """The PATH on which pywrangler finds uv, node and wrangler."""
    return os.pathsep.join([str(Path(sys.executable).parent), str(BIN), os.environ["PATH"]])


def ask(*arguments: str) -> Any:
    """The JSON output of a wrangler command. Raises `Failed`."""
    printed, _ = run([BIN / "wrangler", *arguments], quiet=True)
    return json.loads(printed)


# --- the account ----------------------------------------------------------------------------------


def live_bindings(name: str) -> list[dict[str, Any]] | None:
    """The bindings of a Worker's newest version; None if there is no such Worker. Raises `Failed`."""
    try:
        versions = ask("versions", "list", "--json", "--name", name)
    except Failed as failure:
        if failure.code in WORKER_NOT_FOUND:
            return None
        raise
    version = ask("versions", "view", versions[-1]["id"], "--json", "--name", name)
    bindings: list[dict[str, Any]] = version["resources"]["bindings"]
    return bindings


def is_ours(bindings: list[dict[str, Any]]) -> bool:
    """Whether a Worker with these bindings is this service. One that has only secrets has not been deployed yet."""
    return KV_BINDING in _names(bindings) or (bool(bindings) and {one["type"] for one in bindings} == {"secret_text"})


def with_namespace(configured: Mapping[str, Any], to: Target) -> dict[str, Any] | None:
    """The configuration with the id of the existing namespace; None if there is none.

    Raises `Failed`.
    """
    ids = [one["id"] for one in ask("kv", "namespace", "list") if one["title"] == to.title]
    if not ids or to.namespace is None:
        return None
    known = [{**one, "id": ids[0]} if one is to.namespace else one for one in to.namespaces]
    if not to.environment:
        return {**configured, "kv_namespaces": known}
    environments = configured["env"]
    changed = {**environments[to.environment], "kv_namespaces": known}
    return {**configured, "env": {**environments, to.environment: changed}}


def _names(bindings: list[dict[str, Any]] | None) -> set[str]:
    return {one["name"] for one in bindings or ()}


# --- the command ----------------------------------------------------------------------------------


def look(configured: Mapping[str, Any], to: Target, *, replace: bool) -> tuple[set[str], dict[str, Any] | None]:
    """The live Worker's bindings, and the configuration to use in place of wrangler.toml.

    Raises `Failed`. Exits if the name belongs to another Worker.
    """
    bindings = live_bindings(to.name)
    # Workers Builds creates an empty Worker first, and makes wrangler check that it deploys to that one.
    if bindings is not None and not (is_ours(bindings) or replace or os.environ.get("WORKERS_CI")):
        sys.exit(TAKEN.format(name=to.name))
    names = _names(bindings)
    is_known = KV_BINDING in names or to.namespace is None or "id" in to.namespace
    return names, None if is_known else with_namespace(configured, to)


def looked(configured: Mapping[str, Any], to: Target, *, replace: bool) -> tuple[set[str], dict[str, Any] | None]:
    """`look`, after settling questions at the terminal if there is one: first the login, then the account."""
    open_questions = dict(ASKED_AT_TERMINAL) if sys.stdin.isatty() and sys.stdout.isatty() else {}
    while True:
        try:
            return look(configured, to, replace=replace)
        except Failed as failure:
            asking = open_questions.pop(failure.advice, None)
            if asking is None:
                raise
        run([BIN / "wrangler", *asking])


def deploy(to: Target, changed: dict[str, Any] | None) -> list[str]:
    """Deploy, and return the Worker's addresses. Raises `Failed`."""
    # An empty --env means the top level of wrangler.toml. Without it wrangler warns if there is any [env.*].
    command: list[str | Path] = ["pywrangler", "deploy", f"--env={to.environment}"]
    if changed:
        print(f"The KV namespace {to.title} is there already: this Worker gets it.", flush=True)
        CONFIGURATION.write_text(json.dumps(changed, indent=2, default=str))  # for TOML's dates
        command += ["--config", CONFIGURATION]
    try:
        _, entry = run(command)
    finally:
        CONFIGURATION.unlink(missing_ok=True)
    return entry.get("targets") or []  # empty if the user chose not to continue


def address(deployed_to: str) -> str:
    """A place from wrangler's output, without additions: `images.example.com/* (zone name: example.com)`."""
    return deployed_to.split(maxsplit=1)[0].removesuffix("*").rstrip("/")


def main() -> None:
    """Deploy, or explain what to do."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__.splitlines()[0])
    parser.add_argument("--env", default="")
    parser.add_argument("--replace", default="")
    options = parser.parse_args()
    try:
        configured = configuration.read(configuration.DEPLOYED)
    except (OSError, ValueError) as error:
        sys.exit(NO_CONFIGURATION.format(error))
    environments = configured.get("env", {})
    if options.env and options.env not in environments:
        known = ", ".join(environments) or "none"
        sys.exit(NO_ENVIRONMENT.format(environment=options.env, known=known))
    to = target(configured, options.env)
    names: set[str] | None = None
    changed = None
    try:
        names, changed = looked(configured, to, replace=bool(options.replace))
    except Failed as failure:
        if failure.advice in (NOT_LOGGED_IN, NOT_PERMITTED):
            sys.exit(failure.advice)
        # Any other failure happens to the deployment too, which shows it and can ask at the terminal.
    except (AttributeError, LookupError, TypeError, ValueError) as surprise:
        # No live account was available for testing: an answer in an unknown format must not prevent a deployment.
        print(f"The account could not be looked at ({surprise!r}); deploying all the same.", flush=True)
    try:
        targets = deploy(to, changed)
    except Failed as failure:
        sys.exit(f"\n{failure.advice}" if failure.advice else 1)
    if names is not None and KEY not in names and targets:
        environment = f" --env {to.environment}" if to.environment else ""
        print(NEXT.format(key=KEY, environment=environment, url=address(targets[0])))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
