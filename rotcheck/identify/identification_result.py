"""A function once it is identified: what is said of it, and how it is judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from rotcheck import __version__
from rotcheck.convention import Convention
from rotcheck.identify.asking.flags import FlaggedCall
from rotcheck.implementations.target import Target
from rotcheck.results import Identification


@dataclass(frozen=True, slots=True)
class IdentificationResult:
    """An identification, and the convention that values are judged by; None: there is none."""

    identification: Identification
    convention: Convention | None
    flags: tuple[FlaggedCall, ...] = ()  # to be tried, of a function that follows a convention
    with_flag: Callable[[FlaggedCall], Identification] | None = None  # identifies it with one
    lacks_gpu: bool = False  # it launches a Triton kernel, and Triton finds no GPU here


def identification_of(target: Target, device: torch.device, **fields: Any) -> Identification:
    """An identification of a target on a device, with these fields."""
    return Identification(
        rotcheck=__version__,
        specification="",
        torch=str(torch.__version__),
        device=str(device),
        built=target.built,
        **fields,
    )


def without_convention(
    target: Target, device: torch.device, message: str, **fields: Any
) -> IdentificationResult:
    """A function of which nothing is understood; `message`: why."""
    identification = identification_of(
        target, device, follows=False, convention=None, message=message, **fields
    )
    return IdentificationResult(identification, None)
