"""Where an event stands and what belongs to it; and logs of any size, in constant memory."""

import io
import random
import subprocess
import sys
from pathlib import Path

import pytest
from endings import FRAME, OOM, STEPS, before, trace

from rotcheck.log import Event, Frame, Log, read, read_text

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "log.py"


def ender(log: Log) -> Event:
    assert log.ended_by is not None
    return log.events[log.ended_by]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("times", [1, 60])
def test_the_line_of_the_error(end: str, encoding: str, times: int) -> None:
    text = (STEPS * times + trace(OOM) + STEPS[:0]).replace("\n", end)
    log = read(io.BytesIO(text.encode(encoding)))
    assert log.lines == 60 * times + 4
    assert log.size == len(text.encode(encoding))
    assert (ender(log).line, ender(log).text) == (60 * times + 4, OOM)


def test_the_line_where_bars_end_with_carriage_returns() -> None:
    log = read_text(
        "\r".join(f"{n}%|#  | {n}/9 [00:01<00:09, 9.1it/s]" for n in range(900)) + "\n" + trace(OOM)
    )
    assert (ender(log).line, log.lines) == (5, 5)


def test_what_belongs_to_an_event() -> None:
    frames = FRAME.format("train", "<module>", "main()") + FRAME.format(
        "rotary", "rotate", "q * cos"
    )
    text = STEPS + before(
        "[rank3]: ", f"loading freqs\nTraceback (most recent call last):\n{frames}ValueError: bad"
    )
    event = ender(read_text(text))
    assert event.process == "rank3"
    assert event.frames == (
        Frame(file="/srv/train.py", line=12, function="<module>", source="main()"),
        Frame(file="/srv/rotary.py", line=12, function="rotate", source="q * cos"),
    )
    assert "loading freqs" in event.nearby


def test_a_long_traceback_in_a_long_log_is_read_to_its_end() -> None:
    arguments = ", ".join(f"argument_{number}=value" for number in range(40))
    frames = "".join(
        f'  File "/home/user/{"deep/" * 20}module_{number}.py", line 10, in {name}\n    g({arguments})\n'
        for number, name in enumerate(("<module>", *("f" * 19)))
    )
    traceback = f"Traceback (most recent call last):\n{frames}{OOM}\n"
    assert 8 << 10 < len(traceback) < 128 << 10
    log = read_text(
        "step 1 loss 2.3\n" * 3000 + traceback + "".join(map("bye {}\n".format, range(200)))
    )
    assert (ender(log).line, len(ender(log).frames)) == (3042, 20)


def test_both_ends_of_a_chain() -> None:
    first = trace("ImportError: undefined symbol: _ZN3c10", "load")
    link = "\nThe above exception was the direct cause of the following exception:\n\n"
    log = read_text(first + link + trace("RuntimeError: x"))
    event = ender(log)
    assert event.text == "RuntimeError: x"
    assert event.cause is not None
    assert log.events[event.cause].text == "ImportError: undefined symbol: _ZN3c10"
    assert log.events[event.cause].handled


def test_the_frames_of_a_worker_are_kept_though_its_message_comes_again() -> None:
    message = "KeyError: 'freqs'"
    worker = trace(message, "rotate", "rotary")
    log = read_text(
        f'RemoteTraceback: \n"""\n{worker}"""\n\nThe above exception was the direct cause of the following exception:'
        f"\n\n{trace(message)}"
    )
    event = ender(log)
    assert event.cause is not None
    assert log.events[event.cause].frames[0].file == "/srv/rotary.py"


def test_the_dead_thread_of_faulthandler() -> None:
    text = (
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f (most recent call first):\n"
        '  File "/srv/cv2.py", line 181 in bootstrap\n  File "/srv/a.py", line 2 in <module>\n'
    )
    assert [frame.function for frame in ender(read_text(text)).frames] == ["<module>", "bootstrap"]


def test_repeated_events_count_once_and_many_are_bounded() -> None:
    again = "".join(f"a.py:3: UserWarning: slow step {n}\n" for n in range(500))
    assert len(read_text(STEPS + again).events) == 1
    many = "".join(
        f"a.py:3: UserWarning: slow step {chr(97 + n % 26)}{chr(97 + n // 26)}\n"
        for n in range(600)
    )
    events = read_text(STEPS + many).events
    assert "slow step aa" in events[0].text
    assert "slow step bx" in events[-1].text
    assert len(events) <= 100


@pytest.mark.parametrize("seed", range(3))
def test_any_bytes_are_read(seed: int) -> None:
    data = random.Random(seed).randbytes(300_000)
    assert read(io.BytesIO(data)).size == len(data)


def test_prose_is_handed_on_and_a_long_log_is_not() -> None:
    text = "My model writes gibberish after 4096 tokens,\nwhat can I do?"
    log = read_text(text)
    assert (log.events, log.ended_by, log.prose) == ((), None, text)
    assert read_text(text * 2000).prose == ""


@pytest.mark.parametrize("kind", ["ordinary", "ranks"])
def test_memory_stays_small(kind: str) -> None:
    pytest.importorskip("resource")  # Windows has none
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "16", kind],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert float(done.stdout.split("MB/s")[1].split("MiB")[0]) < 64
