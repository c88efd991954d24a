"""The result of `rotcheck model`: the rotary code that ran in a model, and whether it is right."""

from typing import Literal

import msgspec

from rotcheck.exit_codes import INTERRUPT
from rotcheck.results.probe import Machine
from rotcheck.results.result import Verdict, exit_code

RowKind = Literal["tables", "rotation", "attention", "backward", "forward"]
"""What a row is about: a maker of tables, a function that turns tensors, what enters the attention,
the gradient through a rotation, or the run of the model itself."""


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of rotary code that ran in the model, in the same way each time."""

    kind: RowKind
    function: str  # "apply_rotary_pos_emb"
    home: str = ""  # where it is defined: "transformers.models.llama.modeling_llama"
    modules: str = ""  # of the model, which called it: "model.layers.{0,1}.self_attn"
    layers: str = ""  # the type of these layers, where the configuration has several
    calls: int = 0  # in one forward pass
    device: str
    dtype: str  # of the model's weights
    tensors: str = ""  # the dtype of those that it was handed
    does: str = ""  # "q, k: half, 128 of 128 lanes"
    angles: str = ""  # "Llama3(factor=8.0, original_length=8192, theta=500000.0)"
    error: float | None = None  # in units of rounding; of tables in radians
    right_to: int | None = None  # the last position that was asked for and is right
    wrong_at: int | None = None
    verdict: Verdict
    finding: str | None = None  # code of what is wrong
    message: str | None = None  # what is wrong, or why it is not understood
    note: str | None = None
    trace: tuple[str, ...] = ()
    failure: str | None = None  # id of the known failure, as in `rotcheck explain ID`
    cause: str | None = None
    fix: str | None = None


class DeclaredRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration declares for layers of one type, and what the model does there."""

    layers: str  # empty: all
    device: str = ""  # where it was measured; empty: nowhere, since the file only declares
    dtype: str = ""
    declared: str  # "Llama3(factor=8.0, ...), 64 of 128 lanes"
    done: str
    keys: dict[str, str] = {}  # which keys of the configuration were read, with their values
    parts_at: int | None = None  # the first position at which they part by 0.01 rad; None: never
    verdict: Verdict
    finding: str | None = None
    message: str | None = None
    failure: str | None = None
    cause: str | None = None
    fix: str | None = None


class WayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which the model is called, held against one forward pass over the whole sequence."""

    way: str  # "decode", "left-padding", ...
    what: str  # in words
    device: str
    dtype: str
    error: float | None = None  # radians: the largest difference of an angle
    verdict: Verdict
    finding: str | None = None
    message: str | None = None
    note: str | None = None
    trace: tuple[str, ...] = ()
    failure: str | None = None
    cause: str | None = None
    fix: str | None = None
    seconds: float | None = None


Fits = Literal["better", "worse", "alike", "unclear"]
"""How a change of the rotation fits the weights, beside what runs: better or worse beyond doubt and
by a difference that matters, or neither; unclear where the weights do not know the text."""


class WeightsRow(msgspec.Struct, frozen=True, kw_only=True):
    """The loss of a text with one thing about the rotation changed."""

    kind: str  # what was changed: "pairing", "theta", "scaling", ...
    change: str  # to what, in words: "interleaved pairs"
    loss: float  # nats a token
    difference: float  # to the loss of the model as it runs
    noise: float  # standard error of the difference, from the text's length
    fits: Fits


class WeightsFit(msgspec.Struct, frozen=True, kw_only=True):
    """Which rotation fits the weights, by the loss of a text."""

    device: str = ""
    dtype: str = ""
    runs: str = ""  # the rotation that runs, in words
    windows: int = 0  # of the text
    window: int = 0  # tokens of each
    loss: float | None = None  # nats a token, of the model as it runs
    noise: float | None = None  # standard error of the loss
    rows: tuple[WeightsRow, ...] = ()
    verdict: Verdict
    finding: str | None = None
    message: str | None = None
    failure: str | None = None
    cause: str | None = None
    fix: str | None = None


class AgainstLength(msgspec.Struct, frozen=True, kw_only=True):
    """Layers of two models in a sequence of one length."""

    length: int  # tokens
    spec: str  # "Llama3(factor=8.0, ...)"
    other: str
    spec_known: str  # how: "run", "tables", "frequencies" of the one pass, "declared"; "": not
    other_known: str
    parts_at: int | None = None  # the first position at which they part by 0.01 rad
    message: str | None = None  # why it is not known whether they turn alike


class AgainstRow(msgspec.Struct, frozen=True, kw_only=True):
    """Layers of the model beside those of the other one."""

    layers: str  # empty: all
    device: str
    dtype: str
    spec: str = ""  # what the one does: "half, 64 lanes; Plain(theta=10000.0)"
    other: str = ""  # what the other does
    lengths: tuple[AgainstLength, ...] = ()  # the first: that of the one pass
    parts_at: int | None = None  # the first position at which they part by 0.01 rad; None: never
    verdict: Verdict
    finding: str | None = None
    message: str | None = None
    note: str | None = None
    trace: tuple[str, ...] = ()
    failure: str | None = None
    cause: str | None = None
    fix: str | None = None


class OtherModel(msgspec.Struct, frozen=True, kw_only=True):
    """The model that stands beside the one that was asked for."""

    spec: str  # as it was asked for
    model: str = ""  # "LlamaForCausalLM"
    changes: tuple[str, ...] = ()
    rows: tuple[ModelRow, ...] = ()
    declared: tuple[DeclaredRow, ...] = ()
    against: tuple[AgainstRow, ...] = ()  # the layers of both, side by side


class ModelReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `rotcheck model` found."""

    schema: str = "rotcheck/model/1"
    rotcheck: str
    machine: Machine
    spec: str  # as it was asked for
    model: str  # "LlamaForCausalLM"
    changes: tuple[str, ...] = ()  # what was made smaller: "num_hidden_layers 32 -> 2"
    rows: tuple[ModelRow, ...]
    declared: tuple[DeclaredRow, ...] = ()
    ways: tuple[WayRow, ...] = ()
    weights: tuple[WeightsFit, ...] = ()  # where a text was asked of trained weights
    other: OtherModel | None = None  # where two models were held against one another
    notes: tuple[str, ...] = ()
    summary: dict[str, int]
    interrupted: bool = False

    def exit_code(self) -> int:
        """1 for a finding or what was not understood, 5 when no rotary code ran."""
        if self.interrupted:
            return INTERRUPT
        return exit_code(self.all_rows)

    @property
    def all_rows(self) -> list[ModelRow | DeclaredRow | WayRow | WeightsFit | AgainstRow]:
        """Everything that has a verdict."""
        rows: list[ModelRow | DeclaredRow | WayRow | WeightsFit | AgainstRow]
        rows = [*self.rows, *self.declared, *self.ways, *self.weights]
        if self.other is not None:
            rows += [*self.other.rows, *self.other.declared, *self.other.against]
        return rows
