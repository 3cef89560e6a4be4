"""KV and Images in workerd keep the promises of the ports, which tests/unit/test_contracts.py holds their twins to."""

import shutil
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from dev import ROOT, serve
from flux import ports
from flux.http import Native
from flux.picture import Picture
from flux.ports import PictureStore, Resizer, StoredPicture
from flux.sizes import Size
from tests.contracts import picture_store, resizer
from tests.fakes import Bytes, data_of
from tests.worker.service import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def probe(stand_in: serve.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Worker whose ports can be called."""
    folder = tmp_path_factory.mktemp("contracts")
    source = shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    main = shutil.copy(ROOT / "tests" / "contracts" / "probe.py", source)
    with serve.start(folder / "worker", ai=stand_in, changes={"main": str(main)}) as server:
        yield server.url


class Remote:
    """The ports behind an address."""

    def __init__(self, url: str) -> None:
        self._url = url

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

    async def _drawn(self, operation: str, picture: Picture, **arguments: Any) -> Picture:
        found = await self._call(operation, picture, **arguments)
        assert found is not None
        return _picture(found)

    async def _call(self, operation: str, picture: Picture | None = None, **arguments: Any) -> httpx.Response | None:
        """The answer; None where there is nothing. Raises what the port raised."""
        params = arguments
        if picture:
            params |= {"type": picture.type, "width": picture.width, "height": picture.height}
        data = data_of(picture.blob) if picture else b""
        async with httpx.AsyncClient(base_url=self._url, timeout=PATIENCE_SECONDS) as client:
            answer = await client.post(f"/{operation}", params=params, content=data)
        if answer.status_code == 404:
            return None
        if answer.status_code == 422:
            raise getattr(ports, answer.text)
        assert answer.status_code == 200, answer.text
        return answer


def _picture(found: httpx.Response) -> Picture:
    mime, *numbers = found.headers["x-picture"].split()
    width, height, orientation = map(int, numbers)
    return Picture(mime, width, height, Bytes(found.content), orientation)


@pytest.mark.parametrize("promise", picture_store.PROMISES, ids=lambda promise: promise.__name__)
async def test_kv_keeps_the_promises_of_the_store(
    probe: str, promise: Callable[[PictureStore], Awaitable[None]]
) -> None:
    await promise(Remote(probe))


@pytest.mark.parametrize("promise", resizer.PROMISES, ids=lambda promise: promise.__name__)
async def test_the_images_binding_keeps_the_promises_of_the_resizer(
    probe: str, promise: Callable[[Resizer], Awaitable[None]]
) -> None:
    await promise(Remote(probe))
