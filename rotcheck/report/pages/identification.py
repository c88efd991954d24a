"""What functions do: for each what is wrong, its convention and what told so,
and what it can be swapped for."""

from collections.abc import Iterator, Sequence

from rotcheck.convention import order_words
from rotcheck.measure.judge import ROUNDING
from rotcheck.report import document as doc
from rotcheck.report.convention_summary import ambiguities, group_ways, is_untold, plainly, title
from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import (
    INTERPRETER,
    Answer,
    Description,
    Identification,
    Likeness,
    Swappable,
    mistakes,
)

WORD = "a convention"
RESULT = Identification

Row = tuple[str, str, str]
"""A field, what is said of it, and what told so; the last may be empty."""

CHANGEABLE = (
    "pairing", "direction", "output_lanes", "layout", "tables", "table_lanes", "rotary_dim", "blocks",
    "schedule", "positions", "rotates_v", "in_place", "dtype_rule",
)  # fmt: skip
"""What a flag may change of a convention."""
SWAP: dict[Swappable, str] = {
    "as it is": "can take the place of {other} as it is",
    "with changes": "can take the place of {other} with these changes",
    "no": "cannot take the place of {other}",
    "unknown": "cannot be held against {other}: {why}",
}
OUTCOMES: dict[Answer, str] = {"right": "follows a convention", "wrong": "follows no convention"}
TONES: dict[Answer, doc.Tone] = {"right": "good", "wrong": "bad", "unknown": "note"}


def data(identification: Sequence[Identification]) -> object:
    """One as it is, several as a list."""
    if len(identification) == 1:
        return identification[0]
    return {"schema": "rotcheck/conventions/1", "identifications": list(identification)}


def document(found: Sequence[Identification]) -> doc.Document:
    """The functions, one below the other."""
    return doc.Document([part for identification in found for part in _parts(identification)])


def _parts(identification: Identification) -> Iterator[doc.Part]:
    tone = TONES[identification.answer]
    yield doc.Heading(f"{doc.SIGNS[tone]} {title(identification)}", tone)
    wrong = mistakes(identification)
    for at, remark in enumerate(wrong):
        knowledge = doc.knowledge(remark, remark.demonstration)
        details = doc.details(doc.Detail("seen", remark.evidence), *knowledge)
        yield doc.Finding(remark.message if at else "", details)
    if identification.convention is None and identification.purpose is None:
        yield from _why_not(identification)
    else:
        rows = [_row(*line) for line in lines(identification)]
        table = doc.Rows(("field", "is", "told by"), rows, why=True)
        right = _is_otherwise_right(identification)
        above = "Its convention otherwise" if right else "The nearest convention"
        yield doc.Section(above, [table]) if wrong else table
    yield from doc.listing("Worth knowing", choices(identification))
    if open_fields := ambiguities(identification):
        yield doc.Section("Cannot be known", [doc.Details(open_fields)])
    if identification.likeness is not None:
        yield from _swap(identification, identification.likeness)
    steps = [
        doc.Detail("" if at else "next", text) for at, text in enumerate(identification.advice)
    ]
    ends = doc.details(doc.Detail("not tried", ", ".join(identification.untried)), *steps)
    if ends:
        yield doc.Details(ends)
    yield doc.Summary(summary_line(identification))


def _why_not(identification: Identification) -> Iterator[doc.Part]:
    """Why there is no convention and, where calls were tried, what they said."""
    has_calls = identification.tried or identification.call or identification.message is None
    texts = [one_line(text) for text in (identification.message, *identification.tried) if text]
    return doc.listing("What was tried" if has_calls else "What became of it", texts)


def _row(field: str, text: str, reason: str) -> tuple[doc.Field, ...]:
    return doc.Field(field, "dim"), doc.Field(text), doc.Field(reason, "dim")


def lines(identification: Identification) -> Iterator[Row]:
    """Of each field what is said and what told so, and the further ways to call it."""
    if is_untold(identification) and identification.message:
        yield "why", one_line(identification.message), ""
    if identification.device == INTERPRETER:
        yield "device", "CPU tensors, under the Triton interpreter", ""
    if identification.built:
        why = "the file's own call, or what its parameters' names ask for"
        yield "built", identification.built, why
    for evidence in identification.evidence:
        says = plainly(evidence.says).removeprefix(f"{evidence.field} ")
        yield evidence.field, says, one_line(evidence.because)
    for at, way in enumerate(group_ways(identification.also)):
        yield "" if at else "also", way, ""
    for at, (change, error) in enumerate(_flags(identification)):
        yield "" if at else "flags", change, error


