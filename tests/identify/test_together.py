"""The functions of one file held against each other:
tables made in one order, and taken in the other."""

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_identify_command import run

HEAD = """
import math
import torch


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def rotate_every_two(x):
    return torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)


def angles(dim, length):
    return torch.outer(torch.arange(length).float(), 10000.0 ** (-torch.arange(0, dim, 2).float() / dim))
"""
MAKES = """

class {name}(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, seq_len):
        angle = {angle}
        return angle.cos(), angle.sin()
"""
TAKES = """

def {name}(q, k, cos, sin):
    cos, sin = cos[None, :, None], sin[None, :, None]
    return q * cos + {turn}(q) * sin, k * cos + {turn}(k) * sin
"""
ANGLES = {
    "half": "torch.cat((angles(self.dim, seq_len), angles(self.dim, seq_len)), -1)",
    "interleaved": "angles(self.dim, seq_len).repeat_interleave(2, -1)",
    "half-width": "angles(self.dim, seq_len)",
}
TURNS = {"half": "rotate_half", "interleaved": "rotate_every_two"}
WORDS = {"half": "cat(f, f)", "interleaved": "each value twice"}
OTHER = {"half": "interleaved", "interleaved": "half"}


def makes(order: str, name: str = "RotaryEmbedding") -> str:
    return MAKES.format(name=name, angle=ANGLES[order])


def takes(order: str, name: str = "apply_rotary") -> str:
    return TAKES.format(name=name, turn=TURNS[order])


MISFIT = HEAD + makes("half") + takes("interleaved")
BY_FLAG = """

def make_rotary_tables(dim, seq_len, interleaved=False):
    f = angles(dim, seq_len)
    both = f.repeat_interleave(2, -1) if interleaved else torch.cat((f, f), -1)
    return both.cos(), both.sin()
"""
BY_CONFIGURATION = """

class Settings:
    rope_style = "neox"


class RotaryEmbedding(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim, self.settings = dim, Settings()

    def forward(self, seq_len):
        f = angles(self.dim, seq_len)
        both = torch.cat((f, f), -1) if self.settings.rope_style == "neox" else f.repeat_interleave(2, -1)
        return both.cos(), both.sin()
"""
CONVERTED = """

def layer(q, k, rotary):
    cos, sin = rotary(q.shape[1])
    cos, sin = cos[..., : q.shape[-1] // 2], sin[..., : q.shape[-1] // 2]
    return apply_rotary(q, k, cos.repeat_interleave(2, -1), sin.repeat_interleave(2, -1))
"""
USED_BY_ANOTHER = """

class Attention(torch.nn.Module):
    def forward(self, q, cos, sin):
        return q * cos + rotate_half(q) * sin
"""
CALLED = """

def learning_rate(step, most):
    return 0.5 * (1 + math.cos(math.pi * step / most))


class Attention(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.rotary = RotaryEmbedding(dim)

    def forward(self, q, k, v):
        cos, sin = self.rotary(q.shape[1])
        q, k = apply_rotary(q, k, cos.to(q), sin.to(q))
        weights = torch.einsum("bshd,bthd->bhst", q, k) * q.shape[-1] ** -0.5
        return torch.einsum("bhst,bthd->bshd", weights.softmax(-1), v)
"""
WITH_COMPLEX = """

def apply_rotary_complex(x, freqs_cis):
    y = torch.view_as_complex(x.float().unflatten(-1, (-1, 2))) * freqs_cis[None, :, None]
    return torch.view_as_real(y).flatten(3).type_as(x)
"""
TURNS_V = """

def apply_rotary(q, k, v, cos, sin):
    cos, sin = cos[None, :, None], sin[None, :, None]
    return tuple(x * cos + rotate_every_two(x) * sin for x in (q, k, v))
"""
MADE_BY_ANOTHER = """

def of_positions(dim, positions):
    both = angles(dim, int(positions.max()) + 1)[positions].repeat_interleave(2, -1)
    return both.cos(), both.sin()
"""
UNBUILT = """

class LearnedRotaryEmbedding(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.angle = model.angles

    def forward(self, seq_len):
        return self.angle[:seq_len].cos(), self.angle[:seq_len].sin()
"""


