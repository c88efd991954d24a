"""The files of public bug reports, and what is told of a function of theirs."""

from functools import cache
from pathlib import Path

import torch

from rotcheck.identify.function_identification import identify
from rotcheck.implementations.target import resolve
from rotcheck.results import Identification

HERE = Path(__file__).parent


def specification(name: str, version: str) -> str:
    """Return the function `case:function` of a version, as a command is given it."""
    case, _, function = name.partition(":")
    return f"{HERE / case / version}.py:{function}"


@cache
def told(name: str, version: str) -> Identification:
    """Return what is told of a function, `case:function`; `version`: the name of a file of the case."""
    return identify(
        resolve(specification(name, version), "cpu"), torch.device("cpu")
    ).identification