def _flags(identification: Identification) -> Iterator[tuple[str, str]]:
    """Yield what each flag changes and the error that its results have then,
    last those that change nothing."""
    idle, convention = [], identification.convention
    for result in identification.flags:
        if result.message is not None or result.convention is None or convention is None:
            yield f"{result.flag}: {one_line(result.message or 'nothing was found')}", ""
        elif changes := _changes(convention, result.convention):
            error = "" if result.error is None else f"error {figure(result.error)}"
            yield f"{result.flag}: {changes}", error
        else:
            idle.append(result.flag)
    if idle:
        yield f"{', '.join(idle)}: the same", ""


def _changes(convention: Description, other: Description) -> str:
    """In what the other convention differs: `pairing interleaved, in_place yes`; empty:
    in nothing."""
    names = [name for name in CHANGEABLE if getattr(convention, name) != getattr(other, name)]
    if other.table_lanes is None and "table_lanes" in names:
        names.remove("table_lanes")
    return ", ".join(_change(name, getattr(other, name)) for name in names)


def _change(field: str, value: object) -> str:
    if field == "table_lanes":
        return f"tables {order_words(str(value))}"
    if value is None or isinstance(value, bool):
        return f"{field} {'unknown' if value is None else 'yes' if value else 'no'}"
    return f"{field} {plainly(str(value))}"


def choices(identification: Identification) -> list[str]:
    """What others do not do, and is legitimate;
    of one that is not understood, what its title does not say."""
    unclear = identification.answer == "unknown" and identification.convention
    message = identification.message if unclear else None
    return [
        remark.message
        for remark in identification.findings
        if not remark.mistake and remark.message != message
    ]


def _swap(identification: Identification, like: Likeness) -> Iterator[doc.Part]:
    """Whether it can take another's place, what to change, and the code that does all of it."""
    answer = SWAP[like.swappable].format(other=like.other, why=_why_unknown(like))
    rows = [
        _row(one.field, plainly(one.fix), plainly(f"{one.own} here, {one.other} there"))
        for one in sorted(like.differences, key=lambda one: not one.hard)
    ]
    table = doc.Rows(("field", "to do", "why"), rows, why=True)
    name = one_line(identification.specification)
    yield doc.Section(f"{name} {answer}", [table] if rows else [])
    if like.adapter is not None:
        ran = "not run here" if like.error is None else f"run beside it: error {figure(like.error)}"
        yield doc.Code(f"The whole swap, as code ({ran})", like.adapter.rstrip())


def _why_unknown(like: Likeness) -> str:
    if any(difference.field == "convention" for difference in like.differences):
        return "one of them was not identified"
    if any(difference.hard for difference in like.differences):
        return "not all of it is known"
    return "nothing has to be changed by what is registered, but one of them did not run here"


def _is_otherwise_right(identification: Identification) -> bool:
    """Whether values come out right where none of its mistakes is made:
    another dtype, or without a flag."""
    wrong = mistakes(identification)
    with_flags = bool(wrong) and all(remark.message.startswith("with ") for remark in wrong)
    return with_flags or (identification.error is not None and identification.error <= ROUNDING)


def summary_line(identification: Identification) -> str:
    """The last line: what it comes to, error and time."""
    parts = [_outcome(identification)]
    if identification.ambiguous:
        parts.append(f"{plural(len(identification.ambiguous), 'field')} ambiguous")
    if identification.error is not None:
        parts.append(f"error {figure(identification.error)} rounding steps (over 4 is wrong)")
    if identification.longest_context is not None:
        right_to = identification.longest_context
        parts.append(f"phase right up to position {right_to}, as far as was tested")
    if identification.seconds is not None:
        parts.append(f"{identification.seconds:.2f} s")
    return ", ".join(parts)


def _outcome(identification: Identification) -> str:
    if identification.answer == "wrong" and _is_otherwise_right(identification):
        return "follows a convention, apart from the above"
    if identification.permutation:
        return "a permutation between pairings"
    if identification.positions is not None:
        return "positions, and no rotation"
    unknown = "not understood" if identification.convention else "not identified"
    return OUTCOMES.get(identification.answer, unknown)
