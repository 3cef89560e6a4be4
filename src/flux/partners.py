"""Models of other makers, one row each, and which of them the owner has enabled.

`env.AI.run("author/model", ...)` calls them through an AI Gateway and pays with its credits. Names, ranges and prices
are from Cloudflare's published schemas (github.com/cloudflare/cloudflare-docs, src/content/catalog-models); a test
compares every row with them. Input pictures are sent as data URLs or base64. A model has no edits here if its field
accepts only real URLs, or if its schema does not say what it accepts. Models that may have been withdrawn are left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from flux import catalog
from flux.catalog import ImagesIn, Model, Partner, Steps
from flux.errors import ModelNotFound
from flux.prices import OWNER, DollarPrice, read_dollars
from flux.size_control import Bounds, Listed, Ratios, WidthAndHeight, WidthByHeight
from flux.sizes import RATIOS, Size

IMAGE_SIDE = 2048
"""Longest side of an input picture in pixels, if none is published. Many requests share 128 MB."""
SAFE = 2**53
"""JSON carries whole numbers below this exactly. Used for the seeds of BFL and Bria."""

_LEVELS = ("low", "medium", "high")
_JPEG_PNG = {"image/jpeg": "jpeg", "image/png": "png"}
_ALL = {**_JPEG_PNG, "image/webp": "webp"}
_JPG_PNG = {"image/jpeg": "jpg", "image/png": "png"}

_BRIA_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9")
_GOOGLE_RATIOS = ("1:1", "3:2", "2:3", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_BYTEDANCE_RATIOS = ("1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3", "21:9")
_KREA_RATIOS = ("1:1", "4:3", "3:2", "16:9", "2.35:1", "4:5", "2:3", "9:16")
_XAI_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1")
_1K, _2K, _4K = ("1K", 1024), ("2K", 2048), ("4K", 4096)


def _kontext(price: DollarPrice) -> Partner:
    return Partner(
        Ratios(tuple(RATIOS)),  # any ratio from 3:7 to 7:3
        price,
        images=ImagesIn("input_image", as_list=False, data_urls=False),
        formats=_JPEG_PNG,
    )


def _flux_2(price: DollarPrice | None = None) -> Partner:
    return Partner(
        WidthAndHeight(Bounds(64, 4096, max_pixels=4_000_000)),
        price,
        images=ImagesIn("input_images"),
        formats=_ALL,
    )


def _gpt_image(sizes: tuple[Size, ...], qualities: tuple[str, ...], formats: Mapping[str, str] | None) -> Partner:
    return Partner(Listed(sizes), images=ImagesIn("images"), qualities=qualities, formats=formats)


def _nano_banana(field: str, formats: Mapping[str, str]) -> Partner:
    return Partner(Ratios(_GOOGLE_RATIOS, (_1K, _2K, _4K), resolution_field=field), formats=formats)


def _krea(price: int) -> Partner:
    return Partner(Ratios(_KREA_RATIOS, (_1K,)), DollarPrice(price))


_RECRAFT = Partner(Listed(), DollarPrice(40_000))
"""No sizes are published except the 1024x1024 in its examples."""


def _xai(price: DollarPrice) -> Partner:
    return Partner(
        Ratios(_XAI_RATIOS, (("1k", 1024), ("2k", 2048))),
        price,
        qualities=_LEVELS,
        fixed={"response_format": "b64_json"},  # avoids fetching the picture from a link
    )


_OPENAI_SIZES = (Size(1024, 1024), Size(1024, 1536), Size(1536, 1024))
_BFL = partial(Model, seeds=SAFE, max_image_side=IMAGE_SIDE)
_OPENAI = partial(Model, max_images=16, max_image_side=IMAGE_SIDE)
_BRIA = partial(Model, seeds=SAFE, max_image_side=IMAGE_SIDE)
_KREA = partial(Model, seeds=2**31)  # the schema gives no range

MODELS: Mapping[str, Model] = {
    model.id: model
    for model in (
        _BFL(
            "black-forest-labs/flux-1-kontext-pro",
            "FLUX.1 Kontext [pro]",
            created=1787172128,
            max_images=1,
            partner=_kontext(DollarPrice(40_000)),
        ),
        _BFL(
            "black-forest-labs/flux-1-kontext-max",
            "FLUX.1 Kontext [max]",
            created=1787172347,
            max_images=1,
            partner=_kontext(DollarPrice(80_000)),
        ),
        _BFL(
            "black-forest-labs/flux-2-pro-preview",
            "FLUX.2 [pro] Preview",
            created=1779923561,
            max_images=8,
            partner=_flux_2(),
        ),
        _BFL(
            "black-forest-labs/flux-2-flex",
            "FLUX.2 [flex]",
            created=1779923542,
            max_images=8,
            steps=Steps("steps", max=50, default=None, low=15, medium=30, high=50),
            partner=_flux_2(),
        ),
        _BFL(
            "black-forest-labs/flux-2-max",
            "FLUX.2 [max]",
            created=1779923551,
            max_images=8,
            partner=_flux_2(DollarPrice(first_megapixel=70_000, megapixel=30_000, image_megapixel=30_000)),
        ),
        _OPENAI(
            "openai/gpt-image-2",
            "GPT Image 2",
            created=1779472419,
            partner=_gpt_image(_OPENAI_SIZES, _LEVELS, _ALL),
        ),
        _OPENAI(
            "openai/gpt-image-2.5-flare",
            "GPT Image 2.5 Flare",
            created=1789083314,
            partner=_gpt_image(_OPENAI_SIZES, (*_LEVELS, "xhigh", "max"), _ALL),
        ),
        _OPENAI(
            "openai/gpt-image-2.5-sunburst",
            "GPT Image 2.5 Sunburst",
            created=1789083347,
            partner=_gpt_image(_OPENAI_SIZES, (*_LEVELS, "xhigh", "max"), _ALL),
        ),
        _OPENAI(
            "openai/gpt-image-1.5",
            "GPT Image 1.5",
            created=1779472418,
            partner=_gpt_image(
                (Size(256, 256), Size(512, 512), Size(1024, 1024), Size(1792, 1024), Size(1024, 1792)), _LEVELS, None
            ),
        ),
        Model(
            "google/nano-banana",
            "Nano Banana",
            created=1779472392,
            partner=_nano_banana("image_size", {**_JPG_PNG, "image/webp": "webp"}),
        ),
        Model(
            "google/nano-banana-2",
            "Nano Banana 2",
            created=1779472392,
            partner=_nano_banana("resolution", _JPG_PNG),
        ),
        Model(
            "google/nano-banana-2-lite",
            "Nano Banana 2 Lite",
            created=1782937296,
            partner=_nano_banana("resolution", _JPG_PNG),
        ),
        Model(
            "google/nano-banana-pro",
            "Nano Banana Pro",
            created=1779472393,
            partner=_nano_banana("image_size", {**_JPG_PNG, "image/webp": "webp"}),
        ),
        Model(
            "bytedance/seedream-5-lite",
            "Seedream 5 Lite",
            created=1779472386,
            partner=Partner(
                Ratios(_BYTEDANCE_RATIOS, (_2K, ("3K", 3072)), resolution_field="size"),
                DollarPrice(35_000),
                formats=_JPEG_PNG,
                fixed={"sequential_image_generation": "disabled"},
            ),
        ),
        Model(
            "bytedance/seedream-5-pro",
            "Seedream 5 Pro",
            created=1784834673,
            # From the pixels of its "1K" to those of its "2K"; no other bounds are published.
            partner=Partner(WidthByHeight(Bounds(512, 4096, min_pixels=1024**2, max_pixels=2048**2))),
        ),
        Model(
            "bytedance/seedream-4.5",
            "Seedream 4.5",
            created=1779472386,
            partner=Partner(
                Ratios(_BYTEDANCE_RATIOS, (_2K, _4K), resolution_field="size"),
                fixed={"sequential_image_generation": "disabled"},
            ),
        ),
        Model(
            "alibaba/qwen-image-3.0-pro",
            "Qwen Image 3.0 Pro",
            created=1786486669,
            seeds=2**31,
            negative_prompt=True,
            # Bounds are not published: there are prices for 1K and 2K, and 2048x2048 is its example.
            partner=Partner(
                WidthByHeight(Bounds(512, 2048, max_pixels=2048**2)),
                DollarPrice(40_000, large_picture=70_000),
                max_negative_prompt=500,
                fixed={"n": 1},
            ),
        ),
        Model(
            "alibaba/wan-2.6-image",
            "Wan 2.6 Image",
            created=1779472372,
            negative_prompt=True,
            # Bounds are not published; 1024x1024 is its example.
            partner=Partner(WidthByHeight(Bounds(512, 2048, max_pixels=1024**2)), DollarPrice(30_000)),
        ),
        _BRIA(
            "bria/fibo-generate-1.5",
            "FIBO Generate 1.5",
            created=1791313128,
            max_images=1,
            partner=Partner(
                Ratios(_BRIA_RATIOS, (("1MP", 1024), ("4MP", 2048))),
                DollarPrice(30_000),
                images=ImagesIn("images"),
                formats=_JPEG_PNG,
                format_field="output_type",
            ),
        ),
        _BRIA(
            "bria/fibo-edit-1.5",
            "FIBO Edit 1.5",
            created=1791313147,
            max_images=4,
            partner=Partner(
                Ratios(_BRIA_RATIOS),
                DollarPrice(30_000),
                prompt="instruction",
                images=ImagesIn("images", required=True),
                formats=_JPEG_PNG,
                format_field="output_type",
            ),
        ),
        # Their input pictures are style references given as URLs, which is not editing.
        _KREA("krea/krea-2-large", "Krea 2 Large", created=1781705914, partner=_krea(60_000)),
        _KREA("krea/krea-2-medium", "Krea 2 Medium", created=1781705901, partner=_krea(30_000)),
        _KREA("krea/krea-2-medium-turbo", "Krea 2 Medium Turbo", created=1781705843, partner=_krea(15_000)),
        Model("recraft/recraftv4-1", "Recraft V4.1", created=1779472431, partner=_RECRAFT),
        Model("recraft/recraftv4", "Recraft V4", created=1779472430, partner=_RECRAFT),
        Model(
            "xai/grok-imagine-image",
            "Grok Imagine Image",
            created=1779472443,
            partner=_xai(DollarPrice(20_000, image=2_000)),
        ),
        Model(
            "xai/grok-imagine-image-quality",
            "Grok Imagine Image Quality",
            created=1779472448,
            partner=_xai(DollarPrice(50_000, image=10_000)),
        ),
    )
}

MAX_IMAGES = max(model.max_images for model in (*catalog.MODELS.values(), *MODELS.values()))
"""The most input pictures that any model takes."""

_IDS = {
    **{catalog.plain(model.name): id for id, model in MODELS.items()},
    **{catalog.plain(catalog.last(id)): id for id in MODELS},
}


def known(name: str) -> Model | None:
    """The row for a name in any spelling, enabled or not."""
    return MODELS.get(_IDS.get(catalog.own(name, _IDS), ""))


def is_known(name: str) -> bool:
    """Whether a name can only mean a model of another maker."""
    return known(name) is not None and not catalog.is_generic(name)


@dataclass(frozen=True, slots=True)
class Enabled:
    """The value of `PARTNER_MODELS`."""

    models: Mapping[str, Model]
    """The enabled models by id, with the owner's price if there is one."""
    named: frozenset[str] = frozenset()
    """Ids that the owner listed explicitly."""

    def find(self, name: str) -> Model | None:
        """The enabled model that a name means; None if it means no model of another maker.

        A default name of OpenAI's clients counts only if the owner listed its id, or if the caller also names the maker
        and the model is enabled. Raises `ModelNotFound` for a model that is not enabled.
        """
        model = known(name)
        if model is None:
            return None
        if catalog.is_generic(name):
            meant = model.id in self.named or _says_maker(name, model)
            return self.models.get(model.id) if meant else None
        if model.id not in self.models:
            raise ModelNotFound(
                f"{model.id} is not enabled here: the service's owner can enable it with the setting PARTNER_MODELS.",
                param="model",
            )
        return self.models[model.id]


