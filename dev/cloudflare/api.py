"""The routes that the pinned wrangler calls during a deployment, and their answers."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dev.cloudflare import multipart
from dev.cloudflare.account import Account, Json, Refused, Version, Worker

ENVIRONMENT = "production"
"""A Worker's only environment, whatever wrangler's own environments are."""

PERMISSIONS = ("Account Settings: Read", "Memberships: Read", "Workers KV Storage: Edit", "Workers Scripts: Edit")
"""A token's permissions, named as in the dashboard. The template "Edit Cloudflare Workers" includes them."""
SETTINGS, MEMBERSHIPS, KV, SCRIPTS = PERMISSIONS
EDIT, READ = ": Edit", ": Read"
"""A permission to edit includes reading."""


@dataclass(frozen=True, slots=True)
class Token:
    """An API token and its permissions."""

    value: str = field(default_factory=lambda: f"cfut_{secrets.token_hex(20)}")
    permissions: frozenset[str] = frozenset(PERMISSIONS)

    def may(self, route: "Route") -> bool:
        """Whether it gives access to a route. Reading needs only the permission to read."""
        needed = {route.permission} | ({route.permission.replace(EDIT, READ)} if route.method == "GET" else set())
        return not route.permission or bool(needed & self.permissions)


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API."""

    method: str
    path: str
    """The part after `/client/v4`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """With names in lower case."""
    body: bytes
    arguments: Mapping[str, str] = field(default_factory=dict)
    """The variable parts of the route."""

    @property
    def json(self) -> Any:
        """The JSON body. Raises `Refused` if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refused(400, 10002, "The body is not JSON.") from error

    @property
    def parts(self) -> list[multipart.Part]:
        """The form in the body. Raises `Refused` if it is not a form."""
        try:
            return multipart.parse(self.body, self.headers.get("content-type", ""))
        except ValueError as error:
            raise Refused(400, 10002, f"The body is {error}.") from error

    @property
    def bearer(self) -> str:
        """The token that was sent."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def name(self) -> str:
        """The Worker's name."""
        return self.arguments["name"]


class Result(NamedTuple):
    """The content of an answer's envelope."""

    result: Any
    status: int = 200
    info: Json | None = None
    """`result_info`, for lists in pages."""


Handler = Callable[[Account, Request], Result]


class Route(NamedTuple):
    """A step of a deployment, named `METHOD path`."""

    method: str
    path: str
    """The part after `/client/v4`; for a resource of an account, also without `/accounts/{id}`."""
    handler: Handler
    permission: str = ""
    """The permission needed to change something; "" if any token will do."""

    @property
    def step(self) -> str:
        """The name for injecting faults: `PUT /workers/scripts/{name}`."""
        return f"{self.method} {self.path}"

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The variable parts of a path; None if the path does not belong to this route."""
        found = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path), path) if method == self.method else None
        return found and found.groupdict()


# --- user and token -------------------------------------------------------------------------------


def accounts(account: Account, request: Request) -> Result:
    """The accounts that the token can see."""
    return _page(_accounts(account), request)


def memberships(account: Account, request: Request) -> Result:
    """The accounts that the user is a member of."""
    shared = {"status": "accepted", "roles": ["Administrator"], "permissions": {}}
    return _page([{"id": one["id"], "account": one} | shared for one in _accounts(account)], request)


def user(account: Account, request: Request) -> Result:
    """The token's user."""
    return Result({"id": "0" * 32, "email": "somebody@example.com"})


def token(account: Account, request: Request) -> Result:
    """Whether the token is valid."""
    return Result({"id": "0" * 32, "status": "active"})


def _accounts(account: Account) -> list[Json]:
    names = {account.id: account.name} | account.neighbours
    return [{"id": id, "name": name, "type": "standard"} for id, name in names.items()]


# --- KV -------------------------------------------------------------------------------------------


def list_namespaces(account: Account, request: Request) -> Result:
    """List the namespaces by title, in pages."""
    listed = sorted(account.namespaces.items(), key=lambda item: item[1])
    return _page([_namespace(*item) for item in listed], request)


def create_namespace(account: Account, request: Request) -> Result:
    """Create a namespace."""
    title = request.json["title"]
    return Result(_namespace(account.create_namespace(title), title))


def delete_namespace(account: Account, request: Request) -> Result:
    """Delete a namespace."""
    account.delete_namespace(request.arguments["id"])
    return Result(None)


def _namespace(id: str, title: str) -> Json:
    return {"id": id, "title": title, "supports_url_encoding": True}


# --- static files ---------------------------------------------------------------------------------


