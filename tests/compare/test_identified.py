"""A given function is identified first, judged in its own convention,
and called as its cells say."""

from pathlib import Path

import pytest
from comparing import Cells, cells, name

import rotcheck
from rotcheck.identify.rotation_identification import NOTHING
from rotcheck.results import Report, exit_code, findings

FUNCTIONS = """
import torch


def turned(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def interleaved(q, k, cos, sin):
    return q * cos + turned(q) * sin, k * cos + turned(k) * sin


def refuses_float16(xq, xk, freqs_cis):
    if xq.dtype == torch.float16:
        raise ValueError("float32 only")

    def rotate(x):
        numbers = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(numbers * freqs_cis[None, :, None]).flatten(-2).type_as(x)

    return rotate(xq), rotate(xk)


def precompute_freqs_cis(dim, end, theta=10000.0):
    angles = torch.outer(torch.arange(end), theta ** (-torch.arange(0, dim, 2) / dim))
    return torch.polar(torch.ones_like(angles), angles)


def nothing(x, cos, sin):
    raise ValueError("out of order")
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    file = tmp_path_factory.mktemp("given") / "given.py"
    file.write_text(FUNCTIONS)
    names = ("interleaved", "refuses_float16", "precompute_freqs_cis", "nothing")
    asked = ["native", *(f"{file}:{name}" for name in names)]
    return rotcheck.compare(
        asked, devices=["cpu"], dtypes=["float32", "float16"], checks=["forward", "dtype"]
    )


@pytest.fixture
def found(report: Report) -> Cells:
    return cells(report)


def test_a_right_function_of_another_convention_agrees(found: Cells) -> None:
    assert {cell.verdict for key, cell in found.items() if key[0] == "interleaved"} == {"agrees"}


def test_the_report_tells_the_conventions_in_the_order_of_the_request(report: Report) -> None:
    told = [
        (one.specification, one.convention and one.convention.pairing) for one in report.conventions
    ]
    assert told == [
        ("given.py:interleaved", "interleaved"),
        ("given.py:refuses_float16", "interleaved"),
        ("given.py:precompute_freqs_cis", None),
        ("given.py:nothing", None),
    ]


def test_what_raises_says_how_it_was_really_called(found: Cells) -> None:
    cell = found["refuses_float16", "float16", "forward"]
    assert (cell.verdict, cell.failure) == ("raises", "R28")
    call = "f(q, k, table) with q and k (B, S, H, D), table (S, D/2) of complex"
    assert cell.message == f"ValueError: float32 only (it is called as {call})"
    assert found["refuses_float16", "float32", "forward"].verdict == "agrees"


def test_what_makes_tables_is_skipped_and_sent_to_the_command_that_judges_these(
    found: Cells,
) -> None:
    cell = found["precompute_freqs_cis", "float32", "forward"]
    assert (cell.verdict, cell.message) == (
        "skipped",
        "it makes tables and rotates nothing: `rotcheck context SPEC` measures how far they are right, "
        "`rotcheck check FILE` judges a whole file",
    )


def test_what_was_never_seen_to_rotate_is_not_called_by_a_guess_and_is_no_finding(
    found: Cells,
) -> None:
    cell = found["nothing", "float32", "forward"]
    assert (cell.verdict, cell.error, cell.cause, cell.path) == ("unidentified", None, None, None)
    assert cell.message == NOTHING
    assert "@rotcheck.declare(" in (cell.fix or "")


SLOW = """
import time

import torch


def rotate(q, k, cos, sin):
    time.sleep(60)
    return tuple(x * cos + torch.cat((-x.chunk(2, -1)[1], x.chunk(2, -1)[0]), -1) * sin for x in (q, k))
"""


def test_a_right_one_that_is_too_slow_to_be_identified_is_not_accused_and_keeps_no_other_waiting(
    tmp_path: Path,
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    seen: list[str] = []
    report = rotcheck.compare(
        [f"{tmp_path}/slow.py:rotate", "native"],
        devices=["cpu"],
        dtypes=["float32"],
        checks=["dtype"],
        timeout=2,
        on_cell=lambda cell: seen.append(cell.implementation),
    )
    assert seen == ["native", "slow.py:rotate"]
    first, second = report.cells
    assert (first.verdict, first.error, second.verdict) == ("unidentified", None, "agrees")
    assert first.message == "no answer within 2 s while it was called"
    assert (first.fix or "").startswith("give it longer: --timeout")
    assert findings(report.cells) == []
    assert exit_code(report.cells) == 1


def test_one_that_dies_in_every_call_is_run_where_it_says_itself_how_it_is_called(
    tmp_path: Path,
) -> None:
    form = '@rotcheck.declare(pairing="half", layout="qkv", tables="packed")'
    dies = "def {}(qkv, cos, sin):\n    os.abort()\n\n\n"
    text = (
        f"import os\n\nimport rotcheck\n\n\n{dies.format('silent')}{form}\n{dies.format('says_so')}"
    )
    (tmp_path / "dies.py").write_text(text)
    asked = [f"{tmp_path}/dies.py:{name}" for name in ("silent", "says_so")]
    report = rotcheck.compare(
        asked, devices=["cpu"], dtypes=["float32"], checks=["convention", "forward"]
    )
    told = {(name(cell), cell.check): cell for cell in report.cells}
    assert {key: cell.verdict for key, cell in told.items()} == {
        ("silent", "convention"): "unidentified",
        ("silent", "forward"): "unidentified",
        ("says_so", "convention"): "skipped",
        ("says_so", "forward"): "crashes",
    }
    assert (
        told["silent", "forward"].message == "the process was killed by SIGABRT while it was called"
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("whole") / "model.py"
    made.write_text(MODEL)
    return made


MODEL = """
import torch


def precompute_freqs_cis(dim, end, theta=10000.0):
    angles = torch.outer(torch.arange(end), theta ** (-torch.arange(0, dim, 2) / dim))
    return torch.polar(torch.ones_like(angles), angles)


def apply_rotary_emb(xq, xk, freqs_cis):
    def rotate(x):
        numbers = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
        return torch.view_as_real(numbers * freqs_cis[None, :, None]).flatten(-2).type_as(x)

    return rotate(xq), rotate(xk)


class RotaryOfNobodyKnowsWhat(torch.nn.Module):
    def __init__(self, riddle):
        super().__init__()

    def forward(self, x):
        return x
"""


def test_a_file_stands_for_all_rotary_functions_in_it(file: Path) -> None:
    report = rotcheck.compare([str(file)], devices=["cpu"], dtypes=["float32"], checks=["forward"])
    assert {name(cell): cell.verdict for cell in report.cells} == {
        "precompute_freqs_cis": "skipped",
        "apply_rotary_emb": "agrees",
        "RotaryOfNobodyKnowsWhat": "unidentified",
    }


def test_nothing_but_makers_of_tables_is_no_success(file: Path) -> None:
    report = rotcheck.compare([f"{file}:precompute_freqs_cis"], devices=["cpu"], dtypes=["float32"])
    assert {cell.verdict for cell in report.cells} == {"skipped"}
    assert exit_code(report.cells) == 5
