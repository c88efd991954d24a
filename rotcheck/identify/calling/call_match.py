"""A call that a function takes, and what its response says:
the convention that it follows, or the nearest."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from rotcheck.convention import FORMS, Convention, role_named
from rotcheck.identify.calling.documented_shapes import says_table_shape
from rotcheck.identify.reading.caller import Caller, Sample
from rotcheck.identify.reading.computed_angles import read_computed_angles
from rotcheck.identify.reading.defects import NO_DEFECT, Defect
from rotcheck.identify.reading.handed_tables import read_handed_tables
from rotcheck.identify.reading.matrix_reading import MatrixReading
from rotcheck.identify.reading.response import Response, measure_response


@dataclass(frozen=True, slots=True)
class Match:
    """A convention that a function follows, or the nearest, and what was measured of it."""

    convention: Convention
    reading: MatrixReading
    response: Response
    alternatives: tuple["Match", ...]  # further calls that give a right rotation too
    caller: Caller
    k: MatrixReading | None = None
    v: MatrixReading | None = None
    idle_offset: str = ""  # a parameter that should say where positions begin, and changes nothing
    # the same function on the CPU, of one that lives on another device
    on_cpu: Callable[..., Any] | None = None
    # the nearest with tables of other forms, where none gives a right rotation
    other_forms: tuple["Match", ...] = ()
    defect: Defect = NO_DEFECT  # which lanes, heads and rows depart from a convention, and how
    cut_short: bool = False  # the search ended before all calls were tried

    @property
    def conventions(self) -> tuple[Convention, ...]:
        """This call, and further ones that give a right rotation too."""
        return (self.convention, *(call.convention for call in self.alternatives))

    @property
    def of_same_tables(self) -> list[Convention]:
        """Those of them that take tables of the same form."""
        return [call for call in self.conventions if call.tables == self.convention.tables]

    @property
    def defect_words(self) -> str:
        """What departs from a convention, in words."""
        return self.defect.words

    @property
    def exact(self) -> bool:
        """Whether it follows a convention."""
        return self.even and not self.reading.problem and self._k_like_q

    @property
    def even(self) -> bool:
        """Whether all heads and batch rows are treated alike, and each row alone."""
        return not (self.response.uneven or self.response.mixes)

    @property
    def returns_input(self) -> bool:
        """Whether it gave back what went in."""
        return self.reading.problem == "not-rotated"

    @property
    def was_broadcast(self) -> bool:
        """Whether one entry of the tables turned every row or pair,
        and nothing makes sure that they were meant so."""
        return bool(self.reading.broadcast) and not says_table_shape(
            self.caller.function, self.convention
        )

    @property
    def takes_other_row(self) -> bool:
        """Whether it rotates any of q, k and v by another row's angle."""
        readings = (self.reading, self.k, self.v)
        return any(reading.problem == "shifted" for reading in readings if reading)

    @property
    def _k_like_q(self) -> bool:
        q, k = self.reading, self.k
        if k is None:
            return True
        if k != q:
            return False
        if k.angles is None or q.angles is None:
            return k.angles is q.angles
        return bool((k.angles - q.angles).abs().max() < 1e-4)


@dataclass(frozen=True, slots=True)
class NoMatch:
    """No call that was tried gave back a rotation; what the likeliest ones raised or returned."""

    reasons: tuple[str, ...]
    # the call that its signature speaks for, which a declaration may name
    likeliest: Convention | None = None
    ran: bool = True  # some call came back, if with something else
    why: str = ""  # in words, where that is known


def measure_call(
    caller: Caller,
    convention: Convention,
    sample: Sample | None = None,
    *,
    lane_by_lane: bool = True,
) -> Match:
    """Measure the response to a call that the function takes, and read it.

    `sample`: what that call did to random values,
    if that is known. `lane_by_lane`: as `measure_response` has it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same at every basis vector
        if sample is None:
            inputs = caller.random(convention)
            sample = Sample(convention, tuple(inputs), caller.call(convention, inputs))
        response = measure_response(caller, sample, lane_by_lane=lane_by_lane)
    readings = [_read(matrix, response) for matrix in response.matrices]
    q, k, v = (*readings, None, None, None)[:3]
    assert q is not None, "a call returns something"
    convention = _with_reading(convention, q, caller.probe.width)
    convention = replace(convention, rotates_v=v is not None and v.problem != "not-rotated")
    return Match(convention, q, response, (), caller, k, v)


def _read(matrix: Tensor, response: Response) -> MatrixReading:
    if response.cos is None or response.sin is None:
        return read_computed_angles(matrix)
    return read_handed_tables(matrix, response.cos, response.sin)


def _with_reading(convention: Convention, reading: MatrixReading, width: int) -> Convention:
    if reading.sin_first:
        convention = _sin_first(convention)
    return replace(
        convention,
        pairing=reading.pairing or convention.pairing,
        direction=reading.direction or 1,
        output_lanes=reading.output_lanes,
        table_lanes=reading.table_lanes if reading.table_lanes != reading.pairing else None,
        blocks=reading.blocks,
        rotary_dim=None if reading.rotary_dim in (0, width) else reading.rotary_dim,
    )


def _sin_first(convention: Convention) -> Convention:
    """The convention with cos and sin exchanged,
    in the arguments or in the form of a table that holds both."""
    parts = [argument.rpartition("=") for argument in convention.arguments]
    arguments = (f"{name}{equals}{role_named(role).sin_for_cos}" for name, equals, role in parts)
    forms = (form.name for form in FORMS.values() if form.exchanged == convention.tables)
    tables = next(forms, convention.tables)
    return replace(convention, arguments=tuple(arguments), tables=tables)
