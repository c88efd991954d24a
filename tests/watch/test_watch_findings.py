"""What a watch sees: switches, imports that failed in silence, deaths; and what it leaves out."""

import sys
from pathlib import Path

import pytest
from watching import Seen, watched

from rotcheck.diagnose import all_failures
from rotcheck.report import formats
from rotcheck.report.document import Display
from rotcheck.results import Flip

STORY = Path(__file__).parents[2] / "docs" / "the-old-story"

SWITCHES = """
import os, torch
from torch import set_default_dtype
def enter():
    with torch.autocast("cpu", torch.bfloat16):
        set_default_dtype(torch.float64)
    set_default_dtype(torch.float32)
for _ in range(3):
    enter()
torch.set_float32_matmul_precision("highest")
torch.backends.cuda.matmul.allow_tf32 = True
torch.set_default_device("cpu")
child = os.fork()
if child == 0:
    torch.use_deterministic_algorithms(True)
    import ctypes
    ctypes.string_at(0)
os._exit(os.WTERMSIG(os.waitpid(child, 0)[1]))
"""


@pytest.fixture(scope="module")
def switches(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return watched(tmp_path_factory.mktemp("switches"), program=SWITCHES)


def _text(seen: Seen) -> str:
    return formats.render("table", "watch")(seen.watch, Display(width=200))


def test_the_old_story_ends_with_the_line_of_the_flag() -> None:
    seen = watched(STORY, sys.executable, "before.py")
    death = seen.watch.death
    assert seen.code == 1
    assert death is not None
    assert death.flag is not None
    assert (death.failure, death.where[0].file, death.where[0].line) == ("J1", "before.py", 15)
    lines = [(line.file, line.line) for line in death.flag.where]
    assert lines == [("flags.py", 6), ("before.py", 3)]
    last = _text(seen).splitlines()[-1]
    assert last.split("  ")[-1].startswith(
        "flags.py:6: torch._C._jit_set_profiling_executor(False)"
    )


def test_each_switch_is_told_once_with_its_line_and_whether_it_was_put_back(switches: Seen) -> None:
    def told(flip: Flip) -> tuple[int, str, str, bool]:
        return flip.where[0].line, flip.switch, flip.change.rpartition(" ")[2], flip.left

    assert [told(flip) for flip in switches.watch.flips] == [
        (5, "autocast", "True", False),
        (6, "default dtype", "torch.float64", False),
        (11, "float32 matmul precision", "high", True),
        (12, "default device", "cpu", True),
        (15, "deterministic mode", "True", True),
    ]
    assert [line.line for line in switches.watch.flips[1].where] == [6, 9]


def test_a_signal_in_a_child_is_explained_with_the_line_where_it_came(switches: Seen) -> None:
    death, child = switches.watch.death, switches.watch.processes[1]
    assert switches.code == 11
    assert death is not None
    assert (death.failure, death.pid) == ("G24", child.pid)
    assert [line.line for line in death.where if line.file == "program.py"] == [17]
    assert (child.ended, child.torch, len(switches.watch.processes)) == (False, None, 2)


IMPORTS = """
import importlib.util
assert importlib.util.find_spec("xformers") is None
try:
    from flash_attn.layers.rotary import apply_rotary_emb
except ImportError:
    pass
for _ in range(2):
    try:
        import fused_rope_cuda
    except Exception:
        pass
try:
    import europe, numpy_of_nobody
except ImportError:
    pass
import apex
"""


def test_imports_of_kernels_that_failed_in_silence_are_told_with_their_line(tmp_path: Path) -> None:
    kernels = tmp_path / "flash_attn"
    kernels.mkdir()
    (kernels / "__init__.py").write_text("import flash_attn_2_cuda")
    (tmp_path / "fused_rope_cuda.py").write_text("raise OSError('libcuda.so.1: cannot open')")
    (tmp_path / "apex.py").write_text("import no_such_part")
    seen = watched(tmp_path, program=IMPORTS)
    told = [(one.subject, one.error, one.where[0].line, one.count) for one in seen.watch.fallbacks]
    assert told == [
        ("import flash_attn", "ModuleNotFoundError: No module named 'flash_attn_2_cuda'", 5, 1),
        ("import fused_rope_cuda", "OSError: libcuda.so.1: cannot open", 10, 2),
    ]
    assert seen.watch.death is not None
    assert "no_such_part" in seen.watch.death.text  # the one that nobody caught is no fallback


RANKS = """
import os, sys, time
for rank in "01":
    if os.fork() == 0:
        os.environ.update(RANK=rank, WORLD_SIZE="4")
        os.execv(sys.executable, [sys.executable, "-c", f'''
import time
time.sleep({rank} / 2)
raise RuntimeError("LLVM Backend not found" if {rank} else "Connection closed by peer")
'''])
codes = [os.wait()[1] for _ in range(2)]
sys.exit(6)
"""


def test_of_several_ranks_the_death_that_others_come_of_is_explained(tmp_path: Path) -> None:
    seen = watched(tmp_path, program=RANKS)
    death = seen.watch.death
    assert seen.code == 6
    assert death is not None
    assert (death.rank, death.failure, death.flag) == (1, "J2", None)
    assert "2 of 4 ranks" in _text(seen)
    assert "[rank 1]" in _text(seen)


def test_every_setter_that_a_failure_names_is_one_that_is_watched() -> None:
    from rotcheck.watch.inside.switch_watch import SETTERS

    names = {setter for failure in all_failures() for setter in failure.setters}
    assert names
    assert names <= {setter.function for setter in SETTERS}
