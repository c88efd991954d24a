"""The one line about all that was checked, and the commands that lead on from it."""

from collections.abc import Sequence

from rotcheck.check.plan import CheckRequest
from rotcheck.implementations.spec import shell_word
from rotcheck.results import Answer, Context, Part

_TELLS = {
    "identify": "what was tried, and what came back",
    "compare": "every check, in every dtype",
    "context": "how far it is right after everything that is done to a model",
}
MOST_NAMES = 3  # so many names are told in one line


def answer(parts: Sequence[Part]) -> Answer | None:
    """The answer for all parts: the worst of theirs; None if there are none."""
    answers = [part.answer for part in parts]
    worst_first: tuple[Answer, ...] = ("wrong", "unknown", "right")
    return next((answer for answer in worst_first if answer in answers), None)


def headline(parts: Sequence[Part], request: CheckRequest) -> str:
    """The answer in one line."""
    wrong, not_understood = (
        [part for part in parts if part.answer == answer] for answer in ("wrong", "unknown")
    )
    if wrong:
        more = f"; and {_names(wrong[1:], request)}" if wrong[1:] else ""
        rest = f"; not understood: {_names(not_understood, request)}" if not_understood else ""
        return f"wrong: {_short(wrong[0], request)}{_says(wrong[0], request)}{more}{rest}"
    if not_understood:
        rest = f"; the rest is {_right(parts, request)}" if len(not_understood) < len(parts) else ""
        messages = {part.faults[0].message for part in not_understood}
        why = f": {messages.pop()}" if len(messages) == 1 else ""
        return f"not understood: {_names(not_understood, request)}{why}{rest}"
    return _right(parts, request) if parts else "nothing was finished"


def _says(part: Part, request: CheckRequest) -> str:
    """What is wrong with a function, to follow its name."""
    fault = part.faults[0]
    if fault.by == "context" and part.needed and 0 < (part.right_to or 0) < part.needed:
        dtypes = " and ".join(request.dtypes)
        return f" is right to {part.right_to:,} of {part.needed:,} positions in {dtypes}"
    return f": {fault.message}"


def _right(parts: Sequence[Part], request: CheckRequest) -> str:
    right = [part for part in parts if part.answer == "right"]
    lengths = [part.needed for part in right if part.needed]
    if all(part.kind is None for part in right):
        return "right"  # permutations alone: they have no dtype
    elsewhere = [part for part in right if part.dtypes]
    in_others = f"in {' and '.join(elsewhere[0].dtypes)}" if elsewhere else ""
    if len(elsewhere) == len(right):
        return f"right {in_others}"
    more = f"; {_names(elsewhere, request)} {in_others}" if elsewhere else ""
    dtypes = f"{' and '.join(request.dtypes)}{more}"
    return f"right to {min(lengths):,} in {dtypes}" if lengths else f"right in {dtypes}"


def _names(parts: Sequence[Part], request: CheckRequest) -> str:
    more = f" and {len(parts) - MOST_NAMES} more" if len(parts) > MOST_NAMES else ""
    return ", ".join(_short(part, request) for part in parts[:MOST_NAMES]) + more


def _short(part: Part, request: CheckRequest) -> str:
    """A function's name, with its file where there are several."""
    return part.name if len(request.titles) > 1 else part.name.rpartition(":")[2]


def advice(parts: Sequence[Part], request: CheckRequest, context: Context | None) -> list[str]:
    """What to do next, as commands."""
    bad = [part for part in parts if part.answer != "right"]
    if bad:
        by = bad[0].faults[0].by
        failures = [fault.failure for part in bad for fault in part.faults if fault.failure]
        on = " --device interpreter" if by == "compare" and bad[0].dtypes else ""
        more = "more on the cause, and where else it was seen"
        return [
            f"`rotcheck {by} {_spec_of(bad[0])}{on}`: {_TELLS[by]}",
            *(f"`rotcheck explain {failure}`: {more}" for failure in failures[:1]),
        ]
    file = shell_word(request.titles[0])
    makers = context.makers if context else ()
    if request.to is None and any(maker.kind and maker.claims is None for maker in makers):
        why = "to the length that you need, since it claims none"
        return [f"`rotcheck check {file} --to 32768`: {why}"]
    if not parts:
        return []
    return [
        f"`rotcheck compare {file} --full`: torch.compile, export, checkpointing and every other check",
        f'`rotcheck preflight` with `files = ["{request.titles[0]}"]` in its policy: the same in front of every job',
    ]


def _spec_of(part: Part) -> str:
    return shell_word(f"{part.file}:{part.name.rpartition(':')[2]}" if part.file else part.name)
