"""What `identify` says of a function, no other command contradicts:
none is green where another is red."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import functions_builders
import functions_flagged
import functions_half
import functions_mistaken
import functions_own
import functions_permuting
import functions_without_rotation
import pytest
from identifying import CPU

import rotcheck
from rotcheck import __version__
from rotcheck.compare.convention_check import convention_cell
from rotcheck.identify.front_identity import Identity
from rotcheck.identify.function_identification import identify
from rotcheck.implementations.target import resolve
from rotcheck.preflight.decision import decide
from rotcheck.preflight.policy import DEFAULT
from rotcheck.results import Cell, Machine, Report, exit_code, findings, summarise
from rotcheck.testing import assert_rotates

MODULES = (functions_mistaken, functions_half, functions_own, functions_without_rotation)
NO_OTHER_CHECK = (  # sees these: only `identify` does
    *("twice_counting", "few_pairs_turn", "FrequenciesOfAllLanes", "CachedByLength"),
    *("counts_in_the_dtype_of_x", "positions_in_the_dtype_of_x"),
)
WRONG = (
    *NO_OTHER_CHECK,
    *(
        "whole_qkv",
        "rows_of_all_heads",
        "key_left_alone",
        "positions_of_the_first_row",
        "spoils_its_input",
    ),
)
RIGHT = ("batched_tables", "backwards", "writes_where_it_reads", "from_an_offset")
UNKNOWN = ("raises", "returns_text")


@cache
def named(name: str) -> str:
    module = next(module for module in MODULES if hasattr(module, name))
    return f"{module.__name__}:{name}"


@cache
def found(name: str) -> Identity:
    """Return what `identify` says."""
    return Identity(identify(resolve(named(name), "cpu"), CPU).identification, None)


def cell(name: str) -> Cell:
    """Return the function's cell in `compare`."""
    return convention_cell(found(name), name, "cpu", "float32", other_cells=())


def report(*cells: Cell) -> Report:
    machine = Machine(system="", processor="", cores=2, memory_gib=8, python="", torch=None)
    return Report(rotcheck=__version__, machine=machine, cells=cells, summary=summarise(cells))


def may_start(name: str) -> bool:
    """Return whether `preflight` lets a job start whose function all other checks agree with."""
    alone = cell(name)
    return decide(
        DEFAULT,
        report(
            alone,
            Cell(
                implementation=name,
                device="cpu",
                dtype="float32",
                check="forward",
                verdict="agrees",
            ),
        ),
    ).may_start


def test_the_functions_of_the_first_list_agree_with_every_other_check() -> None:
    """So that it is the judgement of `identify` that turns a command red."""
    asked = [f"{Path(functions_mistaken.__file__)}:{name}" for name in NO_OTHER_CHECK]
    cells = rotcheck.compare(asked, devices=["cpu"], dtypes=["float32"]).cells
    assert {each.check for each in findings(cells)} == {"convention"}
    assert len(findings(cells)) == len(NO_OTHER_CHECK)


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_one_everywhere(name: str) -> None:
    mistake = next(one for one in found(name).identification.findings if one.mistake)
    assert found(name).identification.answer == "wrong"
    alone = cell(name)
    assert (alone.check, alone.verdict, exit_code([alone])) == ("convention", "disagrees", 1)
    assert alone.message
    assert alone.message.startswith(mistake.message)
    assert (alone.failure, alone.cause, alone.fix) == (mistake.failure, mistake.cause, mistake.fix)
    assert not may_start(name)
    with pytest.raises(AssertionError, match="does not rotate as it should") as caught:
        assert_rotates(resolve(named(name), "cpu").function, dtypes=["float32"], checks=["dtype"])
    assert " ".join(mistake.message.split()) in " ".join(str(caught.value).split())


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_right_everywhere(name: str) -> None:
    assert found(name).identification.answer == "right"
    alone = cell(name)
    assert (alone.verdict, alone.cause, exit_code([alone])) == ("agrees", None, 0)
    assert may_start(name)
    assert assert_rotates(
        resolve(named(name), "cpu").function, dtypes=["float32"], checks=["dtype"]
    )


def test_a_choice_is_a_note_and_no_mistake() -> None:
    assert cell("backwards").note == "rotates by the negative angle: a choice, as nanochat's"


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_understood_accuses_nobody_and_lets_no_job_start(name: str) -> None:
    assert found(name).identification.answer == "unknown"
    alone = cell(name)
    assert (alone.verdict, alone.cause, alone.failure) == ("unidentified", None, None)
    assert (findings([alone]), exit_code([alone])) == ([], 1)
    assert "rotcheck.declare(" in (alone.fix or "")
    assert not may_start(name)
    with pytest.raises(AssertionError, match="was not identified"):
        assert_rotates(resolve(named(name), "cpu").function)


def assertion(function: object, **asked: object) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_rotates(function, **asked)  # type: ignore[arg-type]
    return " ".join(str(caught.value).split())


