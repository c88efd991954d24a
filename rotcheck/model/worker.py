"""Inside a worker: builds a model, sees what it does, and judges that."""

import importlib
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec import structs

from rotcheck.errors import RequestError
from rotcheck.identify.worker_device import check
from rotcheck.model import plan
from rotcheck.model.axis_rows import AxisWitness
from rotcheck.model.backward_pass import backward_row
from rotcheck.model.build.build_error import BuildError
from rotcheck.model.build.built_model import BuiltModel, build
from rotcheck.model.build.call_search import copy_of
from rotcheck.model.build.config_json import config_of_module
from rotcheck.model.build.precision import moved
from rotcheck.model.declared.declared_file import declared_file
from rotcheck.model.declared.declared_rotation import (
    DeclaredRotation,
    declared_lengths,
    declared_rotations,
)
from rotcheck.model.declared_rows import declared_alone, declared_rows, schedules_of
from rotcheck.model.forward_pass import (
    ForwardPass,
    dtype_of,
    run_forward,
)
from rotcheck.model.model_rows import ModelObservation, no_rotation_row
from rotcheck.model.sequences.evidence.way_fault import other_fault
from rotcheck.model.sequences.way import NotComparable, WayClosed, WaySubject
from rotcheck.model.still_rows import still_rows
from rotcheck.model.weights.text_tokens import text_of
from rotcheck.model.weights.trained_model import trained_model
from rotcheck.model.weights.weights_judge import judge_weights
from rotcheck.results import ModelRow, WayRow

SEED = 0

Answer = Callable[[list[str]], dict[str, Any]]


def open_model(setup: dict[str, Any]) -> Answer:
    """Build the model of `setup["spec"]` on `setup["device"]` in `setup["dtype"]`.

    Returns what answers the tasks [dtype, "forward"] and [dtype, NAME] of each way of calling it.

    Raises:
        RequestError: there is no such model or device.
    """
    if plan.only_declares(setup["spec"]):
        rotations = declared_rotations(declared_file(Path(setup["spec"])))
        answer = {
            "model": Path(setup["spec"]).name,
            "declared": msgspec.to_builtins(list(declared_alone(rotations))),
            "lengths": declared_lengths(rotations),
        }
        return lambda task: answer
    model = at_work(setup)
    return lambda task: model.rows() if task[1] == plan.FORWARD else model.way(task[1])


def at_work(setup: Mapping[str, Any]) -> "ModelAtWork":
    """The model of `setup["spec"]` on `setup["device"]` in `setup["dtype"]`."""
    check(setup["device"])
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    return ModelAtWork(setup["spec"], setup["device"], setup["dtype"])


def open_weights(setup: dict[str, Any]) -> Answer:
    """Load the trained model of `setup["spec"]`; what answers how its weights fit its rotation, by
    the text of `setup["text"]`, or the one that comes with rotcheck where that is None.

    Raises:
        RequestError: there are no weights, or no such text.
    """
    check(setup["device"])
    torch.set_num_threads(1)
    file = setup["text"]
    text = text_of(None if file is None else Path(file))
    spec, precision = setup["spec"], _precision(setup["dtype"])
    config: Mapping[str, Any] | None
    folder: Path | None = None
    if Path(spec).is_dir():
        folder = Path(spec)
        whole = trained_model(folder, setup["device"], precision or torch.float32)
        module, config = whole.module, whole.config
    else:  # a factory's, which has the weights that it gave it
        model = _build(spec, precision)
        module, config = model.module.to(setup["device"]), model.config
    return lambda task: {
        "weights": msgspec.to_builtins(judge_weights(module, text, config, folder))
    }


def _build(spec: str, precision: torch.dtype | None) -> BuiltModel:
    """The model of a SPEC. Raises `RequestError` itself, which ends the run, where it cannot be."""
    try:
        return build(spec, precision)
    except BuildError as error:
        raise RequestError(f"{spec!r} cannot be built: {error}") from error


def _precision(dtype: str) -> torch.dtype | None:
    return None if dtype == plan.AS_MADE else getattr(torch, dtype)


