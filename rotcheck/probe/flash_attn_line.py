"""flash-attn: broken, unable to run here, or running; and what its rotary functions accept."""

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.installation import import_failed, state, version
from rotcheck.probe.outcome_lines import joined, outcome_line, why
from rotcheck.probe.topic import Reading, Topic, questions

NAME, PACKAGE = "flash-attn", "flash_attn"
TENSORS = {"x", "qkv", "cos", "sin", "cos_k", "sin_k"}
STAND_IN = "its rotary kernel runs under the Triton interpreter: `--device interpreter`"


def topic() -> Topic:
    """Return the topic: a plain import, a run on the device, a run under the Triton interpreter."""
    plain = questions(
        NAME, *(["inside.flash_attn_kernel", name] for name in ("import_plainly", "run_on_device"))
    )
    interpreted = questions(
        f"{NAME} interpreted", ["inside.flash_attn_kernel", "run_under_interpreter"]
    )
    return Topic([plain, interpreted], _read)


def _read(outcomes: list[Outcome]) -> Reading:
    imported, ran, interpreted = outcomes
    stands_in = isinstance(interpreted, Returned)
    api = next(
        (found.value for found in (imported, interpreted) if isinstance(found, Returned)), None
    )
    said, stand_in = _said(imported, ran), STAND_IN if stands_in else None
    detail = joined(version(PACKAGE), said, _accepted(api), stand_in, by="; ")
    found = outcome_line(
        "libraries",
        NAME,
        ran if isinstance(imported, Returned) else imported,
        state=state(imported, ran),
        detail=detail,
        values={"version": version(PACKAGE), "rotary_api": api, "interpreter": stands_in},
    )
    return Reading([found])


def _accepted(api: dict[str, list[str]] | None) -> str | None:
    """Return which options this version's rotary functions take; they differ from version to version."""
    if not api:
        return None
    options = dict.fromkeys(name for names in api.values() for name in names if name not in TENSORS)
    return f"its rotary takes {' '.join(options)}" if options else None


def _said(imported: Outcome, ran: Outcome) -> str:
    if not isinstance(imported, Returned):
        return import_failed(PACKAGE, imported)
    return f"its rotary kernel ran on {ran.value}" if isinstance(ran, Returned) else why(ran)
