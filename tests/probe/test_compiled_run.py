"""torch.compile, run for real with `full`."""

from pathlib import Path

from probing import machine, probe_on


def test_a_compiled_function_runs_and_leaves_nothing_behind(tmp_path: Path) -> None:
    environment = machine(tmp_path, hidden=["flash_attn", "triton"], TMPDIR=str(tmp_path))
    before = set(tmp_path.iterdir())
    line = probe_on(environment, full=True)["torch.compile on cpu"]
    assert (line.group, line.state, line.runs) == ("compilers", "runs", 3), line.detail
    assert line.detail == "three calls, equal to eager"
    assert set(tmp_path.iterdir()) == before


def test_without_a_compiler_it_raises_with_cause_and_fix(tmp_path: Path) -> None:
    environment = machine(tmp_path, hidden=["flash_attn", "triton"], CXX="/nonexistent/g++")
    line = probe_on(environment, full=True)["torch.compile on cpu"]
    assert (line.state, line.runs, line.failure) == ("raises", 1, "T5")
    assert "InvalidCxxCompiler: No working C++ compiler found" in line.detail
    assert line.fix
