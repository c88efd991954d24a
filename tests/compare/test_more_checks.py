"""Each check of sizes, positions and transforms catches what was planted for it,
and lets the others pass."""

import pytest
from comparing import HERE, Cells, bad_checks, cells, functions

import rotcheck
from rotcheck.compare import plan
from rotcheck.compare.checks import files, names
from rotcheck.errors import RequestError
from rotcheck.measure.other_calls import shortly
from rotcheck.preflight.decision import decide
from rotcheck.preflight.policy import Policy
from rotcheck.results import Report, exit_code

FILE = HERE / "checks_full.py"
FUNCTIONS = [name for name in functions(FILE) if not name.rpartition(":")[2].startswith("_")]
RIGHT = (
    "plain",
    "indexed",
    "sequences_one_after_another",
    "rows_as_they_come",
    "grouped",
    "refuses_groups",
    "as_many_lanes_as_the_tables",
    "in_place",
    "by_position",
    "differentiable_once",
)
BUILT_IN = (
    "native",
    "interleaved",
    "complex",
    "rotcheck",
    "torchscript",
    "torchscript-legacy",
    "fallback",
)
TRACING = ("export", "compile")
ASKED = [name for name in names() if name not in (*TRACING, "inductor")]

# function: the check that catches it, what it says, the id of the failure, and what else it breaks
PLANTED = {
    "other_bits_in_a_batch": (
        "batch",
        "row 0 of a batch of 4 differs in its bits from the same row alone",
        "N17",
        (),
    ),
    "positions_of_the_first_batch_row": (
        "positions",
        "for positions of its own in each batch row",
        "R103",
        ("sizes",),
    ),
    "sequences_after_the_first_a_row_late": (
        "positions",
        "for two sequences, one after another",
        "R112",
        (),
    ),
    "consecutive_from_the_least": (
        "positions",
        "gives wrong values, for unsorted positions",
        "R40",
        ("beyond", "sizes"),
    ),
    "positions_clamped": (
        "beyond",
        "positions up to 12 of a table of 9 rows, and rotates them by other",
        "F12",
        (),
    ),
    "short_tables_padded": (
        "beyond",
        "9 rows with tables of 7 rows, and returns them unrotated",
        "F12",
        (),
    ),
    "keys_of_groups_as_they_were": ("gqa", "(in k alone), with 6 heads in q and 2 in k", "R34", ()),
    "loses_the_axis_of_one_row": (
        "shapes",
        "an input of (2, 1, 5, 64), with one row",
        "R10",
        ("offset", "sizes"),
    ),
    "a_power_of_two_of_pairs": (
        "shapes",
        "lanes 2, 5 come back unrotated, with heads of 6 lanes",
        "R131",
        ("sizes",),
    ),
    "partners_over_the_whole_head": ("partial", "with 16 of 64 lanes rotating", "N8", ()),
    "in_place_without_gradients": (
        "checkpoint",
        "(use_reentrant=True), it has another gradient",
        "R43",
        (),
    ),
    "half_of_the_second_derivative": (
        "double_backward",
        "the gradient of its gradient is not",
        "R44",
        (),
    ),
    "mapped_axis_mistaken": ("vmap", "under torch.func.vmap it gives different values", "R45", ()),
}
TRACED = {  # function: check, what it says, id of the failure
    "drops_sin_when_traced": (
        ("compile", "traced by torch.compile, it gives different values (5 rows)", "R46"),
        ("export", "exported, it gives different values", "R46"),
    ),
    "looks_at_values": (
        ("compile", "torch.compile(fullgraph=True) does not take it (5 rows): ", "R47"),
        ("export", "torch.export does not take it: GuardOnDataDependentSymNode", "R48"),
    ),
    "traced_for_each_length": (("compile", "torch.compile traces it 6 times for 6 lengths", "K2"),),
}
SKIPPED = {  # why a check does not apply to a right function
    (
        "plain",
        "gqa",
    ): "it takes one tensor at a time: q and k cannot have different numbers of heads",
    (
        "plain",
        "partial",
    ): "it rotates whole heads only: with 16 of 64 lanes rotating it raises RuntimeError",
    ("plain", "cuda_graph"): "CUDA graphs need a CUDA device, and this is cpu",
    ("refuses_groups", "gqa"): "it refuses fewer heads in k than in q (RuntimeError: stack expects",
    (
        "by_position",
        "beyond",
    ): "it computes the angles of any position: there is no table to go beyond",
    ("by_position", "partial"): "it decides itself how many lanes rotate: all of them",
    ("differentiable_once", "double_backward"): "autograd does not differentiate it twice",
    (
        "differentiable_once",
        "vmap",
    ): "torch.func.vmap does not take it: RuntimeError: In order to use an autograd",
}


