"""Each command on the pretend accelerator, in its moods:
right and wrong functions get the verdicts of the CPU."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from running import DEVICE, EXTREMES, HARSH, Machine

from rotcheck.compare.checks import names

HERE = Path(__file__).parent
MODEL = HERE / "rotary_model.py"
MISTAKES = HERE.parent / "compare" / "mistakes.py"
OWN = [
    "complex",
    "fallback",
    "interleaved",
    "native",
    "rotcheck",
    "timm-cat",
    "torchscript",
    "torchtune",
]
"""Right ones, of each form: the others are asked in the harshest mood."""
LIBRARIES = [
    "diffusers", "diffusers-complex", "diffusers-half", "fair-esm", "megatron-core", "rotary-embedding-torch", "timm",
    "timm-half", "torchtune-phi3", "torchtune-qwen2", "transformers-deepseek-v3",
    "transformers-gpt-neox", "transformers-gptj", "transformers-llama", "transformers-qwen2-vl",
]  # fmt: skip
WRONG = [
    f"{MISTAKES}:{name}"
    for name in ("conjugate", "interleaved", "arguments_swapped", "row_too_far")
]
BENCH = ["--shape", "1x5x3x2x8", "--seconds", "0.01", "--dtype", "float32", "--pass", "forward"]
SHORT = ["--timeout", "240"]  # seconds for one cell, on a machine that is busy

Cells = Mapping[tuple[str, str, str], Mapping[str, Any]]


def cells(report: Mapping[str, Any], device: str) -> Cells:
    """Return the cells of one device by function, dtype and check."""
    return {
        (cell["implementation"], cell["dtype"], cell["check"]): cell
        for cell in report["cells"]
        if cell["device"] == device
    }


def departures(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return the cells that ran on the accelerator and say something else there than on the CPU."""
    expected = cells(here, "cpu")
    return [
        f"{key}: {_words(cell)}, on the CPU {_words(expected[key])}"
        for key, cell in cells(there, DEVICE).items()
        if cell["verdict"] != "skipped" and not _same(cell, expected[key])
    ]


def _same(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    return all(there[name] == here[name] for name in ("verdict", "failure"))


def _words(cell: Mapping[str, Any]) -> str:
    return f"{cell['verdict']} {cell['failure'] or ''} {cell['message'] or ''}"


@pytest.fixture(scope="module")
def compared(machine: Machine) -> Callable[..., Any]:
    """Return what compares on one device, in two dtypes."""

    def ask(*names: str, device: str = DEVICE, mood: str = HARSH) -> Any:
        asked = [*names, "--dtype", "float32,bfloat16", "--device", device]
        return machine.json("compare", *asked, *SHORT, mood=mood)

    return ask


@pytest.mark.slow
def test_compare_judges_libraries_as_right_as_on_the_cpu(compared: Callable[..., Any]) -> None:
    """That they agree under every check on the CPU is held by test_library_agreement.py."""
    there = cells(compared(*LIBRARIES), DEVICE).values()
    assert [_words(cell) for cell in there if cell["verdict"] not in ("agrees", "skipped")] == []
    assert {cell["implementation"] for cell in there if cell["verdict"] == "agrees"} == {*LIBRARIES}


@pytest.fixture(scope="module")
def here(compared: Callable[..., Any]) -> Any:
    """The right and the wrong ones on the CPU."""
    return compared(*OWN, *WRONG, device="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_compare_says_of_the_right_and_the_wrong_what_it_says_on_the_cpu(
    compared: Callable[..., Any], here: Any, mood: str
) -> None:
    there = compared(*OWN, *WRONG, mood=mood)
    assert departures(there, here) == []
    bad = {cell["implementation"] for cell in there["cells"] if cell["verdict"] == "disagrees"}
    agreeing = {cell["implementation"] for cell in there["cells"] if cell["verdict"] == "agrees"}
    assert agreeing >= {*OWN}
    assert len(bad) == len(WRONG)
    assert not bad & {*OWN}


@pytest.mark.slow
def test_compare_full_in_all_moods_at_once(machine: Machine) -> None:
    """All but what is compiled for a CPU: for the device nothing is, and the cell has to say so."""
    asked = ["timm-cat", "complex", "rotcheck", "torchtune", "--dtype", "float32", *SHORT]
    both = ",".join(name for name in names("full") if name != "inductor")
    here = machine.json("compare", *asked, "--check", both, "--device", "cpu", mood=HARSH)
    there = machine.json(
        "compare", *asked, "--check", f"{both},inductor", "--device", DEVICE, mood=HARSH
    )
    assert departures(there, here) == []
    assert not any(cell["verdict"] == "disagrees" for cell in [*here["cells"], *there["cells"]])


@pytest.mark.parametrize("mood", EXTREMES)
def test_probe_runs_a_kernel_on_the_device(machine: Machine, mood: str) -> None:
    lines = machine.json("probe", mood=mood)["machine"]["lines"]
    (device,) = (line for line in lines if line["group"] == "devices" and line["name"] == DEVICE)
    dtypes = {"float32", "bfloat16", "float16"} | ({"float64"} if mood == "as-cuda" else set())
    assert device["state"] == "runs"
    assert dtypes == set(device["values"]["dtypes"]) - {"complex64"}


@pytest.mark.slow
def test_identify_says_of_a_file_what_it_says_on_the_cpu(machine: Machine) -> None:
    here, there = (
        machine.json("identify", str(MODEL), "--device", device, mood=HARSH)["identifications"]
        for device in ("cpu", DEVICE)
    )
    assert [_identified(one) for one in there] == [_identified(one) for one in here]
    assert [one["follows"] for one in there].count(True) == 4
    assert [one["follows"] for one in there].count(False) == 2


def _identified(one: Mapping[str, Any]) -> Any:
    """Return what was found, but for float64, which not every device can be asked about."""
    found = dict(one["convention"])
    found["takes"] = {dtype: took for dtype, took in found["takes"].items() if dtype != "float64"}
    return one["specification"], found, one["follows"], [each["code"] for each in one["findings"]]


def test_bench_times_each(machine: Machine) -> None:
    asked = ["native", "timm-cat", *BENCH, "--device", DEVICE]
    rows = machine.json("bench", *asked, mood=HARSH)["timings"]
    assert {(row["implementation"], row["state"]) for row in rows} >= {
        ("native", "ran"),
        ("timm-cat", "ran"),
    }


def test_preflight_lets_the_job_start_with_right_ones_alone(
    machine: Machine, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    for asked, code in ((["native", "torchtune"], 0), (["native", f"{MISTAKES}:conjugate"], 1)):
        policy.write_text(
            f"implementations = {asked!r}\ndevices = [{DEVICE!r}]\ndtypes = ['float32']\n"
        )
        done = machine.run("preflight", "--policy", str(policy), mood=HARSH)
        assert done.returncode == code, done.stdout
