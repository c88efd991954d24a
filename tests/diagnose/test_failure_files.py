"""What every file of `failures/` has to be, and how the files are read."""

import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from finding_codes import codes, of_source

import rotcheck.diagnose
from rotcheck.diagnose import Failure, KnowledgeError, all_failures, for_finding, get, knowledge
from rotcheck.diagnose.match import CONTEXTS, context, fold, literal
from rotcheck.report.text import LONGEST

FAILURES = all_failures()
FOLDER = Path(rotcheck.diagnose.__file__).parent / "failures"
SAMPLES = [(failure, sample) for failure in FAILURES for sample in failure.samples]
CODES = sorted(codes())

each_failure = pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.id)
each_sample = pytest.mark.parametrize(
    ("failure", "sample"), SAMPLES, ids=[f"{f.id}: {s[:40]}" for f, s in SAMPLES]
)


def fits(failure: Failure, text: str) -> bool:
    """Whether rotary code that says so has this failure:
    by a signature, and by a context of its own if it has one."""
    found = any(matches(signature, text) for signature in failure.signatures)
    anywhere = not failure.context or not CONTEXTS.keys().isdisjoint(failure.context)
    return found and (anywhere or context(failure, text) is not None)


def matches(expression: str, text: str) -> bool:
    return re.search(expression, fold(text), re.IGNORECASE) is not None


def test_all_files_are_read() -> None:
    """One failure for each file, named after it, most of them from the field."""
    assert {file.stem for file in FOLDER.glob("*.toml")} == {failure.id for failure in FAILURES}
    assert sum(not failure.id.startswith("R") for failure in FAILURES) >= 82


def test_ids_are_in_the_order_a_person_expects() -> None:
    """N2 comes before N10."""
    ids = [failure.id for failure in FAILURES]
    assert ids.index("N2") < ids.index("N10") < ids.index("R1")


@each_failure
def test_every_text_is_there(failure: Failure) -> None:
    """Nobody is left with half an answer at 3 a.m."""
    for text in (failure.title, failure.cause, failure.fix, failure.devices, failure.versions):
        assert text == text.strip() != ""
        assert len(text) <= LONGEST  # a page cuts what is longer
    assert failure.source
    assert all(failure.source)


@each_failure
def test_the_cause_is_a_sentence_and_the_fix_an_order(failure: Failure) -> None:
    """The fix says what to do, so it does not begin with a subject."""
    assert failure.cause.endswith(".")
    assert failure.fix.endswith(".")
    assert failure.fix.split()[0] not in {"A", "An", "If", "It", "The", "There", "This", "You"}


@each_failure
def test_signatures_and_samples_belong_together(failure: Failure) -> None:
    """Each sample carries a signature, and each signature has a sample to show."""
    assert all(fits(failure, sample) for sample in failure.samples)
    assert all(
        any(matches(one, sample) for sample in failure.samples) for one in failure.signatures
    )


@each_failure
def test_the_text_that_is_looked_for_first_stands_in_every_match(failure: Failure) -> None:
    """An expression is tried only where its longest plain text is found."""
    for expression in failure.signatures:
        held = [sample for sample in failure.samples if matches(expression, sample)]
        assert all(literal(expression) in fold(sample).lower() for sample in held)


@each_sample
def test_no_sample_fits_another_failure(failure: Failure, sample: str) -> None:
    """Signatures of different failures do not overlap."""
    assert [failure.id] == [other.id for other in FAILURES if fits(other, sample)]


@pytest.mark.parametrize("code", CODES)
def test_every_finding_of_the_checks_has_one_explanation(code: str) -> None:
    """A bad cell is never left without cause and fix."""
    found = for_finding(code)

    assert found is not None
    assert [found] == [failure for failure in FAILURES if code in failure.findings]


def test_no_finding_is_explained_that_nothing_makes() -> None:
    """A code that was renamed or misspelt does not linger."""
    assert [code for failure in FAILURES for code in failure.findings if code not in CODES] == []


def test_the_codes_are_read_off_the_source() -> None:
    """A finding that a new check gives is noticed wherever it stands, with its file."""
    made = 'def run():\n    return Evidence(finding="new", message="a text")\n'
    told = '_MISTAKES = (("newer-one", "does what it should not", None),)\nremark("newest", words, seen)\n'

    assert of_source(made + told) == {"new", "newer-one", "newest"}
    assert (
        codes().items()
        >= {
            "one-sign": "measure/mistake_names.py",
            "promotes": "compare/checks/dtype.py",
        }.items()
    )
    assert len(CODES) > 70


