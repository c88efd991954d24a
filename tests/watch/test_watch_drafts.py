"""Drafts that are verified at other positions than theirs, and caches that keep rejected ones."""

import sys
from pathlib import Path

import pytest
from watching import watched

FOLDER = Path(__file__).parent
WORDS = {
    "late": "position 11 follows position 9: the positions of a step begin one late",
    "kept": "the cache keeps its length",
}


@pytest.mark.parametrize("mode", ["right", "late", "kept", "chunks"])
def test_drafts_are_accused_where_they_stand_at_other_positions(mode: str) -> None:
    seen = watched(FOLDER, sys.executable, "drafts_to_watch.py", mode)
    assert seen.code == 0, seen.errors
    rows = [row for row in seen.watch.rows if row.finding]
    assert {row.finding for row in rows} == ({"cache-positions"} if mode in WORDS else set())
    assert all(WORDS[mode] in (row.message or "") for row in rows)
    assert any(row.verdict == "agrees" for row in seen.watch.rows)
    assert not any("watched no longer" in note for note in seen.watch.notes)
