"""From what was seen of a model to the rows of its report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rotcheck.errors import first_line
from rotcheck.grouping import group_by
from rotcheck.identify.making.table_reading import NotTables
from rotcheck.model.attention_inputs import AttentionInputs, attention_inputs
from rotcheck.model.closed_call import UNSEEN, code_inside
from rotcheck.model.forward_pass import ForwardPass
from rotcheck.model.idle_call import IdleCall, explain_idle, uses_tables
from rotcheck.model.judged_call import JudgedCall, judge_call
from rotcheck.model.judged_turn import JudgedTurn
from rotcheck.model.module_layers import joined, layer_type
from rotcheck.model.rotation_gradient import gradient_fault
from rotcheck.model.table_free_call import explain_table_free
from rotcheck.model.table_grid import TableGrid, separate_tables, table_grid
from rotcheck.model.table_reach import TableReach, table_reach
from rotcheck.model.turn_pairs import uneven_turns
from rotcheck.results import ModelRow, Verdict
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.call_record import CallRecord, tensors_in
from rotcheck.witness.table_values import fingerprint

Reach = TableReach | TableGrid | str
UNKNOWN_ANGLES = "its angles follow no positions that rotcheck knows"
UNKNOWN_POSITIONS = (
    "it turns exactly by the angles of the tables that it is handed, which follow no positions that "
    "rotcheck knows"
)
MOST_TRIALS = 3  # of a function: where it begins, its positions may all be the same
NO_NEED = "no rotation needs these tables"


@dataclass(slots=True)
class ModelObservation:
    """What was seen in one forward pass, judged.

    Args:
        forward: the pass.
        config: what the model declares, as plain data; None: nothing.
        candidates: schedules that it declares, to be tried first.
        most: positions from here on may have other frequencies.
    """

    forward: ForwardPass
    config: Mapping[str, Any] | None
    candidates: Sequence[Schedule] = ()
    most: int = 1 << 17
    reaches: list[tuple[CallRecord, Reach]] = field(default_factory=list)
    calls: list[JudgedCall] = field(default_factory=list)
    inputs: list[AttentionInputs] = field(default_factory=list)  # of each attention

    def __post_init__(self) -> None:
        length = self.forward.length
        for maker in self.forward.witness.makers:
            for record in separate_tables(maker):
                self.reaches.append((record, self._reach(record, length)))
        reaches = [reach for _, reach in self.reaches if isinstance(reach, TableReach)]
        candidates = list(
            dict.fromkeys([*self.candidates, *(s for r in reaches for s in r.schedules)])
        )
        # a schedule that one call follows is likely in the others, before it too
        for _ in range(2):
            self.calls = [self._judge(record, candidates) for record in self.forward.witness.calls]
            schedules = [turn.fit.schedule for call in self.calls for turn in call.turns]
            if all(schedules) or not any(schedules):
                break
            candidates += [schedule for schedule in dict.fromkeys(schedules) if schedule]
        witness = self.forward.witness
        self.inputs = attention_inputs(witness.calls, witness.attention, witness.idle)
        self._leave_out_others()

    def _leave_out_others(self) -> None:
        """Leave out calls that keep the lengths of pairs and are no rotary code: by angles of no
        positions, with no table, and for no attention."""
        turns = {id(slot.turn) for entry in self.inputs for slot in (entry.q, entry.k, entry.v)}
        self.calls = [
            call
            for call in self.calls
            if call.is_explained
            or call.tables
            or any(call.finding)
            or any(id(turn.tensor) in turns for turn in call.turns)
        ]

    def _judge(self, record: CallRecord, candidates: Sequence[Schedule]) -> JudgedCall:
        return judge_call(record, self.forward, self.config, candidates)

    def _reach(self, record: CallRecord, length: int) -> TableReach | TableGrid | str:
        try:
            return table_reach(record, length, self.most, self.candidates)
        except NotTables as error:
            return table_grid(record) or str(error)
        except Exception as error:  # a stranger's function, called with other positions
            return f"raises at other positions: {first_line(error)}"

    def rows(self, device: str) -> Iterator[ModelRow]:
        """The rows of the report for this pass."""
        yield from self._table_rows(device)
        yield from self._rotation_rows(device)
        yield from self._idle_rows(device)
        yield from self._table_free_rows(device)
        yield from self._closed_rows(device)
        yield from self._attention_rows(device)

    def _table_rows(self, device: str) -> Iterator[ModelRow]:
        groups = group_by(self.reaches, lambda pair: (pair[0].name, _key(pair[1])))
        for pairs in groups.values():
            reach = pairs[0][1]
            fields = _fields("tables", [record for record, _ in pairs], device, self.config)
            if isinstance(reach, str):
                yield ModelRow(**fields, **self._of_unknown_tables(reach))
            elif isinstance(reach, TableGrid):
                yield ModelRow(**fields, verdict="agrees", does=reach.form, angles=reach.words)
            else:
                yield ModelRow(**fields, **_of_reach(reach))

    def _of_unknown_tables(self, why: str) -> dict[str, Any]:
        """Tables that are not understood are no rotary ones where all rotations are understood."""
        if self.forward.witness.idle or not all(call.is_explained for call in self.calls):
            return {"verdict": "unidentified", "message": why}
        return {"verdict": "skipped", "message": f"{why}; {NO_NEED}"}

    def _understands(self, tables: Sequence[Tensor]) -> bool:
        """Whether tables come from a maker which is understood."""
        fingerprints = {
            fingerprint(record.results[place])
            for record, reach in self.reaches
            if not isinstance(reach, str)
            for place in record.tables
        }
        return bool(tables) and all(fingerprint(table) in fingerprints for table in tables)

    def _rotation_rows(self, device: str) -> Iterator[ModelRow]:
        groups = group_by(self.calls, _likeness)
        for calls in groups.values():
            first = calls[0]
            fields = _fields("rotation", [call.record for call in calls], device, self.config)
            fields["does"] = _does(first.turns)
            yield ModelRow(**fields, **_of_calls(calls, self._understands(first.tables)))

    def _idle_rows(self, device: str) -> Iterator[ModelRow]:
        groups = group_by(self.forward.witness.idle, lambda record: record.name)
        for records in groups.values():
            fields = _fields("rotation", records, device, self.config)
            yield ModelRow(**fields, **self._of_idle(records[0]))

    def _closed_rows(self, device: str) -> Iterator[ModelRow]:
        """A row for each compiled function that hides rotary code."""
        groups = group_by(self.forward.witness.closed_calls, lambda record: record.name)
        for records in groups.values():
            if self._explain_table_free(records[0]) is not None:
                continue  # it has a row
            try:
                words = code_inside(records[0])
            except Exception as error:  # a stranger's function, as it is written
                words = f"{UNSEEN}; as it is written it raises: {first_line(error)}"
            if words:
                fields = _fields("rotation", records, device, self.config)
                yield ModelRow(**fields, verdict="unidentified", message=words)

    def _table_free_rows(self, device: str) -> Iterator[ModelRow]:
        witness = self.forward.witness
        groups = group_by([*witness.table_free, *witness.closed_calls], lambda record: record.name)
        for records in groups.values():
            calls = (self._explain_table_free(record) for record in records[:MOST_TRIALS])
            call = next((call for call in calls if call), None)
            if call is not None:
                fields = _fields("rotation", records, device, self.config)
                verdict: Verdict = "disagrees" if call.finding else "unidentified"
                finding, message = call.finding or None, call.message
                yield ModelRow(**fields, verdict=verdict, finding=finding, message=message)

    def _explain_table_free(self, record: CallRecord) -> IdleCall | None:
        try:
            return explain_table_free(record, self.forward.length)
        except Exception:  # a stranger's function, called with other values: nothing is known
            return None

    def _of_idle(self, record: CallRecord) -> dict[str, Any]:
        no_use = {"verdict": "skipped", "message": "is handed tables, and does not use them"}
        try:
            idle = explain_idle(record, self.forward.length)
            if idle is None and not (record.reads_tables and uses_tables(record)):
                return no_use
        except Exception as error:  # a stranger's function, called with other values
            if not record.reads_tables:
                return no_use
            words = f"raises with other values: {first_line(error)}"
            return {"verdict": "unidentified", "message": words}
        if idle is None:
            words = "is handed tables, and no tensor that comes back is one that went in, turned"
            return {"verdict": "unidentified", "message": words}
        if idle.finding:
            return {"verdict": "disagrees", "finding": idle.finding, "message": idle.message}
        return {"verdict": "unidentified", "message": idle.message}

    def _attention_rows(self, device: str) -> Iterator[ModelRow]:
        entries = [
            (entry, self._of_attention(entry))
            for entry in self.inputs
            if entry.records or entry.call.turns
        ]
        groups = group_by(entries, lambda pair: (pair[0].call.kind, pair[1][0], pair[0].words))
        for group in groups.values():
            entry, (finding, message) = group[0]
            is_clear = bool({"turned", "inside"} & {entry.q.state, entry.k.state}) or bool(finding)
            yield ModelRow(
                kind="attention",
                function=entry.call.kind,
                modules=joined(inputs.call.owner for inputs, _ in group),
                calls=len(group),
                device=device,
                dtype="",
                tensors=_dtype(entry.call.q),
                does=entry.words,
                verdict="disagrees" if finding else "agrees" if is_clear else "unidentified",
                finding=finding or None,
                message=message or (None if is_clear else "what enters is not what was turned"),
            )

    def _of_attention(self, entry: AttentionInputs) -> tuple[str, str]:
        """The code and the words of what is wrong with what entered an attention."""
        q, k = entry.q, entry.k
        if any(entry.finding) or q.turn is None or k.turn is None:
            return entry.finding
        turns = {id(turn.tensor): turn for call in self.calls for turn in call.turns}
        first, second = turns[id(q.turn)], turns[id(k.turn)]
        words = uneven_turns([first, second])
        if words and (first.call is second.call or first.finding or second.finding):
            return "", ""  # the rows of the calls say so
        if not words and q.start != k.start and None not in (q.start, k.start):
            words = f"q and k turn other lanes of a head: from {q.start}, and from {k.start} on"
        return ("q-and-k-differ", f"{entry.where}: {words}") if words else ("", "")

    def backward_rows(self, device: str) -> Iterator[ModelRow]:
        """A row for each function whose gradient was asked for."""
        clear = [call for call in self.calls if not any(turn.doubt for turn in call.turns)]
        for calls in group_by(clear, lambda call: call.record.name).values():
            fields = _fields("backward", [call.record for call in calls], device, self.config)
            for turn in calls[0].turns:
                try:
                    fault = gradient_fault(turn)
                except Exception as error:  # a stranger's function, called again
                    words = f"{turn.tensor.name}: {first_line(error)}"
                    yield ModelRow(**fields, verdict="raises", message=words)
                    break
                if fault:
                    finding, words = fault
                    yield ModelRow(**fields, verdict="disagrees", finding=finding, message=words)
                    break
            else:
                yield ModelRow(**fields, verdict="agrees", does="the gradient is turned back")


def _key(reach: Reach) -> str:
    if isinstance(reach, TableGrid):
        return reach.words
    return reach if isinstance(reach, str) else f"{reach.fit.schedule} {reach.fit.wrong_at}"


def _likeness(call: JudgedCall) -> tuple[Any, ...]:
    """What calls have in common that stand in one row."""
    turns = [(turn.words, str(turn.fit.schedule), turn.fit.words) for turn in call.turns]
    return call.record.name, call.layers, call.finding[0], *dict.fromkeys(turns)


def _fields(
    kind: str, records: Sequence[CallRecord], device: str, config: Mapping[str, Any] | None
) -> dict[str, Any]:
    first = records[0]
    tensors = [x for value in first.arguments.values() for _, x in tensors_in(value)]
    dtypes = [_dtype(x) for x in tensors if x.is_floating_point() or x.is_complex()]
    return {
        "kind": kind,
        "function": first.function.__qualname__,
        "home": first.function.__module__,
        "modules": joined(record.owner for record in records),
        "layers": ", ".join(
            dict.fromkeys(t for r in records if (t := layer_type(r.owner, config)))
        ),
        "calls": len(records),
        "device": device,
        "dtype": "",
        "tensors": dtypes[0] if dtypes else "",
    }


def _dtype(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")


def _of_reach(reach: TableReach) -> dict[str, Any]:
    fit = reach.fit
    schedule = str(fit.schedule) if fit.schedule else ""
    form = {"error": fit.error, "right_to": fit.longest, "angles": schedule, "does": _form(reach)}
    if fit.wrong_at is None:
        return form | {"verdict": "agrees"}
    why = f": {fit.why}" if fit.why else ""
    words = f"position {fit.wrong_at} is {fit.error:.2g} rad off its own frequencies{why}"
    phase = "phase-rounded" if "rounded" in fit.why else "phase"
    finding = "row-past-table" if fit.past else phase
    return form | {
        "wrong_at": fit.wrong_at, "verdict": "disagrees", "finding": finding, "message": words,
    }  # fmt: skip


def _form(reach: TableReach) -> str:
    tables = reach.tables
    amplitude = f", times {tables.amplitude:.4g}" if abs(tables.amplitude - 1) > 1e-3 else ""
    lanes = {"half": "for half pairing", "interleaved": "for interleaved pairs", None: ""}
    words = f"{tables.form} {lanes[tables.table_lanes]}".strip()
    return f"{words}, {tables.lanes} lanes{amplitude}"


def _of_calls(calls: Sequence[JudgedCall], knows_tables: bool) -> dict[str, Any]:
    first = calls[0]
    turns = [turn for call in calls for turn in call.turns]
    errors = [turn.error for turn in turns if turn.fit.kind == "rows"]
    schedules = dict.fromkeys(_angles(turn) for turn in turns)
    fields = {"angles": "; ".join(schedules), "error": max(errors) if errors else None}
    finding, message = first.finding
    if finding:
        return fields | {"verdict": "disagrees", "finding": finding, "message": message}
    doubt = next((turn.doubt for turn in turns if turn.doubt), "")
    if doubt:
        return fields | {"verdict": "unidentified", "message": doubt}
    if first.is_explained:
        return fields | {"verdict": "agrees"}
    if knows_tables:
        return fields | {"verdict": "agrees", "angles": "those of its tables"}
    message = UNKNOWN_POSITIONS if first.tables else UNKNOWN_ANGLES
    return fields | {"verdict": "unidentified", "message": message}


def _angles(turn: JudgedTurn) -> str:
    fit = turn.fit
    if fit.kind == "grid":
        return fit.words
    if fit.kind == "none":
        return ""
    start = f" from position {fit.first:g}" if fit.first else ""
    pairs, still = len(fit.frequencies), int((fit.frequencies == 0).sum())
    words = f", {fit.words}" if fit.words else ""
    words += f", {still} of {pairs} pairs stand still" if still else ""
    return (str(fit.schedule) if fit.schedule else "no known schedule") + start + words


def _does(turns: Sequence[JudgedTurn]) -> str:
    groups = group_by(turns, lambda turn: turn.words)
    return "; ".join(
        f"{', '.join(turn.tensor.name for turn in group)}: {words}"
        for words, group in groups.items()
    )


def no_rotation_row(device: str, dtype: str, *, declares: bool) -> ModelRow:
    """The row of a model in which nothing was seen to turn."""
    words = "no call turned a tensor"
    if declares:
        words += ", although the configuration declares a rotation"
    return ModelRow(
        kind="forward",
        function="forward",
        device=device,
        dtype=dtype,
        verdict="unidentified" if declares else "skipped",
        message=words,
    )
