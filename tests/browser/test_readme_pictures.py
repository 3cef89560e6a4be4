"""The README's animated picture can be made from the page as it is."""

from pathlib import Path

from PIL import Image

from tests.browser.conftest import Open
from tests.browser.readme_pictures import DOCS, film

MAX_BYTES = 250_000


def test_the_page_is_filmed_while_it_draws(open_page: Open, tmp_path: Path) -> None:
    """It has the size of the committed one, and both are small enough for a README."""
    film(open_page(reduced_motion="no-preference"), tmp_path / "page.webp")
    for path in (tmp_path / "page.webp", DOCS / "page.webp"):
        with Image.open(path) as picture:
            assert (picture.width, picture.n_frames > 10) == (640, True)  # type: ignore[attr-defined]
        assert path.stat().st_size < MAX_BYTES
