"""A configuration in transformers against a .gguf file: what llama.cpp makes of its metadata."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import gguf
import msgspec
import numpy
import pytest

from rotcheck.model.against.against_worker import open_comparison, open_layers
from rotcheck.model.declared.declared_rotation import declared_lengths, declared_rotations
from rotcheck.results import AgainstRow

LANES, PAIRS = 32, 16
SIZES = {"hidden_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2, "vocab_size": 64}
SHORT, LONG = [1 + pair / 50 for pair in range(PAIRS)], [1 + pair / 2 for pair in range(PAIRS)]
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 256,
}  # fmt: skip
LONGROPE = {"rope_type": "longrope", "short_factor": SHORT, "long_factor": LONG}
Write = Callable[[gguf.GGUFWriter], None]


def llama3_divisors(factor: float = 8.0) -> list[float]:
    """What llama.cpp's converter writes as rope_freqs.weight for `LLAMA3`."""
    divisors = []
    for pair in range(PAIRS):
        wave = 2 * math.pi * 5e5 ** (2 * pair / LANES)
        share = min(max((256 / wave - 1) / 3, 0), 1)
        divisors.append(1 / ((1 - share) / factor + share))
    return divisors


def written(file: Path, name: str, length: int, write: Write, **tensors: list[float]) -> Path:
    """A .gguf file of this architecture and context, with what `write` adds to it."""
    writer = gguf.GGUFWriter(file, name)
    writer.add_context_length(length)
    writer.add_embedding_length(64)
    writer.add_head_count(2)
    write(writer)
    for tensor, divisors in tensors.items():
        writer.add_tensor(f"{tensor}.weight", numpy.array(divisors, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def scaling(kind: str, factor: float | None = 4.0, original: int | None = None) -> Write:
    def write(writer: gguf.GGUFWriter) -> None:
        writer.add_rope_scaling_type(gguf.RopeScalingType(kind))
        if factor is not None:
            writer.add_rope_scaling_factor(factor)
        if original is not None:
            writer.add_rope_scaling_orig_ctx_len(original)

    return write


def theta(number: float) -> Write:
    return lambda writer: writer.add_rope_freq_base(number)


def longrope(writer: gguf.GGUFWriter) -> None:
    writer.add_rope_scaling_orig_ctx_len(128)
    writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(4) / math.log(128)))


def nothing(writer: gguf.GGUFWriter) -> None:
    pass


def with_beta(writer: gguf.GGUFWriter) -> None:
    scaling("yarn", 4.0, 128)(writer)
    writer.add_rope_scaling_yarn_beta_fast(64.0)


def with_amplitude(writer: gguf.GGUFWriter) -> None:
    scaling("yarn", 4.0, 128)(writer)
    writer.add_rope_scaling_attn_factors(0.5)


def config(kind: str, length: int, **rope: Any) -> dict[str, Any]:
    """A config.json of this architecture."""
    rope = {"rope_theta": 10000.0, "rope_type": "default"} | rope
    values = {"model_type": kind, "max_position_embeddings": length, "rope_parameters": rope}
    if kind == "phi3":
        values |= {"pad_token_id": 0, "original_max_position_embeddings": 128}
    return SIZES | values


CONFIGS = {
    "llama": config("llama", 256),
    "linear": config("llama", 512, rope_type="linear", factor=4.0),
    "yarn": config(
        "llama", 512, rope_type="yarn", factor=4.0, original_max_position_embeddings=128
    ),
    "dynamic": config("llama", 128, rope_type="dynamic", factor=4.0),
    "llama3": config("llama", 2048, **LLAMA3),
    "qwen2": config("qwen2", 256, rope_theta=1e6),
    "phi3": config("phi3", 512, **LONGROPE),
}


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[list[int], Any]]:
    """How each configuration turns in transformers, at the lengths that it declares; run once."""

    @cache
    def side(name: str) -> tuple[list[int], Any]:
        folder = tmp_path_factory.mktemp(name)
        (folder / "config.json").write_text(json.dumps(CONFIGS[name]))
        lengths = [19, *declared_lengths(declared_rotations(CONFIGS[name]))]
        return lengths, layers(folder, lengths)

    return side


def layers(spec: Path, lengths: list[int]) -> Any:
    setup = {"spec": str(spec), "device": "cpu", "dtype": "float32", "lengths": lengths}
    return open_layers(setup)(["float32", "layers"])["layers"]


def against(side: tuple[list[int], Any], file: Path) -> AgainstRow:
    """The row that holds a configuration in transformers against a file."""
    setup = {"spec": side[1], "other": layers(file, side[0]), "names": ["config.json", file.name]}
    places = {"device": "cpu", "dtype": "float32"}
    rows = open_comparison(setup | places)(["float32", "against"])["against"]
    (row,) = msgspec.convert(rows, list[AgainstRow])
    return row


