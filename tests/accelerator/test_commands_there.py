"""Each command on the pretend accelerator, in its moods: right and wrong functions get the verdicts of the CPU."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from running import DEVICE, Machine

HERE = Path(__file__).parent
MODEL = HERE / "rotary_model.py"
MISTAKES = HERE.parent / "compare" / "mistakes.py"
OWN = ["complex", "fallback", "interleaved", "native", "rotcheck", "torchscript"]
LIBRARIES = [
    "diffusers", "diffusers-complex", "diffusers-half", "fair-esm", "megatron-core", "rotary-embedding-torch", "timm",
    "timm-cat", "timm-half", "torchtune", "torchtune-phi3", "torchtune-qwen2", "transformers-deepseek-v3",
    "transformers-gpt-neox", "transformers-gptj", "transformers-llama", "transformers-qwen2-vl",
]  # fmt: skip
WRONG = [f"{MISTAKES}:{name}" for name in ("conjugate", "interleaved", "arguments_swapped", "row_too_far")]
SPAWNING = (
    "import rotcheck.isolation.pool as pool; pool.default_start = lambda: 'spawn'; "
    "from rotcheck.cli.main import main; main()"
)
"""The front of rotcheck, whose workers start as on macOS."""
BENCH = ["--shape", "1x5x3x2x8", "--seconds", "0.01", "--dtype", "float32", "--pass", "forward"]
SHORT = ["--timeout", "240"]  # seconds for one cell, on a machine that is busy
EXTREMES = ["as-cuda", "all-at-once"]

Cells = Mapping[tuple[str, str, str], Mapping[str, Any]]


def cells(report: Mapping[str, Any], device: str) -> Cells:
    """Return the cells of one device by function, dtype and check."""
    return {
        (cell["implementation"], cell["dtype"], cell["check"]): cell
        for cell in report["cells"]
        if cell["device"] == device
    }


def departures(report: Mapping[str, Any]) -> list[str]:
    """Return the cells that ran on the accelerator and say something else there than on the CPU."""
    there, here = cells(report, DEVICE), cells(report, "cpu")
    return [
        f"{key}: {_words(cell)}, on the CPU {_words(here[key])}"
        for key, cell in there.items()
        if cell["verdict"] != "skipped" and not _same(cell, here[key])
    ]


def _same(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    return all(there[name] == here[name] for name in ("verdict", "failure"))


def _words(cell: Mapping[str, Any]) -> str:
    return f"{cell['verdict']} {cell['failure'] or ''} {cell['message'] or ''}"


def ran(found: Iterable[Mapping[str, Any]]) -> int:
    """Return how many cells have run, right or wrong."""
    return sum(cell["verdict"] not in ("skipped", "unavailable") for cell in found)


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_compare_judges_libraries_and_own_functions_as_on_the_cpu(machine: Machine, mood: str) -> None:
    asked = [*OWN, *LIBRARIES, "--dtype", "float32,bfloat16", "--device", f"cpu,{DEVICE}"]
    report = machine.json("compare", *asked, *SHORT, mood=mood)
    assert departures(report) == []
    there = cells(report, DEVICE).values()
    assert {cell["implementation"] for cell in there if cell["verdict"] == "agrees"} == {*OWN, *LIBRARIES}
    assert not any(cell["verdict"] == "disagrees" for cell in there)


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_compare_finds_the_same_mistakes(machine: Machine, mood: str) -> None:
    report = machine.json("compare", *WRONG, "native", "--device", f"cpu,{DEVICE}", *SHORT, mood=mood)
    assert departures(report) == []
    bad = {
        cell["implementation"] for cell in cells(report, DEVICE).values() if cell["verdict"] == "disagrees"
    }
    assert len(bad) == len(WRONG)


@pytest.mark.slow
def test_compare_full_in_all_moods_at_once(machine: Machine) -> None:
    asked = ["timm-cat", "complex", "rotcheck", "torchtune", "--full", "--dtype", "float32,bfloat16"]
    report = machine.json("compare", *asked, "--device", f"cpu,{DEVICE}", *SHORT, mood="all-at-once")
    assert departures(report) == []
    assert not any(cell["verdict"] == "disagrees" for cell in report["cells"])


@pytest.mark.parametrize("mood", EXTREMES)
def test_probe_runs_a_kernel_on_the_device(machine: Machine, mood: str) -> None:
    lines = machine.json("probe", mood=mood)["machine"]["lines"]
    (device,) = (line for line in lines if line["group"] == "devices" and line["name"] == DEVICE)
    dtypes = {"float32", "bfloat16", "float16"} | ({"float64"} if mood == "as-cuda" else set())
    assert device["state"] == "runs"
    assert dtypes == set(device["values"]["dtypes"]) - {"complex64"}


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_identify_says_of_a_file_what_it_says_on_the_cpu(machine: Machine, mood: str) -> None:
    here, there = (
        machine.json("identify", str(MODEL), "--device", device, mood=mood)["identifications"]
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


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_context_reaches_as_far_as_on_the_cpu(machine: Machine, mood: str) -> None:
    asked = [f"{MODEL}:{name}" for name in ("Rotary", "CachedRotary", "ComplexRotary")]
    here, there = (
        machine.json("context", *asked, "--device", device, *SHORT, mood=mood) for device in ("cpu", DEVICE)
    )
    assert [_made(one) for one in there["makers"]] == [_made(one) for one in here["makers"]]
    assert [_reached(row) for row in there["rows"]] == [_reached(row) for row in here["rows"]]


def _made(maker: Mapping[str, Any]) -> Any:
    return maker["implementation"], maker["kind"], maker["schedule"], maker["claims"]


def _reached(row: Mapping[str, Any]) -> Any:
    return row["implementation"], row["condition"], row["verdict"], row["failure"]


@pytest.mark.slow
@pytest.mark.parametrize("mood", EXTREMES)
def test_train_finds_the_right_one_right_and_the_wrong_one_wrong(machine: Machine, mood: str) -> None:
    asked = ["native", "rotcheck", "timm-cat", f"{MISTAKES}:conjugate"]
    found = machine.json("train", *asked, "--steps", "2", "--device", DEVICE, *SHORT, mood=mood)
    verdicts = [course["verdict"] for course in found["courses"]]
    assert verdicts == ["agrees", "agrees", "agrees", "disagrees"], found["courses"]


@pytest.mark.parametrize("mood", EXTREMES)
def test_bench_times_each(machine: Machine, mood: str) -> None:
    asked = ["native", "timm-cat", *BENCH, "--device", DEVICE]
    rows = machine.json("bench", *asked, mood=mood)["timings"]
    assert {(row["implementation"], row["state"]) for row in rows} >= {("native", "ran"), ("timm-cat", "ran")}


@pytest.mark.parametrize("mood", EXTREMES)
def test_preflight_lets_the_job_start_with_right_ones_alone(
    machine: Machine, mood: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    dtypes = "dtypes = ['float32', 'bfloat16']"
    for names, code in ((["native", "torchtune"], 0), (["native", f"{MISTAKES}:conjugate"], 1)):
        policy.write_text(f"implementations = {names!r}\ndevices = [{DEVICE!r}]\n{dtypes}\n")
        done = machine.run("preflight", "--policy", str(policy), mood=mood)
        assert done.returncode == code, done.stdout


@pytest.mark.slow
def test_each_command_with_workers_started_as_on_macos(machine: Machine, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("implementations = ['native']\ndevices = ['cpu']\ndtypes = ['float32']\n")
    for command in (
        ["probe"],
        ["compare", "native", "rotcheck", "timm-cat"],
        ["identify", f"{MODEL}:Rotary", f"{MODEL}:apply_rotary_pos_emb"],
        ["context", f"{MODEL}:Rotary", "--condition", "constructed"],
        ["bench", "native", *BENCH],
        ["train", "native", "--steps", "2"],
        ["preflight", "--policy", str(policy)],
    ):
        done = machine.run(*command, front=SPAWNING)
        assert done.returncode == 0, done.stdout + done.stderr
