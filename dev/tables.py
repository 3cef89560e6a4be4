"""Tables in documents that are made from the code's rows. Each is between two marks that name its command."""

from collections.abc import Mapping
from pathlib import Path

END = "<!-- end -->"


def written(document: str, command: str, tables: str) -> str:
    """The document with these tables between its marks."""
    begin = f"<!-- begin: {command} -->"
    head, _, rest = document.partition(begin)
    _, _, tail = rest.partition(END)
    return f"{head}{begin}\n\n{tables}\n\n{END}{tail}"


def shown(pages: Mapping[Path, str], command: str, arguments: list[str]) -> None:
    """Print the tables of each document, or write them into it if the arguments contain `--write`."""
    for document, made in pages.items():
        if "--write" in arguments:
            document.write_text(written(document.read_text(), command, made))
        else:
            print(made)
