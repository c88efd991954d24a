"""The ways in which a model may read a configuration otherwise than it is written: one key each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rotcheck.model.declared.declared_schedule import head_dim, rope_type
from rotcheck.model.declared.rotation_settings import RotationSettings
from rotcheck.model.declared.spellings import USUAL_KEYS
from rotcheck.rotary.recognition import WELL_KNOWN_THETAS

LIKELY, POSSIBLE, RARE = 2, 5, 8  # two likely ones together come before a possible one
"""How far-fetched a change is; the least one that fits is named."""
_DEFAULT_THETA = 10000.0
_PLAIN = dict.fromkeys(("kind", "factor", "alpha", "short", "long"), None)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What a model may take a configuration for.

    `settings`: as it then reads them. `keys`: the paths of those that it does not read as written.
    """

    words: str
    keys: tuple[str, ...]
    settings: RotationSettings
    cost: int = LIKELY
    is_default: bool = False  # a key that is not read, and nothing stranger: such come together


def key_changes(settings: RotationSettings) -> Iterator[KeyChange]:
    """Yield each change of one key, and of two that are not read."""
    single = [*_theta(settings), *_scaling(settings), *_lanes(settings)]
    yield from single
    yield from _unread(settings)
    unread = [change for change in single if change.is_default]
    for index, first in enumerate(unread):
        for second in unread[index + 1 :]:
            yield _combination(settings, first, second)


def number(value: float | None) -> str:
    """A number as it is read easily: 500,000."""
    return "none" if value is None else f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"


def key_name(settings: RotationSettings, name: str) -> str:
    """The path of a key; where no key gives a setting, the one that is usual."""
    return settings.path(name) or USUAL_KEYS.get(name, name)


def holder(settings: RotationSettings) -> str:
    """The key that holds the scaling: "rope_scaling"."""
    paths = (settings.path(name) for name in ("kind", "factor", "short"))
    path = next((path for path in paths if path), "")
    return path.rpartition(".")[0] or path or "the scaling"


def _change(
    settings: RotationSettings,
    words: str,
    name: str,
    values: dict[str, Any],
    cost: int = LIKELY,
    is_default: bool = False,
) -> KeyChange:
    return KeyChange(
        words, (key_name(settings, name),), settings.change(**values), cost, is_default
    )


def _combination(settings: RotationSettings, first: KeyChange, second: KeyChange) -> KeyChange:
    values = {
        name: setting.value
        for change in (first, second)
        for name, setting in change.settings.settings.items()
        if setting != settings.settings.get(name)
    }
    words, keys = f"{first.words}; and {second.words}", (*first.keys, *second.keys)
    return KeyChange(words, keys, settings.change(**values), first.cost + second.cost)


def _unread(settings: RotationSettings) -> Iterator[KeyChange]:
    """Yield that the mapping is not read that holds several of the settings: rope_parameters."""
    path = holder(settings)
    inner = [name for name in ("theta", "partial") if settings.path(name).startswith(f"{path}.")]
    if inner and rope_type(settings) != "default":
        values: dict[str, Any] = {"theta": _DEFAULT_THETA} if "theta" in inner else {}
        values |= {"partial": None} if "partial" in inner else {}
        theta = f"theta is {number(_DEFAULT_THETA)}" if "theta" in inner else "the whole head turns"
        words = f"{path} is not read: {theta} and nothing is scaled"
        yield KeyChange(words, (path,), settings.change(**_PLAIN, **values))


def _theta(settings: RotationSettings) -> Iterator[KeyChange]:
    """Yield other thetas: defaults, and factors of the declared one."""
    theta, name = settings.number("theta"), key_name(settings, "theta")
    if theta is None:
        return
    for value in WELL_KNOWN_THETAS:
        if value == theta:
            continue
        default = "the usual default" if value == _DEFAULT_THETA else "another model's"
        says = "declared" if settings.path("theta") else "the default of the architecture"
        is_off = f"{name} is ignored" if settings.path("theta") else "no key gives theta"
        words = f"{is_off}: it is {number(value)}, {default}, where {number(theta)} is {says}"
        if value == _DEFAULT_THETA:
            yield _change(
                settings, words + _elsewhere(name), "theta", {"theta": value}, is_default=True
            )
        else:
            yield _change(settings, words, "theta", {"theta": value}, POSSIBLE)
    for ratio, times in ((2.0, "twice"), (0.5, "half of"), (10.0, "10 times"), (0.1, "a tenth of")):
        words = f"theta is {number(theta * ratio)}, {times} what {name} declares"
        yield _change(settings, words, "theta", {"theta": theta * ratio}, RARE)


