"""Decides which links in a model's answer are fetched, from the link alone, as the runtime's `URL` writes it.

A model of another maker usually answers with a link rather than a picture. Callers cannot influence it; these rules
guard against wrong answers from a provider. The runtime cannot reach private networks.
"""

import re

MAX_LENGTH = 8192
"""In characters. Signed links have one or two thousand."""
MAX_REDIRECTS = 3
FETCH_SECONDS = 20
"""For the whole fetch, redirects and body included."""
MAX_BYTES = 25 * 1024 * 1024
"""Bytes of a picture: the largest value that KV stores."""
REDIRECTS = frozenset((301, 302, 303, 307, 308))

_LINK = re.compile(r"https://(?P<host>[a-z0-9._-]+)(?P<port>:\d+)?(?:[/?#][!-~]*)?")
"""A link as `URL.href` writes it: lower case, ASCII, without the default port."""
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LOCAL = frozenset(("localhost", "local", "internal", "lan", "home", "corp", "intranet", "private"))
"""Last labels of names that are not public (RFC 6761, RFC 6762, and labels reserved or left unused for local names)."""


def refusal(href: str) -> str | None:
    """Why a link is not fetched, for the log; None if it may be."""
    match = _LINK.fullmatch(href)
    if match is None or len(href) > MAX_LENGTH:
        return "no https link with a host name alone"
    if match["port"]:
        return "a port"
    labels = match["host"].removesuffix(".").split(".")
    if not all(labels) or _NUMBER.fullmatch(labels[-1]):
        return "an address in place of a host name"
    if len(labels) == 1 or labels[-1] in _LOCAL or labels[-2:] == ["home", "arpa"]:
        return "a local name"
    return None


def host_of(href: str) -> str:
    """The host of a link, for the log. The rest of a signed link gives access to the picture."""
    return href.split("/")[2][:200] if href.count("/") > 1 else ""
