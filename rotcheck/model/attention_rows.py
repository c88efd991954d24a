"""The rows of what entered the attentions of a model, and their verdicts."""

from collections.abc import Iterator, Sequence

from rotcheck.grouping import group_by
from rotcheck.model.attention_inputs import AttentionInputs
from rotcheck.model.judged_call import JudgedCall
from rotcheck.model.module_layers import joined
from rotcheck.model.row_fields import dtype_name
from rotcheck.model.turn_pairs import uneven_turns
from rotcheck.results import ModelRow


def attention_rows(
    every: Sequence[AttentionInputs], calls: Sequence[JudgedCall], device: str
) -> Iterator[ModelRow]:
    """A row for all attentions that q, k and v entered alike; `calls`: the rotations."""
    entries = [
        (entry, _of_attention(entry, every, calls))
        for entry in every
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


def _of_attention(
    entry: AttentionInputs, every: Sequence[AttentionInputs], calls: Sequence[JudgedCall]
) -> tuple[str, str]:
    """The code and the words of what is wrong with what entered an attention."""
    q, k = entry.q, entry.k
    if entry.finding[0] == "v-rotated" and entry.has_one_kv and _turns_back(entry, every, calls):
        return "", ""
    if any(entry.finding) or q.turn is None or k.turn is None:
        return entry.finding
    turns = {id(turn.tensor): turn for call in calls for turn in call.turns}
    first, second = turns[id(q.turn)], turns[id(k.turn)]
    words = uneven_turns([first, second])
    if words and (first.call is second.call or first.finding or second.finding):
        return "", ""  # the rows of the calls say so
    if not words and q.start != k.start and None not in (q.start, k.start):
        words = f"q and k turn other lanes of a head: from {q.start}, and from {k.start} on"
    return ("q-and-k-differ", f"{entry.where}: {words}") if words else ("", "")


def _turns_back(
    entry: AttentionInputs, every: Sequence[AttentionInputs], calls: Sequence[JudgedCall]
) -> bool:
    """Whether something is turned backwards between an attention and the next one."""
    order = entry.call.order
    end = min((x.call.order for x in every if x.call.order > order), default=None)
    after = [call for call in calls if call.record.order > order]
    return any(
        turn.fit.direction < 0
        for call in after
        if end is None or call.record.order < end
        for turn in call.turns
    )
