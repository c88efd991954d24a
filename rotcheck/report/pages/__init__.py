"""One file for each kind of result; a new kind is a new file here and nothing else.

A page's module has `WORD`, what a result of its kind is called ("a report"), and `RESULT`, its
type, whose JSON has a schema. It says what there is to read of one:

- `document(result)`, a `Document`, for formats that people read;
- `alerts(result)`, its `Alerts`, where something wrong has a place in a file that
  a reviewer can be shown;
- `suites(result)`, its `Suite`s, where it is made of cases that pass or fail;
- `data(result)`, what programs read, where that is not the result itself.

What a page lacks, the formats that read it cannot show.
"""

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec

Reader = Callable[[Any], Any]


def kinds() -> list[str]:
    """All kinds of result that can be shown: "comparison", "probe", "train", ..."""
    return [module.name for module in pkgutil.iter_modules(__path__)]


def word(kind: str) -> str:
    """What a result of this kind is called: "a probe", "a benchmark", ..."""
    name: str = _page(kind).WORD
    return name


def results() -> dict[str, type[msgspec.Struct]]:
    """The types of results by the names of their schemas:
    `rotcheck.results.schema` takes each of them."""
    types = [getattr(_page(kind), "RESULT", None) for kind in kinds()]
    return {_schema_name(result): result for result in types if result is not None}


def _schema_name(result: type[msgspec.Struct]) -> str:
    """`train` of "rotcheck/train/1"."""
    fields = {field.name: field for field in msgspec.structs.fields(result)}
    return str(fields["schema"].default).split("/")[1]


def reader(kind: str, source: str) -> Reader | None:
    """The function that reads a document, alerts, suites or data off a result;
    None where there are none to read."""
    function: Reader | None = getattr(_page(kind), source, None)
    return _itself if function is None and source == "data" else function


def _page(kind: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{kind}")


def _itself(result: Any) -> Any:
    return result
