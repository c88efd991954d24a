"""Each check catches what was planted for it, and nothing else sees it."""

import pytest
from comparing import HERE, SWITCHES, Cells, functions
from comparing import bad_checks as bad

ONLY = {  # function: the check that fails, what it says, and the id of the failure
    "other_at_inference": (
        "forward",
        "wrong values under torch.no_grad() and in eval mode",
        "R152",
    ),
    "detached": ("backward", "carries no gradient", "R17"),
    "detached_k": ("backward", "not the incoming gradient, rotated back", "R16"),
    "gradient_of_the_wrong_sign": (
        "backward",
        "not the incoming gradient, rotated back",
        "R16",
    ),
    "gradient_with_nan": ("backward", "the gradient has NaN", "R9"),
    "promotes": ("dtype", "returned float64 for", "N13"),
    "writes_its_input": ("inputs", "writes into its input", "F14"),
    "touches_v": ("inputs", "V does not come back bit for bit", "R30"),
    "ignores_strides": (
        "strides",
        "a transposed input gives different values from a contiguous one",
        "M8",
    ),
    "writes_outside": ("strides", "writes outside of a sliced input", "R13"),
    "counts_its_calls": ("repeat", "call 2 gives different bits from call 1", "R15"),
    "caches_by_length": ("offset", "a decode step at position 1 differs", "N11"),
    "squeezes": ("offset", "returned shape (2, 3, 5, 64) for an input of (2, 1, 3, 5, 64)", "R10"),
}

STATE = {  # switch: what `state` says, and the id of the failure
    "executor": ("TorchScript executor", "J8"),
    "fusers": ("TorchScript fusers", "J8"),
    "default_dtype": ("default dtype from torch.float32 to torch.float64", "R18"),
    "default_device": ("default device from cpu to meta", "R18"),
    "threads": ("thread count from ", "R18"),
    "autocast": ("autocast", "R18"),
    "matmul_precision": ("float32 matmul precision from highest to medium", "R18"),
    "deterministic": ("deterministic mode from False to True", "R18"),
    "functions": ("functions of torch", "R18"),
    "torch_seed": ("torch seed", "R19"),
    "torch_random_numbers": ("torch random state", "R19"),
    "python_seed": ("Python random state", "R19"),
    "gradients_off": ("grad mode from True to False", "R18"),
}
BESIDES = {"gradients_off": {"backward"}}  # what else a switch must break
ALSO = {"caches_by_length": {"sizes"}, "squeezes": {"sizes"}}  # other checks that ask for one row

SPEAKS = {  # function: the note of its `state` cell
    "prints": "writes to standard output when it is called",
    "warns": "writes to standard error when it is called",
    "logs": "writes to standard error when it is called",
}

TWICE = {
    "promotes_to_complex",
    "writes_its_tables",
    "narrows",
    "contiguous_only",
    "promotes_on_every_second_call",
    "widens",
    "widens_what_it_declares",
}
BOTH = {"float32", "bfloat16"}


def bad_checks(planted: Cells, function: str) -> dict[str, set[str]]:
    """Return which checks of those that run a function fail;
    `identify` may call it a mistake as well."""
    return {
        check: dtypes for check, dtypes in bad(planted, function).items() if check != "convention"
    }


@pytest.mark.parametrize("function", ONLY)
def test_what_was_planted_is_caught_by_its_check_alone(function: str, planted: Cells) -> None:
    check, words, failure = ONLY[function]
    assert bad_checks(planted, function) == dict.fromkeys({check, *ALSO.get(function, ())}, BOTH)
    for dtype in BOTH:
        cell = planted[function, dtype, check]
        assert (cell.verdict, cell.failure) == ("disagrees", failure)
        assert words in cell.message


