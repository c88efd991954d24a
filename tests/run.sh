#!/usr/bin/env bash
# Installs into the Python on PATH (or $PYTHON) what the tests need, then runs them: torch for the CPU, Triton, the real
# flash-attn without its CUDA extension, whose rotary kernel the Triton interpreter then runs, and the libraries whose
# rotary functions are judged.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python}"

"$python" -m pip install --quiet torch==2.13.0 triton==3.7.0 einops setuptools wheel packaging psutil ninja
FLASH_ATTENTION_FORCE_BUILD=TRUE FLASH_ATTENTION_SKIP_CUDA_BUILD=TRUE \
  "$python" -m pip install --quiet --no-deps --no-build-isolation flash-attn==2.8.3.post2
"$python" -m pip install --quiet --no-deps --no-compile --requirement tests/libraries.txt  # only what is imported is compiled
"$python" -m pip install --quiet --editable '.[test]'  # editable: the kernel is built where the tests import it from
# Once, where PYTHONDONTWRITEBYTECODE has each of hundreds of processes do it: rotcheck, and what is used of the libraries.
"$python" -m compileall -q rotcheck
env -u PYTHONDONTWRITEBYTECODE "$python" -W ignore tests/compiling.py
# Two at a time, file by file, since many fixtures are made once for a file; `-n 0` runs them in one process.
exec "$python" -m pytest -n 2 --dist loadfile --no-loadscope-reorder "$@"