HALVES = """
import torch


def rotary_embed(x, cos, sin):
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    c, s = cos[..., :half], sin[..., :half]
    return torch.cat((a * c - b * s, a * s + b * c), -1)
"""
OF_AN_IMAGE = """

def vision_rotary_tables(points, head_dim=32, theta=10000.0):
    freqs = theta ** (-torch.arange(head_dim // 2).float() / (head_dim // 2))
    angles = (points[:, :, None].float() * freqs).flatten(1)
    return angles.cos(), angles.sin()
"""
OF_TEXT = """

def rotary_tables(positions, head_dim=32, theta=10000.0):
    angles = positions[:, None].float() * theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    return torch.cat((angles, angles), -1).cos(), torch.cat((angles, angles), -1).sin()
"""
IN_ONE_TENSOR = """
import torch


def compute_cos_sin_cache(rotary_dim=32, max_position=64):
    inv_freq = 10000.0 ** (-torch.arange(0, rotary_dim, 2).float() / rotary_dim)
    freqs = torch.outer(torch.arange(max_position).float(), inv_freq)
    return torch.cat((freqs.cos(), freqs.sin()), dim=-1)


def rotary_embedding(positions, query, key, cos_sin_cache):
    {names} = cos_sin_cache[positions].unsqueeze(1).chunk(2, dim=-1)

    def turn(x):
        a, b = x.chunk(2, dim=-1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)

    return turn(query), turn(key)
"""
BESIDE = {
    "with_half_width": makes("half-width", "RopeTables"),
    "with_complex": WITH_COMPLEX,
}
WRONG = {
    "half_for_interleaved": HEAD + makes("half") + takes("interleaved"),
    "interleaved_for_half": HEAD + makes("interleaved") + takes("half"),
    **{name: MISFIT + text for name, text in BESIDE.items()},
    "half_unread": HALVES + OF_AN_IMAGE,
    "sin_for_cos": IN_ONE_TENSOR.format(names="sin, cos"),
    "one_unbuilt": MISFIT + UNBUILT,
    "v_turned": HEAD + makes("half") + TURNS_V,
}
"""Files with a mistake, or with what was not identified, by their names."""


@dataclass(frozen=True)
class Told:
    """What one command told of several files."""

    folder: Path
    every: list[dict[str, Any]]

    def of(self, file: str) -> dict[str, Any]:
        """What was found in a file, by name."""
        parts = [(one["specification"].partition(".py:"), one) for one in self.every]
        return {name: one for (place, _, name), one in parts if place == file}


def told(folder: Path, files: Mapping[str, str], *asked: str, code: int) -> Told:
    """Identify files of these texts, or what is asked for of them."""
    for file, text in files.items():
        (folder / f"{file}.py").write_text(text)
    asked = asked or tuple(f"{file}.py" for file in files)
    done = run(*asked, "--format", "json", cwd=folder)
    assert (done.returncode, done.stderr) == (code, "")
    return Told(folder, json.loads(done.stdout)["identifications"])


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What is told of the files with a mistake."""
    return told(tmp_path_factory.mktemp("wrong"), WRONG, code=1)


def came_and_right(mistake: dict[str, Any], folder: Path) -> tuple[Any, Any]:
    """Run what shows a mistake, in a process without rotcheck;
    return the two values, which differ."""
    code = f"import sys; sys.modules['rotcheck'] = None\n{mistake['demonstration']}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    came, right = (
        ast.literal_eval(line.split(" ", 1)[1].strip()) for line in done.stdout.splitlines()
    )
    assert came != right
    return came, right


@pytest.mark.parametrize("made", ["half", "interleaved"])
def test_tables_in_the_other_order_are_a_mistake_of_who_takes_them(made: str, wrong: Told) -> None:
    every = wrong.of(f"{made}_for_{OTHER[made]}")
    maker, taker = every["RotaryEmbedding"], every["apply_rotary"]
    assert (maker["follows"], maker["findings"], maker["convention"]["table_lanes"]) == (
        True,
        [],
        made,
    )
    assert (taker["follows"], taker["convention"]["table_lanes"]) == (False, OTHER[made])
    (mistake,) = taker["findings"]
    assert (mistake["code"], mistake["failure"], mistake["mistake"]) == (
        "pairing-of-tables",
        "R1",
        True,
    )
    assert mistake["message"] == (
        f"takes tables with {WORDS[OTHER[made]]}, and RotaryEmbedding of the same file makes them with {WORDS[made]}"
    )
    assert mistake["evidence"].startswith(
        "the tables that RotaryEmbedding makes and those that apply_rotary takes"
    )
    assert mistake["cause"]
    assert mistake["fix"]
    came_and_right(mistake, wrong.folder)


def test_it_is_printed_with_the_function_that_takes_them(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MISFIT + CALLED)
    done = run("model.py", "-o", "found.md", cwd=tmp_path, COLUMNS="200")
    assert (done.returncode, done.stderr) == (1, "")
    words = "takes tables with each value twice, and RotaryEmbedding of the same file makes them with cat(f, f)"
    titles = [line for line in done.stdout.splitlines() if line.startswith(("✓", "✗", "?"))]
    assert titles == [
        "✓ model.py:RotaryEmbedding: makes repeated cat(f, f) tables, theta 10000",
        f"✗ model.py:apply_rotary: {words}",
    ]
    assert "  more   rotcheck explain R1" in done.stdout
    assert "follows a convention, apart from the above, error" in done.stdout.splitlines()[-1]
    assert f"### ✗ model.py:apply_rotary: {words}" in (tmp_path / "found.md").read_text()


def test_two_that_are_named_are_held_against_each_other_however_their_file_is_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "model.py").write_text(MISFIT)
    done = run(
        "model.py:apply_rotary", str(tmp_path / "model.py") + ":RotaryEmbedding", cwd=tmp_path
    )
    assert done.returncode == 1
    assert "✗ model.py:apply_rotary: takes tables with each value twice" in done.stdout


def test_whether_it_can_be_swapped_is_told_of_the_function_by_itself(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MISFIT)
    done = run("model.py", "--like", "model.py:apply_rotary", cwd=tmp_path)
    assert done.returncode == 1
    assert (
        "model.py:apply_rotary can take the place of model.py:apply_rotary as it is" in done.stdout
    )


DOUBTS = {
    "half and half": HEAD + makes("half") + takes("half"),
    "interleaved and interleaved": HEAD + makes("interleaved") + takes("interleaved"),
    "another makes the order that it needs": MISFIT + makes("interleaved", "RopeTables"),
    "another takes the order that is made": MISFIT + takes("half", "apply_rope"),
    "half-width tables": HEAD + makes("half-width") + takes("interleaved"),
    "a flag chooses the order": HEAD + BY_FLAG + takes("interleaved"),
    "a configuration chooses the order": HEAD + BY_CONFIGURATION + takes("interleaved"),
    "converted by the caller": MISFIT + CONVERTED,
    "used by what is not identified": MISFIT + USED_BY_ANOTHER,
    "made by what is not identified": MISFIT + MADE_BY_ANOTHER,
    "anything may be imported": "from typing import *\n" + MISFIT,
}
RIGHT = {
    "halves_alike": HALVES + OF_TEXT,
    "cos_for_cos": IN_ONE_TENSOR.format(names="cos, sin"),
}


@pytest.fixture(scope="module")
def of_doubts(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What is told of the files of all doubts, and of others without a mistake."""
    return told(tmp_path_factory.mktemp("doubts"), {**DOUBTS, **RIGHT}, code=0)


