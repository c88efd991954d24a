"""`rotcheck identify` as people call it: specifications, formats, files, exit codes."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

import rotcheck
from rotcheck.results import Identification

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROTCHECK = [sys.executable, "-m", "rotcheck"]
CHANGES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "COLUMNS", "LINES")
FIELDS = {
    "pairing", "direction", "output_lanes", "layout", "tables", "argument_order", "rotary_dim", "theta", "positions",
    "rotates_v", "in_place", "dtype_rule",
}  # fmt: skip
PASTED = """
import torch


def helper(x):
    return x


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def apply_rope(q, k, cos, sin):
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


class RotaryEmbedding(torch.nn.Module):
    def __init__(self, dim, base=10000.0):
        super().__init__()
        self.inv_freq = base ** (-torch.arange(0, dim, 2).float() / dim)

    def forward(self, seq_len):
        angle = torch.outer(torch.arange(seq_len).float(), self.inv_freq).repeat(1, 2)
        return angle.cos(), angle.sin()
"""


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in CHANGES}
    return {**kept, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", **more}


def run(*arguments: str, cwd: Path = HERE, **more: str) -> subprocess.CompletedProcess[str]:
    command = [*ROTCHECK, "identify", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(**more),
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def healthy(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run of every kind of specification, in 80 columns, with a file of each format."""
    folder = tmp_path_factory.mktemp("written")
    files = [part for name in ("c.json", "c.md") for part in ("-o", str(folder / name))]
    names = [
        "functions_half.py:narrow_tables",
        "functions_own:OfPositions",
        "functions_own.py:Attention.rotary",
        "native",
    ]
    return run(*names, "--like", "interleaved", *files, COLUMNS="80"), folder


def test_every_kind_of_specification_is_taken(healthy: Any) -> None:
    done, _ = healthy
    assert (done.returncode, done.stderr) == (0, "")
    titles = [line for line in done.stdout.splitlines() if line.startswith("✓ ")]
    assert titles == [
        "✓ functions_half.py:narrow_tables: half pairing, bhsd, half-width tables",
        "✓ functions_own:OfPositions: half pairing, bhsd, theta 1000000",
        "✓ functions_own.py:Attention.rotary: half pairing, bshd, theta 10000",
        "✓ native: half pairing, qkv, packed tables",
    ]


def test_it_is_plain_text_of_the_width_that_was_asked_for(healthy: Any) -> None:
    out = healthy[0].stdout
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert " ".join(out.split()).count("can take the place of interleaved with these changes") == 4


def test_the_file_holds_all_that_was_found(healthy: Any) -> None:
    document = json.loads((healthy[1] / "c.json").read_text())
    assert document["schema"] == "rotcheck/conventions/1"
    every = document["identifications"]
    assert every[0]["specification"] == "functions_half.py:narrow_tables"
    for one in every:
        assert (one["schema"], one["answer"]) == ("rotcheck/convention/1", "right")
        assert set(one["convention"]) >= FIELDS
        assert one["ambiguous"] == []
        assert all({"code", "message", "evidence"} <= set(finding) for finding in one["findings"])
        assert one["likeness"]["swappable"] == "with changes"
        assert one["seconds"] < 10
    module = every[1]["convention"]
    assert (module["theta"], module["positions"], module["rotates_v"]) == (1e6, "any", None)
    assert (every[0]["convention"]["theta"], every[0]["convention"]["positions"]) == (
        None,
        "tables",
    )


def test_the_file_can_be_read_back(healthy: Any) -> None:
    first = json.dumps(
        json.loads((healthy[1] / "c.json").read_text())["identifications"][0]
    ).encode()
    found = msgspec.json.decode(first, type=Identification)
    assert found.convention is not None
    assert found.convention.pairing == "half"


def test_markdown_is_a_section_for_each(healthy: Any) -> None:
    text = (healthy[1] / "c.md").read_text()
    assert text.startswith(
        "### ✓ functions_half.py:narrow_tables: half pairing, bhsd, half-width tables\n"
    )
    assert text.count("| field | is | told by |") == 4
    assert "| pairing | half | basis vectors in a head of 16 lanes" in text


def test_no_path_of_this_machine_is_told(healthy: Any) -> None:
    told = healthy[0].stdout + "".join(file.read_text() for file in healthy[1].iterdir())
    assert str(HERE) not in told
    assert str(Path.home()) not in told or Path.home() == Path("/")


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """Somebody's model file, and one mistake beside it."""
    folder = tmp_path_factory.mktemp("pasted")
    (folder / "model.py").write_text(PASTED)
    return run(
        "model.py",
        str(HERE / "functions_mistaken.py") + ":all_three",
        "--format",
        "json",
        cwd=folder,
    )


