"""The figures in docs/scale.md match its script, and those of the script match the price lists."""

import pytest

from dev import scale, tables


def test_the_page_says_what_the_script_computes() -> None:
    """`python -m dev.scale --write` updates it."""
    page = scale.DOCUMENT.read_text()
    assert tables.written(page, scale.COMMAND, scale.figures()) == page


def test_a_square_picture_costs_what_the_price_list_says() -> None:
    """57.6 neurons: $0.0000528 x 4 tiles + $0.0001056 x 4 steps, at $0.011 per thousand neurons."""
    assert pytest.approx(57.6) == scale.NEURONS
    assert scale.NEURONS * scale.NEURON_PRICE.each == pytest.approx(0.0000528 * 4 + 0.0001056 * 4, rel=1e-3)


def test_neurons_are_what_the_free_plan_runs_out_of_when_pictures_are_square() -> None:
    """A cropped picture costs a transformation too, and even fewer of those are free."""
    order = list(scale.free_plan())
    assert all(name.startswith("Images transformations") for name in order[:2])
    assert order[2] == "Workers AI neurons"
    assert int(scale.free_plan()["Workers AI neurons"]) == 173


def test_a_month_within_the_allowances_costs_the_plan_alone() -> None:
    assert scale.paid_month(100, cut=False) == scale.PLAN_DOLLARS


def test_a_busy_month_costs_what_its_thousands_cost() -> None:
    """Far beyond the allowances, one more day costs as much as its pictures."""
    a_day = scale.paid_month(1_000_001, cut=True) - scale.paid_month(1_000_000, cut=True)
    assert a_day == pytest.approx(30 * sum(scale.dollars_a_thousand(cut=True).values()) / 1000)
