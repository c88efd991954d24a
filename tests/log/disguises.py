"""The forms in which one and the same message reaches a reader:
as bytes, as a terminal or a web page left them."""

import html
import re
import textwrap
from collections.abc import Callable

Disguise = Callable[[str], bytes]


def utf16(text: str) -> bytes:
    """What PowerShell's `>` writes."""
    return text.replace("\n", "\r\n").encode("utf-16")


def utf16_plain(text: str) -> bytes:
    return (text + "\r\n" * 8).encode("utf-16-le")


def utf16_big(text: str) -> bytes:
    return (text + "\n" * 8).encode("utf-16-be")


def utf8_mark(text: str) -> bytes:
    return text.encode("utf-8-sig")


def broken_utf8(text: str) -> bytes:
    return b"caf\xe9 \xff\xfe\n" + text.encode() + b"\n\xc3"


def fixed_blanks(text: str) -> bytes:
    return text.replace(" ", "\xa0").encode()


def double_blanks(text: str) -> bytes:
    return text.replace(" ", "  ").encode()


def loud(text: str) -> bytes:
    return text.upper().encode()


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def coloured(text: str) -> bytes:
    return "\n".join(f"\x1b[1;31m{line}\x1b[0m" for line in text.split("\n")).encode()


def colours_torn(text: str) -> bytes:
    """Copied from a terminal that lost the escapes."""
    return "\n".join(f"[31m{line}[0m" for line in text.split("\n")).encode()


def curly(text: str) -> bytes:
    for straight, (opening, closing) in {"'": "‘’", '"': "“”"}.items():
        pieces = text.split(straight)
        text = (
            "".join(
                piece + (opening if i % 2 == 0 else closing) for i, piece in enumerate(pieces[:-1])
            )
            + pieces[-1]
        )
    return text.encode()


def web_page(text: str) -> bytes:
    lines = (f'<span class="line">{html.escape(line)}</span>' for line in text.split("\n"))
    return ("<pre><code>" + "\n".join(lines) + "</code></pre>").encode()


def web_breaks(text: str) -> bytes:
    return ("<p>" + "<br/>".join(map(html.escape, text.split("\n"))) + "</p>").encode()


def quoted(text: str) -> bytes:
    return "\n".join(f"> {line}" for line in text.split("\n")).encode()


def fenced(text: str) -> bytes:
    return f"```python-traceback\n{text}\n```".encode()


def terminal_80(text: str) -> bytes:
    return _cut(text, 80)


def terminal_100(text: str) -> bytes:
    return _cut(text, 100)


def terminal_120(text: str) -> bytes:
    return _cut(text, 120)


def editor_80(text: str) -> bytes:
    return "\n".join(textwrap.fill(line, 80) for line in text.split("\n")).encode()


def editor_100(text: str) -> bytes:
    return "\n".join(textwrap.fill(line, 100) for line in text.split("\n")).encode()


def rank(text: str) -> bytes:
    return _before(text, "[rank3]: ")


def ray(text: str) -> bytes:
    return _before(text, "(RayWorkerWrapper pid=7046, ip=10.0.0.3) ")


def engine(text: str) -> bytes:
    return _before(text, "(EngineCore_0 pid=17) ERROR 01-01 10:00:00 [core.py:400] ")


def slurm(text: str) -> bytes:
    return _before(text, "1/8: ")


def docker(text: str) -> bytes:
    return _before(text, "#12 42.1 ")


def actions(text: str) -> bytes:
    return _before(text, "2026-01-01T10:00:00.1234567Z ")


def logger(text: str) -> bytes:
    return _before(text, "2026-01-01 10:00:00,123 - ERROR - ")


def google(text: str) -> bytes:
    return _before(text, "E0101 10:00:00.123456 4242 launcher.py:17] ")


def rich_box(text: str) -> bytes:
    """A message below a traceback of rich, which breaks it at blanks;
    below a traceback stands an exception."""
    if not re.match(r"[\w.]+: ", text):
        if "\n" in text or re.match(r"[IWEF]\d{4} ", text):
            return text.encode()
        text = f"RuntimeError: {text}"
    rule = "─" * 28
    box = [
        f"╭{rule}── Traceback (most recent call last) {rule}─╮",
        f"│ {'/home/x/train.py:12 in <module>'.ljust(93)} │",
        f"│ {''.ljust(93)} │",
        f"│ {'    9 from model import rotate'.ljust(93)} │",
        f"│ {'❱  12 rotate(q, k)'.ljust(93)} │",
        f"╰{'─' * 95}╯",
    ]
    return "\n".join([*box, *(textwrap.fill(line, 97) for line in text.split("\n"))]).encode()


def after_a_bar(text: str) -> bytes:
    """Below a progress bar that its line end did not end."""
    bars = "\r".join(f"{n}%|##   | {n}/100 [00:0{n}<00:10, 9.8it/s]" for n in range(9))
    return f"{bars}\n{text}".encode()


def _before(text: str, prefix: str) -> bytes:
    return "\n".join(prefix + line for line in text.split("\n")).encode()


def _cut(text: str, width: int) -> bytes:
    """Broken within words, as a terminal does."""
    lines = (
        line[at : at + width]
        for line in text.split("\n")
        for at in range(0, max(len(line), 1), width)
    )
    return "\n".join(lines).encode()


DISGUISES: dict[str, Disguise] = {
    one.__name__: one
    for one in (
        utf16, utf16_plain, utf16_big, utf8_mark, broken_utf8, fixed_blanks, double_blanks, loud, crlf, coloured,
        colours_torn, curly, web_page, web_breaks, quoted, fenced, terminal_80, terminal_100, terminal_120, editor_80,
        editor_100, rank, ray, engine, slurm, docker, actions, logger, google, rich_box, after_a_bar,
    )
}  # fmt: skip
