"""Reads the files, asks the rules, and puts together what they say."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from rotcheck import __version__
from rotcheck.diagnose import for_finding
from rotcheck.errors import RequestError
from rotcheck.results import Gap, Hazard, Scan
from rotcheck.scan import file_reading
from rotcheck.scan.ignore_comments import MARK, IgnoreComments
from rotcheck.scan.project import Project
from rotcheck.scan.rotary_phases import ROTARY_TEXT
from rotcheck.scan.rules import Rule, rules
from rotcheck.scan.source_files import File, display_name, listing


@dataclass(slots=True)
class FileHazards:
    """What some of the files came to."""

    files: int = 0
    hazards: list[Hazard] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ignored: int = 0


def scan(
    *paths: str,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    on_plan: Callable[[int], None] = lambda files: None,
    on_step: Callable[[str], None] = lambda file: None,
) -> Scan:
    """Find what will break, or silently go wrong, on another device in files and folders.

    Nothing of the project is run or imported.

    Args:
        paths: files and folders; none: the working directory.
        select: only the rules of these codes; none: all.
        ignore: not the rules of these codes.
        on_plan: called once with the number of files.
        on_step: called with the name of each file that was read.

    Returns:
        The hazards, and the files that could not be read.

    Raises:
        RequestError: a path does not exist, or no rule has a code.
    """
    selection = choice(select, ignore)
    files, gaps = listing(paths or (".",))
    on_plan(len(files))
    part = FileHazards(gaps=gaps)
    project = Project(files)
    interrupted = False
    try:
        for file in files:
            _read(file, selection, project, part)
            on_step(file.name)
    except KeyboardInterrupt:
        interrupted = True
    return Scan(
        rotcheck=__version__,
        asked=tuple(display_name(path, path) for path in paths or (".",)),
        codes=tuple(rule.CODE for rule in selection),
        files=part.files,
        gaps=tuple(part.gaps),
        hazards=tuple(part.hazards),
        ignored=part.ignored,
        notes=tuple(part.notes),
        interrupted=interrupted,
    )


def choice(select: Sequence[str], ignore: Sequence[str]) -> list[Rule]:
    """The rules to ask. Raises `RequestError` for a code that none has."""
    all_rules = rules()
    for code in (*select, *ignore):
        if code not in all_rules:
            near = difflib.get_close_matches(code, all_rules, 1, 0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise RequestError(f"there is no code {code!r}: it can be {', '.join(all_rules)}{hint}")
    return [
        rule
        for code, rule in all_rules.items()
        if code in (select or all_rules) and code not in ignore
    ]


def _read(file: File, selection: Iterable[Rule], project: Project, part: FileHazards) -> None:
    try:
        content = file_reading.data(file)
        fitting = _rules_for(selection, content)
        if fitting or MARK.encode() in content:
            _ask(file, content, fitting, project, part)
        part.files += 1
    except file_reading.Unreadable as error:
        part.gaps.append(Gap(file=file.name, reason=str(error)))


def _rules_for(selection: Iterable[Rule], content: bytes) -> list[Rule]:
    """The rules whose hazards a file may hold, by its words:
    most files need not be parsed at all."""
    fitting = [rule for rule in selection if any(word.encode() in content for word in rule.WORDS)]
    rotary_only = all(getattr(rule, "ROTARY_ONLY", False) for rule in fitting)
    return fitting if not rotary_only or ROTARY_TEXT.search(content) else []


def _ask(
    file: File, content: bytes, selection: Iterable[Rule], project: Project, part: FileHazards
) -> None:
    module = file_reading.module(file, content, part.gaps.append)
    comments = IgnoreComments(module)
    part.notes += [
        f"{file.name}:{line}: `{MARK}[{code}]`: there is no code {code!r}"
        for line, code in comments.without_rule(rules())
    ]
    if module.is_test:
        selection = [rule for rule in selection if getattr(rule, "TESTS_TOO", False)]
    try:
        hazards = [
            _complete(hazard) for rule in selection for hazard in rule.hazards(module, project)
        ]
    except RecursionError as error:
        raise file_reading.Unreadable("nested too deeply") from error
    loud = [hazard for hazard in hazards if not comments.covers(hazard)]
    part.ignored += len(hazards) - len(loud)
    part.hazards += sorted(
        loud, key=lambda each: (each.cell or 0, each.line, each.column, each.code)
    )


def _complete(hazard: Hazard) -> Hazard:
    """The hazard with the failure that explains its code."""
    failure = None if hazard.failure else for_finding(hazard.code)
    return replace(hazard, failure=failure.id) if failure else hazard