def test_unknown_names_are_answered_with_none() -> None:
    """Whoever asks decides what an unknown name means."""
    assert for_finding("no such code") is None
    assert get("Z99") is None


def test_an_id_is_known_in_lower_case_too() -> None:
    """`j1` typed in a hurry is J1."""
    assert get("J1") == get("j1") is not None


def test_a_code_of_a_finding_is_known_too() -> None:
    """What a report or a comment in the code names is what a person asks about."""
    assert get("scripted-under-flags") == get("J1")


def test_lines_of_a_text_are_joined() -> None:
    """Texts are wrapped in their files and whole in the result."""
    assert not any("\n" in failure.cause + failure.fix for failure in FAILURES)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Files that stand in for those of the package."""
    stand_in: dict[str, str] = {}
    monkeypatch.setattr(knowledge, "_files", lambda: iter(stand_in.items()))
    knowledge._by_id.cache_clear()
    knowledge._by_finding.cache_clear()
    yield stand_in
    knowledge._by_id.cache_clear()
    knowledge._by_finding.cache_clear()


N7 = (FOLDER / "N7.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("id = ", r"X1\.toml: Invalid value"),
        ("id = 'X1'", r"X1\.toml: Object missing required field `title`"),
        (N7, r"X1\.toml: a file with the id 'N7' is called N7\.toml"),
        (N7.replace("tier = 1", "tier = 4"), r"X1\.toml: Invalid enum value 4 - at `\$\.tier`"),
        (N7.replace("cause", "reason"), r"X1\.toml: Object contains unknown field `reason`"),
    ],
)
def test_a_broken_file_is_named(files: dict[str, str], text: str, complaint: str) -> None:
    """The error says which file, and what is wrong with it."""
    files["X1.toml"] = text

    with pytest.raises(KnowledgeError, match=complaint):
        all_failures()


def test_a_finding_claimed_twice_is_refused(files: dict[str, str]) -> None:
    """Which of the two would explain the cell must not depend on their order."""
    files |= {"N7.toml": N7, "X1.toml": N7.replace("'N7'", "'X1'")}

    with pytest.raises(KnowledgeError, match=r"X1\.toml: N7\.toml has the finding 'pairing'"):
        for_finding("pairing")


def test_a_new_file_is_all_a_new_failure_needs(files: dict[str, str]) -> None:
    """The example in docs/add-a-failure.md is read as it stands there."""
    page = Path(__file__).parents[2] / "docs" / "add-a-failure.md"
    example = re.search(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    assert example is not None
    files["H99.toml"] = example[1]

    failure = get("H99")

    assert failure is not None
    assert failure.samples
    assert all(fits(failure, sample) for sample in failure.samples)


WATCH = """
import sys
opened = []
def watch(event, args):
    if event == "open" and str(args[0]).endswith(".toml"):
        opened.append(args[0])
sys.addaudithook(watch)
import rotcheck.diagnose
assert not opened, opened
assert rotcheck.diagnose.match("Unknown device for graph fuser").id == "J1"
first = len(opened)
assert rotcheck.diagnose.get("J1").tier == 1
assert len(opened) == first > 80, (len(opened), first)
assert "torch" not in sys.modules
"""


def test_importing_reads_nothing_and_never_torch() -> None:
    """The files are read at the first use, once."""
    subprocess.run([sys.executable, "-c", WATCH], check=True, timeout=60)


def test_the_files_are_found_without_a_folder(tmp_path: Path) -> None:
    """They are read as resources of the package, so even from a zip archive."""
    archive = tmp_path / "rotcheck.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in [*FOLDER.parent.glob("*.py"), *FOLDER.glob("*.toml")]:
            packed.write(file, Path("rotcheck/diagnose") / file.relative_to(FOLDER.parent))
        packed.writestr("rotcheck/__init__.py", "")
    code = f"import sys; sys.path.insert(0, {str(archive)!r}); import rotcheck.diagnose as d; "
    code += "assert '.zip' in d.__file__; assert d.get('J1').id == 'J1'"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_reading_all_files_is_quick() -> None:
    """About 25 ms on a slow machine; the bound only catches what makes it several times slower."""
    assert min(_seconds_to_load() for _ in range(5)) < 0.25


def _seconds_to_load() -> float:
    knowledge._by_id.cache_clear()
    start = time.process_time()
    all_failures()
    return time.process_time() - start
