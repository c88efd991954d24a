"""Differences between the angles of two functions that make their own: frequencies, amplitude, length."""

from collections.abc import Iterator

from rotcheck.results import Description, Difference, Identification

FIT_ERROR = 1e-3  # by how much of itself a frequency that was fitted may be off
BY_LENGTH = "by-length"  # the finding of one whose frequencies follow the length of the sequence
FOLLOWS = "follow the length"

Apart = tuple[str, str, str, str]
"""A field, what it is of ours and of theirs, and what to do."""


def of_angles(
    identification: Identification,
    other_identification: Identification,
    ours: Description,
    theirs: Description,
) -> Iterator[Apart]:
    """The differences between the angles, known or not."""
    if ours.takes_tables and ours.kind != "builds":
        if not theirs.takes_tables:
            yield from _of_tables_for(theirs)
        return
    if theirs.takes_tables and theirs.kind != "builds":
        fix = "tables do not tell their theta: build it with that of your tables"
        yield "theta", _theta_words(ours), "that of its tables", fix
        return
    yield from _of_frequencies(ours, theirs)
    if abs(_amplitude(ours) / _amplitude(theirs) - 1) > FIT_ERROR:
        factor = _amplitude(theirs) / _amplitude(ours)
        fix = f"cos, sin = {factor:.6g} * cos, {factor:.6g} * sin"
        yield "amplitude", f"{_amplitude(ours):.6g}", f"{_amplitude(theirs):.6g}", fix
    if ours.coordinates != theirs.coordinates:
        fix = "nothing around a call makes up for this: build it with the other's order of coordinates"
        yield "coordinates", _coordinates(ours), _coordinates(theirs), fix
    lengths = [
        any(finding.code == BY_LENGTH for finding in answer.findings)
        for answer in (identification, other_identification)
    ]
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


def _of_tables_for(theirs: Description) -> Iterator[Apart]:
    has_angles = theirs.schedule or theirs.theta or theirs.frequencies
    if not has_angles:
        yield (
            "theta",
            "that of its tables",
            "unknown",
            "build its tables by the frequencies of the other",
        )


def _of_frequencies(ours: Description, theirs: Description) -> Iterator[Apart]:
    words = _theta_words(ours), _theta_words(theirs)
    fix = "build it with the other's theta and scaling"
    if ours.kind == "builds" and ours.rotary_dim != theirs.rotary_dim:
        lanes = str(ours.rotary_dim or "unknown"), str(theirs.rotary_dim or "unknown")
        yield "rotary_dim", *lanes, f"build it for {theirs.rotary_dim} lanes"
        return
    pairs = max(len(ours.frequencies), len(theirs.frequencies)) or 32
    frequencies = _frequencies(ours, pairs), _frequencies(theirs, pairs)
    if not frequencies[0] or not frequencies[1]:
        our_words, their_words = (
            first if values else "unknown" for first, values in zip(words, frequencies)
        )
        yield "theta", our_words, their_words, fix
    elif len(frequencies[0]) != len(frequencies[1]) or not all(map(_near, *frequencies)):
        apart = next(
            (
                at
                for at, (first, second) in enumerate(zip(*frequencies))
                if not _near(first, second)
            ),
            0,
        )
        are_alike = words[0] == words[1]
        at = f"{{}}, pair {apart} turns by {{:.4g}}" if are_alike else "{}"
        yield (
            "theta",
            at.format(words[0], frequencies[0][apart]),
            at.format(words[1], frequencies[1][apart]),
            fix,
        )


def _theta_words(description: Description) -> str:
    if description.schedule or description.theta is None:
        return description.schedule or (
            "frequencies of no known schedule" if description.frequencies else "unknown"
        )
    return f"theta {description.theta:g}"


def _frequencies(description: Description, pairs: int) -> tuple[float, ...]:
    """Radians per position of each pair; empty: unknown."""
    if description.frequencies or description.theta is None:
        return description.frequencies
    return tuple(description.theta ** (-at / pairs) for at in range(pairs))


def _coordinates(description: Description) -> str:
    """The coordinate of a point that each pair turns with, in words."""
    if not description.coordinates:
        return "positions of one coordinate"
    first = ", ".join(map(str, description.coordinates[:8]))
    return f"the pairs turn with coordinates {first}{', ...' if len(description.coordinates) > 8 else ''}"


def _near(first: float, second: float) -> bool:
    return abs(first - second) <= FIT_ERROR * max(abs(first), abs(second))


def _amplitude(description: Description) -> float:
    return 1.0 if description.amplitude is None else description.amplitude
