"""Do the functions of one file fit each other: does one make tables in the order in which another takes them?"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from rotcheck import diagnose
from rotcheck.identify import elsewhere
from rotcheck.identify.likeness import order_words
from rotcheck.results import Described, Identification, Remark

CODE = "pairing-of-tables"
FULL_WIDTH = ("repeated", "packed", "angles-repeated")


def of_files(asked: Sequence[str], told: Sequence[Identification]) -> list[Identification]:
    """Return what was found of these specifications, those of each `file.py` held against each other."""
    places = [_place(specification) for specification in asked]
    files: dict[Path, dict[str, Identification]] = {}
    for (file, name), one in zip(places, told, strict=True):
        if file:
            files.setdefault(file, {})[name] = one
    wrong: dict[Path, dict[str, Remark]] = {}
    for file, found in files.items():
        misfits = together(found)
        if misfits and not elsewhere.may_differ(file, found):
            wrong[file] = misfits
    remarks = [wrong.get(file, {}).get(name) if file else None for file, name in places]
    return [_with(one, remark) for one, remark in zip(told, remarks, strict=True)]


def _place(specification: str) -> tuple[Path | None, str]:
    """Return the file of a function and its name there; no file: it was named in another way."""
    file, _, name = specification.rpartition(":")
    return (Path(file).resolve() if file.endswith(".py") else None), name


def _with(one: Identification, remark: Remark | None) -> Identification:
    return replace(one, findings=(*one.findings, remark), follows=False) if remark else one


def together(found: Mapping[str, Identification]) -> dict[str, Remark]:
    """Return a mistake for each function that takes full-width tables in another order than the file makes them.

    `found`: what each function of one file does by itself, by name. Nothing is said unless there is no doubt: all were
    identified, all that make tables make the same, and all that take tables need those in the other order.
    """
    known = {name: one.convention for name, one in found.items() if one.convention is not None}
    makers = {name: each for name, each in known.items() if each.kind == "builds"}
    takers = {name: each for name, each in known.items() if each.kind == "applies"}
    if len(makers) + len(takers) < len(found) or not _misfit([*makers.values()], [*takers.values()]):
        return {}
    right = [name for name in makers if found[name].follows]
    return {
        name: _remark(right, known[right[0]], name, each)
        for name, each in takers.items()
        if right and found[name].follows
    }


def _misfit(makers: Sequence[Described], takers: Sequence[Described]) -> bool:
    """Return whether all make tables in one order, and all take the same tables in the other order."""
    made = {(each.tables, each.table_lanes) for each in makers if _plain(each)}
    taken = {(each.tables, each.table_lanes) for each in takers if _plain(each)}
    if not all(map(_plain, (*makers, *takers))) or len(made) != 1 or len(taken) != 1:
        return False
    (form, order), (needed, other) = *made, *taken
    return form == needed and order != other


def _plain(each: Described) -> bool:
    """Return whether it makes or takes full-width tables that repeat over all lanes that turn."""
    whole = (each.blocks or 1) == 1 and each.sections is None and each.positions != "grid"
    return whole and each.tables in FULL_WIDTH and each.table_lanes is not None


def _remark(makers: Sequence[str], made: Described, taker: str, taken: Described) -> Remark:
    order, needed = order_words(made.table_lanes), order_words(taken.table_lanes)
    who, makes = " and ".join(makers), "makes" if len(makers) == 1 else "make"
    known = diagnose.for_finding(CODE)
    return Remark(
        code=CODE,
        message=f"takes tables with {needed}, and {who} of the same file {makes} them with {order}",
        evidence=f"the tables that {who} {makes} and those that {taker} takes, each identified by itself; nothing else "
        "was seen in the file that makes, takes or rearranges tables",
        failure=known.id if known else None,
        cause=known.cause if known else None,
        fix=known.fix if known else None,
    )
