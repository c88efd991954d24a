"""What a line says without its colours, tags and typographic characters."""

import html
import re

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # links, titles
    r"|\x1b[@-Z\\^_()][0-9A-B]?"
    r"|\[(?:0|1|2|[349]\d|[013];\d[\d;]*)m(?!\])"  # colours whose escape was lost
    r"|[\x00-\x08\x0b-\x1f\x7f\ufeff\u200b-\u200f\u2060\ufffe\ufffd]"
)
_TAG = re.compile(
    r"</?(?:span|div|pre|code|p|br|b|i|u|em|strong|font|td|tr|th|table|tbody|li|ul|ol|tt|samp|kbd|html"
    r"|body|head"
    r"|blockquote|details|summary|a|h[1-6]|hr|small|sup|sub)(?:\s+[\w-]+\s*=[^<>]*)?\s*/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|pre|h[1-6])>", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:lt|gt|amp|quot|apos|nbsp|lsquo|rsquo|ldquo|rdquo|#\d{1,7}|#x[0-9a-f]{1,6});",
    re.IGNORECASE,
)
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\xad"),  # without width
        **dict.fromkeys("‘’‚‛′´ʼ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑", "-"),
        **dict.fromkeys(
            "\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
            " ",
        ),
    }
)


def plain(text: str) -> str:
    """The text without escape sequences and HTML, with plain blanks and quotes;
    its indentation stays."""
    if not text.isprintable():
        text = _ESCAPE.sub("", text.replace("\t", "    "))
    elif "m" in text and "[" in text:
        text = _ESCAPE.sub("", text)
    if "<" in text:
        text = _TAG.sub("", text)
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(html.unescape(text))
    return typewritten(text)


def typewritten(text: str) -> str:
    """The text with straight quotes, plain hyphens and blanks,
    and without characters of no width."""
    return text if text.isascii() else text.translate(_PLAIN)


def with_line_breaks(text: str) -> str:
    """The text with a line end where HTML ends a line."""
    return _BREAK.sub("\n", text) if "<" in text else text


def single_spaced(text: str) -> str:
    """The text with all its white space folded to single blanks."""
    return " ".join(text.split())
