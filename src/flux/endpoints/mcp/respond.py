"""Pictures -> the result of a tool or the events of a stream."""

from collections.abc import Iterable
from typing import Any

from flux import notices, sse
from flux.catalog import Model
from flux.endpoints.mcp import protocol
from flux.endpoints.mcp.protocol import Json, Message
from flux.errors import ApiError
from flux.picture import Picture
from flux.pipeline import FinalPrompt, GeneratedPicture, Report, Result
from flux.plan import Plan
from flux.text import Spliced, Text, write_json
from flux.words import LANGUAGES


class ToolPresenter:
    """`drawing.Presenter` for `draw` and `edit`."""

    def __init__(self, asked: Message, plan: Plan, lifetime: int) -> None:
        """`lifetime` is that of the links, in seconds."""
        self._asked = asked
        self._plan = plan
        self._minutes = max(1, lifetime // 60)
        self._progress = 0
        self._drawn = 0

    def whole(self, result: Result) -> Text:
        """The response."""
        return write_json(self._response(result))

    def begin(self) -> Text:
        """The first progress notification."""
        return self._notify(f"{self._plan.model.id} is drawing.")

    def event(self, report: Report) -> Text:
        """A notification for each finished picture, and after a while without news."""
        if isinstance(report, FinalPrompt):
            return ""
        self._drawn += isinstance(report, GeneratedPicture)
        return self._notify(f"{self._drawn} of {self._plan.request.n} pictures drawn.")

    def end(self, result: Result) -> Text:
        """The response as the last event."""
        return _event(self._response(result))

    def failed(self, error: ApiError) -> Text:
        """The response for a failed call."""
        return _event(protocol.result(self._asked, failure(error)))

    # --- pieces ---------------------------------------------------------------------------------

    def _notify(self, said: str) -> Text:
        token = self._asked.progress_token
        if token is None:
            return ""
        self._progress += 1
        return _event(protocol.progress(token, self._progress, said))

    def _response(self, result: Result) -> Json:
        content = [block for one in result.pictures for block in self._blocks(one)]
        said = notices.sentences(self._plan, result, LANGUAGES["en"])
        if any(one.url is None for one in result.pictures):
            said.append(LANGUAGES["en"].not_stored)
        if said:
            content[-1]["text"] += "".join(f"\n{sentence.removeprefix('⚠️ ')}" for sentence in said)
        return protocol.result(self._asked, {"content": content})

    def _blocks(self, one: GeneratedPicture) -> list[Json]:
        """A preview, the link and a sentence about them; without a link, the picture itself."""
        shown = one.preview if one.url else one.picture
        blocks = [_image(shown)] if shown else []
        if one.url:
            blocks.append(_link(one.picture, one.url))
        return [*blocks, {"type": "text", "text": self._sentence(one)}]

    def _sentence(self, one: GeneratedPicture) -> str:
        kind = one.picture.type.removeprefix("image/").upper().replace("WEBP", "WebP")
        said = f"{one.picture.size} {kind}, drawn by {one.model.id}"
        said = f"{one.url} ({said}). The link expires in {self._minutes} minutes." if one.url else f"{said}."
        if one.final_prompt.writer:
            said += f"\nDrawn from the rewritten prompt: {one.final_prompt.prompt}"
        return said


def _image(one: Picture) -> Json:
    """`ImageContent`."""
    return {"type": "image", "data": Spliced((one.blob,)), "mimeType": one.type}


def _link(one: Picture, url: str) -> Json:
    """`ResourceLink`."""
    return {
        "type": "resource_link",
        "uri": url,
        "name": url.rpartition("/")[2],
        "description": f"The whole picture, {one.size}",
        "mimeType": one.type,
        "size": one.blob.size,
    }


def _event(message: Any) -> Text:
    return sse.event(message, "message")


def failure(error: ApiError) -> Json:
    """The result of a failed call, whose message says what to do."""
    return {"content": [{"type": "text", "text": error.message}], "isError": True}


def models(offered: Iterable[Model], default: Model) -> Json:
    """The result of `list_models`."""
    lines = (_line(one, is_default=one == default) for one in offered)
    return {"content": [{"type": "text", "text": "\n".join(lines)}]}


def _line(one: Model, *, is_default: bool) -> str:
    able = {
        f"edits up to {one.max_images} pictures": one.max_images,
        "takes seeds": one.seeds,
        "follows a negative prompt": one.negative_prompt,
        "draws at the size itself": one.sides,
    }
    said = [what for what, can in able.items() if can]
    if one.steps:
        said.append(f"takes {one.steps.min} to {one.steps.max} steps")
    default = ", the default" if is_default else ""
    return f"{one.id} ({one.name}{default}): {', '.join(said) or 'draws'}."
