"""An account: its Workers, KV namespaces and static files, and the changes that Cloudflare refuses.

The error codes are Cloudflare's own, from wrangler's code and from reports.
"""

import base64
import json
import re
import secrets
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev.cloudflare.multipart import Part

Json = dict[str, Any]

WORKER_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")
MODULE_TYPES = {
    "application/javascript+module",
    "application/octet-stream",
    "application/source-map",
    "application/wasm",
    "text/plain",
    "text/x-python",
    "text/x-python-requirement",
}
BINDING_TYPES = {
    *("ai", "assets", "durable_object_namespace", "images", "inherit", "json", "kv_namespace", "plain_text"),
    *("ratelimit", "secret_text"),
}
"""The kinds that this project uses. The stand-in knows no others."""
FILES_PER_BUCKET = 5
SESSION_SECONDS = 3600


class Refused(Exception):
    """An error in place of a result."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Asset:
    """An uploaded static file."""

    type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Version:
    """One upload of a Worker. It never changes."""

    id: str
    number: int
    created: str
    source: str
    metadata: Json
    bindings: list[Json]
    """The Worker's bindings with their values, including inherited and kept ones."""
    modules: tuple[Part, ...]
    assets: Mapping[str, Asset]
    """By path."""
    migration_tag: str | None = None
    """The newest migration of Durable Objects at the time of the upload."""


