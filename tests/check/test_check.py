"""`rotcheck check`: one command for a file, its three answers,
and the sizes that the file itself builds with."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from terminal import in_terminal, rotcheck

from rotcheck.check import headline, plan, verdict
from rotcheck.check.run import check
from rotcheck.errors import RequestError
from rotcheck.report.pages.check import does, finding
from rotcheck.results import Cell, Check, Description, Fault, Identification, Maker, Part, Reach

HALF = """
import torch
from torch import nn


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def apply_rotary(x, cos, sin):
    cos, sin = cos[None, :, None], sin[None, :, None]
    return x * cos + rotate_half(x) * sin


class RotaryEmbedding(nn.Module):
    def __init__(self, dim, max_seq_len=2048, base=10000.0):
        super().__init__()
        inv_freq = 1.0 / (base ** (torch.arange(0, dim, 2).float() / dim))
        {kept}
        self.max_seq_len = max_seq_len

    def forward(self, x):
        t = torch.arange(x.shape[1], device=x.device, dtype=self.inv_freq.dtype)
        f = torch.outer(t, self.inv_freq)
        emb = {made}
        return emb.cos().to(x.dtype), emb.sin().to(x.dtype)


class Attention(nn.Module):
    def __init__(self, dim=1024, n_heads=8):
        super().__init__()
        self.head_dim = dim // n_heads
        self.rope = RotaryEmbedding(self.head_dim, 32768, base=500000.0)
"""
PLAIN, BUFFER = "self.inv_freq = inv_freq", 'self.register_buffer("inv_freq", inv_freq)'
CAT, EACH_TWICE = "torch.cat((f, f), -1)", "f.repeat_interleave(2, -1)"
MODULE = """
import torch

from ..sizes import THETA


