"""Lines that say of themselves that they are an error or a warning."""

import re

_WARNING = re.compile(
    r"(?:^|:\d+: |^W\d{4} .*\] )(?:[\w.]*(?:Warning|WARNING)): ?\S|^\[?(?:WARNING|WARN|Warning"
    r"|warning)\b[\]:\s-]|: warning: |^Error caught was: |some optimizations will not be enabled",
)
_BUILD = re.compile(r"did not run successfully")
_HINT = re.compile(
    r"\bdeprecated\b|\bwill be (?:removed|ignored)\b|^skipping cudagraphs|^Unrecognized keys"
    r"|^You are attempting|hit config\.\w*limit|falling back to",
)
_ERROR = re.compile(
    r"^\[?(?:ERROR|CRITICAL|FATAL)\b[\]:\s-]"
    r"|^(?:[\w .\[\]()/\\:+<>'-]{0,90}?[\s:\]/])?(?:fatal )?error ?:? *: (?!\s*(?:[-+\d.]+\b|null\b"
    r"|None\b|true\b|false\b|\[|\{|$))"
    r"|^Error occurred when |^(?:- )?\*{0,2}Exception Message:\*{0,2} \S|\berror [A-Z]{1,4}\d{3,5}: "
    r"|has timed out|^error: |^npm ERR!|^CMake Error"
    r"|^make(?:\[\d+\])?: \*\*\* |^ninja: build stopped|^FAILED[: ]"
    r"|^ptxas fatal"
    r"|^\s*× .*did not run successfully|^(?:ERROR|Error)!|\bERR\d{5}\b|\bError\(\w+\): "
    r"|^(?:Failed|Cannot|Could not|Unable|Can't|Couldn't|Not able) (?:to |load|find|open|import|run|copy"
    r"|re|convert|access|create)"
    r"|has failed because|(?:could|can) ?not (?:be )?(?:locate|load|found|import)|hipError\w+"
    r"|cudaError\w+|^fatal: |: fatal +: |^wandb: ERROR ",
    re.IGNORECASE,
)
_MESSAGE = re.compile(
    r"\bnot (?:found|supported|implemented|available|compatible|installed|compiled|enabled|permitted"
    r"|recognized|loaded|defined)\b"
    r"|\b(?:failed|cannot|could not|unable to|unsupported|invalid|no such|expected|mismatch(?:ed)?"
    r"|missing|denied|exceed(?:s|ed)"
    r"|undefined|unknown|out of (?:memory|range|bounds|resources?)|corrupted|must (?:be|have|match)"
    r"|only supports?|requires?"
    r"|unexpected|too (?:old|large|small|many)|incompatible|no module named|not a \w+|is required"
    r"|no kernel)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"\[?(?:ERROR|CRITICAL|FATAL)\b|error: ", re.IGNORECASE)
_PERSON = re.compile(
    r"\?|\b(?:I|I'm|I've|my|me|we|our|you|your|please help|anyone|someone|why|how|what|when|after|since"
    r"|because|seems?|looks?|sometimes|always|works?|worked)\b"
)


def is_warning(text: str, level: str) -> bool:
    """Whether the line warns, and does not go on to say that the build has failed."""
    return (level in ("WARN", "WARNING") or bool(_WARNING.search(text))) and not _BUILD.search(text)


def is_hint(text: str) -> bool:
    """Whether the line warns without saying so; it may also be part of another message."""
    return bool(_HINT.search(text))


def is_error(text: str, level: str) -> bool:
    """Whether the line says that it is an error."""
    return level in ("ERROR", "CRITICAL", "FATAL") or bool(_ERROR.search(text))


def is_message(text: str) -> bool:
    """Whether a program, rather than a person,
    may have written a short text that says what failed."""
    return bool(_MESSAGE.search(text)) and not is_person(text)


def is_person(text: str) -> bool:
    """Whether a person, rather than a program, may have written the text."""
    return bool(_PERSON.search(text))


def opens(text: str) -> bool:
    """Whether the line begins as an error, so that it is no part of the message before it."""
    return bool(_OPENING.match(text))
