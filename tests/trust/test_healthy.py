"""No right function is called wrong, in whatever convention, shape, dtype,
seed and layout in memory."""

from collections.abc import Callable
from typing import Any

import made
import pytest
from figures import FAMILIES, Figures
from healthy_cells import Healthy, by_hand
from sound import DTYPE, ONCE, OWN, TABLES
from trusting import CPU, DTYPES, HERE, declared, fresh

import rotcheck
from rotcheck.convention import Convention
from rotcheck.identify import function_identification
from rotcheck.implementations.target import Target
from rotcheck.measure.judge import IN_DTYPE

RIGHT = by_hand()
RULES = {
    each.name: each
    for each in made.every()
    if "fused" in each.name and each.convention.layout in ("bshd", "bhsd", "qkv")
}
ONCE_AT_MOST, TABLES_AT_MOST, DTYPE_AT_MOST = 0.55, 0.75, 1.25  # as the design measured them
SAMPLE = (
    "llama",
    "gptj",
    "meta_llama",
    "deepseek_v3",
    "flash_attn_in_place",
    "vllm",
    "flux",
    "sedd",
    "NanoGpt",
)


def test_not_one_healthy_cell_is_a_false_alarm(healthy: Healthy) -> None:
    assert healthy.alarms == []


def test_there_are_ten_thousand_healthy_cells_and_more(healthy: Healthy) -> None:
    """Cells that do not apply are not counted."""
    assert healthy.cells >= 10_000
    assert healthy.seen["dtype"] == {*DTYPES}
    assert len(healthy.seen["implementation"]) >= 700
    assert len(healthy.seen["convention"]) >= 200
    assert (len(healthy.seen["seed"]), len(healthy.seen["strides"])) == (3, 5)


@pytest.mark.parametrize("dtype", DTYPES[1:3])
def test_the_bands_of_the_measure_hold_what_they_say(dtype: str, figures: Figures) -> None:
    """float32 inside is worth a single rounding in the narrow dtypes;
    with tables in the dtype a little more."""
    largest = {family: figures.right(family, dtype)[2] for family in FAMILIES}
    assert largest[ONCE] <= ONCE_AT_MOST
    assert largest[TABLES] <= TABLES_AT_MOST
    assert largest[DTYPE] <= DTYPE_AT_MOST
    assert largest[OWN] <= TABLES_AT_MOST


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_that_is_right_needs_more_than_arithmetic_in_the_dtype(
    family: str, figures: Figures
) -> None:
    assert max(figures.right(family, dtype)[2] for dtype in DTYPES) <= DTYPE_AT_MOST < IN_DTYPE


def _held(function: Callable[..., Any], convention: Convention) -> None:
    told = function_identification.identify(
        Target(function, None, "as the tests build it"), CPU
    ).identification
    assert [remark.code for remark in told.findings if remark.mistake] == []
    assert told.follows
    found = told.convention
    assert found is not None
    assert (found.pairing, found.direction) == (convention.pairing, convention.direction)
    assert found.output_lanes == convention.output_lanes
    assert found.tables in {
        convention.tables,
        "packed" if convention.is_packed else convention.tables,
    }
    possible = [
        *told.also,
        *(words for one in told.ambiguous if one.field == "layout" for words in one.possible),
    ]
    assert found.layout == convention.layout or any(
        words.split()[0] == convention.layout for words in possible
    )


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_function_is_identified(name: str) -> None:
    convention = declared(RIGHT[name])
    assert convention is not None
    _held(fresh(RIGHT[name]), convention)


@pytest.mark.parametrize("name", RULES)
def test_a_function_made_by_rule_is_identified(name: str) -> None:
    _held(RULES[name].function, RULES[name].convention)


def test_the_command_agrees_in_its_own_processes_too() -> None:
    report = rotcheck.compare(
        [f"{HERE}/sound.py:{name}" for name in SAMPLE], devices=["cpu"], timeout=60
    )
    assert [cell for cell in report.cells if cell.verdict not in ("agrees", "skipped")] == []
    assert report.summary["agrees"] > 200
