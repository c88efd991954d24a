"""`rotcheck preflight` as a CI job runs it:
one line first, the contract's codes, reports for machines."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from terminal import Ran, rotcheck

HERE = 'dtypes = ["float32"]\nchecks = ["forward"]\n'
WRONG = (
    'import rotcheck\n\n\n@rotcheck.declare(pairing="half", layout="qkv", tables="packed")\n'
    "def wrong(qkv, cos, sin):\n    return qkv * cos\n"
)
SCRIPTED = (
    HERE.replace("forward", "dtype")
    + 'implementations = ["torchscript-legacy"]\ndevices = ["cpu", "meta"]\n'
)


def preflight(folder: Path, policy: str, *more: str) -> Ran:
    (folder / "policy.toml").write_text(policy)
    return rotcheck("preflight", "--policy", "policy.toml", *more, cwd=folder)


@pytest.fixture(scope="module")
def holds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, str]:
    """A run whose policy holds, and the summary that it wrote."""
    folder = tmp_path_factory.mktemp("holds")
    ran = preflight(folder, HERE + 'implementations = ["native"]\n', "-o", "summary.md")
    return ran, (folder / "summary.md").read_text()


def test_a_policy_that_holds_says_so_in_its_first_line(holds: tuple[Ran, str]) -> None:
    ran, _ = holds
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == (
        "rotcheck preflight: this job may start - 1 cell agrees on cpu (policy: policy.toml)"
    )


def test_a_finding_is_a_no_with_its_message_first_and_its_cause_below(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(WRONG)
    ran = preflight(tmp_path, HERE + 'implementations = ["native", "mine.py:wrong"]\n')
    assert ran.code == 1
    assert ran.out.splitlines()[0] == (
        "rotcheck preflight: this job must not start: 1 of 2 cells does not hold: mine.py:wrong on cpu "
        "(policy: policy.toml)"
    )
    assert "✗ mine.py:wrong disagrees" in ran.out
    assert "  cause  " in ran.out
    assert "  fix    " in ran.out


def test_without_a_policy_native_and_fallback_run_everywhere_here(tmp_path: Path) -> None:
    ran = rotcheck("preflight", "--format", "json", cwd=tmp_path)
    read = json.loads(ran.out)
    assert ran.code == 0
    assert read["schema"] == "rotcheck/preflight/1"
    assert read["may_start"] is True
    assert {cell["implementation"] for cell in read["report"]["cells"]} == {"native", "fallback"}
    assert len({(cell["dtype"], cell["check"]) for cell in read["report"]["cells"]}) >= 24


def test_it_runs_what_the_policy_names_and_nothing_more(tmp_path: Path) -> None:
    policy = HERE + 'implementations = ["complex"]\ndevices = ["cpu"]\n'
    read = json.loads(preflight(tmp_path, policy, "--format", "json").out)
    cells = [
        (c["implementation"], c["device"], c["dtype"], c["check"]) for c in read["report"]["cells"]
    ]
    assert cells == [("complex", "cpu", "float32", "forward")]
    assert read["policy"]["implementations"] == ["complex"]
    assert read["policy"]["source"] == "policy.toml"


def test_a_device_that_is_not_here_is_a_no(tmp_path: Path) -> None:
    policy = HERE + 'implementations = ["native"]\ndevices = ["cpu", "cuda:99"]\n'
    ran = preflight(tmp_path, policy, "-o", "report.xml")
    assert ran.code == 1
    assert "does not hold: native on cuda:99" in ran.out.splitlines()[0]
    assert "is not on this machine" in ran.out
    assert "✓" in ran.out
    root = ET.parse(tmp_path / "report.xml").getroot()
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("2", "0", "0")


def test_a_device_that_is_not_here_may_be_excused(tmp_path: Path) -> None:
    policy = (
        HERE
        + 'implementations = ["native"]\ndevices = ["cpu", "cuda:99"]\nmay-be-unavailable = ["cuda"]\n'
    )
    ran = preflight(tmp_path, policy, "-o", "report.xml")
    assert ran.code == 0
    assert "1 cell agrees on cpu, 1 did not run and need not" in ran.out.splitlines()[0]
    root = ET.parse(tmp_path / "report.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("3", "0", "1")


def test_when_only_absent_devices_are_named_nothing_ran(tmp_path: Path) -> None:
    policy = (
        HERE
        + 'implementations = ["native"]\ndevices = ["cuda:99"]\nmay-be-unavailable = ["cuda"]\n'
    )
    ran = preflight(tmp_path, policy)
    assert ran.code == 5
    assert "must not start: nothing ran" in ran.out.splitlines()[0]


def test_a_finding_on_a_stand_in_counts(tmp_path: Path) -> None:
    ran = preflight(tmp_path, SCRIPTED)
    assert ran.code == 1
    assert "torchscript-legacy on meta" in ran.out.splitlines()[0]
    assert "Unknown device for graph fuser" in ran.out
    assert "rotcheck explain J1" in ran.out


def test_values_on_meta_need_no_excuse(tmp_path: Path) -> None:
    policy = 'implementations = ["native"]\ndevices = ["meta"]\ndtypes = ["float32"]\nchecks = ["dtype", "forward"]\n'
    ran = preflight(tmp_path, policy)
    assert ran.code == 0
    assert "tensors on meta have no values" in ran.out


def test_the_summary_for_github_begins_with_the_decision(holds: tuple[Ran, str]) -> None:
    _, text = holds
    assert text.startswith("### rotcheck preflight: this job may start - 1 cell agrees on cpu")
    assert "| native | ✓" in text


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ('implementations = ["natve"]', "did you mean 'native'"),
        ('dtypes = ["float31"]', "did you mean 'float32'"),
        ('may-be-unavailable = ["flash-atn"]', "did you mean 'flash-attn'"),
        ('devices = ["cpu", "cdua"]\nmay-be-unavailable = ["cdua"]', "did you mean 'cuda'"),
        ('device = ["cpu"]', "did you mean 'devices'"),
    ],
)
def test_a_mistake_in_the_policy_is_2_and_one_line(policy: str, said: str, tmp_path: Path) -> None:
    ran = preflight(tmp_path, policy, "-o", "report.json")
    assert ran.code == 2
    assert ran.out == ""
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "report.json").exists()


def test_a_policy_elsewhere_finds_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "mine.py").write_text(WRONG)
    (tmp_path / "job" / "gpu.toml").write_text(HERE + 'implementations = ["mine.py:wrong"]\n')
    ran = rotcheck("preflight", "--policy", "job/gpu.toml", cwd=tmp_path)
    assert ran.code == 1
    assert "mine.py:wrong on cpu" in ran.out.splitlines()[0]