NONE = Enabled({})


def _says_maker(name: str, model: Model) -> bool:
    return catalog.plain(model.owned_by) in map(catalog.plain, re.split("[/:]", name))


EVERY = "*"


def enabled(text: str) -> Enabled:
    """Parse `PARTNER_MODELS`: ids, each with an optional price in dollars, or `*`, separated by commas or white space.

    Raises `ValueError`. Its text completes a sentence that starts with the setting's name.
    """
    prices: dict[str, DollarPrice | None] = {}
    every = False
    for number, entry in enumerate(re.split(r"[,\s]+", re.sub(r"\s*=\s*", "=", text).strip(", \t\r\n")), 1):
        name, equals, price = entry.partition("=")
        if entry == EVERY:
            every = True
            continue
        model = known(name)
        if model is None:
            raise ValueError(f"names no model that we know as number {number} of its list. Known: {', '.join(MODELS)}.")
        prices[model.id] = _stated(price, model.id) if equals else None
    models = {
        id: _priced(model, price) if (price := prices.get(id)) else model
        for id, model in MODELS.items()
        if every or id in prices
    }
    return Enabled(models, frozenset(prices))


def _stated(text: str, id: str) -> DollarPrice:
    amount = read_dollars(text)
    if not amount:
        raise ValueError(f"states no price for {id} that can be read: write it in dollars, such as {id}=0.13.")
    return DollarPrice(amount, source=OWNER)


def _priced(model: Model, price: DollarPrice) -> Model:
    return replace(model, partner=replace(model.partner, price=price)) if model.partner else model
