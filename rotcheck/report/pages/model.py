"""A model: the rotary code that ran in it, what its configuration declares, and what is wrong."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from rotcheck.exit_codes import NOTHING_RAN
from rotcheck.grouping import group_by
from rotcheck.report import document as doc
from rotcheck.report import summary
from rotcheck.report.text import figure, one_line, plural
from rotcheck.results import (
    FINDINGS,
    UNIDENTIFIED,
    AgainstLength,
    AgainstRow,
    DeclaredRow,
    ModelReport,
    ModelRow,
    OtherModel,
    Verdict,
    WayRow,
    WeightsFit,
    WeightsRow,
)

WORD = "a model"
RESULT = ModelReport

NARROW = ("bfloat16", "float16")
MOST_CHANGES = 6  # that are named
Placed = TypeVar("Placed", DeclaredRow, WeightsFit)


def document(report: ModelReport) -> doc.Document:
    """A table for each device and dtype, and what is wrong or not understood."""
    return doc.Document(tuple(_parts(report)), "rotcheck model")


def _parts(report: ModelReport) -> Iterator[doc.Part]:
    yield doc.Lines([*summary.machine_lines(report.machine, report.rotcheck), _model(report)])
    yield from _of_model(report)
    if report.other is not None:
        yield doc.Section(one_line(report.other.spec), list(_of_other(report.other)))
        title = one_line(_two(report, report.other))
        yield doc.Section(title, [side_by_side(report.other.against)])
    if report.ways:
        yield doc.Section("called in other ways", [other_ways(report.ways)])
    for place, (weights,) in _places(report.weights):
        if weights.rows:
            yield doc.Section(f"{_of_weights(weights)}{place}", [changes(weights)])
    yield from findings(report)
    yield from doc.listing("Worth knowing", _notes(report), aside=True)
    yield doc.Summary(summary_line(report))


def _places(rows: Sequence[Placed]) -> Iterator[tuple[str, Sequence[Placed]]]:
    """Yield where rows were measured, in words, with the rows that are of it; once for all places
    where all found the same."""
    groups = list(group_by(rows, lambda row: (row.device, row.dtype)).items())
    bare = [
        [msgspec.structs.replace(row, device="", dtype="") for row in group] for _, group in groups
    ]
    if all(group == bare[0] for group in bare):
        groups = groups[:1]
    for (device, dtype), group in groups:
        yield f", on {device} in {dtype}" if len(groups) > 1 else "", group


def _of_model(report: ModelReport | OtherModel) -> Iterator[doc.Part]:
    groups = group_by(report.rows, lambda row: (row.device, row.dtype))
    for (device, dtype), rows in groups.items():
        title = f"on {device} in {dtype}" if len(groups) > 1 or dtype in NARROW else ""
        yield doc.Section(title, [lines(rows)]) if title else lines(rows)
    for place, declared in _places(report.declared):
        yield doc.Section(f"config against behaviour{place}", [declaration(declared)])


def _of_other(other: OtherModel) -> Iterator[doc.Part]:
    yield doc.Lines([_model(other)])
    yield from _of_model(other)


def side_by_side(rows: Sequence[AgainstRow]) -> doc.Rows:
    """The layers of two models, a line for each kind."""
    return doc.Rows(("layers", "the one", "the other"), list(map(_side_by_side, rows)))


def _side_by_side(row: AgainstRow) -> tuple[doc.Field, ...]:
    tone = _tone(row.verdict)
    layers = doc.Field(one_line(f"{doc.SIGNS[tone]} {row.layers or 'all layers'}"), tone, name=True)
    if row.verdict == "agrees":
        note = f"; {row.note}" if row.note else ""
        text = f"alike{_lengths(row.lengths)}{note}"
    else:
        parts = f"parts at position {row.parts_at:,}" if row.parts_at else ""
        text = "; ".join(filter(None, (row.other or "-", parts)))
    return layers, doc.Field(one_line(row.spec or "-")), doc.Field(one_line(text))


def _lengths(lengths: Sequence[AgainstLength]) -> str:
    """`, in 19, 4,096 and 131,072 tokens`, with those at which one was not run."""
    numbers = [f"{length.length:,}" for length in lengths]
    if not numbers:
        return ""
    open_lengths = [
        f"{length.length:,}"
        for length in lengths
        if "frequencies" in (length.spec_known, length.other_known)
    ]
    words = f", in {_and(numbers)} tokens"
    return words + (f" ({_and(open_lengths)}: not run there)" if open_lengths else "")


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _model(report: ModelReport | OtherModel) -> str:
    """`LlamaForCausalLM, made small: num_hidden_layers 32 -> 2`."""
    changes = list(report.changes[:MOST_CHANGES])
    rest = len(report.changes) - len(changes)
    changes += [f"and {rest} more"] if rest > 0 else []
    small = f", made small: {', '.join(changes)}" if changes else ""
    return one_line(f"{report.model}{small}")


def lines(rows: Sequence[ModelRow]) -> doc.Rows:
    """The rotary code that ran, a line for each piece of it."""
    return doc.Rows(("rotary code", "in the model", "what it does"), list(map(_line, rows)))


def _line(row: ModelRow) -> tuple[doc.Field, ...]:
    tone = _tone(row.verdict)
    what = {"backward": "backward of "}.get(row.kind, "")
    times = f" x{row.calls}" if row.calls > 1 else ""
    function = row.function.removesuffix(".forward")
    name = doc.Field(one_line(f"{doc.SIGNS[tone]} {what}{function}{times}"), tone, name=True)
    layers = f" ({row.layers})" if row.layers else ""
    message = row.message if row.verdict not in (*FINDINGS, UNIDENTIFIED) else ""
    facts = "; ".join(filter(None, (row.does, row.angles, _off(row), message)))
    return name, doc.Field(one_line(f"{row.modules}{layers}") or "-"), doc.Field(one_line(facts))


def declaration(rows: Sequence[DeclaredRow]) -> doc.Rows:
    """What the configuration declares beside what the model does, a line for each type of
    layers."""
    return doc.Rows(("layers", "declared", "done"), list(map(_declaration, rows)))


def _declaration(row: DeclaredRow) -> tuple[doc.Field, ...]:
    tone = _tone(row.verdict)
    layers = doc.Field(f"{doc.SIGNS[tone]} {row.layers or 'all layers'}", tone, name=True)
    done = row.done if row.done != row.declared else "as declared"
    parts = f"{done}; parts at position {row.parts_at:,}" if row.parts_at else done
    text = row.message or "" if row.verdict in (UNIDENTIFIED, "skipped") else parts
    return layers, doc.Field(one_line(row.declared or "-")), doc.Field(one_line(text))


def other_ways(rows: Sequence[WayRow]) -> doc.Rows:
    """The ways in which the model was called, a line for each, and for those that are closed for
    one reason."""
    closed = group_by(
        [row for row in rows if row.verdict == "skipped"], lambda row: row.message or ""
    )
    groups = [group for group in closed.values() if len(group) > 1]
    together = [row for group in groups for row in group]
    fields = [_way(row) for row in rows if row not in together]
    return doc.Rows(("way", "what"), [*fields, *map(_closed, groups)])


def _closed(rows: Sequence[WayRow]) -> tuple[doc.Field, ...]:
    """`- 2 ways  decode, chunked-prefill: its inputs are not rows of tokens`."""
    names = ", ".join(row.way for row in rows)
    title = f"{doc.SIGNS['dim']} {len(rows)} ways"
    return doc.Field(title, "dim", name=True), doc.Field(one_line(f"{names}: {rows[0].message}"))


def _way(row: WayRow) -> tuple[doc.Field, ...]:
    tone = _tone(row.verdict)
    off = f"{row.error:.1e} rad apart" if row.error else ""
    message = row.message if row.verdict not in (*FINDINGS, UNIDENTIFIED) else ""
    facts = "; ".join(filter(None, (row.what, off, message, row.note)))
    return doc.Field(f"{doc.SIGNS[tone]} {row.way}", tone, name=True), doc.Field(one_line(facts))


def _of_weights(weights: WeightsFit) -> str:
    """`the weights: 3.214 nats a token as it runs (half pairing, ...), 8 windows of 512 tokens`."""
    loss = f"{weights.loss:.3f}" if weights.loss is not None else "-"
    text = f"{plural(weights.windows, 'window')} of {weights.window} tokens"
    return one_line(f"the weights: {loss} nats a token as it runs ({weights.runs}), {text}")


def changes(weights: WeightsFit) -> doc.Rows:
    """The loss with one thing about the rotation changed, a line for each."""
    return doc.Rows(("change", "loss", "difference"), list(map(_change, weights.rows)))


_FIT_TONES: dict[str, doc.Tone] = {
    "better": "bad",
    "worse": "good",
    "alike": "dim",
    "unclear": "note",
}


def _change(row: WeightsRow) -> tuple[doc.Field, ...]:
    tone = _FIT_TONES[row.fits]
    name = doc.Field(one_line(f"{doc.SIGNS[tone]} {row.change}"), tone, name=True)
    difference = f"{row.difference:+.3f} +- {row.noise:.3f}, {row.fits}"
    return name, doc.Field(f"{row.loss:.3f}"), doc.Field(difference)


def _off(row: ModelRow) -> str:
    """How far it is off."""
    if row.error is None:
        return ""
    if row.kind == "tables":
        return f"right to {row.right_to:,}" if row.wrong_at is None and row.right_to else ""
    return f"{figure(row.error)} steps off"


def _tone(verdict: Verdict) -> doc.Tone:
    if verdict in FINDINGS:
        return "bad"
    return {"agrees": "good", UNIDENTIFIED: "note"}.get(verdict, "dim")  # type: ignore[return-value]


def findings(report: ModelReport) -> Iterator[doc.Finding]:
    """What is wrong, and what was not understood."""
    yield from _findings_of(report)
    if report.other is not None:
        yield from _findings_of(report.other, f" of {report.other.spec}")
        for pair in report.other.against:
            if pair.verdict in (*FINDINGS, UNIDENTIFIED):
                yield _finding(pair, pair.layers or "all layers", "", _two(report, report.other))
    for place, (weights,) in _places(report.weights):
        if weights.verdict in (*FINDINGS, UNIDENTIFIED):
            name = "the rotation that the weights fit"
            yield _finding(weights, name, place.removeprefix(", "), weights.runs)
    for way in report.ways:
        if way.verdict in (*FINDINGS, UNIDENTIFIED):
            yield _finding(way, way.way, "", way.what)


def _two(report: ModelReport, other: OtherModel) -> str:
    return f"{report.spec} against {other.spec}"


def _findings_of(report: ModelReport | OtherModel, of: str = "") -> Iterator[doc.Finding]:
    bad = [row for row in report.rows if row.verdict in (*FINDINGS, UNIDENTIFIED)]
    for group in group_by(bad, lambda row: (row.function, row.verdict, row.message)).values():
        yield _finding(group[0], f"{group[0].function}{of}", joined_places(group), group[0].home)
    for place, declared in _places(report.declared):
        for row in declared:
            if row.verdict in (*FINDINGS, UNIDENTIFIED):
                name = f"the config of {row.layers or 'all layers'}{of}"
                yield _finding(row, name, place.removeprefix(", "), _keys(row))


def joined_places(rows: Sequence[ModelRow]) -> str:
    """Where in the model several rows are."""
    return ", ".join(dict.fromkeys(row.modules for row in rows if row.modules))


def _keys(row: DeclaredRow) -> str:
    return ", ".join(f"{path} = {value}" for path, value in row.keys.items())


def _finding(
    row: ModelRow | DeclaredRow | WayRow | WeightsFit | AgainstRow,
    name: str,
    where: str,
    source: str,
) -> doc.Finding:
    unclear = row.verdict == UNIDENTIFIED
    word = "is not understood" if unclear else row.verdict
    trace = getattr(row, "trace", ())
    details = doc.details(
        doc.Detail("what", row.message or "", "quote"),
        doc.Detail("in", where),
        doc.Detail("from", source),
        doc.Detail("at", trace[0] if trace else ""),
        *doc.knowledge(row),
    )
    return doc.Finding(one_line(f"{name} {word}"), details, "note" if unclear else "bad")


def _notes(report: ModelReport) -> list[str]:
    notes = [f"{row.function}: {row.note}" for row in report.rows if row.note]
    return [one_line(text) for text in dict.fromkeys([*report.notes, *notes])]


def summary_line(report: ModelReport) -> str:
    """`transformers:llama: 4 rows: 4 agree`."""
    early = "interrupted: " if report.interrupted else ""
    count = f"{early}{one_line(report.spec)}: {plural(sum(report.summary.values()), 'row')}"
    return summary.tally(count, report.summary, nothing=report.exit_code() == NOTHING_RAN)
