"""The body of an Images API call -> a value that cannot be wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flux import fields
from flux.errors import InvalidRequest, MissingParameter
from flux.fields import Body
from flux.generation import GenerationRequest, Options, PictureSource
from flux.http import Form

_NO_EFFECT = ("background", "moderation", "style", "user", "input_fidelity")
"""OpenAI's fields that no model here can follow: taken, so that clients need no change."""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """`POST /v1/images/generations` or `/v1/images/edits`."""

    generation: GenerationRequest
    stream: bool
    wants_url: bool
    wants_base64: bool

    @property
    def edit(self) -> bool:
        """Whether the call is about pictures."""
        return self.generation.options.action == "edit"


def image(body: Body, sources: Sequence[PictureSource] | None = None) -> ImageRequest:
    """An Images API request; an edit if `sources` are given. Raises `InvalidRequest` or one of its kinds."""
    response_format = fields.choice(body, "response_format", ("url", "b64_json"))
    output = fields.output_options(body)
    for name in _NO_EFFECT:
        fields.value_of(body, name, str, "a text")
    fields.whole_number(body, "partial_images")
    prompt = fields.text(body, "prompt")
    if not prompt:
        raise MissingParameter("Send a 'prompt' that says what to draw.", param="prompt")
    request = ImageRequest(
        generation=GenerationRequest(
            asked=prompt, prompt=prompt, options=output.over(fields.options(body)), model_required=True
        ),
        stream=fields.switch(body, "stream") or False,
        wants_url=response_format != "b64_json",
        wants_base64=response_format != "url",
    )
    return request if sources is None else _edit(request, sources)


def _edit(request: ImageRequest, sources: Sequence[PictureSource]) -> ImageRequest:
    if not sources:
        raise MissingParameter("Send at least one picture as 'image'.", param="image")
    if len(sources) > fields.MAX_PICTURES:
        raise InvalidRequest(f"Send at most {fields.MAX_PICTURES} pictures.", param=sources[0].param.partition("[")[0])
    options = Options(action="edit").over(request.generation.options)
    return replace(request, generation=replace(request.generation, options=options, sources=tuple(sources)))


def form_sources(form: Form) -> list[PictureSource]:
    """The pictures of a form: files named `image`, `image[]` or `image[0]`."""
    if any(name == "mask" for name, _ in form.files):
        raise _no_masks()
    return [PictureSource("image", blob=blob) for name, blob in form.files if name.split("[")[0] == "image"]


def json_sources(body: Body) -> list[PictureSource]:
    """The pictures of a JSON edit: `images: [{"image_url": "data:..."}]`."""
    if body.get("mask") is not None:
        raise _no_masks()
    items = fields.value_of(body, "images", list, "a list") or ()
    return [_source(item, f"images[{i}]") for i, item in enumerate(items)]


def _source(item: object, param: str) -> PictureSource:
    source = fields.picture_source(fields.required_url(item, param), param)
    if source is None:
        raise InvalidRequest("Send pictures as data URLs in base64; links are not fetched.", param=param)
    return source


def _no_masks() -> InvalidRequest:
    return InvalidRequest("Masks are not supported: describe the change instead.", param="mask")
