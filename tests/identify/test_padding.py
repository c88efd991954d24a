"""Do positions begin at the first token of each row, and which lanes of a head turn?"""

from functools import cache

import pytest
from identifying import told

from rotcheck.report import convention_summary
from rotcheck.results import Identification

RIGHT = {
    "left_position_ids": "makes positions that begin with each row's first token, with padding on the left",
    "right_position_ids": "makes positions that begin with each row's first token, with padding on the right",
    "packed_position_ids": "makes positions that begin anew with each packed sequence",
    "heeds_its_mask": "half pairing, bhsd, theta 10000",
    "last_lanes": "half pairing, bsd, theta 10000",
}
WRONG = {"ignored_position_ids": "idle-argument", "ignored_packed_position_ids": "sequences"}
IN_DOUBT = {
    "perhaps_position_ids": "seen, and in doubt: `attention_mask` changes nothing",
    "from_two_position_ids": "without padding its positions are [2, 3, 4, 5, 6, 7]",
    "ignores_its_mask": "`attention_mask` changes nothing: a padded row turns as if it began with its padding",
    "last_lanes_for_the_first": "turns the last 32 of 64 lanes, and its docstring says the first",
}


@cache
def found(name: str) -> Identification:
    return told(f"functions_padded:{name}")


@pytest.mark.parametrize("name", RIGHT)
def test_what_heeds_its_padding_is_right(name: str) -> None:
    assert [one.code for one in found(name).findings if one.mistake] == []
    assert found(name).answer == "right"
    assert RIGHT[name] in convention_summary.title(found(name))


def test_that_a_mask_is_heeded_is_told() -> None:
    says = "with padding on the left, a row's begin at its first token, by `attention_mask`"
    assert says in [one.says for one in found("heeds_its_mask").evidence]


def test_which_lanes_turn_is_told() -> None:
    assert "turns the last 32 of 64 lanes" in [one.says for one in found("last_lanes").evidence]


@pytest.mark.parametrize("name", WRONG)
def test_padding_that_changes_nothing_is_a_mistake_where_its_docstring_says_so_and_shown(
    name: str,
) -> None:
    (one,) = found(name).findings
    assert (found(name).answer, one.code) == ("wrong", WRONG[name])
    shown: dict[str, object] = {}
    exec(one.demonstration or "", shown)
    assert shown["came"].tolist() != shown["right"].tolist()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", IN_DOUBT)
def test_what_may_be_meant_is_not_understood(name: str) -> None:
    assert found(name).answer == "unknown"
    assert IN_DOUBT[name] in (found(name).message or "")
    assert found(name).advice
