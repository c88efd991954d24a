"""A policy holds files and makers of tables, and how far they must be right."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from msgspec.structs import replace
from samples import checked, healthy, machine, report
from terminal import rotcheck

from rotcheck.errors import RequestError
from rotcheck.preflight.decision import decide
from rotcheck.preflight.files import devices
from rotcheck.preflight.policy import DEFAULT, ContextPolicy, Policy, load

POLICY = Policy(files=("models/model.py",), implementations=(), source="p.toml")
RIGHT = checked(
    answer="right",
    headline="right to 4,096 in bfloat16",
    parts=checked().parts[:1],
    asked=("model.py",),
)
WRONG = checked(asked=("model.py",))


def read(folder: Path, text: str) -> Policy:
    (folder / "p.toml").write_text(text)
    return load(str(folder / "p.toml"))


def test_files_makers_and_how_far_are_read_and_nothing_else_runs_then(tmp_path: Path) -> None:
    text = 'files = ["a.py"]\nmakers = ["b.py:Rope", "c:R"]\ncontext = { to = 32768, dtypes = ["float16"] }'
    policy = read(tmp_path, text)
    assert policy.files == (f"{tmp_path}/a.py",)
    assert policy.makers == (f"{tmp_path}/b.py:Rope", "c:R")
    assert policy.context == ContextPolicy(to=32768, dtypes=("float16",))
    assert policy.implementations == ()
    assert policy.public().files == ("a.py",)
    assert read(tmp_path, 'files = ["a.py"]\nimplementations = ["native"]').implementations == (
        "native",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('files = "a.py"', "files in .* must be a list of names"),
        ("files = []", "files in .* is empty"),
        ('files = ["a.py"]\ncontext = 3', "context in .* must be a table"),
        ('files = ["a.py"]\ncontext = { up-to = 3 }', "unknown key 'up-to'; Known: to, dtypes"),
        (
            'files = ["a.py"]\ncontext = { to = -1 }',
            "to must be a number of positions above 0, not -1",
        ),
        (
            'files = ["a.py"]\ncontext = { to = true }',
            "to must be a number of positions above 0, not True",
        ),
        ("context = { to = 3 }", "name some under `files` or `makers`"),
        ('file = ["a.py"]', "did you mean 'files'"),
    ],
)
def test_a_mistake_in_them_is_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=said):
        read(tmp_path, text)


def test_a_file_that_is_not_right_lets_no_job_start() -> None:
    decision = decide(POLICY, report([]), [RIGHT, WRONG])
    assert (decision.may_start, decision.exit_code()) == (False, 1)
    assert "must not start: model.py: wrong: Rotary (policy: p.toml)" in decision.headline()
    assert [(each.implementation, each.check, each.verdict) for each in decision.violations] == [
        ("model.py:Rotary", "N1", "wrong"),
        ("other.py:rope", "unidentified", "unknown"),
    ]


def test_a_file_that_is_right_does_beside_cells_that_agree() -> None:
    decision = decide(replace(DEFAULT, may_be_unavailable=("flash-attn",)), healthy(), [RIGHT])
    assert (decision.may_start, decision.exit_code(), decision.violations) == (True, 0, ())
    assert (
        "may start - 112 cells agree on cpu, 28 did not run and need not; model.py: right to 4,096 in bfloat16"
        in (decision.headline())
    )


def test_a_file_with_nothing_in_it_is_a_no_and_never_success() -> None:
    nothing = checked(answer=None, headline="'a.py' has no function", parts=(), conventions=())
    decision = decide(POLICY, report([]), [nothing])
    assert (decision.may_start, decision.exit_code()) == (False, 5)
    assert [each.verdict for each in decision.violations] == ["nothing"]


def test_a_device_that_is_not_here_is_a_no_unless_it_is_excused() -> None:
    absent = checked(
        answer=None,
        headline="no cuda here",
        parts=(),
        conventions=(),
        device="cuda",
        machine=machine(),
    )
    assert devices(replace(POLICY, devices=("cuda", "meta"))) == ["cuda"]
    assert decide(POLICY, report([]), [RIGHT, absent]).exit_code() == 1
    excusing = replace(POLICY, may_be_unavailable=("cuda",))
    assert decide(excusing, report([]), [RIGHT, absent]).exit_code() == 0


def test_an_interrupted_check_is_no_decision() -> None:
    decision = decide(POLICY, report([]), [replace(RIGHT, interrupted=True)])
    assert (decision.may_start, decision.exit_code()) == (False, 130)


ROPE = """
import torch


class RotaryEmbedding(torch.nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.register_buffer("inv_freq", 1.0 / (10000.0 ** (torch.arange(0, dim, 2).float() / dim)))

    def forward(self, x):
        f = torch.outer(torch.arange(x.shape[1], dtype=self.inv_freq.dtype), self.inv_freq)
        return f.cos(), f.sin()
"""


def test_what_a_policy_holds_of_a_file_is_in_every_report(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "rope.py").write_text(ROPE)
    (tmp_path / "p.toml").write_text(
        'makers = ["layers/rope.py:RotaryEmbedding"]\ncontext = { to = 4096 }\n'
    )
    outputs = [
        part for suffix in ("json", "xml", "md", "sarif") for part in ("-o", f"found.{suffix}")
    ]
    ran = rotcheck("preflight", "--policy", "p.toml", "--format", "github", *outputs, cwd=tmp_path)
    first, annotation = ran.out.splitlines()
    assert (ran.code, ran.err) == (1, "")
    assert (
        "must not start: layers/rope.py:RotaryEmbedding: wrong: RotaryEmbedding is right to "
        in first
    )
    assert annotation.startswith("::error file=layers/rope.py,line=5,title=rotcheck N1")
    found = json.loads((tmp_path / "found.json").read_text())
    assert [each["check"] for each in found["violations"]] == ["N1"]
    assert found["checks"][0]["schema"] == "rotcheck/check/1"
    assert [case.get("line") for case in ET.parse(tmp_path / "found.xml").iter("testcase")] == [
        None,
        "5",
    ]
    assert "layers/rope.py:5" in (tmp_path / "found.md").read_text()
    (result,) = json.loads((tmp_path / "found.sarif").read_text())["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 5}
    for file in tmp_path.glob("found.*"):
        assert str(tmp_path) not in file.read_text()
