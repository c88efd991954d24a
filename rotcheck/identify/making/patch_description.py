"""What a maker of tables for the patches of an image or a film makes: how they turn along each side."""

from msgspec import structs

from rotcheck.identify.angles.contradiction import contradiction
from rotcheck.identify.angles.coordinate_frequencies import spans
from rotcheck.identify.angles.frequency_fit import Fit
from rotcheck.identify.angles.object_config import config_of
from rotcheck.identify.angles.own_angles import OwnAngles
from rotcheck.identify.making.image_patches import SIDES, Sides, pairs_of_sides
from rotcheck.identify.making.returned_tables import STILL
from rotcheck.identify.making.table_description import (
    TableDescription,
    add_amplitude,
    add_contradiction,
    described,
    empty_angles,
    table_evidence,
)
from rotcheck.identify.making.table_maker import TableMaker
from rotcheck.results import Told


def describe_patches(maker: TableMaker) -> TableDescription:
    """Describe tables of the patches of an image or a film that a maker is handed."""
    own, config, call = empty_angles(maker), config_of(maker.function), maker.call
    sides = pairs_of_sides(maker.function, call, maker.tables, maker.noise, config.schedules())
    add_amplitude(own, maker, None, config)
    convention = structs.replace(described(maker, own, None), positions="grid")
    if isinstance(sides, str):
        own.doubt = sides
        return TableDescription(convention, own, table_evidence(maker, own))
    names = SIDES[len(call.sides)]
    for name, fitted in zip(names, sides.fits):
        _add_side(own, name, fitted)
        add_contradiction(own, contradiction(fitted, config, None, 0))
    if sides.first_angle > STILL:
        words = f"the first patch turns already, by {sides.first_angle:.2g} rad"
        own.doubt = own.doubt or words
    own.schedule = _schedule_words(names, sides)
    convention = structs.replace(
        convention,
        schedule=own.schedule,
        coordinates=sides.owners,
        frequencies=tuple(float(frequency) for frequency in sides.frequencies),
    )
    return TableDescription(convention, own, table_evidence(maker, own))


def _add_side(own: OwnAngles, name: str, fitted: Fit) -> None:
    """Say what is wrong with the angles along one side of an image, or not understood."""
    if fitted.schedule is None:
        own.doubt = own.doubt or f"along a {name} its frequencies follow no known schedule"
    elif fitted.wrong_at is not None:
        own.doubt = own.doubt or (
            f"along a {name} its angles do not grow with the place beyond {fitted.longest}: {fitted.error:.2g} rad off"
        )
    else:
        words = f"right up to place {fitted.longest}"
        evidence = f"phase at most {fitted.error:.1e} rad off along each {name}"
        own.evidence.append(Told(field="context", says=words, because=evidence))


def _schedule_words(names: tuple[str, ...], sides: Sides) -> str:
    parts = (
        f"pairs {spans(sides.owners, side)} with the {name} of a patch, {fitted.schedule or 'no known schedule'}"
        for side, (name, fitted) in enumerate(zip(names, sides.fits))
    )
    return f"Axial: {'; '.join(parts)}"
