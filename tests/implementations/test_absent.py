"""Files whose packages are not installed, or whose script stops:
what can be loaded is, and nothing is guessed."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import rotcheck
from rotcheck.implementations import module_import
from rotcheck.implementations.placeholders import NotInstalled
from rotcheck.implementations.target import resolve

ROTARY = """
import torch
from absent_kernels.ops import AttentionBias, fused
from absent_registry import register
from typing import Optional

def apply_rope(x, cos, sin, bias: Optional[AttentionBias] = None):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

def apply_fused_rope(x, cos, sin):
    return fused(x, cos, sin)

@register("rope")
def apply_registered_rope(x, cos, sin):
    return x * cos + x * sin

class FusedRope(fused.Base):
    def forward(self, x, cos, sin):
        return x

def apply_rope_by_kind(x, cos, sin):
    return apply_rope(x, cos, -sin if fused else sin)

def apply_lazily_rope(x, cos, sin):
    try:
        from absent_kernels.ops import rotary
    except ImportError:
        return apply_rope(x, cos, sin)
    return rotary(x, cos, sin)
"""
SCRIPT = """
import torch

def apply_rope(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

assert torch.cuda.device_count() > 99

HALVES = 2

def apply_rope_below(x, cos, sin):
    a, b = x.chunk(HALVES, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

open(__file__.replace("train.py", "trained"), "w").close()
step = torch.compile(apply_rope)
if step:
    def apply_rope_of_a_step(x, cos, sin):
        return step(x, cos, sin)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lacking.py"
    path.write_text(ROTARY)
    return path


def called(file: Path, name: str) -> Any:
    x, angles = torch.randn(2, 5, 3, 8), torch.randn(5, 1, 4)
    return resolve(f"{file}:{name}", "cpu").function(x, angles.cos(), angles.sin())


@pytest.mark.parametrize("name", ["apply_rope", "apply_lazily_rope"])
def test_what_needs_nothing_of_them_is_loaded(file: Path, name: str) -> None:
    assert called(file, name).shape == (2, 5, 3, 8)
    assert module_import.loading_notes(f"{file}:{name}") == (
        "without absent_kernels, absent_registry, which are not installed: nothing of that was called",
    )


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("apply_fused_rope", "absent_kernels.ops.fused"),
        ("apply_registered_rope", "absent_registry.register"),
        ("apply_rope_by_kind", "absent_kernels.ops.fused"),
    ],
)
def test_what_needs_them_raises_and_is_not_guessed(file: Path, name: str, needs: str) -> None:
    with pytest.raises(NotInstalled, match=f"it needs {needs}, which is not installed"):
        called(file, name)


def test_a_class_of_theirs_is_not_built(file: Path) -> None:
    with pytest.raises(NotInstalled, match=r"it needs absent_kernels\.ops\.fused\.Base"):
        called(file, "FusedRope")


def test_afterwards_an_import_of_them_fails_as_ever(file: Path) -> None:
    called(file, "apply_rope")
    assert not [name for name in sys.modules if name.startswith("absent_")]
    with pytest.raises(ModuleNotFoundError):
        __import__("absent_kernels")


def test_it_is_identified_and_says_what_is_lacking(file: Path) -> None:
    right, not_here = (
        rotcheck.identify(f"{file}:{name}") for name in ("apply_rope", "apply_registered_rope")
    )
    assert right.answer == "right"
    assert "absent_kernels" in next(one.says for one in right.evidence if one.field == "loaded")
    assert not_here.answer == "unknown"
    assert "it needs absent_registry.register, which is not installed" in (not_here.message or "")
    assert not_here.advice[0] == "install it"
    assert not_here.advice[1].startswith("or copy apply_registered_rope")


def test_a_script_is_loaded_as_far_as_the_line_that_raises(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert called(script, "apply_rope").shape == (2, 5, 3, 8)
    assert module_import.loading_notes(f"{script}:apply_rope") == (
        "up to line 8, which raises AssertionError",
    )


def test_of_a_script_what_is_defined_below_that_line_is_loaded_and_nothing_else_is_done(
    tmp_path: Path,
) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    assert called(script, "apply_rope_below").shape == (2, 5, 3, 8)
    assert module_import.loading_notes(f"{script}:apply_rope_below") == (
        "without line 8, which raises AssertionError",
    )
    assert not (tmp_path / "trained").exists()
    with pytest.raises(AssertionError):
        called(script, "apply_rope_of_a_step")


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A file of a package whose `__init__` asks for a GPU, beside a module that does so too."""
    folder = tmp_path / "lone_engine" / "layers"
    folder.mkdir(parents=True)
    (tmp_path / "lone_engine" / "__init__.py").write_text("raise RuntimeError('no GPU')\n")
    (folder / "__init__.py").write_text(
        "from .kernels import fused\nfrom .rope import apply_rope\nSCALE = 2\n"
    )
    (folder / "kernels.py").write_text(
        "import torch\nfused = 1 / (torch.cuda.device_count() // 99)\n"
    )
    (folder / "halves.py").write_text("def halves(x):\n    return x.chunk(2, -1)\n")
    (folder / "rope.py").write_text(
        ROTARY.replace("from absent_registry import register", "from lone_engine import register")
        .replace(
            "from absent_kernels.ops import AttentionBias, fused",
            "from .kernels import fused, AttentionBias",
        )
        .replace("x.chunk(2, -1)", "halves(x)")
        .replace(
            "import torch\n", "import torch\nfrom lone_engine.layers.halves import halves\n", 1
        )
    )
    return folder / "rope.py"


def test_a_file_is_loaded_without_the_package_around_it_where_that_does_not_run(
    inside: Path,
) -> None:
    assert called(inside, "apply_rope").shape == (2, 5, 3, 8)
    assert module_import.loading_notes(f"{inside}:apply_rope") == (
        "without the __init__ files of the packages around it",
        "without lone_engine.layers.kernels, which raises ZeroDivisionError here; lone_engine.register, which only an "
        "__init__ file makes: nothing of that was called",
    )
    with pytest.raises(
        NotInstalled, match=r"it needs lone_engine\.layers\.kernels\.fused, which raises Zero"
    ):
        called(inside, "apply_fused_rope")
    with pytest.raises(
        NotInstalled, match=r"it needs lone_engine\.register, which only an __init__ file makes"
    ):
        called(inside, "apply_registered_rope")


def test_a_mistake_in_such_a_file_is_shown_by_lines_that_run(inside: Path) -> None:
    inside.write_text(inside.read_text().replace("a * cos - b * sin", "a * cos + b * sin"))
    wrong = rotcheck.identify(f"{inside}:apply_rope")
    assert [one.code for one in wrong.findings if one.mistake] == ["one-sign"]
    assert wrong.answer == "wrong"
