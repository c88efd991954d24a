"""Lines that show a run at work, or at its good end; and lines that any dying program leaves."""

import re

_WORK = re.compile(
    r"\b(?:step|epoch|iter(?:ation)?|batch|round)s?\b[\s:=#\[]*\d|\d%\|[^|]{2,200}\| *\d|(?<![a-z])it/s\b|s/it\b"
    r"|\bloss\b\W{1,4}-?\d|\blr\b\W{1,3}\d"
    r"|Running on (?:local|public) URL|Uvicorn running on|Application startup complete|Avg (?:prompt"
    r"|generation) throughput|tokens/s|tok/s|\bHTTP/1\.1\"? 200",
    re.IGNORECASE,
)
_IDLE = re.compile(r"\b0%\|[^|]{0,200}\| *0/\d|\b100%\|[^|]{2,200}\|.*[kMG]?i?B/s")
_RECOVERY = re.compile(r"Resuming from|retrying|falling back", re.IGNORECASE)
_GOOD = re.compile(
    r"(?:training|evaluation|inference|run|job|experiment|process|build|everything|generation"
    r"|fine-?tuning)\W+(?:is |was |has )?(?:now )?"
    r"(?:complete[d]?|finished|done|succe\w+)\b|(?<!not )\bcompleted? (?:successfully|training)"
    r"|successfully (?:built|installed|saved|complet|finish|train)"
    r"|\bexit(?:ed)?(?: with)?(?: code| status)?[:=]? ?0\b|^all done|= \d+ passed(?!.*failed)"
    r"|saved (?:the )?(?:final )?(?:model|checkpoint|weights|adapter)"
    r"|finished training|^done[.!]?$|(?:model|checkpoint|weights) (?:was |were )?saved",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"resource_tracker|leaked (?:semaphore|shared)|^wandb:|^srun:|^slurmstepd|Exception ignored"
    r"|^make(?:\[\d+\])?:"
    r"|^\S*[$#%❯] |Shutting down|destroy_process_group|closing signal|end of output|^note: This"
    r"|^hint: See|^\[notice\]",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"exit(?:ed)? (?:with|code|status)|Process finished|shut ?down|Terminating|Killing|SIGTERM|Cleaning up"
    r"|For debugging consider|Compile with|might be asynchronously|Set TORCH_LOGS|warnings\.warn\("
    r"|Command exited",
    re.IGNORECASE,
)


_BAD = re.compile(
    r"Process completed with exit code [1-9]|Process finished with exit code [1-9-]"
    r"|Command exited with (?:code|status) [1-9]"
    r"|The command .* exited with [1-9]|^ERROR: Job failed|^=+ .*\b[1-9]\d* (?:failed|errors?)\b.* in \d.*=+$"
    r"|^srun: error: .*(?:Exited|Killed|Terminated|Aborted|Segmentation)|exit status [1-9]\d*\.?$"
    r"|^make(?:\[\d+\])?: \*\*\* "
    r"|^npm ERR! code|^ERROR: process .* did not complete successfully|child process exited with",
    re.IGNORECASE,
)


def is_bad_end(text: str) -> bool:
    """Whether the line says that the run, or a large part of it, has failed:
    what follows only clears up."""
    return bool(_BAD.search(text))


def is_work(text: str) -> bool:
    """Whether only a run that is at work prints such a line:
    no bar at 0 or of a finished download, drawn once more."""
    return bool(_WORK.search(text)) and not _IDLE.search(text)


def is_recovery(text: str) -> bool:
    """Whether the line says that the run goes on in spite of what went wrong;
    it may be part of a message, too."""
    return bool(_RECOVERY.search(text))


def is_good_end(text: str) -> bool:
    """Whether the line says that the run, or a large part of it, went well."""
    return bool(_GOOD.search(text))


def is_noise(text: str) -> bool:
    """Whether the line says nothing about how the run goes."""
    return is_foreign(text) or bool(_NOISE.search(text))


def is_ignored(text: str) -> bool:
    """Whether the line says that the exception below it stopped nothing."""
    return text.startswith(
        ("Exception ignored", "Error in atexit", "Error in sys.excepthook", "--- Logging error ---")
    )


def is_foreign(text: str) -> bool:
    """Whether the line is noise that is no part of any message."""
    return bool(_FOREIGN.search(text))
