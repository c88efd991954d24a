"""Files: refused before the work begins, written whole or not at all."""

import os
import stat
import threading
from pathlib import Path

import pytest

from rotcheck.errors import RequestError
from rotcheck.report import write


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_is_written_with_the_usual_permissions(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write.write(str(tmp_path / "new.json"), "é")
    finally:
        os.umask(old)
    assert (tmp_path / "new.json").read_bytes() == "é".encode()
    assert stat.S_IMODE((tmp_path / "new.json").stat().st_mode) == 0o640
    assert left(tmp_path) == ["new.json"]


def test_a_file_that_is_there_keeps_its_permissions(tmp_path: Path) -> None:
    target = tmp_path / "old.md"
    target.write_text("before")
    target.chmod(0o604)
    write.write(str(target), "after")
    assert target.read_text() == "after"
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("before")
    (tmp_path / "link.json").symlink_to("real.json")
    write.write(str(tmp_path / "link.json"), "after")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "after"


def test_what_fails_half_way_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "kept.json"
    target.write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RequestError, match="No space left"):
        write.write(str(target), "after")
    assert target.read_text() == "before"
    assert left(tmp_path) == ["kept.json"]


def test_an_interruption_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write.write(str(tmp_path / "new.json"), "text")
    assert left(tmp_path) == []


def test_a_pipe_is_written_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write.check([str(pipe)])
    write.write(str(pipe), "text")
    reader.join(10)
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_is_written_as_it_is() -> None:
    write.check([os.devnull])
    write.write(os.devnull, "text")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_half_a_surrogate_pair_does_not_stop_the_writing(tmp_path: Path) -> None:
    write.write(str(tmp_path / "x.txt"), "a\ud800b")
    assert (tmp_path / "x.txt").read_text() == "a\\ud800b"


def test_a_good_path_is_not_refused_and_not_made(tmp_path: Path) -> None:
    write.check([str(tmp_path / "a.json"), str(tmp_path / "b.md")])
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing/a.json", "there is no folder"),
        (".", "is a folder"),
        ("file/a.json", "there is no folder"),
        ("", "is not a file"),
        ("-", "is not a file"),
        ("x" * 300, "cannot be written"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused(
    path: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=said):
        write.check([path])
    assert left(tmp_path) == ["file"]


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(RequestError, match="cannot be written"):
        write.check([str(tmp_path / "a" / "x.json")])


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="named twice"):
        write.check([str(tmp_path / "a.json")] * 2)


@pytest.mark.parametrize("other", ["./a.json", "link.json", "inner/../a.json"])
def test_a_file_under_two_names_is_refused(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "link.json").symlink_to("a.json")
    with pytest.raises(RequestError, match="named twice"):
        write.check(["a.json", other])