def begin_files(account: Account, request: Request) -> Result:
    """Start a session for the files in a manifest."""
    jwt, buckets = account.begin_files(request.json["manifest"])
    return Result({"jwt": jwt, "buckets": buckets}, 200 if buckets else 201)


def add_files(account: Account, request: Request) -> Result:
    """Upload some of the files. The bearer token is the session's."""
    completed = account.add_files(request.bearer, request.parts)
    return Result({"jwt": completed} if completed else {}, 201 if completed else 202)


# --- Workers --------------------------------------------------------------------------------------


def service(account: Account, request: Request) -> Result:
    """An older view of a Worker, which wrangler requests first."""
    try:
        worker = account.worker(request.name)
    except Refused as error:
        raise Refused(404, 10090, "workers.api.error.service_not_found") from error
    environment = {"environment": ENVIRONMENT, "created_on": worker.created, "script": _script(worker)}
    return Result({"id": worker.name, "default_environment": environment, "environments": [environment]})


def environment(account: Account, request: Request) -> Result:
    """The only environment, which wrangler compares with changes made in the dashboard."""
    worker = account.worker(request.name)
    return Result({"environment": ENVIRONMENT, "created_on": worker.created, "script": _script(worker)})


def environment_bindings(account: Account, request: Request) -> Result:
    """The bindings of the environment."""
    return Result([_told(binding) for binding in account.worker(request.name).latest.bindings])


def durable_objects(account: Account, request: Request) -> Result:
    """The Durable Object namespaces of all Workers."""
    namespaces: list[Json] = [
        {"id": id, "name": f"{worker.name}_{name}", "script": worker.name, "class": name, "use_sqlite": True}
        for worker in account.workers.values()
        for name, id in worker.classes.items()
    ]
    return _page(namespaces, request)


def no_containers(account: Account, request: Request) -> Result:
    """Always empty. `wrangler delete` asks for them if a Worker has Durable Objects."""
    return Result([])


def no_schedules(account: Account, request: Request) -> Result:
    """Always empty: this project has no cron triggers."""
    account.worker(request.name)
    return Result({"schedules": []})


def upload_and_deploy(account: Account, request: Request) -> Result:
    """Upload a version and deploy it at once. Used for the first version of a Worker."""
    version = account.upload(request.name, request.parts)
    account.deploy(request.name, {version.id: 100})
    worker = account.worker(request.name)
    settings = {"id": worker.name, "startup_time_ms": 10, "deployment_id": version.id.replace("-", "")}
    return Result(_script(worker) | settings)


def delete(account: Account, request: Request) -> Result:
    """Delete the Worker. Its KV namespaces remain."""
    account.worker(request.name)
    del account.workers[request.name]
    return Result(None)


def no_references(account: Account, request: Request) -> Result:
    """Always empty: nothing else uses a Worker."""
    account.worker(request.name)
    return Result({})


def no_tails(account: Account, request: Request) -> Result:
    """Always empty: nobody reads its log."""
    return Result([])


def settings(account: Account, request: Request) -> Result:
    """The bindings and settings of the latest version."""
    worker = account.worker(request.name)
    metadata = worker.latest.metadata
    kept = ("compatibility_date", "compatibility_flags", "cache_options")
    bindings = [_told(binding) for binding in worker.latest.bindings]
    shared = {"tags": worker.tags, "usage_model": "standard", "logpush": False}
    return Result({key: metadata[key] for key in kept if key in metadata} | shared | {"bindings": bindings})


def change_settings(account: Account, request: Request) -> Result:
    """Change the settings that all versions share."""
    worker, changes = account.worker(request.name), request.json
    worker.tags = changes.get("tags", worker.tags)
    worker.observability = changes.get("observability", worker.observability)
    return Result({"tags": worker.tags, "observability": worker.observability, "logpush": False})


def list_secrets(account: Account, request: Request) -> Result:
    """List the names of the secrets."""
    return Result([{"name": name, "type": "secret_text"} for name in account.worker(request.name).secrets])


def put_secret(account: Account, request: Request) -> Result:
    """Set a secret."""
    binding = request.json
    account.put_secret(request.name, binding)
    return Result({"name": binding["name"], "type": binding["type"]})


def upload_version(account: Account, request: Request) -> Result:
    """Upload a version, which is deployed separately."""
    return Result(_version(account.upload(request.name, request.parts, may_migrate=False)) | {"startup_time_ms": 10})


def list_versions(account: Account, request: Request) -> Result:
    """List versions without their bindings, newest first: in pages, or all deployable ones."""
    versions = reversed(account.worker(request.name).versions)
    items = [{key: _version(version)[key] for key in ("id", "number", "metadata")} for version in versions]
    if request.query.get("deployable") == "true":
        return Result({"items": items})
    page = _page(items, request)
    return Result({"items": page.result}, info=page.info)


