"""Whatever is there under the name of a file: it is read, or refused in plain words,
and never waited for for ever."""

import os
import threading
from pathlib import Path

import pytest

from rotcheck import file_contents
from rotcheck.errors import RequestError
from rotcheck.file_contents import contents, parsed, toml
from rotcheck.implementations.spec import expand
from rotcheck.preflight.policy import load

POLICY = 'implementations = ["native"]\n'


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "policy.toml")
    return tmp_path / "policy.toml"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_contents, "WAIT", 0.2)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_policy_may_begin_with_a_byte_order_mark(mark: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(mark + POLICY.encode())
    assert load(str(tmp_path / "p.toml")).implementations == ("native",)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (POLICY.encode("utf-16"), "it is written in UTF-16; save it as UTF-8"),
        (b"a = 1\n# caf\xe9\n", "byte 0xe9 in line 2 is not UTF-8; save it as UTF-8"),
        (b"a = " + b"[" * 100_000, "it is nested too deeply"),
    ],
)
def test_what_is_no_toml_says_why(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(data)
    with pytest.raises(ValueError) as caught:
        toml(tmp_path / "p.toml")
    assert str(caught.value) == said


def test_a_pipe_to_which_nobody_writes_is_not_waited_for(fifo: Path) -> None:
    with pytest.raises(
        RequestError, match="the policy cannot be read: it is a pipe that nothing writes to"
    ):
        load(str(fifo))


def test_a_pipe_whose_writer_says_nothing_is_given_up(fifo: Path) -> None:
    writer = os.open(fifo, os.O_RDWR)
    with pytest.raises(
        RequestError, match=r"it is not an ordinary file, and does not end within 0\.2 s"
    ):
        load(str(fifo))
    os.close(writer)


def test_a_pipe_with_a_policy_in_it_is_read(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_contents, "WAIT", 60.0)
    # what is written outlives a writer who is done first
    keeper = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    holder = os.open(fifo, os.O_WRONLY)  # so that a reader who comes first finds a writer
    thread = threading.Thread(target=lambda: (os.write(holder, POLICY.encode()), os.close(holder)))
    thread.start()
    assert load(str(fifo)).implementations == ("native",)
    thread.join()
    os.close(keeper)


def test_what_has_no_end_or_is_huge_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_contents, "WAIT", 60.0)
    with open(tmp_path / "huge.py", "wb") as file:
        file.truncate(1 << 40)
    for path in (Path("/dev/zero"), tmp_path / "huge.py"):
        with pytest.raises(OSError) as caught:
            contents(path)
        assert caught.value.strerror == "it holds more than 16 MiB"
    with pytest.raises(RequestError, match="cannot be read as Python: it holds more than 16 MiB"):
        expand(f"{tmp_path}/huge.py")


def test_python_that_the_parser_cannot_hold_is_no_lack_of_memory(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text(f"x = {'-' * 200_000}1\n")
    with pytest.raises(ValueError, match="it is nested too deeply"):
        parsed(tmp_path / "deep.py")
    (tmp_path / "flat.py").write_text("x = -1\n")
    assert parsed(tmp_path / "flat.py").body


def test_a_pipe_in_place_of_a_python_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.py")
    with pytest.raises(
        RequestError, match=r"there is no file .*: it is a pipe, a device or a socket"
    ):
        expand(f"{tmp_path}/model.py")
