"""The JSON of each kind of result has a schema, and within a version fields are only added.

For a new kind, `python tests/results/test_schemas.py` writes the file to hold it to. It never
changes one that is there.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from rotcheck.preflight.decision import Decision
from rotcheck.report.pages import results
from rotcheck.results import schema

FOLDER = Path(__file__).parent / "schemas"
KINDS = {**results(), "preflight": Decision}


def _fields(document: dict[str, Any]) -> dict[str, list[str]]:
    """Every field of a result by its path, `cells[].verdict`, with the types and
    the values that it may hold."""
    fields: dict[str, set[str]] = {}

    def visit(part: dict[str, Any], path: str) -> None:
        if "$ref" in part:
            part = document["$defs"][part["$ref"].rpartition("/")[2]]
        for choice in part.get("anyOf", ()):
            visit(choice, path)
        types = part.get("type", ())
        values = map(repr, part.get("enum", ()))
        fields.setdefault(path, set()).update([types] if isinstance(types, str) else types, values)
        for name, field in part.get("properties", {}).items():
            visit(field, f"{path}.{name}".lstrip("."))
        for key, end in (("items", "[]"), ("additionalProperties", "{}")):
            if isinstance(part.get(key), dict):
                visit(part[key], path + end)
        for item in part.get("prefixItems", ()):
            visit(item, path + "[]")

    visit(document, "")
    return {path: sorted(kinds) for path, kinds in sorted(fields.items())}


def _changed(golden: dict[str, list[str]], current: dict[str, list[str]]) -> list[str]:
    """The fields that are gone, or hold something else.

    More values of an enumeration are an addition.
    """

    def kinds(values: list[str]) -> tuple[set[str], set[str]]:
        quoted = {value for value in values if value[0] in "'\"-0123456789"}
        return set(values) - quoted, quoted

    changed = []
    for path, values in golden.items():
        (types, choices), (types_now, choices_now) = kinds(values), kinds(current.get(path, []))
        if types != types_now or not choices <= choices_now:
            changed.append(path)
    return changed


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_of_a_result_is_lost_or_holds_something_else(kind: str) -> None:
    golden = json.loads((FOLDER / f"{kind}.json").read_text())
    assert _changed(golden, _fields(schema(KINDS[kind]))) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_names_its_schema(kind: str) -> None:
    field = schema(KINDS[kind])["$defs"][KINDS[kind].__name__]["properties"]["schema"]
    assert field["default"] == f"rotcheck/{kind}/1"


def test_a_lost_field_would_be_noticed_and_a_new_one_is_let_pass() -> None:
    golden = json.loads((FOLDER / "report.json").read_text())
    current = {**golden, "cells[].sigma": ["number"]}
    current["cells[].verdict"] = [*golden["cells[].verdict"], "'overheats'"]
    assert _changed(golden, current) == []
    del current["cells[].error"]
    current["cells[].device"] = ["integer"]
    current["cells[].verdict"] = ["'agrees'"]
    assert _changed(golden, current) == ["cells[].device", "cells[].error", "cells[].verdict"]


def test_every_schema_of_the_folder_is_held() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(KINDS)


def _write_missing() -> None:
    for kind, result in KINDS.items():
        file = FOLDER / f"{kind}.json"
        if not file.exists():
            fields = _fields(schema(result)).items()
            lines = [f" {json.dumps(path)}: {json.dumps(kinds)}" for path, kinds in fields]
            file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    _write_missing()
