"""In-memory versions of the ports in `flux.ports`, of a request's body and of a picture's bytes.

They behave like the real ones: pictures are real, models refuse what their published schemas refuse, the resizer crops,
and stored pictures expire.
"""

import asyncio
import base64
import hashlib
import io
import json
import re
import selectors
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema
from PIL import Image, ImageDraw, ImageOps, ImageStat

from dev import ROOT
from flux import embedded, forms, picture, upstream
from flux.catalog import Model, Partner
from flux.errors import StorageUnavailable
from flux.http import MAX_TEXT, Document, Form, Native, Part, body_too_large, marked
from flux.ledger import Amounts, Answer, Book, Reservation, Usage
from flux.picture import Picture, expiry
from flux.ports import Inputs, ResizeFailed, Rewritten, StoredPicture, TooLarge
from flux.prices import Cost, of_neurons
from flux.settings import KV_MIN_SECONDS
from flux.sizes import Size
from flux.text import Blob, Spliced, Text

# --- bytes and pictures ---------------------------------------------------------------------------


class Bytes:
    """`Blob` over Python bytes. It counts the bytes that are read from it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.copied = 0

    def read(self, start: int, length: int) -> bytes:
        """See `Blob.read`."""
        piece = self.data[start : start + length]
        self.copied += len(piece)
        return piece

    def find(self, byte: int, start: int, end: int | None = None) -> int:
        """See `Searchable.find`."""
        return self.data.find(byte, start, end)

    def places(self, pattern: bytes) -> Iterator[int]:
        """See `Searchable.places`."""
        at = -1
        while (at := self.data.find(pattern, at + 1)) >= 0:
            yield at

    def slice(self, start: int, end: int) -> "Bytes":
        """See `Searchable.slice`."""
        return Bytes(self.data[start:end])

    def text(self, charset: str) -> str:
        """See `Searchable.text`."""
        try:
            return self.data.decode(charset, "replace").removeprefix("\ufeff")
        except (LookupError, ValueError):
            return self.data.decode("utf-8-sig", "replace")

    async def from_base64(self) -> "Bytes":
        """See `Searchable.from_base64`."""
        return decode(json.loads(b'"%s"' % self.data) if b"\\" in self.data else self.data.decode("ascii"))


def data_of(blob: Blob) -> bytes:
    """All bytes. Only the edge may do this."""
    assert isinstance(blob, Bytes)
    return blob.data


async def decoder(text: str) -> Bytes:
    """`Decoder` of a document."""
    return decode(text)


def decode(text: str) -> Bytes:
    """Decode base64. It accepts what `Uint8Array.fromBase64` accepts, including white space and missing padding."""
    packed = re.sub(r"[\t\n\f\r ]", "", text)
    if not packed.endswith("="):
        packed += "=" * (-len(packed) % 4)
    return Bytes(base64.b64decode(packed, validate=True))


def sent(text: Text) -> str:
    """The text as the edge sends it, with blobs in base64."""
    pieces = text.pieces if isinstance(text, Spliced) else (text,)
    return "".join(p if isinstance(p, str) else base64.b64encode(data_of(p)).decode() for p in pieces)


def encoded(image: Image.Image, mime: str = "image/jpeg", **options: Any) -> bytes:
    """A picture file."""
    file = io.BytesIO()
    image.save(file, mime.removeprefix("image/"), **options)
    return file.getvalue()


def colour_of(prompt: str) -> tuple[int, int, int]:
    """The colour of pictures for this prompt."""
    red, green, blue, *_ = hashlib.sha256(prompt.encode()).digest()
    return red, green, blue


def painted(
    prompt: str = "A cat", width: int = 64, height: int = 64, mime: str = "image/jpeg", mark: str = ""
) -> Picture:
    """A picture for a prompt: in its colour, with a mark in the middle that distinguishes two for the same prompt."""
    image = Image.new("RGB", (width, height), colour_of(prompt))
    ImageDraw.Draw(image).text((width // 2, height // 2), mark)
    return Picture(mime, width, height, Bytes(encoded(image, mime)))


def opened(what: Picture | Blob | bytes) -> Image.Image:
    """The picture as Pillow reads it."""
    if isinstance(what, Picture):
        what = what.blob
    image = Image.open(io.BytesIO(what if isinstance(what, bytes) else data_of(what)))
    if image.width * image.height > MAX_PIXELS:
        raise OSError("too many pixels")
    image.load()
    return image


MAX_PIXELS = 50_000_000
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)
"""What Pillow raises for a file that it cannot read."""


def shows(what: Picture | Blob | bytes, prompt: str) -> bool:
    """Whether a picture is one for this prompt, judged by its colour, which encoders change slightly."""
    mean = ImageStat.Stat(opened(what).convert("RGB")).mean
    return all(abs(a - b) < 8 for a, b in zip(mean, colour_of(prompt), strict=True))


# --- the ports ------------------------------------------------------------------------------------

Outcome = Exception | float | None
"""The outcome of one call: a failure, or a delay in seconds; None for neither."""


class _Fate:
    """The outcomes of calls, in order. Further calls are not affected."""

    def __init__(self, outcomes: tuple[Outcome, ...]) -> None:
        self._outcomes = deque(outcomes)
        self.ended_early = 0
        """Calls that were cancelled while waiting."""

    async def next(self) -> None:
        if self._outcomes and isinstance(self._outcomes[0], Exception):
            raise self._outcomes.popleft()  # type: ignore[misc]  # in no variable, which its traceback would keep alive
        seconds = self._outcomes.popleft() if self._outcomes else None
        try:
            await asyncio.sleep(seconds or 0)  # type: ignore[arg-type]  # exceptions are handled above
        except asyncio.CancelledError:
            self.ended_early += 1
            raise


@dataclass(frozen=True)
class Drawing:
    """One call of a model."""

    model: Model
    inputs: Inputs
    images: tuple[Blob, ...]
    reject_if_busy: bool = False

    @property
    def prompt(self) -> str:
        return str(self.inputs[self.model.partner.prompt if self.model.partner else "prompt"])


Judge = Callable[[Drawing], Exception | None]


class Painter:
    """`ImageModel`: each picture has its prompt's colour, and the requested size if the model accepts one."""

    def __init__(self, *outcomes: Outcome, seconds: float = 0) -> None:
        self.drawings: list[Drawing] = []
        self.refuses: Judge = lambda _drawing: None
        """Decides on failures that depend on the call."""
        self.fate = _Fate(outcomes)
        self._seconds = seconds

    async def draw(
        self, model: Model, inputs: Inputs, images: tuple[Blob, ...], *, reject_if_busy: bool = False
    ) -> Picture:
        """See `ImageModel.draw`."""
        drawing = Drawing(model, dict(inputs), images, reject_if_busy)
        self.drawings.append(drawing)
        number = len(self.drawings)
        await self.fate.next()
        if self._seconds:
            await asyncio.sleep(self._seconds)
        if refusal := self.refuses(drawing) or _refusal(drawing):
            try:
                raise refusal
            finally:
                del refusal  # otherwise the exception would keep itself alive
        width, height = (int(inputs.get(side, 1024)) for side in ("width", "height"))
        return painted(drawing.prompt, width, height, _mime(model), str(number))


