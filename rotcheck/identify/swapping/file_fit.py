"""Do the functions of one file fit together: does one make the tables that another takes?

Each may be right by itself. A misfit is a mistake if both run together and the result shows it.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from rotcheck import diagnose
from rotcheck.convention import FORMS, order_words, role_of
from rotcheck.identify.front_identity import Identity, distinct_names
from rotcheck.identify.swapping import table_changes
from rotcheck.isolation import Job, Pool, Returned
from rotcheck.results import Description, Identification, Remark

EXCHANGE = {"cos+sin": "sin+cos", "cos|sin": "sin|cos", "cos, sin": "(sin, cos)"} | {
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

MAKER_AND_TAKER = "rotcheck.identify.swapping.maker_and_taker:open_pair"
PRELOAD = ("torch", "rotcheck.identify.swapping.maker_and_taker")
LIMIT = 60.0  # seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Misfit:
    """A function that takes other tables than those of its file make:
    in which way, and what is said of it."""

    makers: tuple[str, ...]
    kind: str  # a key of `KINDS`
    remark: Remark


def of_files(
    specifications: Sequence[str], identifications: Sequence[Identification]
) -> list[Identification]:
    """The identifications of these specifications,
    with those of each `file.py` compared with each other."""
    places = [_place(specification) for specification in specifications]
    files: dict[Path, dict[str, Identification]] = {}
    for (file, name), item in zip(places, identifications, strict=True):
        if file:
            files.setdefault(file, {})[name] = item
    by_place = {place: item for item, place in zip(specifications, places, strict=True)}
    misfits_by_name: dict[str, Misfit] = {}
    jobs: list[Job] = []
    for file, functions in files.items():
        misfits = together(functions)
        if misfits and not table_changes.may_differ(file, functions):
            misfits_by_name |= {by_place[file, name]: item for name, item in misfits.items()}
            device = next(iter(functions.values())).device
            jobs += [
                _job(by_place[file, name], by_place[file, maker], item.kind, device)
                for name, item in misfits.items()
                for maker in item.makers
            ]
    demonstrations = _demonstrations(jobs)
    specifications_of_places = [by_place.get(place, "") for place in places]
    return [
        _with(
            item,
            _settle(misfits_by_name[name].remark, demonstrations.get(name))
            if name in misfits_by_name
            else None,
        )
        for item, name in zip(identifications, specifications_of_places, strict=True)
    ]


def _place(specification: str) -> tuple[Path | None, str]:
    """The file of a function and its name there; no file: it was named in another way."""
    file, _, name = specification.rpartition(":")
    return (Path(file).resolve() if file.endswith(".py") else None), name


def _with(identification: Identification, remark: Remark | None) -> Identification:
    if remark is None:
        return identification
    findings = (*identification.findings, remark)
    # alone, a half that is not read is a choice
    if remark.mistake or remark.code == KINDS["half"][0]:
        follows = identification.follows and not remark.mistake
        return replace(identification, findings=findings, follows=follows)
    return replace(identification, findings=findings, follows=False, message=remark.message)


def _job(taker: str, maker: str, kind: str, device: str) -> Job:
    """The job that runs both together; `taker` and `maker`: their specifications."""
    return Job(
        taker,
        MAKER_AND_TAKER,
        {"maker": maker, "taker": taker, "device": device},
        [kind],
        LIMIT,
        LIMIT,
    )


def _demonstrations(jobs: Sequence[Job]) -> dict[str, str]:
    """The demonstration of each function's mistake, by its specification, where there is one."""
    if not jobs:
        return {}
    demonstrations: dict[str, str] = {}
    with Pool(preload=PRELOAD) as pool:
        for result in pool.run(jobs):
            if isinstance(result.outcome, Returned) and result.outcome.value:
                demonstrations.setdefault(result.job.name, result.outcome.value)
    return demonstrations


def _settle(remark: Remark, demonstration: str | None) -> Remark:
    if demonstration:
        return replace(remark, demonstration=demonstration)
    words = f"seen, and in doubt: {remark.message} (no call of both in a row shows it)"
    return replace(remark, mistake=False, message=words)


def together(functions: Mapping[str, Identification]) -> dict[str, Misfit]:
    """What is wrong with each function that takes other tables than those of its file make.

    `functions`: what each function of one file does by itself, by name. Nothing is said unless all
    were identified, all that make tables of the form that is taken make the same, and no other
    function takes them as they are made.
    """
    conventions = {
        name: item.convention for name, item in functions.items() if item.convention is not None
    }
    if any(item.convention is None and item.purpose is None for item in functions.values()):
        return {}
    makers, takers = (
        {name: convention for name, convention in conventions.items() if convention.kind == kind}
        for kind in ("builds", "applies")
    )
    right = {name for name in conventions if functions[name].follows}
    misfits: dict[str, Misfit] = {}
    for kind, amiss in (("lanes", _lanes), ("order", _order), ("half", _half)):
        misfits |= {
            name: Misfit(by, kind, _remark(kind, by, conventions[by[0]], name, takers[name]))
            for name, by in amiss(makers, takers).items()
            if {name, *by} <= right
        }
    return misfits


