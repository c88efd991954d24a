"""The implementation under test, called so that what it does to the process stays its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.implementations.interface import Function, Implementation
from rotcheck.implementations.load import Found, implementation
from rotcheck.measure import switches
from rotcheck.measure.device import wait
from rotcheck.measure.evidence import Evidence
from rotcheck.measure.fences import fences
from rotcheck.rotary.calls import Call, arguments, results

CALLS = 3
"""How often each thing is run: two of the known TorchScript failures appear only on the second call."""


class Wrong(Exception):
    """The implementation returned what cannot be measured; carries the evidence."""

    def __init__(self, finding: str, message: str) -> None:
        super().__init__(message)
        self.evidence = Evidence(finding=finding, message=message)


class Subject:
    """An implementation loaded for a device.

    It is imported and called in a world of switches of its own, which it may change and finds again as it
    left it; rotcheck's own code runs in another. `raised` holds what it raised itself. `declares`: what it is
    held to was said of it, and not found out. `no_gradient`: why it has none by design, where that was found out.
    """

    def __init__(
        self,
        specification: str | Implementation,
        device: str,
        convention: Found = None,
        *,
        declares: bool = True,
        no_gradient: str | None = None,
    ) -> None:
        self.declares = declares
        self._no_gradient = no_gradient
        self.raised: BaseException | None = None
        self.seconds = 0.0
        self._spoken: set[str] = set()
        self._before = self._inside = switches.read()
        torch.set_num_threads(
            1
        )  # for rotcheck's own small tensors: several workers would fight for the cores
        self._outside = switches.read()
        with self.running():
            self._module = _module(specification, convention, device)
            self._function = self._module.load(device)
        self._loaded = self._inside
        self._spoken.clear()
        self.interpreted = device == "interpreter"
        self.device = torch.device("cpu" if self.interpreted else device)
        self.convention: Convention = self._module.convention

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the implementation's code in its own world, and note what it raises."""
        switches.move(self._inside, now=self._outside)
        written = switches.written()
        started = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self.raised = error
            raise
        finally:
            self.seconds = time.perf_counter() - started
            self._inside = switches.read()
            self._spoken |= {
                name for name, size in written.items() if self._inside[name] not in (size, None)
            }
            switches.move(self._outside, now=self._inside)

    def call(self, call: Call) -> tuple[Tensor, ...]:
        """Call it once and return its results, one for each input. Raises `Wrong` when they are not like these."""
        positional, keyword = arguments(self.convention, call)
        with self.running(), fences() as around:
            returned = self._function(*positional, **keyword)
            wait(call.inputs[0].device)
        if around.crossed():
            raise Wrong(
                "writes-outside", "writes outside of a tensor that it allocates: look at its masks"
            )
        found = results(returned, call.inputs, self.convention.in_place)
        if len(found) < len(call.inputs):
            raise Wrong(
                "no-tensor", f"returned {_named(returned)}; expected {len(call.inputs)} tensors"
            )
        return tuple(_checked(result, x) for result, x in zip(found, call.inputs))

    @property
    def function(self) -> Function:
        """What is called."""
        return self._function

    @contextmanager
    def through(self, transform: Callable[[Function], Function]) -> Iterator[None]:
        """Call, as long as the block lasts, what a transform makes of it: a compiled one, say."""
        plain = self._function
        try:
            with self.running():
                self._function = transform(plain)
            yield
        finally:
            self._function = plain

    def changed(self) -> list[switches.Switch]:
        """Return the switches that it changed without having declared so."""
        declared = getattr(self._module, "switches", ())
        found = [
            switch
            for switch in switches.differing(self._before, self._inside)
            if not switch.by_calls
        ]
        found += [
            switch for switch in switches.differing(self._loaded, self._inside) if switch.by_calls
        ]
        return [
            switch
            for switch in found
            if switch.name not in declared and not self._was_only_written_to(switch)
        ]

    def _was_only_written_to(self, switch: switches.Switch) -> bool:
        """Return whether it is a standard stream that is still open: that more was written to it harms nobody."""
        return switch.finding == "closes" and self._inside[switch.name] is not None

    @property
    def spoken(self) -> list[str]:
        """The standard streams to which a call wrote."""
        return sorted(self._spoken, reverse=True)

    def change(self, switch: switches.Switch) -> str:
        """Return what became of a switch, in words."""
        return switches.change(switch, self._before[switch.name], self._inside[switch.name])

    def path(self) -> tuple[str | None, str | None]:
        """Return what really ran and why, where the implementation tells."""
        tell = getattr(self._module, "path", None)
        return tell() if tell else (None, None)

    @property
    def no_gradient(self) -> str | None:
        """Why it has no gradient by design, where its module says so, or `identify` saw it."""
        return self._no_gradient or getattr(self._module, "no_gradient", None)

    @property
    def no_trace(self) -> str | None:
        """Why nothing that traces can look into it by design, where its module says so."""
        return getattr(self._module, "no_trace", None)

    def skip(self, device: str, dtype: str) -> str | None:
        """Return its reason not to run a dtype on a device."""
        reason = getattr(self._module, "skip", None)
        return reason(device, dtype) if reason else None


def _module(specification: str | Implementation, convention: Found, device: str) -> Implementation:
    if isinstance(specification, str):
        return implementation(specification, convention, device)
    return specification


def _checked(result: Any, x: Tensor) -> Tensor:
    if not isinstance(result, Tensor):
        raise Wrong(
            "no-tensor", f"returned {_named(result)}; expected a tensor of shape {tuple(x.shape)}"
        )
    if result.shape != x.shape:
        raise Wrong(
            "shape", f"returned shape {tuple(result.shape)} for an input of {tuple(x.shape)}"
        )
    if result.device != x.device:
        raise Wrong("device", f"returned a tensor on {result.device} for an input on {x.device}")
    return result


def _named(result: Any) -> str:
    return "None" if result is None else f"an object of class {type(result).__name__}"
