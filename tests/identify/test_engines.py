"""Code of engines: right is told right, and the same code with a fault is told
by the fault's name."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import rotcheck
from rotcheck.identify import function_identification
from rotcheck.identify.calling import search, search_limit, template_search
from rotcheck.identify.calling.call_match import Match
from rotcheck.implementations import package_setup
from rotcheck.implementations.size_hints import Hints
from rotcheck.implementations.target import resolve

FILE = Path(__file__).with_name("functions_of_engines.py")
CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "call", "fault"),
    [
        ("by_format", "f(x, complex table, 'bshd')", ""),
        ("one_sign_by_format", "f(x, complex table, 'bshd')", "one-sign"),
        ("tables_of_frequencies", "f(positions, inv_freq, 1.0)", ""),
        ("tables_that_ignore_positions", "f(positions, inv_freq)", "positions-ignored"),
        ("ForwardAlone", "f(q, k, cos, sin)", ""),
        ("KeyUnrotatedAlone", "f(q, k, cos, sin)", "unlike"),
        ("with_a_kernel", "f(q, k, cos, sin, False)", ""),
        ("and_whatever_else", "f(q, k, freqs_cis=table)", ""),
        ("with_a_base", "f(x, positions, base_frequency=10000)", ""),
        ("OfALayer", "f(x, positions)", ""),
        ("HandsOn", "f(x, positions)", ""),
        ("OneOfSeveral", "f(positions, q, k)", ""),
        ("NoKernelHere", "f(positions, q, k)", ""),
        ("CallsByAnotherName", "f(x, start_index=offset)", ""),
        ("OneSignByAnotherName", "f(x)", "one-sign"),
        ("CastsItsTable", "f(positions, q, k)", ""),
    ],
)
def test_what_engines_have_is_called_and_judged(name: str, call: str, fault: str) -> None:
    told = function_identification.identify(resolve(f"{FILE}:{name}", "cpu"), CPU).identification
    assert told.call == call
    assert [one.code for one in told.findings if one.mistake] == [fault] * bool(fault)
    assert told.answer == ("wrong" if fault else "right")


def test_a_class_for_images_is_built_for_a_small_one() -> None:
    """It is not judged as a text, whose rows are 0, 1, 2, ...: the grid is its own."""
    told = function_identification.identify(resolve(f"{FILE}:OfAnImage", "cpu"), CPU).identification
    assert [one.code for one in told.findings] == ["own-positions"]


OPERATOR = """
from contextlib import contextmanager

ready = False

@contextmanager
def settings():
    global ready
    ready = True
    try:
        yield
    finally:
        ready = False

class Operator:
    def __init__(self):
        assert ready
"""
ROPE = """
import torch
from engine_of_others import Operator

class Rope(Operator):
    def forward(self, x, cos, sin):
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos + b * sin, b * cos + a * sin), -1)
"""


def test_what_a_package_wants_set_is_set_before_a_class_of_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "engine_of_others.py").write_text(OPERATOR)
    (tmp_path / "rope.py").write_text(ROPE)
    lines = (
        "import engine_of_others",
        "around = engine_of_others.settings()",
        "around.__enter__()",
    )
    monkeypatch.setattr(package_setup, "LINES", {"engine_of_others": lines})
    told = function_identification.identify(
        resolve(f"{tmp_path}/rope.py:Rope", "cpu"), CPU
    ).identification
    assert [one.code for one in told.findings if one.mistake] == ["one-sign"]
    assert lines[1] in (told.findings[0].demonstration or "")


def test_an_unfinished_search_accuses_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first calls that run mix the rows of the batch;
    a later one is right, on a machine with time for it."""
    assert (
        function_identification.identify(
            resolve(f"{FILE}:token_major", "cpu"), CPU
        ).identification.answer
        == "right"
    )
    monkeypatch.setattr(search_limit, "RUNS", 1)
    told = function_identification.identify(
        resolve(f"{FILE}:token_major", "cpu"), CPU
    ).identification
    assert told.answer == "unknown"
    assert "the search ended before" in told.findings[0].message


def test_what_is_compiled_runs_as_it_is_written() -> None:
    """`torch.compile` would take seconds for each shape, and there are hundreds."""
    told = rotcheck.identify(f"{FILE}:compiled")
    assert (told.answer, told.convention and told.convention.pairing) == ("right", "half")


SETTLED = """
import sys
from rotcheck.identify.worker import open_identification
from rotcheck.identify.worker_device import settle
settle("cpu")
named = {"specification": "functions_half:batched_tables", "device": "cpu", "shown": ""}
assert open_identification(named)(None)["told"]["answer"] == "right"
assert "torch._dynamo" not in sys.modules
import torch
compiled = []
turned = torch.compile(lambda x: x.sin(), backend=lambda graph, inputs: compiled.append(graph) or graph.forward)
turned(torch.ones(2))
assert not compiled, "compiled where it should run as it is written"
torch.compiler.set_stance("default")
turned(torch.ones(2))
assert compiled
"""


def test_the_compiler_is_imported_by_those_alone_that_compile_and_compiles_nothing_then() -> None:
    """Importing it takes longer than a usual search."""
    subprocess.run([sys.executable, "-c", SETTLED], cwd=FILE.parent, check=True)


def test_tables_of_each_form_have_their_turn_where_calls_are_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (search, search_limit, template_search):
        monkeypatch.setattr(module, "interprets", lambda: True)  # as if a kernel ran in each call
    found = search.search(resolve(f"{FILE}:tables_as_wide_as_heads", "cpu").function, CPU, Hints())
    assert isinstance(found, Match)
    assert (found.exact, found.convention.tables) == (True, "repeated")
