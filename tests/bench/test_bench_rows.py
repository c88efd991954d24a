"""Whole rows in real processes: planted functions whose time, end or memory is known,
and healthy ones beside."""

import os
import shutil
from pathlib import Path

import pytest
from benching import PLANTED, SMALL, planted, shown, timed

import rotcheck
from rotcheck.bench import plan
from rotcheck.bench.qkv_shapes import Capacity
from rotcheck.errors import RequestError
from rotcheck.results import Timing


@pytest.fixture(scope="module")
def ends() -> dict[str, Timing]:
    """Functions that end badly, between healthy ones."""
    more = ("holds_five_inputs", "holds_its_result_only", "fallback", "flash-attn")
    return timed(
        "plain",
        "raises",
        "dies",
        "never_returns",
        "three_operations",
        "complex",
        *more,
        timeout=4.0,
    )


def test_a_bad_end_is_shown_as_what_it_is(ends: dict[str, Timing]) -> None:
    states = {name: row.state for name, row in ends.items()}
    assert states == {
        "native": "ran",
        "plain": "ran",
        "raises": "raises",
        "dies": "crashes",
        "never_returns": "hangs",
        "three_operations": "ran",
        "complex": "ran",
        "holds_five_inputs": "ran",
        "holds_its_result_only": "ran",
        "fallback": "ran",
        "flash-attn": "unavailable",
    }


def test_a_bad_end_has_its_message_its_cause_and_its_fix(ends: dict[str, Timing]) -> None:
    assert ends["raises"].message is not None
    assert ends["raises"].message.startswith("NotImplementedError: Unknown device for graph fuser")
    assert ends["raises"].failure == "J1"
    assert ends["raises"].fix
    assert "SIGABRT" in (ends["dies"].message or "")
    assert ends["never_returns"].message == "no answer within 4 s"


def test_the_frames_of_a_bad_end_are_the_functions(ends: dict[str, Timing]) -> None:
    for name in ("raises", "dies", "never_returns"):
        assert ends[name].trace[0].startswith("clockwork.py:")
        assert not any(frame.startswith("rotcheck/") for frame in ends[name].trace)


def test_a_row_that_ran_says_everything(ends: dict[str, Timing]) -> None:
    row = ends["plain"]
    missing = {name for name in row.__struct_fields__ if getattr(row, name) is None}
    assert missing - {"break_even_calls"} == {"message", "failure", "cause", "fix"}
    assert (row.path, row.input_bytes) == (shown("plain"), 122880)


def test_operations_are_counted(ends: dict[str, Timing]) -> None:
    assert ends["three_operations"].launches == 3
    assert (ends["native"].launches, ends["native"].peak_inputs) == (5, 3.0)


def test_memory_is_counted(ends: dict[str, Timing]) -> None:
    assert ends["holds_five_inputs"].peak_inputs == 5.0
    assert ends["holds_five_inputs"].peak_bytes == 5 * 122880
    assert ends["holds_its_result_only"].peak_inputs == 1.0


def test_bandwidth_is_bytes_read_and_written(ends: dict[str, Timing]) -> None:
    row = ends["plain"]
    assert row.copy_seconds is not None
    assert row.seconds is not None
    assert row.copy_gb_per_second == pytest.approx(2 * 122880 / row.copy_seconds.median / 1e9)
    assert row.gb_per_second == pytest.approx(2 * 122880 / row.seconds.median / 1e9)


def test_after_a_hang_the_other_rows_of_the_function_are_given_less_time() -> None:
    both = ["forward", "forward+backward"]
    found = rotcheck.bench(
        [planted("never_returns")], seconds=0.02, timeout=4.0, **{**SMALL, "passes": both}
    )
    hung = [row.message for row in found.timings if row.implementation == shown("never_returns")]
    assert hung == ["no answer within 4 s", "no answer within 0.4 s"]


@pytest.fixture(scope="module")
def gradients() -> dict[tuple[str, str], Timing]:
    """Functions that fail in their gradient or in one dtype, and one that does not."""
    asked = [planted(name) for name in ("detached", "promotes", "raises_in_bfloat16")]
    both = {**SMALL, "dtypes": ["float32", "bfloat16"], "passes": ["forward+backward"]}
    found = rotcheck.bench(asked, seconds=0.02, timeout=60.0, **both)
    return {(row.implementation.rpartition(":")[2], row.dtype): row for row in found.timings}


def test_gradients_that_do_not_flow_are_a_finding(gradients: dict[tuple[str, str], Timing]) -> None:
    assert gradients["detached", "bfloat16"].state == "raises"
    assert "does not require grad" in (gradients["detached", "bfloat16"].message or "")
    assert gradients["promotes", "bfloat16"].state == "ran"


def test_what_has_no_gradient_by_design_is_skipped_where_one_is_asked_for() -> None:
    asked = {**SMALL, "passes": ["forward", "forward+backward"]}
    found = rotcheck.bench(["torch-onnx"], seconds=0.02, **asked)
    states = {(row.implementation, row.pass_): row.state for row in found.timings}
    assert (states["torch-onnx", "forward"], states["torch-onnx", "forward+backward"]) == (
        "ran",
        "skipped",
    )


