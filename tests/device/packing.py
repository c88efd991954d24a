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
    """Write the wheel into the folder and return its path,
    its kernel compiled where there is a C compiler.

    It is built from a copy: the tree stays as it is, and nothing that an earlier build left in it
    gets in. Raises PipFailed where it cannot be built.
    """
    with tempfile.TemporaryDirectory() as temporary:
        source, made = Path(temporary, "source"), Path(temporary, "made")
        source.mkdir()
        for name in SOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, source / name, ignore=LEFT_BEHIND)
            else:
                shutil.copy(ROOT / name, source)
        pip(
            "wheel",
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(made),
            str(source),
        )
        wheel = next(made.glob("rotcheck-*.whl"))
        return Path(shutil.copy(wheel, folder))


class PipFailed(Exception):
    """pip could not do something; the message is the last line of what it said."""


def pip(command: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
    """Run this Python's pip; raises PipFailed."""
    options = ("--quiet", "--disable-pip-version-check", "--no-input")
    done = subprocess.run(
        [sys.executable, "-m", "pip", command, *options, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise PipFailed(f"pip {command}: {(done.stderr.strip().splitlines() or ['no words'])[-1]}")
