"""A request and the catalogue -> a plan: which model to call, its inputs, and what to deliver."""

from collections.abc import Mapping
from dataclasses import dataclass

from flux import catalog, prices, sizes
from flux.catalog import Model, Partner, Steps
from flux.errors import InvalidRequest, ModelNotFound, UnsupportedModel
from flux.fields import LEVELS
from flux.generation import NO_OPTIONS, GenerationRequest, Options
from flux.picture import Picture
from flux.ports import Inputs
from flux.prompt import shorten
from flux.settings import Settings
from flux.text import quoted


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One model and its inputs for this request."""

    model: Model
    fixed: Mapping[str, str | int]
    """Inputs that are the same for all prompts and all pictures of the request."""
    seed: int | None
    cost: prices.Cost
    """The cost of one picture."""

    @property
    def steps(self) -> int:
        """Its diffusion steps; 0 if the model has none."""
        return int(self.fixed[self.model.steps.name]) if self.model.steps else 0

    def inputs(self, prompt: str, index: int) -> Inputs:
        """Inputs for picture number `index` (from 0). Each has a different seed, so that no two are the same."""
        name = self.model.partner.prompt if self.model.partner else "prompt"
        inputs = {name: shorten(prompt, self.model.max_prompt), **self.fixed}
        if self.seed is not None:
            inputs["seed"] = (self.seed + index) % self.model.seeds
        return inputs


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done for a request."""

    request: GenerationRequest
    calls: tuple[ModelCall, ...]
    """The requested model first, then those to use if it is out of capacity."""
    size: sizes.Size
    images: tuple[Picture, ...]
    """Input pictures; empty if the model takes none."""
    optimize: bool

    @property
    def model(self) -> Model:
        """The model that is called first."""
        return self.calls[0].model

    @property
    def to_rewrite(self) -> str:
        """The prompt for the rewriter, limited to what the most permissive model could draw."""
        return shorten(self.request.prompt, max(call.model.max_prompt or MAX_REWRITE for call in self.calls))


MAX_REWRITE = 8192
"""Most UTF-16 units for the rewriter if no limit of the model is published: about 2,000 tokens."""


def make(request: GenerationRequest, settings: Settings, model: Model, images: tuple[Picture, ...] = ()) -> Plan:
    """The plan for a request and its model (`model_for`); `images` are its sources, already read.

    Raises `InvalidRequest`.
    """
    options = request.options
    if not model.max_images:
        images = ()
    size = options.size or (sizes.like(images[0].width, images[0].height) if images else sizes.DEFAULT)
    _within_memory(request.n, size)
    models = (model, *_fallbacks(model, request, settings, len(images)))
    return Plan(
        request=request,
        calls=tuple(_call(one, options, size, settings, images, asked=one is model) for one in models),
        size=size,
        images=images,
        optimize=settings.prompt_optimization if options.optimize is None else options.optimize,
    )


def _fallbacks(model: Model, request: GenerationRequest, settings: Settings, images: int) -> tuple[Model, ...]:
    """The models to use if this one is out of capacity.

    None if the caller chose a model: they would get, and the owner would pay for, something that was not requested.
    """
    fallback, name = settings.fallback_model, request.options.model
    if fallback is None or fallback == model or images > fallback.max_images:
        return ()
    return (fallback,) if not name or settings.find(name) in (None, settings.model) else ()


def _within_memory(n: int, size: sizes.Size) -> None:
    fits = sizes.MAX_PIXELS // (size.width * size.height)
    if n > fits:
        raise InvalidRequest(f"At most {fits} pictures of {size} fit into one request.", param="n")