def _elsewhere(path: str) -> str:
    """Where code for the other version of transformers looks for theta."""
    part, _, key = path.rpartition(".")
    if key == "rope_theta" and part.endswith("rope_parameters"):
        return "; code that reads rope_theta outside of rope_parameters finds none"
    if key == "rope_theta" and "." not in part:
        return "; code that reads rope_parameters.rope_theta finds none"
    return ""


def _scaling(settings: RotationSettings) -> Iterator[KeyChange]:
    """Yield that the scaling is not read, or one of its keys is read as another."""
    kind = rope_type(settings)
    if kind in ("default", "axial", "axes"):
        return
    if kind != "proportional":
        words = f"{holder(settings)} is ignored: nothing is scaled"
        yield _change(settings, words, "kind", _PLAIN, is_default=True)
    yield from _factors(settings)
    yield from _lengths(settings)
    yield from _kinds(settings, kind)
    if kind == "yarn":
        yield from _of_yarn(settings)
    if kind == "llama3":
        yield from _of_llama3(settings)
    if kind == "longrope":
        words = "short_factor and long_factor are exchanged, or used at the other's lengths"
        yield _change(
            settings,
            words,
            "short",
            {"short": settings.value("long"), "long": settings.value("short")},
        )
    if kind == "proportional":
        words = f"{key_name(settings, 'kind')} is ignored: a part of the head turns as if it were all of it"
        yield _change(settings, words, "kind", {"kind": "default"})


def _factors(settings: RotationSettings) -> Iterator[KeyChange]:
    factor, name = settings.number("factor"), key_name(settings, "factor")
    if factor is None:
        return
    ratios = {"twice": 2 * factor, "half of": factor / 2, "the square of": factor**2}
    for times, value in ratios.items():
        words = f"the factor is {number(value)}, {times} what {name} declares"
        yield _change(settings, words, "factor", {"factor": value})
    for value in (8.0, 32.0, 40.0):
        words = f"{name} is ignored: the factor is {number(value)}, a usual default, where {number(factor)} is declared"
        yield _change(settings, words, "factor", {"factor": value}, POSSIBLE)
    longest, original = settings.number("longest"), settings.number("original_length")
    if longest and original and longest > original:
        words = f"{name} is ignored: the factor is {number(longest / original)}, the ratio of both lengths"
        yield _change(settings, words, "factor", {"factor": longest / original})


def _lengths(settings: RotationSettings) -> Iterator[KeyChange]:
    original, longest = settings.number("original_length"), settings.number("longest")
    name, of_longest = key_name(settings, "original_length"), key_name(settings, "longest")
    if original and longest and original != longest:
        words = f"{name} is ignored: {of_longest}, {number(longest)}, is taken for it"
        yield _change(settings, words, "original_length", {"original_length": longest})
    factor = settings.number("factor")
    if rope_type(settings) == "dynamic" and longest and factor and original:
        words = f"{name} is taken for {of_longest}: frequencies change beyond {number(original)}"
        yield _change(settings, words, "longest", {"longest": original})
    for value in (2048, 4096, 8192):
        if original and value != original:
            words = f"{name} is ignored: it is {number(value)}, a usual default"
            yield _change(settings, words, "original_length", {"original_length": value}, POSSIBLE)


def _kinds(settings: RotationSettings, kind: str) -> Iterator[KeyChange]:
    """Yield that one type of scaling is computed as another."""
    bands = {"low": 1.0, "high": 4.0}
    for mistake in ("linear", "yarn", "llama3", "dynamic"):
        if mistake != kind and settings.number("factor"):
            values = bands if mistake == "llama3" and not settings.number("low") else {}
            words = f"{key_name(settings, 'kind')} is {kind}, and it is computed as {mistake}"
            yield _change(settings, words, "kind", {"kind": mistake, **values}, POSSIBLE)


