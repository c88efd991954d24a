"""A text in the tokens of a model: by the tokenizer beside its weights, or letter by letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from rotcheck.errors import RequestError, first_line

BYTES, LETTERS = 256, 128  # vocabularies that need no tokenizer
MASKS = ("[MASK]", "<mask>", "<|mask|>")
FILES = ("tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tokenizer_config.json")


@dataclass(frozen=True, slots=True)
class TextTokens:
    """A text in tokens.

    `before`: what the tokenizer puts in front of a text. `mask`: what stands for a token that is
    to be predicted; None: there is no such token.
    """

    ids: Sequence[int]
    before: Sequence[int] = ()
    mask: int | None = None


def text_of(file: Path | None) -> str:
    """The text of a file; None: the one that comes with rotcheck. Raises RequestError."""
    if file is None:
        return (resources.files(__package__) / "text.txt").read_text()
    try:
        return file.read_text()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or first_line(error)
        raise RequestError(f"--text {str(file)!r} cannot be read: {why}") from error


def text_tokens(text: str, folder: Path | None, vocabulary: int) -> TextTokens:
    """A text in the tokens of a model.

    Args:
        text: any.
        folder: of the model, which may have a tokenizer; None: it has none.
        vocabulary: how many tokens the model knows.

    Raises:
        RequestError: there is no tokenizer, or it is not this model's.
    """
    tokens = _of_folder(text, folder) if folder is not None else None
    tokens = tokens or _letters(text, vocabulary)
    if max(tokens.ids) >= vocabulary:
        words = f"the tokenizer has token {max(tokens.ids)}, and the model knows {vocabulary}"
        raise RequestError(f"{words}: it is not the tokenizer of these weights")
    return tokens


def _of_folder(text: str, folder: Path) -> TextTokens | None:
    """By the tokenizer in a folder; None: there is none."""
    if (folder / "tokenizer.json").is_file():
        return _of_file(text, folder / "tokenizer.json")
    if not any((folder / name).is_file() for name in FILES):
        return None
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        ids, empty = tokenizer(text, add_special_tokens=False), tokenizer("")
    except Exception as error:  # a tokenizer of others may raise anything
        raise RequestError(f"the tokenizer of {str(folder)!r}: {first_line(error)}") from error
    return TextTokens(ids.input_ids, empty.input_ids[:1], tokenizer.mask_token_id)


def _of_file(text: str, file: Path) -> TextTokens:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise RequestError(f"{file.name} needs the package tokenizers") from error
    try:
        tokenizer = Tokenizer.from_file(str(file))
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        before = tokenizer.encode("").ids[:1]
    except Exception as error:  # tokenizers raises Exception itself
        raise RequestError(f"{str(file)!r}: {first_line(error)}") from error
    masks = (tokenizer.token_to_id(name) for name in MASKS)
    return TextTokens(ids, before, next((mask for mask in masks if mask is not None), None))


def _letters(text: str, vocabulary: int) -> TextTokens:
    """Letter by letter, where the vocabulary is one of bytes or of ASCII."""
    if vocabulary == BYTES:
        return TextTokens(list(text.encode()))
    if vocabulary == LETTERS:
        return TextTokens(list(text.encode("ascii", "replace")))
    words = f"there is no tokenizer beside the weights, and the model knows {vocabulary} tokens"
    raise RequestError(f"{words}: only {BYTES} (bytes) and {LETTERS} (ASCII) need none")
