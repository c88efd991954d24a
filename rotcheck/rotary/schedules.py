"""The frequency schedules in use, in float64 on the CPU."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from rotcheck.rotary.frequencies import inverse_frequencies


@dataclass(frozen=True, slots=True)
class Schedule(ABC):
    """What turns each pair how fast.

    Every number of a schedule is positive: ValueError, which names it, if not.
    """

    def __post_init__(self) -> None:
        for parameter in fields(self):
            value = getattr(self, parameter.name)
            numbers = value if isinstance(value, tuple) else (value,)
            counted = [number for number in numbers if type(number) in (int, float)]
            if not all(0 < number < math.inf for number in counted):
                name = f"{type(self).__name__}: {parameter.name}"
                raise ValueError(f"{name} is {value}; it must be positive and finite")

    def __str__(self) -> str:
        """Leave out what is at its default, theta excepted."""
        values = [(parameter, getattr(self, parameter.name)) for parameter in fields(self)]
        shown_values = [
            f"{parameter.name}={_short(value)}"
            for parameter, value in values
            if parameter.name == "theta" or value != parameter.default
        ]
        return f"{type(self).__name__}({', '.join(shown_values)})"

    @property
    def attention_factor(self) -> float:
        """What cos and sin are multiplied with, so scores with its square. 1 in most schedules."""
        return 1.0

    @abstractmethod
    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        """Radians a position, shape (rotary_dim / 2,), float64.

        Raises ValueError for an odd rotary_dim.
        """


def _short(value: object) -> object:
    """A value as it is shown: of many numbers the first, the last and how many they are."""
    if isinstance(value, tuple) and len(value) > 4:
        return f"({value[0]}, ..., {value[-1]}: {len(value)})"
    return value


@dataclass(frozen=True, slots=True)
class Plain(Schedule):
    """theta ** (-2i / rotary_dim). Source: RoFormer, arXiv 2104.09864, section 3.2.2."""

    theta: float = 10000.0

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        return inverse_frequencies(rotary_dim, self.theta)


@dataclass(frozen=True, slots=True)
class Linear(Schedule):
    """Position interpolation: all frequencies over `factor`. Source: arXiv 2306.15595."""

    factor: float
    theta: float = 10000.0

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        return inverse_frequencies(rotary_dim, self.theta) / self.factor


@dataclass(frozen=True, slots=True)
class Ntk(Schedule):
    """NTK-aware: theta * scale ** (R / (R - 2)), so that the last pair is interpolated by `scale`.

    Source: arXiv 2309.00071, section 3.1. Raises ValueError for a rotary_dim R of 2,
    whose exponent is infinite.
    """

    scale: float
    theta: float = 10000.0

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        if rotary_dim == 2:
            raise ValueError(
                "rotary_dim is 2; NTK scaling needs 4 or more, its exponent is R / (R - 2)"
            )
        theta = self.theta * self.scale ** (rotary_dim / (rotary_dim - 2))
        return inverse_frequencies(rotary_dim, theta)


@dataclass(frozen=True, slots=True)
class DynamicNtk(Schedule):
    """NTK-aware beyond `original_length`, by a scale that grows with `length`, the sequence's.

    scale = factor * length / original_length - (factor - 1), and 1 up to the original length.
    Source: `_compute_dynamic_ntk_parameters` of transformers, whose original length is
    max_position_embeddings. Raises ValueError for a rotary_dim of 2.
    """

    factor: float
    original_length: int
    theta: float = 10000.0
    length: int = 1

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        longer = max(self.length, self.original_length) / self.original_length
        scale = self.factor * longer - (self.factor - 1)
        return Ntk(scale, self.theta).inverse_frequencies(rotary_dim)


@dataclass(frozen=True, slots=True)
class LongRope(Schedule):
    """One divisor a pair: `long` where `length`, the sequence's, is over the original length,
    else `short`.

    `factor`: the model's longest length over its original one, for the attention factor sqrt(1 + ln
    factor / ln original_length); `attention` replaces it. Source: arXiv 2402.13753. Raises
    ValueError when there are not rotary_dim / 2 divisors.
    """

    short: tuple[float, ...]
    long: tuple[float, ...]
    original_length: int
    factor: float
    length: int = 1
    theta: float = 10000.0
    attention: float | None = None

    @property
    def attention_factor(self) -> float:
        if self.attention is not None:
            return self.attention
        return math.sqrt(1 + max(math.log(self.factor), 0.0) / math.log(self.original_length))

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        name = "long" if self.length > self.original_length else "short"
        divisors = torch.tensor(getattr(self, name), dtype=torch.float64, device="cpu")  # (P,)
        plain = inverse_frequencies(rotary_dim, self.theta)  # (P,)
        if divisors.shape != plain.shape:
            raise ValueError(
                f"{name} has {len(divisors)} factors; rotary_dim {rotary_dim} has {len(plain)} pairs"
            )
        return plain / divisors


@dataclass(frozen=True, slots=True)
class Blend(Schedule):
    """Fast pairs are kept, slow ones interpolated by `factor`, those between
    are a blend of both."""

    factor: float
    original_length: int
    theta: float = 10000.0

    @abstractmethod
    def kept(self, rotary_dim: int) -> Tensor:
        """How much of each pair is kept, shape (rotary_dim / 2,):
        1 for as it was, 0 for interpolated."""

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        plain = inverse_frequencies(rotary_dim, self.theta)  # (P,)
        share = self.kept(rotary_dim)  # (P,)
        return plain * (share + (1 - share) / self.factor)


@dataclass(frozen=True, slots=True)
class Yarn(Blend):
    """YaRN: blended between the pairs that turn `beta_fast` and `beta_slow` times in
    the original length.

    `truncate`: from a whole pair to a whole pair (gpt-oss: not). `mscale`, `mscale_all_dim`:
    DeepSeek's, together or not at all (a 0 in a configuration is None here); `attention` replaces
    the attention factor. Source: arXiv 2309.00071; `_compute_yarn_parameters` of transformers for
    what it leaves open.
    """

    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True
    mscale: float | None = None
    mscale_all_dim: float | None = None
    attention: float | None = None

    @property
    def attention_factor(self) -> float:
        if self.attention is not None:
            return self.attention
        growth = 0.1 * max(math.log(self.factor), 0.0)
        if self.mscale is None or self.mscale_all_dim is None:
            return growth + 1
        return (self.mscale * growth + 1) / (self.mscale_all_dim * growth + 1)

    def kept(self, rotary_dim: int) -> Tensor:
        first, last = self._pair(self.beta_fast, rotary_dim), self._pair(self.beta_slow, rotary_dim)
        if self.truncate:
            first, last = math.floor(first), math.ceil(last)
        first, last = max(first, 0), min(last, rotary_dim - 1)
        pairs = torch.arange(rotary_dim // 2, dtype=torch.float64, device="cpu")  # (P,)
        # 0.001 is transformers'
        return 1 - ((pairs - first) / ((last - first) or 0.001)).clamp(0, 1)

    def _pair(self, turns: float, rotary_dim: int) -> float:
        """Where in the row of pairs (a fraction) one turns so many times in the original length."""
        length = self.original_length / (turns * 2 * math.pi)
        return rotary_dim * math.log(length) / (2 * math.log(self.theta))


@dataclass(frozen=True, slots=True)
class Llama3(Blend):
    """Llama 3.1: blended between `high_freq_factor` and `low_freq_factor` turns in
    the original length.

    The frequencies stay the same when both factors and the original length are multiplied by one
    number. Source: `apply_scaling` in meta-llama's llama_models. Raises ValueError when high is
    under low.
    """

    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0

    def kept(self, rotary_dim: int) -> Tensor:
        low, high = self.low_freq_factor, self.high_freq_factor
        if high < low:
            limit = f"it must not be under low_freq_factor, {low}"
            raise ValueError(f"high_freq_factor is {high}; {limit}")
        # (P,)
        turns = self.original_length * inverse_frequencies(rotary_dim, self.theta) / (2 * math.pi)
        return ((turns - low) / (high - low)).clamp(0, 1) if high > low else (turns > low).double()


@dataclass(frozen=True, slots=True)
class OverHeadDim(Schedule):
    """theta ** (-2i / head_dim) for the first rotary_dim / 2 pairs:
    in a partial rotary the known mistake N8.

    It is the plain schedule with theta ** (rotary_dim / head_dim). Raises ValueError
    when rotary_dim is over head_dim.
    """

    head_dim: int
    theta: float = 10000.0

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        if rotary_dim > self.head_dim:
            raise ValueError(
                f"rotary_dim is {rotary_dim}; it must not be over head_dim, {self.head_dim}"
            )
        inverse_frequencies(rotary_dim)  # refuses an odd one
        return inverse_frequencies(self.head_dim, self.theta)[: rotary_dim // 2]


@dataclass(frozen=True, slots=True)
class Proportional(Schedule):
    """The first `proportion` of all pairs turn as in a full head,
    over `factor`; the others stand still, at 0.

    Its rotary_dim is head_dim. Source: `_compute_proportional_rope_parameters` of transformers 5
    (Gemma 4). Raises ValueError when `proportion` is over 1.
    """

    proportion: float
    theta: float = 10000.0
    factor: float = 1.0

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        if self.proportion > 1:
            raise ValueError(f"proportion is {self.proportion}; it must not be over 1")
        full = inverse_frequencies(rotary_dim, self.theta) / self.factor  # (P,)
        full[int(self.proportion * rotary_dim // 2) :] = 0
        return full


@dataclass(frozen=True, slots=True)
class Axial(Schedule):
    """Each of `axes` coordinates (height, width) has a row of frequencies of its own, one row
    after another.

    `dealt`: pair by pair instead, as in Kimi K2.5. `shared`: one row over all lanes is dealt
    out to the axes, and each has its share, one after another, as in Pixtral. `sides`: how many
    places each axis has, where coordinates are fractions of the image, from -1 to 1, times 2 pi,
    as in DINOv3. Its rotary_dim is that of all rows. Source: `compute_axial_rope_parameters` of
    transformers 5, as in Qwen2-VL's vision tower. Raises ValueError where the lanes are not an
    even number for each axis.
    """

    axes: int = 2
    theta: float = 10000.0
    dealt: bool = False
    shared: bool = False
    sides: tuple[int, ...] = ()

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        row = inverse_frequencies(rotary_dim // self.axes, self.theta)  # (P / axes,)
        if rotary_dim % self.axes:
            raise ValueError(f"rotary_dim is {rotary_dim}; it must be {self.axes} equal parts")
        if self.sides:
            return torch.cat([4 * math.pi / side * row for side in self.sides])
        if self.shared:  # (P,)
            return inverse_frequencies(rotary_dim, self.theta).view(-1, self.axes).T.flatten()
        # (P,)
        return row.repeat_interleave(self.axes) if self.dealt else row.repeat(self.axes)


@dataclass(frozen=True, slots=True)
class AxisRows(Schedule):
    """Each axis has a row of frequencies over `lanes` of its own, one row after another.

    Source: `FluxPosEmbed` of diffusers, whose axes_dim they are. Raises ValueError where the lanes
    are not rotary_dim together.
    """

    lanes: tuple[int, ...]
    theta: float = 10000.0

    def inverse_frequencies(self, rotary_dim: int) -> Tensor:
        if sum(self.lanes) != rotary_dim:
            raise ValueError(
                f"{self.lanes} are {sum(self.lanes)} lanes; rotary_dim is {rotary_dim}"
            )
        return torch.cat([inverse_frequencies(lanes, self.theta) for lanes in self.lanes])  # (P,)
