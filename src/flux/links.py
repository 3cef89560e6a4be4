"""Which links of a model's answer are fetched: rules on the link alone, in the form that the runtime's `URL` gives it.

A model of another maker answers with a link more often than with a picture. Nothing that a caller sends chooses it;
these rules are for a provider's answer that is not what it should be. The runtime has no way into a private network.
"""

import re

MAX_LENGTH = 8192
"""Characters. Signed links have one or two thousand."""
MAX_REDIRECTS = 3
FETCH_SECONDS = 20
"""For all of it, redirects and body."""
MAX_BYTES = 25 * 1024 * 1024
"""Of a picture: what KV stores of one."""
REDIRECTS = frozenset((301, 302, 303, 307, 308))

_LINK = re.compile(r"https://(?P<host>[a-z0-9._-]+)(?P<port>:\d+)?(?:[/?#][!-~]*)?")
"""As `URL.href` writes one: lower case, ASCII, without the default port."""
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_LOCAL = frozenset(("localhost", "local", "internal", "lan", "home", "corp", "intranet", "private"))
"""Last labels of names that are no public ones (RFC 6761, RFC 6762, and what is reserved or left unused for them)."""


def refusal(href: str) -> str | None:
    """Why a link is not fetched, for the log; None for one that may be."""
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
    """For the log: the rest of a signed link is a key to the picture."""
    return href.split("/")[2][:200] if href.count("/") > 1 else ""
