"""How a file builds its own classes, read from the file;
and how it is imported, where it belongs to a package."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rotcheck.implementations import module_import
from rotcheck.implementations.constructor_calls import constructor_calls
from rotcheck.implementations.instances import construct_as_file_does

CLASS = """
from dataclasses import dataclass
HEADS = 8
@dataclass
class ModelArgs:
    dim: int = 1024
    length: int = 4096
    rope: dict = None
class Rope:
    def __init__(self, dim, length=2048, base=1e4):
        self.dim, self.length, self.base = dim, length, base
    def __call__(self, x):
        return x
"""


@pytest.fixture
def module(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "model.py").write_text(CLASS + request.param)
    return module_import.module(str(tmp_path / "model.py"))


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (
            "def build():\n    return Rope(64, 32768, base=5e5)",
            [{"dim": 64, "length": 32768, "base": 5e5}],
        ),
        ("if __name__ == '__main__':\n    rope = Rope(1024 // HEADS)", [{"dim": 128}]),
        (  # a configuration of the file, by its annotation, through two classes
            "class Attention:\n    def __init__(self, args: ModelArgs):\n        self.width = args.dim // HEADS\n"
            "        self.rope = Rope(self.width, args.length)",
            [{"dim": 128, "length": 4096}],
        ),
        (
            "class Layer:\n    def __init__(self, width, n=2048):\n        self.rope = Rope(width, n)\n"
            "class Model:\n    def __init__(self, heads=8, size=512):\n        width = size // heads\n"
            "        self.layer = Layer(width, n=16384)",
            [{"dim": 64, "length": 16384}],
        ),
        (  # each once, in the order of the file
            "def build(long):\n    a, b = Rope(64), Rope(64, 2048)\n    return Rope(64)",
            [{"dim": 64}, {"dim": 64, "length": 2048}],
        ),
        (  # the branch that is taken
            "def build(long=True):\n    n = 1\n    if long:\n        n = 8192\n    else:\n        n = 512\n"
            "    return Rope(64, n)",
            [{"dim": 64, "length": 8192}],
        ),
        ("def build(width):\n    return Rope(width)", []),  # nobody says how wide
        ("def build(*sizes):\n    return Rope(*sizes)", []),
        ("def build(**sizes):\n    return Rope(dim=64, **sizes)", []),
        (
            "def build():\n    return Rope(open('sizes').read())",
            [],
        ),  # nothing is run but what computes a number
        ("def build():\n    return Rope(build())", []),
        ("", []),
    ],
    indirect=["module"],
)
def test_the_arguments_of_a_call_are_what_the_file_says_they_are(
    module: ModuleType, given: list[Any]
) -> None:
    assert [use.given for use in constructor_calls(module, "Rope")] == given


@pytest.mark.parametrize(
    ("module", "built"),
    [
        ("ROPE = Rope(96, 512)", "Rope(dim=96, length=512), as line 14 builds it"),
        (
            "A, B = Rope(96), Rope(32)",
            "Rope(dim=96), as line 14 builds it; line 14 with other values",
        ),
        ("def build(width):\n    return Rope(width)", "Rope(dim=64)"),
    ],
    indirect=["module"],
)
def test_a_class_is_built_as_its_file_builds_it_and_else_by_the_names_of_its_parameters(
    module: ModuleType, built: str
) -> None:
    _, words, by_file = construct_as_file_does(module.Rope, module)
    assert (words, by_file) == (built, "as line" in built)


def package(folder: Path, name: str) -> Path:
    """Write a package whose module imports from the package, and return the module's file."""
    (folder / name / "inner").mkdir(parents=True)
    for part in ("__init__.py", "inner/__init__.py"):
        (folder / name / part).write_text("")
    (folder / name / "sizes.py").write_text(f"WHERE = {folder.name!r}\n")
    (folder / name / "inner" / "rope.py").write_text(
        "from ..sizes import WHERE\n\n\ndef apply_rope(x):\n    return x\n"
    )
    return folder / name / "inner" / "rope.py"


def test_a_file_that_imports_from_its_package_is_imported_as_a_module_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "here").mkdir()
    file = package(tmp_path / "here", "rope_of_tests")
    module = module_import.module(str(file))
    assert (module.__name__, module.WHERE) == ("rope_of_tests.inner.rope", "here")
    assert sys.modules[module_import.name_of(str(file))] is module
    (tmp_path / "there").mkdir()
    with pytest.raises(ImportError, match="another of that name was imported before"):
        module_import.module(str(package(tmp_path / "there", "rope_of_tests")))


CONFIGURED = """
from .sizes import AudioConfig, Config


class Rope:
    def __init__(self, config: Config):
        self.width = config.width // config.heads

    def __call__(self, x):
        return x


class Encoder:
    def __init__(self, config: {annotated}):
        self.rope = Rope(config=config)
"""


@pytest.mark.parametrize("annotated", ["AudioConfig", "Config"])
def test_a_class_whose_own_configuration_lacks_something_is_built_with_that_of_the_class_around_it(
    annotated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    file = package(tmp_path, "configured_of_tests")
    wider = "class Config:\n    heads = 8\n\n\nclass AudioConfig(Config):\n    width = 1024\n"
    (tmp_path / "configured_of_tests" / "inner" / "sizes.py").write_text(wider)
    file.write_text(CONFIGURED.format(annotated=annotated))
    module = module_import.module(str(file))
    if annotated == "Config":
        with pytest.raises(AttributeError, match="has no attribute 'width'"):
            construct_as_file_does(module.Rope, module)
        return
    built, words, by_file = construct_as_file_does(module.Rope, module)
    assert (built.width, by_file) == (128, True)
    assert words == "Rope(config=AudioConfig()), as line 15 builds it"