def show_version(account: Account, request: Request) -> Result:
    """Show one version."""
    versions = {version.id: version for version in account.worker(request.name).versions}
    if request.arguments["id"] not in versions:
        raise Refused(404, 100146, "Version not found.")
    return Result(_version(versions[request.arguments["id"]]))


def list_deployments(account: Account, request: Request) -> Result:
    """List deployments, newest first."""
    return Result({"deployments": account.worker(request.name).deployments})


def deploy(account: Account, request: Request) -> Result:
    """Deploy versions."""
    shares = {version["version_id"]: version["percentage"] for version in request.json["versions"]}
    return Result(account.deploy(request.name, shares))


def _script(worker: Worker) -> Json:
    metadata = worker.latest.metadata
    return {
        "id": worker.tag,
        "tag": worker.tag,
        "etag": _etag(worker.latest),
        "tags": worker.tags,
        "handlers": ["fetch"],
        "created_on": worker.created,
        "modified_on": worker.latest.created,
        "last_deployed_from": worker.latest.source,
        "has_assets": bool(worker.latest.assets),
        "has_modules": True,
        "compatibility_date": metadata.get("compatibility_date"),
        "compatibility_flags": metadata.get("compatibility_flags", []),
        "observability": worker.observability,
        "usage_model": "standard",
        "logpush": False,
        **({"migration_tag": worker.migration_tag} if worker.migration_tag else {}),
    }


def _version(version: Version) -> Json:
    runtime = {key: version.metadata.get(key) for key in ("compatibility_date", "compatibility_flags")}
    return {
        "id": version.id,
        "number": version.number,
        "metadata": {
            "created_on": version.created,
            "modified_on": version.created,
            "source": version.source,
            "author_id": "0" * 32,
            "author_email": "somebody@example.com",
            "hasPreview": False,
        },
        "resources": {
            "bindings": [_told(binding) for binding in version.bindings],
            "script": {"etag": _etag(version), "handlers": ["fetch"], "last_deployed_from": version.source},
            "script_runtime": runtime | {"usage_model": "standard"},
        },
    }


def _told(binding: Json) -> Json:
    """A binding as the API shows it: secrets without their values."""
    return {key: value for key, value in binding.items() if key != "text" or binding["type"] != "secret_text"}


def _etag(version: Version) -> str:
    return hashlib.sha256(b"".join(module.content for module in version.modules)).hexdigest()


# --- addresses ------------------------------------------------------------------------------------


def compare_domains(account: Account, request: Request) -> Result:
    """The effect of changing the Worker's custom domains: here all of them are new."""
    account.worker(request.name)
    return Result({"added": request.json, "removed": [], "updated": [], "conflicting": []})


def put_on_domains(account: Account, request: Request) -> Result:
    """Serve the Worker on custom domains."""
    worker = account.worker(request.name)
    worker.domains = [one["hostname"] for one in request.json["origins"]]
    return Result([{"hostname": hostname, "service": worker.name} for hostname in worker.domains])


def subdomain(account: Account, request: Request) -> Result:
    """The account's subdomain."""
    if not account.subdomain:
        raise Refused(404, 10007, "You do not have a workers.dev subdomain.")
    return Result({"subdomain": account.subdomain})


def choose_subdomain(account: Account, request: Request) -> Result:
    """Choose the account's subdomain."""
    chosen = request.json["subdomain"]
    if chosen in account.taken_subdomains:
        raise Refused(409, 10031, "Subdomain is unavailable.")
    account.subdomain = chosen
    return Result({"subdomain": chosen})


def look_up_subdomain(account: Account, request: Request) -> Result:
    """Whether a subdomain is available: if it is, the answer is 404."""
    if request.name in account.taken_subdomains:
        raise Refused(409, 10031, "Subdomain is unavailable.")
    raise Refused(404, 10032, "Subdomain not found.")


def whole_worker(account: Account, request: Request) -> Result:
    """A newer view of a Worker, from which wrangler reads the Worker's addresses."""
    worker = account.worker(request.name)
    kinds = ("dispatch_namespace_outbounds", "domains", "durable_objects", "queues", "workers")
    return Result(
        {
            "id": worker.tag,
            "name": worker.name,
            "created_on": worker.created,
            "updated_on": worker.latest.created,
            "logpush": False,
            "observability": worker.observability,
            "references": {kind: [] for kind in kinds},
            "subdomain": {"enabled": worker.enabled, "previews_enabled": worker.previews_enabled},
            "tags": worker.tags,
            "tail_consumers": [],
        }
    )


