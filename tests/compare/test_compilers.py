"""Functions that are compiled when they are called: torch.compile on cpu, Triton under the interpreter."""

import pytest
from comparing import HERE, cells

import rotcheck


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
    assert {check: found["compiled", "bfloat16", check].verdict for check in checks} == dict.fromkeys(
        checks, "agrees"
    )
    assert found["compiled", "bfloat16", "forward"].error <= 0.86


def test_without_a_cpp_compiler_nothing_is_compiled_and_no_function_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CXX", "/nonexistent/g++")
    (cell,) = rotcheck.compare(["native"], devices=["cpu"], dtypes=["float32"], checks=["inductor"]).cells
    assert (cell.verdict, cell.applies, cell.failure) == ("skipped", False, None)
    assert cell.message == "torch.compile needs a C++ compiler for cpu, and finds none"
