"""The implementations that installed packages register,
under the entry-point group `rotcheck.implementations`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

GROUP = "rotcheck.implementations"


@dataclass(frozen=True, slots=True)
class PackageEntries:
    """What the packages of this environment register, and what could not be read of them."""

    targets: dict[str, str]  # name: package.module, or package.module:function
    unread: tuple[str, ...]  # in words


@cache
def package_entries() -> PackageEntries:
    """The entries of all installed packages; of two of one name, the first that Python finds.

    It opens a file of each package, some milliseconds for a hundred of them:
    so it is asked only for names that are not known otherwise.
    """
    targets: dict[str, str] = {}
    unread: list[str] = []
    for name, target in _entries(unread):
        targets.setdefault(name, target)
    return PackageEntries(targets, tuple(unread))


def _entries(unread: list[str]) -> Iterator[tuple[str, str]]:
    from importlib import metadata  # here: it takes longer to import than the whole front

    for distribution in metadata.distributions():
        try:
            entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        except Exception as error:  # a file that is no list of entries, in whatever way
            unread.append(f"the entry points of {_name(distribution)} cannot be read: {error}")
            continue
        yield from ((entry.name, entry.value.replace(" ", "")) for entry in entries)


def _name(distribution: object) -> str:
    return str(getattr(distribution, "name", None) or "an installed package")
