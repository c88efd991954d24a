"""What `rotcheck identify` found, as lines and labelled texts that any format can show."""

from collections.abc import Iterator

from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import Identification, Remark

Labelled = list[tuple[str, str]]
NOTHING = "cannot be known"


def title(found: Identification) -> str:
    """Return one line that says whether it follows a convention, and which."""
    name, convention = one_line(found.specification), found.convention
    if convention is None:
        return f"{name}: no rotation was found"
    mistakes = [one for one in found.findings if one.mistake]
    if mistakes:
        return f"{name}: {mistakes[0].message}"
    if not found.follows:
        return f"{name} follows no convention; nearest: {_words(found)}"
    return f"{name}: {_words(found)}"


def _words(found: Identification) -> str:
    convention = found.convention
    assert convention is not None, "there is one"
    if convention.kind == "builds":
        order = {"half": " cat(f, f)", "interleaved": " each value twice", None: ""}[convention.table_lanes]
        return f"makes {convention.tables}{order} tables, {convention.schedule or 'of no known schedule'}"
    parts = [f"{convention.pairing} pairing"]
    if convention.direction == -1:
        parts.append("negative direction")
    if convention.output_lanes == "de-interleaved":
        parts.append("de-interleaved output")
    parts.append(convention.layout or "any layout")
    parts.append(convention.schedule or "" if convention.tables == "positions" else f"{convention.tables} tables")
    return ", ".join(part for part in parts if part)


def lines(found: Identification) -> Labelled:
    """Return what is said of each field, and what told so."""
    said = [(one.field, f"{one.says}  ({one.because})") for one in found.evidence]
    built = [("built", found.built)] if found.built else []
    also = [("also", text) for text in found.also[:4]]
    more = len(found.also) - 4
    return [*built, *said, *also, *([("also", f"and {plural(more, 'more way')}")] if more > 0 else [])]


def ambiguities(found: Identification) -> Labelled:
    """Return what remains possible of what cannot be known."""
    return [
        (one.field, f"one of {'; '.join(one.possible[:6])}{' ...' if len(one.possible) > 6 else ''} ({one.why})")
        for one in found.ambiguous
    ]


def mistakes(found: Identification) -> Iterator[tuple[str, Labelled]]:
    """Yield each likely mistake and what is known of it."""
    for one in found.findings:
        if one.mistake:
            yield one.message, _details(one)


def choices(found: Identification) -> list[str]:
    """Return what others do not do, and is legitimate."""
    return [one.message for one in found.findings if not one.mistake]


def _details(one: Remark) -> Labelled:
    more = f"rotcheck explain {one.failure}" if one.failure else ""
    known = [("seen", one.evidence), ("cause", one.cause or ""), ("fix", one.fix or ""), ("more", more)]
    return [(label, text) for label, text in known if text]


def why_not(found: Identification) -> list[str]:
    """Return why there is no convention, and what the calls that were tried said."""
    return [text for text in (found.message, *found.tried) if text]


def swap(found: Identification) -> tuple[str, Labelled] | None:
    """Return whether it can take another's place, and what to change for that."""
    like = found.likeness
    if like is None:
        return None
    answers = {
        "as it is": f"can take the place of {like.other} as it is",
        "with changes": f"can take the place of {like.other} with these changes",
        "no": f"cannot take the place of {like.other}: one of them is wrong in itself",
        "unknown": f"cannot be held against {like.other}: one of them was not identified",
    }
    told = [(one.field, f"{one.own} here, {one.other} there: {one.fix}") for one in like.differences]
    return f"{one_line(found.specification)} {answers[like.swappable]}", told


def sections(found: Identification) -> list[tuple[str, Labelled]]:
    """Return what stands below the convention: what cannot be known, and whether it can be swapped."""
    unknown = ambiguities(found)
    swapped = swap(found)
    return [*([("Cannot be known", unknown)] if unknown else []), *([swapped] if swapped else [])]


def summary_line(found: Identification) -> str:
    """Return the last line: error and time."""
    parts = ["follows a convention" if found.follows else "follows no convention" if found.convention else "not identified"]
    if found.ambiguous:
        parts.append(f"{plural(len(found.ambiguous), 'field')} ambiguous")
    if found.error is not None:
        parts.append(f"error {figure(found.error)} rounding steps")
    if found.longest_context is not None:
        parts.append(f"phase right up to position {found.longest_context}, as far as was asked")
    if found.seconds is not None:
        parts.append(f"{found.seconds:.2f} s")
    return ", ".join(parts)
