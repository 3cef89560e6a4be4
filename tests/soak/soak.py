"""A soak test: many concurrent callers for a long time, with faults, and everything counted on both sides."""

import asyncio
import base64
import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from tests import written
from tests.worker.service import comment, decoded, deltas, events, links
from tests.workerd import Workerd

CHAT, GENERATIONS, EDITS = "/v1/chat/completions", "/v1/images/generations", "/v1/images/edits"
DEPLOYMENT = "soak"
OK, LEFT, LOST = "ok", "left", "lost"
"""Outcomes of a generation besides errors: a picture, or nothing because the caller or the Worker is gone."""
CLIENTS = 16
ONE_IN = 10
"""One generation in this many has a fault."""
SIZED = "lucid-origin"
"""A model that accepts a size; flux-1-schnell always draws 1024x1024."""
EDITING = "flux-2-klein-4b"
"""A model that accepts pictures and a size."""


def _photo() -> bytes:
    """A picture of the largest size that models accept, about 700 KB, which no encoder makes smaller."""
    file = io.BytesIO()
    Image.effect_noise((500, 480), 100).convert("RGB").save(file, "PNG")
    return file.getvalue()


PHOTO = _photo()
PHOTO_PART = {
    "type": "image_url",
    "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PHOTO).decode()}"},
}


@dataclass(frozen=True)
class Fault:
    """One kind of fault: its mark and its outcome."""

    mark: str
    code: str
    """The error's code; "" if a picture is drawn in spite of it."""
    calls: tuple[str, ...]
    """The outcomes in the stand-in's ledger."""


FAULTS = (
    Fault("[[fault 3030]]", "content_policy_violation", ("3030",)),
    Fault("[[fault 3036]]", "insufficient_quota", ("3036",)),
    Fault("[[fault 3040]]", "model_overloaded", ("3040",) * 3),
    Fault("[[fault 3040 x1]]", "", ("3040", "ok")),
    Fault("[[fault text upstream connect error]]", "upstream_error", ("text",)),
    Fault("[[answer html]]", "upstream_error", ("ok",)),
    Fault("[[put 500]]", "", ("ok",)),
    Fault("[[delay 20s]]", "", ("aborted",)),
)
LEAVES = FAULTS[-1]
"""The caller's fault: it leaves after the stream has opened."""


@dataclass(frozen=True)
class Generation:
    """One request."""

    number: int
    prompt: str
    path: str
    fields: dict[str, Any]
    size: str
    n: int
    fault: Fault | None
    photo: bool = False
    """Whether the request has an input picture: in a chat after others, or in a form written by .NET."""

    @property
    def verdict(self) -> str:
        """The expected outcome: OK, the code of an error, or LEFT."""
        if self.fault is LEAVES:
            return LEFT
        return (self.fault and self.fault.code) or OK


@dataclass
class Tally:
    """What the callers saw."""

    answers: Counter[str] = field(default_factory=Counter)
    """OK, LEFT, LOST, or the code of an error."""
    links: dict[str, str] = field(default_factory=dict)
    """All URLs that were returned, with the digest of the content, "" if not opened yet."""
    refused: int = 0
    """Pictures that were sent as data URLs because KV refused them."""
    pictures: int = 0
    """Pictures in answers that were OK."""
    calls: Counter[str] = field(default_factory=Counter)
    """The calls that the ledger must have, by outcome."""
    wrong: list[str] = field(default_factory=list)
    """Failed checks."""


def generations(count: int, seed: int) -> list[Generation]:
    """Generations, reproducible by seed: every tenth one has a fault, and the kinds are mixed at random."""
    chance = random.Random(seed)  # noqa: S311 - reproducible on purpose
    return [_generation(number, chance, faulty=number % ONE_IN == 0) for number in range(count)]


