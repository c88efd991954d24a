"""The line of flash-attn: broken, unable to run here, or running;
and the options of its rotary functions."""

from rotcheck.isolation import Outcome, Returned
from rotcheck.probe.installation import library_line, version, words
from rotcheck.probe.outcome_lines import join
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
    imports = [
        reply for reply in (import_outcome, under_interpreter) if isinstance(reply, Returned)
    ]
    api = imports[0].value if imports else None
    text = words(PACKAGE, import_outcome, launch, ran="its rotary kernel ran on")
    stand_in = STAND_IN if stands_in else None
    detail = join(version(PACKAGE), text, _options(api), stand_in, by="; ")
    values = {"version": version(PACKAGE), "rotary_api": api, "interpreter": stands_in}
    return Conclusion([library_line(NAME, import_outcome, launch, detail, values)])


def _options(api: dict[str, list[str]] | None) -> str | None:
    """The options that this version's rotary functions take; versions differ."""
    if not api:
        return None
    options = dict.fromkeys(name for names in api.values() for name in names if name not in TENSORS)
    return f"its rotary takes {' '.join(options)}" if options else None
