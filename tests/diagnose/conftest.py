"""What the provocations say on stderr."""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHANGES = ("CC", "CXX", "FLASH_ATTENTION_TRITON_AMD_ENABLE", "PYTORCH_JIT", "TRITON_INTERPRET")


def _names() -> list[str]:
    tree = ast.parse((HERE / "provocations.py").read_text())
    functions = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
    return [name for name in functions if not name.startswith("_")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "provocation" in metafunc.fixturenames:
        metafunc.parametrize("provocation", _names())


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What each provocation wrote to stderr, by its name."""
    folder = tmp_path_factory.mktemp("provoked")
    kept = {name: value for name, value in os.environ.items() if name not in CHANGES}
    inductor = {
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }
    command = [sys.executable, "-W", "default", str(HERE / "provoke.py"), str(folder), *_names()]
    subprocess.run(command, env=kept | inductor, check=True, timeout=300)
    return {name: (folder / f"{name}.err").read_text(errors="replace") for name in _names()}
