"""The implementations that come with rotcheck, all of them,
and the pairwise table of what they gave."""

import importlib

import pytest
from comparing import CHECKS, DTYPES, HERE, HOSTILE, cells
from fronts import finish, planted, start

import rotcheck
from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.results import Pair, Report

VALUES = [name for name in CHECKS if name not in ("dtype", "state")]  # checks that need values
CHECKED = ["forward", "inputs", "offset"]
KERNELS = ["fallback", "flash-attn", "flash-attn-qkv"]


@pytest.fixture(scope="session")
def default(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, bool]:
    """The default implementations, dtypes and checks on cpu and meta, in a front of their own."""
    environment = planted(tmp_path_factory.mktemp("default"), {})
    return finish(start(environment, devices=["cpu", "meta"], pairwise=True))


@pytest.fixture(scope="session")
def interpreted() -> Report:
    """The Triton kernels under the interpreter; few checks, since it takes its time."""
    asked = {"devices": ["interpreter"], "dtypes": DTYPES[:3], "checks": CHECKED}
    return rotcheck.compare(["native", *KERNELS], timeout=120, **asked)


def test_the_front_of_a_whole_comparison_never_imports_torch(default: tuple[Report, bool]) -> None:
    assert not default[1]


def test_by_default_all_registered_ones_run_and_no_exhibit(default: tuple[Report, bool]) -> None:
    report, _ = default
    assert list(dict.fromkeys(cell.implementation for cell in report.cells)) == registry.names()
    assert (
        len(report.cells) == report.planned == len(registry.names()) * 2 * len(DTYPES) * len(CHECKS)
    )


def test_every_cell_on_cpu_agrees_or_says_why_it_did_not_run(default: tuple[Report, bool]) -> None:
    for (name, _, _), cell in cells(default[0]).items():
        assert cell.verdict == ("unavailable" if name in KERNELS[1:] else "agrees")
        assert not cell.stand_in
        assert cell.message if cell.verdict == "unavailable" else cell.message is None


def test_on_meta_the_checks_that_need_values_are_skipped_with_the_reason(
    default: tuple[Report, bool],
) -> None:
    for (name, _, check), cell in cells(default[0], "meta").items():
        assert cell.stand_in
        if check in VALUES and name not in KERNELS[1:]:
            assert cell.verdict == "skipped"
            assert "tensors on meta have no values" in cell.message


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("check", ["dtype", "state"])
def test_the_legacy_fuser_shows_itself_on_meta(
    dtype: str, check: str, default: tuple[Report, bool]
) -> None:
    found = cells(default[0], "meta")
    legacy = found["torchscript-legacy", dtype, check]
    assert (legacy.verdict, legacy.failure) == ("raises", "J1")
    assert "Unknown device for graph fuser" in legacy.message
    assert "_jit_set_profiling_executor" in legacy.fix
    assert found["torchscript", dtype, check].verdict == "agrees"


def test_the_fallback_tells_which_path_ran_and_why(
    default: tuple[Report, bool], interpreted: Report
) -> None:
    cell = cells(default[0])["fallback", "float32", "forward"]
    assert (cell.path, cell.note) == ("native", "flash-attn's rotary does not run on cpu")
    cell = cells(interpreted, "interpreter")["fallback", "float32", "forward"]
    assert (cell.path, cell.note) == ("flash-attn-qkv", "flash-attn can run here")


def test_flash_attn_says_why_it_does_not_run_on_cpu(default: tuple[Report, bool]) -> None:
    cell = cells(default[0])["flash-attn", "bfloat16", "forward"]
    assert "Triton kernel for CUDA and HIP devices" in cell.message


@pytest.mark.parametrize("check", CHECKED)
@pytest.mark.parametrize("name", KERNELS)
def test_the_real_kernel_agrees_under_the_interpreter(
    name: str, check: str, interpreted: Report
) -> None:
    found = cells(interpreted, "interpreter")
    for dtype in ("float32", "float16"):
        cell = found[name, dtype, check]
        assert (cell.verdict, cell.stand_in) == ("agrees", True)
        if check == "forward":
            assert cell.error <= 1.25


@pytest.mark.parametrize("name", KERNELS)
def test_bfloat16_is_skipped_under_the_interpreter_with_the_reason(
    name: str, interpreted: Report
) -> None:
    cell = cells(interpreted, "interpreter")[name, "bfloat16", "forward"]
    assert cell.verdict == "skipped"
    assert "truncates bfloat16" in cell.message


def test_what_has_no_kernel_is_skipped_under_the_interpreter(interpreted: Report) -> None:
    cell = cells(interpreted, "interpreter")["native", "float32", "forward"]
    assert cell.verdict == "skipped"
    assert "no Triton kernel" in cell.message


# the pairwise table


