"""The capacity and the costs of one deployment: the calculations behind docs/scale.md.

    python -m dev.scale           prints the tables
    python -m dev.scale --write   writes them into docs/scale.md

Limits and prices are those that Cloudflare publishes, each with its page below developers.cloudflare.com. Measurements
are from bench/RESULTS.md.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from dev import tables
from flux import catalog, plan, prices, settings

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "scale.md"
COMMAND = "python -m dev.scale"

SECONDS_A_DAY = 86_400
DAYS_A_MONTH = 30


@dataclass(frozen=True)
class Price:
    """What a month includes, and the price of anything beyond that."""

    included: float
    dollars: float
    per: float
    """How many cost `dollars`."""

    @property
    def each(self) -> float:
        """Dollars for one, beyond what is included."""
        return self.dollars / self.per


ASKED = plan.example(catalog.MODELS[catalog.DEFAULT_MODEL], settings.read({}))
"""One picture of flux-1-schnell: 1024x1024, 4 steps."""
NEURONS = (ASKED.cost.neurons or 0) / prices.HUNDREDTHS
FREE_NEURONS_A_DAY = prices.FREE_A_DAY / prices.HUNDREDTHS
"""On all plans, until 00:00 UTC."""
NEURON_PRICE = Price(FREE_NEURONS_A_DAY * DAYS_A_MONTH, prices.MICRODOLLARS / 1e6, 1)
AI_REQUESTS_A_MINUTE = 720
"""Text-to-image requests per account: workers-ai/platform/limits/."""

# workers/platform/limits/ and kv/platform/limits/, on the free plan.
FREE_REQUESTS_A_DAY = 100_000
FREE_KV_WRITES_A_DAY = 1_000
FREE_KV_READS_A_DAY = 100_000
FREE_KV_BYTES = 10**9
FREE_TRANSFORMATIONS_A_MONTH = 5_000
"""Of the Images binding, on all plans: images/pricing/."""

# workers/platform/pricing/, kv/platform/pricing/, images/pricing/: the paid plan, 5 dollars a month.
PLAN_DOLLARS = 5.0
REQUESTS = Price(10e6, 0.30, 1e6)
CPU_MS = Price(30e6, 0.02, 1e6)
KV_WRITES = Price(1e6, 5.00, 1e6)
KV_READS = Price(10e6, 0.50, 1e6)
TRANSFORMATIONS = Price(FREE_TRANSFORMATIONS_A_MONTH, 0.50, 1000)

# Measured: bench/RESULTS.md. The stand-in's pictures are smaller than real ones.
CPU_MS_A_PICTURE = 5.8
"""For a complete generation: local medians are 5 to 7."""
PICTURE_BYTES = 200_000
VIEWS = 3
"""How often a picture is requested. In one location Workers Cache answers all requests but the first."""
LIFETIME_SECONDS = 1800
"""`IMAGE_EXPIRATION`."""


def free_plan() -> dict[str, float]:
    """The number of pictures a day that each allowance covers, smallest first."""
    allowances = {
        "Workers AI neurons": FREE_NEURONS_A_DAY / NEURONS,
        "Images transformations, if every picture is cut, or drawn by a tool of MCP": FREE_TRANSFORMATIONS_A_MONTH
        / DAYS_A_MONTH,
        "Images transformations, if a tool of MCP draws every picture and it is cut": FREE_TRANSFORMATIONS_A_MONTH
        / DAYS_A_MONTH
        / 2,
        "KV writes": FREE_KV_WRITES_A_DAY,
        "requests, with three views of each picture": FREE_REQUESTS_A_DAY / (1 + VIEWS),
        "KV reads, no view cached": FREE_KV_READS_A_DAY / VIEWS,
        "KV storage, each picture kept for half an hour": FREE_KV_BYTES
        / PICTURE_BYTES
        * SECONDS_A_DAY
        / LIFETIME_SECONDS,
    }
    return dict(sorted(allowances.items(), key=lambda row: row[1]))


def dollars_a_thousand(*, cut: bool) -> dict[str, float]:
    """Dollars per thousand pictures beyond what the paid plan includes."""
    thousand = 1000
    return {
        "Workers AI": thousand * NEURONS * NEURON_PRICE.each,
        "Images": thousand * TRANSFORMATIONS.each if cut else 0.0,
        "KV writes": thousand * KV_WRITES.each,
        "KV reads": thousand * VIEWS * KV_READS.each,
        "requests": thousand * (1 + VIEWS) * REQUESTS.each,
        "CPU time": thousand * CPU_MS_A_PICTURE * CPU_MS.each,
    }


def paid_month(pictures_a_day: int, *, cut: bool) -> float:
    """Dollars per month at that rate. The plan's allowances are deducted one by one."""
    pictures = pictures_a_day * DAYS_A_MONTH
    uses = (
        (NEURON_PRICE, pictures * NEURONS),
        (TRANSFORMATIONS, pictures if cut else 0),
        (KV_WRITES, pictures),
        (KV_READS, pictures * VIEWS),
        (REQUESTS, pictures * (1 + VIEWS)),
        (CPU_MS, pictures * CPU_MS_A_PICTURE),
    )
    return PLAN_DOLLARS + sum(max(0.0, used - price.included) * price.each for price, used in uses)


def figures() -> str:
    """The figures in Markdown."""
    free = [f"| {name} | {int(pictures):,} |" for name, pictures in free_plan().items()]
    square, cut = dollars_a_thousand(cut=False), dollars_a_thousand(cut=True)
    costs = [f"| {name} | {square[name]:.4f} | {cut[name]:.4f} |" for name in square]
    months = [
        f"| {rate:,} | {paid_month(rate, cut=False):,.2f} | {paid_month(rate, cut=True):,.2f} |"
        for rate in (100, 1_000, 10_000, AI_REQUESTS_A_MINUTE * 60 * 24)
    ]
    return "\n".join(
        [
            f"One picture of flux-1-schnell (1024x1024, {ASKED.steps} steps) is {NEURONS:.1f} neurons.",
            "",
            "| free plan: this allowance | is enough for pictures a day |",
            "| --- | ---: |",
            *free,
            "",
            "| paid plan: a thousand pictures cost, in dollars | square | cut to size |",
            "| --- | ---: | ---: |",
            *costs,
            f"| **together** | **{sum(square.values()):.2f}** | **{sum(cut.values()):.2f}** |",
            "",
            "| pictures a day, on the paid plan | dollars a month, square | cut to size |",
            "| ---: | ---: | ---: |",
            *months,
        ]
    )


if __name__ == "__main__":
    tables.shown({DOCUMENT: figures()}, COMMAND, sys.argv[1:])
