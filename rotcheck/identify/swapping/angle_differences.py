"""By which angles two functions turn that make their own: frequencies, amplitude, and how they follow the length."""

from collections.abc import Iterator

from rotcheck.results import Described, Difference, Identification

NEAR = 1e-3  # by how much of itself a frequency that was fitted may be off
BY_LENGTH = "by-length"  # the finding of one whose frequencies follow the length of the sequence
FOLLOWS = "follow the length"

Apart = tuple[str, str, str, str]
"""A field, what it is of ours and of theirs, and what to do."""


def of_angles(
    own: Identification, other: Identification, ours: Described, theirs: Described
) -> Iterator[Apart]:
    """In what the angles differ, or that it is not known."""
    if ours.tables != "positions" and ours.kind != "builds":
        if theirs.tables == "positions":
            yield from _of_tables_for(theirs)
        return
    if theirs.tables != "positions" and theirs.kind != "builds":
        fix = "tables do not tell their theta: build it with that of your tables"
        yield "theta", _shown(ours), "that of its tables", fix
        return
    yield from _of_frequencies(ours, theirs)
    if abs(_amplitude(ours) / _amplitude(theirs) - 1) > NEAR:
        factor = _amplitude(theirs) / _amplitude(ours)
        fix = f"cos, sin = {factor:.6g} * cos, {factor:.6g} * sin"
        yield "amplitude", f"{_amplitude(ours):.6g}", f"{_amplitude(theirs):.6g}", fix
    if ours.coordinates != theirs.coordinates:
        fix = "nothing around a call makes up for this: build it with the other's order of coordinates"
        yield "coordinates", _coordinates(ours), _coordinates(theirs), fix
    lengths = [any(one.code == BY_LENGTH for one in each.findings) for each in (own, other)]
    words = {True: FOLLOWS, False: "the same for every length"}
    if lengths[0] != lengths[1]:
        fix = "nothing around a call makes up for this: build it with the other's rule"
        yield "frequencies", words[lengths[0]], words[lengths[1]], fix
    elif lengths[0]:
        yield (
            "frequencies",
            "unknown",
            "unknown",
            "both follow the length: by which rule was not measured",
        )


def of_length(difference: Difference) -> bool:
    """Whether a difference says that both follow the length, by a rule that is not known yet."""
    return difference.field == "frequencies" and difference.own == difference.other == "unknown"


def _of_tables_for(theirs: Described) -> Iterator[Apart]:
    known = theirs.schedule or theirs.theta or theirs.frequencies
    if not known:
        yield (
            "theta",
            "that of its tables",
            "unknown",
            "build its tables by the frequencies of the other",
        )


def _of_frequencies(ours: Described, theirs: Described) -> Iterator[Apart]:
    shown = _shown(ours), _shown(theirs)
    fix = "build it with the other's theta and scaling"
    if ours.kind == "builds" and ours.rotary_dim != theirs.rotary_dim:
        lanes = str(ours.rotary_dim or "unknown"), str(theirs.rotary_dim or "unknown")
        yield "rotary_dim", *lanes, f"build it for {theirs.rotary_dim} lanes"
        return
    pairs = max(len(ours.frequencies), len(theirs.frequencies)) or 32
    every = _frequencies(ours, pairs), _frequencies(theirs, pairs)
    if not every[0] or not every[1]:
        own, other = (one if known else "unknown" for one, known in zip(shown, every))
        yield "theta", own, other, fix
    elif len(every[0]) != len(every[1]) or not all(map(_near, *every)):
        apart = next((at for at, (one, two) in enumerate(zip(*every)) if not _near(one, two)), 0)
        same = shown[0] == shown[1]
        at = f"{{}}, pair {apart} turns by {{:.4g}}" if same else "{}"
        yield (
            "theta",
            at.format(shown[0], every[0][apart]),
            at.format(shown[1], every[1][apart]),
            fix,
        )


def _shown(described: Described) -> str:
    if described.schedule or described.theta is None:
        return described.schedule or (
            "frequencies of no known schedule" if described.frequencies else "unknown"
        )
    return f"theta {described.theta:g}"


def _frequencies(described: Described, pairs: int) -> tuple[float, ...]:
    """Radians a position for each pair; empty: they are not known."""
    if described.frequencies or described.theta is None:
        return described.frequencies
    return tuple(described.theta ** (-at / pairs) for at in range(pairs))


def _coordinates(described: Described) -> str:
    """In words which pairs turn with which coordinate of a point."""
    if not described.coordinates:
        return "positions of one coordinate"
    first = ", ".join(map(str, described.coordinates[:8]))
    return f"the pairs turn with coordinates {first}{', ...' if len(described.coordinates) > 8 else ''}"


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= NEAR * max(abs(one), abs(other))


def _amplitude(described: Described) -> float:
    return 1.0 if described.amplitude is None else described.amplitude
