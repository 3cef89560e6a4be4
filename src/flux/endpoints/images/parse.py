"""The body of an Images API call -> a value that cannot be wrong."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flux import catalog, fields, picture
from flux.errors import InvalidRequest, MissingParameter
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
    """The caller's name for a user, which the answer repeats."""

    @property
    def edit(self) -> bool:
        """Whether the call is about pictures."""
        return self.generation.options.action == "edit"


def image(body: Body, sources: Iterable[PictureSource] = (), *, edit: bool = False) -> ImageRequest:
    """An Images API request; with pictures it is an edit. Raises `InvalidRequest` or one of its kinds."""
    for name in ("mask", "markup"):
        if body.get(name) not in (None, "", {}, []):
            raise InvalidRequest(f"'{name}' is not supported: describe the change instead.", param=name)
    prompt = fields.text(body, "prompt")
    if not prompt:
        raise MissingParameter("Send a 'prompt' that says what to draw.", param="prompt")
    options = fields.output_options(body).over(fields.options(body))
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


_PICTURE_PARTS = frozenset(("image", "images", "image_url"))
_MASKS = frozenset(("mask", "markup"))


def form_sources(form: Form) -> list[PictureSource]:
    """The pictures of a form: every part whose bytes are one, whatever it is called, and what `image` names."""
    sources: list[PictureSource] = []
    for part in form.parts:
        name = part.name.split("[")[0].strip().lower()
        if name in _MASKS and part.blob.size:
            raise InvalidRequest(f"'{name}' is not supported: describe the change instead.", param=name)
        if part.text is None:
            if name == "image" or picture.format_name(part.blob.read(0, picture.FORMAT_HEAD)):
                sources.append(PictureSource("image", blob=part.blob))
        elif name == "image" or (name in _PICTURE_PARTS and fields.is_url(part.text)):
            sources += fields.picture_sources({"image": part.text}, ("image",))
    return sources


def json_sources(body: Body) -> list[PictureSource]:
    """The pictures of a JSON body, in `image` or `images`."""
    return list(fields.picture_sources(body, ("image", "images")))
