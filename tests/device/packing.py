"""Makes a wheel of rotcheck from this tree, with the setuptools that is there and no network."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "rotcheck")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.so")


def pack(folder: Path) -> Path:
    """Write the wheel into the folder and return its path, its kernel compiled where there is a C compiler.

    It is built from a copy: the tree stays as it is, and nothing that an earlier build left in it gets in. Raises
    subprocess.CalledProcessError, behind pip's own words, where it cannot be built.
    """
    with tempfile.TemporaryDirectory() as temporary:
        source, made = Path(temporary, "source"), Path(temporary, "made")
        source.mkdir()
        for name in SOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / name, ignore=LEFT_BEHIND)
            else:
                shutil.copy(ROOT / name, source)
        pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(made), str(source))
        wheel = next(made.glob("rotcheck-*.whl"))
        return Path(shutil.copy(wheel, folder))


def pip(command: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
    """Run this Python's pip; raises subprocess.CalledProcessError behind what it printed."""
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", command, *quiet, *arguments], check=True, env=environment)