@cache
def _published(name: str) -> dict[str, Any]:
    return dict(json.loads((ROOT / "dev" / "ai" / "models" / f"{name}.json").read_text()))


def file_of(model: Model) -> str:
    """The path of a model's published data below `dev/ai/models`."""
    return f"partners/{model.id.replace('/', '-')}" if model.partner else model.id.rsplit("/", 1)[-1]


def texts_of(partner: Partner, images: int) -> dict[str, Any]:
    """So many pictures, as inputs of another maker's model."""
    if not images or not partner.images:
        return {}
    picture = "data:image/png;base64,AAAA" if partner.images.data_urls else "AAAA"
    return {partner.images.field: [picture] * images if partner.images.as_list else picture}


def schema_refusal(model: Model, inputs: Inputs, images: int = 0) -> str | None:
    """Workers AI's error for inputs that the model's published schema does not allow."""
    whole = {**inputs, **{f"input_image_{index}": "" for index in range(images)}}
    schema = _published("flux-2-form") if model.multipart else _published(file_of(model))["schema"]["input"]
    if model.partner:
        whole = {**inputs, **texts_of(model.partner, images)}
        schema = {**schema, "additionalProperties": False}  # OpenAI's schema allows any property
    most = schema["properties"].get("prompt", {}).get("maxLength")
    if most and len(str(inputs["prompt"]).encode("utf-16-le")) > 2 * most:
        return "5006: prompt too long"  # counted as in JavaScript
    for error in jsonschema.Draft202012Validator(schema).iter_errors(whole):
        return f"5006: {error.message}"
    return None


