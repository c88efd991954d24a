"""What a maker of tables makes: which tables, of which angles, and how far they are right."""

from dataclasses import dataclass

from msgspec import structs

from rotcheck.convention import shape
from rotcheck.convention.vocabulary import is_named
from rotcheck.identify.angles.angle_findings import AngleFindings, add_offset, add_schedule
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import Axes, of_axes, spans
from rotcheck.identify.angles.frequency_fit import Fit, fit_schedule
from rotcheck.identify.angles.measured_angles import Angles
from rotcheck.identify.angles.object_config import ObjectConfig, config_of
from rotcheck.identify.angles.schedule_faults import (
    amplitude_missing,
    long_factors,
    not_dynamic,
)
from rotcheck.identify.making import mrope_tables
from rotcheck.identify.making.layer_types import idle_layer_type, other_layers
from rotcheck.identify.making.point_tables import owners
from rotcheck.identify.making.position_arguments import ArgumentTrials, try_arguments
from rotcheck.identify.making.row_offsets import SURELY_OFFSET, name_of_offset
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.identify.making.table_precision import of_narrow_values
from rotcheck.identify.making.table_rows import rows_of
from rotcheck.identify.remarks import remark
from rotcheck.results import Description, FieldEvidence
from rotcheck.rotary.schedules import Plain


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What a maker of tables does, and what its angles say."""

    convention: Description
    angles: AngleFindings
    evidence: tuple[FieldEvidence, ...]
    untried: tuple[str, ...] = ()  # arguments


def describe(maker: TableMaker) -> TableDescription:
    """Describe tables of positions in a row, or of points."""
    reading, trials = maker.findings(), try_arguments(maker)
    reading.remarks += trials.remarks
    reading.remarks += of_narrow_values(maker)
    # of a maker that ignores its positions, the first rows tell all
    ignores = maker.tables.ignores
    angles = dict(enumerate(maker.tables.angles)) if ignores else rows_of(maker, reading)
    turning = owners(maker.function, maker.call) if maker.call.coordinates else None
    angle_fit, axes = _fit(maker, angles, turning)
    _add_fit(maker, reading, trials, angles, angle_fit)
    if maker.call.coordinates and not turning:
        reading.remarks += mrope_tables.idle_axes(maker)
    add_contradiction(reading, mrope_tables.contradiction(maker.function, turning))
    _add_schedule_faults(maker, reading, angle_fit, max(angles))
    convention = convention_of(maker, reading, angle_fit)
    if turning and axes:
        convention = _of_points(convention, reading, turning, axes)
    layers = other_layers(maker)
    reading.doubt = reading.doubt or idle_layer_type(maker, layers, reading.schedule)
    evidence = (*table_evidence(maker, reading), *layers.values(), *trials.evidence)
    rest = tuple(argument for argument in trials.untried if argument not in layers)
    return TableDescription(convention, reading, evidence, rest)


def _fit(
    maker: TableMaker, angles: Angles, turning: tuple[int, ...] | None
) -> tuple[Fit, Axes | None]:
    """The fit of the angles; `turning`: the coordinate that each pair turns with."""
    schedules = config_of(maker.function).schedules()
    if turning:
        axes = of_axes(angles, turning, maker.noise, schedules)
        return axes.fit, axes
    return fit_schedule(angles, 1, 2 * maker.tables.cos.shape[-1], maker.noise, schedules), None


def _add_fit(
    maker: TableMaker,
    reading: AngleFindings,
    trials: ArgumentTrials,
    angles: Angles,
    angle_fit: Fit,
) -> None:
    """Say which schedule the angles follow, where they begin, and what scales them."""
    reading.longest = angle_fit.longest
    add_schedule(reading, angle_fit, max(angles))
    late = add_offset(reading, angles, angle_fit, 1)
    if late > 0:
        _add_late_begin(reading, trials, name_of_offset(maker), late)
    add_amplitude(reading, maker, angle_fit, config_of(maker.function))


def _add_schedule_faults(
    maker: TableMaker, reading: AngleFindings, angle_fit: Fit, last: int
) -> None:
    config, call = config_of(maker.function), maker.call
    lanes = None if call.coordinates or "D" in call.roles else 2 * angle_fit.turning
    add_contradiction(reading, contradiction(angle_fit, config, lanes, last))
    changes = any(finding.code == "by-length" for finding in reading.remarks)
    reading.remarks += long_factors(angle_fit)
    reading.remarks += [] if changes else not_dynamic(config, last)


def _add_late_begin(reading: AngleFindings, trials: ArgumentTrials, name: str, late: int) -> None:
    """Say how many rows late a maker begins that is told by `name` how many come before.

    A mistake of what is named an offset. What is named after a prefill may count a token more.
    """
    if not name:
        return
    before = f"from {name} on"
    trials.evidence = [
        structs.replace(fact, says=f"from {name} + {late} on") if fact.says == before else fact
        for fact in trials.evidence
    ]
    words = f"the first row is position {name} + {late}, and what follows {name} tokens begins at position {name}"
    at = next(at for at, finding in enumerate(reading.remarks) if finding.code == "offset")
    if is_named(name, SURELY_OFFSET):
        reading.remarks[at] = structs.replace(reading.remarks[at], message=words)
    else:
        reading.doubt = f"{words}: right only where it counts a token more"
        del reading.remarks[at]


def _of_points(
    convention: Description, reading: AngleFindings, turning: tuple[int, ...], axes: Axes
) -> Description:
    """Describe tables of points: which pairs turn with which coordinate."""
    convention = structs.replace(convention, coordinates=turning)
    convention = in_blocks(convention, axes.rows) if axes.twice else convention
    count = max(convention.coordinates) + 1
    parts = "; ".join(
        f"pairs {spans(convention.coordinates, axis)} with coordinate {axis}"
        for axis in range(count)
    )
    if reading.schedule:
        rows = f"Axial, for each of {count} coordinates " if axes.rows > 1 else ""
        reading.schedule = f"{rows}{reading.schedule}: {parts}"
    evidence = "points with one coordinate after another not 0"
    words = f"points of {count} coordinates: {parts}"
    reading.evidence.append(FieldEvidence(field="positions", says=words, because=evidence))
    return structs.replace(convention, schedule=reading.schedule)


def in_blocks(convention: Description, rows: int) -> Description:
    """Tables whose lanes hold a row of frequencies for each coordinate, each row twice."""
    lanes, half = len(convention.coordinates), len(convention.coordinates) // rows // 2
    first = [at + pair for at in range(0, lanes, 2 * half) for pair in range(half)]
    frequencies = convention.frequencies
    return structs.replace(
        convention,
        tables="repeated",
        table_lanes="half",
        rotary_dim=lanes,
        blocks=rows,
        coordinates=tuple(convention.coordinates[pair] for pair in first),
        frequencies=tuple(frequencies[pair] for pair in first if frequencies),
    )


def add_amplitude(
    reading: AngleFindings, maker: TableMaker, angle_fit: Fit | None, config: ObjectConfig
) -> None:
    """Say what cos and sin are scaled by, and whether that is what the schedule asks for."""
    amplitude = amplitude_beyond_rounding(maker.tables.amplitude) or 1.0
    if amplitude != 1.0:
        words = f"scales cos and sin by {amplitude:.6g} (an attention factor)"
        reading.remarks.append(remark("amplitude", words, "cos**2 + sin**2", mistake=False))
    schedule = angle_fit.schedule if angle_fit else None
    reading.doubt = reading.doubt or amplitude_missing(schedule, amplitude, config)


def amplitude_beyond_rounding(norm: float) -> float | None:
    """What scales cos and sin, from the length of a turned pair; None: nothing beyond rounding."""
    return norm if abs(norm - 1) > 1e-3 else None


def add_contradiction(reading: AngleFindings, words: str | None) -> None:
    """Add what a maker says of itself and does not do to why it is not understood."""
    if (
        words
        and words not in (reading.doubt or "")
        and not any(finding.mistake for finding in reading.remarks)
    ):
        reading.doubt = "; ".join(reason for reason in (reading.doubt, words) if reason)


def convention_of(maker: TableMaker, reading: AngleFindings, angle_fit: Fit | None) -> Description:
    """The convention of tables; `angle_fit`: of all pairs, where they are of one fit."""
    tables, call = maker.tables, maker.call
    positions = "points" if call.coordinates else "any" if call.positions == "given" else "from 0"
    plain = angle_fit is None or isinstance(angle_fit.schedule, Plain)
    return Description(
        kind="builds",
        tables=tables.form,
        table_axes=tables.axes,
        table_lanes=tables.table_lanes,
        argument_order=call.argument_words,
        theta=reading.theta,
        schedule=reading.schedule,
        amplitude=amplitude_beyond_rounding(tables.amplitude),
        order=tables.order,
        frequencies=()
        if angle_fit is None or plain
        else tuple(float(frequency) for frequency in angle_fit.frequencies),
        rotary_dim=2 * tables.cos.shape[-1],
        positions="grid" if tables.grid else positions,
        dtype_rule=f"returns {str(tables.dtype)[6:]}",
    )


def table_evidence(maker: TableMaker, reading: AngleFindings) -> tuple[FieldEvidence, ...]:
    """What told so: the call, the form of the tables, and the angles."""
    tables, call = maker.tables, maker.call
    axes = shape(tables.axes, "D" if tables.table_lanes else "D/2")
    x = f", for x {shape(call.x_axes)}" if call.positions == "x" else ""
    return (
        FieldEvidence(
            field="call", says=call.words, because=f"the result is tables of a rotation{x}"
        ),
        FieldEvidence(
            field="tables",
            says=f"{tables.form}, {tables.order}, {axes}",
            because="cos**2 + sin**2 and the row of position 0",
        ),
        *reading.evidence,
    )
