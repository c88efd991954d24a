"""Sizes that a function is told, or reads off a tensor, a constant or the machine, are found;
none is invented."""

import json
from pathlib import Path

import pytest
from test_identify_command import run

from rotcheck.identify.run import identify_all
from rotcheck.results import Identification

FILE = Path(__file__).parent / "functions_of_sizes.py"
ROTATES = {  # how each is called, and the width of its heads if there is only one
    "told_rows": (("q", "k", "cos", "sin", "S", "positions"), None),
    "told_rows_of_both": (("cos", "sin", "q", "k", "S", "S"), None),
    "told_no_rows": (("q", "k", "cos", "sin", "positions"), None),
    "of_short_heads": (("x", "positions"), 8),
    "of_fixed_heads": (("x", "positions"), 80),
    "of_any_heads": (("x", "positions"), None),
}
MAKES = {  # the shape of the x that tells the sizes, the tables and their rotary_dim
    "tables_of_rows": ("(S, D)", "half-width", 128),
    "tables_of_batches": ("(B, S, D)", "angles-repeated", 64),
    "tables_of_an_axis": ("(B, S, H, D)", "half-width", 64),
}
NEITHER = ("adds_a_table", "scaled_tables")


@pytest.fixture(scope="module")
def found() -> dict[str, Identification]:
    names = (*ROTATES, *MAKES, *NEITHER)
    return dict(zip(names, identify_all([f"{FILE}:{name}" for name in names])))


@pytest.mark.parametrize("name", ROTATES)
def test_how_it_is_called_and_in_which_width(name: str, found: dict[str, Identification]) -> None:
    one = found[name]
    assert one.follows, one.message
    assert not [finding for finding in one.findings if finding.mistake]
    assert one.convention is not None
    assert (one.convention.argument_order, one.convention.head_dim) == ROTATES[name]
    assert one.convention.theta == pytest.approx(10000.0) or "cos" in one.convention.argument_order


@pytest.mark.parametrize("name", MAKES)
def test_a_tensor_tells_the_sizes_of_tables(name: str, found: dict[str, Identification]) -> None:
    one = found[name]
    shape, tables, rotary_dim = MAKES[name]
    assert one.follows, one.message
    assert one.convention is not None
    assert (one.convention.kind, one.convention.tables) == ("builds", tables)
    assert (one.convention.rotary_dim, one.convention.theta) == (rotary_dim, pytest.approx(10000.0))
    assert one.evidence[0].because == f"the result is tables of a rotation, for x {shape}"


@pytest.mark.parametrize("name", NEITHER)
def test_what_depends_on_the_elements_of_x_makes_no_tables(
    name: str, found: dict[str, Identification]
) -> None:
    assert (found[name].convention, found[name].follows) == (None, False)


def test_a_class_that_asks_for_cuda_says_so_where_there_is_none() -> None:
    """Another exception of a class stays what it is."""
    names = [
        f"{FILE.name}:{name}" for name in ("RotaryOnCuda", "RotaryThatFails", "tables_of_rows")
    ]
    done = run(*names, "--format", "json", CUDA_VISIBLE_DEVICES="")
    said = [one["message"] for one in json.loads(done.stdout)["identifications"]]
    assert said == [
        "cannot be built: RotaryOnCuda asks for CUDA, which is not on this machine",
        "RuntimeError: no such rotation of 64 lanes while it was imported and built",
        None,
    ]
    assert done.returncode == 1