Conventions = Mapping[str, Description]
Pairs = dict[str, tuple[str, ...]]
"""Those that take the wrong tables, and who makes them."""


def _lanes(makers: Conventions, takers: Conventions) -> Pairs:
    """Who takes full-width tables in another order than the file makes them."""
    takes = {name: description for name, description in takers.items() if _plain(description)}
    forms = {(description.tables, description.table_lanes) for description in takes.values()}
    if len(forms) != 1:
        return {}
    ((form, needs),) = forms
    by = {name: description for name, description in makers.items() if description.tables == form}
    orders = {description.table_lanes for description in by.values()}
    if len(orders) != 1 or needs in orders or not all(map(_plain, by.values())):
        return {}
    return dict.fromkeys(takes, tuple(by))


def _order(makers: Conventions, takers: Conventions) -> Pairs:
    """Who takes for sin what the file makes as cos, where both are in one tensor or one tuple."""
    orders = {description.order for description in makers.values() if description.order in EXCHANGE}
    if len(orders) != 1:
        return {}
    (order,) = orders
    by = tuple(name for name, description in makers.items() if description.order == order)
    right = EXCHANGE[EXCHANGE[order].strip("()")]
    if any(right in map(role_of, taker.argument_order) for taker in takers.values()):
        return {}
    wrong = [
        name
        for name, taker in takers.items()
        if EXCHANGE[order] in map(role_of, taker.argument_order)
    ]
    return dict.fromkeys(wrong, by)


def _half(makers: Conventions, takers: Conventions) -> Pairs:
    """Who reads one half of full-width tables alone,
    where the file makes tables that do not repeat.

    Whether these are as wide as a head shows when both run together.
    """
    if not makers or any(maker.tables not in ("half-width", "angles") for maker in makers.values()):
        return {}
    wrong = [name for name, taker in takers.items() if taker.unread and _repeats(taker)]
    return dict.fromkeys(wrong, tuple(makers))


def _repeats(described: Description) -> bool:
    """Whether its tables are as wide as a head."""
    return described.tables in FORMS and FORMS[described.tables].repeats


def _plain(description: Description) -> bool:
    """Whether it makes or takes full-width tables that repeat over all lanes that turn."""
    whole = (
        (description.blocks or 1) == 1
        and description.sections is None
        and description.positions != "grid"
    )
    return whole and _repeats(description) and description.table_lanes is not None


def _remark(
    kind: str,
    makers: Sequence[str],
    made_tables: Description,
    taker: str,
    expected_tables: Description,
) -> Remark:
    maker_names, makes = " and ".join(makers), "makes" if len(makers) == 1 else "make"
    return Remark(
        code=KINDS[kind][0],
        message=_words(
            kind, f"{maker_names} of the same file {makes}", made_tables, expected_tables
        ),
        evidence=f"the tables that {maker_names} {makes} and those that {taker} takes, each identified by itself; "
        "nothing else was seen in the file that makes, takes or rearranges tables",
        **diagnose.fields_of(diagnose.for_finding(KINDS[kind][0])),
    )


def _words(kind: str, makes: str, made_tables: Description, expected_tables: Description) -> str:
    if kind == "lanes":
        order, needs = map(order_words, (made_tables.table_lanes, expected_tables.table_lanes))
        return f"takes tables with {needs}, and {makes} them with {order}"
    if kind == "order":
        is_cos_first = (made_tables.order or "").startswith("cos")
        first, second = ("cos", "sin") if is_cos_first else ("sin", "cos")
        return f"takes {second} for {first}: {makes} one tensor with {first} in front"
    half = expected_tables.unread
    return f"never reads the {half} of its tables, and {makes} tables with a {half} of its own"


def fit_files(identities: Mapping[str, Identity], *, apart: bool = True) -> dict[str, Identity]:
    """The identities by SPEC, the functions of one file held against each other.

    `apart`: no two have one name.
    """
    specs = list(identities)
    fits = of_files(specs, [identity.identification for identity in identities.values()])
    identifications = distinct_names(specs, fits) if apart else fits
    return {
        spec: dataclasses.replace(identities[spec], identification=identification)
        for spec, identification in zip(specs, identifications, strict=True)
    }
