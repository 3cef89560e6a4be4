"""What a handler receives: one request, and the services that all requests share."""

from collections.abc import Mapping
from dataclasses import dataclass

from flux.errors import InvalidConfiguration, RateLimitExceeded
from flux.http import Request
from flux.pipeline import Pipeline
from flux.ports import Limiter, LimiterFailed, OpenLedger, PictureStore
from flux.settings import Settings
from flux.spending import Counting, Spending
from flux.time_limit import time_limit
from flux.trace import Trace
from flux.words import LANGUAGES, Words

RATE_LIMIT_SECONDS = 60
"""The period of the rate limiter in wrangler.toml, which a refused caller is told to wait."""

LIMITER_SECONDS = 2
"""Longest wait for the rate limiter, which runs on the same machine as the Worker."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What exists if the settings are valid."""

    settings: Settings
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Which variable is wrong, and why."""

    variable: str
    problem: str


@dataclass(frozen=True, slots=True)
class Services:
    """What all requests share. Built once from the Worker's bindings and variables."""

    configuration: Configured | Misconfigured
    store: PictureStore
    limiter: Limiter
    open_ledger: OpenLedger | None
    """None if nothing is counted, because neither a budget nor `COUNT_USAGE` is set."""
    checks: Mapping[str, str]
    """The state of each dependency: "ok", "missing", or what is wrong."""

    @property
    def configured(self) -> Configured:
        """Raises a new `InvalidConfiguration` each time: an exception that is raised twice collects tracebacks."""
        if isinstance(self.configuration, Misconfigured):
            raise InvalidConfiguration(self.configuration.variable, self.configuration.problem)
        return self.configuration

    @property
    def settings(self) -> Settings:
        """Raises `InvalidConfiguration`."""
        return self.configured.settings

    @property
    def pipeline(self) -> Pipeline:
        """Raises `InvalidConfiguration`."""
        return self.configured.pipeline

    @property
    def words(self) -> Words:
        """The sentences in the owner's language. Raises `InvalidConfiguration`."""
        return LANGUAGES[self.settings.language]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, with what its handler needs."""

    request: Request
    services: Services
    trace: Trace
    key_digest: str = ""
    """Hexadecimal digest of the API key that was sent; never the key itself."""
    key_name: str = ""
    """The owner's name for that key."""
    argument: str = ""
    """The variable part of the path, percent-decoded."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers, with names in lower case."""
        return self.request.headers

    @property
    def base_url(self) -> str:
        """What the URLs of pictures start with."""
        return self.services.settings.public_url or self.request.origin

    def spending(self) -> Spending:
        """A new account of what this request spends."""
        counting = None
        if open_ledger := self.services.open_ledger:
            settings = self.services.settings
            counting = Counting(
                open_ledger(self.request.background), self.ledger_key, settings.limits, settings.key_limits
            )
        return Spending(self.trace, counting)

    @property
    def ledger_key(self) -> str:
        """How the ledger identifies the caller's key."""
        return self.key_digest[:32]

    async def charge(self, pictures: int) -> None:
        """Count pictures towards the key's rate limit. Raises `RateLimitExceeded`."""
        allowed = await self._allowed(pictures)
        if shortfall := self.services.limiter.shortfall:
            self.trace.notes["limit"] = shortfall
        if not allowed:
            raise RateLimitExceeded(
                "Too many pictures in a short time for this key. Wait a minute and try again.",
                retry_after=RATE_LIMIT_SECONDS,
            )

    async def _allowed(self, pictures: int) -> bool:
        try:
            with time_limit(LIMITER_SECONDS):
                return await self.services.limiter.allows(self.key_digest, pictures)
        except (LimiterFailed, TimeoutError) as failure:
            # Allow the request: its key is valid, and the limiter spreads load, it does not protect the service.
            self.trace.facts.limiter_error = str(failure) or "time-out"
            return True
