"""Requests, settings, plans and the whole service, with sane defaults, so that a test says only what it is about."""

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
    """A request with nothing chosen but the prompt; `fields` are its own or its options'."""
    own = {name: fields.pop(name) for name in GenerationRequest.__slots__ if name in fields}
    return GenerationRequest(asked=prompt, prompt=prompt, options=Options(**fields), **own)


def plan_of(
    prompt: str = "A cat",
    *,
    variables: Mapping[str, str] | None = None,
    images: tuple[Picture, ...] = (),
    **fields: Any,
) -> Plan:
    """The plan of a request that is about `images`."""
    sources = tuple(PictureSource("image", blob=image.blob) for image in images)
    return plan.make(generation_of(prompt, sources=sources, **fields), settings.read(variables or {}), images)


def chat_of(content: Any = "A cat", **fields: Any) -> dict[str, Any]:
    """The body of a chat completion whose one message is `content`."""
    return {"model": SCHNELL, "messages": [{"role": "user", "content": content}], **fields}


def chat_request(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> ChatRequest:
    """A chat completion's body, parsed."""
    return parse.chat(body, headers or {})


def chat_generation(content: Any = "A cat", **fields: Any) -> GenerationRequest:
    """What the body of a chat completion asks for, whose one message is `content`."""
    return generation_of_body(chat_of(content, **fields))


def generation_of_body(body: Mapping[str, Any], *, follow_ups: bool = False) -> GenerationRequest:
    """What the body of a chat completion asks for."""
    request = chat_request(body)
    return conversation.generation(request.conversation, request.options, follow_ups=follow_ups)


def data_url(data: bytes, mime: str = "image/png") -> str:
    """A file as a data URL."""
    return f"data:{mime};base64,{fakes.sent(Spliced((fakes.Bytes(data),)))}"


def cases(name: str, values: Iterable[Any]) -> list[tuple[str, Any]]:
    """Rows of a table: one name with each of its values."""
    return [(name, value) for value in values]


async def planned(asked: GenerationRequest, **variables: str) -> Plan:
    """The plan of a request, its pictures read as the endpoints read them."""
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
    """A request as the edge hands it over: header names in lower case."""
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
    """A POST of JSON; text is sent as it is."""
    text = value if isinstance(value, str) else json.dumps(value)
    data = text.encode("utf-8", "surrogatepass")
    return request(
        path, "POST", body=Posted(data), key=key, headers={"content-type": "application/json", **(headers or {})}
    )


def form_posted(path: str, fields: Mapping[str, str], files: list[tuple[str, bytes]]) -> Request:
    """A POST of a form, written by a real client."""
    by_client = httpx.Request(
        "POST", f"{ORIGIN}{path}", data=dict(fields), files=[(name, ("file", data)) for name, data in files]
    )
    content_type = by_client.headers["content-type"]
    return request(path, "POST", body=Posted(by_client.read(), content_type), headers={"content-type": content_type})


@dataclass(frozen=True)
class Answer:
    """A response that was read to its end."""

    status: int
    headers: Mapping[str, str]
    text: str
    data: bytes = b""
    """Of a body of the runtime's own."""

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        """Its error object, which has the four fields of the contract and no more."""
        assert self.json.keys() == {"error"}
        error = dict(self.json["error"])
        assert error.keys() == {"message", "type", "param", "code"}
        return error

    @property
    def content(self) -> str:
        """What a chat answer says."""
        return str(self.json["choices"][0]["message"]["content"])

    @property
    def events(self) -> list[Any]:
        """The JSON of each event of a stream but its end, read as simply as can be."""
        lines = [line.removeprefix("data: ") for line in self.text.split("\n") if line.startswith("data: ")]
        assert lines[-1] == "[DONE]"
        return [json.loads(line) for line in lines[:-1]]


def stream_of(response: Response) -> AsyncGenerator[Text, None]:
    """The texts of a response's stream, which is closed with them as the edge closes it."""
    stream = response.body
    assert isinstance(stream, Stream)
    return ClosingTexts(stream)


class ClosingTexts(AsyncGenerator[Text, None]):
    """The texts of a stream; closing them closes the stream, also where none was taken."""

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
    """The answer that a client reads."""
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
    """The whole app over the twins, which a test may hand in and look at afterwards."""

    def __init__(
        self,
        *,
        variables: Mapping[str, str] | None = None,
        painter: Painter | None = None,
        writer: Rewriter | None = None,
        resizer: Scissors | None = None,
        gallery: Shelf | None = None,
        limiter: Allowance | None = None,
        tally: Tally | None = None,
        unbound: Collection[str] = (),
    ) -> None:
        """`unbound` names the ports that the deployment has not got."""
        self.painter = painter or Painter()
        self.writer = writer or Rewriter()
        self.resizer = resizer or Scissors()
        self.gallery = gallery or Shelf()
        self.limiter = limiter or Allowance()
        self.tally = tally or Tally()
        self.lines: list[str] = []
        """The log as it was written."""
        ports = Ports(
            model=lambda _settings: None if "model" in unbound else self.painter,
            rewriter=lambda _settings: None if "rewriter" in unbound else self.writer,
            resizer=None if "resizer" in unbound else self.resizer,
            store=None if "store" in unbound else self.gallery,
            limiter=None if "limiter" in unbound else self.limiter,
            ledger=None if "ledger" in unbound else lambda _background: self.tally,
        )
        self.app = compose({"API_KEY": KEY, **(variables or {})}, ports, self.lines.append)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log's lines, each one JSON object."""
        return [json.loads(line) for line in self.lines]

    async def ask(self, wanted: Request) -> Answer:
        """The answer to a request, read to its end."""
        return await read(await self.app(wanted))

    async def get(self, path: str, **options: Any) -> Answer:
        """The answer to a GET."""
        return await self.ask(request(path, **options))

    async def post(self, path: str, value: Any, **options: Any) -> Answer:
        """The answer to a POST of JSON."""
        return await self.ask(posted(path, value, **options))

    async def chat(self, content: Any = "A cat", **fields: Any) -> Answer:
        """The answer to a chat completion."""
        return await self.post(CHAT, chat_of(content, **fields))

    async def generate(self, prompt: Any = "A cat", **fields: Any) -> Answer:
        """The answer to an image generation."""
        return await self.post(GENERATIONS, {"prompt": prompt, **fields})

    async def open(self, url: str) -> Answer:
        """What a browser finds behind a link of ours, which is no secret but the key in it."""
        return await self.ask(request(url.removeprefix(ORIGIN), key=None))


def texts(*pieces: Text) -> str:
    """The pieces as they are sent."""
    return "".join(map(fakes.sent, pieces))