def _generation(number: int, chance: random.Random, *, faulty: bool) -> Generation:
    fault = FAULTS[number // ONE_IN % len(FAULTS)] if faulty else None
    size = chance.choice(("1024x1024", "768x512", "512x768", "640x640"))
    photo = fault is None and chance.random() < 0.2
    model = EDITING if photo else "flux-1-schnell" if size == "1024x1024" else SIZED
    n = 2 if fault is None and chance.random() < 0.1 else 1
    path = chance.choice((CHAT, CHAT, EDITS if photo else GENERATIONS))
    fields: dict[str, Any] = {"model": model, "n": n, **_shape(size, chance, is_json=path != EDITS)}
    if chance.random() < 0.3:
        fields["seed"] = chance.choice((-1, "-1", 2**63 - 1))
    if fault is LEAVES or (fault is None and chance.random() < 0.4):
        fields["stream"] = True
    elif path != CHAT:
        fields["response_format"] = chance.choice(("url", "b64_json", None))
    words = " ".join(chance.choices(WORDS, k=3))
    prompt = f"{words} number {number}. {fault.mark if fault else ''}".strip()
    sent = {key: value for key, value in fields.items() if value is not None}
    return Generation(number, prompt, path, sent, size, n, fault, photo)


WORDS = ("cat", "château", "猫", "тень", "🦊", "a quiet lake", "neon", "```", "<!--", "`x", "**b", "<img src=x>", "\\")
"""Some are markup, which must be shown literally."""


def _shape(size: str, chance: random.Random, *, is_json: bool) -> dict[str, Any]:
    """The size in one of the names that clients use; if it has a ratio, possibly as that."""
    width, height = map(int, size.split("x"))
    names: list[dict[str, Any]] = [{"size": size}, {"width": width, "height": str(height)}]
    if ratio := {"1024x1024": "1:1", "768x512": "3:2"}.get(size):
        names += [{"aspect_ratio": ratio, "size": "auto"}]
        names += [{"image_config": {"aspect_ratio": ratio}}] if is_json else []
    return chance.choice(names)


# --- the callers ----------------------------------------------------------------------------------


async def draw(
    bare: Workerd,
    wanted: list[Generation],
    tally: Tally,
    *,
    every: Callable[[int], None] | None = None,
    crash_after: int | None = None,
) -> None:
    """Request all generations, `CLIENTS` at a time. After `crash_after` answers the Worker is killed and restarted.

    `every` is called from time to time with the number of answers.
    """
    queue = iter(wanted)
    answered = 0
    up = asyncio.Event()
    up.set()

    async def client() -> None:
        nonlocal answered
        async with bare.caller(DEPLOYMENT) as caller:
            for generation in queue:
                await up.wait()
                await _ask(caller, generation, tally)
                answered += 1
                if every:
                    every(answered)
                if answered == crash_after:
                    up.clear()
                    await asyncio.to_thread(bare.crash)
                    up.set()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _ask(caller: httpx.AsyncClient, generation: Generation, tally: Tally) -> None:
    try:
        if generation.fault is LEAVES:
            await _leave(caller, generation)
            tally.answers[LEFT] += 1
            tally.calls.update(LEAVES.calls)
            return
        response = await caller.post(generation.path, **_sent(generation))
        await _count(caller, generation, response, tally)
    except (httpx.TransportError, httpx.StreamError):
        tally.answers[LOST] += 1


def _sent(generation: Generation) -> dict[str, Any]:
    """The body, in the form that `httpx` takes."""
    if generation.path == EDITS:
        fields = {"prompt": generation.prompt, **generation.fields}
        texts: list[written.Field] = [(name, None, None, _in_form(value)) for name, value in fields.items()]
        content_type, body = written.FORMS[".NET"]([("image", "猫.png", "image/png", PHOTO), *texts])
        return {"content": body, "headers": {"content-type": content_type}}
    if generation.path == GENERATIONS:
        return {"json": {"prompt": generation.prompt, **generation.fields}}
    asking: dict[str, Any] = {"role": "user", "content": generation.prompt}
    earlier: list[dict[str, Any]] = []
    if generation.photo:
        asking["content"] = [{"type": "text", "text": generation.prompt}, PHOTO_PART]
        earlier = [{"role": "user", "content": ["a dog", PHOTO_PART, PHOTO_PART]}]
    return {"json": {"messages": [*earlier, asking], **generation.fields}}


def _in_form(value: object) -> bytes:
    return (json.dumps(value) if isinstance(value, bool) else str(value)).encode()


async def _leave(caller: httpx.AsyncClient, generation: Generation) -> None:
    async with caller.stream("POST", generation.path, **_sent(generation)) as response:
        async for _ in response.aiter_raw():
            break


async def _count(caller: httpx.AsyncClient, generation: Generation, response: httpx.Response, tally: Tally) -> None:
    fault, verdict = generation.fault, _verdict(response)
    tally.calls.update(fault.calls if fault else ("ok",) * generation.n)
    tally.answers[verdict] += 1
    if verdict != generation.verdict:
        tally.wrong.append(f"{generation}: {response.status_code} {response.text[:300]}")
    elif verdict == OK:
        pictures = _pictures(generation, response)
        tally.pictures += len(pictures)
        if len(pictures) != generation.n:
            tally.wrong.append(f"{generation}: {len(pictures)} pictures")
        for url, carried in pictures:
            await _see(caller, generation, url, carried, tally)


def _verdict(response: httpx.Response) -> str:
    """The outcome according to the answer: OK, or the code of its error, in the stream or not."""
    if not response.headers["content-type"].startswith("text/event-stream"):
        return OK if response.status_code == 200 else str(response.json()["error"]["code"])
    found = [json.loads(data) for data in events(response.text) if data != "[DONE]"]
    return next((str(event["error"]["code"]) for event in found if "error" in event), OK)


Place = tuple[str | None, str | None]
"""The locations of a picture: its URL and its base64."""


def _pictures(generation: Generation, response: httpx.Response) -> list[Place]:
    streamed = "stream" in generation.fields
    if generation.path == CHAT:
        text = (
            deltas(response.text)
            if streamed
            else "".join(choice["message"]["content"] for choice in response.json()["choices"])
        )
        return [(url, None) for url in links(text)]
    items = [json.loads(data) for data in events(response.text) if data != "[DONE]"] if streamed else None
    return [(item.get("url"), item.get("b64_json")) for item in items or response.json()["data"]]


async def _see(
    caller: httpx.AsyncClient, generation: Generation, url: str | None, carried: str | None, tally: Tally
) -> None:
    """Open a picture at all its locations and check that it is the requested one."""
    found = [base64.b64decode(carried)] if carried else []
    if url and url.startswith("data:"):
        tally.refused += 1
        found.append(base64.b64decode(url.partition(",")[2]))
    elif url:
        tally.links[url] = ""
        response = await caller.get(url)
        if response.status_code != 200:
            tally.wrong.append(f"{generation}: {url} {response.status_code}")
            return
        tally.links[url] = digest(response.content)
        found.append(response.content)
    if len(set(found)) != 1:
        tally.wrong.append(f"{generation}: {len(set(found))} different pictures in one item")
    picture = await asyncio.to_thread(decoded, found[0])
    told = comment(picture)
    if told["prompt"] != generation.prompt or f"{picture.width}x{picture.height}" != generation.size:
        tally.wrong.append(f"{generation}: a picture of {told['prompt']!r}, {picture.size}")


async def spent(bare: Workerd) -> float:
    """Today's neurons according to the ledger."""
    async with bare.caller(DEPLOYMENT) as caller:
        return float((await caller.get("/v1/usage")).json()["deployment"]["today"]["neurons"])


def digest(picture: bytes) -> str:
    """Identifies a picture's content."""
    return hashlib.sha256(picture).hexdigest()


async def look_again(bare: Workerd, tally: Tally) -> int:
    """Open all links that were returned; returns how many still lead to the same picture."""
    async with bare.caller(DEPLOYMENT, connections=CLIENTS) as caller:

        async def same(url: str) -> bool:
            response = await caller.get(url)
            return response.status_code == 200 and tally.links[url] in ("", digest(response.content))

        room = asyncio.Semaphore(CLIENTS)

        async def in_turn(url: str) -> bool:
            async with room:
                return await same(url)

        return sum(await asyncio.gather(*map(in_turn, tally.links)))
