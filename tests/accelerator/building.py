"""Builds the pretend accelerator into a folder;
with that on PYTHONPATH, any process that imports torch has it."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent / "plugin"
SOURCES = ("pretend.cpp", "pretend.py")
METADATA = "Metadata-Version: 2.1\nName: pretend\nVersion: 1\n"
ENTRY_POINTS = "[torch.backends]\npretend = pretend:register\n"
BUILD = """
import sys
from torch.utils.cpp_extension import load
load("pretend_compiled", [sys.argv[1]], extra_cflags=["-O0"], build_directory=sys.argv[2])
"""


def built(parent: Path) -> Path:
    """Return a folder inside of `parent` that holds the device, built unless it was."""
    folder = parent / _key()
    if not (folder / "pretend-1.dist-info").is_dir():
        _build(folder)
    return folder


def _key() -> str:
    """Return what names this device for this torch."""
    import torch

    text = "".join((HERE / name).read_text() for name in SOURCES)
    return hashlib.sha256(f"{text}{torch.__version__}{sys.version}".encode()).hexdigest()[:16]


def _build(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", BUILD, str(HERE / "pretend.cpp"), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(HERE / "pretend.py", folder)
    information = folder / "pretend-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(METADATA)
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
