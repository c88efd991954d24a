"""The evidence for each statement about a function,
and what remains possible where there is none."""

from rotcheck.convention import Convention, role_of, shape
from rotcheck.identify.calling.call_match import Match
from rotcheck.identify.calling.match_ranking import any_layout, broadcasts
from rotcheck.identify.reading.convention_words import call_words, table_words
from rotcheck.results import Ambiguity, FieldEvidence, Way


def of_call(match: Match, convention: Convention) -> list[FieldEvidence]:
    """The call, and what its response shows."""
    effort = f"{match.caller.calls} calls tried; this one rotates"
    lines = [FieldEvidence(field="call", says=call_words(convention), because=effort)]
    if match.reading.pairing:
        lines += _of_pairs(match, convention)
    sizes = "sizes all different: other layouts raise or change shape"
    lines.append(FieldEvidence(field="layout", says=_layout(match), because=sizes))
    if convention.takes_tables:
        because = "tables with different entries everywhere: which entry each lane holds"
        half = match.reading.unread
        says = f"{table_words(convention)}{f'; their {half} is never read' if half else ''}"
        lines.append(FieldEvidence(field="tables", says=says, because=because))
    return lines


def _of_pairs(match: Match, convention: Convention) -> list[FieldEvidence]:
    reading, probe = match.reading, match.caller.probe
    across = (convention.rotary_dim or probe.rotary) // 2 // convention.blocks
    partner = across if reading.pairing == "half" else 1
    within = (
        f", within each of {convention.blocks} blocks of lanes" if convention.blocks > 1 else ""
    )
    basis = f"basis vectors in a head of {probe.width} lanes: lane 0 leaks into lane {partner}"
    sign = "-" if (reading.direction or 1) > 0 else "+"
    lines = [
        FieldEvidence(field="pairing", says=f"{reading.pairing}{within}", because=basis),
        FieldEvidence(
            field="direction",
            says=f"{reading.direction:+d}",
            because=f"lane {partner} arrives in lane 0 as {sign}sin",
        ),
    ]
    if reading.output_lanes != "same":
        lanes = (2, 1) if reading.output_lanes == "de-interleaved" else (1, 2)
        because = f"lane {lanes[0]} arrives in lane {lanes[1]}"
        lines.append(
            FieldEvidence(field="output_lanes", says=reading.output_lanes, because=because)
        )
    return lines


def of_rotary_dim(convention: Convention, *, follows_tables: bool) -> FieldEvidence:
    """The number of lanes that rotate."""
    lanes = str(convention.rotary_dim or "all lanes")
    if follows_tables or "R" in map(role_of, convention.arguments):
        lanes = f"as many lanes as {'the tables say' if follows_tables else 'it is told'}"
    return FieldEvidence(
        field="rotary_dim", says=lanes, because="lanes that come back as they went in"
    )


def of_error(error: float) -> FieldEvidence:
    """The distance of its values from float64."""
    because = "random values, hard positions, in rounding steps of float32"
    return FieldEvidence(field="values", says=f"error {error:.2f}", because=because)


def _layout(match: Match) -> str:
    convention = match.convention
    axes = shape(convention.axes)
    if any_layout(match):
        return f"any: tables just have to line up, as {shape(convention.table_axes)} with {axes}"
    return f"{convention.layout} {axes}"


def ambiguities(match: Match) -> list[Ambiguity]:
    """The layouts and pairings that remain possible."""
    convention, ambiguous = match.convention, []
    if any_layout(match):
        ambiguous.append(_of_layouts(match))
    elif convention.is_packed and broadcasts(match):
        other = "any other packing whose tables line up with it"
        possible = (*dict.fromkeys(map(_way, match.conventions)), other)
        why = "nothing in it tells which axis is which"
        ambiguous.append(Ambiguity(field="layout", possible=possible, why=why))
    if (convention.rotary_dim or match.caller.probe.rotary) == 2:
        why = "of two lanes both are the same"
        ambiguous.append(Ambiguity(field="pairing", possible=("half", "interleaved"), why=why))
    return ambiguous


def _of_layouts(match: Match) -> Ambiguity:
    possible = dict.fromkeys(
        f"{convention.layout} with tables {shape(convention.table_axes)}"
        for convention in match.of_same_tables
    )
    why = "the tables just line up with the tensor: how they are shaped decides"
    return Ambiguity(field="layout", possible=tuple(possible), why=why)


def also(match: Match) -> tuple[str, ...]:
    """Further ways to call it."""
    first, *ways = map(_way, match.conventions)
    return () if any_layout(match) else tuple(way for way in dict.fromkeys(ways) if way != first)


def ways(match: Match) -> tuple[Way, ...]:
    """Further ways to call it, as data; of one that takes any layout, the first way too."""
    return tuple(
        Way(
            layout=convention.layout,
            table_axes=convention.table_axes or None,
            position_axes=convention.position_axes,
        )
        for convention in match.of_same_tables[0 if any_layout(match) else 1 :]
    )


def _way(convention: Convention) -> str:
    layout = f"{convention.layout} {shape(convention.axes)}"
    if not convention.takes_tables:
        return layout
    return f"{layout} with tables {shape(convention.table_axes)}"