def model_for(request: GenerationRequest, settings: Settings) -> Model:
    """The model that is named, or a suitable one.

    Chat apps put anything into the model field, so an unknown name is an error only if the request requires the model.
    A model that takes no pictures cannot serve a request to edit; other requests ignore the pictures. Raises
    `ModelNotFound` or `UnsupportedModel`.
    """
    model = _chosen(request, settings)
    if not settings.offers(model):
        raise UnsupportedModel(
            f"{model.id} has no published price, which a budget needs. GET /v1/models lists those that are served.",
            param="model",
        )
    if request.options.action == "edit" and not model.max_images:
        able = ", ".join(one.id for one in settings.models if one.max_images)
        raise UnsupportedModel(f"{model.id} takes no pictures. These do: {able}.", param="model")
    if model.edits_alone and not request.sources:
        raise UnsupportedModel(f"{model.id} can only edit: send a picture, or choose another model.", param="model")
    return model


def _chosen(request: GenerationRequest, settings: Settings) -> Model:
    name = request.options.model
    if name and (named := settings.find(name)):
        return named
    if name and request.model_required and not catalog.is_generic(name):
        raise ModelNotFound(
            f"There is no model {quoted(name)} here. GET /v1/models lists those there are.",
            param="model",
        )
    if request.sources and not settings.model.max_images:
        return catalog.MODELS[catalog.DEFAULT_EDIT_MODEL]
    return settings.model


def example(model: Model, settings: Settings) -> ModelCall:
    """The call of a model for one square picture with default options."""
    return _call(model, NO_OPTIONS, sizes.DEFAULT, settings, asked=False)


def _call(
    model: Model,
    options: Options,
    size: sizes.Size,
    settings: Settings,
    images: tuple[Picture, ...] = (),
    *,
    asked: bool,
) -> ModelCall:
    fixed: dict[str, str | int] = {}
    steps = 0
    if model.steps:
        steps = fixed[model.steps.name] = _steps(model.steps, model, options, settings, asked=asked)
    seed = options.seed if model.seeds else None
    if model.partner:
        given = model.partner.control.ask(size)
        fixed |= {**given.inputs, **_chosen_of(model, model.partner, options)}
        price = model.partner.price
        cost = price.cost(given.size, _taken(model, images)) if price else prices.Cost(dollars=None)
        return ModelCall(model, fixed, seed, cost)
    ask = sizes.within(size, model.sides.min, model.sides.max) if model.sides else sizes.DEFAULT
    if model.sides:
        fixed |= {"width": ask.width, "height": ask.height}
    if model.negative_prompt and options.negative_prompt:
        fixed["negative_prompt"] = options.negative_prompt
    return ModelCall(
        model, fixed, seed, model.price.cost(ask, steps, _taken(model, images)) if model.price else prices.UNKNOWN
    )


def _chosen_of(model: Model, partner: Partner, options: Options) -> dict[str, str | int]:
    """The inputs that depend on the options, for a model of another maker."""
    inputs = dict(partner.fixed or {})
    if partner.qualities:
        wanted = options.quality or "medium"
        inputs["quality"] = wanted if wanted in partner.qualities else LEVELS.get(wanted, "medium")
    if options.mime and (called := (partner.formats or {}).get(options.mime)):
        inputs[partner.format_field] = called
    if model.negative_prompt and options.negative_prompt:
        inputs["negative_prompt"] = shorten(options.negative_prompt, partner.max_negative_prompt)
    return inputs


def _taken(model: Model, images: tuple[Picture, ...]) -> tuple[sizes.Size, ...]:
    """The largest size at which each picture is sent to the model."""
    side = model.max_image_side
    return tuple(sizes.Size(min(side, one.width), min(side, one.height)) for one in images)


def _steps(rule: Steps, model: Model, options: Options, settings: Settings, *, asked: bool) -> int:
    """The number of steps: the caller's number, else the caller's quality, else the owner's setting, else the model's.

    A caller's number out of range is refused for the requested model and clamped for a fallback. The owner's number is
    always clamped.
    """
    if options.steps is not None:
        if asked and not rule.min <= options.steps <= rule.max:
            raise InvalidRequest(f"{model.id} takes {rule.min} to {rule.max} steps.", param="steps")
        wanted = options.steps
    elif options.quality in LEVELS:
        wanted = int(getattr(rule, LEVELS[options.quality]))
    else:
        wanted = settings.steps or rule.default or rule.medium
    return min(rule.max, max(rule.min, wanted))
