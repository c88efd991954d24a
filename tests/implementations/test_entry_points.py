"""Packages register their implementations as entry points."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

import rotcheck
from rotcheck.cli.app import app
from rotcheck.compare import run
from rotcheck.errors import RequestError
from rotcheck.implementations import entry_points, registry
from rotcheck.implementations.libraries.library_table import LIBRARIES
from rotcheck.implementations.target import NoImplementation, implementation_of, resolve

ROOT = Path(__file__).parents[2]
Install = Callable[..., None]

ROPE = """
import torch
from rotcheck.convention import Convention

convention = Convention(pairing="half", layout="bshd", tables="half-width")


def load(device):
    return rotate


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


def by_name(q, k, cos, sin):
    return tuple(rotate(x.transpose(1, 2), cos, sin).transpose(1, 2) for x in (q, k))
"""


def packaged(folder: Path, name: str, entries: str, **modules: str) -> None:
    """Write a package as pip leaves it."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entries)
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)


def listed(*entries: str) -> str:
    return f"[{entry_points.GROUP}]\n" + "\n".join(entries) + "\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    monkeypatch.syspath_prepend(tmp_path)
    entry_points.package_entries.cache_clear()
    yield lambda name, entries, **modules: packaged(tmp_path, name, entries, **modules)
    entry_points.package_entries.cache_clear()


def test_a_packages_module_and_function_are_known_by_their_names(install: Install) -> None:
    install(
        "theirs",
        listed("their-rope = their_rope", "their-call = their_rope : by_name"),
        their_rope=ROPE,
    )

    assert registry.of_packages() == {
        "their-rope": "their_rope",
        "their-call": "their_rope:by_name",
    }
    registry.check("their-rope")
    registry.check("their-call")
    assert registry.module_of("their-rope") == "their_rope"
    assert registry.module_of("their-call") is None
    assert resolve("their-rope").convention.tables == "half-width"
    assert resolve("their-call").function.__name__ == "by_name"


def test_they_run_when_named_and_not_by_default(install: Install) -> None:
    install("theirs", listed("their-rope = their_rope"), their_rope=ROPE)

    assert "their-rope" not in registry.names()
    assert not set(registry.libraries()) & set(registry.names())
    assert {"native", "timm", "their-rope"} <= set(registry.everything())
    assert not set(registry.exhibits()) & set(registry.everything())


def test_rotchecks_own_names_are_not_taken(install: Install) -> None:
    install("theirs", listed("native = their_rope", "timm = their_rope"), their_rope=ROPE)

    assert registry.of_packages() == {}
    assert registry.module_of("native") == "rotcheck.implementations.builtin.native"
    assert registry.module_of("timm") is None
    assert implementation_of("timm") is LIBRARIES["timm"]


def test_an_unknown_name_is_answered_with_theirs_too(install: Install) -> None:
    install("theirs", listed("their-rope = their_rope"), their_rope=ROPE)
    with pytest.raises(
        RequestError,
        match=r"did you mean 'their-rope'\? Known: complex, .*, their-rope; or your own",
    ):
        registry.check("thier-rope")


def test_a_file_that_is_no_list_of_entries_is_told_and_breaks_nothing(install: Install) -> None:
    install("broken", "[rotcheck.implementations]\nno entry at all\n")
    install("theirs", listed("their-rope = their_rope"), their_rope=ROPE)

    registry.check("their-rope")
    with pytest.raises(RequestError, match="; the entry points of broken cannot be read: "):
        registry.check("their-rpoe")


@pytest.mark.parametrize(
    "module", ["", "convention = None\n", "def load(device):\n    return None\n"]
)
def test_a_module_that_is_no_implementation_is_told(module: str, install: Install) -> None:
    install("theirs", listed("their-rope = their_rope"), their_rope=module)
    sys.modules.pop("their_rope", None)
    with pytest.raises(
        NoImplementation,
        match="the entry point 'their-rope' names the module their_rope, which",
    ):
        resolve("their-rope")
    sys.modules.pop("their_rope", None)


