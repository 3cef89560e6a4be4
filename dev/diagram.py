"""The diagram of README.md, drawn from the text docs/diagram.txt, in a light and a dark theme.

python -m dev.diagram           checks whether the drawings are up to date
python -m dev.diagram --write   draws them
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from dev import ROOT

SOURCE = ROOT / "docs" / "diagram.txt"

WIDTH, HEIGHT = 236, 52
"""Size of a box, in pixels."""
GAP, ROW = 64, 76
"""Distance between two columns, and between the tops of boxes below each other."""
MARGIN, TOP = 12, 40
"""Space around the diagram, and above the first box."""
LETTER = 6.3
"""Widest average width of a letter in subtitles. A test checks that each subtitle fits into its box."""
FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours."""

    text: str
    muted: str
    line: str
    box: str
    python: str
    accent: str


THEMES: Mapping[Path, Theme] = {
    ROOT / "docs" / "diagram-light.svg": Theme("#1f2328", "#59636e", "#8c959f", "#ffffff", "#ddf4ff", "#0969da"),
    ROOT / "docs" / "diagram-dark.svg": Theme("#f0f6fc", "#9198a1", "#6e7681", "#0d1117", "#0c2d4d", "#4493f8"),
}


@dataclass(frozen=True, slots=True)
class Box:
    """One box and its position."""

    title: str
    subtitle: str
    is_python: bool
    column: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Diagram:
    """The content of the text."""

    columns: tuple[str, ...]
    boxes: Mapping[str, Box]
    arrows: tuple[tuple[str, str], ...]


def read(text: str) -> Diagram:
    """Parse a diagram. Raises `ValueError`, which names the line that is not valid."""
    columns: list[list[tuple[str, str, str, bool]]] = []
    titles: list[str] = []
    arrows: list[tuple[str, str]] = []
    for line in filter(None, (line.partition("#")[0].strip() for line in text.splitlines())):
        if match := re.fullmatch(r"column (.+)", line):
            titles.append(match[1])
            columns.append([])
        elif columns and (match := re.fullmatch(r"(box|python) (\w+) \| (.+) \| (.+)", line)):
            columns[-1].append((match[2], match[3], match[4], match[1] == "python"))
        elif match := re.fullmatch(r"(\w+) -> (\w+(?:, \w+)*)", line):
            arrows += [(match[1], end) for end in match[2].split(", ")]
        else:
            raise ValueError(line)
    highest = max(map(len, columns))
    boxes = {
        name: Box(
            title,
            subtitle,
            is_python,
            column,
            MARGIN + column * (WIDTH + GAP),
            TOP + row * ROW + (highest - len(rows)) * ROW // 2,
        )
        for column, rows in enumerate(columns)
        for row, (name, title, subtitle, is_python) in enumerate(rows)
    }
    if unknown := {name for arrow in arrows for name in arrow} - boxes.keys():
        raise ValueError(f"arrows to boxes that are not there: {sorted(unknown)}")
    return Diagram(tuple(titles), boxes, tuple(arrows))


def draw(diagram: Diagram, theme: Theme) -> str:
    """The diagram as an SVG document."""
    width = max(box.x for box in diagram.boxes.values()) + WIDTH + MARGIN
    height = max(box.y for box in diagram.boxes.values()) + HEIGHT + MARGIN
    said = "; ".join(f"{diagram.boxes[one].title} to {diagram.boxes[other].title}" for one, other in diagram.arrows)
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                f'height="{height}" role="img" aria-label="{escape(said)}" font-family="{FONT}">'
            ),
            (
                f'<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
                f'orient="auto"><path d="M0 0 8 4 0 8z" fill="{theme.line}"/></marker></defs>'
            ),
            *(
                f'<text x="{MARGIN + column * (WIDTH + GAP) + WIDTH // 2}" y="{TOP - 18}" font-size="13" '
                f'text-anchor="middle" fill="{theme.muted}">{escape(title)}</text>'
                for column, title in enumerate(diagram.columns)
            ),
            *(_arrow(diagram.boxes[one], diagram.boxes[other], theme) for one, other in diagram.arrows),
            *(_box(box, theme) for box in diagram.boxes.values()),
            "</svg>\n",
        ]
    )


def _arrow(one: Box, other: Box, theme: Theme) -> str:
    if one.column == other.column:
        x = one.x + WIDTH // 2
        path = f"M{x} {one.y + HEIGHT}V{other.y}"
    else:
        x, y, end_x, end_y = one.x + WIDTH, one.y + HEIGHT // 2, other.x, other.y + HEIGHT // 2
        bend = GAP // 2
        # The arrow reaches the height of its end in the first gap, so that it does not pass behind boxes of other
        # columns.
        path = f"M{x} {y}C{x + bend} {y} {x + bend} {end_y} {x + GAP} {end_y}H{end_x}"
    return f'<path d="{path}" fill="none" stroke="{theme.line}" stroke-width="1.5" marker-end="url(#end)"/>'


def _box(box: Box, theme: Theme) -> str:
    fill, stroke = (theme.python, theme.accent) if box.is_python else (theme.box, theme.line)
    middle = box.x + WIDTH // 2
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{fill}" stroke="{stroke}"/>'
        f'<text x="{middle}" y="{box.y + 22}" font-size="14" font-weight="600" text-anchor="middle" '
        f'fill="{theme.text}">{escape(box.title)}</text>'
        f'<text x="{middle}" y="{box.y + 40}" font-size="11.5" text-anchor="middle" '
        f'fill="{theme.muted}">{escape(box.subtitle)}</text>'
    )


def drawings() -> dict[Path, str]:
    """The files, and the content that each should have."""
    diagram = read(SOURCE.read_text())
    return {path: draw(diagram, theme) for path, theme in THEMES.items()}


if __name__ == "__main__":
    for path, drawing in drawings().items():
        if "--write" in sys.argv[1:]:
            path.write_text(drawing)
        else:
            print(path.name, "is up to date" if path.read_text() == drawing else "is out of date")
