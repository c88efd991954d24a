"""Identifies functions in workers, by themselves or among the other jobs of a study."""

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from rotcheck.identify.front_identity import Identity, add_flag, identity_of, without_folders
from rotcheck.implementations import registry
from rotcheck.isolation import Done, Groundwork, Job
from rotcheck.results import INTERPRETER, Identification
from rotcheck.study.study import Study, ignore

IDENTIFICATION = "rotcheck.identify.worker:open_identification"
FLAGS = "rotcheck.identify.worker:open_flags"
GROUNDWORK = "rotcheck.identify.worker:lay_groundwork"
PRELOAD = ("torch", "rotcheck.identify.worker")


def unregistered(specs: Iterable[str]) -> list[str]:
    """Those that are identified before anything else:
    all that are not registered with their convention."""
    return [spec for spec in specs if not registry.is_registered(spec)]


class Identifier:
    """Identifies functions, each in a worker of its own,
    and what each of their flags changes in another.

    Args:
        specs: the functions, each `package.module:function` or `path/to/file.py:function`.
        device: where they are called.
        timeout: seconds for one function, and for one flag.

    Attributes:
        identities: what is known of each function by now, by its SPEC.
    """

    def __init__(self, specs: Sequence[str], device: str, timeout: float) -> None:
        self.identities: dict[str, Identity] = {}
        self._specs, self._device, self._timeout = specs, device, timeout
        self._is_alone = False

    def run_alone(
        self, study: Study, on_identification: Callable[[Identification], None] = ignore
    ) -> dict[str, Identity]:
        """Identify the functions in a study that has nothing else to do meanwhile.

        A Triton kernel that is asked on the CPU, where Triton finds no GPU,
        is asked again under the Triton interpreter.

        Args:
            study: where all of it runs.
            on_identification: called with what is said of each function as soon as that is known.

        Raises:
            RequestError: one of the functions is not there.
        """
        self._is_alone = True

        def jobs_of(spec: str) -> Sequence[Job]:
            on_identification(self.identities[spec].identification)
            return ()

        for _ in self.run(study, (), jobs_of):
            raise AssertionError("a study without other jobs has no other answers")
        return self.identities

    def run(
        self, study: Study, jobs: Sequence[Job], jobs_of: Callable[[str], Sequence[Job]]
    ) -> Iterator[Done]:
        """Run the jobs of a study and identify the functions among them.

        Args:
            study: where all of it runs.
            jobs: those that need no identity.
            jobs_of: makes the jobs of one of the functions, by its SPEC,
                when its identity is known.

        Yields:
            The outcome of each task of `jobs` and of what `jobs_of` made.

        Raises:
            RequestError: one of the functions is not there.
        """
        identifying = _jobs(self._specs, self._device, self._timeout)
        for done in study.run([*jobs, *identifying]):
            if done.job.target == FLAGS:
                spec = done.job.name
                self.identities[spec] = add_flag(self.identities[spec], done)
            elif done.job.target == IDENTIFICATION:
                study.add(self._keep_identity(done, jobs_of))
            else:
                yield done

    def _keep_identity(self, done: Done, jobs_of: Callable[[str], Sequence[Job]]) -> list[Job]:
        """Keep the identity of a function; the jobs that follow from it."""
        spec = done.job.name
        identity = self.identities[spec] = identity_of(done)
        if self._is_alone and _interpretable(identity, done):
            return _jobs([spec], INTERPRETER, self._timeout)
        flags = [replace(done.job, target=FLAGS, tasks=identity.flags)] if identity.flags else []
        return [*jobs_of(spec), *flags]


def _interpretable(identity: Identity, done: Done) -> bool:
    """Whether the Triton interpreter, which computes with numpy,
    can take a kernel over from the CPU."""
    on_cpu = done.job.setup["device"] == "cpu"
    return identity.lacks_gpu and on_cpu and importlib.util.find_spec("numpy") is not None


def _jobs(specs: Sequence[str], device: str, timeout: float) -> list[Job]:
    return [
        Job(
            spec,
            IDENTIFICATION,
            {"specification": spec, "shown": without_folders(spec), "device": device},
            [None],
            timeout,
            3 * timeout,
            fresh_after_raising=True,
            groundwork=_groundwork(spec, device, timeout),
        )
        for spec in dict.fromkeys(specs)
    ]


def _groundwork(spec: str, device: str, timeout: float) -> Groundwork | None:
    """The import of a function's module, which is the same for all functions in it."""
    place = spec.rpartition(":")[0]
    setup = {"place": place, "device": device}
    return Groundwork(GROUNDWORK, setup, 3 * timeout) if place else None
