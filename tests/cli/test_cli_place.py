"""Places where rotcheck cannot run: each is one line that says what lacks,
with the exit code of the contract."""

import errno
import importlib
import os
import signal
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from terminal import LIMIT, SOURCES, Ran, environment, rotcheck

from rotcheck.cli import screen
from rotcheck.cli.missing_resources import PACKAGES, lack
from rotcheck.requirement import OLDEST, too_old

HIDE = """
import importlib.machinery
find, hidden = importlib.machinery.PathFinder.find_spec, {!r}
def find_spec(cls, name, path=None, target=None):
    return None if name in hidden else find(name, path, target)
importlib.machinery.PathFinder.find_spec = classmethod(find_spec)
"""
NO_FOLDER = "import tempfile\ntempfile._candidate_tempdir_list = lambda: ['/nonexistent']\n"
ROTARY = """
def apply_rotary(x, cos, sin):
    import torch
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
"""
COMMANDS = {
    "compare": ["native"],
    "identify": ["mine.py"],
    "check": ["mine.py"],
    "context": ["mine.py"],
    "train": ["native"],
    "bench": ["native"],
    "preflight": [],
    "trial": [],
}
RAISES = "raise ImportError('libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent')"
TORCHES = {  # what torch/__init__.py is; what is said
    "raises": (
        RAISES,
        "torch cannot be imported: ImportError: libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent",
    ),
    "aborts": (
        "import os; os.abort()",
        "torch cannot be imported: the process was killed by SIGABRT in `import torch`",
    ),
    "exits": (
        "raise SystemExit(4)",
        "torch cannot be imported: the process ended with exit code 4 in `import torch`",
    ),
    "is empty": (
        "",
        "torch cannot be imported: AttributeError: module 'torch' has no attribute '__version__'",
    ),
    "is old": (
        "class version:\n    cuda = hip = None\n__version__ = '2.3.1+cu121'",
        "torch 2.3.1+cu121 is too old: rotcheck needs torch 2.4 or newer; nothing was run. Run `python -m pip install",
    ),
}


def run(folder: Path, *arguments: str, **planted: str) -> Ran:
    """Run the command line in a folder, with files that come before what is installed:
    `torch` is torch.py."""
    (folder / "planted").mkdir(exist_ok=True)
    (folder / "mine.py").write_text(ROTARY)
    for name, code in planted.items():
        (folder / "planted" / f"{name}.py").write_text(code)
    path = os.pathsep.join([str(folder / "planted"), SOURCES])
    return rotcheck(*arguments, cwd=folder, PYTHONPATH=path)


@pytest.mark.parametrize("command", COMMANDS)
def test_without_torch_every_command_says_so_once_and_ends_with_5(
    command: str, tmp_path: Path
) -> None:
    ran = run(tmp_path, command, *COMMANDS[command], sitecustomize=HIDE.format(["torch"]))
    assert (ran.code, ran.out) == (5, "")
    assert ran.err == (
        "rotcheck: torch is not installed in this Python; nothing was run. "
        "Run `python -m pip install --upgrade torch`, version 2.4 or newer.\n"
    )


@pytest.mark.parametrize("torch", TORCHES)
@pytest.mark.parametrize("command", ["compare", "identify"])
def test_a_torch_that_is_of_no_use_is_told_once_and_nobody_is_accused(
    command: str, torch: str, tmp_path: Path
) -> None:
    code, said = TORCHES[torch]
    ran = run(tmp_path, command, *COMMANDS[command], torch=code)
    assert (ran.code, ran.out) == (5, "")
    assert ran.err.startswith(f"rotcheck: {said}")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(("torch", "state"), [("is old", "too old"), ("raises", "broken")])
def test_a_probe_shows_such_a_torch_and_ends_with_5(torch: str, state: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "probe", torch=TORCHES[torch][0])
    assert (ran.code, ran.err) == (5, "")
    assert f"✗  torch       {state}" in ran.out
    assert "is_autocast_enabled" not in ran.out
    assert "devices" not in ran.out


def test_a_torch_that_does_not_matter_is_not_asked_for(tmp_path: Path) -> None:
    ran = run(tmp_path, "explain", "J1", torch=TORCHES["aborts"][0])
    assert (ran.code, ran.err) == (0, "")


