"""Do the functions of one file fit each other: does one make the tables that another takes?

Each may be right by itself. What does not fit is a mistake where both run together and the result shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from rotcheck import diagnose
from rotcheck.convention import FORMS, order_words
from rotcheck.identify.swapping import table_changes
from rotcheck.isolation import Job, Pool, Returned
from rotcheck.results import Described, Identification, Remark

EXCHANGED = {"cos+sin": "sin+cos", "cos|sin": "sin|cos", "cos, sin": "(sin, cos)"} | {
    "sin+cos": "cos+sin",
    "sin|cos": "cos|sin",
    "sin, cos": "(cos, sin)",
}
"""What a maker gives back, and the argument that takes it for the other."""

KINDS = {
    "lanes": ("pairing-of-tables", "full-width tables in another order"),
    "order": ("tables-swapped", "cos and sin exchanged"),
    "half": ("half-of-tables", "a half of its own that is not read"),
}
"""The ways in which tables do not fit, and the code of each."""

WORKER = "rotcheck.identify.swapping.maker_and_taker:open_pair"
PRELOAD = ("torch", "rotcheck.identify.swapping.maker_and_taker")
LIMIT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Misfit:
    """A function that takes other tables than those of its file make: in which way, and what is said of it."""

    makers: tuple[str, ...]
    kind: str  # a key of `KINDS`
    remark: Remark


def of_files(asked: Sequence[str], told: Sequence[Identification]) -> list[Identification]:
    """What was found of these specifications, those of each `file.py` held against each other."""
    places = [_place(specification) for specification in asked]
    files: dict[Path, dict[str, Identification]] = {}
    for (file, name), one in zip(places, told, strict=True):
        if file:
            files.setdefault(file, {})[name] = one
    by_place = {place: one for one, place in zip(asked, places, strict=True)}
    wrong: dict[str, Misfit] = {}
    jobs: list[Job] = []
    for file, found in files.items():
        misfits = together(found)
        if misfits and not table_changes.may_differ(file, found):
            wrong |= {by_place[file, name]: one for name, one in misfits.items()}
            device = next(iter(found.values())).device
            jobs += [
                _job(by_place[file, name], by_place[file, maker], one.kind, device)
                for name, one in misfits.items()
                for maker in one.makers
            ]
    shown = _shown(jobs)
    taken = [by_place.get(place, "") for place in places]
    return [
        _with(one, _settled(wrong[name].remark, shown.get(name)) if name in wrong else None)
        for one, name in zip(told, taken, strict=True)
    ]


def _place(specification: str) -> tuple[Path | None, str]:
    """The file of a function and its name there; no file: it was named in another way."""
    file, _, name = specification.rpartition(":")
    return (Path(file).resolve() if file.endswith(".py") else None), name


def _with(one: Identification, remark: Remark | None) -> Identification:
    if remark is None:
        return one
    # alone, a half that is not read is a choice
    if remark.mistake or remark.code == KINDS["half"][0]:
        return replace(
            one, findings=(*one.findings, remark), follows=one.follows and not remark.mistake
        )
    return replace(one, findings=(*one.findings, remark), follows=False, message=remark.message)


def _job(taker: str, maker: str, kind: str, device: str) -> Job:
    """The job that runs both together; `taker` and `maker`: their specifications."""
    return Job(
        taker, WORKER, {"maker": maker, "taker": taker, "device": device}, [kind], LIMIT, LIMIT
    )


def _shown(jobs: Sequence[Job]) -> dict[str, str]:
    """What shows the mistake of each function, by its specification, of those in which something does."""
    if not jobs:
        return {}
    shown: dict[str, str] = {}
    with Pool(preload=PRELOAD) as pool:
        for done in pool.run(jobs):
            if isinstance(done.outcome, Returned) and done.outcome.value:
                shown.setdefault(done.job.name, done.outcome.value)
    return shown


def _settled(remark: Remark, shown: str | None) -> Remark:
    if shown:
        return replace(remark, demonstration=shown)
    words = f"seen, and in doubt: {remark.message} (no call of both in a row shows it)"
    return replace(remark, mistake=False, message=words)


def together(found: Mapping[str, Identification]) -> dict[str, Misfit]:
    """What is wrong with each function that takes other tables than those of its file make.

    `found`: what each function of one file does by itself, by name. Nothing is said unless all were identified, all
    that make tables of the form that is taken make the same, and no other function takes them as they are made.
    """
    known = {name: one.convention for name, one in found.items() if one.convention is not None}
    if any(one.convention is None and one.purpose is None for one in found.values()):
        return {}
    right = {name: each for name, each in known.items() if found[name].follows}
    takers = {name: each for name, each in known.items() if each.kind == "applies"}
    makers = {name: each for name, each in known.items() if each.kind == "builds"}
    every: dict[str, Misfit] = {}
    for kind, amiss in (("lanes", _lanes), ("order", _order), ("half", _half)):
        wrong = amiss(makers, takers)
        every |= {
            name: Misfit(by, kind, _remark(kind, by, known[by[0]], name, takers[name]))
            for name, by in wrong.items()
            if name in right and set(by) <= set(right)
        }
    return every


Conventions = Mapping[str, Described]
Pairs = dict[str, tuple[str, ...]]
"""Those that take the wrong tables, and who makes them."""


def _lanes(makers: Conventions, takers: Conventions) -> Pairs:
    """Who takes full-width tables in another order than the file makes them."""
    takes = {name: each for name, each in takers.items() if _plain(each)}
    taken = {(each.tables, each.table_lanes) for each in takes.values()}
    if len(taken) != 1:
        return {}
    ((form, needed),) = taken
    by = {name: each for name, each in makers.items() if each.tables == form}
    orders = {each.table_lanes for each in by.values()}
    if len(orders) != 1 or needed in orders or not all(map(_plain, by.values())):
        return {}
    return dict.fromkeys(takes, tuple(by))


def _order(makers: Conventions, takers: Conventions) -> Pairs:
    """Who takes for sin what the file makes as cos, where both are in one tensor or one tuple."""
    made = {each.order for each in makers.values() if each.order in EXCHANGED}
    if len(made) != 1:
        return {}
    (order,) = made
    by = tuple(name for name, each in makers.items() if each.order == order)
    right = EXCHANGED[EXCHANGED[order].strip("()")]
    if any(right in _roles(each) for each in takers.values()):
        return {}
    wrong = [name for name, each in takers.items() if EXCHANGED[order] in _roles(each)]
    return dict.fromkeys(wrong, by)


def _half(makers: Conventions, takers: Conventions) -> Pairs:
    """Who reads one half of full-width tables alone, where the file makes tables that do not repeat.

    Whether these are as wide as a head shows when both run together.
    """
    by = tuple(name for name, each in makers.items() if each.tables in ("half-width", "angles"))
    wrong = [name for name, each in takers.items() if each.unread and _repeats(each)]
    return dict.fromkeys(wrong, by) if len(by) == len(makers) > 0 else {}


def _roles(each: Described) -> list[str]:
    """What each argument of a call is."""
    return [argument.rpartition("=")[2] for argument in each.argument_order]


def _repeats(described: Described) -> bool:
    """Whether its tables are as wide as a head."""
    return described.tables in FORMS and FORMS[described.tables].repeats


def _plain(each: Described) -> bool:
    """Whether it makes or takes full-width tables that repeat over all lanes that turn."""
    whole = (each.blocks or 1) == 1 and each.sections is None and each.positions != "grid"
    return whole and _repeats(each) and each.table_lanes is not None


def _remark(
    kind: str, makers: Sequence[str], made: Described, taker: str, taken: Described
) -> Remark:
    who, makes = " and ".join(makers), "makes" if len(makers) == 1 else "make"
    return Remark(
        code=KINDS[kind][0],
        message=_words(kind, f"{who} of the same file {makes}", made, taken),
        evidence=f"the tables that {who} {makes} and those that {taker} takes, each identified by itself; nothing else "
        "was seen in the file that makes, takes or rearranges tables",
        **diagnose.fields_of(diagnose.for_finding(KINDS[kind][0])),
    )


def _words(kind: str, makes: str, made: Described, taken: Described) -> str:
    if kind == "lanes":
        order, needed = order_words(made.table_lanes), order_words(taken.table_lanes)
        return f"takes tables with {needed}, and {makes} them with {order}"
    if kind == "order":
        first, second = ("cos", "sin") if (made.order or "").startswith("cos") else ("sin", "cos")
        return f"takes {second} for {first}: {makes} one tensor with {first} in front"
    return f"never reads the {taken.unread} of its tables, and {makes} tables with a {taken.unread} of its own"
