"""Files that nobody would want to be given:
each is answered in plain words, with the right exit code."""

from pathlib import Path

import pytest
from terminal import Ran, rotcheck

ROTARY = """
def apply_rotary(x, cos, sin):
    import torch
    a, b = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
"""
# a file's beginning or, where it defines the function itself, all of it; what is said
NOT_IDENTIFIED = {
    "exits.py": (
        "import sys; sys.exit('set RANK first')",
        "SystemExit: set RANK first while it was imported",
    ),
    "leaves.py": (
        "import os; os._exit(0)",
        "the process ended with exit code 0 while it was imported",
    ),
    "dies.py": (
        "import ctypes; ctypes.string_at(0)",
        "the process was killed by SIGSEGV while it was imported",
    ),
    "dies_late.py": (
        "import ctypes\ndef apply_rotary(x, cos, sin):\n    ctypes.string_at(0)",
        "the process was killed by SIGSEGV while it was called",
    ),
    "raises.py": ("raise RuntimeError('bad day')", "RuntimeError: bad day while it was imported"),
    "lacks.py": (
        "import no_such_thing\ndef apply_rotary(x, cos, sin):\n    return no_such_thing.rotate(x)",
        "it needs no_such_thing.rotate, which is not installed",
    ),
    "interrupts.py": ("raise KeyboardInterrupt", "KeyboardInterrupt while it was imported"),
    "paints.py": (
        "def apply_rotary(x, cos, sin):\n    raise ValueError('\\x1b[31mred\\x1b[0m\\r')",
        "f(x, cos, sin) raises ValueError: \\x1b[31mred\\x1b[0m",
    ),
    "recurs.py": (
        "def apply_rotary(x, cos, sin):\n    return apply_rotary(x, cos, sin)",
        "raises RecursionError: maximum recursion depth exceeded",
    ),
}
NOT_AS_ASKED = {  # what the folder below holds; what is said, after "rotcheck: "
    "syntax.py": "'syntax.py' cannot be read as Python: expected ':', line 1: def apply_rotary(x, cos, sin)",
    "painted.py": "'painted.py' cannot be read as Python: unmatched ')', line 1: def ) \\x1b[31m",
    "latin.py": "'latin.py' cannot be read as Python: it is not UTF-8, and its first two lines name no other encoding",
    "latin.py:apply_rotary": "'latin.py:apply_rotary': 'latin.py' cannot be read as Python: it is not UTF-8, and",
    "nul.py": "'nul.py' cannot be read as Python: it has NUL bytes",
    "empty.py": "'empty.py' defines no function and no class",
    "circles.py": "'circles.py' has no function or class with a rotary name: name the one that you "
    "mean, as circles.py:area; it has area, around",
    "folder": "there is no file 'folder': it is a folder; name a file in it, as folder/file.py",
    "folder.py": "there is no file 'folder.py': it is a folder; name a file in it, as folder.py/file.py",
    "nowhere.py": "there is no file 'nowhere.py': it is a broken link",
    "circle.py": "there is no file 'circle.py': it is a broken link",
    "folder/missing.py": "there is no file 'folder/missing.py'",
    "notes.txt": "'notes.txt' is not a Python file; its name must end in .py",
}
NOT_BUILT = {  # what asks for what nothing tells, and what is said
    "parallel.py": "cannot be built: RotaryEmbedding asks for 'process_group', and nothing says what that is: name a "
    "function without arguments that builds it",
    "configured.py": "cannot be built: RotaryEmbedding asks its configuration for 'my_own_size', and nothing says "
    "what that is: name a function without arguments that builds it",
}
CLASS = """
import torch


class RotaryEmbedding(torch.nn.Module):
    def __init__(self, {}):
        {}

    def forward(self, x):
        return x
"""
WRITTEN = {
    "syntax.py": b"def apply_rotary(x, cos, sin)\n    return x\n",
    "painted.py": b"def ) \x1b[31m\n",
    "latin.py": b"# caf\xe9\n" + ROTARY.encode(),
    "nul.py": b"x = 1\0\n",
    "empty.py": b"",
    "circles.py": b"def area(r):\n    return 3 * r * r\n\n\ndef around(r):\n    return 6 * r\n",
    "notes.txt": b"to do\n",
    "parallel.py": (CLASS.format("process_group", "super().__init__()") + ROTARY).encode(),
    "configured.py": CLASS.format("config", "self.size = config.my_own_size").encode(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    for name, (code, _) in NOT_IDENTIFIED.items():
        (made / name).write_text(code if "def apply_rotary" in code else code + ROTARY)
    for name, data in WRITTEN.items():
        (made / name).write_bytes(data)
    (made / "folder").mkdir()
    (made / "folder.py").mkdir()
    (made / "nowhere.py").symlink_to("gone.py")
    (made / "circle.py").symlink_to("circle.py")
    (made / "my own rope.py").write_text(ROTARY)
    (made / "link.py").symlink_to("my own rope.py")
    (made / "loud.py").write_text(
        f"import sys\nfor _ in range(50000):\n    print(_, file=sys.stderr)\n{ROTARY}"
    )
    several = "".join(ROTARY.replace("apply_rotary", f"rope_{number}") for number in range(30))
    (made / "many.py").write_text(several)
    return made


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """All that cannot be identified, in one run."""
    return rotcheck("identify", *NOT_IDENTIFIED, "--timeout", "60", cwd=folder, COLUMNS="80")


def test_what_ends_or_kills_its_process_is_a_finding_and_takes_nobody_along(ran: Ran) -> None:
    assert (ran.code, ran.err) == (1, "")
    titles = [line for line in ran.out.splitlines() if line.startswith("? ")]
    assert titles == [f"? {name}:apply_rotary: not identified" for name in NOT_IDENTIFIED]


@pytest.mark.parametrize("name", NOT_IDENTIFIED)
def test_what_became_of_it_is_said(name: str, ran: Ran) -> None:
    part = ran.out.partition(f"? {name}:")[2].partition("? ")[0]
    assert NOT_IDENTIFIED[name][1] in " ".join(part.split())


def test_it_is_plain_text_of_80_columns(ran: Ran) -> None:
    assert "\x1b" not in ran.out
    assert "Traceback" not in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize("name", NOT_AS_ASKED)
def test_what_is_no_such_file_is_said_in_one_line(name: str, folder: Path) -> None:
    done = rotcheck("identify", name, cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"rotcheck: {NOT_AS_ASKED[name]}")
    assert len(done.err.splitlines()) == 1
    assert "\x1b" not in done.err


@pytest.mark.parametrize("name", NOT_BUILT)
@pytest.mark.parametrize("what", ["", ":RotaryEmbedding"])
def test_a_class_that_cannot_be_built_is_a_result_of_its_own(
    what: str, name: str, folder: Path
) -> None:
    done = rotcheck("identify", f"{name}{what}", "my own rope.py", cwd=folder, COLUMNS="300")
    assert (done.code, done.err) == (1, "")
    part = done.out.partition(f"? {name}:RotaryEmbedding: not identified\n")[2]
    assert part.splitlines()[1:3] == ["What became of it", f" - {NOT_BUILT[name]}"]
    titles = [line.partition(": ")[0] for line in done.out.splitlines() if line.startswith("✓ ")]
    others = ["✓ parallel.py:apply_rotary"] if (name, what) == ("parallel.py", "") else []
    assert titles == [*others, "✓ my own rope.py:apply_rotary"]


@pytest.mark.parametrize("name", NOT_BUILT)
def test_nothing_can_be_held_against_it_and_compared_it_is_not_identified(
    name: str, folder: Path
) -> None:
    said = NOT_BUILT[name].partition(": ")[2]
    done = rotcheck("identify", "my own rope.py", "--like", f"{name}:RotaryEmbedding", cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    done = rotcheck(
        "compare", f"{name}:RotaryEmbedding", "--device", "cpu", cwd=folder, COLUMNS="300"
    )
    assert (done.code, done.err) == (1, "")
    assert f"? {name}:RotaryEmbedding: not identified" in done.out
    assert said in done.out


@pytest.mark.parametrize("name", ["folder", "notes.txt", "nowhere.py:f"])
@pytest.mark.parametrize("command", ["compare", "train", "bench", "context"])
def test_the_other_commands_say_the_same(command: str, name: str, folder: Path) -> None:
    done = rotcheck(command, name, cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert NOT_AS_ASKED[name.partition(":")[0]] in done.err


def test_spaces_links_and_noise_do_no_harm(folder: Path) -> None:
    done = rotcheck("identify", "my own rope.py", "link.py", "loud.py", cwd=folder, COLUMNS="80")
    assert (done.code, done.err) == (0, "")
    titles = [line.partition(":")[0] for line in done.out.splitlines() if line.startswith("✓ ")]
    assert titles == ["✓ my own rope.py", "✓ link.py", "✓ loud.py"]


def test_a_file_of_many_functions_is_told_in_full(folder: Path) -> None:
    done = rotcheck("identify", "many.py", cwd=folder)
    assert done.code == 0
    titles = [line.partition(": ")[0] for line in done.out.splitlines() if line.startswith("✓ ")]
    assert titles == [f"✓ many.py:rope_{number}" for number in range(30)]
