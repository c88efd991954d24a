"""Which torch rotcheck needs, said once for those who import it and those who must not."""

import re

OLDEST = (2, 4)  # pyproject.toml says the same


def too_old(version: str) -> str | None:
    """What to say of a torch of this version, where it is older than rotcheck needs."""
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) >= OLDEST:
        return None
    return f"torch {version} is too old: rotcheck needs torch {OLDEST[0]}.{OLDEST[1]} or newer"
