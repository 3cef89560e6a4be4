"""`GET` and `HEAD /image/{key}`, and the properties of picture links."""

import io
import re
import time
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import ExifTags, Image

from tests.worker.service import Ledger, Service, Start, content, decoded, error_of, links, unique

LIFE_SECONDS = 1800
"""The default of IMAGE_EXPIRATION."""


@pytest.fixture(scope="module")
def link(service: Service) -> str:
    """The link of a stored picture."""
    [url] = links(content(service.chat(unique("a pear"))))
    return url


def test_a_link_leads_back_to_where_the_caller_came_from(service: Service, link: str) -> None:
    """Its last part is at least 128 random bits and the extension of the type."""
    assert link.startswith(f"{service.url}/image/")
    assert re.fullmatch(r"/image/[\w-]{22,}\.jpg", urlsplit(link).path)


def test_a_picture_is_served_with_all_that_caches_and_browsers_need(link: str) -> None:
    response = httpx.get(link)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/jpeg"
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["x-content-type-options"] == "nosniff"
    name = link.rsplit("/", 1)[1]
    assert response.headers["content-disposition"] == f'inline; filename="{name}"'
    public, life, *rest = response.headers["cache-control"].split(", ")
    assert (public, rest) == ("public", ["must-revalidate", "immutable"])
    assert 0 < int(life.removeprefix("max-age=")) <= LIFE_SECONDS
    assert re.fullmatch(r'"[^"]+"', response.headers["etag"])


def test_head_is_get_without_the_body(link: str) -> None:
    got, head = httpx.get(link), httpx.head(link)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "etag", "content-disposition"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_who_has_the_picture_is_not_sent_it_again(link: str, form: str) -> None:
    etag = httpx.head(link).headers["etag"]
    response = httpx.get(link, headers={"if-none-match": form.format(etag)})
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["etag"] == etag
    assert "max-age" in response.headers["cache-control"]
    assert httpx.get(link, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_download_is_an_attachment(link: str) -> None:
    assert httpx.get(f"{link}?download").headers["content-disposition"].startswith("attachment; filename=")


def test_the_life_in_the_cache_ends_with_the_pictures_own(link: str) -> None:
    def ends() -> float:
        life = re.search(r"max-age=(\d+)", httpx.head(link).headers["cache-control"])
        assert life
        return time.time() + int(life[1])

    first = ends()
    time.sleep(2)
    assert abs(ends() - first) < 1.5


NEVER, LONG_AGO = "AAAAAAAAAAAAAAAAAAAAAA-1vuhmo0.jpg", "AAAAAAAAAAAAAAAAAAAAAA-0000001.jpg"
"""Valid keys: of a picture that would not have expired, and of one that expired in 1970."""
NO_KEYS = ["short.jpg", "AAAAAAAAAAAAAAAAAAAAAA-1vuhmo0.gif", "..%2F..%2Fsecret", "%00", "a" * 2000]


@pytest.mark.parametrize(
    ("key", "code"), [(LONG_AGO, "picture_expired"), (NEVER, "not_found"), *((key, "not_found") for key in NO_KEYS)]
)
def test_a_picture_that_is_not_there_is_a_404_that_no_cache_keeps(service: Service, key: str, code: str) -> None:
    response = httpx.get(f"{service.url}/image/{key}")
    assert (response.status_code, error_of(response)["code"]) == (404, code)


def test_a_link_with_another_end_of_its_life_is_another_link(link: str) -> None:
    """Nobody can extend a picture's life in a cache."""
    secret, end = link.rsplit("-", 1)
    assert httpx.get(f"{secret}-1vuhmo0.{end.split('.')[1]}").status_code == 404


@pytest.mark.parametrize("key", [LONG_AGO, NEVER, "short.jpg"])
def test_an_image_element_is_shown_that_the_picture_is_gone(service: Service, key: str) -> None:
    """It cannot show JSON."""
    accept = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
    response = httpx.get(f"{service.url}/image/{key}", headers={"accept": accept})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("image/svg+xml")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["content-security-policy"] == "default-src 'none'"
    assert response.text.startswith("<svg")
    assert "expired" in response.text


def test_every_picture_has_a_key_of_its_own(service: Service) -> None:
    prompt = unique("a coin")
    answers = [service.generate(prompt, n=4, response_format="url").json() for _ in range(2)]
    keys = [image["url"] for answer in answers for image in answer["data"]]
    assert len(set(keys)) == 8


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_the_bytes_decide_what_a_picture_is(service: Service, kind: str) -> None:
    """Not the model's row: here the model draws a type that its schema does not name."""
    [url] = links(content(service.chat(unique(f"a plum [[answer {kind}]]"))))
    response = httpx.get(url)
    assert response.headers["content-type"] == f"image/{kind}"
    assert (decoded(response.content).format or "").lower() == kind
    assert url.endswith({"jpeg": ".jpg"}.get(kind, f".{kind}"))


def test_a_picture_of_another_size_than_asked_for_is_cut_to_it(service: Service) -> None:
    text = content(service.chat(unique("a date [[size 640x960]]")))
    [url] = links(text)
    assert decoded(httpx.get(url).content).size == (1024, 1024)
    assert "1024x1024" in text


def test_a_large_picture_is_kept_whole(service: Service) -> None:
    """Five megabytes, more than a stream passes on at once."""
    [image] = service.generate(unique("a whale [[answer png]] [[bytes 5mb]]"), response_format="url").json()["data"]
    response = httpx.get(image["url"])
    assert len(response.content) == 5_000_000 == int(response.headers["content-length"])
    decoded(response.content)


def test_without_images_and_kv_a_drawn_picture_is_not_lost(start: Start) -> None:
    """It is not cropped, so the answer names its real size. It is not stored, so the answer contains it."""
    with start(changes={"images": None, "kv_namespaces": None}) as bare:
        text = content(bare.chat(unique("a lamp") + " 3:2"))
        [url] = links(text)
        assert url.startswith("data:image/jpeg;base64,")
        assert "Image specifications: 1024x1024" in text
        assert "could not be stored" in text
        streamed = bare.chat(unique("a lamp"), stream=True)
        assert "data:image/jpeg;base64," in streamed.text
        [image] = bare.generate(unique("a lamp"), response_format="url", output_format="png").json()["data"]
        assert image["url"].startswith("data:image/jpeg;base64,")
        assert httpx.get(f"{bare.url}/image/AAAAAAAAAAAAAAAAAAAAAA-1vuhmo0.jpg").status_code == 404
        health = bare.http.get("/health").json()
        assert (health["checks"]["images"], health["checks"]["storage"]) == ("missing", "missing")


# --- input pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/webp"])
def test_a_picture_that_lies_on_its_side_is_measured_and_shrunk_upright(
    service: Service, ledger: Ledger, mime: str
) -> None:
    """By the Images binding, which first rotates pictures according to their EXIF data."""
    prompt = unique("a barn")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    file = io.BytesIO()
    Image.effect_noise((1000, 700), 100).convert("RGB").save(file, mime.removeprefix("image/"), exif=exif)
    response = service.http.post("/v1/images/edits", data={"prompt": prompt}, files={"image": file.getvalue()})
    assert response.status_code == 200, response.text
    width, height = map(int, response.json()["size"].split("x"))
    assert abs(width / height - 0.7) < 0.02
    [call] = ledger.calls(prompt)
    given = call["inputs"]["input_image_0"]
    assert (given["height"], abs(given["width"] / given["height"] - 0.7) < 0.01) == (511, True)
