"""The models of Workers AI, one row each: how to call them, and what they can do. To add a model, add a row.

Names and ranges are from Cloudflare's published schemas (developers.cloudflare.com/workers-ai/models). The schema of
FLUX.2 says only "multipart"; its names and ranges are from the changelogs of 2025-11-25, 2026-01-15 and 2026-01-28.
"""

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import partial

from flux.prices import CATALOGUE, DollarPrice, Price
from flux.size_control import SizeControl

DEFAULT_MODEL = "@cf/black-forest-labs/flux-1-schnell"
DEFAULT_EDIT_MODEL = "@cf/black-forest-labs/flux-2-klein-4b"
"""The cheapest model that takes pictures. Used for edits if the caller does not choose a model."""

DEFAULT_PROMPT_MODEL = "@cf/meta/llama-3.1-8b-instruct-fp8-fast"
"""The Workers AI text model that rewrites prompts if the owner chooses none: a small one with a published price."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The diffusion steps of a model: the input's name, its range, and the number for each quality."""

    name: str
    max: int
    default: int | None
    """The published default. If there is none (None), the number for `medium` is sent, so that the cost is known."""
    low: int
    medium: int
    high: int
    min: int = 1


@dataclass(frozen=True, slots=True)
class Sides:
    """The range of `width` and `height`, in pixels."""

    min: int
    max: int


@dataclass(frozen=True, slots=True)
class ImagesIn:
    """How pictures are sent to a model of another maker. They are always sent as text, never as links."""

    field: str
    as_list: bool = True
    """False: a single picture, not in a list."""
    data_urls: bool = True
    """False: plain base64."""
    required: bool = False
    """Whether the model can only edit."""


PARTNER_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Partner:
    """What a row for a model of another maker has in addition: see `partners`."""

    control: SizeControl
    price: DollarPrice | None = None
    """None if not published. Prices by tokens do not give the price of a picture, so they count as not published."""
    prompt: str = "prompt"
    """The name of the prompt's input."""
    images: ImagesIn | None = None
    qualities: tuple[str, ...] = ()
    """Values of `quality`. One of them is always sent, so that the cost is known."""
    formats: Mapping[str, str] | None = None
    """The model's name for each media type."""
    format_field: str = "output_format"
    fixed: Mapping[str, str | int] | None = None
    """Inputs that are sent with every call."""
    max_negative_prompt: int | None = None
    """In UTF-16 units."""
    patience: int = PARTNER_SECONDS
    """How long to wait for one picture, in seconds."""


@dataclass(frozen=True, slots=True)
class Model:
    """One row. None, False or 0 means that the model lacks a capability."""

    id: str
    name: str
    created: int
    """Unix time in seconds: `created_at` (UTC) in Cloudflare's catalogue."""
    steps: Steps | None = None
    sides: Sides | None = None
    """None: the model draws at a fixed size, and the picture is cropped afterwards."""
    max_prompt: int | None = None
    """Longest prompt in UTF-16 units, if published."""
    seeds: int = 0
    """The number of seeds, counted from 0; 0 if the model takes none. Larger seeds are taken modulo this number."""
    negative_prompt: bool = False
    max_images: int = 0
    """How many input pictures it takes, as `input_image_0` and so on."""
    max_image_side: int = 0
    """Longest side of an input picture, in pixels."""
    multipart: bool = False
    """Inputs are sent as a form instead of JSON."""
    price: Price | None = None
    """None if not published."""
    partner: Partner | None = None
    """None for a model of Workers AI."""

    @property
    def owned_by(self) -> str:
        """Its maker, as spelled in Cloudflare's model id."""
        return self.id.removeprefix("@cf/").split("/")[0]

    @property
    def edits_alone(self) -> bool:
        """Whether the model needs an input picture."""
        return bool(self.partner and self.partner.images and self.partner.images.required)

    @property
    def takes_quality(self) -> bool:
        """Whether `quality` changes the result."""
        return bool(self.steps or (self.partner and self.partner.qualities))


_FLUX_2 = partial(
    Model,
    sides=Sides(256, 1920),
    seeds=2**32,
    max_images=4,
    max_image_side=511,  # "each smaller than 512x512"
    multipart=True,
)
_STABLE_DIFFUSION = partial(
    Model,
    steps=Steps("num_steps", max=20, default=20, low=8, medium=14, high=20),
    sides=Sides(256, 2048),
    seeds=2**32,
    negative_prompt=True,
)