def show_on_subdomain(account: Account, request: Request) -> Result:
    """Whether the Worker is served on workers.dev."""
    worker = account.worker(request.name)
    return Result({"enabled": worker.enabled, "previews_enabled": worker.previews_enabled})


def put_on_subdomain(account: Account, request: Request) -> Result:
    """Serve the Worker on workers.dev, or stop serving it there."""
    worker = account.worker(request.name)
    worker.enabled = request.json["enabled"]
    worker.previews_enabled = request.json.get("previews_enabled", worker.enabled)
    return show_on_subdomain(account, request)


# --- all routes -----------------------------------------------------------------------------------

ROUTES = (
    Route("GET", "/accounts", accounts, SETTINGS),
    Route("GET", "/memberships", memberships, MEMBERSHIPS),
    Route("GET", "/user", user),
    Route("GET", "/user/tokens/verify", token),
)
"""Routes outside accounts."""

SERVICE = "/workers/services/{name}"
ENVIRONMENTS = f"{SERVICE}/environments/{ENVIRONMENT}"
SCRIPT = "/workers/scripts/{name}"

ACCOUNT_ROUTES = (
    Route("GET", "/storage/kv/namespaces", list_namespaces, KV),
    Route("POST", "/storage/kv/namespaces", create_namespace, KV),
    Route("DELETE", "/storage/kv/namespaces/{id}", delete_namespace, KV),
    Route("GET", SERVICE, service, SCRIPTS),
    Route("DELETE", SERVICE, delete, SCRIPTS),
    Route("GET", ENVIRONMENTS, environment, SCRIPTS),
    Route("GET", f"{ENVIRONMENTS}/bindings", environment_bindings, SCRIPTS),
    Route("GET", f"{ENVIRONMENTS}/subdomain", show_on_subdomain, SCRIPTS),
    Route("PUT", SCRIPT, upload_and_deploy, SCRIPTS),
    Route("GET", f"{SCRIPT}/references", no_references, SCRIPTS),
    Route("GET", f"{SCRIPT}/schedules", no_schedules, SCRIPTS),
    Route("GET", f"{SCRIPT}/settings", settings, SCRIPTS),
    Route("PATCH", f"{SCRIPT}/script-settings", change_settings, SCRIPTS),
    Route("GET", f"{SCRIPT}/secrets", list_secrets, SCRIPTS),
    Route("PUT", f"{SCRIPT}/secrets", put_secret, SCRIPTS),
    Route("GET", f"{SCRIPT}/versions", list_versions, SCRIPTS),
    Route("POST", f"{SCRIPT}/versions", upload_version, SCRIPTS),
    Route("GET", f"{SCRIPT}/versions/{{id}}", show_version, SCRIPTS),
    Route("GET", f"{SCRIPT}/deployments", list_deployments, SCRIPTS),
    Route("POST", f"{SCRIPT}/deployments", deploy, SCRIPTS),
    Route("GET", f"{SCRIPT}/subdomain", show_on_subdomain, SCRIPTS),
    Route("POST", f"{SCRIPT}/subdomain", put_on_subdomain, SCRIPTS),
    Route("POST", f"{SCRIPT}/domains/changeset", compare_domains, SCRIPTS),
    Route("PUT", f"{SCRIPT}/domains/records", put_on_domains, SCRIPTS),
    Route("GET", "/workers/durable_objects/namespaces", durable_objects, SCRIPTS),
    Route("GET", "/containers/applications", no_containers, SCRIPTS),
    Route("GET", "/workers/tails/by-consumer/{name}", no_tails, SCRIPTS),
    Route("GET", "/workers/subdomain", subdomain, SCRIPTS),
    Route("PUT", "/workers/subdomain", choose_subdomain, SCRIPTS),
    Route("GET", "/workers/subdomains/{name}", look_up_subdomain, SCRIPTS),
    Route("GET", "/workers/workers/{name}", whole_worker, SCRIPTS),
    Route("POST", f"{SCRIPT}/assets-upload-session", begin_files, SCRIPTS),
    Route("POST", "/workers/assets/upload", add_files),
)
"""Routes below `/accounts/{id}`. The last one accepts a session's own token."""

LARGEST_PAGE = 1000
"""Largest page of KV namespaces, according to the documentation."""

STEPS = tuple(route.step for route in (*ROUTES, *ACCOUNT_ROUTES))


def _page(items: list[Json], request: Request) -> Result:
    number, size = int(request.query.get("page", "1")), min(int(request.query.get("per_page", "20")), LARGEST_PAGE)
    page = items[(number - 1) * size : number * size]
    info = {"page": number, "per_page": size, "count": len(page), "total_count": len(items)}
    return Result(page, info=info)
