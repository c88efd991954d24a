"""What stands before a line: who wrote it, when, and how grave the writer took it."""

import re
from typing import NamedTuple

_SOURCE_PREFIX = re.compile(
    r"\((?P<actor>[\w.:\-<>]+(?: [\w.:]+)? pid=\d+)(?:, ip=[\w.:]+)?\) ?"  # Ray, vLLM
    # torchrun
    r"|\[(?P<rank>(?:rank|default|worker|gpu|node|proc|process|local_rank|mpi)[ _:=]?\d+)\]:? ?"
    r"|\[(?P<mpi>\d+,\d+)\]<std(?:out|err)>: ?"
    r"|\[(?P<bare>\d{1,4})\]: ?"
    r"|(?P<task>\d{1,5}(?:/\d+)?): "  # srun --label
    r"|(?P<name>(?:[a-z][\w.]*-)?(?:worker|rank|node|gpu|pod|task|host|master"
    r"|trainer)[-_ ]?\d*(?:-\d+)*) ?[:|>]+ "
    r"|(?P<service>[a-z][\w.-]*[-_]\d+) +\| "  # docker compose
    r"|#\d+ \d+\.\d+(?: |$)"  # docker build
    r"|\[\d{3,6}\] (?=\S|  )"  # a line's number
    r"|\[\d+/\d+(?:_\d+)?\] (?=\S|  )"  # a frame that torch.compile is at
    r"|(?:std(?:err|out)|err|out)(?: [FP])? ?[:|] ?|std(?:err|out) [FP] "
    r"|(?:\[std(?:err|out)\]|\[err\]) ?",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"[\[(]?(?P<time>\d{4}[-/.]\d\d[-/.]\d\d[T ,_-]{1,2}\d\d:\d\d(?::\d\d(?:[.,:]\d+)?)?)(?: ?Z"
    r"|[+-]\d\d:?\d\d| UTC)?[\])]?"
    r"(?:[ \t]*[-|:,](?= )| *\|)? ?"
    r"|\[(?:\d\d/\d\d/\d\d,? )?\d\d:\d\d:\d\d(?:[.,]\d+)?(?: [AP]M)?\][ :]?"
    r"|\d\d:\d\d:\d\d(?:[.,-]\d+)?(?: [AP]M)?(?: [-|])? (?=\S|  )"
    r"|\d\d/\d\d(?:/\d\d(?:\d\d)?)? \d\d:\d\d:\d\d(?:[.,]\d+)? ?(?:[-|] )?"
    r"|\[ *\d+\.\d{6}\] "  # the kernel's
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?:[\w.-]+ )?(?:[\w./-]+(?:\[\d+\])?: )?",
)
_LEVELS = "TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|CRITICAL|FATAL"
_LEVEL = re.compile(
    rf"(?P<vllm>{_LEVELS}) \d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:\[[\w./\\]+:\d+\]|[\w./]+:\d+\]) ?"
    rf"|(?P<bare>{_LEVELS}) +\[[\w./\\-]+:\d+\] "
    rf"|(?P<basic>{_LEVELS}):(?P<logger>[\w.]+):"
    # transformers
    rf"|\[(?P<lit>{_LEVELS})\|(?:[\w.:/-]+\]|[^\]|]*\]) ?(?:\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ >> ?)?"
    r"|(?:##\[|::)(?P<action>error|warning)(?:\]|::| [^:]*::)"  # GitHub Actions
    rf"|\[(?P<box>{_LEVELS})\](?:[ \t]*[:|-])? ?"
    rf"|time=\S+ level=(?P<go>{_LEVELS}) (?:source=\S+ )?(?=msg=)"  # Go
)
_GOOGLE = re.compile(
    r"\[?(?P<level>[VIWEF]) ?(?:\d{4} \d\d:\d\d:\d\d\.\d+ +(?:\d+ +)*"
    r"|\d{3,4} \d\d:\d\d:\d\d\.\d+ )?[\w./-]+\.(?:cpp|cc|py|cu|h|hpp|c):\d+\] ?"
)
_AFTER_TIME = re.compile(
    rf"(?!LLVM )(?:[\w.$/<>-]+ +)?[\[(]?(?P<level>{_LEVELS})(?![\w\[!])[\])]?(?: *[|:-]"
    rf"| +(?=\[?[\w./]+:\d+\]))?[ \t]*"
    r"(?:(?:\[[\w./\\-]+:\d+\]|[\w./\\-]+(?:\.py:\d+|:\d+\])):? ?(?:[-|>]+ )?|[\w.]+(?::\w+)*:\d+ - )?"
    rf"|\[?[\w./-]+\.py:\d+\]? ?(?:\[(?P<level2>{_LEVELS})\] ?)?"
    rf"|[\w.]+ ?[-|] ?(?P<level3>{_LEVELS}) ?[-|] ?"
    rf"|\[(?P<level4>(?i:{_LEVELS}))\] (?:\(\w+\) )?"
)
_PYTEST = re.compile(r"E {3,}(?=\S)")
_COLUMNS = (  # what stands before every line of a text, and of how many at least
    (re.compile(r"(?:> )+|>$"), 1),  # a quotation
    (re.compile(r"\d{1,5}\.\d{1,3}(?: |$)"), 3),  # the seconds of a build
)
_GOOGLES = {"V": "DEBUG", "I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}
_START = frozenset("([#0123456789>:")


class Head(NamedTuple):
    """What stood before a line's text."""

    process: str
    level: str  # "" where nothing says it
    time: str  # as it stands, "" where nothing says it
    text: str  # the rest, with its indentation


def split_prefix(line: str) -> Head:
    """Part a line from what its terminal, launcher or logger wrote before it."""
    process, level, time = "", "", ""
    for _ in range(7):
        if not line or not (line[0] in _START or line[0].isalpha()):
            break
        if hit := _SOURCE_PREFIX.match(line):
            process = " ".join(filter(None, (process, *hit.groups())))
        elif hit := _TIME.match(line):
            time = time or hit["time"] or ""
        elif hit := _LEVEL.match(line):
            level = next(
                filter(None, hit.group("vllm", "bare", "basic", "lit", "box", "action", "go"))
            ).upper()
        elif (hit := _GOOGLE.match(line)) and hit.end():
            level = _GOOGLES[hit["level"]]
        else:
            break
        is_time = hit.re is _TIME
        line = line[hit.end() :]
        if is_time and (hit := _AFTER_TIME.match(line)):
            level = (next(filter(None, hit.groups()), "") or level).upper()
            line = line[hit.end() :]
    if hit := _PYTEST.match(line):
        line = line[hit.end() :]
    return Head(process, level, time, line)


def without_quote_marks(lines: list[str]) -> list[str]:
    """The lines without the marks of a quotation, or the seconds of a build,
    where all of them have one."""
    lines_with_text = [line for line in lines if line]
    for mark, least in _COLUMNS:
        if len(lines_with_text) >= least and all(mark.match(line) for line in lines_with_text):
            return [mark.sub("", line, count=1) for line in lines]
    return lines
