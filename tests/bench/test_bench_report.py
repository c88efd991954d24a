"""What readers are shown of a benchmark: tables that fit, noise beside every figure,
no claim that noise denies."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from benching import bad, bench, row, spread

from rotcheck.bench import standings
from rotcheck.errors import RequestError
from rotcheck.report import formats, plot
from rotcheck.report.document import Display
from rotcheck.report.pages import bench as shown
from rotcheck.results import Bench

FOUND = bench(
    row("native", 1e-3),
    row("fast", 0.25e-3, compile_seconds=21.3, break_even_calls=28400),
    row("nearly", 0.995e-3, break_even_calls=None),
    row("slow", 2e-3),
    bad("broken", "raises", "ValueError: no", failure="J1", cause="a cause", fix="a fix"),
    bad("flash-attn", "unavailable", "flash-attn is not installed"),
    bad("flash-attn", "unavailable", "flash-attn is not installed", pass_="forward+backward"),
)


def table(found: Bench = FOUND, **look: object) -> str:
    return formats.render("table", "bench")(found, Display(**{"width": 160, **look}))


def line(name: str, found: Bench = FOUND) -> str:
    return next(text for text in table(found).splitlines() if text.startswith(name))


def test_the_fastest_comes_first_then_the_baseline_then_the_slow_then_what_failed_then_the_copy() -> (
    None
):
    names = [text.split()[0] for text in table().splitlines()[4:] if text]
    assert names[names.index("fast") :][:6] == [
        "fast",
        "nearly",
        "native",
        "slow",
        "broken",
        "copy",
    ]


def test_every_figure_has_its_noise() -> None:
    assert re.search(r"1 +250 µs ±1 % +40\.0 ±0\.4 % +4\.00× faster ±1 %", line("fast"))
    assert re.search(r"1\.00 ms ±1 % +10\.0 ±0\.1 % +noise ±1 %", line("native (baseline)"))
    assert re.search(r"2\.00× slower ±1 %", line("slow"))


def test_what_was_measured_once_is_marked() -> None:
    assert "~21.3 s" in line("fast")
    assert "~28400 calls" in line("fast")
    assert "none" in line("slow")
    assert "never" in line("slow")


def test_what_the_noise_cannot_tell_apart_is_called_the_same_and_ranked_the_same() -> None:
    assert "same ±1 %" in line("nearly")
    assert [line(name).removeprefix(name).split()[0] for name in ("fast", "nearly", "native (baseline)", "slow")] == [
        "1", "2", "2", "4",
    ]  # fmt: skip


def test_the_baseline_against_itself_sets_how_much_is_noise() -> None:
    biased = row("native", 1e-3, speedup=spread(1.06, 0.02))
    found = bench(biased, row("other", 1e-3, speedup=spread(1.05, 0.02)))
    assert "same ±2 %" in line("other", found)
    assert "1.05× faster" in line(
        "other", bench(row("native", 1e-3), row("other", 1e-3, speedup=spread(1.05, 0.02)))
    )


def test_a_machine_that_was_not_steady_is_told() -> None:
    unsteady = bench(row("native", 1e-3), row("other", 2e-3, baseline=2e-3))
    assert "native took 1.00 ms to 2.00 ms beside the others" in table(unsteady)
    assert "not steady" not in table()


def test_neighbours_that_disturb_are_told() -> None:
    said = "Other processes used up to 45 % of the processor"
    assert said in table(bench(row("native", 1e-3), row("other", 2e-3, others_percent=45.0)))
    assert said in formats.render("markdown", "bench")(
        bench(row("native", 1e-3, others_percent=45.0)), Display()
    )
    assert "Other processes" not in table(bench(row("native", 1e-3, others_percent=4.0)))


def test_a_failure_has_its_cause_and_an_absence_is_told_once() -> None:
    text = table()
    assert "✗ broken raises" in text
    assert "a cause" in text
    assert "ValueError: no" in text
    assert text.count("flash-attn is not installed") == 1
    assert text.endswith("7 rows: 4 ran, 1 raise, 2 unavailable\n")


@pytest.mark.parametrize("width", [80, 100, 160])
def test_nothing_is_wider_than_the_screen(width: int) -> None:
    assert max(map(len, table(width=width).splitlines())) <= width
    assert all(each in table(width=width) for each in ("~28400 calls", "4.00× faster ±1 %"))


def test_a_wide_screen_has_speed_and_cost_side_by_side() -> None:
    assert table(width=160).count("copy of qkv") == 1
    assert table(width=80).count("copy of qkv") == 2


def test_plain_ascii_where_nothing_else_is_understood() -> None:
    text = table(ascii=True)
    assert text.isascii()
    assert "250 us +-1 %" in text
    assert "4.00x faster +-1 %" in text


def test_markdown_has_the_same_figures() -> None:
    text = formats.render("markdown", "bench")(FOUND, Display())
    assert (
        "| fast | 1 | 250 µs ±1 % | 40.0 ±0.4 % | 4.00× faster ±1 % | 1.00× | 5 | ~21.3 s | \\~28400"
        in text.replace("\\~21.3", "~21.3")
    )
    assert "broken raises" in text
    assert "flash-attn is not installed" in text


def test_json_can_be_read_back_and_names_its_schema() -> None:
    text = formats.render("json", "bench")(FOUND, Display())
    assert msgspec.json.decode(text, type=Bench) == FOUND
    plain = json.loads(text)
    assert plain["schema"] == "rotcheck/bench/1"
    assert plain["timings"][1]["pass"] == "forward"
    assert plain["timings"][1]["seconds"].keys() == {"median", "q25", "q75"}


def test_there_is_no_junit_of_a_benchmark() -> None:
    possible = ", ".join(formats.names("bench"))
    with pytest.raises(RequestError, match=f"for a benchmark: it can be {possible}"):
        formats.check("junit", "bench")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "0 rows; nothing ran"),
        ((bad("flash-attn", "unavailable", "absent"),), "1 row: 1 unavailable; nothing ran"),
    ],
)
def test_nothing_that_ran_is_said(rows: tuple[object, ...], said: str) -> None:
    assert table(bench(*rows)).endswith(f"{said}\n")


def test_an_interrupted_run_says_how_far_it_came() -> None:
    found = bench(row("native", 1e-3), interrupted=True, planned=12)
    assert shown.summary_line(found) == "interrupted: 1 of 12 rows: 1 ran"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1.02, "1.02 s"),
        (0.9996, "1.00 s"),
        (0.213, "213 ms"),
        (4.1e-6, "4.10 µs"),
        (12.34e-9, "12.3 ns"),
        (250, "250 s"),
    ],
)
def test_durations_have_three_digits(seconds: float, said: str) -> None:
    assert shown.duration(seconds) == said


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_picture_is_drawn(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"bench{suffix}"
    plot.check(str(file))
    assert list(tmp_path.iterdir()) == []
    plot.draw(FOUND, str(file))
    start = {".svg": b"<?xml", ".png": b"\x89PNG"}[suffix]
    assert file.read_bytes().startswith(start)


def test_a_picture_shows_who_ran_and_no_date(tmp_path: Path) -> None:
    plot.draw(FOUND, str(tmp_path / "bench.svg"))
    text = (tmp_path / "bench.svg").read_text()
    assert all(f"<!-- {name} -->" in text for name in ("fast", "nearly", "native", "slow"))
    assert "<!-- broken -->" not in text
    assert "dc:date" not in text


def test_a_picture_of_nothing_can_be_drawn(tmp_path: Path) -> None:
    plot.draw(bench(), str(tmp_path / "bench.svg"))
    assert (tmp_path / "bench.svg").exists()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("bench.pdf", "must end in .svg or .png"),
        ("bench", "must end in"),
        ("no/folder/bench.svg", "--plot 'no/folder"),
    ],
)
def test_a_picture_that_cannot_be_made_is_refused_before_anything_runs(
    path: str, said: str
) -> None:
    with pytest.raises(RequestError, match=said):
        plot.check(path)


def test_without_matplotlib_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RequestError, match="pip install matplotlib"):
        plot.check(str(tmp_path / "bench.svg"))


def test_the_last_line_but_one_says_which_is_fastest() -> None:
    assert "\nfastest: fast (4.00× faster than native)\n" in table()


def test_nothing_is_called_faster_that_the_noise_does_not_tell_from_the_baseline() -> None:
    found = bench(row("native", 1e-3), row("nearly", 0.995e-3))
    assert standings.verdict(found) == "nothing is faster than native beyond the noise"


def test_those_that_cannot_be_told_apart_are_fastest_together() -> None:
    found = bench(row("native", 1e-3), row("one", 0.5e-3), row("two", 0.501e-3))
    assert standings.verdict(found) == "fastest: one and two (2.00× faster than native)"


def test_of_several_tables_it_says_how_many_each_won() -> None:
    rows = [
        row(name, seconds, pass_=pass_)
        for pass_, fast in (("forward", 0.5e-3), ("forward+backward", 2e-3))
        for name, seconds in (("native", 1e-3), ("other", fast))
    ]
    assert standings.verdict(bench(*rows)) == (
        "fastest of 2 tables: other in 1 (2.00× faster than native); native in 1"
    )


def test_without_rivals_there_is_no_verdict() -> None:
    assert standings.verdict(bench(row("native", 1e-3))) is None


def test_nothing_is_said_of_compiling_where_nothing_compiles() -> None:
    quiet = bench(row("native", 1e-3, compile_seconds=386e-6), row("other", 2e-3))
    assert "compile" not in table(quiet)
    assert "break-even" not in table(quiet)
    assert "compile" in table()


def test_noise_that_hides_everything_is_called_that() -> None:
    wild = spread(1.3, 1.29)
    assert shown.speedup(wild) == "too noisy ±129 %"
