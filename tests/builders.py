"""Builders of requests, settings, plans and the service, so that a test states only what it is about."""

import asyncio
import json
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from flux import conversation, plan, settings
from flux.app import compose
from flux.call import Call
from flux.endpoints import drawing
from flux.endpoints.chat import parse
from flux.endpoints.chat.parse import ChatRequest
from flux.generation import GenerationRequest, Options, PictureSource
from flux.http import Native, Request, Response, Stream
from flux.picture import Picture
from flux.plan import Plan
from flux.ports import Ports
from flux.settings import Settings
from flux.text import Spliced, Text
from flux.trace import Trace
from tests import fakes
from tests.fakes import Allowance, Painter, Posted, Rewriter, Scissors, Shelf, Tally

NOW = 1_795_370_400
"""The time of day in tests: 2026-11-22 18:00:00 UTC, six hours before midnight."""

KEY = "the-key"
ORIGIN = "https://flux.example"
CHAT = "/v1/chat/completions"
GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"

SCHNELL = "@cf/black-forest-labs/flux-1-schnell"
FLUX_2 = "@cf/black-forest-labs/flux-2-dev"
KLEIN = "@cf/black-forest-labs/flux-2-klein-4b"
PHOENIX = "@cf/leonardo/phoenix-1.0"
SDXL = "@cf/stabilityai/stable-diffusion-xl-base-1.0"


# --- values ---------------------------------------------------------------------------------------


def settings_of(**variables: str) -> Settings:
    """Settings from variables; the defaults for those left out."""
    return settings.read(variables)


def generation_of(prompt: str = "A cat", **fields: Any) -> GenerationRequest:
    """A request with only a prompt. `fields` are fields of the request or of its options."""
    own = {name: fields.pop(name) for name in GenerationRequest.__slots__ if name in fields}
    return GenerationRequest(asked=prompt, prompt=prompt, options=Options(**fields), **own)


def plan_of(
    prompt: str = "A cat",
    *,
    variables: Mapping[str, str] | None = None,
    images: tuple[Picture, ...] = (),
    **fields: Any,
) -> Plan:
    """The plan of a request with `images` as its input pictures."""
    sources = tuple(PictureSource("image", blob=image.blob) for image in images)
    request, chosen = generation_of(prompt, sources=sources, **fields), settings.read(variables or {})
    return plan.make(request, chosen, plan.model_for(request, chosen), images)


def chat_of(content: Any = "A cat", **fields: Any) -> dict[str, Any]:
    """The body of a chat completion with `content` as its only message."""
    return {"model": SCHNELL, "messages": [{"role": "user", "content": content}], **fields}


