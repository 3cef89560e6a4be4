"""The interfaces to everything outside: implemented in `edge/`, and in memory by `tests/fakes.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from flux.catalog import Model
from flux.http import Background, Native
from flux.ledger import Amounts, Answer, Reservation, Usage
from flux.picture import Picture
from flux.prices import Cost
from flux.settings import Settings
from flux.sizes import Size
from flux.text import Blob

Inputs = Mapping[str, str | int]
"""A model's inputs by the names of its schema."""


class ImageModel(Protocol):
    """Draws. One call is one picture's price."""

    async def draw(
        self, model: Model, inputs: Inputs, images: tuple[Blob, ...], *, reject_if_busy: bool = False
    ) -> Picture:
        """The picture. Raises `UpstreamFailure` or one of its kinds, never anything foreign.

        `reject_if_busy`: a model that is out of capacity says so at once, where it would put the call into a queue.
        """


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text model's answer."""

    text: str
    cost: Cost
    """By the tokens that the model counted."""


class PromptRewriter(Protocol):
    """Rewrites prompts."""

    name: str
    """Of the text model, as users read it."""

    def most(self, prompt: str, /) -> Cost:
        """The most that rewriting this prompt can cost."""

    async def rewrite(self, prompt: str) -> Rewritten:
        """The text model's answer as it came. Raises `RewriteFailed`."""


class RewriteFailed(Exception):
    """The writer gave no answer; the text says why and is for the log alone."""

    def __init__(self, reason: str, *, may_have_cost: bool = True) -> None:
        super().__init__(reason)
        self.may_have_cost = may_have_cost
        """As of an `ApiError`."""


class Resizer(Protocol):
    """Cuts pictures to size and turns them into other types."""

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """Exactly `size`, upright, the middle kept; `quality` 1 to 100. Raises `ResizeFailed`."""

    async def fit_within(
        self, picture: Picture, side: int, mime: str | None = None, quality: int | None = None
    ) -> Picture:
        """Upright, and at most `side` pixels each way: smaller pictures keep their size. Raises `ResizeFailed`.

        Of its own type where no other is given; `quality` 1 to 100.
        """


class ResizeFailed(Exception):
    """The picture could not be cut; the text says why and is for the log alone."""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A stored picture as it is sent to whoever opens its link."""

    type: str
    body: Native


class PictureStore(Protocol):
    """Keeps pictures for a while, each under its identifier (`picture.new_id`), which says when it expires."""

    async def put(self, id: str, picture: Picture) -> None:
        """Store until it expires, but for a minute at least. Raises `NotStored`."""

    async def get(self, name: str) -> StoredPicture | None:
        """The picture of an identifier or a file name; None where it is gone or never was.

        Raises `StorageUnavailable`.
        """

    async def read(self, id: str, max_bytes: int) -> Picture | None:
        """The picture itself, to work from; None as above.

        Raises `StorageUnavailable`, or `TooLarge` before more than `max_bytes` are read.
        """


class TooLarge(Exception):
    """The picture has more bytes than the caller may send."""


class NotStored(Exception):
    """The store refused the picture; the text says why and is for the log alone."""


class Limiter(Protocol):
    """Counts what a key draws."""

    @property
    def shortfall(self) -> str:
        """How its last answer fell short of counting pictures; "" where it did not."""

    async def allows(self, key: str, cost: int) -> bool:
        """Whether `key` has pictures left; if so, `cost` more are counted. Raises `LimiterFailed`."""


class LimiterFailed(Exception):
    """The limiter gave no answer; the text says why and is for the log alone."""


class Ledger(Protocol):
    """Counts what models cost, in one place for the whole deployment. Each request opens it for itself."""

    async def reserve(self, asked: Reservation) -> Answer:
        """Whether a call of a model may be made, which is counted if so. Raises `LedgerFailed`."""

    def count(self, asked: Reservation) -> None:
        """Reserve where nothing depends on the answer: it is not waited for."""

    def settle(self, id: str, amounts: Amounts) -> None:
        """Say what a reservation has really cost. It is not waited for, and goes on when the request has ended.

        It reaches the ledger before what is asked of it later.
        """

    async def usage(self, key: str) -> Usage:
        """What a key and the deployment have spent. Raises `LedgerFailed`."""


class LedgerFailed(Exception):
    """The ledger gave no answer; the text says why and is for the log alone."""


OpenLedger = Callable[[Background], Ledger]
"""Opens the ledger for a request, whose background takes what is not waited for."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a deployment has of these; None for what is not bound."""

    model: Callable[[Settings], ImageModel | None]
    rewriter: Callable[[Settings], PromptRewriter | None]
    resizer: Resizer | None = None
    store: PictureStore | None = None
    limiter: Limiter | None = None
    ledger: OpenLedger | None = None