def test_switches_of_one_do_not_reach_the_other() -> None:
    rows = timed("two_threads_are_left", against=planted("one_thread"))
    assert {row.state for row in rows.values()} == {"ran"}


def test_no_two_rows_are_timed_at_once(tmp_path: Path) -> None:
    shutil.copy(PLANTED, tmp_path)
    names = [f"{tmp_path}/clockwork.py:{name}" for name in ("alone", "alone_too")]
    found = rotcheck.bench(names, against=names[0], seconds=0.02, **SMALL)
    assert [row.state for row in found.timings] == ["ran", "ran"]


def test_a_first_call_finds_nothing_compiled() -> None:
    before = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    for _ in range(2):
        assert timed("no_cache")["no_cache"].state == "ran"
    assert os.environ.get("TORCHINDUCTOR_CACHE_DIR") == before


def test_without_a_baseline_the_others_are_timed_all_the_same() -> None:
    rows = timed("plain", against=planted("raises"))
    assert rows["raises"].state == "raises"
    assert (rows["plain"].state, rows["plain"].speedup, rows["plain"].break_even_calls) == (
        "ran",
        None,
        None,
    )
    assert rows["plain"].times_copy is not None


def test_a_dtype_that_fails_leaves_the_others(gradients: dict[tuple[str, str], Timing]) -> None:
    states = {
        dtype: row.state for (name, dtype), row in gradients.items() if name == "raises_in_bfloat16"
    }
    assert states == {"float32": "ran", "bfloat16": "raises"}


def test_an_unavailable_implementation_says_why(ends: dict[str, Timing]) -> None:
    assert ends["flash-attn"].message


def test_the_path_that_really_ran_is_told(ends: dict[str, Timing]) -> None:
    assert ends["fallback"].path == "native"


def test_a_function_that_is_not_there_is_refused() -> None:
    with pytest.raises(RequestError, match="there is no function 'nothing'"):
        timed("nothing")


@pytest.mark.parametrize("device", ["meta", "interpreter"])
def test_stand_ins_are_refused(device: str) -> None:
    with pytest.raises(RequestError, match="times mean nothing"):
        timed("plain", devices=[device])


def test_a_default_shape_that_is_too_large_for_this_machine_is_skipped_and_an_asked_one_is_refused() -> (
    None
):
    asked = {**SMALL, "shapes": []}
    found = rotcheck.bench(["native"], seconds=0.01, memory_limit=0.6, **asked)
    assert {row.shape: row.state for row in found.timings}["4x4096x3x16x128"] == "skipped"
    wanted = plan.request(
        ["native"], ["cpu"], ["float32"], ["4x4096x3x16x128"], ["forward"], "native"
    )
    with pytest.raises(RequestError, match="take a smaller shape"):
        plan.groups(wanted, {"cpu": Capacity(0.6, plan.WORKER_MAY)})


# q and k apart, no batch, one head, names that say SEDD and tables that do not, its own table
OTHER_FORMS = {
    "functions_half.py": [
        "batched_tables",
        "no_batch",
        "heads_and_lanes_in_one",
        "packed_by_slices",
    ],
    "functions_interleaved.py": ["two_complex", "tokens_of_two"],
    "functions_own.py": ["FromSettings"],
}


def test_functions_of_other_forms_are_timed_as_they_are_called() -> None:
    corpus = PLANTED.parents[1] / "identify"
    asked = [f"{corpus}/{file}:{name}" for file, names in OTHER_FORMS.items() for name in names]
    found = rotcheck.bench(asked, seconds=0.02, **{**SMALL, "passes": ["forward+backward"]})
    assert [(row.state, row.message) for row in found.timings] == [("ran", None)] * (1 + len(asked))


def test_one_that_takes_heads_of_another_width_alone_is_skipped() -> None:
    own = f"{PLANTED.parents[1]}/identify/functions_own.py:FromSettings"
    found = rotcheck.bench([own], seconds=0.02, **{**SMALL, "shapes": ["2x10x3x8x32"]})
    assert found.timings[1].state == "skipped"
    assert found.timings[1].message == "it takes heads of 64 lanes, not of 32"


def test_where_nothing_can_be_compiled_the_compiled_native_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CXX", "/nonexistent/g++")
    row = timed("native-compiled")["native-compiled"]
    assert (row.state, row.message) == (
        "unavailable",
        "torch.compile needs a C++ compiler for cpu, and finds none",
    )


@pytest.mark.slow
def test_the_compiled_native_compiles_in_its_first_call() -> None:
    row = timed("native-compiled", timeout=600.0)["native-compiled"]
    assert row.state == "ran", row.message
    assert row.first_call_seconds is not None
    assert row.seconds is not None
    assert row.first_call_seconds > 100 * row.seconds.median
    assert row.launches == 1
