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


LAYER = """
import torch
class Rope:
    def __init__(self, dim, length=2048, base=1e4, dtype=None):
        self.dim, self.length, self.base = dim, length, base
    def __call__(self, x):
        return x
"""
MODEL = """
import torch
from .config import ModelArgs
from {module} import Rope{alias}
BASE = 5 * 10.0**5
DTYPES = {{"fp32": torch.float32}}
class Attention:
    def __init__(self, args: ModelArgs, use_rope=False):
        self.width = args.dim // args.heads
        if use_rope:
            length = 2 * args.length
            self.rope = {name}(self.width, length, base=BASE, dtype=DTYPES[args.dtype])
"""
CONFIGURATIONS = {
    "as a dataclass": "class ModelArgs:\n    dim: int = 1024\n    heads: int = 2 * 4\n    length: int = 4096\n",
    "in __init__": "class ModelArgs:\n    def __init__(self, dim=1024, *, heads=8, length=4096):\n        pass\n",
}


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
@pytest.mark.parametrize(
    ("module", "alias", "name"),
    [
        ("..layers.rope", "", "Rope"),
        ("..layers.rope", " as Rotary", "Rotary"),
        ("called_of_tests.layers.rope", "", "Rope"),
        ("..layers", "", "Rope"),
    ],
    ids=["relative", "renamed", "absolute", "by its __init__"],
)
def test_a_class_that_another_file_of_its_package_builds_is_built_so_and_that_file_is_not_run(
    module: str,
    alias: str,
    name: str,
    configuration: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    top = tmp_path / "called_of_tests"
    for folder in ("layers", "models"):
        (top / folder).mkdir(parents=True)
    (top / "__init__.py").write_text("")
    (top / "models" / "__init__.py").write_text("")
    (top / "layers" / "__init__.py").write_text("from .rope import Rope\n")
    (top / "layers" / "rope.py").write_text(LAYER)
    (top / "models" / "config.py").write_text(CONFIGURATIONS[configuration])
    (top / "models" / "other.py").write_text("class Rope:\n    pass\n\n\nROPE = Rope(3)\n")
    code = MODEL.format(module=module, alias=alias, name=name)
    (top / "models" / "model.py").write_text(f"{code}raise RuntimeError\n")
    own = module_import.module(str(top / "layers" / "rope.py"))
    built, words, by_file = construct_as_file_does(own.Rope, own)
    assert (built.dim, built.length, built.base, by_file) == (128, 8192, 5e5, True)
    assert words == "Rope(dim=128, length=8192, base=500000.0), as line 12 of model.py builds it"


def test_where_none_will_not_do_a_class_gets_a_configuration_with_its_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "yarn.py").write_text(
        "class YarnParameters:\n    fast = 32\n\n\nclass Yarn:\n"
        "    def __init__(self, dim, yarn_params: YarnParameters = None, other_config: dict = None):\n"
        "        self.fast, self.other = yarn_params.fast, other_config['low_freq_factor']\n\n"
        "    def __call__(self, x):\n        return x\n"
    )
    module = module_import.module(str(tmp_path / "yarn.py"))
    built, words, by_file = construct_as_file_does(module.Yarn, module)
    assert (built.fast, built.other, by_file) == (32, 1.0, False)
    assert words == "Yarn(yarn_params=YarnParameters(), other_config=Configuration(), dim=64)"