class ModelAtWork:
    """A model on a device, and its one pass over the whole sequence."""

    def __init__(self, spec: str, device: str, dtype: str) -> None:
        self.spec, self.device = spec, device
        self.precision = _precision(dtype)
        self.model: BuiltModel = _build(spec, self.precision)
        self.module = self.model.module.to(device)
        self.untouched = copy_of(self.module)
        self.inputs = moved(self.model.inputs, None, device)
        self.dtype = str(dtype_of(self.module)).removeprefix("torch.")

    @cached_property
    def whole(self) -> ForwardPass:
        """The pass, which is run once."""
        return run_forward(self.module, self.inputs)

    @cached_property
    def rotations(self) -> tuple[DeclaredRotation, ...]:
        """What its configuration declares."""
        return tuple(declared_rotations(self.model.config or {}))

    @property
    def observation(self) -> ModelObservation:
        """What was seen in the pass, judged."""
        schedules = schedules_of(self.rotations, self.whole.length)
        return ModelObservation(self.whole, config_of_module(self.module), schedules)

    def rows(self) -> dict[str, Any]:
        """The rows of one forward and one backward pass, and the configuration beside them."""
        declared, observation = self.rotations, self.observation
        axes = AxisWitness(self.module, self.inputs, observation.config)
        beside = [
            *declared_rows(observation, declared, self.model.config or {}, axes),
            *still_rows(observation.calls, observation.config),
        ]
        rows = [structs.replace(row, dtype=self.dtype) for row in self._rows(observation)]
        names = list(dict.fromkeys(self.whole.witness.without_turn))
        turns = any(row.kind == "rotation" for row in rows)
        has_tables = observation.has_complex_tables
        if not rows or (not turns and (has_tables or (names and observation.has_tables))):
            facts = {"declares": bool(declared), "has_tables": has_tables}
            rows.append(no_rotation_row(self.device, self.dtype, names, **facts))
        return {
            "lengths": [self.whole.length, *declared_lengths(declared)],
            "model": self.model.name,
            "dtype": self.dtype,
            "changes": list(self.model.changes),
            "rows": msgspec.to_builtins(rows),
            "declared": msgspec.to_builtins(beside),
        }

    def _rows(self, observation: ModelObservation) -> list[ModelRow]:
        rows = list(observation.rows(self.device))
        if rows:
            backward = backward_row(self.whole, self.module, self.model.name, self.device)
            rows += [*observation.backward_rows(self.device), backward]
        return rows

    def way(self, name: str) -> dict[str, Any]:
        """The row of a way in which the model is called."""
        way = importlib.import_module(f"rotcheck.model.sequences.{name.replace('-', '_')}")
        began = time.perf_counter()
        subject = self.subject()
        fields: dict[str, Any] = {"what": way.TITLE}
        try:
            outcome = way.run(subject)
        except WayClosed as error:
            fields |= {"verdict": "skipped", "message": str(error)}
        except NotComparable as error:
            fields |= {"verdict": "unidentified", "message": str(error)}
        except Exception as error:  # a stranger's model, in a way in which it was not made to run
            fault = other_fault(error, self.whole.witness)
            if not fault:
                raise
            fields |= {"verdict": "skipped", "message": fault}
        else:
            verdict = (
                "disagrees" if outcome.finding else "unidentified" if outcome.message else "agrees"
            )
            note = "; ".join(filter(None, (outcome.note, *subject.notes)))
            fields |= {
                key: getattr(outcome, key) for key in ("what", "error", "finding", "message")
            }
            fields |= {"note": note or None, "verdict": verdict}
        place: dict[str, Any] = {"way": name, "device": self.device, "dtype": self.dtype}
        row = WayRow(**place, **fields, seconds=time.perf_counter() - began)
        return {"way": msgspec.to_builtins(row)}

    def subject(self) -> WaySubject:
        """What a way of calling the model gets."""
        return WaySubject(
            self.module,
            self.inputs,
            config_of_module(self.module),
            self.device,
            getattr(torch, self.dtype),
            lambda: _build(self.spec, self.precision).module,
            self.whole,
            self.untouched,
        )
