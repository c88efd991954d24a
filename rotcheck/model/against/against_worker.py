"""Inside a worker: by what the layers of a model turn, and two models side by side."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from rotcheck.model import plan
from rotcheck.model.against.against_rows import against_rows
from rotcheck.model.against.far_frequencies import FarRuns
from rotcheck.model.against.layer_rotation import ModelRotations
from rotcheck.model.against.model_layers import declared_layers, model_layers
from rotcheck.model.declared.declared_file import declared_file
from rotcheck.model.declared.declared_rotation import declared_rotations
from rotcheck.model.forward_pass import tensors_within
from rotcheck.model.worker import ModelAtWork, at_work

Answer = Callable[[list[str]], dict[str, Any]]


def open_layers(setup: dict[str, Any]) -> Answer:
    """What answers how the layers of `setup["spec"]` turn at `setup["lengths"]`, of which the first
    is that of the one pass, on `setup["device"]` in `setup["dtype"]`.

    Raises:
        RequestError: there is no such model or device.
    """
    lengths = setup["lengths"]
    if plan.only_declares(setup["spec"]):
        rotations = declared_rotations(declared_file(Path(setup["spec"])))
        layers = declared_layers(rotations, lengths)
    else:
        layers = _layers_of(at_work(setup), lengths[1:])
    return lambda task: {"layers": msgspec.to_builtins(layers)}


def _layers_of(work: ModelAtWork, lengths: Iterable[int]) -> ModelRotations:
    schedules = [rotation.schedule for rotation in work.rotations if rotation.schedule]
    layers = model_layers(
        work.observation,
        list(lengths),
        FarRuns(work.subject(), _numbers_a_token(work.whole.result)),
        schedules,
        work.model.types,
        is_small=bool(work.model.changes),
    )
    has_axes = any(rotation.sections for rotation in work.rotations)
    return msgspec.structs.replace(layers, has_axes=has_axes)


def _numbers_a_token(result: Any) -> int:
    """How many numbers a model returns a token: the words that it knows."""
    sizes = [x.shape[-1] for x in tensors_within(result) if isinstance(x, Tensor) and x.dim()]
    return max(sizes, default=1)


def open_comparison(setup: Mapping[str, Any]) -> Answer:
    """What answers with the rows that hold the layers `setup["spec"]` against those of
    `setup["other"]`."""
    torch.set_num_threads(1)
    first, second = (msgspec.convert(setup[side], ModelRotations) for side in ("spec", "other"))
    names = setup["names"][0], setup["names"][1]
    rows = list(against_rows(first, second, names, setup["device"], setup["dtype"]))
    return lambda task: {"against": msgspec.to_builtins(rows)}
