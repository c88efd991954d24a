"""From what was seen of a model to the rows of its report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rotcheck.errors import first_line
from rotcheck.grouping import group_by
from rotcheck.identify.making.table_reading import NotTables
from rotcheck.model.attention_inputs import AttentionInputs, attention_inputs
from rotcheck.model.attention_rows import attention_rows
from rotcheck.model.blank_tokens import judge_blank_tokens
from rotcheck.model.forward_pass import ForwardPass
from rotcheck.model.idle_verdicts import of_closed, of_idle, of_table_free
from rotcheck.model.judged_call import JudgedCall, judge_call
from rotcheck.model.rotation_gradient import gradient_fault
from rotcheck.model.row_fields import (
    fields_of_calls,
    fields_of_reach,
    fields_of_records,
    turns_in_words,
)
from rotcheck.model.table_coordinates import table_coordinates
from rotcheck.model.table_grid import TableGrid, separate_tables, table_grid
from rotcheck.model.table_joins import is_join
from rotcheck.model.table_reach import TableReach, table_reach
from rotcheck.results import ModelRow
from rotcheck.rotary.schedules import Schedule
from rotcheck.witness.call_record import CallRecord
from rotcheck.witness.table_values import fingerprint

Reach = TableReach | TableGrid | str
NO_NEED = "no rotation needs these tables"
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

    @property
    def has_complex_tables(self) -> bool:
        """Whether some of them are complex numbers, which nothing but a rotation needs."""
        return any(
            record.results[place].is_complex()
            for record, reach in self.reaches
            if not isinstance(reach, str)
            for place in record.tables
        )

    def rows(self, device: str) -> Iterator[ModelRow]:
        """The rows of the report for this pass."""
        yield from self._table_rows(device)
        yield from self._rotation_rows(device)
        yield from self._idle_rows(device)
        yield from self._table_free_rows(device)
        yield from attention_rows(self.inputs, self.calls, device)

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
        if self._has_open_idle or not all(clear):
            return {"verdict": "unidentified", "message": why}
        return {"verdict": "skipped", "message": f"{why}; {NO_NEED}"}

    @property
    def _has_open_idle(self) -> bool:
        """Whether a function was handed tables and turned nothing, and may be a rotation."""
        length = self.forward.length
        verdicts = (of_idle(record, length)["verdict"] for record in self.forward.witness.idle)
        return any(verdict != "skipped" for verdict in verdicts)

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
            yield ModelRow(**fields, **of_idle(records[0], self.forward.length))

    def _table_free_rows(self, device: str) -> Iterator[ModelRow]:
        """A row for each function that is handed no tables and turned nothing, though it should; of
        compiled ones also where rotary code is hidden inside."""
        witness = self.forward.witness
        groups = group_by([*witness.table_free, *witness.closed_calls], lambda record: record.name)
        for records in groups.values():
            length = self.forward.length
            facts = of_table_free(records, length) or of_closed(records)
            if facts:
                yield ModelRow(
                    **fields_of_records("rotation", records, device, self.config), **facts
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


def no_rotation_row(
    device: str, dtype: str, names: Sequence[str] = (), *, declares: bool, has_tables: bool = False
) -> ModelRow:
    """The row of a model in which nothing was seen to turn; `names`: of what should have;
    `has_tables`: whether complex tables were made for it."""
    words = "no call turned a tensor"
    if declares:
        words += ", although the configuration declares a rotation"
    elif has_tables:
        words += ", although complex tables were made to turn one"
    if names:
        ran = f"{', '.join(names)} ran, and kept the lengths of no pairs that rotcheck knows"
        words = ran if not declares else f"{words}: {ran}"
    return ModelRow(
        kind="forward",
        function="forward",
        device=device,
        dtype=dtype,
        verdict="unidentified" if declares or names or has_tables else "skipped",
        message=words,
    )