MODELS: Mapping[str, Model] = {
    model.id: model
    for model in (
        Model(
            "@cf/black-forest-labs/flux-1-schnell",
            "FLUX.1 [schnell]",
            created=1724949459,
            steps=Steps("steps", max=8, default=4, low=2, medium=4, high=8),
            max_prompt=2048,
            price=Price(tile=480, step=960),
        ),
        _FLUX_2(
            "@cf/black-forest-labs/flux-2-dev",
            "FLUX.2 [dev]",
            created=1763999046,
            # The range is not published; Black Forest Labs recommends at most 50.
            steps=Steps("steps", max=50, default=None, low=15, medium=25, high=50),
            price=Price(
                tile_step=7500,
                image_tile_step=3750,
                source=CATALOGUE,
                note="The pricing page has half of it. Which one is billed is not known: the higher one counts.",
            ),
        ),
        _FLUX_2(
            "@cf/black-forest-labs/flux-2-klein-4b",
            "FLUX.2 [klein] 4B",
            created=1768395295,
            price=Price(tile=2605, image_tile=537),
        ),
        _FLUX_2(
            "@cf/black-forest-labs/flux-2-klein-9b",
            "FLUX.2 [klein] 9B",
            created=1768395354,
            price=Price(first_megapixel=136364, megapixel=18182, image_megapixel=18182),
        ),
        Model(
            "@cf/leonardo/lucid-origin",
            "Lucid Origin",
            created=1756149688,
            steps=Steps("num_steps", max=40, default=None, low=10, medium=20, high=40),
            sides=Sides(256, 2500),
            seeds=2**32,
            price=Price(tile=63600, step=1200),
        ),
        Model(
            "@cf/leonardo/phoenix-1.0",
            "Phoenix 1.0",
            created=1756145538,
            steps=Steps("num_steps", max=50, default=25, low=10, medium=25, high=50),
            sides=Sides(256, 2048),
            seeds=2**32,
            negative_prompt=True,
            price=Price(tile=53000, step=1000),
        ),
        _STABLE_DIFFUSION(
            "@cf/stabilityai/stable-diffusion-xl-base-1.0",
            "Stable Diffusion XL",
            created=1699613683,
        ),
        _STABLE_DIFFUSION(
            "@cf/bytedance/stable-diffusion-xl-lightning",
            "Stable Diffusion XL Lightning",
            created=1709055689,
        ),
        _STABLE_DIFFUSION(
            "@cf/lykon/dreamshaper-8-lcm",
            "DreamShaper 8 LCM",
            created=1699613683,  # not published: the date of stable-diffusion-xl-base-1.0
        ),
    )
}

MAX_IMAGES = max(model.max_images for model in MODELS.values())
"""The most input pictures that any model here takes."""

GENERIC_NAMES = frozenset(
    (
        "auto",
        "chatgpt-image-latest",
        "dall-e-2",
        "dall-e-3",
        "default",
        "flux",
        "gpt-image-1",
        "gpt-image-1-mini",
        "gpt-image-1.5",
        "gpt-image-2",
    )
)
"""Default names in clients. They mean "your image model", whatever that is here."""
GENERIC_PREFIXES = ("chatgpt-image-", "dall-e-", "gpt-image-")
"""OpenAI's families. Clients start to use new names of these as soon as they appear."""

SHORT_NAMES = {
    "dreamshaper": "@cf/lykon/dreamshaper-8-lcm",
    "flux-schnell": "@cf/black-forest-labs/flux-1-schnell",
    "schnell": "@cf/black-forest-labs/flux-1-schnell",
    "flux-2": "@cf/black-forest-labs/flux-2-dev",
    "klein": "@cf/black-forest-labs/flux-2-klein-4b",
    "lucid": "@cf/leonardo/lucid-origin",
    "phoenix": "@cf/leonardo/phoenix-1.0",
    "sdxl": "@cf/stabilityai/stable-diffusion-xl-base-1.0",
    "sdxl-lightning": "@cf/bytedance/stable-diffusion-xl-lightning",
}
"""Names that people type. The part of an id after its last slash is also a name of the model."""

_PUNCTUATION = re.compile(r"[^a-z0-9]+")


def plain(name: str) -> str:
    """A name in lower case, without punctuation."""
    return _PUNCTUATION.sub("", name.lower())


def last(name: str) -> str:
    """The part after the last slash: clients put a provider in front (`cloudflare/@cf/...`)."""
    return name.strip().rstrip("/").rsplit("/", 1)[-1]


_IDS = {
    **{plain(model.name): id for id, model in MODELS.items()},
    **{plain(last(id)): id for id in MODELS},
    **{plain(name): id for name, id in SHORT_NAMES.items()},
}
_GENERIC = frozenset(map(plain, GENERIC_NAMES))
_OPENAI = tuple(map(plain, GENERIC_PREFIXES))


def own(name: str, known: Container[str] = _IDS) -> str:
    """A model's name in plain form, without provider and tag.

    Colons follow a provider (`openai:gpt-image-2`) or precede a tag (`flux-1-schnell:free`).
    """
    parts = [plain(part) for part in last(name).split(":", 2)]
    parts += [part.removesuffix(_FREE) for part in parts if part.endswith(_FREE)]
    return next((part for part in parts if part in known or part.startswith(_OPENAI)), parts[0])


_FREE = "free"
"""A tag of Together and OpenRouter. Together makes it part of the name: `FLUX.1-schnell-Free`."""


def find(name: str) -> Model | None:
    """The model with this id or short name, in any spelling; None if it is not served here."""
    return MODELS.get(_IDS.get(own(name), ""))


def is_generic(name: str) -> bool:
    """Whether a name leaves the choice of model to the service."""
    plainly = own(name)
    return plainly in _GENERIC or plainly.startswith(_OPENAI)


def promises_picture_alone(name: str) -> bool:
    """Whether OpenAI answers with `b64_json` only, never with a URL, for the model of this name."""
    return own(name).startswith(_PICTURE_ALONE)


_PICTURE_ALONE = tuple(map(plain, ("gpt-image", "chatgpt-image")))
