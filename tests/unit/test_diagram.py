"""The diagram in README.md matches its text, and all texts fit into their boxes."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from dev import diagram

DIAGRAM = diagram.read(diagram.SOURCE.read_text())


@pytest.mark.parametrize("path", diagram.THEMES, ids=lambda path: path.name)
def test_the_drawing_is_that_of_the_text(path: Path) -> None:
    """`python -m dev.diagram --write` updates it."""
    drawing = path.read_text()
    assert drawing == diagram.drawings()[path]
    assert ET.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own file


def test_both_themes_say_the_same() -> None:
    light, dark = (
        [element.text for element in ET.fromstring(drawing).iter() if element.text and element.text.strip()]  # noqa: S314
        for drawing in diagram.drawings().values()
    )
    assert light == dark
    assert {box.title for box in DIAGRAM.boxes.values()} <= set(light)


@pytest.mark.parametrize("box", DIAGRAM.boxes.values(), ids=DIAGRAM.boxes)
def test_a_text_fits_into_its_box(box: diagram.Box) -> None:
    assert len(box.subtitle) * diagram.LETTER < diagram.WIDTH
    assert len(box.title) * 8 < diagram.WIDTH


@pytest.mark.parametrize("line", ["box a | b | c", "column A\nbox a | b", "column A\nbox a | b | c\na -> nowhere"])
def test_a_line_that_is_not_understood_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        diagram.read(line)
