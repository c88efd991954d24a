"""Identifies functions: the public function of this room."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from rotcheck.errors import RequestError
from rotcheck.identify.front_identity import Identity, distinct_names, without_folders
from rotcheck.identify.identification_jobs import PRELOAD, Identifier
from rotcheck.identify.swapping import file_fit
from rotcheck.identify.swapping.swap import swaps
from rotcheck.identify.telling import next_step
from rotcheck.implementations import registry
from rotcheck.implementations.spec import expand
from rotcheck.results import INTERPRETER, Identification, Likeness
from rotcheck.study.request import expand_specs
from rotcheck.study.study import Study, ignore


def identify(
    specification: str, *, like: str | None = None, device: str = "cpu", timeout: float = 60.0
) -> Identification:
    """Find out by experiment what a rotary function does:
    how to call it, its convention, its mistakes.

    Args:
        specification: `package.module:function`, `path/to/file.py:function`, a class or a module
            that rotates or makes tables, or a registered name.
        like: another one to compare it with: can it take that one's place?
        device: where to call it.
        timeout: seconds for the function, and for each of its flags.

    Returns:
        Its answer (`right`, `wrong` or `unknown`), its convention, and its mistakes.

    Raises:
        RequestError: there is no such function; or it is a `file.py` that has several,
            which `identify_all` takes.

    Example:
        >>> identification = identify("native")
        >>> identification.answer, identification.convention.pairing
        ('right', 'half')
    """
    specs = expand(specification)
    if len(specs) > 1:
        several = ", ".join(spec.rpartition(":")[2] for spec in specs)
        raise RequestError(f"{specification!r} has several rotary functions: name one of {several}")
    return identify_all(specs, like=like, device=device, timeout=timeout)[0]


def identify_all(
    specifications: Sequence[str],
    *,
    like: str | None = None,
    device: str = "cpu",
    timeout: float = 60.0,
    on_plan: Callable[[int], None] | None = None,
    on_found: Callable[[Identification], None] | None = None,
) -> tuple[Identification, ...]:
    """Identify several functions, each in a process of its own.

    Args:
        specifications: as `identify` takes them; a `file.py` stands for all rotary functions in it,
            and those of one file are held against each other at the end.
        like: another one that each is held against: can it take its place?
        device: where they are called.
        timeout: seconds for a function, and for each of its flags.
        on_plan: called once with how many functions there are.
        on_found: called with what was found of each by itself as it is done.

    Returns:
        What was found of each, in the order of the specifications.

    Raises:
        RequestError: one of them is not there.
        KeyboardInterrupt: it was interrupted.
    """
    specs = expand_specs(specifications)
    others = [like] if like else []
    for spec in others:
        registry.check(spec)
    with Study(PRELOAD, on_plan=on_plan) as study:
        study.plan(len(specs))
        identifier = Identifier([*specs, *others], device, timeout)
        identities = identifier.run_alone(study, on_found or ignore)
        found = distinct_names(specs, [identities[spec].identification for spec in specs])
        if like:
            likenesses = _likenesses(study, specs, identities, like, device, timeout)
            found = [
                msgspec.structs.replace(identification, likeness=likenesses[spec])
                for spec, identification in zip(specs, found)
            ]
    return tuple(
        next_step.next_step(identification, spec)
        for spec, identification in zip(specs, file_fit.of_files(specs, found), strict=True)
    )


def _likenesses(
    study: Study,
    specs: Sequence[str],
    identities: Mapping[str, Identity],
    like: str,
    device: str,
    timeout: float,
) -> dict[str, Likeness]:
    """Of each function by its SPEC, whether it can take the place of another.

    Raises:
        RequestError: no object can be made of the other one.
    """
    other = identities[like]
    if other.no_object:
        raise RequestError(f"{without_folders(like)!r} {other.identification.message}")
    devices = [identity.identification.device for identity in identities.values()]
    return swaps(
        study,
        {spec: identities[spec] for spec in specs},
        like,
        other,
        INTERPRETER if INTERPRETER in devices else device,
        timeout,
    )
