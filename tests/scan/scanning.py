"""Scans of a few lines, for the tests of the rules."""

from pathlib import Path

from rotcheck.results import Scan
from rotcheck.scan.run import scan


def scanned(folder: Path, files: dict[str, str], *codes: str) -> Scan:
    """Write the files and scan the folder, for these codes or all."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return scan(str(folder), select=codes)


def lines(scan: Scan) -> list[tuple[str, str, int]]:
    """Return code, file without its first folder, and line of each hazard."""
    return [(hazard.code, hazard.file.partition("/")[2], hazard.line) for hazard in scan.hazards]
