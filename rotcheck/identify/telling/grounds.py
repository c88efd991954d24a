"""What told each thing that is said of a function, and what remains possible of what cannot be told."""

from rotcheck.convention import Convention, role_of, shape
from rotcheck.identify.calling.match import Match
from rotcheck.identify.calling.match_ranking import broadcasts
from rotcheck.identify.reading.convention_words import call_words, table_words
from rotcheck.results import Ambiguity, Told, Way


def of_call(found: Match, convention: Convention) -> list[Told]:
    """Return the call, and what its response told."""
    tried = f"{found.caller.calls} calls tried; this one rotates"
    said = [Told(field="call", says=call_words(convention), because=tried)]
    if found.reading.pairing:
        said += _of_pairs(found, convention)
    sizes = "sizes all different: other layouts raise or change shape"
    said.append(Told(field="layout", says=_layout(found), because=sizes))
    if convention.tables != "positions":
        seen = "tables whose entries all differ: which of them each lane holds"
        half = found.reading.unread
        says = f"{table_words(convention)}{f'; their {half} is never read' if half else ''}"
        said.append(Told(field="tables", says=says, because=seen))
    return said


def _of_pairs(found: Match, convention: Convention) -> list[Told]:
    reading, probe = found.reading, found.caller.probe
    across = (convention.rotary_dim or probe.rotary) // 2 // convention.blocks
    partner = across if reading.pairing == "half" else 1
    within = (
        f", within each of {convention.blocks} blocks of lanes" if convention.blocks > 1 else ""
    )
    basis = f"basis vectors in a head of {probe.width} lanes: lane 0 leaks into lane {partner}"
    sign = "-" if (reading.direction or 1) > 0 else "+"
    said = [
        Told(field="pairing", says=f"{reading.pairing}{within}", because=basis),
        Told(
            field="direction",
            says=f"{reading.direction:+d}",
            because=f"lane {partner} arrives in lane 0 as {sign}sin",
        ),
    ]
    if reading.output_lanes != "same":
        moved = (
            "lane 2 arrives in lane 1"
            if reading.output_lanes == "de-interleaved"
            else "lane 1 arrives in lane 2"
        )
        said.append(Told(field="output_lanes", says=reading.output_lanes, because=moved))
    return said


def of_rotary_dim(convention: Convention, *, follows_tables: bool) -> Told:
    """Return how many lanes rotate."""
    lanes = str(convention.rotary_dim or "all lanes")
    if follows_tables or "R" in map(role_of, convention.arguments):
        lanes = f"as many lanes as {'the tables say' if follows_tables else 'it is told'}"
    return Told(field="rotary_dim", says=lanes, because="lanes that come back as they went in")


def of_error(error: float) -> Told:
    """Return how far its values are from float64."""
    seen = "random values, hard positions, in rounding steps of float32"
    return Told(field="values", says=f"error {error:.2f}", because=seen)


def _layout(found: Match) -> str:
    convention = found.convention
    axes = shape(convention.axes)
    if any_layout(found):
        return f"any: tables just have to line up, as {shape(convention.table_axes)} with {axes}"
    return f"{convention.layout} {axes}"


def any_layout(found: Match) -> bool:
    """Return whether nothing in the function tells one layout from another."""
    return not found.convention.packed and broadcasts(found) and len(_layouts(found)) > 1


def _layouts(found: Match) -> dict[str, None]:
    every = [found.convention, *(other.convention for other in found.alternatives)]
    return dict.fromkeys(each.layout for each in every if each.tables == found.convention.tables)


def ambiguities(found: Match) -> list[Ambiguity]:
    """Return what remains possible of layout and pairing."""
    convention, ambiguous = found.convention, []
    if any_layout(found):
        ambiguous.append(_of_layouts(found))
    elif convention.packed and broadcasts(found):
        every = [convention, *(other.convention for other in found.alternatives)]
        possible = (
            *dict.fromkeys(map(_way, every)),
            "any other packing whose tables line up with it",
        )
        why = "nothing in it tells which axis is which"
        ambiguous.append(Ambiguity(field="layout", possible=possible, why=why))
    if (convention.rotary_dim or found.caller.probe.rotary) == 2:
        why = "of two lanes both are the same"
        ambiguous.append(Ambiguity(field="pairing", possible=("half", "interleaved"), why=why))
    return ambiguous


def _of_layouts(found: Match) -> Ambiguity:
    every = [found.convention, *(other.convention for other in found.alternatives)]
    alike = [each for each in every if each.tables == found.convention.tables]
    possible = dict.fromkeys(
        f"{each.layout} with tables {shape(each.table_axes)}" for each in alike
    )
    why = "the tables just line up with the tensor: how they are shaped decides"
    return Ambiguity(field="layout", possible=tuple(possible), why=why)


def also(found: Match) -> tuple[str, ...]:
    """Return further ways to call it."""
    if any_layout(found):
        return ()
    ways = dict.fromkeys(_way(other.convention) for other in found.alternatives)
    ways.pop(_way(found.convention), None)
    return tuple(ways)


def ways(found: Match) -> tuple[Way, ...]:
    """Return further ways to call it, as data; of one that takes any layout, the first way too."""
    others = [
        other.convention
        for other in found.alternatives
        if other.convention.tables == found.convention.tables
    ]
    every = [*([found.convention] if any_layout(found) else []), *others]
    return tuple(
        Way(layout=one.layout, table_axes=one.table_axes or None, position_axes=one.position_axes)
        for one in every
    )


def _way(convention: Convention) -> str:
    layout = f"{convention.layout} {shape(convention.axes)}"
    if convention.tables == "positions":
        return layout
    return f"{layout} with tables {shape(convention.table_axes)}"