@dataclass(slots=True)
class Worker:
    """A Worker: its versions, their deployments, and the settings that all versions share."""

    name: str
    created: str
    tag: str = field(default_factory=lambda: secrets.token_hex(16))
    versions: list[Version] = field(default_factory=list)
    """Newest last."""
    deployments: list[Json] = field(default_factory=list)
    """Newest first."""
    tags: list[str] = field(default_factory=list)
    observability: Json = field(default_factory=lambda: {"enabled": False})
    enabled: bool = False
    """Whether it is served on workers.dev."""
    previews_enabled: bool = False
    domains: list[str] = field(default_factory=list)
    """Custom domains."""
    migration_tag: str | None = None
    """The newest migration of its Durable Objects."""
    classes: dict[str, str] = field(default_factory=dict)
    """Namespace ids of its Durable Objects, by class name."""

    @property
    def latest(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    @property
    def secrets(self) -> dict[str, str]:
        """Secrets by name."""
        return {one["name"]: one["text"] for one in self.latest.bindings if one["type"] == "secret_text"}

    def deployed(self) -> Version:
        """The version that answers requests."""
        [live] = self.deployments[0]["versions"]
        return next(version for version in self.versions if version.id == live["version_id"])


@dataclass(slots=True)
class _Session:
    """An upload of static files in progress."""

    manifest: Json
    missing: set[str]
    expires: float


class Account:
    """The state of an account, and the rules for changing it."""

    def __init__(self, name: str = "Rehearsals", subdomain: str = "rehearsals") -> None:
        self.id = secrets.token_hex(16)
        self.name = name
        self.subdomain = subdomain
        """The name below workers.dev; "" if the account has not chosen one yet."""
        self.taken_subdomains = {"taken"}
        self.neighbours: dict[str, str] = {}
        """Other accounts that the user can choose, as names by id. They are empty."""
        self.workers: dict[str, Worker] = {}
        self.namespaces: dict[str, str] = {}
        """Titles by id."""
        self.created_namespaces: list[str] = []
        """Titles, including deleted namespaces."""
        self._files: dict[str, Asset] = {}
        self._sessions: dict[str, _Session] = {}

    # --- KV ---------------------------------------------------------------------------------------

    def create_namespace(self, title: str) -> str:
        """Create a namespace and return its id."""
        if title in self.namespaces.values():
            message = "create namespace: 'A namespace with this account ID and title already exists'"
            raise Refused(400, 10014, message)
        id = secrets.token_hex(16)
        self.namespaces[id] = title
        self.created_namespaces.append(title)
        return id

    def delete_namespace(self, id: str) -> None:
        """Delete a namespace; Workers that are bound to it remain."""
        if self.namespaces.pop(id, None) is None:
            raise Refused(404, 10013, "remove namespace: 'namespace not found'")

    # --- Workers ----------------------------------------------------------------------------------

    def worker(self, name: str) -> Worker:
        """The Worker with this name."""
        if name not in self.workers:
            raise Refused(404, 10007, "This Worker does not exist on your account.")
        return self.workers[name]

    def upload(
        self, name: str, parts: Iterable[Part], source: str = "wrangler", *, may_migrate: bool = True
    ) -> Version:
        """Create a version, and the Worker if none has this name. It serves no requests until it is deployed."""
        if not WORKER_NAME.fullmatch(name):
            raise Refused(400, 10016, f"{name!r} is no valid name for a Worker.")
        fields = {part.name: part for part in parts}
        metadata = _metadata(fields.pop("metadata", None))
        modules = tuple(fields.values())
        _check_modules(metadata, modules)
        worker = self.workers.get(name)
        previous = worker.latest if worker else None
        tag, classes = _migrated(worker, metadata, may_migrate=may_migrate)
        version = Version(
            id=str(uuid.uuid4()),
            number=previous.number + 1 if previous else 1,
            created=now(),
            source=source,
            metadata=metadata,
            bindings=self._bindings(metadata, previous.bindings if previous else [], classes),
            modules=modules,
            assets=self._assets(metadata),
            migration_tag=tag,
        )
        if worker is None:
            worker = self.workers[name] = Worker(name, version.created)
        worker.migration_tag, worker.classes = tag, classes
        worker.versions.append(version)
        if "observability" in metadata:
            worker.observability = metadata["observability"]
        return version

    def deploy(self, name: str, shares: Json, source: str = "wrangler") -> Json:
        """Deploy versions, each with its share of the requests in percent."""
        worker = self.worker(name)
        if not shares.keys() <= {version.id for version in worker.versions} or sum(shares.values()) != 100:  # noqa: PLR2004 - percent
            raise Refused(400, 10021, "A deployment needs versions of this Worker that add up to 100 percent.")
        if any(version.id in shares and version.migration_tag != worker.migration_tag for version in worker.versions):
            # Our own wording: the API's message for this case is not known.
            raise Refused(
                400, 10021, "A migration of Durable Objects came after this version: it cannot be deployed again."
            )
        deployment = {
            "id": str(uuid.uuid4()),
            "created_on": now(),
            "source": source,
            "strategy": "percentage",
            "author_email": "somebody@example.com",
            "annotations": {},
            "versions": [{"version_id": id, "percentage": percentage} for id, percentage in shares.items()],
        }
        worker.deployments.insert(0, deployment)
        return deployment

    def put_secret(self, name: str, binding: Json, source: str = "wrangler") -> None:
        """Set a secret and deploy a version with it, otherwise like the latest. Creates the Worker if there is none."""
        worker = self.workers.get(name)
        if worker is None:
            worker = self.workers[name] = Worker(name, now())
            worker.versions.append(Version(str(uuid.uuid4()), 1, now(), source, {}, [], (), {}))
        latest = worker.latest
        others = [one for one in latest.bindings if one["name"] != binding["name"]]
        version = Version(
            str(uuid.uuid4()),
            latest.number + 1,
            now(),
            source,
            latest.metadata,
            [*others, binding],
            latest.modules,
            latest.assets,
            latest.migration_tag,
        )
        worker.versions.append(version)
        self.deploy(name, {version.id: 100}, source)

    def _bindings(self, metadata: Json, previous: list[Json], classes: Mapping[str, str]) -> list[Json]:
        """The bindings in the metadata, with inherited values, and those that are kept from the previous version."""
        before = {one["name"]: one for one in previous}
        bindings = []
        for one in metadata["bindings"]:
            if one["type"] not in BINDING_TYPES:
                raise Refused(400, 10021, f"binding {one['name']} is of a type that is unknown here: {one['type']}")
            if one["type"] == "inherit" and one["name"] not in before:
                message = (
                    f"inherit binding '{one['name']}' is invalid: "
                    f"previous version does not have binding named '{one['name']}'"
                )
                raise Refused(400, 10057, message)
            if one["type"] == "kv_namespace" and one["namespace_id"] not in self.namespaces:
                raise Refused(404, 10041, f"KV namespace '{one['namespace_id']}' not found.")
            if one["type"] == "durable_object_namespace":
                if one["class_name"] not in classes:
                    message = (
                        f"Cannot create binding for class '{one['class_name']}' because it is not currently configured "
                        "to implement Durable Objects. Did you forget to apply a 'new_class' migration to it?"
                    )
                    raise Refused(400, 10061, message)
                bindings.append({**one, "namespace_id": classes[one["class_name"]]})
                continue
            bindings.append(before[one["name"]] if one["type"] == "inherit" else one)
        names = {one["name"] for one in bindings}
        kept = metadata.get("keep_bindings", [])
        return bindings + [one for one in previous if one["type"] in kept and one["name"] not in names]

    # --- static files -----------------------------------------------------------------------------

    def begin_files(self, manifest: Json) -> tuple[str, list[list[str]]]:
        """A session's token, and the hashes of the missing files in buckets. No bucket means that all are there."""
        missing = {file["hash"] for file in manifest.values()} - self._files.keys()
        token = self._token(_Session(manifest, missing, time.time() + SESSION_SECONDS))
        wanted = sorted(missing)
        return token, [wanted[start : start + FILES_PER_BUCKET] for start in range(0, len(wanted), FILES_PER_BUCKET)]

    def add_files(self, token: str, parts: Iterable[Part]) -> str | None:
        """Store files, given as base64 by hash. Returns the token of the completed session once no file is missing."""
        session = self._session(token)
        sizes = {file["hash"]: file["size"] for file in session.manifest.values()}
        for part in parts:
            content = base64.b64decode(part.content, validate=True)
            if len(content) != sizes.get(part.name):
                raise Refused(400, 10021, f"{part.name} has another size than in the manifest")
            self._files[part.name] = Asset(part.type, content)
            session.missing.discard(part.name)
        return None if session.missing else self._token(session)

    def _assets(self, metadata: Json) -> dict[str, Asset]:
        if "assets" not in metadata:
            return {}
        session = self._session(metadata["assets"]["jwt"])
        if session.missing:
            raise Refused(400, 10021, "not all static files have been uploaded")
        return {path: self._files[file["hash"]] for path, file in session.manifest.items()}

    def _token(self, session: _Session) -> str:
        """A JSON Web Token without a signature: wrangler reads its expiry."""
        payload = base64.urlsafe_b64encode(json.dumps({"exp": session.expires}).encode()).decode().rstrip("=")
        token = f"{secrets.token_hex(8)}.{payload}.{secrets.token_hex(8)}"
        self._sessions[token] = session
        return token

    def _session(self, token: str) -> _Session:
        session = self._sessions.get(token)
        if session is None or session.expires < time.time():
            raise Refused(401, 10000, "Authentication error")
        return session


def _metadata(part: Part | None) -> Json:
    if part is None:
        raise Refused(400, 10021, "the upload has no metadata")
    metadata: Json = json.loads(part.content)
    missing = {"main_module", "bindings", "compatibility_date"} - metadata.keys()
    if missing:
        raise Refused(400, 10021, f"the metadata has no {', '.join(sorted(missing))}")
    return metadata


def _migrated(worker: Worker | None, metadata: Json, *, may_migrate: bool) -> tuple[str | None, dict[str, str]]:
    """The migration tag and the Durable Object classes of a Worker after an upload."""
    tag, classes = (worker.migration_tag, dict(worker.classes)) if worker else (None, {})
    migrations = metadata.get("migrations")
    if not migrations:
        return tag, classes
    if not may_migrate:
        message = "migrations must be fully applied by running 'wrangler deploy'"
        raise Refused(400, 10211, f"Version upload failed. The Worker includes a Durable Object migration: {message}.")
    if migrations.get("old_tag") != tag:
        raise Refused(412, 10079, f"migration tag precondition failed; current tag is {tag!r}")
    for step in migrations["steps"]:
        if unknown := step.keys() - {"new_sqlite_classes"}:
            raise Refused(400, 10021, f"of these migrations nothing is known here: {', '.join(sorted(unknown))}")
        for name in step["new_sqlite_classes"]:
            if name in classes:
                raise Refused(
                    400, 10074, f"Cannot apply new-sqlite-class migration to class {name} that is already in use."
                )
            classes[name] = secrets.token_hex(16)
    return migrations["new_tag"], classes


def _check_modules(metadata: Json, modules: tuple[Part, ...]) -> None:
    types = {module.name: module.type for module in modules}
    if unknown := set(types.values()) - MODULE_TYPES:
        raise Refused(400, 10021, f"modules cannot be of the type {', '.join(sorted(unknown))}")
    main = types.get(metadata["main_module"])
    if main is None:
        raise Refused(400, 10021, f'No such module "{metadata["main_module"]}".')
    if main == "text/x-python" and "python_workers" not in metadata.get("compatibility_flags", []):
        raise Refused(400, 10021, "The python_workers compatibility flag is required to use Python.")


def now() -> str:
    """The time in the API's format."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