def _refusal(drawing: Drawing) -> Exception | None:
    refusal = schema_refusal(drawing.model, drawing.inputs, len(drawing.images))
    try:
        side = 2048 if drawing.model.partner else 511
        if any(max(opened(image).size) > side for image in drawing.images):
            refusal = "3006: input image too large"
    except UNREADABLE:
        refusal = "3010: Invalid or incomplete input for the model: image cannot be decoded"
    return upstream.failure(refusal) if refusal else None


def _mime(model: Model) -> str:
    """The content type on the model's page. Models without one answer with JPEG."""
    published = _published(file_of(model))["schema"]["output"].get("contentType", "")
    return published if published in picture.EXTENSIONS else "image/jpeg"


class Rewriter:
    """`PromptRewriter`: always answers with the same text."""

    name = "@cf/a/writer"

    def __init__(self, answer: str = "A fluffy cat on a sofa", *outcomes: Outcome) -> None:
        self.answer = answer
        self.prompts: list[str] = []
        self.fate = _Fate(outcomes)

    def most(self, _prompt: str) -> Cost:
        """See `PromptRewriter.most`: always 20 neurons."""
        return of_neurons(2000)

    async def rewrite(self, prompt: str) -> Rewritten:
        """See `PromptRewriter.rewrite`: always costs 5 neurons."""
        self.prompts.append(prompt)
        await self.fate.next()
        return Rewritten(self.answer, of_neurons(500))


class Scissors:
    """`Resizer` over Pillow.

    Like Cloudflare's, it first turns a picture upright according to its EXIF data, and its results have no other
    orientation (developers.cloudflare.com/images/optimization/features, "metadata"; `autoOrient` in miniflare).
    """

    def __init__(self, *outcomes: Outcome) -> None:
        self.cuts: list[tuple[Size, str, int | None]] = []
        self.fits: list[tuple[int, str | None, int | None]] = []
        self.fate = _Fate(outcomes)

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        """See `Resizer.resize`."""
        self.cuts.append((size, mime, quality))
        await self.fate.next()
        image = ImageOps.fit(_readable(picture), (size.width, size.height))
        options = {} if quality is None else {"quality": quality}
        return _looked_at(encoded(image, mime, **options))

    async def fit_within(
        self, picture: Picture, side: int, mime: str | None = None, quality: int | None = None
    ) -> Picture:
        """See `Resizer.fit_within`."""
        self.fits.append((side, mime, quality))
        await self.fate.next()
        image = _readable(picture)
        image.thumbnail((side, side))
        options = {} if quality is None else {"quality": quality}
        return _looked_at(encoded(image, mime or picture.type, **options))


def _readable(picture: Picture) -> Image.Image:
    try:
        return ImageOps.exif_transpose(opened(picture))
    except UNREADABLE as error:
        raise ResizeFailed("9412: not an image") from error


def _looked_at(data: bytes) -> Picture:
    found = picture.look(Bytes(data))
    if found is None:
        raise ResizeFailed("the result is no picture")
    return found


