"""A conversation in the form that all APIs share: messages, and their pictures in the order in which they were sent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flux import fields, prompt
from flux.errors import InvalidRequest, MissingParameter
from flux.fields import Body
from flux.generation import NO_OPTIONS, GenerationRequest, Notice, Options, PictureSource
from flux.picture import ids_in_text
from flux.text import clean

SYSTEM_ROLES = frozenset(("system", "developer"))
ASKING_ROLES = SYSTEM_ROLES | {"user"}
"""Roles of messages that ask for something. Messages of other roles are answers."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its text and its pictures."""

    role: str
    text: str
    pictures: tuple[PictureSource, ...] = ()
    links: int = 0
    """Number of pictures given as links to other hosts, which are never fetched."""
    unread: tuple[str, ...] = ()
    """Types of the parts that were neither text nor a picture."""

    @property
    def has_pictures(self) -> bool:
        """Whether the message has pictures, links or other parts besides its text."""
        return bool(self.pictures or self.links or self.unread)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages, and everything that can identify an app's own request for a title or a summary."""

    messages: tuple[Message, ...]
    param: str = "messages"
    """The field that held the messages, for errors."""
    schema: Mapping[str, Any] | None = None
    """The JSON schema of the requested structured output."""
    tasks: tuple[str, ...] = ()
    """Names that an app gave its request, in a header or in the body. Most of them could have been sent by any
    client."""
    max_tokens: tuple[int, ...] = ()
    """Limits on the answer's length, in tokens."""
    fields: frozenset[str] = frozenset()
    """Names of the fields that were sent."""
    streamed: bool | None = None
    """Whether a stream is requested; None if the request does not say."""

    @property
    def last_user(self) -> Message | None:
        """The user's last message."""
        return next((message for message in reversed(self.messages) if message.role == "user"), None)

    @property
    def asking(self) -> Message | None:
        """The message that says what to draw: the user's last one, or else the last instruction that has a text."""
        spoken = (message for message in reversed(self.messages) if message.role in SYSTEM_ROLES and message.text)
        return self.last_user or next(spoken, None)

    def newest_picture(self) -> PictureSource | None:
        """The picture that was attached, linked or drawn last."""
        shown = (source for message in reversed(self.messages) for source in _shown(message, self.param))
        return next((source for source in shown if not source.file_id), None)


_DATA_URL = re.compile(r"\]\((data:image/[^,)\s]*;base64,#?[A-Za-z0-9+/=]+)\)", re.IGNORECASE)
"""A picture in Markdown. Large base64 is replaced by a mark, which starts with a number sign."""


def _shown(message: Message, param: str) -> Iterator[PictureSource]:
    """The pictures of a message, the last one first. Our own answers show them in their text, too."""
    yield from reversed(message.pictures)
    if message.role == "assistant":
        found = [(at, PictureSource(param, id=id)) for at, id in ids_in_text(message.text)]
        found += [(match.start(), PictureSource(param, data=match[1])) for match in _DATA_URL.finditer(message.text)]
        yield from (source for _, source in sorted(found, key=lambda one: one[0], reverse=True))


# --- what an app says about its request -----------------------------------------------------------

_TASK_HEADER = "x-openwebui-task"


def tasks(headers: Mapping[str, str], body: Body) -> tuple[str, ...]:
    """Names that an app gave its request.

    Open WebUI 0.10 and later sends one in a header if the connection has `{"X-OpenWebUI-Task": "{{TASK}}"}`
    (docs.openwebui.com, Computer), and in the body when behind a pipeline.
    """
    metadata = body.get("metadata")
    names = headers.get(_TASK_HEADER), metadata.get("task") if isinstance(metadata, dict) else None
    return tuple(name for name in names if isinstance(name, str))


def limits(body: Body, *names: str) -> tuple[int, ...]:
    """The limits on the answer's length in a body, in tokens."""
    values = (body.get(name) for name in names)
    return tuple(value for value in values if isinstance(value, int))


# --- parts of a message -------------------------------------------------------------------------

TEXT_PARTS = frozenset(("text", "input_text", "output_text"))
PICTURE_PARTS = frozenset(("image_url", "input_image", "image"))
"""OpenAI's two names, then the one of Anthropic and Vercel."""
FILE_PARTS = frozenset(("file", "input_file"))
"""Files of any type. A file is a picture if its data URL says so."""


