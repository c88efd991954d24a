"""Each entry of the table of libraries can be used, whether or not its package is here."""

import importlib

import pytest

from rotcheck.implementations.libraries.library import ADAPTERS
from rotcheck.implementations.libraries.library_table import LIBRARIES

ADAPTED = {name: library.adapter for name, library in LIBRARIES.items() if library.adapter}


@pytest.mark.parametrize("name", ADAPTED)
def test_an_entry_names_an_adapter_that_exists(name: str) -> None:
    file, _, function = ADAPTED[name].partition(":")
    assert callable(getattr(importlib.import_module(f"{ADAPTERS}.{file}"), function))


def test_some_entries_need_an_adapter_and_others_need_none() -> None:
    assert 0 < len(ADAPTED) < len(LIBRARIES)
