"""A thousand concurrent requests of two users, in two languages and two sizes: nobody gets another's answer."""

import asyncio
import itertools
import os
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from flux.words import LANGUAGES
from tests.soak.soak import CHAT, CLIENTS, GENERATIONS
from tests.worker.service import comment, decoded, deltas, links
from tests.workerd import Workerd

COUNT = 1_000 if os.environ.get("FULL") else 240
KEYS = ("key-of-alice", "key-of-bob")
SIZES = ("768x512", "512x768")
WAYS = ((CHAT, False), (CHAT, True), (GENERATIONS, False))


@dataclass(frozen=True)
class Wanted:
    """One request, which differs from all others."""

    number: int
    key: str
    language: str
    """The language of the deployment, which is its owner's choice: two Workers in one process, with the same KV
    and AI."""
    size: str
    path: str
    stream: bool

    @property
    def prompt(self) -> str:
        """It names the user."""
        return f"Nr. {self.number:05} для {self.key.removeprefix('key-of-')} 在家"


async def test_no_answer_carries_anything_of_anothers(tmp_path_factory: pytest.TempPathFactory) -> None:
    mixed = itertools.islice(itertools.cycle(itertools.product(KEYS, ("en", "ru"), SIZES, WAYS)), COUNT)
    wanted = [
        Wanted(number, key, language, size, path, stream)
        for number, (key, language, size, (path, stream)) in enumerate(mixed)
    ]
    keys = {"API_KEY": ", ".join(KEYS)}
    deployments = {language: keys | {"RESPONSE_LANGUAGE": language} for language in ("en", "ru")}
    with Workerd(tmp_path_factory.mktemp("isolation") / "bare", deployments) as bare:
        room = asyncio.Semaphore(CLIENTS)

        async def one(caller: httpx.AsyncClient, asked: Wanted) -> tuple[str, str]:
            async with room:
                return await ask(caller, asked)

        async with bare.caller("en", key="") as english, bare.caller("ru", key="") as russian:
            callers = {"en": english, "ru": russian}
            seen = await asyncio.gather(*(one(callers[asked.language], asked) for asked in wanted))
        assert [(call["prompt"], call["inputs"]["seed"]) for call in sorted(bare.calls()["calls"], key=seed)] == [
            (asked.prompt, asked.number) for asked in wanted
        ]
    links, identities = zip(*seen, strict=True)
    assert len(set(links)) == len(set(identities)) == COUNT


def seed(call: dict[str, Any]) -> int:
    """The seed of a call in the ledger."""
    return int(call["inputs"]["seed"])


async def ask(caller: httpx.AsyncClient, asked: Wanted) -> tuple[str, str]:
    """The link and the id of the answer, which must match the request to the last character."""
    fields = {"model": "lucid-origin", "size": asked.size, "seed": asked.number}
    chat = {"messages": [{"role": "user", "content": asked.prompt}], "stream": asked.stream}
    body = fields | (chat if asked.path == CHAT else {"prompt": asked.prompt, "response_format": "url"})
    response = await caller.post(asked.path, json=body, headers={"authorization": f"Bearer {asked.key}"})
    assert response.status_code == 200, response.text
    if asked.path == CHAT:
        text = deltas(response.text) if asked.stream else response.json()["choices"][0]["message"]["content"]
        [link] = links(text)
        assert text == expected(asked, link)
        # Every chunk has the same id.
        [identity] = set(re.findall(r'"id":"([^"]+)"', response.text))
    else:
        [item] = response.json()["data"]
        link, identity = item["url"], response.headers["x-request-id"]
        assert response.json()["size"] == asked.size
    assert not [key for key in KEYS if key in response.text + str(response.headers)]
    picture = decoded((await caller.get(link)).content)
    told = comment(picture)
    assert (told["prompt"], told["seed"], f"{picture.width}x{picture.height}") == (
        asked.prompt,
        asked.number,
        asked.size,
    )
    return link, identity


def expected(asked: Wanted, link: str) -> str:
    """The complete text of the chat answer."""
    words = LANGUAGES[asked.language]
    lines = (
        words.original_prompt.format(asked.prompt),
        words.prompt_model.format(words.no_writer),
        words.optimized_prompt.format(asked.prompt),
        words.size.format(asked.size),
        words.success,
        words.result,
        "",
        f"![{words.alt}]({link})",
    )
    return "\n".join(lines)
