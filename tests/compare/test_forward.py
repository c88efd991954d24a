"""`forward` lets every right rotation pass, catches every mistake of the field,
and says which it is."""

import pytest
from comparing import CHECKS, DTYPES, HERE, Cells, bad_checks, functions, name

from rotcheck.results import Cell

HEALTHY = [specification.rpartition(":")[2] for specification in functions(HERE / "healthy.py")]

KNOWN = {  # function: what `forward` says, and the id of the failure
    "only_q": ("returns its input unrotated (in k alone)", "R34"),
    "not_rotated": ("returns its input unrotated", "R4"),
    "first_row_for_all": ("returns its input unrotated", "R4"),
    "conjugate": ("rotates by the negative angle", "R2"),
    "conjugate_in_float32": ("rotates by the negative angle", "R2"),
    "rotated_twice": ("rotates twice", "N10"),
    "interleaved": ("rotates the other pairing's lanes (half against interleaved)", "N7"),
    "interleaved_rotate_with_half_tables": (
        "rotates one pairing's lanes with tables laid out for the other",
        "R1",
    ),
    "lanes_in_the_other_order": ("writes its result in the other pairing's order of lanes", "R3"),
    "arguments_swapped": ("is handed cos for sin and sin for cos", "R5"),
    "arguments_swapped_for_q_and_k": ("uses cos for sin and sin for cos", "R5"),
    "imaginary_part_dropped": ("multiplies with cos and drops sin", "N6"),
    "written_over_while_read": ("uses the first half's new values to make the second", "N20"),
    "row_too_far": ("rotates each row with the next row's angle", "N11"),
    "row_too_near": ("rotates each row with the row's before it", "N11"),
    "v_rotated_too": ("rotates V as well as q and k", "N10"),
    "half_of_the_lanes": ("rotates half of the lanes that it should", "N8"),
    "one_nan": ("returns 1 NaN or infinite elements", "R9"),
}
UNKNOWN = ["own_positions"]
NARROW = {
    "bfloat16_inside": ["float32", "float16", "float64"],
    "float16_inside": ["float32", "float64"],
}


@pytest.mark.parametrize("function", [*HEALTHY, "healthy_import"])
def test_a_right_rotation_agrees_under_every_check_in_every_dtype(
    function: str, healthy: Cells
) -> None:
    assert bad_checks(healthy, function) == {}
    asked = ("convention", *CHECKS)
    assert {key[1:] for key in healthy if key[0] == function} == {
        (d, c) for d in DTYPES for c in asked
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", KNOWN)
def test_a_known_mistake_disagrees_and_is_named(function: str, dtype: str, mistaken: Cells) -> None:
    cell = mistaken[function, dtype, "forward"]
    assert (cell.verdict, cell.message, cell.failure) == ("disagrees", *KNOWN[function])
    assert cell.cause
    assert cell.fix


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", UNKNOWN)
def test_an_unknown_mistake_disagrees_and_says_that_it_is_unknown(
    function: str, dtype: str, mistaken: Cells
) -> None:
    cell = mistaken[function, dtype, "forward"]
    assert (cell.verdict, cell.failure) == ("disagrees", "R8")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_one_element_six_units_off_disagrees_and_is_found(dtype: str, mistaken: Cells) -> None:
    """Six units are nothing in the next narrower dtype: it must not pass for rounding to that."""
    cell = mistaken["off_by_six_units", dtype, "forward"]
    assert (cell.verdict, cell.failure) == ("disagrees", "R8")
    assert 4.5 < cell.error < 7.5
    assert cell.where == {"batch": 1, "row": 0, "position": 0, "qkv": 0, "head": 3, "pair": 7}


@pytest.mark.parametrize("function", NARROW)
def test_arithmetic_in_a_narrower_dtype_disagrees_where_it_is_narrower(
    function: str, mistaken: Cells
) -> None:
    dtype = function.partition("_")[0]
    for other in DTYPES:
        cell = mistaken[function, other, "forward"]
        if other in NARROW[function]:
            assert (cell.verdict, cell.failure) == ("disagrees", "R6")
            assert (
                cell.message == f"is as good as {dtype} arithmetic only: something is rounded to it"
            )
    assert mistaken[function, dtype, "forward"].verdict == "agrees"


def test_nan_is_counted_apart_and_the_largest_finite_error_is_still_there(mistaken: Cells) -> None:
    for dtype, eps in (("float32", 2**-23), ("bfloat16", 2**-7), ("float16", 2**-10)):
        cell = mistaken["one_nan", dtype, "forward"]
        assert cell.not_finite == 1
        assert 0.1 / eps < cell.error < 100 / eps
        assert cell.where == {"batch": 0, "row": 0, "position": 0, "qkv": 1, "head": 2, "pair": 9}


def test_float32_inside_agrees_on_float64_with_a_note(healthy: Cells) -> None:
    for function in ("float32_inside",):
        for check in ("forward", "backward"):
            cell = healthy[function, "float64", check]
            assert cell.verdict == "agrees"
            assert cell.error <= 2
            assert cell.note.startswith("computes in float32 inside")
    assert healthy["plain", "float64", "forward"].note is None


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_share_of_correctly_rounded_elements_tells_the_arithmetic(
    dtype: str, healthy: Cells
) -> None:
    """All in the dtype: about 7 of 10. float32 inside, tables in the dtype:
    fewer than all of them too."""

    def share(function: str) -> float:
        return healthy[function, dtype, "forward"].correctly_rounded

    assert 0.6 < share("plain") < 0.8
    assert share("float32_inside") > share("plain")
    assert share("float64_inside") == pytest.approx(share("float32_inside"), abs=0.01)


def test_a_mistake_in_the_forward_explains_the_gradient_too(mistaken: Cells) -> None:
    for function in ("conjugate", "interleaved", "bfloat16_inside"):
        forward, backward = (
            mistaken[function, "float32", check] for check in ("forward", "backward")
        )
        assert backward.failure == forward.failure
        assert backward.message.endswith(f"since the forward is wrong: {forward.message}")


def test_v_that_was_only_rounded_is_not_called_rotated(mistaken: Cells) -> None:
    rounded, rotated = (
        mistaken[f, "float32", "inputs"] for f in ("bfloat16_inside", "v_rotated_too")
    )
    assert (rounded.message, rounded.failure) == ("V comes back rounded to bfloat16", "R6")
    assert (rotated.message, rotated.failure) == ("V does not come back bit for bit", "R30")


def test_every_mistake_of_the_file_is_looked_at() -> None:
    names = {specification.rpartition(":")[2] for specification in functions(HERE / "mistakes.py")}
    assert names == {*KNOWN, *UNKNOWN, *NARROW, "off_by_six_units"}


def test_a_cell_is_found_by_its_function() -> None:
    cell = Cell(
        implementation="f.py:g", device="cpu", dtype="float32", check="forward", verdict="agrees"
    )
    assert name(cell) == "g"
