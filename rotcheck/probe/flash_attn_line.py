"""The line of flash-attn: broken, unable to run here, or running; and the options of its rotary functions."""

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.installation import import_failed, state, version
from rotcheck.probe.outcome_lines import join, outcome_line, why
from rotcheck.probe.topic import Conclusion, Topic, questions

NAME, PACKAGE = "flash-attn", "flash_attn"
TENSORS = {"x", "qkv", "cos", "sin", "cos_k", "sin_k"}
STAND_IN = "its rotary kernel runs under the Triton interpreter: `--device interpreter`"


def topic() -> Topic:
    """The topic: a plain import, a run on the device, a run under the Triton interpreter."""
    plain = questions(
        NAME, *(["inside.flash_attn_kernel", name] for name in ("import_plainly", "run_on_device"))
    )
    under_interpreter = questions(
        f"{NAME} interpreted", ["inside.flash_attn_kernel", "run_under_interpreter"]
    )
    return Topic([plain, under_interpreter], _read)


def _read(outcomes: list[Outcome]) -> Conclusion:
    import_outcome, launch, under_interpreter = outcomes
    stands_in = isinstance(under_interpreter, Returned)
    api = next(
        (
            reply.value
            for reply in (import_outcome, under_interpreter)
            if isinstance(reply, Returned)
        ),
        None,
    )
    words, stand_in = _result_words(import_outcome, launch), STAND_IN if stands_in else None
    detail = join(version(PACKAGE), words, _options(api), stand_in, by="; ")
    reply = outcome_line(
        "libraries",
        NAME,
        launch if isinstance(import_outcome, Returned) else import_outcome,
        state=state(import_outcome, launch),
        detail=detail,
        values={"version": version(PACKAGE), "rotary_api": api, "interpreter": stands_in},
    )
    return Conclusion([reply])


def _options(api: dict[str, list[str]] | None) -> str | None:
    """The options that this version's rotary functions take; versions differ."""
    if not api:
        return None
    options = dict.fromkeys(name for names in api.values() for name in names if name not in TENSORS)
    return f"its rotary takes {' '.join(options)}" if options else None


def _result_words(import_outcome: Outcome, launch: Outcome) -> str:
    if not isinstance(import_outcome, Returned):
        return import_failed(PACKAGE, import_outcome)
    return (
        f"its rotary kernel ran on {launch.value}" if isinstance(launch, Returned) else why(launch)
    )
