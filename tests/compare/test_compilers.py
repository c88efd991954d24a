"""Functions that are compiled when they are called:
torch.compile on cpu, Triton under the interpreter."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from comparing import HERE, cells
from torch._inductor import exc

import rotcheck
from rotcheck.compare.checks import inductor
from rotcheck.measure.case import Case
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.subject import Subject


def test_a_triton_kernel_of_ones_own_runs_under_the_interpreter() -> None:
    kernel = HERE / "kernel.py"
    found = cells(
        rotcheck.compare(
            [f"{kernel}:careful", f"{kernel}:careless"],
            devices=["interpreter"],
            dtypes=["float32"],
            checks=["forward", "strides"],
            timeout=120,
        ),
        "interpreter",
    )
    verdicts = {(name, check): cell.verdict for (name, _, check), cell in found.items()}
    assert verdicts == {
        ("careful", "forward"): "agrees",
        ("careful", "strides"): "agrees",
        ("careless", "forward"): "agrees",
        ("careless", "strides"): "disagrees",
    }
    assert found["careless", "float32", "strides"].failure == "M8"
    assert all(cell.stand_in for cell in found.values())


@pytest.mark.slow
def test_a_compiled_function_agrees_and_computes_in_float32_inside(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    checks = ["forward", "repeat", "state"]
    asked = {"devices": ["cpu"], "dtypes": ["bfloat16"], "checks": checks, "timeout": 600.0}
    found = cells(rotcheck.compare([f"{HERE}/compiled.py:rotate"], **asked))
    assert {
        check: found["compiled", "bfloat16", check].verdict for check in checks
    } == dict.fromkeys(checks, "agrees")
    assert found["compiled", "bfloat16", "forward"].error <= 0.86


def test_without_a_cpp_compiler_nothing_is_compiled_and_no_function_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CXX", "/nonexistent/g++")
    (cell,) = rotcheck.compare(
        ["native"], devices=["cpu"], dtypes=["float32"], checks=["inductor"]
    ).cells
    assert (cell.verdict, cell.applies, cell.failure) == ("skipped", False, None)
    assert cell.message == "torch.compile needs a C++ compiler for cpu, and finds none"
    (cell,) = rotcheck.compare(
        ["native-compiled"], devices=["cpu"], dtypes=["float32"], checks=["forward"]
    ).cells
    assert (cell.verdict, cell.message) == (
        "unavailable",
        "torch.compile needs a C++ compiler for cpu, and finds none",
    )


@pytest.fixture
def compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Callable[[torch.fx.GraphModule], Any]], Evidence]:
    """What the check finds of native where torch.compile's compiler is another one."""

    def found(compile: Callable[[torch.fx.GraphModule], Any]) -> Evidence:
        def another(graph: torch.fx.GraphModule, inputs: Any, **more: Any) -> Any:
            return compile(graph)

        monkeypatch.setattr("torch._inductor.compile_fx.compile_fx", another)
        subject = Subject("native", "cpu")
        return inductor.run(subject, Case(subject, torch.float32))

    return found


def raising(error: Callable[[], BaseException]) -> Callable[[torch.fx.GraphModule], Any]:
    def compile(graph: torch.fx.GraphModule) -> Any:
        raise error()

    return compile


CARD = SimpleNamespace(name="NVIDIA GeForce GTX 1070", major=6, minor=1)
LACKING = {
    "needs Triton for cpu, and finds none that works": lambda: exc.TritonMissing(
        inspect.currentframe()
    ),
    "needs Triton for cpu, which runs on newer cards only": lambda: exc.GPUTooOldForTriton(
        CARD, inspect.currentframe()
    ),
    "compiles nothing for cpu: KeyError: 'cpu'": lambda: KeyError("cpu"),
    "compiles nothing for cpu: AssertionError: Device cpu not supported": lambda: AssertionError(
        "Device cpu not supported"
    ),
}


@pytest.mark.parametrize("words", LACKING)
def test_what_torch_compile_lacks_for_a_device_is_told_and_no_function_is_blamed(
    words: str, compiler: Callable[..., Evidence]
) -> None:
    found = compiler(raising(LACKING[words]))
    assert (found.state, found.applies, found.message) == (
        "skipped",
        False,
        f"torch.compile {words}",
    )


def test_what_torch_compile_refuses_of_one_function_alone_is_that_function_s(
    compiler: Callable[..., Evidence],
) -> None:
    def compile(graph: torch.fx.GraphModule) -> Any:
        if any(node.target is torch.cat for node in graph.graph.nodes):
            raise AssertionError("no lowering of cat")
        return graph.forward

    with pytest.raises(Exception, match="no lowering of cat"):
        compiler(compile)


def test_a_compiler_that_compiles_is_held_against_the_plain_function(
    compiler: Callable[..., Evidence],
) -> None:
    assert (
        compiler(lambda graph: graph.forward).error,
        compiler(lambda graph: graph.forward).state,
    ) == (
        0.0,
        "ran",
    )
