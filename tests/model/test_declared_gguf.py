"""A .gguf file declares what its metadata say; a message names the package that reads it."""

import sys
from pathlib import Path

import gguf
import numpy
import pytest

from rotcheck.errors import RequestError
from rotcheck.model.declared.declared_file import declared_file
from rotcheck.model.declared.declared_rotation import declared_rotations
from rotcheck.rotary.schedules import LongRope, Yarn


def _written(file: Path, divisors: list[float] | None = None) -> Path:
    writer = gguf.GGUFWriter(file, "qwen2vl")
    writer.add_context_length(32768)
    writer.add_embedding_length(1024)
    writer.add_head_count(8)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_dimension_sections([16, 24, 24, 0])
    writer.add_tokenizer_model("gpt2")
    if divisors is None:
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(4.0)
        writer.add_rope_scaling_orig_ctx_len(8192)
    else:
        writer.add_tensor("rope_freqs.weight", numpy.array(divisors, dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_the_metadata_of_a_gguf_file_declare_a_rotation(tmp_path: Path) -> None:
    config = declared_file(_written(tmp_path / "model.gguf"))
    (found,) = declared_rotations(config)
    assert (found.schedule, found.rotary_dim) == (Yarn(4.0, 8192, 1e6), 128)
    assert found.sections == (16, 24, 24)
    assert found.keys["qwen2vl.rope.scaling.original_context_length"] == 8192
    assert "tokenizer.ggml.model" not in config


def test_the_divisors_of_llama_3_are_read_from_their_tensor(tmp_path: Path) -> None:
    divisors = [1.0] * 32 + [8.0] * 32
    (found,) = declared_rotations(declared_file(_written(tmp_path / "model.gguf", divisors)))
    assert isinstance(found.schedule, LongRope)
    assert found.schedule.short == found.schedule.long == tuple(divisors)
    assert found.amplitude == 1.0
    assert "rope_freqs.weight" in found.keys


def test_a_pair_with_a_huge_divisor_stands_still(tmp_path: Path) -> None:
    file = _written(tmp_path / "model.gguf", [1.0] * 16 + [1e30] * 48)  # as of Gemma 4
    (found,) = declared_rotations(declared_file(file))
    angles = found.frequencies(8192) * (1 << 20)
    assert (found.obstacle, int((angles > 1e-6).sum())) == ("", 16)


def test_what_is_no_gguf_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"no model" * 100)
    with pytest.raises(RequestError, match="is no GGUF file"):
        declared_file(file)
    with pytest.raises(RequestError, match="cannot read"):
        declared_file(tmp_path / "other.gguf")


def test_without_the_package_a_message_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(RequestError, match=r"pip install 'rotcheck\[gguf\]'"):
        declared_file(tmp_path / "model.gguf")
