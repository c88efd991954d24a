"""A library that is not as rotcheck calls it is named as that;
one that is absent is told with how to get it."""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from expected import ELSEWHERE, INTERPRETED, NOT_HERE, ON_CPU

from rotcheck.implementations.interface import Unavailable
from rotcheck.implementations.target import resolve
from rotcheck.implementations.third_party import Package, SignatureChanged

PACKAGE = Package("some-rope", "some_rope", "1.2.3")
Written = Callable[..., Package]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Write the package as it is installed, version 2.0.0,
    with this source of its module `rotary`."""

    def write(source: str, init: str = "") -> Package:
        package(
            tmp_path,
            "some-rope",
            "2.0.0",
            {"some_rope/__init__.py": init, "some_rope/rotary.py": source},
        )
        monkeypatch.syspath_prepend(tmp_path)
        for name in [name for name in sys.modules if name.partition(".")[0] == "some_rope"]:
            monkeypatch.delitem(sys.modules, name)
        importlib.invalidate_caches()
        return PACKAGE

    return write


def package(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """Write a package as pip leaves it."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    for path, text in {
        **files,
        f"{info.name}/METADATA": f"Name: {name}\nVersion: {version}\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def changed(package: Package, path: str, *parameters: str) -> str:
    with pytest.raises(SignatureChanged) as caught:
        package.function(path, *parameters)
    return str(caught.value)


@pytest.mark.parametrize(
    "signature",
    [
        "q, k, cos, sin, unsqueeze_dim=1",
        "q, k, cos, sin, position_ids=None, unsqueeze_dim=1",
        "q, k, cos, sin, *, unsqueeze_dim=1, extra=None",
        "q, k, cos, sin, **more",
        "*anything, **more",
    ],
)
def test_a_signature_that_means_the_same_is_called(signature: str, written: Written) -> None:
    own = written(f"def rotate({signature}):\n    return 'rotated'\n")
    function = own.function("some_rope.rotary:rotate", "q", "k", "cos", "sin", "unsqueeze_dim=")
    assert function(1, 2, 3, 4, unsqueeze_dim=2) == "rotated"


@pytest.mark.parametrize(
    ("signature", "has"),
    [
        ("q, k, cos, sin, position_ids=None", "q, k, cos, sin, position_ids"),
        ("q, k, sin, cos, unsqueeze_dim=1", "q, k, sin, cos, unsqueeze_dim"),
        ("q, k, cos, sin, length, unsqueeze_dim=1", "q, k, cos, sin, length, unsqueeze_dim"),
        ("q, cos, sin, unsqueeze_dim=1", "q, cos, sin, unsqueeze_dim"),
        ("q, k, /, cos, sin, *, dim: int = 1", "q, k, cos, sin, dim"),
        ("q, k, cos, sin, *rest", "q, k, cos, sin, *rest"),
    ],
)
def test_another_signature_is_named_with_both_versions(
    signature: str, has: str, written: Written
) -> None:
    own = written(f"def rotate({signature}):\n    return 'rotated'\n")
    assert changed(own, "some_rope.rotary:rotate", "q", "k", "cos", "sin", "unsqueeze_dim=") == (
        f"some-rope 2.0.0: rotate takes ({has}), and rotcheck calls it with (q, k, cos, sin, unsqueeze_dim), "
        "as in 1.2.3"
    )


def test_a_function_that_moved_is_named(written: Written) -> None:
    own = written("def turn(x):\n    return x\n")
    assert changed(own, "some_rope.rotary:rotate", "x") == (
        "some-rope 2.0.0: there is no some_rope.rotary:rotate, and rotcheck calls it with (x), as in 1.2.3"
    )


def test_a_module_that_moved_is_named(written: Written) -> None:
    own = written("")
    assert changed(own, "some_rope.layers.rotary:rotate", "x") == (
        "some-rope 2.0.0: there is no module some_rope.layers, and rotcheck calls some_rope.layers.rotary, "
        "as in 1.2.3"
    )


