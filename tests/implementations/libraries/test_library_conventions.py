"""What the installed libraries do, found by experiment,
is what was measured on them and what rotcheck declares."""

import ast
import re
from functools import partial

import pytest
import torch
from expected import (
    ELSEWHERE,
    FUNCTIONS,
    INSTALLED,
    INTERPRETED,
    LOADED,
    NOT_HERE,
    ON_CPU,
    PINNED,
    Does,
    installed,
    pinned,
)

from rotcheck.convention.calls import keyword_roles
from rotcheck.identify import function_identification
from rotcheck.implementations import registry
from rotcheck.implementations.interface import Function
from rotcheck.implementations.libraries.library_table import LIBRARIES
from rotcheck.implementations.target import Target, resolve
from rotcheck.results import Identification

ROOT = PINNED.parents[1]
CPU = torch.device("cpu")


def identified(target: Target) -> Identification:
    return function_identification.identify(target, CPU).identification


def with_its_options(name: str) -> Function:
    """Return the function with the constants that its convention passes by keyword."""
    library = LIBRARIES[name]
    constants = {}
    for keyword, role in keyword_roles(library.convention.called_with):
        if keyword and role[0] in "TF-0123456789":
            constants[keyword] = ast.literal_eval(role)
    function = library.load("cpu")
    return partial(function, **constants) if constants else function


def holds(told: Identification, does: Does) -> None:
    assert told.follows, (told.message, told.findings)
    found = told.convention
    assert found is not None
    assert (found.pairing, found.tables) == (does.pairing, does.tables)
    assert (found.direction, found.output_lanes) == (does.direction, does.lanes)
    assert found.layout == does.layout
    assert not found.in_place
    if does.call:
        assert found.argument_order == does.call


@pytest.mark.parametrize("package", sorted(pinned()))
def test_each_library_is_installed_in_the_version_that_is_pinned(package: str) -> None:
    assert installed(package) == pinned()[package]


@pytest.mark.parametrize("specification", FUNCTIONS, ids=lambda name: name.split(".")[-1])
def test_a_librarys_function_is_identified(specification: str) -> None:
    holds(identified(resolve(specification, "cpu")), FUNCTIONS[specification])


@pytest.mark.parametrize("name", LOADED)
def test_a_function_is_found_to_do_what_its_entry_says(name: str) -> None:
    told = identified(Target(with_its_options(name), None))

    holds(told, LOADED[name])
    assert told.convention is not None
    declared = LIBRARIES[name].convention
    assert told.convention.pairing == declared.pairing
    assert told.convention.tables == declared.tables
    assert told.convention.layout in (None, declared.layout)


@pytest.mark.parametrize(
    ("function", "lanes"), [("llama", 128), ("gpt_neox", 24)], ids=["llama", "gpt_neox partial"]
)
def test_a_module_that_builds_tables_is_identified(function: str, lanes: int) -> None:
    kind = {"llama": "LlamaRotaryEmbedding", "gpt_neox": "GPTNeoXRotaryEmbedding"}[function]
    told = identified(resolve(f"transformers.models.{function}.modeling_{function}:{kind}", "cpu"))

    assert told.follows, told.message
    assert told.convention is not None
    assert told.convention.kind == "builds"
    assert (told.convention.tables, told.convention.table_lanes) == ("repeated", "half")
    assert (told.convention.rotary_dim, told.convention.theta) == (lanes, 10000.0)


def test_every_entry_has_its_place_in_these_tests() -> None:
    assert sorted((*ON_CPU, *INTERPRETED, *ELSEWHERE, *NOT_HERE)) == registry.libraries()


def test_the_page_of_the_libraries_has_figures_of_those_that_were_run() -> None:
    """And what was not run here stands behind the heading that says so."""
    page = (ROOT / "docs" / "libraries.md").read_text()
    _, ran, not_run = re.split(r"\n## (?:Run, and right|Written, and not run)\n", page)
    with_figures = re.findall(r"^\| `([\w-]+)`", ran, re.M)
    assert sorted(with_figures) == sorted((*ON_CPU, *INTERPRETED, "flash-attn"))
    assert all(f"`{name}`" in not_run for name in ELSEWHERE)


def test_the_versions_that_rotcheck_names_are_those_it_is_tested_with() -> None:
    """A library whose signature has changed is answered with the version that works."""
    packages = [LIBRARIES[name].package for name in (*ON_CPU, *INTERPRETED)]
    tested = pinned() | INSTALLED
    assert {package.name: package.version_written_for for package in packages} == {
        package.name: tested[package.name] for package in packages
    }
    assert len({package.name for package in packages}) >= 10