@pytest.fixture(scope="session")
def asked() -> Cells:
    """All functions, under all checks that trace nothing."""
    return cells(
        rotcheck.compare(FUNCTIONS, devices=["cpu"], dtypes=["float32", "bfloat16"], checks=ASKED)
    )


@pytest.fixture(scope="session")
def traced() -> Cells:
    """The functions that only tracing tells apart, and two right ones."""
    some = [f"{FILE}:{name}" for name in ("plain", "indexed", *TRACED)]
    return cells(
        rotcheck.compare(some, devices=["cpu"], dtypes=["float32"], checks=TRACING, timeout=60)
    )


@pytest.fixture(scope="session")
def built_in() -> Report:
    """What comes with rotcheck, under all checks but the one that compiles for seconds."""
    checks = [name for name in names("full") if name != "inductor"]
    return rotcheck.compare(
        BUILT_IN, devices=["cpu"], dtypes=["float32"], checks=checks, timeout=60
    )


def found(cells: Cells, function: str) -> dict[str, set[str]]:
    """Return the checks that a function fails, without those that do not apply to it."""
    applying = {key: cell for key, cell in cells.items() if cell.applies}
    return bad_checks(applying, function)


@pytest.mark.parametrize("function", PLANTED)
def test_what_was_planted_is_caught_by_its_check(function: str, asked: Cells) -> None:
    check, words, failure, besides = PLANTED[function]
    assert set(found(asked, function)) == {check, *besides}
    cell = asked[function, "float32", check]
    assert (cell.verdict, cell.failure) == ("disagrees", failure)
    assert words in (cell.message or "")
    assert cell.cause
    assert cell.fix


@pytest.mark.parametrize("function", RIGHT)
def test_a_right_function_passes_every_check_that_applies_to_it(
    function: str, asked: Cells
) -> None:
    assert found(asked, function) == {}


@pytest.mark.parametrize("function", TRACED)
def test_a_right_function_that_only_tracing_tells_apart_passes_the_others(
    function: str, asked: Cells
) -> None:
    assert found(asked, function) == {}


@pytest.mark.parametrize(("function", "check"), SKIPPED)
def test_a_check_that_does_not_apply_says_why(function: str, check: str, asked: Cells) -> None:
    cell = asked[function, "float32", check]
    assert (cell.verdict, cell.applies) == ("skipped", False)
    assert (cell.message or "").startswith(SKIPPED[function, check])


@pytest.mark.parametrize(
    ("function", "check"),
    [
        ("indexed", "positions"),
        ("indexed", "beyond"),
        ("indexed", "gqa"),
        ("grouped", "gqa"),
        ("in_place", "positions"),
        ("in_place", "beyond"),
        ("in_place", "checkpoint"),
        ("in_place", "double_backward"),
        ("by_position", "positions"),
        ("as_many_lanes_as_the_tables", "partial"),
    ],
)
def test_a_check_is_really_asked_of_the_convention_it_is_for(
    function: str, check: str, asked: Cells
) -> None:
    assert asked[function, "bfloat16", check].verdict == "agrees"


