"""The bindings in workerd pass the contract tests, as the in-memory ports do in tests/unit/test_contracts.py."""

import base64
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from typing import Any

import httpx
import pytest

from dev import ROOT, serve
from flux import errors, ports
from flux.catalog import Model
from flux.errors import UpstreamFailure
from flux.http import Native
from flux.ledger import Amounts, Answer, Reservation, Usage
from flux.picture import Picture
from flux.ports import Inputs, Rewritten, StoredPicture
from flux.prices import Cost
from flux.sizes import Size
from flux.text import Blob
from tests.contracts import image_model, ledger, limiter, picture_store, prompt_rewriter, resizer
from tests.fakes import Bytes, data_of
from tests.worker.conftest import limited_to
from tests.worker.service import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def probe(stand_in: serve.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Worker whose ports can be called over HTTP."""
    folder = tmp_path_factory.mktemp("contracts")
    source = shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    main = shutil.copy(ROOT / "tests" / "contracts" / "probe.py", source)
    changes = {"main": str(main), **limited_to(limiter.PICTURES)}
    with serve.start(folder / "worker", ai=stand_in, changes=changes) as server:
        yield server.url


class Remote:
    """The ports at an address."""

    name = "remote"

    def __init__(self, url: str) -> None:
        self._url = url
        self.shortfall = ""
        self._told: list[tuple[str, dict[str, Any]]] = []
        """Questions for the ledger that are sent with the next one, in one request."""

    async def put(self, id: str, picture: Picture) -> None:
        await self._call("put", picture, id=id)

    async def get(self, name: str) -> StoredPicture | None:
        found = await self._call("get", name=name)
        if found is None:
            return None
        mime, size = found.headers["x-picture"].split()
        return StoredPicture(mime, Native(found.content, int(size)))

    async def read(self, id: str, max_bytes: int) -> Picture | None:
        found = await self._call("read", id=id, max_bytes=max_bytes)
        return None if found is None else _picture(found)

    async def resize(self, picture: Picture, size: Size, mime: str, quality: int | None = None) -> Picture:
        chosen = {} if quality is None else {"quality": quality}
        return await self._drawn("resize", picture, to_width=size.width, to_height=size.height, mime=mime, **chosen)

    async def fit_within(
        self, picture: Picture, side: int, mime: str | None = None, quality: int | None = None
    ) -> Picture:
        chosen = {name: value for name, value in (("mime", mime), ("quality", quality)) if value is not None}
        return await self._drawn("fit_within", picture, side=side, **chosen)

    async def draw(
        self, model: Model, inputs: Inputs, images: tuple[Blob, ...], *, reject_if_busy: bool = False
    ) -> Picture:
        assert not reject_if_busy
        encoded = [base64.b64encode(data_of(image)).decode() for image in images]
        asked = {"model": model.id, "inputs": inputs, "images": encoded}
        found = await self._call("draw", body=asked)
        assert found is not None
        return _picture(found)

    def most(self, prompt: str) -> Cost:
        answer = httpx.post(f"{self._url}/rewrite", params={"prompt": prompt}, timeout=PATIENCE_SECONDS)
        return Cost(**answer.json()["most"])

    async def rewrite(self, prompt: str) -> Rewritten:
        answer = await self._json("rewrite", prompt=prompt)
        return Rewritten(answer["text"], Cost(**answer["cost"]))

    async def allows(self, key: str, cost: int) -> bool:
        allowed, self.shortfall = await self._json("allows", key=key, cost=cost)
        return bool(allowed)

    async def reserve(self, asked: Reservation) -> Answer:
        return Answer(**await self._asked("reserve", asdict(asked)))

    def count(self, asked: Reservation) -> None:
        self._told.append(("count", asdict(asked)))

    def settle(self, id: str, amounts: Amounts) -> None:
        self._told.append(("settle", {"id": id, "amounts": amounts}))

    async def usage(self, key: str) -> Usage:
        return Usage(**await self._asked("usage", {"key": key}))

    async def _asked(self, kind: str, arguments: dict[str, Any]) -> Any:
        told, self._told = self._told, []
        return await self._json("ledger", body=[*told, (kind, arguments)])

    async def _json(self, operation: str, **arguments: Any) -> Any:
        found = await self._call(operation, **arguments)
        assert found is not None
        return found.json()

    async def _drawn(self, operation: str, picture: Picture, **arguments: Any) -> Picture:
        found = await self._call(operation, picture, **arguments)
        assert found is not None
        return _picture(found)

    async def _call(
        self, operation: str, picture: Picture | None = None, body: object = None, **arguments: Any
    ) -> httpx.Response | None:
        """The response; None for a 404. Raises the exception that the port raised."""
        params = arguments
        if picture:
            params |= {"type": picture.type, "width": picture.width, "height": picture.height}
        data = data_of(picture.blob) if picture else json.dumps(body).encode()
        async with httpx.AsyncClient(base_url=self._url, timeout=PATIENCE_SECONDS) as client:
            answer = await client.post(f"/{operation}", params=params, content=data)
        if answer.status_code == 404:
            return None
        if answer.status_code == 422:
            raise _raised(answer.text)
        assert answer.status_code == 200, answer.text
        return answer


def _raised(name: str) -> Exception:
    kind = getattr(ports, name, None) or getattr(errors, name)
    raised: Exception = kind("") if issubclass(kind, UpstreamFailure) else kind()
    return raised


def _picture(found: httpx.Response) -> Picture:
    mime, *numbers = found.headers["x-picture"].split()
    width, height, orientation = map(int, numbers)
    return Picture(mime, width, height, Bytes(found.content), orientation)


BINDINGS = {
    "AI": (*image_model.PROMISES, *prompt_rewriter.PROMISES),
    "IMAGES": resizer.PROMISES,
    "FLUX_CF_KV": picture_store.PROMISES,
    "RATE_LIMITER": limiter.PROMISES,
    "LEDGER": ledger.PROMISES,
}


@pytest.mark.parametrize(
    "promise",
    [
        pytest.param(promise, id=f"{binding}-{promise.__name__}")
        for binding, promises in BINDINGS.items()
        for promise in promises
    ],
)
async def test_a_binding_keeps_the_promises_of_its_port(probe: str, promise: Callable[[Any], Awaitable[None]]) -> None:
    await promise(Remote(probe))
