"""The body of an Images API call -> a validated value."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flux import catalog, fields, picture
from flux.errors import MissingParameter
from flux.fields import Body
from flux.generation import GenerationRequest, PictureSource
from flux.http import Form


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """`POST /v1/images/generations` or `/v1/images/edits`."""

    generation: GenerationRequest
    stream: bool
    wants_url: bool
    wants_base64: bool
    safety_identifier: str | None
    """The caller's identifier for a user, which the answer repeats."""

    @property
    def edit(self) -> bool:
        """Whether the call has input pictures."""
        return self.generation.options.action == "edit"


def image(body: Body, sources: Iterable[PictureSource] = (), *, edit: bool = False) -> ImageRequest:
    """An Images API request; with pictures it is an edit. Raises `InvalidRequest` or a subclass."""
    fields.refuse_masks(body)
    prompt = fields.prompt(body)
    options = fields.options(body)
    form = fields.choice(body, "response_format", ("url", "b64_json"))
    if form is None and catalog.promises_picture_alone(options.model or ""):
        form = "b64_json"
    pictures = tuple(sources)
    if edit and not pictures:
        raise MissingParameter("Send at least one picture as 'image'.", param="image")
    if pictures:
        options = replace(options, action="edit")
    safety_identifier = body.get("safety_identifier")
    return ImageRequest(
        generation=GenerationRequest(
            asked=prompt,
            prompt=prompt,
            options=options,
            model_required=True,
            sources=pictures,
            ignored=fields.ignored(body),
        ),
        stream=fields.switch(body, "stream") or False,
        wants_url=form != "b64_json",
        wants_base64=form != "url",
        safety_identifier=safety_identifier if isinstance(safety_identifier, str) else None,
    )


def form_sources(form: Form) -> list[PictureSource]:
    """The pictures in a form: all parts whose bytes are a picture, whatever their name, and all that are named so."""
    sources: list[PictureSource] = []
    for part in form.parts:
        name = part.name.split("[")[0].strip().lower()
        if name in fields.MASKS and part.blob.size:
            raise fields.no_masks(name)
        is_named = name in fields.PICTURE_FIELDS
        if part.text is not None:
            sources += fields.picture_sources({name: part.text.strip()}) if is_named else ()
        elif is_named or picture.format_name(part.blob.read(0, picture.FORMAT_HEAD)):
            sources.append(PictureSource("image", blob=part.blob))
    return sources


def json_sources(body: Body) -> list[PictureSource]:
    """The pictures of a JSON body."""
    return list(fields.picture_sources(body))
