"""Protein sequences: read from FASTA, and written as the tokens that a model sees. Pure Python."""

from importlib import resources
from pathlib import Path

from rotcheck.errors import RequestError
from rotcheck.file_contents import contents

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
UNSURE = "XBZJUO"
"""Unknown, D or N, E or Q, I or L, selenocysteine, pyrrolysine: too rare, all read as X."""

ANY_RESIDUE, END, MASK = "X", ".", "?"
LETTERS = RESIDUES + ANY_RESIDUE + END + MASK
"""One letter a token, in the order of the token numbers; the mask is the last, as SEDD has it."""

VOCABULARY = len(LETTERS)
LARGEST = 64 << 20  # bytes of a FASTA file
# letters from which a file without any other letter than A, C, G, T, U, N is taken for DNA
SHORTEST_DNA = 30

_TOKENS = {letter: token for token, letter in enumerate(LETTERS)}
_READ = {letter: letter for letter in RESIDUES} | dict.fromkeys(UNSURE, ANY_RESIDUE)


def tokens(text: str) -> list[int]:
    """The token numbers of letters from `LETTERS`."""
    return [_TOKENS[letter] for letter in text]


def package_sequences() -> list[str]:
    """The sequences that come with rotcheck; docs/train.md says where they are from."""
    return parse((resources.files(__package__) / "proteins.fasta").read_text(), "proteins.fasta")


def read(path: str) -> list[str]:
    """The sequences of a FASTA file, in `LETTERS`.

    Raises `RequestError` with one sentence when it cannot be read or is no protein FASTA.
    """
    try:
        data = contents(Path(path), LARGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise _error(path, f" cannot be read: {why}") from error
    return parse(_text(data, path), path)


def _error(name: str, words: str, line: int = 0) -> RequestError:
    """What is wrong with a file, and on which line where that is known."""
    return RequestError(f"--fasta {name!r}{f', line {line}' if line else ''}{words}")


def parse(text: str, name: str) -> list[str]:
    """The sequences of a FASTA text, in `LETTERS`; `name` is what errors call it.

    Small letters count as large ones, a final `*` is the end of a translation. Raises
    `RequestError` for the first line that is wrong.
    """
    records: list[str] = []
    header = 0  # the line of the last header
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(">"):
            _check_filled(records, header, name)
            records.append("")
            header = number
        elif line.strip() and not line.startswith(";"):
            if not header:
                raise _error(name, ": a FASTA file begins with '>' and a name", number)
            records[-1] += _letters(line, number, name)
    _check_filled(records, header, name)
    if not records:
        raise _error(name, " holds no sequence")
    _check_protein(records, name)
    return records


def _text(data: bytes, path: str) -> str:
    if data[:2] == b"\x1f\x8b":
        raise _error(path, " is compressed with gzip: unpack it first")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _error(path, ": this is not text (not UTF-8)", line) from error
    if "\0" in text:
        line = text.partition("\0")[0].count("\n") + 1
        raise _error(path, ": this is not text (a NUL byte)", line)
    return text


def _letters(line: str, number: int, name: str) -> str:
    letters = "".join(line.split()).upper().removesuffix("*")
    wrong = next((letter for letter in letters if letter not in _READ), None)
    if wrong is None:
        return "".join(map(_READ.__getitem__, letters))
    hint = ": a gap of an alignment; use unaligned sequences" if wrong in "-." else ""
    raise _error(name, f": {wrong!r} is not an amino acid{hint}", number)


def _check_filled(records: list[str], header: int, name: str) -> None:
    if records and not records[-1]:
        raise _error(name, ": no sequence follows this name", header)


def _check_protein(records: list[str], name: str) -> None:
    letters = "".join(records)
    if len(letters) >= SHORTEST_DNA and set(letters) <= set("ACGTNX"):  # U was read as X
        raise _error(name, " holds nothing but A, C, G, T, U and N: DNA or RNA, not protein")
