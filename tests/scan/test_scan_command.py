"""`rotcheck scan`: which files it reads, what cannot be read, comments that ignore,
formats and exit codes."""

import json
import os
import re
from pathlib import Path

import pytest
from scanning import lines, scanned
from terminal import rotcheck
from test_alerts import check_sarif

from rotcheck import diagnose
from rotcheck.errors import RequestError
from rotcheck.report import formats
from rotcheck.report.document import Display
from rotcheck.scan import file_reading
from rotcheck.scan.rules import rules
from rotcheck.scan.run import scan

PAGE = Path(__file__).parents[2] / "docs" / "scan.md"

FLAG = "import torch\ntorch._C._jit_set_profiling_executor(False)\n"
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": "# text"},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch\n", "x = !ls"]},
        {"cell_type": "code", "source": "this is no python"},
        {"cell_type": "code", "source": "%%bash\nls"},
        {
            "cell_type": "code",
            "source": "torch.ones(1)\ntorch._C._jit_set_profiling_executor(False)",
        },
    ]
}


def test_what_is_not_the_projects_own_is_not_read(tmp_path: Path) -> None:
    skips = (".git", "__pycache__", "node_modules", "venv", "lib/site-packages")
    files = {f"{folder}/a.py": FLAG for folder in (*skips, "model")} | {
        "a.txt": FLAG,
        ".hidden.py": FLAG,
    }
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    result = scanned(tmp_path, files)
    assert (result.files, [file for _, file, _ in lines(result)]) == (1, ["model/a.py"])
    named = scan(str(tmp_path / "venv" / "a.py"), str(tmp_path / "a.txt"), str(tmp_path / "venv"))
    assert named.files == 2  # a file that is named is read, once, whatever it is called


def test_nothing_that_a_file_holds_ends_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_reading, "LARGEST", 20_000)
    hostile = {
        "python2.py": b"import torch.jit\nprint 'x'\n",
        "nul.py": b"import torch.jit\n\0\n",
        "large.py": b"#" * 30_000,
        "latin.py": "# torch.jit\nx = 'é'\n".encode("latin-1"),
        "deep.py": b"import torch.jit\nx = " + b"(" * 5000 + b")" * 5000,
        "long.py": b"import torch.jit\nx = " + b"-" * 15_000 + b"1",
        "empty.py": b"",
        "broken.ipynb": b"{torch.jit",
        "list.ipynb": b'["torch.jit"]',
        "declared.py": "# -*- coding: latin-1 -*-\nimport torch\nx = 'é'\n".encode("latin-1"),
        "bom.py": b"\xef\xbb\xbfimport torch\r\ntorch._C._jit_set_profiling_executor(False)\r\n",
    }
    for name, content in hostile.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "nowhere.py").symlink_to(tmp_path / "gone")
    result = scan(str(tmp_path))
    reasons = {Path(gap.file).name: gap.reason for gap in result.gaps}
    assert reasons.keys() >= {
        "python2.py", "nul.py", "large.py", "latin.py", "deep.py", "broken.ipynb", "list.ipynb"
    }  # fmt: skip
    assert reasons["python2.py"].startswith("not Python 3: line 2: ")
    assert lines(result) == [("legacy-executor", "bom.py", 2)]


def test_a_folder_that_may_not_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    (gap,) = scan(str(tmp_path)).gaps
    assert (gap.file, gap.reason) == (tmp_path.name, "Permission denied")


def test_a_line_of_a_notebook_is_counted_in_its_cell(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"a.ipynb": json.dumps(NOTEBOOK)}, "legacy-executor")
    (hazard,) = result.hazards
    assert (hazard.cell, hazard.line, hazard.column, hazard.end_line) == (5, 2, 1, 2)
    assert [gap.reason for gap in result.gaps] == ["cell 3: not Python 3: line 1: invalid syntax"]
    (alert,) = check_sarif(formats.render("sarif", "scan")(result, Display()))
    assert "region" not in alert["locations"][0]["physicalLocation"]


IGNORED = {
    "on the line": (
        "torch._C._jit_set_profiling_executor(False)  # rotcheck: ignore[legacy-executor]",
        True,
    ),
    "above": (
        "# rotcheck: ignore[legacy-executor]\ntorch._C._jit_set_profiling_executor(False)",
        True,
    ),
    "several": (
        "torch._C._jit_set_profiling_executor(False)  # noqa  # rotcheck: ignore[cuda-only, legacy-executor]",
        True,
    ),
    "all": ("torch._C._jit_set_profiling_executor(False)  # rotcheck: ignore", True),
    "of a statement": (
        "torch._C._jit_set_profiling_executor(  # rotcheck: ignore\n    False\n)",
        True,
    ),
    "another": (
        "torch._C._jit_set_profiling_executor(False)  # rotcheck: ignore[cuda-only]",
        False,
    ),
    "in a text": ("x = '# rotcheck: ignore'; torch._C._jit_set_profiling_executor(False)", False),
    "of a line before": (
        "x = 1  # rotcheck: ignore\ntorch._C._jit_set_profiling_executor(False)",
        False,
    ),
}