@pytest.mark.parametrize("doubt", DOUBTS)
def test_where_there_is_a_doubt_nothing_is_said(doubt: str, of_doubts: Told) -> None:
    every = of_doubts.of(doubt)
    assert [one["findings"] for one in every.values()] == [[]] * len(every)
    assert len(every) >= 2


@pytest.mark.parametrize("beside", BESIDE)
def test_tables_of_another_form_beside_them_silence_nothing(beside: str, wrong: Told) -> None:
    codes = {
        name: [each["code"] for each in one["findings"]]
        for name, one in wrong.of(beside).items()
        if one["findings"]
    }
    assert codes == {"apply_rotary": ["pairing-of-tables"]}


def test_a_half_of_its_own_that_is_never_read_is_a_mistake(wrong: Told) -> None:
    (mistake,) = wrong.of("half_unread")["rotary_embed"]["findings"]
    assert (mistake["code"], mistake["failure"], mistake["mistake"]) == (
        "half-of-tables",
        "R171",
        True,
    )
    assert mistake["message"].startswith(
        "never reads the second half of its tables, and vision_rotary_tables"
    )
    came_and_right(mistake, wrong.folder)


def test_halves_that_are_alike_may_be_read_once(of_doubts: Told) -> None:
    every = of_doubts.of("halves_alike")
    assert [one["findings"] for one in every.values()] == [[], []]
    assert every["rotary_embed"]["convention"]["unread"] == "second half"


def test_sin_taken_for_the_cos_of_the_same_file_is_a_mistake(wrong: Told) -> None:
    (mistake,) = wrong.of("sin_for_cos")["rotary_embedding"]["findings"]
    assert (mistake["code"], mistake["failure"], mistake["mistake"]) == (
        "tables-swapped",
        "R5",
        True,
    )
    came_and_right(mistake, wrong.folder)


def test_cos_taken_for_cos_is_none(of_doubts: Told) -> None:
    every = of_doubts.of("cos_for_cos")
    assert [one["findings"] for one in every.values()] == [[], []]


def test_one_that_was_not_identified_may_be_the_one_that_fits(wrong: Told) -> None:
    every = wrong.of("one_unbuilt")
    assert {name: one["follows"] for name, one in every.items()} == {
        "RotaryEmbedding": True,
        "apply_rotary": True,
        "LearnedRotaryEmbedding": False,
    }


def test_so_may_one_that_was_not_asked_for(tmp_path: Path) -> None:
    text = MISFIT + makes("interleaved", "RopeTables")
    asked = [f"model.py:{name}" for name in ("RotaryEmbedding", "apply_rotary")]
    assert len(told(tmp_path, {"model": text}, *asked, code=0).every) == 2


def test_one_with_a_mistake_of_its_own_is_told_that_alone(wrong: Told) -> None:
    taker = wrong.of("v_turned")["apply_rotary"]
    assert [one["code"] for one in taker["findings"]] == ["v-rotated"]
