"""Tables for the terminal, and plain text when piped;
what draws them is imported only when it is needed."""

from rotcheck.report.document import Display, Document

SUFFIX = ".txt"
READS = "document"


def prepare() -> None:
    """Import what draws: a tenth of a second, better spent while workers work."""
    import rotcheck.report.terminal  # noqa: F401


def render(document: Document, display: Display) -> str:
    """The parts below each other, an empty line between each two."""
    from rotcheck.report.terminal import draw

    return draw(document, display)