@pytest.mark.parametrize(("text", "silent"), IGNORED.values(), ids=IGNORED)
def test_a_comment_ignores_the_statement_that_it_stands_at(
    text: str, silent: bool, tmp_path: Path
) -> None:
    result = scanned(tmp_path, {"a.py": f"import torch\n{text}\n"}, "legacy-executor")
    assert (len(result.hazards), result.ignored) == ((0, 1) if silent else (1, 0))


def test_a_comment_above_a_decorator_ignores_the_function_alone(tmp_path: Path) -> None:
    function = "\n@torch.jit.script\ndef f(x):\n    return x\n"
    text = f"{FLAG}# rotcheck: ignore{function}{function}"
    assert [
        line for _, _, line in lines(scanned(tmp_path, {"a.py": text}, "scripted-under-flags"))
    ] == [9]


def test_a_code_that_nobody_has_is_said(tmp_path: Path) -> None:
    (note,) = scanned(tmp_path, {"a.py": "x = 1  # rotcheck: ignore[legacy-exectuor]\n"}).notes
    assert note.endswith(
        "a.py:1: `rotcheck: ignore[legacy-exectuor]`: there is no code 'legacy-exectuor'"
    )
    with pytest.raises(
        RequestError, match=r"no code 'legacy-exectuor'.*did you mean 'legacy-executor'\?"
    ):
        scan(str(tmp_path), select=["legacy-exectuor"])


@pytest.mark.parametrize(
    ("files", "arguments", "code", "said"),
    [
        ({"a.py": FLAG}, ["."], 1, "1 hazard in 1 file, 1 file read"),
        ({"a.py": FLAG}, ["--ignore", "legacy-executor"], 0, "0 hazards, 1 file read"),
        ({"a.txt": FLAG}, [], 5, "no Python file"),
        ({"a.py": "print 'x' # torch.jit\n"}, ["a.py"], 5, "a.py: not Python 3"),
        ({}, ["nowhere"], 2, "there is no file or folder 'nowhere'"),
        ({}, ["--select", "nonsense"], 2, "there is no code 'nonsense'"),
    ],
)
def test_the_exit_code_says_what_came_of_it(
    files: dict[str, str], arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    ran = rotcheck("scan", *arguments, cwd=tmp_path)
    assert ran.code == code
    assert said in " ".join((ran.out + ran.err).split())
    assert "Traceback" not in ran.err


def test_every_format_names_the_line_and_what_happens_often_is_said_once(tmp_path: Path) -> None:
    result = scanned(
        tmp_path,
        {"a.py": FLAG + "torch._C._jit_set_profiling_executor(False)\n"},
        "legacy-executor",
    )
    table = formats.render("table", "scan")(result, Display(width=200))
    assert "line 2, 3" in table
    assert table.count("selects TorchScript's legacy executor") == 1
    alerts = check_sarif(formats.render("sarif", "scan")(result, Display()))
    assert [
        alert["locations"][0]["physicalLocation"]["region"]["startLine"] for alert in alerts
    ] == [2, 3]
    github = formats.render("github", "scan")(result, Display()).splitlines()
    assert [line.partition(",title=")[0] for line in github[1:]] == [
        f"::warning file={tmp_path.name}/a.py,line={line}" for line in (2, 3)
    ]
    assert "- **line 2, 3**: " in formats.render("markdown", "scan")(result, Display())
    assert (
        json.loads(formats.render("json", "scan")(result, Display()))["schema"] == "rotcheck/scan/1"
    )


def test_every_code_has_its_section_and_its_explanation() -> None:
    assert set(re.findall(r"^## ([a-z0-9-]+)$", PAGE.read_text(), re.MULTILINE)) == set(rules())
    assert all(diagnose.get(code) for code in rules())


def test_the_story_that_rotcheck_began_with_is_told_from_its_log_and_its_files() -> None:
    """The log names the failure and this command,
    and this command the line and every function under it."""
    failure = diagnose.match("NotImplementedError: Unknown device for graph fuser")
    assert failure is not None
    assert "rotcheck scan ." in failure.fix
    result = scan(
        str(PAGE.parent / "the-old-story"), select=["legacy-executor", "scripted-under-flags"]
    )
    places = {
        (hazard.code, Path(hazard.file).name, hazard.where)
        for hazard in result.hazards
        if hazard.failure == "J1"
    }
    assert places == {
        ("legacy-executor", "flags.py", ""),
        ("scripted-under-flags", "before.py", "_apply_rotary_pos_emb_torchscript"),
        ("scripted-under-flags", "fused.py", "bias_dropout_add_scale"),
    }