def message(role: str, content: object, where: str, param: str, apart: tuple[PictureSource, ...] = ()) -> Message:
    """A message from its `content`, which is a text or a list of parts. `where` names the field, for errors.

    `apart` are pictures sent beside the content. `unread` of the message names parts that are neither text nor a
    picture. Raises `InvalidRequest`.
    """
    role = role.strip().lower()
    if content is None or isinstance(content, str):
        return Message(role, clean(content or ""), apart)
    if not isinstance(content, list):
        raise InvalidRequest("'content' must be a string or a list.", param=f"{where}.content")
    texts: list[str] = []
    pictures: list[PictureSource] = []
    unread: list[str] = []
    links = 0
    for part in content:
        if isinstance(part, str):
            texts.append(clean(part))
            continue
        if not isinstance(part, dict):
            raise InvalidRequest("A content part must be an object.", param=f"{where}.content")
        kind = _kind(part)
        if kind in TEXT_PARTS:
            if not isinstance(part.get("text"), str):
                raise InvalidRequest("A text part's 'text' must be a string.", param=f"{where}.content")
            texts.append(clean(part["text"]))
        elif kind in PICTURE_PARTS or (kind in FILE_PARTS and _is_picture_file(part)):
            source = _source(part, f"{where}.content", param)
            if source:
                pictures.append(source)
            else:
                links += 1
        else:
            unread.append(kind)
    return Message(role, "\n".join(filter(None, texts)), (*pictures, *apart), links, tuple(dict.fromkeys(unread)))


_PART_TYPE = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}){0,2}")
"""Types that are safe to repeat to the caller: none can be markup."""


def _kind(part: Body) -> str:
    """The type of a part; if it has none, the name of its content."""
    kind = part.get("type") or next((name for name in ("text", "image_url") if name in part), None)
    return kind if isinstance(kind, str) and _PART_TYPE.fullmatch(kind) else "content"


def _is_picture_file(part: Body) -> bool:
    url = fields.url_of(part.get("file", part))
    return url is not None and url.lstrip()[:11].lower() == "data:image/"


def _source(part: Body, where: str, param: str) -> PictureSource | None:
    file_id = part.get("file_id")
    if isinstance(file_id, str) and part.get("image_url") is None:
        return PictureSource(where, file_id=file_id)
    return fields.picture_source(fields.required_url(part.get("file", part), where), param)


# --- what is requested --------------------------------------------------------------------------


def generation(
    conversation: Conversation,
    options: Options,
    *,
    follow_ups: bool,
    notices: tuple[Notice, ...] = (),
    ignored: tuple[str, ...] = (),
) -> GenerationRequest:
    """The generation request in the last user message.

    `options` are the fields of the body. They override the directives in the prompt, except for the model: the field is
    a setting of the app, the directive is the user's choice. `follow_ups` (`FOLLOW_UPS`): whether a conversation that
    contains a picture edits it unless it says otherwise. `notices` and `ignored` are what is already known not to be
    followed.
    """
    message = conversation.asking
    text, said = prompt.split(message.text) if message else ("", NO_OPTIONS)
    if message is None or not text:
        raise MissingParameter("The last user message has no text that says what to draw.", param=conversation.param)
    for name in ("n", "steps"):
        if (value := getattr(said, name)) is not None:
            fields.in_range(name, value)
    chosen = options.over(said)
    if said.model is not None:
        chosen = Options(model=said.model).over(chosen)
    for source in message.pictures:
        if source.file_id:
            raise InvalidRequest("Files are not kept here: send the picture as a data URL.", param=source.param)
    sources = message.pictures
    implied = follow_ups and chosen.action is None
    if not sources and (chosen.action == "edit" or implied):
        newest = conversation.newest_picture()
        if newest is None and not implied:
            raise InvalidRequest(
                "There is no earlier picture to edit in this conversation. Attach one, or leave out --edit.",
                param=conversation.param,
            )
        sources = (newest,) if newest else ()
    else:
        implied = False
    return GenerationRequest(
        asked=message.text.strip(),
        prompt=text,
        options=chosen,
        model_required=said.model is not None,
        sources=sources,
        follow_up=implied and bool(sources),
        notices=("links_ignored", *notices) if message.links else notices,
        ignored=(*ignored, *message.unread),
    )