def _of_yarn(settings: RotationSettings) -> Iterator[KeyChange]:
    fast, slow = settings.number("beta_fast") or 32.0, settings.number("beta_slow") or 1.0
    yield _change(
        settings,
        "beta_fast and beta_slow are exchanged",
        "beta_fast",
        {"beta_fast": slow, "beta_slow": fast},
    )
    if fast != 32:
        words = f"{key_name(settings, 'beta_fast')} is ignored: it is 32, the default, where {number(fast)} is declared"
        yield _change(settings, words, "beta_fast", {"beta_fast": None})
    if slow != 1:
        words = f"{key_name(settings, 'beta_slow')} is ignored: it is 1, the default, where {number(slow)} is declared"
        yield _change(settings, words, "beta_slow", {"beta_slow": None})
    whole = settings.value("truncate", True) is not False
    does = "are not rounded to whole pairs" if whole else "are rounded to whole pairs"
    says = key_name(settings, "truncate") + (" is true by default" if whole else " is false")
    words = f"the ends of YaRN's ramp {does}, and {says}"
    yield _change(settings, words, "truncate", {"truncate": not whole})


def _of_llama3(settings: RotationSettings) -> Iterator[KeyChange]:
    low, high = settings.number("low"), settings.number("high")
    words = "low_freq_factor and high_freq_factor are exchanged"
    for step in (low, high):  # transformers' code and Meta's then step at other wavelengths
        yield _change(settings, words, "low", {"low": step, "high": step})
    for name, value, default in (("low", low, 1.0), ("high", high, 4.0)):
        if value not in (None, default):
            key = key_name(settings, name)
            words = f"{key} is ignored: it is {number(default)}, the usual one, where {number(value)} is declared"
            yield _change(settings, words, name, {name: default})


def _lanes(settings: RotationSettings) -> Iterator[KeyChange]:
    """Yield other numbers of lanes: the whole head, a part of a part, a head of another width."""
    head, partial = head_dim(settings), settings.number("partial")
    part = next((n for n in ("rope_lanes", "rotary_dim", "partial") if settings.number(n)), "")
    if part and head:
        name = key_name(settings, part)
        whole = dict.fromkeys(("rope_lanes", "nope_lanes", "rotary_dim", "partial"), None)
        words = f"{name} is ignored: the whole head of {head} lanes turns"
        yield _change(settings, words, part, {**whole, "head_dim": head}, is_default=True)
        if part == "partial" and partial:
            words = f"{name} is applied twice: {number(partial)} of {number(partial)} of {head} lanes turn"
            yield _change(settings, words, part, {"rotary_dim": int(int(head * partial) * partial)})
        elif partial:
            words = f"{key_name(settings, 'partial')} is applied to {name} once more"
            yield _change(
                settings,
                words,
                "partial",
                {"rotary_dim": int((settings.number(part) or 0) * partial)},
            )
    for share in (0.25, 0.5):
        if head and share != partial:
            words = f"the share of the head that turns is {number(share)}, another architecture's default"
            yield _change(
                settings,
                words,
                "partial",
                {"partial": share, "rotary_dim": None, "rope_lanes": None},
                RARE,
            )
    width, heads = settings.number("width"), settings.number("heads")
    if settings.number("head_dim") and width and heads:
        name, ratio = (
            key_name(settings, "head_dim"),
            f"{key_name(settings, 'width')} / {key_name(settings, 'heads')}",
        )
        words = f"{name} is ignored: head_dim is {int(width // heads)}, {ratio}"
        yield _change(settings, words, "head_dim", {"head_dim": None}, is_default=True)
    if head:
        for value, times in ((2 * head, "twice"), (head // 2, "half of")):
            words = f"head_dim is {value}, {times} what is declared"
            yield _change(
                settings,
                words,
                "head_dim",
                {"head_dim": value, "rope_lanes": None, "rotary_dim": None},
                RARE,
            )
