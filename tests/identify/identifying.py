"""What the tests of `identify` share: a corpus of functions,
each with what must be found out about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from rotcheck.identify.function_identification import identify
from rotcheck.implementations.target import resolve
from rotcheck.results import Identification

Function = TypeVar("Function", bound=Callable[..., Any])
CPU = torch.device("cpu")


@dataclass
class Corpus:
    """The functions of a file with their expected conventions, by name."""

    expected: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, **expected: Any) -> Callable[[Function], Function]:
        """Expect these fields of `Description` of a function;
        see `departures` for the other words."""

        def keep(function: Function) -> Function:
            # a scripted one has the former
            name = getattr(function, "name", None) or function.__name__
            self.expected[name] = expected
            return function

        return keep

    def of(self, name: str, **expected: Any) -> None:
        """Expect these fields of an object that is no function or class by itself."""
        self.expected[name] = expected


def told(specification: str) -> Identification:
    """Identify a function in this process, as a worker does;
    what is not understood must say why."""
    found = identify(resolve(specification, "cpu"), CPU).identification
    assert found.answer != "unknown" or found.message, f"{specification}: no reason"
    return found


def departures(found: Identification, expected: dict[str, Any]) -> list[str]:
    """Return in which fields an identification is not as expected.

    Beside the fields of a convention: `mistakes` and `choices`, the codes of its findings;
    `unknown`: it is neither right nor wrong; `ambiguous`, the names of fields. Of `layout` it must
    tell the one that is expected, among those that remain possible where there are several;
    `schedule` and `dtype_rule` must hold the words that are expected.
    """
    usual: dict[str, Any] = {"mistakes": (), "choices": (), "ambiguous": ()}
    if expected.get("kind", "applies") != "builds":
        usual |= {"direction": 1, "output_lanes": "same"}
    wanted = usual | expected
    pairs = {name: (value, _got(found, name, value)) for name, value in wanted.items()}
    pairs.pop("unknown", None)
    answer = "wrong" if wanted["mistakes"] else "unknown" if wanted.get("unknown") else "right"
    pairs["answer"] = (answer, found.answer)
    pairs["follows"] = (answer == "right", found.follows)
    return [
        f"{name}: expected {value!r}, got {got!r}"
        for name, (value, got) in pairs.items()
        if not _same(name, value, got)
    ]


def _got(found: Identification, name: str, wanted: Any) -> Any:
    if name in ("mistakes", "choices"):
        return sorted({one.code for one in found.findings if one.mistake == (name == "mistakes")})
    if name == "ambiguous":
        return sorted({one.field for one in found.ambiguous} - ({"layout"} - set(wanted)))
    if name == "layout" and wanted is not None:
        return layouts(found)
    return getattr(found.convention, name, None)


def layouts(found: Identification) -> list[str]:
    """Return the layouts that an identification says are possible."""
    named = [found.convention.layout] if found.convention and found.convention.layout else []
    told = [
        *found.also,
        *(text for one in found.ambiguous if one.field == "layout" for text in one.possible),
    ]
    return list(dict.fromkeys([*named, *(text.partition(" ")[0].strip(":") for text in told)]))


def _same(name: str, wanted: Any, got: Any) -> bool:
    if name == "layout" and wanted is not None:
        return wanted in got
    if name in ("schedule", "dtype_rule") and isinstance(got, str):
        return str(wanted) in got
    if name in ("mistakes", "choices", "ambiguous"):
        return sorted(wanted) == got
    if isinstance(wanted, float) and isinstance(got, float):
        return abs(got / wanted - 1) < 1e-5
    return bool(wanted == got)
