"""The page on rotcheck.testing says what is so:
its code runs, and its message is the one that is given."""

import re
import sys
from pathlib import Path
from types import ModuleType

import own_kernels
import pytest

from rotcheck.testing import assert_rotates

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("mylib.kernels")
    library.rope = library.old_rope = own_kernels.healthy
    monkeypatch.setitem(sys.modules, "mylib", ModuleType("mylib"))
    monkeypatch.setitem(sys.modules, "mylib.kernels", library)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 5
    names: dict = {}
    exec("\n".join(blocks), names)
    names["test_rope"]()


def test_its_message_is_the_one_that_is_given() -> None:
    (shown,) = re.findall(r"<!-- message: wrong_rows -->\n```\n(.*?)```", PAGE, re.DOTALL)
    with pytest.raises(AssertionError) as caught:
        assert_rotates(own_kernels.wrong_rows, dtypes=["float32"], checks=["forward"])
    assert str(caught.value).startswith(shown)
