"""`rotcheck list`: every name that a command takes, and where it comes from."""

import json
from pathlib import Path

import pytest
from terminal import SOURCES, rotcheck

from rotcheck.implementations import registry


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A project with an implementation of its own, beside an installed package with another."""
    (tmp_path / "mine.py").write_text("def rotary(q, k, cos, sin):\n    return q, k\n")
    table = '[tool.rotcheck.implementations]\nours = "mine.py:rotary"\n'
    (tmp_path / "pyproject.toml").write_text(table)
    info = tmp_path / "plug-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: plug\nVersion: 1.0\n")
    entry = "[rotcheck.implementations]\nplugged = plug:rotary\n"
    (info / "entry_points.txt").write_text(entry)
    return tmp_path


def test_every_name_is_listed_once_with_its_source(workplace: Path) -> None:
    path = f"{SOURCES}:{workplace}"
    ran = rotcheck("list", "--format", "json", cwd=workplace, PYTHONPATH=path)
    assert (ran.code, ran.err) == (0, "")
    data = json.loads(ran.out)
    assert data["schema"] == "rotcheck/list/1"
    sources = {name["name"]: name["source"] for name in data["names"]}
    assert len(sources) == len(data["names"])
    assert {sources[name] for name in registry.of_folder()} == {"rotcheck"}
    assert {sources[name] for name in registry.libraries()} == {"library"}
    assert {sources[name] for name in registry.exhibits()} == {"exhibit"}
    assert (sources["ours"], sources["plugged"]) == ("project", "package")
    assert all(name["about"] for name in data["names"])


def test_the_list_is_for_people_too(workplace: Path) -> None:
    path = f"{SOURCES}:{workplace}"
    out = rotcheck("list", cwd=workplace, PYTHONPATH=path, COLUMNS="80").out
    assert max(map(len, out.splitlines())) <= 80
    assert "of this project's pyproject.toml, which run by default\n  ours  mine.py:rotary\n" in out
    assert "when named and with --all\n  plugged  plug:rotary\n" in out


def test_compare_mentions_what_other_packages_register(workplace: Path) -> None:
    path = f"{SOURCES}:{workplace}"
    limits = ("--device", "cpu", "--dtype", "float32", "--check", "dtype")
    out = rotcheck("compare", *limits, cwd=workplace, PYTHONPATH=path).out
    assert out.endswith(
        "Next\n - `rotcheck compare plugged`: of other installed packages, and not shown\n"
    )
    named = rotcheck("compare", "native", *limits, cwd=workplace, PYTHONPATH=path).out
    assert "plugged" not in named
