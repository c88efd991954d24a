"""What a maker of tables for patches makes: how they turn along each side of an image."""

from msgspec import structs

from rotcheck.identify.angles.angle_findings import AngleFindings
from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import spans
from rotcheck.identify.angles.frequency_fit import Fit
from rotcheck.identify.angles.object_config import config_of
from rotcheck.identify.making.image_patches import SIDES, Sides, pairs_of_sides
from rotcheck.identify.making.returned_tables import STILL
from rotcheck.identify.making.table_description import (
    TableDescription,
    add_amplitude,
    add_contradiction,
    convention_of,
    table_evidence,
)
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.results import FieldEvidence


def describe_patches(maker: TableMaker) -> TableDescription:
    """Describe tables of the patches of an image or a film that a maker is handed."""
    reading, config, call = maker.findings(), config_of(maker.function), maker.call
    sides = pairs_of_sides(maker.function, call, maker.tables, maker.noise, config.schedules())
    add_amplitude(reading, maker, None, config)
    convention = structs.replace(convention_of(maker, reading, None), positions="grid")
    if isinstance(sides, str):
        reading.doubt = sides
        return TableDescription(convention, reading, table_evidence(maker, reading))
    names = SIDES[len(call.sides)]
    for name, side_fit in zip(names, sides.fits):
        _add_side(reading, name, side_fit)
        add_contradiction(reading, contradiction(side_fit, config, None, 0))
    if sides.first_angle > STILL:
        words = f"the first patch turns already, by {sides.first_angle:.2g} rad"
        reading.doubt = reading.doubt or words
    reading.schedule = _schedule_words(names, sides)
    convention = structs.replace(
        convention,
        schedule=reading.schedule,
        coordinates=sides.owners,
        frequencies=tuple(float(frequency) for frequency in sides.frequencies),
    )
    return TableDescription(convention, reading, table_evidence(maker, reading))


def _add_side(reading: AngleFindings, name: str, side_fit: Fit) -> None:
    """Say what is wrong with the angles along one side of an image, or not understood."""
    if side_fit.schedule is None:
        reading.doubt = reading.doubt or f"along a {name} its frequencies follow no known schedule"
    elif side_fit.wrong_at is not None:
        reading.doubt = reading.doubt or (
            f"along a {name} its angles do not grow with the place beyond {side_fit.longest}: "
            f"{side_fit.error:.2g} rad off"
        )
    else:
        words = f"right up to place {side_fit.longest}"
        evidence = f"phase at most {side_fit.error:.1e} rad off along each {name}"
        reading.evidence.append(FieldEvidence(field="context", says=words, because=evidence))


def _schedule_words(names: tuple[str, ...], sides: Sides) -> str:
    parts = (
        f"pairs {spans(sides.owners, side)} with the {name} of a patch, {side_fit.schedule or 'no known schedule'}"
        for side, (name, side_fit) in enumerate(zip(names, sides.fits))
    )
    return f"Axial: {'; '.join(parts)}"
