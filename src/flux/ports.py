"""The interfaces to everything outside. `edge/` implements them; `tests/fakes.py` has in-memory versions."""

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
"""A model's inputs, by their names in its schema."""


class ImageModel(Protocol):
    """Draws pictures. Each call is billed as one picture."""

    async def draw(
        self, model: Model, inputs: Inputs, images: tuple[Blob, ...], *, reject_if_busy: bool = False
    ) -> Picture:
        """Draw the picture. Raises only `UpstreamFailure` or a subclass of it.

        With `reject_if_busy` a model that is out of capacity fails at once instead of queueing the call.
        """


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text model's answer."""

    text: str
    cost: Cost
    """Computed from the model's own token counts."""


class PromptRewriter(Protocol):
    """Rewrites prompts."""

    name: str
    """The text model's name as users see it."""

    def most(self, prompt: str, /) -> Cost:
        """The most that rewriting this prompt can cost."""

    async def rewrite(self, prompt: str) -> Rewritten:
        """The text model's unprocessed answer. Raises `RewriteFailed`."""


class RewriteFailed(Exception):
    """The text model gave no answer. The text says why and is only for the log."""

    def __init__(self, reason: str, *, may_have_cost: bool = True) -> None:
        super().__init__(reason)
        self.may_have_cost = may_have_cost
        """As in `ApiError`."""


class Resizer(Protocol):
    """Crops and scales pictures, and converts them to other types."""

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """Exactly `size`, upright, cropped around the middle; `quality` is 1 to 100. Raises `ResizeFailed`."""

    async def fit_within(
        self, picture: Picture, side: int, mime: str | None = None, quality: int | None = None
    ) -> Picture:
        """Upright and at most `side` pixels per side; smaller pictures keep their size. Raises `ResizeFailed`.

        It keeps its type unless another one is given; `quality` is 1 to 100.
        """


class ResizeFailed(Exception):
    """The picture could not be resized. The text says why and is only for the log."""


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A stored picture in the form in which its link delivers it."""

    type: str
    body: Native


class PictureStore(Protocol):
    """Stores pictures for a limited time. The identifier (`picture.new_id`) contains the expiry."""

    async def put(self, id: str, picture: Picture) -> None:
        """Store the picture until it expires, but for at least a minute. Raises `NotStored`."""

    async def get(self, name: str) -> StoredPicture | None:
        """The picture for an identifier or a file name; None if it has expired or never existed.

        Raises `StorageUnavailable`.
        """

    async def read(self, id: str, max_bytes: int) -> Picture | None:
        """The picture itself, for editing; None as above.

        Raises `StorageUnavailable`, or `TooLarge` before more than `max_bytes` are read.
        """


class TooLarge(Exception):
    """The picture is larger than callers may send."""


class NotStored(Exception):
    """The store refused the picture. The text says why and is only for the log."""


class Limiter(Protocol):
    """Limits how many pictures a key may draw."""

    @property
    def shortfall(self) -> str:
        """In which way the last answer did not count every picture; "" if it did."""

    async def allows(self, key: str, cost: int) -> bool:
        """Whether `key` has pictures left; if so, `cost` more are counted. Raises `LimiterFailed`."""


class LimiterFailed(Exception):
    """The limiter gave no answer. The text says why and is only for the log."""


class Ledger(Protocol):
    """Counts what models cost, in one place for the whole deployment. Each request opens its own connection."""

    async def reserve(self, asked: Reservation) -> Answer:
        """Reserve the cost of a model call if the budget allows it. Raises `LedgerFailed`."""

    def count(self, asked: Reservation) -> None:
        """Reserve without waiting, if nothing depends on the answer."""

    def settle(self, id: str, amounts: Amounts) -> None:
        """Record the real cost of a reservation, without waiting: the work continues after the request ends.

        It reaches the ledger before any later call.
        """

    async def usage(self, key: str) -> Usage:
        """What a key and the deployment have spent. Raises `LedgerFailed`."""


class LedgerFailed(Exception):
    """The ledger gave no answer. The text says why and is only for the log."""


OpenLedger = Callable[[Background], Ledger]
"""Opens the ledger for a request. Calls that are not waited for run in the request's background."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a deployment; None if not bound."""

    model: Callable[[Settings], ImageModel | None]
    rewriter: Callable[[Settings], PromptRewriter | None]
    resizer: Resizer | None = None
    store: PictureStore | None = None
    limiter: Limiter | None = None
    ledger: OpenLedger | None = None
