"""A text becomes windows of the model's tokens, of which some are to be predicted."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from rotcheck.errors import RequestError
from rotcheck.model.weights.text_tokens import TextTokens, text_of, text_tokens
from rotcheck.model.weights.text_windows import TextWindows, text_windows

CPU = torch.device("cpu")


@pytest.fixture
def tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[UNK]", "[CLS]", "[MASK]"]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([text_of(None)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 1)]
    )
    return tokenizer


def test_the_text_of_the_package_is_ascii_and_of_some_length() -> None:
    tokens = text_tokens(text_of(None), None, 128)
    assert max(tokens.ids) < 127
    assert len(tokens.ids) > 5000


def test_a_tokenizer_beside_the_weights_is_used(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    tokens = text_tokens("the lamp at Carrow Point", tmp_path, 300)
    assert tokenizer.decode(list(tokens.ids)).replace(" ", "") == "thelampatCarrowPoint"
    assert (tokens.before, tokens.mask) == ([1], 2)


def test_a_tokenizer_that_is_no_json_file_is_used_too(tokenizer: Tokenizer, tmp_path: Path) -> None:
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, mask_token="[MASK]").save_pretrained(
        tmp_path
    )
    of_file = text_tokens("the lamp", tmp_path, 300)
    (tmp_path / "tokenizer.json").rename(tmp_path / "aside")
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\nthe\nlamp\n")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    of_words = text_tokens("the lamp", tmp_path, 300)
    assert (of_words.ids, of_words.before, of_words.mask) == ([5, 6], [1], 4)
    assert list(of_file.ids) != [5, 6]


def test_bytes_and_letters_need_no_tokenizer_and_others_do(tmp_path: Path) -> None:
    assert text_tokens("aé", tmp_path, 256).ids == [97, 195, 169]
    assert text_tokens("aé", None, 128).ids == [97, 63]
    with pytest.raises(
        RequestError, match="no tokenizer beside the weights, and the model knows 99"
    ):
        text_tokens("a", tmp_path, 99)


def test_a_tokenizer_of_other_weights_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(RequestError, match="it is not the tokenizer of these weights"):
        text_tokens(text_of(None), tmp_path, 100)


def test_a_broken_tokenizer_and_a_text_that_is_not_there_are_said(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(RequestError, match=r"tokenizer\.json"):
        text_tokens("a", tmp_path, 100)
    with pytest.raises(RequestError, match="cannot be read: No such file"):
        text_of(tmp_path / "missing.txt")


def test_windows_begin_with_what_stands_before_a_text() -> None:
    windows = text_windows(TextTokens(range(10, 110), [1]), 33, 99)
    assert windows.ids.shape == (3, 33)
    assert windows.ids[:, 0].tolist() == [1, 1, 1]
    assert windows.ids[1, 1:].tolist() == list(range(42, 74))


def test_a_short_text_is_one_window_and_a_shorter_one_is_refused() -> None:
    assert text_windows(TextTokens(range(20)), 512, 4096).ids.shape == (1, 20)
    with pytest.raises(RequestError, match="a text of 4 tokens tells nothing"):
        text_windows(TextTokens(range(4)), 512, 4096)


def test_each_token_is_predicted_from_those_before_it() -> None:
    windows = TextWindows(torch.arange(12).reshape(3, 4))
    inputs, places, targets = zip(*windows.batches(2, CPU))
    assert torch.equal(torch.cat(inputs), windows.ids)
    assert torch.cat(places).tolist() == [[True, True, True, False]] * 3
    assert torch.cat(targets).tolist() == [1, 2, 3, 5, 6, 7, 9, 10, 11]


def test_masked_tokens_are_predicted_from_all_others() -> None:
    windows = TextWindows(torch.arange(100, 500).reshape(4, 100), mask=7)
    inputs, places, targets = next(windows.batches(4, CPU))
    assert 0.05 < places.double().mean() < 0.25
    assert (inputs[places] == 7).all()
    assert torch.equal(windows.ids[places], targets)
    assert torch.equal(inputs[~places], windows.ids[~places])


def test_guessing_by_frequency() -> None:
    windows = TextWindows(torch.tensor([[3, 3, 3, 3, 5, 5, 9, 9]]))
    assert windows.guess == pytest.approx(1.5 * 0.6931, rel=1e-3)
