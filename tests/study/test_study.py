"""The runner that every command shares: what it tells, what ends it, what it refuses;
devices and names of requests."""

from pathlib import Path

import pytest

from rotcheck.errors import NoTorch, RequestError
from rotcheck.isolation import Job, Raised
from rotcheck.results import Line, Machine
from rotcheck.study.devices import first_computing, resolve_devices
from rotcheck.study.request import check_known, display_names, expand_specs, unique
from rotcheck.study.study import Study


def job(opening: str, *tasks: object, setup: object = None) -> Job:
    return Job(opening, f"refusing:open_{opening}", setup, tasks)


def machine(*devices: Line) -> Machine:
    return Machine(
        system="Linux",
        processor="",
        cores=2,
        memory_gib=8.0,
        python="3.11",
        torch="2.13.0",
        lines=devices,
    )


def device(name: str, state: str = "runs", detail: str = "", *, stand_in: bool = False) -> Line:
    return Line(group="devices", name=name, state=state, detail=detail, stand_in=stand_in)


HERE = machine(
    device("cpu"),
    device("cuda:0"),
    device("cuda:1"),
    device("mps", "absent", "no Metal here"),
    device("meta", stand_in=True),
)


def test_every_task_comes_back_and_the_plan_is_announced() -> None:
    announced: list[int] = []
    with Study((), on_plan=announced.append) as study:
        study.plan(3)
        answers = {done.outcome.value for done in study.run([job("echo", 1, 2), job("echo", 3)])}
    assert (answers, announced, study.total) == ({1, 2, 3}, [3], 3)
    assert not study.is_interrupted


def test_jobs_can_be_added_when_an_answer_asks_for_them() -> None:
    values = []
    with Study((), workers=1) as study:
        for done in study.run([job("echo", "first")]):
            values.append(done.outcome.value)
            study.add([job("echo", "second")] if done.outcome.value == "first" else [])
    assert values == ["first", "second"]


def test_an_interruption_ends_the_block_and_keeps_what_was_finished() -> None:
    values = []
    with Study(()) as study:
        with study.interruptible():
            for done in study.run([job("echo", 1, 2, 3)]):
                values.append(done.outcome.value)
                if len(values) == 2:
                    raise KeyboardInterrupt
        assert study.is_interrupted
    assert values == [1, 2]


def test_any_other_error_passes_through_an_interruptible_block() -> None:
    with Study(()) as study, pytest.raises(ZeroDivisionError), study.interruptible():
        raise ZeroDivisionError
    assert not study.is_interrupted


def test_a_request_that_a_worker_refuses_is_refused() -> None:
    with Study(()) as study, pytest.raises(RequestError, match=r"^no function `f`$"):
        list(study.run([job("refusal", 1, setup="no function `f`")]))


def test_any_other_error_of_a_worker_is_an_outcome() -> None:
    with Study(()) as study:
        (done,) = study.run([job("failure", 1, setup="broken")])
    assert isinstance(done.outcome, Raised)
    assert done.outcome.message == "broken"


def test_a_study_that_did_not_survey_says_that_torch_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "torch"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise OSError('libcudart.so: cannot open')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Study(("torch",)) as study, pytest.raises(NoTorch, match="cannot be imported"):
        list(study.run([Job("x", "rotcheck.identify.worker:open_identification", {}, [None])]))


def test_devices_that_are_named_are_found_by_name_or_by_their_first_index() -> None:
    assert resolve_devices(["cuda", "cpu", "cuda:0", "meta"], HERE) == ["cuda:0", "cpu", "meta"]


def test_without_names_all_devices_run_but_the_stand_ins() -> None:
    assert resolve_devices([], HERE) == ["cpu", "cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mps", "absent: no Metal here"),
        ("cpu:7", "no device has this index"),
        ("xpu", "torch does not know this device"),
    ],
)
def test_a_device_that_is_not_here_is_refused_with_the_reason_and_what_is(
    name: str, why: str
) -> None:
    with pytest.raises(RequestError) as refusal:
        resolve_devices([name], HERE)
    assert str(refusal.value) == (
        f"device {name!r} is not on this machine ({why}). Here are: cpu, cuda:0, cuda:1; and the stand-ins meta"
    )


def test_on_a_machine_without_torch_the_devices_are_taken_at_their_word() -> None:
    assert resolve_devices(["cuda:7"], machine()) == ["cuda:7"]
    assert resolve_devices([], machine()) == ["cpu"]


@pytest.mark.parametrize(
    ("devices", "first"),
    [(["meta", "cuda:0", "cpu"], "cuda:0"), (["interpreter"], "interpreter"), (["meta"], "cpu")],
)
def test_functions_are_identified_on_the_first_device_that_computes(
    devices: list[str], first: str
) -> None:
    assert first_computing(devices) == first


def test_of_a_path_a_report_shows_as_much_as_tells_it_from_the_others() -> None:
    specs = ["native", "a/one/m.py:f", "a/two/m.py:f", "a/two/n.py:f"]
    assert display_names(specs) == {
        "native": "native",
        "a/one/m.py:f": "one/m.py:f",
        "a/two/m.py:f": "two/m.py:f",
        "a/two/n.py:f": "n.py:f",
    }


def test_an_unknown_name_is_refused_with_the_nearest_and_all_that_are_known() -> None:
    with pytest.raises(RequestError) as refusal:
        check_known("dtype", ["float32", "bfloat61"], ["float32", "bfloat16"])
    assert str(refusal.value) == (
        "unknown dtype 'bfloat61'; did you mean 'bfloat16'? Known: float32, bfloat16"
    )


def test_names_are_kept_once_in_their_order() -> None:
    assert unique(["b", "a", "b"]) == ("b", "a")


def test_a_spec_that_cannot_name_a_function_is_refused() -> None:
    assert expand_specs(["native", "package.module:function"]) == [
        "native",
        "package.module:function",
    ]
    with pytest.raises(RequestError, match="did you mean 'native'"):
        expand_specs(["nativ"])