@dataclass(frozen=True)
class File:
    """A .gguf file beside a configuration. `words`: a part of what is said; none: both agree."""

    config: str
    what: str
    write: Write
    kind: str = "llama"
    length: int = 512
    tensors: dict[str, list[float]] = field(default_factory=dict)
    verdict: str = "agrees"
    words: str = ""


def longrope_file(what: str, long: list[float], **fields: Any) -> File:
    tensors = {"rope_factors_short": SHORT, "rope_factors_long": long}
    return File("phi3", what, longrope, "phi3", tensors=tensors, **fields)


WRONG, OPEN = "disagrees", "unidentified"
FILES = (
    File("llama", "as declared", theta(1e4)),
    File("llama", "no theta", nothing),
    File("llama", "yarn without a factor", scaling("yarn", None, 128)),
    File("llama", "linear without a factor", scaling("linear", None)),
    File("linear", "as declared", scaling("linear")),
    File("linear", "no type", lambda writer: writer.add_rope_scaling_factor(4.0)),
    File("yarn", "as declared", scaling("yarn", 4.0, 128)),
    File("yarn", "no original length", scaling("yarn"), length=128),
    File("llama3", "as declared", theta(5e5), tensors={"rope_freqs": llama3_divisors()}),
    File("qwen2", "as declared", theta(1e6), "qwen2"),
    longrope_file("as declared", LONG),
    File("llama", "theta", theta(1e6), verdict=WRONG, words="theta=10000.0) against Plain(theta=1000000.0"),
    File("qwen2", "no theta", nothing, "qwen2", verdict=WRONG, words="against Plain(theta=10000.0)"),
    File("linear", "factor", scaling("linear", 2.0), verdict=WRONG, words="against Linear(factor=2.0"),
    File("linear", "switched off", scaling("none"), verdict=WRONG, words="against Plain(theta=10000.0)"),
    File("yarn", "no factor", scaling("yarn", None), verdict=WRONG, words="against Plain(theta=10000.0)"),
    File("yarn", "no original length", scaling("yarn"), verdict=WRONG, words="Yarn(factor=4.0, original_length=512"),
    File(
        "llama3", "factor", theta(5e5), tensors={"rope_freqs": llama3_divisors(4.0)},
        verdict=WRONG, words="Llama3(factor=8.0",
    ),
    File("llama3", "no divisors", theta(5e5), verdict=WRONG, words="against Plain(theta=500000.0)"),
    longrope_file("long divisors", SHORT, verdict=WRONG, words="in 129 tokens parts"),
    File("dynamic", "which llama.cpp has not", theta(1e4), verdict=WRONG, words="in 129 tokens parts"),
    File(
        "yarn", "beta", with_beta,
        verdict=OPEN, words="yarn_beta_fast is 64, and llama.cpp reads it of grok and mistral3 alone",
    ),
    File("llama", "still layers", theta(1e4), "smollm3", verdict=OPEN, words="leaves some layers of smollm3 unturned"),
    File("yarn", "amplitude", with_amplitude, verdict=OPEN, words="times 1.139 against 0.5693"),
)  # fmt: skip


@pytest.mark.parametrize("case", FILES, ids=lambda case: f"{case.config}, {case.what}")
def test_a_file_is_held_against_what_transformers_does(
    case: File, sides: Callable[[str], tuple[list[int], Any]], tmp_path: Path
) -> None:
    file = written(tmp_path / "model.gguf", case.kind, case.length, case.write, **case.tensors)
    row = against(sides(case.config), file)
    message = row.message or ""
    assert (row.verdict, case.words in message) == (case.verdict, True), message
    assert (message == "") is (case.verdict == "agrees")


def test_each_length_that_a_configuration_declares_is_asked_for(
    sides: Callable[[str], tuple[list[int], Any]], tmp_path: Path
) -> None:
    tensors = {"rope_factors_short": SHORT, "rope_factors_long": LONG}
    row = against(sides("phi3"), written(tmp_path / "x.gguf", "phi3", 512, longrope, **tensors))
    known = [(x.length, x.spec_known, x.other_known) for x in row.lengths]
    assert known == [(length, "run", "declared") for length in (19, 128, 129, 512)]


def without_theta(writer: gguf.GGUFWriter) -> None:
    writer.add_key_length(32)
    writer.add_sliding_window(512)
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)


def test_the_file_of_the_docs_is_one_without_its_theta(tmp_path: Path) -> None:
    file = written(tmp_path / "model.gguf", "gemma3", 32768, without_theta)
    assert (Path(__file__).parents[2] / "docs/against/model.gguf").read_bytes() == file.read_bytes()
