"""The target under test, called so that what it does to the process stays its own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from rotcheck.convention import Convention
from rotcheck.convention.calls import Call, arguments, results
from rotcheck.implementations.interface import Function
from rotcheck.implementations.target import Target, resolve
from rotcheck.measure import switches
from rotcheck.measure.cell_evidence import Evidence
from rotcheck.measure.device import wait
from rotcheck.measure.fences import fences
from rotcheck.measure.outside_writes import OUTSIDE, outside
from rotcheck.measure.switch_worlds import World

CALLS = 3
"""How often each thing is run: two of
the known TorchScript failures appear only on the second call."""


class Wrong(Exception):
    """The implementation returned what cannot be measured; carries the evidence."""

    def __init__(self, finding: str, message: str) -> None:
        super().__init__(message)
        self.evidence = Evidence(finding=finding, message=message)


class Unidentified(Exception):
    """Nobody knows how the function is to be called:
    it declares nothing, and no call of it was understood."""


class Subject:
    """A target under test, loaded for a device and called in a world of switches of its own.

    What it does to the process (thread count, executor flags, ...) it finds again as it left it;
    rotcheck's own code runs in another world.

    Args:
        target: A SPEC, which is resolved in the target's world, or a target that is there.
        device: What it is loaded for.
        convention: What it was found to follow, for a function that declares nothing itself.
        declares: What it is held to was stated, and not found out.
        no_gradient: Why it has no gradient by design, where that was found out.
        threads: How many rotcheck's own code has; its tensors are small, and several workers
            would fight for the cores. None: as many as there are.

    Raises:
        Unidentified: It has no convention.
        Exception: What `rotcheck.implementations.target.resolve` raises.
    """

    def __init__(
        self,
        target: str | Target,
        device: str,
        convention: Convention | None = None,
        *,
        declares: bool = True,
        no_gradient: str | None = None,
        threads: int | None = 1,
    ) -> None:
        self.declares = declares
        self._no_gradient = no_gradient
        self.raised: BaseException | None = None  # by the target itself
        self.seconds = 0.0  # of the last call
        self._streams: set[str] = set()
        self._world = World(threads)
        with self.running():
            self.target = resolve(target, device, convention) if isinstance(target, str) else target
        if self.target.convention is None:
            raise Unidentified
        self.convention: Convention = self.target.convention
        self._function = self.target.function
        self._after_loading = self._world.inside
        self._streams.clear()
        self.interpreted = device == "interpreter"
        self.device = torch.device("cpu" if self.interpreted else device)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the target's code in its own world, and note what it raises."""
        with self._world.enter():
            sizes = switches.read_streams()
            start = time.perf_counter()
            try:
                yield
            except BaseException as error:
                self.raised = error
                raise
            finally:
                self.seconds = time.perf_counter() - start
                now = switches.read_streams()
                self._streams |= {name for name in now if now[name] not in (sizes[name], None)}

    def call(self, call: Call) -> tuple[Tensor, ...]:
        """Call it once and return its results, one for each input.

        Raises `Wrong` when they are not like these.
        """
        positional, keyword = arguments(self.convention, call)
        with self.running(), fences() as around:
            returned = self._function(*positional, **keyword)
            wait(call.inputs[0].device)
        if around.is_crossed():
            raise Wrong(OUTSIDE, outside("a tensor that it allocates"))
        tensors = results(returned, call.inputs, self.convention.in_place)
        if len(tensors) < len(call.inputs):
            words = f"returned {_kind_of(returned)}; expected {len(call.inputs)} tensors"
            raise Wrong("no-tensor", words)
        return tuple(_check(result, x) for result, x in zip(tensors, call.inputs))

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
        """The switches that it changed without having declared so."""
        inside = self._world.inside
        by_import = switches.differing(self._world.before, inside)
        by_calls = switches.differing(self._after_loading, inside)
        changes = [switch for switch in by_import if not switch.by_calls]
        changes += [switch for switch in by_calls if switch.by_calls]
        declared = self.target.switches
        return [
            one
            for one in changes
            if one.name not in declared and not self._was_only_written_to(one)
        ]

    def _was_only_written_to(self, switch: switches.Switch) -> bool:
        """Whether it is a standard stream that is still open:
        that more was written to it harms nobody."""
        return switch.finding == "closes" and self._world.inside[switch.name] is not None

    @property
    def streams(self) -> list[str]:
        """The standard streams to which a call wrote."""
        return sorted(self._streams, reverse=True)

    def change(self, switch: switches.Switch) -> str:
        """What became of a switch, in words."""
        name = switch.name
        return switches.change(switch, self._world.before[name], self._world.inside[name])

    @property
    def no_gradient(self) -> str | None:
        """Why it has no gradient by design, where its module says so, or `identify` saw it."""
        return self._no_gradient or self.target.no_gradient


def _check(result: Any, x: Tensor) -> Tensor:
    shape = tuple(x.shape)
    if not isinstance(result, Tensor):
        raise Wrong("no-tensor", f"returned {_kind_of(result)}; expected a tensor of shape {shape}")
    if result.shape != x.shape:
        raise Wrong("shape", f"returned shape {tuple(result.shape)} for an input of {shape}")
    if result.device != x.device:
        raise Wrong("device", f"returned a tensor on {result.device} for an input on {x.device}")
    return result


def _kind_of(result: Any) -> str:
    return "None" if result is None else f"an object of class {type(result).__name__}"