def pair(pairs: list[Pair], first: str, second: str, dtype: str = "float32") -> Pair:
    """Return the one pair of these two, in either order, on cpu."""
    wanted = {first, second}
    (found,) = [
        p for p in pairs if {p.first, p.second} == wanted and (p.device, p.dtype) == ("cpu", dtype)
    ]
    return found


def test_every_two_on_each_place_are_one_pair(default: tuple[Report, bool]) -> None:
    found = [(frozenset((p.first, p.second)), p.device, p.dtype) for p in default[0].pairs]
    assert len(found) == len(set(found))


def test_the_same_arithmetic_is_bit_identical(default: tuple[Report, bool]) -> None:
    for dtype in DTYPES:
        found = pair(default[0].pairs, "native", "interleaved", dtype)
        assert (found.relation, found.largest, found.reason) == ("bit-identical", 0.0, None)


def test_other_arithmetic_differs_by_a_rounding(default: tuple[Report, bool]) -> None:
    found = pair(default[0].pairs, "native", "complex", "bfloat16")
    assert found.relation == "differs"
    assert 0 < found.largest <= 2


def test_the_same_code_under_two_names_is_no_agreement(default: tuple[Report, bool]) -> None:
    found = pair(default[0].pairs, "fallback", "native")
    assert (found.relation, found.largest) == ("same path", 0.0)
    assert "not an agreement" in found.reason


def test_what_did_not_run_is_not_comparable(default: tuple[Report, bool]) -> None:
    found = pair(default[0].pairs, "flash-attn", "native")
    assert (found.relation, found.largest) == ("not comparable", None)
    assert found.reason


@pytest.fixture(scope="session")
def pairs_with_strangers() -> Report:
    asked = ["native", "complex", f"{HERE}/mistakes.py:conjugate", f"{HERE}/mistakes.py:one_nan"]
    asked += [
        f"{HOSTILE}:returns_none",
        f"{HOSTILE}:aborts",
        f"{HERE}/planted.py:promotes_to_complex",
    ]
    return rotcheck.compare(
        asked, devices=["cpu"], dtypes=["float32"], checks=["forward"], pairwise=True
    )


def test_a_wrong_function_differs_from_the_others(pairs_with_strangers: Report) -> None:
    found = pair(pairs_with_strangers.pairs, "native", "mistakes.py:conjugate")
    assert found.relation == "differs"
    assert found.largest > 1e6


def test_a_nan_in_one_of_two_is_as_far_as_can_be(pairs_with_strangers: Report) -> None:
    """Element for element: its NaN sits in k, and q, which is compared, has an error of its own."""
    assert pair(pairs_with_strangers.pairs, "native", "mistakes.py:one_nan").largest > 1e6


@pytest.mark.parametrize(
    "name", ["hostile.py:returns_none", "hostile.py:aborts", "planted.py:promotes_to_complex"]
)
def test_what_gave_nothing_to_compare_spoils_its_own_pairs_only(
    name: str, pairs_with_strangers: Report
) -> None:
    for other in ("native", "complex", "mistakes.py:conjugate"):
        assert pair(pairs_with_strangers.pairs, name, other).relation == "not comparable"
    assert pair(pairs_with_strangers.pairs, "native", "complex").relation == "bit-identical"


def test_being_compared_changes_no_verdict(pairs_with_strangers: Report) -> None:
    found = cells(pairs_with_strangers)
    assert {name: cell.verdict for (name, _, _), cell in found.items()} == {
        "native": "agrees",
        "complex": "agrees",
        "conjugate": "disagrees",
        "one_nan": "disagrees",
        "returns_none": "disagrees",
        "aborts": "crashes",
        "promotes_to_complex": "agrees",
    }
    assert found["returns_none", "float32", "forward"].failure == "R11"


# what is asked for


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"implementations": ["nativ"]}, "did you mean 'native'"),
        ({"dtypes": ["float23"]}, "unknown dtype 'float23'; did you mean 'float32'"),
        ({"checks": ["forwards"]}, "unknown check 'forwards'; did you mean 'forward'"),
        ({"devices": ["cuda:99"]}, "device 'cuda:99' is not on this machine"),
        (
            {"implementations": [f"{HOSTILE}:rotat"]},
            "there is no function 'rotat'; did you mean 'rotate'",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_carried_out_is_refused_in_one_message(asked: dict, words: str) -> None:
    request = {
        "implementations": ["native"],
        "devices": ["cpu"],
        "dtypes": ["float32"],
        "checks": ["dtype"],
    }
    with pytest.raises(RequestError) as caught:
        rotcheck.compare(**request | asked)
    assert words in str(caught.value)


def test_the_function_and_the_package_of_its_name_do_not_get_into_each_others_way() -> None:
    """Importing a file of the package binds the package
    to `rotcheck.compare`; it can be called all the same."""
    importlib.import_module("rotcheck.compare.plan")
    with pytest.raises(RequestError):
        rotcheck.compare(["nativ"])