@pytest.mark.parametrize("function", TRACED)
def test_what_only_tracing_tells_apart_is_caught(function: str, traced: Cells) -> None:
    assert set(bad_checks(traced, function)) == {check for check, *_ in TRACED[function]}
    for check, words, failure in TRACED[function]:
        cell = traced[function, "float32", check]
        assert (cell.verdict, cell.failure) == ("disagrees", failure)
        assert (cell.message or "").startswith(words)


@pytest.mark.parametrize("function", ["plain", "indexed"])
def test_a_right_function_is_traced_and_exported(function: str, traced: Cells) -> None:
    assert {
        check: traced[function, "float32", check].verdict for check in TRACING
    } == dict.fromkeys(TRACING, "agrees")


def test_what_torch_breaks_on_by_itself_is_no_fault_of_the_function() -> None:
    broken = f"{FILE}:breaks_the_exporter"
    (cell,) = rotcheck.compare(
        [broken], devices=["cpu"], dtypes=["float32"], checks=["export"]
    ).cells
    assert (cell.verdict, cell.applies, cell.failure) == ("skipped", False, None)
    assert (cell.message or "").endswith(
        "fails to export it, which is not the function's fault: "
        "SpecViolationError: Node.meta _enter_autocast is missing val field."
    )


@pytest.mark.slow
def test_a_compiled_function_is_held_against_the_plain_one(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    some = [f"{FILE}:{name}" for name in ("plain", "drops_sin_when_traced")]
    report = rotcheck.compare(
        some, devices=["cpu"], dtypes=["float32"], checks=["inductor"], timeout=60
    )
    found = cells(report)
    assert found["plain", "float32", "inductor"].verdict == "agrees"
    assert found["drops_sin_when_traced", "float32", "inductor"].failure == "R46"


def test_what_comes_with_rotcheck_passes_or_says_what_does_not_apply(built_in: Report) -> None:
    assert [
        (cell.implementation, cell.check, cell.message)
        for cell in built_in.cells
        if cell.verdict != "agrees" and cell.applies
    ] == []
    assert exit_code(built_in.cells) == 0
    agreeing = {cell.check for cell in built_in.cells if cell.verdict == "agrees"}
    assert agreeing == set(names("full")) - {"inductor", "gqa", "cuda_graph"}


def test_refusing_an_empty_batch_is_noted_and_no_finding(built_in: Report) -> None:
    notes = {cell.implementation: cell.note for cell in built_in.cells if cell.check == "shapes"}
    assert "refuses an empty batch (RuntimeError: cannot reshape" in (notes["complex"] or "")
    assert notes["native"] is None


def test_what_does_not_apply_keeps_no_job_from_starting(built_in: Report) -> None:
    decision = decide(Policy(implementations=BUILT_IN, full=True), built_in)
    assert decision.may_start
    assert decision.violations == ()


def test_the_quick_checks_are_asked_by_default_and_all_of_them_in_full() -> None:
    assert list(plan.make_request((), (), (), ()).checks) == ["convention", *names("quick")]
    assert list(plan.make_request((), (), (), (), full=True).checks) == ["convention", *names()]
    assert list(plan.make_request((), (), (), ("vmap", "forward")).checks) == ["forward", "vmap"]
    assert {"forward", "state", "batch", "positions", "beyond"} <= set(names("quick"))
    assert {check.level for check in files().values()} == {"quick", "full"}


def test_an_unknown_check_is_answered_with_all_there_are() -> None:
    with pytest.raises(RequestError, match="did you mean 'shapes'"):
        plan.make_request((), (), (), ("shape",))


def test_what_was_raised_is_told_in_one_line_without_paths_of_the_machine() -> None:
    told = shortly(RuntimeError("\n  cannot trace /home/someone/models/rotary.py\nHint: do not"))
    assert told == "RuntimeError: cannot trace rotary.py"
    assert len(shortly(ValueError("x" * 500))) <= 132
    assert shortly(AssertionError()) == "AssertionError"
