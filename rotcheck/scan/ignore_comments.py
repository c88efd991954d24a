"""The comments that ignore hazards: `# rotcheck: ignore[CODE]`, of several codes,
or of all without brackets."""

import ast
import io
import re
import tokenize
from collections.abc import Collection

from rotcheck.results import Hazard
from rotcheck.scan.module import Module

MARK = "rotcheck: ignore"
_COMMENT = re.compile(r"#\s*rotcheck:\s*ignore\b(?:\s*\[([^\]]*)\])?")


class IgnoreComments:
    """The comments of one module."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._codes: dict[int, set[str]] = {}  # by line; no code: all of them
        self._alone: set[int] = set()  # lines that hold nothing but a comment
        if MARK in module.source:
            self._read()

    def _read(self) -> None:
        try:
            for token in tokenize.generate_tokens(io.StringIO(self._module.source).readline):
                if token.type == tokenize.COMMENT:
                    self._add(token)
        except (tokenize.TokenError, SyntaxError):
            return  # what parses and is still no tokens to the end: the comments until there count

    def _add(self, token: tokenize.TokenInfo) -> None:
        line = token.start[0]
        if not token.line[: token.start[1]].strip():
            self._alone.add(line)
        if comment := _COMMENT.search(token.string):
            self._codes[line] = set(map(str.strip, (comment[1] or "").split(","))) - {""}

    def without_rule(self, rule_codes: Collection[str]) -> list[tuple[int, str]]:
        """The codes that no rule has, each with its line."""
        unknown = ((line, codes.difference(rule_codes)) for line, codes in self._codes.items())
        return [(line, code) for line, codes in unknown for code in sorted(codes)]

    def covers(self, hazard: Hazard) -> bool:
        """Whether a comment on a line of the statement's head, or right above it,
        ignores the hazard."""
        if not self._codes:
            return False
        first, last = self._head(self._module.source_line(hazard))
        lines = list(range(first, last + 1))
        while first - 1 in self._alone:
            first -= 1
            lines.append(first)
        codes = [self._codes[line] for line in lines if line in self._codes]
        return any(not names or hazard.code in names for names in codes)

    def _head(self, line: int) -> tuple[int, int]:
        """The lines of the innermost statement that holds a line,
        without the statements inside it."""
        heads = (_head(node) for node in self._module.nodes(ast.stmt))
        return max((head for head in heads if head[0] <= line <= head[1]), default=(line, line))


def _head(node: ast.stmt) -> tuple[int, int]:
    first = min([node.lineno, *(above.lineno for above in getattr(node, "decorator_list", []))])
    body = getattr(node, "body", None)
    return first, max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