def test_a_file_alone_means_all_rotary_functions_in_it(
    pasted: subprocess.CompletedProcess[str],
) -> None:
    every = json.loads(pasted.stdout)["identifications"]
    names = ["model.py:apply_rope", "model.py:RotaryEmbedding", "functions_mistaken.py:all_three"]
    assert [one["specification"] for one in every] == names
    assert [(one["follows"], one["convention"]["kind"]) for one in every] == [
        (True, "applies"),
        (True, "builds"),
        (False, "applies"),
    ]


def test_a_likely_mistake_ends_with_1(pasted: subprocess.CompletedProcess[str]) -> None:
    assert pasted.returncode == 1
    finding = json.loads(pasted.stdout)["identifications"][2]["findings"][0]
    assert (finding["code"], finding["failure"], finding["mistake"]) == ("v-rotated", "N10", True)
    assert finding["cause"]
    assert finding["fix"]


@pytest.mark.parametrize(
    ("specification", "said"),
    [
        ("natve", "did you mean 'native'?"),
        ("functions_half.py:narow_tables", "did you mean 'narrow_tables'?"),
        ("functions_own.py:Attention.rotry", "there is no function 'rotry'"),
        ("missing.py:function", "there is no file 'missing.py'"),
        ("missing.py", "there is no file 'missing.py'"),
        ("identifying.py", "with a rotary name"),
        ("no_such_package.at_all:function", "there is no module 'no_such_package'"),
        ("functions_half.py:", "expected a function name after ':'"),
    ],
)
def test_what_is_not_there_is_said_in_one_message(specification: str, said: str) -> None:
    done = run(specification)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "option",
    [["--format", "zork"], ["--timeout", "0"], ["-o", "missing/x.json"], ["--like", "natve"]],
)
def test_what_cannot_be_done_is_refused_before_anything_runs(option: list[str]) -> None:
    done = run("functions_without_rotation.py:hangs", *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_quiet_prints_nothing_and_still_writes(tmp_path: Path) -> None:
    done = run("functions_mistaken.py:minus_forgotten", "-q", "-o", str(tmp_path / "found.json"))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    found = json.loads((tmp_path / "found.json").read_text())  # one alone is no list
    assert (found["schema"], found["answer"]) == ("rotcheck/convention/1", "wrong")
    assert found["findings"][0]["code"] == "one-sign"


def in_a_terminal(*arguments: str, **more: str) -> str:
    """Return what a terminal of 100 columns receives."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [*ROTCHECK, "identify", *arguments],
        stdout=theirs, stderr=subprocess.DEVNULL, stdin=theirs, cwd=HERE,
        env=environment(TERM="xterm-256color", COLUMNS="100", **more),
    )  # fmt: skip
    os.close(theirs)
    received = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        received += part
    done.wait(timeout=60)
    os.close(ours)
    return received.decode()


def test_a_terminal_gets_colours_unless_it_wants_none() -> None:
    assert "\x1b[1;32m" in in_a_terminal("functions_half.py:narrow_tables")
    assert "\x1b[1" not in in_a_terminal("functions_half.py:narrow_tables", NO_COLOR="1")


def test_the_same_from_python() -> None:
    """Plain data, whatever the rest of the process does."""
    found = rotcheck.identify(str(HERE / "functions_interleaved.py") + ":two_by_two", like="native")
    assert found.specification == "functions_interleaved.py:two_by_two"
    assert found.convention is not None
    assert (found.convention.pairing, found.convention.tables) == ("interleaved", "matrix")
    assert found.likeness is not None
    assert found.likeness.swappable == "with changes"
    with pytest.raises(rotcheck.errors.RequestError, match="did you mean 'native'"):
        rotcheck.identify("natve")


def test_130_when_interrupted_with_what_was_finished(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import time\nimport torch\n\n\ndef rotary_right(x, cos, sin):\n"
        "    a, b = x.chunk(2, -1)\n    cos, sin = cos[:, None], sin[:, None]\n"
        "    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)\n\n\n"
        "def rotary_endless(x, cos, sin):\n    open('reached', 'w').close()\n    time.sleep(600)\n"
    )
    front = subprocess.Popen(
        [*ROTCHECK, "identify", "mine.py", "-o", "found.json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(),
    )
    deadline = time.monotonic() + 120
    server_and_one_worker = 3 if sys.platform == "linux" else 2  # and one that imported the file
    while time.monotonic() < deadline:
        left = psutil.Process(front.pid).children(recursive=True)
        if (tmp_path / "reached").exists() and len(left) == server_and_one_worker:
            break
        time.sleep(0.05)
    front.send_signal(signal.SIGINT)
    out, err = front.communicate(timeout=120)
    assert (front.returncode, err) == (130, "rotcheck: interrupted\n")
    assert "✓ mine.py:rotary_right" in out
    assert "rotary_endless" not in out
    assert "mine.py:rotary_right" in (tmp_path / "found.json").read_text()