def test_a_right_permutation_of_a_checkpoint_passes_and_a_wrong_one_fails() -> None:
    cells = assert_rotates(functions_permuting.permute_q_and_k, dtypes=["float32"])
    assert {cell.check for cell in cells if cell.verdict == "agrees"} == {"convention"}
    assert {cell.verdict for cell in cells} == {"agrees", "skipped"}
    assert "permutes a k of 3 heads differently from q" in assertion(
        functions_permuting.permute_k_as_q
    )
    assert "permutes the rows" in assertion(functions_permuting.permute_q_and_k, checks=["forward"])


def test_a_flag_that_changes_nothing_fails_as_in_identify() -> None:
    assert "the flag interleaved changes nothing" in assertion(
        functions_flagged.ignores, checks=["dtype"]
    )
    assert assert_rotates(functions_flagged.paired_either_way, checks=["dtype"])


def test_one_that_makes_wrong_tables_is_told_what_identify_says_of_them() -> None:
    words = assertion(functions_builders.counts_from_one)
    assert words.startswith("counts_from_one makes wrong tables identified: ")


MODEL = """
import torch


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def apply_rope(q, k, cos, sin):
    cos, sin = cos[:, None], sin[:, None]
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def rope_of_the_first_row(q, k, cos, sin):
    assert cos.dim() == 3
    return apply_rope(q, k, cos[:1], sin[:1])


def rope_of_nobody_knows_what(a, b, c):
    raise RuntimeError("out of order")
"""
SMALL = ("--shape", "2x10x3x8x64", "--pass", "forward", "--seconds", "0.01")
POLICY = """
implementations = ["model.py"]
devices = ["cpu"]
dtypes = ["float32"]
checks = ["forward"]
"""
COMMANDS = {
    "identify": ("model.py",),
    "check": ("model.py",),
    "preflight": ("--policy", "policy.toml"),
    "compare": ("model.py", "--device", "cpu", "--dtype", "float32", "--check", "forward"),
    "train": ("model.py", "--device", "cpu", "--steps", "1"),
    "bench": ("model.py", "--device", "cpu", "--dtype", "float32", *SMALL),
}


TABLES = """
import torch


def build_rope_cache(dim, length, theta=10000.0):
    rows = torch.arange(length).float()
    f = torch.outer(rows, theta ** (-torch.arange(0, dim, 2).float() / dim))
    return torch.cat((f, f), -1).cos(), torch.cat((f, f), -1).sin()


def apply_rope(x, cos, sin):
    return x * cos + torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) * sin
"""


def test_what_shows_with_a_flag_or_beside_another_function_of_the_file_alone_is_no_less_a_mistake(
    tmp_path: Path,
) -> None:
    (tmp_path / "tables.py").write_text(TABLES)
    asked = [
        str(tmp_path / "tables.py"),
        f"{Path(functions_flagged.__file__)}:tables_of_halves_alone",
    ]
    cells = rotcheck.compare(asked, devices=["cpu"], dtypes=["float32"]).cells
    told = {each.implementation.rpartition(":")[2]: each.message or "" for each in findings(cells)}
    assert {each.check for each in findings(cells)} == {"convention"}
    assert told.keys() == {"apply_rope", "tables_of_halves_alone"}
    assert told["apply_rope"].startswith("takes tables with each value twice, and build_rope_cache")
    assert told["tables_of_halves_alone"].startswith("with interleaved=True: ")
    with pytest.raises(AssertionError, match="with interleaved=True: "):
        assert_rotates(functions_flagged.tables_of_halves_alone, checks=["dtype"])


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_with_a_mistake_is_red_in_every_command(command: str, tmp_path: Path) -> None:
    """In `train` its gradient agrees, and in `bench` its rows run:
    the mistake stands above both, and in their JSON."""
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "policy.toml").write_text(POLICY)
    asked = [sys.executable, "-m", "rotcheck", command, *COMMANDS[command], "-o", "found.json"]
    wide = {**os.environ, "COLUMNS": "160"}
    done = subprocess.run(
        asked, cwd=tmp_path, env=wide, capture_output=True, text=True, check=False, timeout=200
    )
    assert (done.returncode, done.stderr) == (1, "")
    told = "rope_of_the_first_row: uses the positions of one batch row for all rows"
    unknown = f"model.py:rope_of_nobody_knows_what: not {'understood' if command == 'check' else 'identified'}"
    assert unknown in done.stdout
    if command in ("train", "bench"):
        top = done.stdout.partition("native (baseline)" if command == "bench" else "float64 ")[0]
        assert f"\u2717 model.py:{told}" in top
    written = json.loads((tmp_path / "found.json").read_text())
    told_of = written.get("identifications") or written.get("report", written)["conventions"]
    wrong = [
        one["specification"] for one in told_of if any(each["mistake"] for each in one["findings"])
    ]
    assert wrong == ["model.py:rope_of_the_first_row"]
