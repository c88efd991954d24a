"""What a project names in its pyproject.toml is an implementation like any other,
and a wrong entry is named."""

from dataclasses import fields
from pathlib import Path

import pytest

import rotcheck
from rotcheck.errors import RequestError
from rotcheck.implementations import pyproject_entries, registry
from rotcheck.implementations.target import resolve
from rotcheck.preflight import policy
from rotcheck.results import Report
from rotcheck.rotary import Convention

ROTATE = """
import torch


def rotate(q, k, cos, sin):
    def turned(x):
        a, b = x.chunk(2, -1)
        return torch.cat((-b, a), -1)

    return q * cos + turned(q) * sin, k * cos + turned(k) * sin


def conjugate(q, k, cos, sin):
    return rotate(q, k, cos, -sin)
"""
TABLE = """
[tool.rotcheck.implementations]
mine = "kernels/rope.py:rotate"
by-module = "kernels.rope:conjugate"

[tool.rotcheck.implementations.held]
function = "kernels/rope.py:conjugate"
pairing = "half"
layout = "bhsd"
tables = "repeated"
table_axes = "1sw"
arguments = ["q", "k", "cos", "sin"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "rope.py").write_text(ROTATE)
    (tmp_path / "pyproject.toml").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(folder: Path, table: str) -> str:
    (folder / "pyproject.toml").write_text(f"[tool.rotcheck.implementations]\n{table}\n")
    with pytest.raises(RequestError) as caught:
        registry.names()
    return str(caught.value)


def test_the_names_of_the_project_run_by_default_behind_rotchecks_own(folder: Path) -> None:
    assert registry.names()[-3:] == ["mine", "by-module", "held"]
    assert "native" in registry.names()


def test_each_is_judged_in_its_own_convention_or_held_to_that_of_its_entry(folder: Path) -> None:
    asked = {"devices": ["cpu"], "dtypes": ["float32"], "checks": ["forward", "backward"]}
    report: Report = rotcheck.compare(["mine", "by-module", "held"], **asked)
    assert [(cell.implementation, cell.verdict) for cell in report.cells] == [
        *(("mine", "agrees"),) * 2,
        *(("by-module", "agrees"),) * 2,
        *(("held", "disagrees"),) * 2,
    ]
    assert report.cells[-1].failure == "R2"
    assert [(one.specification, one.declared) for one in report.conventions] == [
        ("mine", False),
        ("by-module", False),
        ("held", True),
    ]


def test_the_nearest_pyproject_counts_and_paths_are_those_from_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = folder / "docs" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert registry.names()[-3:] == ["mine", "by-module", "held"]
    assert resolve("mine", "cpu").function.__name__ == "rotate"
    (folder / "docs" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert "mine" not in registry.names()


def test_a_name_of_the_project_is_suggested_like_any_other(folder: Path) -> None:
    with pytest.raises(
        RequestError, match="unknown implementation 'my-module'; did you mean 'by-module'"
    ):
        registry.check("my-module")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            "mine = 3",
            "'mine' in [tool.rotcheck.implementations]: must be \"package.module:function\"",
        ),
        ('mine = "rope"', "'mine' in [tool.rotcheck.implementations]: must be"),
        ('mine = { pairing = "half" }', "or a table with such a `function`"),
        (
            'mine = "none.py:rotate"',
            "'mine' in [tool.rotcheck.implementations]: 'none.py:rotate': there is no file",
        ),
        ('native = "kernels/rope.py:rotate"', "rotcheck has one of that name; choose another"),
        ('"a:b" = "kernels/rope.py:rotate"', "a name has letters, digits, - and _"),
        ('"a.py" = "kernels/rope.py:rotate"', "does not end in .py"),
        (
            'mine = { function = "kernels/rope.py:rotate", pairings = "half" }',
            "unknown key 'pairings'; did you mean 'pairing'?",
        ),
        ("mine =", "pyproject.toml is invalid TOML"),
    ],
)
def test_a_wrong_entry_is_named(table: str, words: str, folder: Path) -> None:
    assert words in refusal(folder, table)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (
            'pairing = "halves"',
            "'mine' in [tool.rotcheck.implementations]: Invalid enum value 'halves'",
        ),
        (
            'layout = "bdsh"',
            "'mine' in [tool.rotcheck.implementations]: unknown layout 'bdsh'; known are bshd",
        ),
        (
            'theta = "many"',
            "'mine' in [tool.rotcheck.implementations]: Expected `float`, got `str`",
        ),
    ],
)
def test_a_field_of_another_kind_is_a_request_that_cannot_be_carried_out(
    field: str, words: str, folder: Path
) -> None:
    entry = f'mine = {{ function = "kernels/rope.py:rotate", {field} }}'
    (folder / "pyproject.toml").write_text(f"[tool.rotcheck.implementations]\n{entry}\n")
    with pytest.raises(RequestError) as caught:
        rotcheck.compare(["mine"], devices=["cpu"], dtypes=["float32"], checks=["dtype"])
    assert words in str(caught.value)


def test_a_pyproject_that_cannot_be_read_does_not_matter_to_rotchecks_own(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[")
    with pytest.raises(RequestError, match=r"pyproject\.toml"):
        registry.check("mine")
    registry.check("native")  # raises nothing


def test_a_list_is_what_the_policy_holds_and_names_none(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.rotcheck]\nimplementations = ["native"]\n')
    assert pyproject_entries.entries() == {}
    assert policy.load(None).implementations == ("native",)


def test_the_policy_of_a_project_that_names_its_own_holds_these(folder: Path) -> None:
    assert policy.load(None).implementations == ("mine", "by-module", "held")


def test_the_fields_of_an_entry_are_those_of_a_convention() -> None:
    by_hand = {"ways", "choices"}  # of a function that declares several calls of itself
    assert set(pyproject_entries.FIELDS) == {field.name for field in fields(Convention)} - by_hand
