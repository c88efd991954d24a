"""A given function is identified first, judged in its own convention, and called as its cells say."""

from pathlib import Path

import pytest
from comparing import Cells, cells

import rotcheck
from rotcheck.results import Report

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
    told = [(one.specification, one.convention and one.convention.pairing) for one in report.conventions]
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


def test_what_makes_tables_is_skipped_and_sent_to_the_command_that_judges_these(found: Cells) -> None:
    cell = found["precompute_freqs_cis", "float32", "forward"]
    assert (cell.verdict, cell.message) == (
        "skipped",
        "it makes tables and rotates nothing: `rotcheck context SPEC` judges these",
    )


def test_what_was_never_seen_to_rotate_says_so(found: Cells) -> None:
    cell = found["nothing", "float32", "forward"]
    assert cell.verdict == "raises"
    assert "the likeliest of the calls that were tried: none of them rotates" in cell.message


def test_one_whose_identification_hangs_keeps_no_other_waiting(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\n\ndef rotate(q, k, cos, sin):\n    time.sleep(60)\n")
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
    assert [cell.verdict for cell in report.cells] == ["hangs", "agrees"]
    assert report.conventions[0].message == "no answer within 2 s while it was called"
