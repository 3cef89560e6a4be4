"""`GET` and `HEAD /image/{key}`: the stored picture until it expires."""

import asyncio

import pytest

from flux import picture
from flux.absent import NoPictureStore
from tests.builders import NOW, Answer, Service, request
from tests.fakes import Shelf, encoded, opened, painted

pytestmark = pytest.mark.usefixtures("clock")

LIFE = 1800
BYTES = encoded(opened(painted("A cat", 300, 200)), "image/webp")


class StoredPicture:
    """A service with one stored picture."""

    def __init__(self, mime: str = "image/webp") -> None:
        self.store = Shelf()
        self.service = Service(store=self.store)
        id = picture.new_id(NOW + LIFE)
        self.key = picture.file_name(id, mime)
        self.store.pictures[id] = (painted("A cat", 300, 200, mime), NOW + LIFE)

    async def ask(self, method: str = "GET", query: str = "", **headers: str) -> Answer:
        """The answer to a browser, which has no API key."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.service.ask(request(f"/image/{self.key}", method, key=None, query=query, headers=named))


@pytest.mark.parametrize("mime", picture.EXTENSIONS)
async def test_the_bytes_come_with_the_type_that_they_are(mime: str) -> None:
    kept = StoredPicture(mime)
    answer = await kept.ask()
    assert answer.status == 200
    assert answer.headers["content-type"] == mime
    assert answer.headers["content-length"] == str(len(answer.data))
    assert opened(answer.data).size == (300, 200)
    assert answer.headers["content-disposition"] == f'inline; filename="{kept.key}"'


async def test_a_cache_may_keep_it_as_long_as_it_lives_and_no_longer() -> None:
    kept = StoredPicture()
    assert (await kept.ask()).headers["cache-control"] == "public, max-age=1800, must-revalidate, immutable"
    await asyncio.sleep(LIFE - 1)
    assert (await kept.ask()).headers["cache-control"] == "public, max-age=1, must-revalidate, immutable"
    await asyncio.sleep(1)
    assert (await kept.ask()).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("query", ["download", "download=1", "x=1&download", "download="])
async def test_a_download_is_an_attachment_with_a_file_name(query: str) -> None:
    kept = StoredPicture()
    answer = await kept.ask(query=query)
    assert answer.headers["content-disposition"] == f'attachment; filename="{kept.key}"'


@pytest.mark.parametrize("query", ["", "downloads", "x=download", "nodownload=1"])
async def test_any_other_query_changes_nothing(query: str) -> None:
    assert (await StoredPicture().ask(query=query)).headers["content-disposition"].startswith("inline;")


async def test_head_tells_what_get_would_send() -> None:
    kept = StoredPicture()
    head, get = await kept.ask("HEAD"), await kept.ask()
    assert (head.status, head.data) == (200, b"")
    own = {"x-request-id", "server-timing"}
    assert {k: v for k, v in head.headers.items() if k not in own} == {
        k: v for k, v in get.headers.items() if k not in own
    }


@pytest.mark.parametrize("written", ["{}", "W/{}", '"other", {}', '"other",W/{} , "x"', '{}, "a,b"', "*"])
async def test_who_has_it_already_is_told_so(written: str) -> None:
    """RFC 9110, 13.1.2: a list, compared weakly; `*` matches any picture."""
    kept = StoredPicture()
    etag = (await kept.ask()).headers["etag"]
    answer = await kept.ask(if_none_match=written.format(etag))
    assert (answer.status, answer.text, answer.data) == (304, "", b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["cache-control"] == "public, max-age=1800, must-revalidate, immutable"
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("written", ["", '"other"', "{bare}", 'w/"{bare}"', '"{bare}x"', 'W/"other"'])
async def test_who_has_another_one_is_sent_this_one(written: str) -> None:
    kept = StoredPicture()
    assert (await kept.ask(if_none_match=written.format(bare=kept.key))).status == 200


async def test_the_etag_is_strong_and_of_this_picture_alone() -> None:
    one, other = [(await StoredPicture().ask()).headers["etag"] for _ in range(2)]
    assert one.startswith('"')
    assert one.endswith('"')
    assert one != other


# --- expired --------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["", "*/*", "text/html,application/xhtml+xml,image/avif", "application/json"])
async def test_a_picture_that_is_gone_is_a_404_that_no_cache_keeps(accept: str) -> None:
    kept = StoredPicture()
    await asyncio.sleep(LIFE)
    answer = await kept.ask(accept=accept)
    assert (answer.status, answer.error["code"]) == (404, "picture_expired")
    assert kept.store.reads == 0  # its name contains the expiry
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


@pytest.mark.parametrize("accept", ["image/avif,image/webp,*/*;q=0.8", "image/*"])
async def test_an_img_is_shown_that_its_picture_is_gone(accept: str) -> None:
    """It is still a 404 that is not cached. The picture contains no scripts, however it is opened."""
    kept = StoredPicture()
    await asyncio.sleep(LIFE)
    answer = await kept.ask(accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (404, "image/svg+xml")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.text.startswith("<svg ")
    assert "expired" in answer.text
    assert "<script" not in answer.text
    assert kept.service.log[0]["error"] == "picture_expired"


@pytest.mark.parametrize(
    "key",
    ["", "x", "a" * 26, f"{'a' * 22}.svg", f"{'a' * 22}.jpg.jpg", "..%2F..%2Fsecret", "%00", f"{'a' * 22}%2Ejpg/x"],
)
async def test_what_cannot_be_a_key_is_a_404_without_a_look_up(key: str) -> None:
    store = Shelf()
    answer = await Service(store=store).get(f"/image/{key}", key=None)
    assert answer.status == 404
    assert store.reads == 0


async def test_a_key_that_never_was_is_looked_for_once() -> None:
    store = Shelf()
    answer = await Service(store=store).get(f"/image/{picture.new_id(NOW + LIFE)}.png", key=None)
    assert (answer.status, answer.error["code"], store.reads) == (404, "not_found", 1)


async def test_where_nothing_can_be_kept_nothing_is_found() -> None:
    assert await NoPictureStore().get(f"{picture.new_id(NOW + LIFE)}.png") is None


@pytest.mark.parametrize("accept", ["*/*", "image/*"])
@pytest.mark.parametrize("hangs", [True, False])
async def test_a_store_that_does_not_answer_is_a_503_and_no_404(accept: str, *, hangs: bool) -> None:
    """The picture may well exist: neither users nor caches should treat it as gone."""
    kept = StoredPicture()
    kept.store.out_of_order, kept.store.read_seconds = not hangs, 1e6 if hangs else 0
    answer = await kept.ask(accept=accept)
    assert (answer.status, answer.error["code"]) == (503, "storage_unavailable")
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.headers["retry-after"], answer.headers["x-should-retry"]) == ("5", "true")
    assert kept.service.log[0]["detail"] == ("time-out" if hangs else "KV GET failed: 503")
    assert "KV" not in answer.error["message"]


async def test_an_end_that_is_changed_in_a_link_finds_nothing() -> None:
    """The expiry is part of the name, so changing it in a link does not extend the picture's life."""
    kept = StoredPicture()
    token, _, rest = kept.key.rpartition("-")
    later = f"{picture.new_id(NOW + 10 * LIFE)}.webp".rpartition("-")[2]
    assert later != rest
    kept.key = f"{token}-{later}"
    assert ((await kept.ask()).status, kept.store.reads) == (404, 1)


@pytest.mark.parametrize("query", ["", "key=other", "url=https://evil.example"])
async def test_nothing_in_a_query_is_ever_fetched_or_found(query: str) -> None:
    answer = await Service().get("/image/", key=None, query=query)
    assert answer.status == 404
