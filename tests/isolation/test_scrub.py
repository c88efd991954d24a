"""What can be pasted into a public issue names no folder, no user and no host."""

import platform
from pathlib import Path

import pytest

import rotcheck
from rotcheck.scrub import scrub, shorten_path

PACKAGE = Path(rotcheck.__file__).resolve().parent

SHORTENED = {
    "/home/somebody/model/rotary.py": "rotary.py",
    "cannot open '/home/somebody/my models/rotary.py'": "cannot open 'rotary.py'",
    'File "/home/somebody/my models/rotary.py", line 3': 'File "rotary.py", line 3',
    "/home/somebody/x.so: undefined symbol: _Z3foov": "x.so: undefined symbol: _Z3foov",
    "(/home/somebody/x.py)": "(x.py)",
    "`/home/somebody/x.py`": "`x.py`",
    "at=/home/somebody/x.py;": "at=x.py;",
    "~/model/rotary.py": "rotary.py",
    "file:///home/somebody/x.py": "x.py",
    r"C:\Users\somebody\x.py is broken": "x.py is broken",
    "C:/Users/somebody/x.py": "x.py",
    "/usr/lib/python3.11/json/decoder.py:355": "json/decoder.py:355",
    "/home/somebody/v/lib/python3.11/site-packages/torch/nn/x.py:7": "torch/nn/x.py:7",
    "/home/somebody/v/lib/python3/dist-packages/torch/nn/x.py": "torch/nn/x.py",
    f"{PACKAGE}/compare/run.py:9": "rotcheck/compare/run.py:9",
    "/home/somebody/rotcheck/secret/run.py:9": "run.py:9",
    "/home/somebody/a.py and /home/somebody/b.py": "a.py and b.py",
    "LD_LIBRARY_PATH=/home/somebody/lib:/home/somebody/lib64": "LD_LIBRARY_PATH=lib:lib64",
    "error:/home/somebody/x.py": "error:x.py",
    "gateway:/home/somebody/x.py": "gateway:x.py",
    "['/usr/bin/gcc', '-I/home/somebody/include', '-L/home/somebody/lib', '-lcuda']": (
        "['gcc', '-Iinclude', '-Llib', '-lcuda']"
    ),
    "g++ -I/home/somebody/v/lib/python3.11/site-packages/torch/include x.cpp": "g++ -Itorch/include x.cpp",
}

KEPT = [
    "https://github.com/pytorch/pytorch/issues/149534",
    "see http://localhost:8000/a/b?c=d",
    "git+ssh://git@github.com/somebody/x",
    "1/2 and/or 3 / 4",
    "torch/nn/modules/module.py:7",
    "tests/compare/hostile.py:21 in aborts",
    "rotcheck explain J1",
    "",
]


@pytest.mark.parametrize(("text", "wanted"), SHORTENED.items(), ids=range(len(SHORTENED)))
def test_a_path_is_shortened(text: str, wanted: str) -> None:
    assert scrub(text) == wanted


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_path_of_this_machine_is_kept(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    "text", ["/a" * 20000, "/" * 40000, "x " + "a/" * 20000, "'/" + "/'" * 20000]
)
def test_a_long_text_takes_no_time(text: str) -> None:
    """Quadratic time would be minutes; a test that takes those is noticed."""
    assert len(scrub(text)) <= len(text)


def test_scrubbing_twice_changes_nothing_more() -> None:
    for text in [*SHORTENED, *KEPT]:
        assert scrub(scrub(text)) == scrub(text)


def test_the_host_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "gandalf")
    assert scrub("somebody on gandalf, not gandalfs") == "somebody on <host>, not gandalfs"


def test_the_user_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/frodo"))
    assert scrub("cannot open '/home/frodo' or /scratch/frodo-cache") == (
        "cannot open '<user>' or <user>-cache"
    )


@pytest.mark.parametrize("name", ["", "pc", "localhost"])
def test_a_host_name_that_says_nothing_is_left_in(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "node", lambda: name)
    assert scrub("the pc at localhost") == "the pc at localhost"


@pytest.mark.parametrize(
    ("path", "wanted"), [("/", "/"), ("/a/b/", "b"), ("b.py", "b.py"), ("a/b.py", "b.py")]
)
def test_a_path_alone_is_its_name(path: str, wanted: str) -> None:
    assert shorten_path(path) == wanted
