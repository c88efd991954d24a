"""From what was seen of a model to the rows of its report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rotcheck.errors import first_line
from rotcheck.grouping import group_by
from rotcheck.identify.making.table_reading import NotTables
from rotcheck.model.attention_inputs import AttentionInputs, attention_inputs
from rotcheck.model.blank_tokens import judge_blank_tokens
from rotcheck.model.closed_call import UNSEEN, code_inside
from rotcheck.model.forward_pass import ForwardPass
from rotcheck.model.idle_call import explain_idle, has_zeros, uses_tables
from rotcheck.model.judged_call import JudgedCall, judge_call
from rotcheck.model.module_layers import joined
from rotcheck.model.rotation_gradient import gradient_fault
from rotcheck.model.row_fields import (
    dtype_name,
    fields_of_calls,
    fields_of_reach,
    fields_of_records,
    turns_in_words,
)
from rotcheck.model.table_coordinates import table_coordinates
from rotcheck.model.table_free_call import explain_table_free
from rotcheck.model.table_grid import TableGrid, separate_tables, table_grid
from rotcheck.model.table_joins import is_join
from rotcheck.model.table_reach import TableReach, table_reach
from rotcheck.model.turn_pairs import uneven_turns
from rotcheck.results import ModelRow
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.call_record import CallRecord
from rotcheck.witness.table_values import fingerprint

Reach = TableReach | TableGrid | str
MOST_TRIALS = 3  # of a function: where it begins, its positions may all be the same
NO_NEED = "no rotation needs these tables"
NO_USE = "is handed tables, and does not use them"
JOIN = "rows of the tables above, one table behind the other"


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
        self.calls = judge_blank_tokens(self.calls, self.inputs, self.forward)
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
            try:
                return table_reach(record, length, self.most, self.candidates)
            except NotTables as error:
                return table_grid(record) or table_coordinates(record) or str(error)
        except Exception as error:  # a stranger's function, called with other positions
            return f"raises at other positions: {first_line(error)}"

    @property
    def has_tables(self) -> bool:
        """Whether tables were made that are understood."""
        return any(not isinstance(reach, str) for _, reach in self.reaches)

    def rows(self, device: str) -> Iterator[ModelRow]:
        """The rows of the report for this pass."""
        yield from self._table_rows(device)
        yield from self._rotation_rows(device)
        yield from self._idle_rows(device)
        yield from self._table_free_rows(device)
        yield from self._attention_rows(device)

    def _table_rows(self, device: str) -> Iterator[ModelRow]:
        groups = group_by(self.reaches, lambda pair: (pair[0].name, _key(pair[1])))
        for pairs in groups.values():
            reach = pairs[0][1]
            fields = fields_of_records(
                "tables", [record for record, _ in pairs], device, self.config
            )
            if isinstance(reach, str):
                yield ModelRow(**fields, **self._of_unknown_tables(pairs, reach))
            elif isinstance(reach, TableGrid):
                yield ModelRow(**fields, verdict="agrees", does=reach.form, angles=reach.words)
            else:
                yield ModelRow(**fields, **fields_of_reach(reach))

    def _of_unknown_tables(
        self, pairs: Sequence[tuple[CallRecord, Reach]], why: str
    ) -> dict[str, Any]:
        """Tables that are not understood are no rotary ones where all rotations are understood."""
        tables = [record.results[place] for record, _ in pairs for place in record.tables]
        if self._understands(tables):
            return {"verdict": "agrees", "does": JOIN}
        clear = (call.is_explained or self._understands(call.tables) for call in self.calls)
        if self.forward.witness.idle or not all(clear):
            return {"verdict": "unidentified", "message": why}
        return {"verdict": "skipped", "message": f"{why}; {NO_NEED}"}

    def _understands(self, tables: Sequence[Tensor]) -> bool:
        """Whether tables come from a maker which is understood, or are made of such tables."""
        parts = {
            fingerprint(record.results[place]): record.results[place]
            for record, reach in self.reaches
            if not isinstance(reach, str)
            for place in record.tables
        }
        return bool(tables) and all(
            fingerprint(table) in parts or is_join(table, parts.values()) for table in tables
        )

    def _rotation_rows(self, device: str) -> Iterator[ModelRow]:
        groups = group_by(self.calls, _likeness)
        for calls in groups.values():
            first = calls[0]
            fields = fields_of_records(
                "rotation", [call.record for call in calls], device, self.config
            )
            fields["does"] = turns_in_words(first.turns)
            yield ModelRow(**fields, **fields_of_calls(calls, self._understands(first.tables)))

    def _idle_rows(self, device: str) -> Iterator[ModelRow]:
        groups = group_by(self.forward.witness.idle, lambda record: record.name)
        for records in groups.values():
            fields = fields_of_records("rotation", records, device, self.config)
            yield ModelRow(**fields, **self._of_idle(records[0]))

    def _table_free_rows(self, device: str) -> Iterator[ModelRow]:
        """A row for each function that is handed no tables and turned nothing, though it should; of
        compiled ones also where rotary code is hidden inside."""
        witness = self.forward.witness
        groups = group_by([*witness.table_free, *witness.closed_calls], lambda record: record.name)
        for records in groups.values():
            facts = self._of_table_free(records) or _of_closed(records)
            if facts:
                yield ModelRow(
                    **fields_of_records("rotation", records, device, self.config), **facts
                )

    def _of_table_free(self, records: Sequence[CallRecord]) -> dict[str, Any]:
        """What is wrong with a function, or not understood; empty: nothing is known."""
        for record in records[:MOST_TRIALS]:
            try:
                call = explain_table_free(record, self.forward.length)
            except Exception:  # a stranger's function, called with other values: nothing is known
                continue
            if call is not None:
                verdict = "disagrees" if call.finding else "unidentified"
                return {
                    "verdict": verdict,
                    "finding": call.finding or None,
                    "message": call.message,
                }
        return {}

    def _of_idle(self, record: CallRecord) -> dict[str, Any]:
        why = "its tensors are zeros, which show no rotation" if has_zeros(record) else NO_USE
        no_use = {"verdict": "skipped", "message": why}
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
                tensors=dtype_name(entry.call.q),
                does=entry.words,
                verdict="disagrees" if finding else "agrees" if is_clear else "unidentified",
                finding=finding or None,
                message=message or (None if is_clear else "what enters is not what was turned"),
            )

    def _of_attention(self, entry: AttentionInputs) -> tuple[str, str]:
        """The code and the words of what is wrong with what entered an attention."""
        q, k = entry.q, entry.k
        if entry.finding[0] == "v-rotated" and entry.has_one_kv and self._turns_back(entry):
            return "", ""
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

    def _turns_back(self, entry: AttentionInputs) -> bool:
        """Whether something is turned backwards between an attention and the next one."""
        order = entry.call.order
        end = min((x.call.order for x in self.inputs if x.call.order > order), default=None)
        after = [call for call in self.calls if call.record.order > order]
        return any(
            turn.fit.direction < 0
            for call in after
            if end is None or call.record.order < end
            for turn in call.turns
        )

    def backward_rows(self, device: str) -> Iterator[ModelRow]:
        """A row for each function whose gradient was asked for."""
        clear = [call for call in self.calls if not any(turn.doubt for turn in call.turns)]
        for calls in group_by(clear, lambda call: call.record.name).values():
            fields = fields_of_records(
                "backward", [call.record for call in calls], device, self.config
            )
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


def _of_closed(records: Sequence[CallRecord]) -> dict[str, Any]:
    """Of a compiled function, words on the rotary code inside; empty: it is not compiled, or has
    none."""
    call = next((record for record in records if record.runner is not None), None)
    if call is None:
        return {}
    try:
        words = code_inside(call)
    except Exception as error:  # a stranger's function, as it is written
        words = f"{UNSEEN}; as it is written it raises: {first_line(error)}"
    return {"verdict": "unidentified", "message": words} if words else {}


def no_rotation_row(
    device: str, dtype: str, names: Sequence[str] = (), *, declares: bool
) -> ModelRow:
    """The row of a model in which nothing was seen to turn; `names`: of what should have."""
    words = "no call turned a tensor"
    if declares:
        words += ", although the configuration declares a rotation"
    if names:
        ran = f"{', '.join(names)} ran, and kept the lengths of no pairs that rotcheck knows"
        words = ran if not declares else f"{words}: {ran}"
    return ModelRow(
        kind="forward",
        function="forward",
        device=device,
        dtype=dtype,
        verdict="unidentified" if declares or names else "skipped",
        message=words,
    )
