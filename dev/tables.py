"""Tables of documents that are made from the code's own rows: each stands between two marks that name its command."""

from pathlib import Path

END = "<!-- end -->"


def written(document: str, command: str, tables: str) -> str:
    """The document with these tables between its marks."""
    begin = f"<!-- begin: {command} -->"
    head, _, rest = document.partition(begin)
    _, _, tail = rest.partition(END)
    return f"{head}{begin}\n\n{tables}\n\n{END}{tail}"


def shown(document: Path, command: str, tables: str, arguments: list[str]) -> None:
    """Print the tables, or write them into the document where the arguments say so."""
    if "--write" in arguments:
        document.write_text(written(document.read_text(), command, tables))
    else:
        print(tables)