def test_writing_into_the_tables_is_caught_and_breaks_autograd_too(planted: Cells) -> None:
    assert bad_checks(planted, "writes_its_tables") == {"inputs": BOTH, "backward": BOTH}
    cell = planted["writes_its_tables", "float32", "inputs"]
    assert (cell.message, cell.failure) == ("writes into its cos and sin tables", "R12")
    assert planted["writes_its_tables", "float32", "backward"].verdict == "raises"


def test_float32_for_bfloat16_is_held_against_what_declares_its_convention(planted: Cells) -> None:
    """`identify` accuses nothing that declares nothing of it,
    and no more does `compare`: a model may cast it."""
    assert bad_checks(planted, "widens") == {}
    note = planted["widens", "bfloat16", "dtype"].note
    assert (
        note
        == "returned float32 for bfloat16: cast it back where attention takes q, k and v of one dtype (N13)"
    )
    assert planted["widens", "float32", "dtype"].note is None
    assert bad_checks(planted, "widens_what_it_declares") == {"dtype": {"bfloat16"}}
    assert planted["widens_what_it_declares", "bfloat16", "dtype"].failure == "N13"


def test_a_narrower_result_is_caught_where_it_is_narrower(planted: Cells) -> None:
    assert set(bad_checks(planted, "narrows")["dtype"]) == {"float32"}
    cell = planted["narrows", "float32", "dtype"]
    assert (cell.message, cell.failure) == ("returned bfloat16 for float32", "R7")


def test_a_complex_result_is_a_promotion(planted: Cells) -> None:
    cell = planted["promotes_to_complex", "float32", "dtype"]
    assert (cell.message, cell.failure) == ("returned complex64 for float32", "N13")


def test_a_dtype_that_changes_on_a_later_call_is_caught(planted: Cells) -> None:
    cell = planted["promotes_on_every_second_call", "bfloat16", "dtype"]
    assert (cell.verdict, cell.failure) == ("disagrees", "N13")
    assert planted["promotes_on_every_second_call", "bfloat16", "repeat"].failure == "R15"
    assert planted["promotes_on_every_second_call", "bfloat16", "forward"].verdict == "agrees"


def test_refusing_strides_raises_and_is_no_wrong_value(planted: Cells) -> None:
    assert bad_checks(planted, "contiguous_only") == {"strides": BOTH}
    cell = planted["contiguous_only", "float32", "strides"]
    assert cell.verdict == "raises"
    assert cell.trace[0].startswith("planted.py:")


@pytest.mark.parametrize("switch", STATE)
def test_a_switch_changed_by_a_call_is_caught_by_state(switch: str, planted: Cells) -> None:
    """The other checks find their switches as they were, so that nothing else is bad."""
    assert set(bad_checks(planted, switch)) == {"state"} | BESIDES.get(switch, set())
    words, failure = STATE[switch]
    for dtype in BOTH:
        cell = planted[switch, dtype, "state"]
        assert (cell.verdict, cell.failure) == ("disagrees", failure)
        assert words in cell.message


@pytest.mark.parametrize("function", SPEAKS)
def test_what_prints_warns_or_logs_is_not_wrong_and_has_a_note(
    function: str, planted: Cells
) -> None:
    """Python shows a warning once, which is in the dtype that comes first."""
    assert bad_checks(planted, function) == {}
    assert planted[function, "float32", "state"].note == SPEAKS[function]
    assert planted["default_dtype", "float32", "state"].note is None


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_changed_by_an_import_is_caught_by_state(switch: str, planted: Cells) -> None:
    assert set(bad_checks(planted, f"import_{switch}")) == {"state"} | BESIDES.get(switch, set())
    words, failure = STATE[switch]
    cell = planted[f"import_{switch}", "bfloat16", "state"]
    assert cell.failure == failure
    assert words in cell.message


def test_every_planted_function_is_looked_at() -> None:
    names = {specification.rpartition(":")[2] for specification in functions(HERE / "planted.py")}
    assert names == {*ONLY, *STATE, *SPEAKS, *TWICE}
