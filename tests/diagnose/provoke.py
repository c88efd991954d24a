"""Run with a folder and names of `provocations.py`: each in a forked child,
its stderr into `NAME.err`.

Forked, because importing torch takes longer than all of them,
and because many change the whole process.
"""

import os
import sys
import traceback
from pathlib import Path

import provocations
import torch._dynamo  # noqa: F401  (here once instead of in every child that needs it: 2.5 s each)


def _child(folder: Path, name: str) -> None:
    os.dup2(os.open(folder / f"{name}.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    (folder / name).mkdir()
    os.chdir(folder / name)
    try:
        getattr(provocations, name)()
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)


for _name in sys.argv[2:]:
    if (_pid := os.fork()) == 0:
        _child(Path(sys.argv[1]), _name)
    os.waitpid(_pid, 0)
