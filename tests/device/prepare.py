"""Prepares the wheels that `run.py` takes along to a machine without a network: Linux on x86-64.

    python tests/device/prepare.py            into the folder wheels/, which git ignores
    python tests/device/prepare.py FOLDER --python 3.11

Run it where there is a network, with a Python that the tests run
in (`bash tests/run.sh` prepares one).
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packing import ROOT, PipFailed, pack, pip

MOST = 60 << 20  # bytes of all wheels together
LIBRARIES = ("liger-kernel", "fla-core", "torchtune", "rotary-embedding-torch", "timm", "einops")
PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
    "manylinux1_x86_64",
)


def main() -> int:
    """Fill the folder and print what is in it; return 1 where something is missing,
    or it is too much to carry."""
    given = _given()
    try:
        _fill(given.folder, given.python)
    except PipFailed as error:
        print(error, file=sys.stderr)
        return 1
    return _counted(given.folder)


def _fill(folder: Path, python: str) -> None:
    """Put every wheel into the folder in place of those that are there; raises PipFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in folder.glob("*.whl"):  # two versions of one package could not be installed
        wheel.unlink()
    target = [f"--platform={name}" for name in PLATFORMS]
    target += ["--only-binary=:all:", f"--python-version={python}", "--dest", str(folder)]
    pip("download", *target, *_needs())
    pip("download", "--no-deps", *target, *_libraries())
    _flash_attention(folder)
    if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        pack(folder)  # for machines that cannot build it: no setuptools, or one that is too old


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "wheels", metavar="FOLDER")
    parser.add_argument(
        "--python", default="3.12", metavar="VERSION", help="of the machine with the device"
    )
    return parser.parse_args()


def _needs() -> list[str]:
    """Return what rotcheck itself needs, but for torch, which the machine must have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [need for need in project["dependencies"] if not need.startswith("torch")]


def _libraries() -> list[str]:
    """Return the libraries in the versions that the tests run."""
    lines = (ROOT / "tests" / "libraries.txt").read_text().splitlines()
    return [line for line in lines if line.partition("==")[0] in LIBRARIES]


def _flash_attention(folder: Path) -> None:
    """Write a wheel of flash-attn's Python files, its Triton kernels among them.

    Its CUDA extension would take an hour to compile and is not what is judged; `import flash_attn`
    asks for it all the same, and is given an empty module.
    """
    found = re.search(r"flash-attn==\S+", (ROOT / "tests" / "run.sh").read_text())
    assert found, "tests/run.sh installs it"
    without_cuda = {
        "FLASH_ATTENTION_FORCE_BUILD": "TRUE",
        "FLASH_ATTENTION_SKIP_CUDA_BUILD": "TRUE",
    }
    with tempfile.TemporaryDirectory() as temporary:
        options = ("--no-deps", "--no-build-isolation", "--wheel-dir", temporary)
        pip("wheel", *options, found[0], environment=os.environ | without_cuda)
        _wheel("unpack", "--dest", temporary, *map(str, Path(temporary).glob("*.whl")))
        tree = next(each for each in Path(temporary).iterdir() if each.is_dir())
        (tree / "flash_attn_2_cuda.py").write_text(
            '"""Empty: flash-attn without its CUDA extension."""\n'
        )
        _wheel("pack", "--dest-dir", str(folder), str(tree))


def _wheel(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "wheel", *arguments], check=True, stdout=subprocess.DEVNULL
    )


def _counted(folder: Path) -> int:
    """Print each wheel and their sum; return 1 where that is over the limit, else 0."""
    wheels = sorted(folder.glob("*.whl"))
    for wheel in wheels:
        print(f"{wheel.stat().st_size / 2**20:6.2f} MiB  {wheel.name}")
    total = sum(wheel.stat().st_size for wheel in wheels)
    print(
        f"{total / 2**20:6.2f} MiB in {len(wheels)} wheels; at most {MOST / 2**20:.0f} MiB can be carried"
    )
    return 0 if total <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
