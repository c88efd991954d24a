"""`rotcheck context` as people run it: exit codes, files, what is refused,
and what an interruption leaves."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from trying import planted

from rotcheck.report import formats

ROTCHECK = [sys.executable, "-m", "rotcheck", "context"]
LIMIT = 240
FRONT = """
import sys
from rotcheck.cli.main import main
sys.argv = ["rotcheck", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    code = end.code
print([name for name in ("torch", "matplotlib", "numpy") if name in sys.modules], code, file=sys.stderr)
"""


def run(
    *arguments: str, cwd: Path, start: list[str] = ROTCHECK
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*start, *arguments], capture_output=True, text=True, cwd=cwd, timeout=LIMIT, check=False
    )


def test_0_when_it_is_right_in_what_it_claims_with_its_files(tmp_path: Path) -> None:
    files = ("-o", "found.json", "-o", "found.md", "--plot", "found.svg")
    done = run(planted("Guarded"), "--condition", "half,beyond", "-q", *files, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "found.json",
        "found.md",
        "found.svg",
    ]
    found = json.loads((tmp_path / "found.json").read_text())
    assert [row["condition"] for row in found["rows"]] == ["constructed", "half", "beyond"]
    assert str(tmp_path) not in (tmp_path / "found.json").read_text()
    assert str(Path(__file__).parent) not in (tmp_path / "found.json").read_text()


def test_1_for_a_finding_with_its_cause_and_fix(tmp_path: Path) -> None:
    done = run(planted("LlamaRotaryEmbedding"), "--condition", "bfloat16", cwd=tmp_path)
    assert done.returncode == 1
    assert "✗ planted.py:LlamaRotaryEmbedding disagrees: bfloat16" in done.stdout
    assert "rotcheck explain N1" in done.stdout
    assert done.stdout.endswith("2 rows: 1 agree, 1 disagree\n")


def test_5_when_nothing_makes_angles_of_its_own(tmp_path: Path) -> None:
    done = run(planted("apply_tables"), "--condition", "half", cwd=tmp_path)
    assert done.returncode == 5
    assert done.stdout.endswith("2 rows: 2 skipped; nothing ran\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.py:Rope",), "there is no file"),
        ((planted("LlamaRotaryEmbeding"),), "did you mean 'LlamaRotaryEmbedding'?"),
        (
            (planted("Guarded"), "--condition", "melted"),
            "unknown condition 'melted'; did you mean 'meta'? Known: constructed",
        ),
        ((planted("Guarded"), "--condition", ""), "--condition is given without a value"),
        ((planted("Guarded"), "--timeout", "0"), "--timeout must be a finite number above 0"),
        ((planted("Guarded"), "--device", "cuda:77"), "device 'cuda:77' is not on this machine"),
        ((planted("Guarded"), "--plot", "found.gif"), "must end in .svg or .png"),
        (
            (planted("Guarded"), "--format", "junit"),
            f"it can be {', '.join(formats.names('context'))}",
        ),
    ],
)
def test_2_with_one_sentence_for_what_cannot_be_done(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_front_imports_neither_torch_nor_what_draws_unless_asked(tmp_path: Path) -> None:
    arguments = ("context", planted("Guarded"), "--condition", "constructed")
    done = run(*arguments, cwd=tmp_path, start=[sys.executable, "-c", FRONT])
    assert done.stderr.splitlines()[-1] == "[] 0"


def test_130_when_interrupted_with_what_was_finished(tmp_path: Path) -> None:
    endless = (
        "import time\nfrom planted import Computed\n\nclass Endless(Computed):\n"
        "    def half(self):\n        open('reached', 'w').close()\n        time.sleep(600)\n"
    )
    (tmp_path / "planted.py").write_text(Path(planted("x").partition(":")[0]).read_text())
    (tmp_path / "mine.py").write_text(endless)
    front = subprocess.Popen(
        [*ROTCHECK, "mine.py:Endless", "--condition", "half", "-o", "found.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    deadline = time.monotonic() + LIMIT
    while not (tmp_path / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    front.send_signal(signal.SIGINT)
    out, err = front.communicate(timeout=LIMIT)
    assert (front.returncode, err) == (130, "rotcheck: interrupted\n")
    assert out.endswith("interrupted: 1 of 2 rows: 1 agree\n")
    assert len(json.loads((tmp_path / "found.json").read_text())["rows"]) == 1


MIXED = """
import torch
from planted import Guarded, LlamaRotaryEmbedding


class ParallelRotary(torch.nn.Module):
    def __init__(self, process_group):
        super().__init__()

    def forward(self, seq_len):
        return torch.zeros(seq_len, 64)


class RotaryOfGroups(ParallelRotary):
    pass


class RotaryEmbedding(Guarded):
    pass
"""
UNTOLD = "asks for 'process_group', and nothing says what that is: name a function without arguments that builds it"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A file of two classes that cannot be built and one that can."""
    (tmp_path / "planted.py").write_text(Path(planted("x").partition(":")[0]).read_text())
    (tmp_path / "mixed.py").write_text(MIXED)
    return tmp_path


def test_a_class_that_cannot_be_built_takes_nobody_along(mixed: Path) -> None:
    done = run("mixed.py", "--condition", "half", "-o", "found.json", cwd=mixed)
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    assert f"mixed.py:ParallelRotary on cpu: cannot be built: ParallelRotary {UNTOLD}" in words
    assert done.stdout.endswith("6 rows: 2 agree, 4 skipped\n")
    rows = json.loads((mixed / "found.json").read_text())["rows"]
    assert [(row["implementation"], row["verdict"]) for row in rows[::2]] == [
        ("mixed.py:ParallelRotary", "skipped"),
        ("mixed.py:RotaryOfGroups", "skipped"),
        ("mixed.py:RotaryEmbedding", "agrees"),
    ]


def test_a_finding_beside_a_class_that_cannot_be_built_is_one(mixed: Path) -> None:
    asked = ("mixed.py:ParallelRotary", "mixed.py:LlamaRotaryEmbedding")
    done = run(*asked, "--condition", "bfloat16", cwd=mixed)
    assert (done.returncode, done.stderr) == (1, "")
    assert "✗ mixed.py:LlamaRotaryEmbedding disagrees: bfloat16" in done.stdout


def test_2_when_no_class_can_be_built(mixed: Path) -> None:
    done = run("mixed.py:ParallelRotary", "mixed.py:RotaryOfGroups", cwd=mixed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"rotcheck: 'mixed.py:ParallelRotary': ParallelRotary {UNTOLD}\n"


def test_2_for_a_name_that_is_not_there_beside_one_that_is(mixed: Path) -> None:
    done = run("mixed.py:RotaryEmbedding", "mixed.py:RotaryEmbeding", cwd=mixed)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'RotaryEmbedding'?" in done.stderr
