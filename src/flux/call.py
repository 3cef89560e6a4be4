"""What a handler is given: one request, and the services that outlive it."""

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
"""The period of the rate limiter in wrangler.toml: what a refused caller is told to wait."""

LIMITER_SECONDS = 2
"""Longest wait for the rate limiter, which answers from the machine that the Worker runs on."""


@dataclass(frozen=True, slots=True)
class Configured:
    """What there is where the settings are right."""

    settings: Settings
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """Which variable is wrong, and how."""

    variable: str
    problem: str


@dataclass(frozen=True, slots=True)
class Services:
    """Made once from the Worker's bindings and variables."""

    configuration: Configured | Misconfigured
    store: PictureStore
    limiter: Limiter
    open_ledger: OpenLedger | None
    """None where nothing is counted: neither a budget nor `COUNT_USAGE` is set."""
    checks: Mapping[str, str]
    """What there is of what we need: "ok", "missing", or what is wrong."""

    @property
    def configured(self) -> Configured:
        """Raises `InvalidConfiguration`, each time a new one: raised twice, an exception grows with each traceback."""
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
        """The sentences of the owner's language. Raises `InvalidConfiguration`."""
        return LANGUAGES[self.settings.language]


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a handler."""

    request: Request
    services: Services
    trace: Trace
    key_digest: str = ""
    """Of the API key that was sent, in hexadecimal; never the key."""
    key_name: str = ""
    """What the owner calls that key."""
    argument: str = ""
    """What stands for the variable part of the route's path, percent-decoded."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's, names in lower case."""
        return self.request.headers

    @property
    def base_url(self) -> str:
        """What the URLs of pictures start with."""
        return self.services.settings.public_url or self.request.origin

    def spending(self) -> Spending:
        """What this request spends from now on."""
        counting = None
        if open_ledger := self.services.open_ledger:
            settings = self.services.settings
            counting = Counting(
                open_ledger(self.request.background), self.ledger_key, settings.limits, settings.key_limits
            )
        return Spending(self.trace, counting)

    @property
    def ledger_key(self) -> str:
        """What the ledger knows the caller's key by."""
        return self.key_digest[:32]

    async def charge(self, pictures: int) -> None:
        """Count the pictures against the key's rate. Raises `RateLimitExceeded`."""
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
            # Allowed: the key was right, and the limiter is there to spread load, not to protect the service.
            self.trace.facts.limiter_error = str(failure) or "time-out"
            return True
