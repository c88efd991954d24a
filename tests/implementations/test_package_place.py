"""A file is imported as the module of its package, with its project's root in the path."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

import rotcheck
from rotcheck.implementations import foreign_code, module_import
from rotcheck.implementations.foreign_code import ForeignCode
from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.package_place import place_of
from rotcheck.implementations.target import resolve

TURN = "\n\ndef apply_rope(x, cos, sin):\n    a, b = halves(x)\n    return a * cos - b * sin\n"
HALVES = "def halves(x):\n    return x.chunk(2, -1)\n"


def written(root: Path, *files: tuple[str, str]) -> Path:
    """Write files below a folder, and return the last."""
    for name, text in files:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root / files[-1][0]


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["pkg_a/__init__.py", "pkg_a/halves.py", "pkg_a/rope.py"], "pkg_a.rope"),
        (["pkg_b/halves.py", "pkg_b/rope.py"], "pkg_b.rope"),
        (["src/pkg_c/halves.py", "src/pkg_c/layers/rope.py"], "pkg_c.layers.rope"),
    ],
    ids=["with __init__", "relative without __init__", "by its full name"],
)
def test_it_is_the_module_of_the_package_it_imports_from(
    files: list[str], name: str, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    *others, own = files
    line = "from pkg_c.halves" if "src" in own else "from .halves"
    texts = [(other, HALVES if other.endswith("halves.py") else "") for other in others]
    file = written(tmp_path, *texts, (own, f"{line} import halves{TURN}"))
    assert module_import.module(str(file), "apply_rope").__name__ == name
    assert module_import.name_of(str(file)) == name


def test_what_stands_elsewhere_in_its_project_is_found(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    file = written(
        tmp_path,
        ("helpers_of_tests/halves.py", HALVES),
        ("models/vision/rope.py", f"from helpers_of_tests.halves import halves{TURN}"),
    )
    assert place_of(file).root is None
    assert callable(module_import.module(str(file), "apply_rope").apply_rope)


def test_a_folder_above_its_project_is_none_of_it(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        ("strangers_of_tests/halves.py", HALVES),
        ("project/pyproject.toml", ""),
        ("project/rope.py", f"from strangers_of_tests.halves import halves{TURN}"),
    )
    with pytest.raises(ModuleNotFoundError, match="strangers_of_tests"):
        module_import.module(str(file), "no_such_name")


def test_a_folder_with_the_name_of_what_is_installed_is_not_its_package(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    file = written(
        tmp_path,
        ("torch/nn/__init__.py", ""),
        ("torch/rope.py", f"import torch.nn\n{HALVES}{TURN}"),
    )
    assert place_of(file).root is None
    assert module_import.module(str(file)).torch is sys.modules["torch"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import tensorflow as tf", "this is TensorFlow code; rotcheck runs functions of PyTorch"),
        ("from tensorflow.python.util import nest", "this is TensorFlow code"),
        ("import keras", "this is Keras code: `pip install keras` to have it tested"),
    ],
)
def test_code_that_is_not_run_is_said_to_be_such(
    line: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_code, "find_spec", lambda name: None)
    file = written(tmp_path, ("rope.py", f"{line}\n{HALVES}{TURN}"))
    with pytest.raises(ForeignCode, match=says):
        resolve(f"{file}:apply_rope")


def test_it_is_told_without_advice_to_go_to_another_machine(tmp_path: Path) -> None:
    file = written(tmp_path, ("rope.py", f"import tensorflow as tf\n{HALVES}{TURN}"))
    found = rotcheck.identify(f"{file}:apply_rope")
    assert (found.answer, found.advice) == ("unknown", ())
    assert found.message == foreign_code.NOT_RUN["tensorflow"]


def test_code_of_torch_that_converts_weights_of_tensorflow_is_run(tmp_path: Path) -> None:
    file = written(tmp_path, ("rope.py", f"import tensorflow as tf\nimport torch\n{HALVES}{TURN}"))
    assert callable(resolve(f"{file}:apply_rope").function)


@pytest.mark.skipif(importlib.util.find_spec("flax") is not None, reason="flax is installed")
def test_of_a_file_of_flax_the_functions_of_jax_are_run(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    text = (
        "import absent_of_tests\nimport flax.linen as nn\nimport jax.numpy as jnp\n\n"
        "class Rope(nn.Module):\n    def __init__(self, mesh):\n        self.mesh = mesh\n\n"
        "def apply_rope(x, cos, sin):\n    a, b = jnp.split(x, 2, -1)\n"
        "    return jnp.concatenate((a * cos - b * sin, b * cos + a * sin), -1)\n"
    )
    file = written(tmp_path, ("rope.py", text))
    x, angle = torch.randn(2, 8), torch.randn(2, 4)
    assert resolve(f"{file}:apply_rope").function(x, angle.cos(), angle.sin()).shape == (2, 8)
    with pytest.raises(Unavailable, match="this is Flax, for JAX: `pip install flax`"):
        resolve(f"{file}:Rope")
