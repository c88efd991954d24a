"""Lines that tell of the end of a process without Python: a signal, an abort, the system."""

import re

_FATAL = re.compile(
    r"Fatal Python error: \w"
    r"|\bterminate called (?:after throwing|without an active)|\bterminate called recursively"
    r"|libc\+\+abi(?:\.dylib)?: (?:terminating|terminate_handler)"
    r"|^(?:.*: line \d+: +\d+ |zsh: |bash: |fish: |\[\d+\] ? ?[-+]? *\d* )?"
    r"(?:Segmentation fault|Bus error|Illegal instruction|Aborted|Abort trap|Trace/breakpoint trap|Killed"
    r"|Floating point exception|Trace/BPT trap|segmentation fault|bus error|abort|killed"
    r"|illegal hardware instruction)"
    r"(?:: \d+)?(?:\s*\(core dumped\))?(?:\s{2,}.*|\s+python.*)?\s*$"
    r"|\(core dumped\)"
    r"|^(?:段错误|段錯誤|Speicherzugriffsfehler|Erreur de segmentation|(?:Violación|Fallo) de segmento"
    r"|Falha de segmentação|Errore di segmentazione|Ошибка сегментирования|セグメンテーション違反"
    r"|세그멘테이션 (?:오류|결함))"
    r"|exit ?code ?[:=]? ?-\d|exit(?:ed)?(?: with)?(?: code| status)?[:=]? ?(?:-\d+|13[2-9]|134|139|137)\b"
    r"|died with <Signals\.|terminated (?:with|by) signal|killed by signal|(?:with|on"
    r"|due to) signal (?:\d|SIG)"
    r"|Signal \d+ \(SIG\w+\) received|Process received signal|\*\*\* SIG[A-Z]+ received|Caught signal \d+ \("
    r"|LLVM ERROR: |: failed assertion [`']|Assertion failed: |Assertion [`'].*' failed\.$"
    r"|^objc\[\d+\]: .*(?:fork|Crashing)|Crashing instead"
    r"|watchdog thread (?:terminated|got stuck|is)|Watchdog caught collective operation timeout"
    r"|munmap_chunk\(\): |double free or corruption|corrupted size vs|corrupted double-linked list"
    r"|(?:free|malloc|realloc)\(\): \w|malloc_consolidate\(\)|stack smashing detected"
    r"|pointer being freed was not allocated"
    r"|Out of memory: Kill|oom[-_]kill|OOMKilled|Detected \d+ oom|oom-killer"
    r"|^Timeout \(\d+:\d\d:\d\d(?:\.\d+)?\)!|\[libprotobuf FATAL|^thread '.*' panicked at|DUE TO TIME LIMIT"
    r"|Memory access fault by GPU|(?-i:Check failed: )|Received signal: SIG|GPU coredump"
    r"|A fatal error has been detected by",
    re.IGNORECASE,
)
_THREAD = re.compile(
    r"\s*(?:Current )?[Tt]hread 0x[0-9a-f]+.*\(most recent call first\)", re.IGNORECASE
)


def is_death(text: str) -> bool:
    """Whether the line says that a process died."""
    return bool(_FATAL.search(text))


def begins_stack(text: str) -> bool:
    """Whether faulthandler lists the frames of a thread below this line, innermost first."""
    return bool(_THREAD.match(text))