class Shelf:
    """`PictureStore` over a dictionary."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.pictures: dict[str, tuple[Picture, int]] = {}
        """By identifier, each with the Unix time of its expiry."""
        self.fate = _Fate(outcomes)
        self.out_of_order = False
        """Whether reads fail."""
        self.read_seconds = 0.0
        self.reads = 0

    async def put(self, id: str, picture: Picture) -> None:
        """See `PictureStore.put`."""
        await self.fate.next()
        self.pictures[id] = (picture, max(expiry(id), int(time.time()) + KV_MIN_SECONDS))

    async def get(self, name: str) -> StoredPicture | None:
        """See `PictureStore.get`."""
        found = await self._found(name.partition(".")[0])
        return StoredPicture(found.type, Native(data_of(found.blob), found.blob.size)) if found else None

    async def read(self, id: str, max_bytes: int) -> Picture | None:
        """See `PictureStore.read`."""
        found = await self._found(id)
        if found and found.blob.size > max_bytes:
            raise TooLarge
        return found

    async def _found(self, id: str) -> Picture | None:
        self.reads += 1
        await asyncio.sleep(self.read_seconds)
        if self.out_of_order:
            raise StorageUnavailable("The store did not answer.", retry_after=5, detail="KV GET failed: 503")
        found, expires = self.pictures.get(id, (None, 0))
        return found if expires > time.time() else None


class Allowance:
    """`Limiter` that grants each key a number of pictures, once."""

    def __init__(self, pictures: int = 1000, *outcomes: Outcome, shortfall: str = "") -> None:
        self._pictures = pictures
        self.shortfall = shortfall
        self.spent: dict[str, int] = {}
        self.fate = _Fate(outcomes)

    async def allows(self, key: str, cost: int) -> bool:
        """See `Limiter.allows`."""
        await self.fate.next()
        spent = self.spent.get(key, 0)
        if spent >= self._pictures:
            return False
        self.spent[key] = spent + cost
        return True


class Tally:
    """`Ledger` over Python's SQLite."""

    def __init__(self, *outcomes: Outcome) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self.book = Book(self._run)
        self.asked = 0
        """Number of questions of any kind."""
        self.fate = _Fate(outcomes)

    def _run(self, statement: str, *values: Any) -> list[list[Any]]:
        return [list(row) for row in self._connection.execute(statement, values)]

    async def reserve(self, asked: Reservation) -> Answer:
        """See `Ledger.reserve`. The reservation is made whether or not its answer arrives."""
        self.asked += 1
        answer = self.book.reserve(time.time(), asked)
        await self.fate.next()
        return answer

    def count(self, asked: Reservation) -> None:
        """See `Ledger.count`."""
        self.asked += 1
        self.book.reserve(time.time(), asked)

    def settle(self, id: str, amounts: Amounts) -> None:
        """See `Ledger.settle`."""
        self.asked += 1
        self.book.settle(time.time(), id, amounts)

    async def usage(self, key: str) -> Usage:
        """See `Ledger.usage`."""
        self.asked += 1
        await self.fate.next()
        return self.book.usage(time.time(), key)

    @property
    def spent(self) -> float:
        """Today's neurons, of all keys."""
        return self.book.usage(time.time(), "").all_today.get("neurons", 0) / 100

    @property
    def unsettled(self) -> int:
        """Reservations that are not settled."""
        return int(self._run("SELECT count(*) FROM open")[0][0])


# --- time -----------------------------------------------------------------------------------------


class _SkippingSelector(selectors.DefaultSelector):
    """Instead of sleeping until the loop's next timer, this reports that the time has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """The events that are ready now. If there are none, advance the time to the next timer."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "every task waits for something that nobody will bring"
            self.seconds += timeout
        return ready


def skipping_loop() -> asyncio.AbstractEventLoop:
    """A loop with virtual time that starts at 0: a time-out of a minute passes at once."""
    selector = _SkippingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.seconds  # type: ignore[method-assign]
    return loop


# --- requests -------------------------------------------------------------------------------------


def form_of(fields: dict[str, str] | None = None, files: Iterable[tuple[str, bytes]] = ()) -> Form:
    """A form of texts and files, as if it had been read."""
    texts = [Part(name, None, None, Bytes(text.encode()), text) for name, text in (fields or {}).items()]
    return Form((*texts, *(Part(name, "file", None, Bytes(data)) for name, data in files)), decoder)


class Posted:
    """`flux.http.Body` over bytes."""

    def __init__(self, data: bytes, content_type: str = "") -> None:
        self._data = data
        self._content_type = content_type

    async def document(self, limit: int = MAX_TEXT) -> Document:
        """See `Body.document`."""
        data = self._within(limit)
        text, kept, places = b"", 0, dict[str, tuple[int, int]]()
        for start, end in embedded.find(Bytes(data)):
            places[f"#{start}"] = start, end
            text += data[kept:start] + f"#{start}".encode()
            kept = end
        return Document((text + data[kept:]).decode("utf-8-sig", "replace"), marked(Bytes(data), places, decoder))

    async def form(self, limit: int) -> Form:
        """See `Body.form`."""
        return forms.read(Bytes(self._within(limit)), self._content_type, decoder)

    async def discard(self) -> None:
        """See `Body.discard`: there is no connection."""

    def _within(self, limit: int) -> bytes:
        if len(self._data) > limit:
            raise body_too_large(limit)
        return self._data
