"""Functions that permute the rows of a checkpoint's weights:
which permutation, whose heads, and what is lost."""

import sys
from functools import cache
from pathlib import Path

import functions_permuting
import pytest
from identifying import told

from rotcheck import results
from rotcheck.implementations.spec import expand
from rotcheck.report import convention_summary

HERE = Path(__file__).parent
FILE = HERE / "functions_permuting.py"
EVERY = {**functions_permuting.RIGHT, **functions_permuting.WRONG, **functions_permuting.UNKNOWN}


@cache
def found(name: str) -> results.Identification:
    return told(f"{FILE}:{name}")


def test_of_a_file_those_are_asked_that_permute_the_rows_of_heads_and_no_others() -> None:
    names = [name.rpartition(":")[2] for name in expand(str(FILE))]
    assert sorted(names) == sorted(EVERY)


@pytest.mark.parametrize("name", functions_permuting.RIGHT)
def test_a_permutation_between_pairings_is_told(name: str) -> None:
    assert found(name).answer == "right"
    assert found(name).permutation == functions_permuting.RIGHT[name]
    assert convention_summary.title(found(name)).endswith(functions_permuting.RIGHT[name])


@pytest.mark.parametrize("name", functions_permuting.WRONG)
def test_rows_that_change_heads_or_are_lost_are_a_mistake_and_shown(name: str) -> None:
    (one,) = found(name).findings
    assert (found(name).answer, one.message) == ("wrong", functions_permuting.WRONG[name])
    assert one.failure is not None
    shown: dict[str, object] = {}
    exec(one.demonstration or "", shown)
    assert shown["came"].tolist() != shown["right"].tolist()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", functions_permuting.UNKNOWN)
def test_what_another_call_may_make_right_is_not_understood(name: str) -> None:
    assert found(name).answer == "unknown"
    assert found(name).message == functions_permuting.UNKNOWN[name]
    assert found(name).advice


def test_where_numpy_is_not_installed_one_of_torch_is_understood_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    name = next(iter(functions_permuting.RIGHT))
    assert told(f"{FILE}:{name}").answer == "right"


def test_a_function_of_numpy_is_handed_arrays(tmp_path: Path) -> None:
    body = "w.reshape(n_heads, 2, -1, w.shape[1]).transpose(0, 2, 1, 3).reshape(w.shape)"
    file = tmp_path / "of_numpy.py"
    file.write_text(
        f"import numpy as np\n\n\ndef permute_q(w, n_heads):\n    return np.ascontiguousarray({body})\n"
    )
    assert told(f"{file}:permute_q").permutation == "halves to neighbours in each of 6 heads"