def chat_request(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> ChatRequest:
    """A chat completion's body, parsed."""
    return parse.chat(body, headers or {})


def chat_generation(content: Any = "A cat", **fields: Any) -> GenerationRequest:
    """The request to draw in a chat completion with `content` as its only message."""
    return generation_of_body(chat_of(content, **fields))


def generation_of_body(body: Mapping[str, Any], *, follow_ups: bool = False) -> GenerationRequest:
    """The request to draw in the body of a chat completion."""
    request = chat_request(body)
    return conversation.generation(request.conversation, request.options, follow_ups=follow_ups)


def data_url(data: bytes, mime: str = "image/png") -> str:
    """A file as a data URL."""
    return f"data:{mime};base64,{fakes.sent(Spliced((fakes.Bytes(data),)))}"


def cases(name: str, values: Iterable[Any]) -> list[tuple[str, Any]]:
    """Rows of a parametrised test: one name with each of its values."""
    return [(name, value) for value in values]


async def planned(asked: GenerationRequest, **variables: str) -> Plan:
    """The plan of a request, with its pictures read as the endpoints read them."""
    services = Service(variables=variables).app.services
    call = Call(request(), services, Trace("id"))
    return await drawing.planned(call, asked, fakes.decoder)


# --- requests and answers -------------------------------------------------------------------------


def request(
    path: str = "/health",
    method: str = "GET",
    *,
    body: Posted | None = None,
    key: str | None = KEY,
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request as the edge passes it on: header names in lower case."""
    sent = {"authorization": f"Bearer {key}"} if key else {}
    return Request(
        method=method,
        origin=ORIGIN,
        path=path,
        query=query,
        headers=sent | {name.lower(): value for name, value in (headers or {}).items()},
        body=body or Posted(b""),
        background=asyncio.ensure_future,
    )


def posted(path: str, value: Any, headers: Mapping[str, str] | None = None, key: str | None = KEY) -> Request:
    """A POST request with JSON. Text is sent unchanged."""
    text = value if isinstance(value, str) else json.dumps(value)
    data = text.encode("utf-8", "surrogatepass")
    return request(
        path, "POST", body=Posted(data), key=key, headers={"content-type": "application/json", **(headers or {})}
    )


def form_posted(path: str, fields: Mapping[str, str], files: list[tuple[str, bytes]]) -> Request:
    """A POST request with a form, written by a real client."""
    by_client = httpx.Request(
        "POST", f"{ORIGIN}{path}", data=dict(fields), files=[(name, ("file", data)) for name, data in files]
    )
    content_type = by_client.headers["content-type"]
    return request(path, "POST", body=Posted(by_client.read(), content_type), headers={"content-type": content_type})


@dataclass(frozen=True)
class Answer:
    """A response that was read completely."""

    status: int
    headers: Mapping[str, str]
    text: str
    data: bytes = b""
    """The bytes of a body that belongs to the runtime."""

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        """Its error object, which must have exactly the contract's four fields."""
        assert self.json.keys() == {"error"}
        error = dict(self.json["error"])
        assert error.keys() == {"message", "type", "param", "code"}
        return error

    @property
    def content(self) -> str:
        """The text of a chat answer."""
        return str(self.json["choices"][0]["message"]["content"])

    @property
    def events(self) -> list[Any]:
        """The JSON of each event of a stream, without the event that ends it. The parser is deliberately simple."""
        lines = [line.removeprefix("data: ") for line in self.text.split("\n") if line.startswith("data: ")]
        assert lines[-1] == "[DONE]"
        return [json.loads(line) for line in lines[:-1]]


def stream_of(response: Response) -> AsyncGenerator[Text, None]:
    """The texts of a response's stream. Closing them closes the stream, as the edge does."""
    stream = response.body
    assert isinstance(stream, Stream)
    return ClosingTexts(stream)


class ClosingTexts(AsyncGenerator[Text, None]):
    """The texts of a stream. Closing them closes the stream, even if none was read."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._closed = False

    async def asend(self, value: None) -> Text:
        try:
            return await self._stream.texts.asend(value)
        except BaseException:
            await self.aclose()
            raise

    async def athrow(self, *raised: Any) -> Text:
        return await self._stream.texts.athrow(*raised)

    async def aclose(self) -> None:
        await self._stream.texts.aclose()
        if not self._closed:
            self._closed = True
            self._stream.close()


async def read(response: Response) -> Answer:
    """The response as a client reads it."""
    body: Any = response.body
    data = body.value if isinstance(body, Native) else b""
    if isinstance(body, str | Spliced):
        text = fakes.sent(body)
    elif body is None or isinstance(body, Native):
        text = ""
    else:
        text = "".join([fakes.sent(piece) async for piece in stream_of(response)])
    return Answer(response.status, response.headers, text, data)


# --- the service ----------------------------------------------------------------------------------


class Service:
    """The whole app with in-memory ports, which a test can pass in and inspect afterwards."""

    def __init__(
        self,
        *,
        variables: Mapping[str, str] | None = None,
        painter: Painter | None = None,
        writer: Rewriter | None = None,
        resizer: Scissors | None = None,
        store: Shelf | None = None,
        limiter: Allowance | None = None,
        tally: Tally | None = None,
        unbound: Collection[str] = (),
    ) -> None:
        """`unbound` names the ports that the deployment does not have."""
        self.painter = painter or Painter()
        self.writer = writer or Rewriter()
        self.resizer = resizer or Scissors()
        self.store = store or Shelf()
        self.limiter = limiter or Allowance()
        self.tally = tally or Tally()
        self.lines: list[str] = []
        """The log as written."""
        ports = Ports(
            model=lambda _settings: None if "model" in unbound else self.painter,
            rewriter=lambda _settings: None if "rewriter" in unbound else self.writer,
            resizer=None if "resizer" in unbound else self.resizer,
            store=None if "store" in unbound else self.store,
            limiter=None if "limiter" in unbound else self.limiter,
            ledger=None if "ledger" in unbound else lambda _background: self.tally,
        )
        self.app = compose({"API_KEY": KEY, **(variables or {})}, ports, self.lines.append)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of the log, each a JSON object."""
        return [json.loads(line) for line in self.lines]

    async def ask(self, wanted: Request) -> Answer:
        """The response to a request, read completely."""
        return await read(await self.app(wanted))

    async def get(self, path: str, **options: Any) -> Answer:
        """The response to a GET request."""
        return await self.ask(request(path, **options))

    async def post(self, path: str, value: Any, **options: Any) -> Answer:
        """The response to a POST request with JSON."""
        return await self.ask(posted(path, value, **options))

    async def chat(self, content: Any = "A cat", **fields: Any) -> Answer:
        """The response to a chat completion."""
        return await self.post(CHAT, chat_of(content, **fields))

    async def generate(self, prompt: Any = "A cat", **fields: Any) -> Answer:
        """The response to an image generation."""
        return await self.post(GENERATIONS, {"prompt": prompt, **fields})

    async def open(self, url: str) -> Answer:
        """The response to opening a picture's link, as a browser does, without an API key."""
        return await self.ask(request(url.removeprefix(ORIGIN), key=None))


def texts(*pieces: Text) -> str:
    """The pieces joined, as they are sent."""
    return "".join(map(fakes.sent, pieces))
