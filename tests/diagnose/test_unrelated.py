"""Texts that have nothing to do with rotary:
none is told a rotary cause, and those of a general kind get it."""

import time
import tomllib
from pathlib import Path

import pytest

from rotcheck.diagnose import all_failures
from rotcheck.diagnose.explanation import explain
from rotcheck.diagnose.match import descriptions
from rotcheck.log import read_text

FILES = sorted((Path(__file__).parent / "unrelated").glob("*.toml"))
TEXTS = [text for file in FILES for text in tomllib.loads(file.read_text("utf-8"))["text"]]
DESCRIPTIONS = [(failure.id, text) for failure in all_failures() for text in failure.descriptions]

PROSE = """
my dog eats homework
loss is NaN because of the labels
gibberish from the tokenizer decode
The training went well and the model answers in French.
How do I install transformers on a Mac?
What is the best learning rate for a batch size of 8?
the web ui does not start after the update
ComfyUI crashes when I load a checkpoint
the loss does not go down
How do I resume training?
why is my accuracy 0 with 10 classes
My RAG retrieves the wrong documents
Which is better, mlx or llama.cpp?
The model is overfitting after 3 epochs
validation accuracy drops after epoch 10
the api returns garbage characters instead of umlauts
My app loops forever when I click save
the images are blurry after upscaling
my LoRA has no effect after merging
vllm is slower than transformers
I drove over 300 km and the car broke down after 5 hours
accuracy is stuck at 50 percent with my labels
"""


@pytest.mark.parametrize("text", TEXTS, ids=[text["id"] for text in TEXTS])
def test_an_unrelated_text_gets_no_rotary_cause(text: dict[str, str]) -> None:
    """The answer is what the file says: a general message, a failure of the environment,
    or nothing."""
    answer = explain(read_text(text["text"])).answer
    entry = (answer.failure or answer.message) if answer else None

    assert (entry.id if entry else "") == text["answer"], text["truth"]


def test_there_are_enough_of_them() -> None:
    """A false cause is the worst answer; their ids are unique."""
    assert len({text["id"] for text in TEXTS}) == len(TEXTS) > 200


@pytest.mark.parametrize(("id", "text"), DESCRIPTIONS, ids=[text[:50] for _, text in DESCRIPTIONS])
def test_a_symptom_in_words_is_recognised(id: str, text: str) -> None:
    """A person's sentence leads to the failure that it describes."""
    answer = explain(read_text(text)).answer

    assert answer is not None
    assert answer.failure is not None
    assert answer.failure.id == id
    assert answer.certainty == "possible"


@pytest.mark.parametrize("unit", ["after 4096 tokens ", "wrong results ", "loss ", "gibberish "])
def test_words_without_end_are_answered_in_time(unit: str) -> None:
    """Text made to trip the expressions of symptoms, or a whole thread,
    takes no longer than its beginning."""
    start = time.perf_counter()
    descriptions(unit * 10_000)

    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("prose", PROSE.strip().splitlines())
def test_other_prose_describes_nothing(prose: str) -> None:
    """Words that occur in symptoms are no symptom by themselves."""
    answer = explain(read_text(prose)).answer

    assert descriptions(prose) == []
    assert answer is None or answer.failure is None