def test_which_torch_is_too_old() -> None:
    assert (
        too_old("2.3.1+cu121") == "torch 2.3.1+cu121 is too old: rotcheck needs torch 2.4 or newer"
    )
    assert too_old("1.13.0")
    for version in ("2.4.0", "2.4.0a0+gitabc", "2.10.1", "10.0", "unknown"):
        assert too_old(version) is None
    asked = tomllib.loads((Path(SOURCES) / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"torch>={OLDEST[0]}.{OLDEST[1]}" in asked
    assert {one.partition(">")[0] for one in asked} == set(PACKAGES)


@pytest.mark.parametrize("hidden", [["msgspec"], ["rich"], ["psutil"], list(PACKAGES)])
def test_packages_that_are_not_installed_are_named_together_before_the_work(
    hidden: list[str], tmp_path: Path
) -> None:
    ran = run(
        tmp_path, "preflight", sitecustomize=HIDE.format(hidden), torch="open('reached', 'w')"
    )
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(
        f"rotcheck: not installed in this Python: {', '.join(hidden)}. Run `python -m pip install "
    )
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "reached").exists()


def test_without_a_temporary_folder_it_says_which_variable_names_one(tmp_path: Path) -> None:
    ran = run(tmp_path, "compare", "native", sitecustomize=NO_FOLDER)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "rotcheck: no temporary folder is writable; set TMPDIR to one that is, with space left\n"
    )


def test_files_of_the_working_directory_hide_no_module(tmp_path: Path) -> None:
    for name in ("torch", "rich", "typer", "json", "psutil", "random", "socket", "copy"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not the one that is meant')")
    (tmp_path / "mine.py").write_text(ROTARY)
    ran = rotcheck("identify", "mine.py", "native", cwd=tmp_path)
    assert "not the one that is meant" not in ran.out + ran.err
    assert "follows a convention" in ran.out


@pytest.mark.parametrize("code", ["raise ValueError('no dice')", ""])
@pytest.mark.parametrize("module", ["rich", "dataclasses"])
def test_a_file_on_the_path_that_hides_a_module_is_named(
    module: str, code: str, tmp_path: Path
) -> None:
    ran = run(tmp_path, "compare", "native", "--device", "cpu", **{module: code})
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(
        f"rotcheck: a file or folder named {module} hides the module {module}: rename it"
    )
    assert str(tmp_path) not in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "the limit on open files is too low"),
        (
            BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
            "no more processes or threads",
        ),
        (RuntimeError("can't start new thread"), "no more processes or threads"),
        (MemoryError(), "too little memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space left"),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/meminfo"),
            "/proc cannot be read",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", sys.executable),
            "cannot be started a second time",
        ),
    ],
)
def test_what_the_system_refuses_is_told_in_plain_words(error: Exception, said: str) -> None:
    assert said in str(lack(error))


def test_what_is_a_mistake_of_rotcheck_stays_one() -> None:
    for error in (
        ValueError("x"),
        OSError(errno.EINVAL, "Invalid argument"),
        RuntimeError("x"),
        KeyError("a"),
    ):
        assert lack(error) is None
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("rotcheck.no_such_module")
    assert lack(caught.value) is None


@pytest.mark.parametrize(
    ("columns", "width"),
    [("99999999", 1000), ("9" * 30, 1000), ("0", 100), ("-1", 100), ("abc", 100), ("1", 40)],
)
def test_any_width_is_one_that_can_be_drawn(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("os.get_terminal_size", lambda *_: os.terminal_size((0, 0)))
    assert screen.width() == width


SIGNALLED = """
import os, sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_amid_the_first_import_ends_it_with_130(number: int, tmp_path: Path) -> None:
    planted = SIGNALLED.format(module="rotcheck.cli.input_pipe", number=int(number))
    ran = run(tmp_path, "probe", sitecustomize=planted)
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "rotcheck: interrupted before anything was finished\n"


@pytest.mark.parametrize("arguments", ["--version", "--help", "explain J1"])
def test_a_full_disk_is_told_in_one_line(arguments: str) -> None:
    full = f"exec {sys.executable} -m rotcheck {arguments} > /dev/full"
    done = subprocess.run(
        ["sh", "-c", full], capture_output=True, env=environment(), text=True, timeout=LIMIT
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "o space left" in done.stderr


def test_from_an_archive_it_says_what_to_do(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rotcheck.zip", "w") as archive:
        for file in (Path(SOURCES) / "rotcheck").rglob("*"):
            if file.suffix in (".py", ".toml"):
                archive.write(file, file.relative_to(SOURCES))
    ran = rotcheck("compare", "native", cwd=tmp_path, PYTHONPATH=str(tmp_path / "rotcheck.zip"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("rotcheck: this rotcheck is inside an archive")
