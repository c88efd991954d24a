"""Differences between the angles of two functions that make their own:
frequencies, amplitude, length."""

from collections.abc import Iterable, Iterator

from rotcheck.results import Description, Difference, Identification, Swappable

FIT_ERROR = 1e-3  # by how much of itself a frequency that was fitted may be off
BY_LENGTH = "by-length"  # the finding of one whose frequencies follow the length of the sequence
FOLLOWS = "follow the length"

NEVER = "nothing around a call makes up for this"


def of_angles(
    identification: Identification,
    other_identification: Identification,
    ours: Description,
    theirs: Description,
) -> Iterator[Difference]:
    """The differences between the angles, known or not."""
    if ours.takes_tables and ours.kind != "builds":
        if not theirs.takes_tables and (theirs.schedule or theirs.theta or theirs.frequencies):
            return
        if not theirs.takes_tables:
            fix = "build its tables by the frequencies of the other"
            yield _differs("theta", "that of its tables", "unknown", fix)
        return
    if theirs.takes_tables and theirs.kind != "builds":
        fix = "tables do not say their theta: build it with that of your tables"
        yield _differs("theta", _theta_words(ours), "that of its tables", fix)
        return
    yield from _of_frequencies(ours, theirs)
    own, other = (1.0 if each.amplitude is None else each.amplitude for each in (ours, theirs))
    if abs(own / other - 1) > FIT_ERROR:
        factor = other / own
        fix = f"cos, sin = {factor:.6g} * cos, {factor:.6g} * sin"
        yield _differs("amplitude", f"{own:.6g}", f"{other:.6g}", fix)
    if ours.coordinates != theirs.coordinates:
        fix = f"{NEVER}: build it with the other's order of coordinates"
        yield _differs("coordinates", _coordinates(ours), _coordinates(theirs), fix)
    follow, other_follows = (
        any(finding.code == BY_LENGTH for finding in answer.findings)
        for answer in (identification, other_identification)
    )
    words = {True: FOLLOWS, False: "the same for every length"}
    if follow != other_follows:
        fix = f"{NEVER}: build it with the other's rule"
        yield _differs("frequencies", words[follow], words[other_follows], fix)
    elif follow:
        fix = "both follow the length: by which rule was not measured"
        yield _differs("frequencies", "unknown", "unknown", fix)


def _differs(field: str, own: str, other: str, fix: str) -> Difference:
    return Difference(field=field, own=own, other=other, fix=fix)


def of_length(difference: Difference) -> bool:
    """Whether a difference says that both follow the length, by a rule that is not known yet."""
    return difference.field == "frequencies" and difference.own == difference.other == "unknown"


def verdict_of(differences: Iterable[Difference]) -> Swappable:
    """What differences say that something can make up for."""
    hard = [difference for difference in differences if difference.hard]
    if any("unknown" in (difference.own, difference.other) for difference in hard):
        return "unknown"
    return "with changes" if hard else "as it is"


def _of_frequencies(ours: Description, theirs: Description) -> Iterator[Difference]:
    fix = "build it with the other's theta and scaling"
    if ours.kind == "builds" and ours.rotary_dim != theirs.rotary_dim:
        lanes = str(ours.rotary_dim or "unknown"), str(theirs.rotary_dim or "unknown")
        yield _differs("rotary_dim", *lanes, f"build it for {theirs.rotary_dim} lanes")
        return
    pairs = max(len(ours.frequencies), len(theirs.frequencies)) or 32
    own_words, other_words = _theta_words(ours), _theta_words(theirs)
    own, other = _frequencies(ours, pairs), _frequencies(theirs, pairs)
    if not own or not other:
        words = own_words if own else "unknown", other_words if other else "unknown"
        yield _differs("theta", *words, fix)
    elif len(own) != len(other) or not all(map(_near, own, other)):
        pair = next((at for at, values in enumerate(zip(own, other)) if not _near(*values)), 0)
        if own_words == other_words:
            own_words += f", pair {pair} turns by {own[pair]:.4g}"
            other_words += f", pair {pair} turns by {other[pair]:.4g}"
        yield _differs("theta", own_words, other_words, fix)


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