def test_a_module_that_came_later_is_not_on_this_machine_and_no_finding(written: Written) -> None:
    written("")
    newer = Package("some-rope", "some_rope", "2.10.0")
    with pytest.raises(Unavailable) as caught:
        newer.function("some_rope.layers.rotary:rotate", "x")
    assert str(caught.value) == (
        "some-rope 2.0.0 has no some_rope.layers.rotary yet, and 2.10.0 has it (`pip install --upgrade some-rope`)"
    )


@pytest.mark.parametrize("known", ["2.0.0", "1.9.9", "17050e5"])
def test_a_module_is_not_taken_to_come_later_when_that_cannot_be_known(
    known: str, written: Written
) -> None:
    written("")
    own = Package("some-rope", "some_rope", known)
    assert "there is no module some_rope.layers" in changed(
        own, "some_rope.layers.rotary:rotate", "x"
    )


def test_what_the_package_itself_lacks_is_its_own_error(written: Written) -> None:
    own = written("import no_such_package\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        own.function("some_rope.rotary:rotate", "x")


def test_a_module_is_held_to_its_forward(written: Written) -> None:
    source = "import torch\nclass Rotary(torch.nn.Module):\n    def forward(self, x, positions):\n        return x\n"
    own = written(source + "rotate = Rotary()\n")
    assert isinstance(own.function("some_rope.rotary:rotate", "x", "positions"), torch.nn.Module)
    assert "rotate takes (x, positions)" in changed(
        own, "some_rope.rotary:rotate", "x", "input_pos="
    )


def test_what_tells_no_signature_is_called(written: Written) -> None:
    own = written("rotate = max\n")
    assert own.function("some_rope.rotary:rotate", "x", "y") is max


def test_a_file_comes_alone_where_its_package_cannot(written: Written) -> None:
    own = written(
        "def rotate(x):\n    return x\n", init="raise RuntimeError('operator torchvision::nms')\n"
    )
    with pytest.raises(RuntimeError, match="nms"):
        own.function("some_rope.rotary:rotate", "x")

    assert own.function("some_rope.rotary:rotate", "x", alone=True)(7) == 7
    assert "some_rope" not in sys.modules


def test_a_folder_of_that_name_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mere_folder").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        Unavailable, match=r"mere-folder is not installed \(`pip install mere-folder`\)"
    ):
        Package("mere-folder", "mere_folder", "1.2.3").check_installed()


def test_a_new_signature_of_an_installed_library_is_a_cell_with_cause_and_fix(
    tmp_path: Path,
) -> None:
    files = {
        "transformers/__init__.py": "",
        "transformers/models/__init__.py": "",
        "transformers/models/llama/__init__.py": "",
        "transformers/models/llama/modeling_llama.py": (
            "def apply_rotary_pos_emb(q, k, cos, sin, position_ids):\n    return q, k\n"
        ),
    }
    package(tmp_path, "transformers", "6.1.0", files)
    command = [
        *(sys.executable, "-m", "rotcheck", "compare"),
        *("transformers-llama", "transformers-gptj", "native"),
    ]
    done = subprocess.run(
        [
            *command,
            "--dtype",
            "float32",
            "--check",
            "forward",
            "--device",
            "cpu",
            "--format",
            "json",
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))},
    )

    assert done.returncode == 1, done.stderr
    llama, gptj, native = json.loads(done.stdout)["cells"]
    assert (llama["verdict"], llama["failure"]) == ("raises", "R36")
    assert llama["message"] == (
        "transformers 6.1.0: apply_rotary_pos_emb takes (q, k, cos, sin, position_ids), "
        "and rotcheck calls it with (q, k, cos, sin, unsqueeze_dim), as in 5.23.0"
    )
    assert "install the version that the message names" in llama["fix"]
    assert (gptj["verdict"], gptj["failure"]) == ("raises", "R36")
    assert "there is no module transformers.models.gptj" in gptj["message"]
    assert native["verdict"] == "agrees"


@pytest.mark.parametrize("name", [*ON_CPU, *INTERPRETED, *ELSEWHERE, *NOT_HERE])
def test_a_library_that_is_absent_is_told_with_the_command_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(Unavailable, match=r"\(`pip install .*\S`\)"):
        resolve(name)
