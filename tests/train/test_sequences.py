"""Sequences: those that come with rotcheck are real,
and the user's file is read or refused in one sentence."""

import gzip
import re
from importlib import resources
from pathlib import Path

import pytest

from rotcheck.errors import RequestError
from rotcheck.train import sequences
from rotcheck.train.batches import BATCH, LENGTH, batches
from rotcheck.train.sequences import (
    END,
    MASK,
    RESIDUES,
    VOCABULARY,
    package_sequences,
    parse,
    read,
    tokens,
)

FILE = (resources.files("rotcheck.train") / "proteins.fasta").read_text()
HEADER = re.compile(r">(sp|tr)\|(\w+)\|\w+ .+ OS=.+ CRC64=([0-9A-F]{16})")


def crc64(text: str) -> str:
    """CRC-64 as UniProt's SQ lines have it: ISO 3309, polynomial 1B."""
    value = 0
    for letter in text:
        value ^= ord(letter)
        for _ in range(8):
            value = value >> 1 ^ (0xD800000000000000 if value & 1 else 0)
    return f"{value:016X}"


def test_every_shipped_sequence_has_the_checksum_that_uniprot_gives_it() -> None:
    headers = [line for line in FILE.splitlines() if line.startswith(">")]
    given = [HEADER.fullmatch(header)[3] for header in headers]
    assert [crc64(sequence) for sequence in package_sequences()] == given
    assert len(given) == len(set(given)) == 28


def test_a_sequence_that_is_known_by_heart_is_among_them() -> None:
    """Ubiquitin, of which 96 % are the same from yeast to man."""
    assert package_sequences()[-1].count("KEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG") == 2


def test_the_shipped_sequences_hold_the_twenty_amino_acids_and_nothing_else() -> None:
    assert set("".join(package_sequences())) == set(RESIDUES)


def test_every_letter_is_one_token_and_the_mask_is_the_last() -> None:
    assert tokens(sequences.LETTERS) == list(range(VOCABULARY))
    assert tokens(MASK) == [VOCABULARY - 1]


def test_small_letters_stops_blanks_comments_and_unsure_residues_are_read() -> None:
    text = "; old style comment\n>first one\nmk v\n\nACDX*\n>second\nBZJUO\n"
    assert parse(text, "x") == ["MKVACDX", "XXXXX"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'x' holds no sequence"),
        ("\n\n", "'x' holds no sequence"),
        ("MKV\n>a\nMKV\n", "line 1: a FASTA file begins with '>' and a name"),
        (">a\nMKV\n>b\n>c\nMK\n", "line 3: no sequence follows this name"),
        (">a\nMKV\n>b\n", "line 3: no sequence follows this name"),
        (">a\nMKV\nMK1V\n", "line 3: '1' is not an amino acid"),
        (">a\nMK-V\n", "line 2: '-' is not an amino acid: a gap of an alignment"),
        (">a\nMK*V\n", "line 2: '*' is not an amino acid"),
        (">a\n" + "ACGT" * 20, "holds nothing but A, C, G, T, U and N: DNA or RNA"),
        (">a\n" + "ACGU" * 20, "holds nothing but A, C, G, T, U and N: DNA or RNA"),
    ],
)
def test_a_bad_file_is_refused_naming_the_line_and_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)) as caught:
        parse(text, "x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(b">a\nMKV\n", mtime=0), "is compressed with gzip"),
        (b">a\nM\xffK\n", "line 2: this is not text (not UTF-8)"),
        (b">a\nMK\n\0\n", "line 3: this is not text (a NUL byte)"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.fasta").write_bytes(data)
    with pytest.raises(RequestError, match=re.escape(said)):
        read(str(tmp_path / "x.fasta"))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with open(tmp_path / "x.fasta", "wb") as file:
        file.truncate(sequences.LARGEST + 1)
    with pytest.raises(RequestError, match="cannot be read: it holds more than 64 MiB"):
        read(str(tmp_path / "x.fasta"))


@pytest.mark.parametrize("name", ["missing.fasta", "."])
def test_what_is_not_there_or_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read(str(tmp_path / name))


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "x.fasta").write_bytes(b"\xef\xbb\xbf>a\r\nMKV\r\n")
    assert read(str(tmp_path / "x.fasta")) == ["MKV"]


def test_batches_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    assert batches(package_sequences(), 3, 0) == batches(package_sequences(), 3, 0)
    assert batches(package_sequences(), 3, 0) != batches(package_sequences(), 3, 1)
    assert batches(package_sequences(), 5, 0)[:3] == batches(package_sequences(), 3, 0)


def test_windows_are_cut_from_the_sequences_and_masked_where_they_differ() -> None:
    stream = END.join(package_sequences()) + END
    for batch in batches(package_sequences(), 4, 0):
        assert len(batch.clean) == len(batch.noisy) == len(batch.sigma) == len(batch.rate) == BATCH
        for clean, noisy in zip(batch.clean, batch.noisy, strict=True):
            assert len(clean) == len(noisy) == LENGTH
            assert clean in stream
            assert all(n in (c, MASK) for c, n in zip(clean, noisy, strict=True))


def test_one_short_sequence_fills_the_windows() -> None:
    assert all(set(window) <= set("MK" + END) for window in batches(["MK"], 1, 0)[0].clean)