def test_nothing_is_read_for_names_that_are_known(tmp_path: Path) -> None:
    """What is installed costs nothing as long as nobody asks for it."""
    code = (
        "import sys\nfrom rotcheck.implementations import registry\n"
        "for name in (*registry.names(), 'timm', 'mine.py:f'):\n"
        "    registry.module_of(name)\n"
        "registry.check('vllm')\nprint('importlib.metadata' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "False\n"


INSTALLED = (
    *(
        "diffusers",
        "esm",
        "fla",
        "liger_kernel",
        "megatron",
        "mlx",
        "onnx",
        "onnxruntime",
        "timm",
        "torchtune",
    ),
    *("transformer_engine", "transformers", "unsloth", "vllm", "xformers", "their_rope"),
)


def test_the_default_comparison_imports_no_library_that_was_not_asked_for(tmp_path: Path) -> None:
    """So it takes as long as ever, however many are installed."""
    tells = "open(__file__ + '.imported', 'w').close()\n"
    packaged(
        tmp_path, "theirs", listed("their-rope = their_rope"), **dict.fromkeys(INSTALLED, tells)
    )
    found = compared(tmp_path, "--device", "cpu", "--dtype", "float32", "--check", "dtype")

    assert {cell["implementation"] for cell in found} == set(registry.of_folder())
    assert list(tmp_path.glob("*.imported")) == []
    [timm] = compared(tmp_path, "timm", "--device", "cpu", "--dtype", "float32", "--check", "dtype")
    assert timm["verdict"] == "raises"  # that one is no timm


BROKEN = listed(
    "their-rope = their_rope",
    "their-call = their_rope:by_name",
    "gone = no_such_module",
    "gone-call = their_rope:no_such_function",
    "raising = their_raising",
    "dying = their_dying",
)


def test_one_comparison_judges_those_of_packages_and_a_broken_one_breaks_only_itself(
    tmp_path: Path,
) -> None:
    packaged(
        tmp_path,
        "theirs",
        BROKEN,
        their_rope=ROPE,
        their_raising="raise OSError('no such driver')\n",
        their_dying="import os\nos.abort()\n",
    )
    names = ["their-rope", "their-call", "gone", "gone-call", "raising", "dying", "native"]
    found = compared(tmp_path, *names, "--dtype", "float32", "--check", "forward")

    assert {cell["implementation"]: cell["verdict"] for cell in found} == {
        "their-rope": "agrees",
        "their-call": "agrees",
        "gone": "raises",
        "gone-call": "raises",
        "raising": "raises",
        "dying": "crashes",
        "native": "agrees",
    }
    words = {cell["implementation"]: cell["message"] for cell in found}
    assert "No module named 'no_such_module'" in words["gone"]
    assert "the entry point 'gone-call'" in words["gone-call"]
    assert "there is no function 'no_such_function'" in words["gone-call"]
    assert "no such driver" in words["raising"]


def test_all_means_those_of_libraries_and_packages_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "everything", lambda: ["native", "complex"])
    asked = {"devices": ["cpu"], "dtypes": ["float32"], "checks": ["dtype"]}
    report = rotcheck.compare(["complex"], **asked, everything=True)

    assert [cell.implementation for cell in report.cells] == ["complex", "native"]


@pytest.mark.parametrize(("options", "everything"), [([], False), (["--all"], True)])
def test_the_command_asks_for_all_by_an_option(
    options: list[str], everything: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def compare(implementations: Sequence[str], **request: Any) -> NoReturn:
        asked.update(request)
        raise RequestError("asked enough")

    monkeypatch.setattr(run, "compare", compare)
    CliRunner().invoke(app(), ["compare", *options])
    assert asked["everything"] is everything


def compared(folder: Path, *arguments: str) -> list[dict[str, str]]:
    """Return the cells of a comparison for which the packages in the folder are installed."""
    path = os.pathsep.join((str(folder), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run(
        [sys.executable, "-m", "rotcheck", "compare", *arguments, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode in (0, 1), done.stderr
    cells: list[dict[str, str]] = json.loads(done.stdout)["cells"]
    return cells