def freqs_cis(dim, end):
    f = 1.0 / (THETA ** (torch.arange(0, dim, 2).float() / dim))
    return torch.polar(torch.ones(end, dim // 2), torch.outer(torch.arange(end).float(), f))
"""
PERMUTES = """
def permute_for_rope(w, n_heads):
    return w.view(n_heads, 2, w.shape[0] // n_heads // 2, w.shape[1]).transpose(1, 2).reshape(w.shape)


def permute_even_rope_rows(w, n_heads):
    return w.view(n_heads, 2, w.shape[0] // n_heads // 2, w.shape[1])[:, [0, 0]].transpose(1, 2).reshape(w.shape)
"""
ODD_NAME = 'a line\nand a "quote".py'
FILES = {
    "right.py": HALF.format(kept=PLAIN, made=CAT),
    "order.py": HALF.format(kept=PLAIN, made=EACH_TWICE),
    "cast.py": HALF.format(kept=BUFFER, made=CAT),
    "package/__init__.py": "",
    "package/sizes.py": "THETA = 20000.0\n",
    "package/layers/__init__.py": "",
    "package/layers/rope.py": MODULE,
    "lacking.py": "import nowhere\n\n\ndef apply_rope(x, cos, sin):\n    return nowhere.rotate(x, cos, sin)\n",
    "dies.py": "import os\n\n\ndef apply_rope(x, cos, sin):\n    os.abort()\n",
    "flax_alone.py": "import flax\n\n\ndef apply_rope(x, cos, sin):\n    return flax.rotate(x, cos, sin)\n",
    "permutes.py": PERMUTES,
    ODD_NAME: HALF.format(kept=PLAIN, made=CAT).replace("(-b, a)", "(b, a)"),
    "nothing.py": "def add(a, b):\n    return a + b\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Check:
    """One run over all files that have something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return check(
            *(
                name
                for name in FILES
                if name not in ("nothing.py", "package/sizes.py") and "__" not in name
            )
        )


def part(found: Check, name: str) -> Part:
    return next(each for each in found.parts if each.name == name)


def test_a_right_file_is_right_as_far_as_it_builds_its_tables(found: Check) -> None:
    maker = part(found, "right.py:RotaryEmbedding")
    assert (maker.answer, maker.needed, maker.right_to, maker.faults) == ("right", 32768, 32768, ())
    assert (maker.file, maker.line) == (
        "right.py",
        FILES["right.py"].split("\n").index("class RotaryEmbedding(nn.Module):") + 1,
    )
    told = found.conventions[found.parts.index(maker)]
    assert (
        told.built
        == "RotaryEmbedding(dim=128, max_seq_len=32768, base=500000.0), as line 34 builds it"
    )
    assert told.convention is not None
    assert told.convention.theta == 500000.0
    assert part(found, "right.py:apply_rotary").answer == "right"


def test_what_needs_a_package_is_asked_on_a_machine_that_has_it(found: Check) -> None:
    (fault,) = part(found, "flax_alone.py:apply_rope").faults
    assert (fault.answer, "`pip install flax`" in fault.message) == ("unknown", True)
    assert (fault.fix or "").startswith("install it")


def test_a_mistake_is_shown_whatever_its_file_is_called(found: Check) -> None:
    wrong = part(found, f"{ODD_NAME}:apply_rotary")
    assert (wrong.answer, [fault.rule for fault in wrong.faults]) == ("wrong", ["R100"])
    assert wrong.faults[0].demonstration
    details = finding([wrong], wrong.faults[0]).details
    assert len(details[0].text.splitlines()) == 1


def test_permutations_of_checkpoints_are_judged_and_have_no_dtype(found: Check) -> None:
    right, wrong = (
        part(found, f"permutes.py:permute_{name}") for name in ("for_rope", "even_rope_rows")
    )
    assert (right.answer, wrong.answer) == ("right", "wrong")
    told = dict(zip(found.parts, found.conventions))
    assert does(wrong, told[wrong]) == "a mistake, see below"
    assert headline.headline([right], ASKED) == "right"


def test_interleaved_tables_for_half_pairing_are_wrong(found: Check) -> None:
    assert [fault.rule for fault in part(found, "order.py:apply_rotary").faults] == ["R1"]


def test_a_buffer_that_a_cast_rounds_is_wrong_and_says_how_far_it_is_right(found: Check) -> None:
    maker = part(found, "cast.py:RotaryEmbedding")
    assert (maker.answer, [fault.rule for fault in maker.faults]) == ("wrong", ["N1"])
    assert maker.right_to is not None
    assert maker.right_to < 257  # which bfloat16 cannot hold
    assert maker.faults[0].message.startswith("after `.bfloat16()`")
    assert part(found, "cast.py:apply_rotary").answer == "right"


def test_a_file_inside_a_package_is_imported_as_its_module(found: Check) -> None:
    maker = part(found, "rope.py:freqs_cis")
    assert (maker.answer, maker.file, maker.needed) == ("right", "package/layers/rope.py", 4096)


@pytest.mark.parametrize(
    ("name", "said"), [("lacking.py", "which is not installed"), ("dies.py", "SIGABRT")]
)
def test_what_cannot_be_imported_or_dies_is_not_understood_and_takes_nobody_along(
    name: str, said: str, found: Check
) -> None:
    (fault,) = part(found, f"{name}:apply_rope").faults
    assert (fault.answer, fault.rule) == ("unknown", "unidentified")
    assert said in fault.message
    assert fault.fix


def test_the_answer_for_all_is_the_worst_one(found: Check) -> None:
    assert (found.answer, found.exit_code()) == ("wrong", 1)
    assert found.headline.startswith("wrong: order.py:apply_rotary: takes tables with cat(f, f)")
    assert found.advice[0].startswith("`rotcheck identify order.py:apply_rotary`")


def test_the_cells_come_in_the_order_of_the_files_and_one_functions_together(found: Check) -> None:
    judged = [cell.implementation for cell in found.cells]
    in_order = [part.name for part in found.parts if part.name in judged]
    assert len(in_order) >= 2
    assert judged == sorted(judged, key=in_order.index)


def test_asked_for_more_positions_than_its_table_has_it_is_wrong(folder: Path) -> None:
    text = FILES["right.py"].replace(
        "t = torch.arange(x.shape[1]", "t = torch.arange(min(x.shape[1], self.max_seq_len)"
    )
    (folder / "short.py").write_text(text)
    ran = in_terminal("check", "short.py", "--to", "65536", cwd=folder, piped=["stdout"])
    assert ran.code == 1
    assert ran.out.splitlines()[0] == (
        "✗ short.py: wrong: RotaryEmbedding is right to 32,768 of 65,536 positions in bfloat16"
    )
    assert "build it for at least 65536 positions" in " ".join(ran.out.split())
    assert "steps" in ran.err  # the progress, which is no result


def test_where_there_is_nothing_the_code_is_5_and_what_is_there_is_said(folder: Path) -> None:
    ran = rotcheck("check", "nothing.py", cwd=folder)
    assert (ran.code, ran.err) == (5, "")
    assert "has no function or class with a rotary name" in ran.out.splitlines()[0]
    assert "it has add" in ran.out.splitlines()[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["gone.py"], "there is no file 'gone.py'"),
        (["package"], "it is a folder; name a file in it"),
        (["right.py", "--dtype", "blfoat16"], "did you mean 'bfloat16'?"),
        (["right.py", "--to", "0"], "--to must be a number of positions from 1"),
        (["right.py", "-o", "found.srif"], "did you mean '.sarif'?"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    asked: list[str], said: str, folder: Path
) -> None:
    ran = rotcheck("check", *asked, cwd=folder)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


def told(**changes: object) -> Identification:
    plain = {"rotcheck": "0.1.0", "specification": "m.py:f", "torch": None, "device": "cpu"}
    given = {"follows": True, "convention": Description(kind="builds")}
    return Identification(**{**plain, **given, **changes})  # type: ignore[arg-type]


ASKED = plan.CheckRequest(("m.py",), ("m.py:f",), ("bfloat16",), None, "cpu")
MAKER = Maker(implementation="m.py:f", kind="builds", judged_to=4096)
ROW = Reach(
    implementation="m.py:f",
    condition="constructed",
    device="cpu",
    verdict="agrees",
    right_to=4096,
    asked_to=4096,
)
CELL = Cell(
    implementation="m.py:f", device="cpu", dtype="bfloat16", check="forward", verdict="agrees"
)


@pytest.mark.parametrize(
    ("cells", "rows", "changes", "answer"),
    [
        ([], [ROW], {}, "right"),
        # not asked far enough
        ([], [replace(ROW, asked_to=1000, stopped="it takes long")], {}, "unknown"),
        ([], [replace(ROW, verdict="skipped", message="it makes a grid")], {}, "unknown"),
        # no length to reach
        ([], [], {"convention": Description(kind="builds", positions="grid")}, "right"),
        ([replace(CELL, verdict="skipped")], [], {"convention": Description(kind="both", schedule="axial")}, "right"),
        ([], [replace(ROW, verdict="raises", finding="short", message="it gives 8 rows")], {}, "unknown"),
        ([], [replace(ROW, verdict="hangs", message="no answer")], {}, "wrong"),
        ([CELL], [], {"convention": Description(kind="applies")}, "right"),
        ([replace(CELL, verdict="skipped")], [], {"convention": Description(kind="applies")}, "unknown"),
        ([replace(CELL, verdict="disagrees")], [], {"convention": Description(kind="applies")}, "wrong"),
        ([], [], {"follows": False, "convention": None, "message": "none"}, "unknown"),
    ],
)  # fmt: skip
def test_nothing_is_right_that_was_not_judged_as_far_as_it_must_be(
    cells: list[Cell], rows: list[Reach], changes: dict[str, object], answer: str
) -> None:
    found = verdict.part_of("m.py:f", told(**changes), cells, rows, MAKER if rows else None, ASKED)
    assert found.answer == answer
    assert (found.faults == ()) == (answer == "right")


def test_the_headline_of_what_is_right_is_how_far_all_of_it_is() -> None:
    parts = [
        Part(name="m.py:a", answer="right", kind="builds", needed=needed)
        for needed in (32768, 8192, None)
    ]
    assert headline.headline(parts, ASKED) == "right to 8,192 in bfloat16"
    assert headline.headline(parts[2:], ASKED) == "right in bfloat16"
    kernel = Part(name="m.py:k", answer="right", kind="applies", dtypes=("float32",))
    assert headline.headline([kernel], ASKED) == "right in float32"
    assert headline.headline([*parts, kernel], ASKED) == "right to 8,192 in bfloat16; k in float32"
    fault = Fault(answer="unknown", by="identify", rule="unidentified", message="why")
    unknown = [Part(name="m.py:b", answer="unknown", faults=(fault,))]
    assert (
        headline.headline([*parts, *unknown], ASKED)
        == "not understood: b: why; the rest is right to 8,192 in bfloat16"
    )
    wrong = [Part(name=f"m.py:{name}", answer="wrong", faults=(fault,)) for name in ("c", "d")]
    assert headline.headline([*unknown, *wrong], ASKED) == "wrong: c: why; and d; not understood: b"


def test_no_file_is_no_request() -> None:
    with pytest.raises(RequestError, match="name a file"):
        check()
