"""The compilers that torch.compile and Triton need, and torch.compile itself."""

import os
import shutil
import sys
import sysconfig
import tempfile
from dataclasses import dataclass

from rotcheck.isolation import Died, Outcome, Raised, Returned, command
from rotcheck.probe.outcome_lines import line, outcome_line, program_state, why
from rotcheck.probe.topic import Conclusion, Topic, questions
from rotcheck.results import Line

LIMIT = 20.0  # seconds for one call of a compiler
# seconds for three calls of a compiled function; the C++ compiler takes half a minute
COMPILE_LIMIT = 300.0
NEEDS_HEADERS = "#if !__has_include(<Python.h>)\n#error Python.h is missing\n#endif\n"
PROGRAM = NEEDS_HEADERS + "int main() { return 0; }\n"


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler as torch.compile or Triton would call it."""

    name: str  # "C++ compiler"
    variable: str  # the environment variable that names it
    program: str
    language: str
    flags: tuple[str, ...]
    lacking: str  # what torch.compile or Triton says when there is none
    failing: str  # what it says when it does not compile

    def compile_something(self) -> tuple[Outcome, str]:
        """Compile a tiny shared library from standard input; return the outcome and the version."""
        with tempfile.TemporaryDirectory(prefix="rotcheck-") as folder:
            call = [self.program, *self.flags, "-shared", "-fPIC"]
            source = ["-x", self.language, "-", "-o", os.path.join(folder, "tiny.so")]
            outcome = command([*call, *source], limit=LIMIT, text=PROGRAM)
        return outcome, self._version() if isinstance(outcome, Returned) else ""

    def _version(self) -> str:
        outcome = command([self.program, "--version"], limit=LIMIT)
        return outcome.value.partition("\n")[0] if isinstance(outcome, Returned) else self.program


def for_torch_compile() -> Compiler:
    """The C++ compiler that torch.compile calls on the CPU: CXX, else the system's."""
    program = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    openmp = () if sys.platform == "darwin" else ("-fopenmp",)
    return Compiler(
        "C++ compiler",
        "CXX",
        program,
        "c++",
        ("-std=c++17", *openmp, _headers()),
        "InvalidCxxCompiler: No working C++ compiler found",
        "CppCompileError: C++ compile error",
    )


def for_triton() -> Compiler:
    """The C compiler that Triton calls for its launchers: CC, else gcc, else clang."""
    program = os.environ.get("CC") or (
        "gcc" if shutil.which("gcc") or not shutil.which("clang") else "clang"
    )
    complaint = "Failed to find C compiler"
    return Compiler("C compiler", "CC", program, "c", (_headers(),), complaint, complaint)


def _headers() -> str:
    return f"-I{sysconfig.get_path('include')}"


def compiler_line(compiler: Compiler, outcome: Outcome, version: str) -> Line:
    """The line of a compiler, from the outcome of compiling a tiny program."""
    state, detail, error = "runs", version, ""
    if isinstance(outcome, Raised):
        state, error = "absent", compiler.lacking
        detail = f"{compiler.program} cannot be started: {outcome.message}"
    elif not isinstance(outcome, Returned):
        state, error = program_state(outcome), compiler.failing
        detail = f"{compiler.program}: {_complaint(outcome)}"
    if state != "runs" and os.environ.get(compiler.variable):
        detail += f"; {compiler.variable} names it"
    return line("compilers", compiler.name, state, detail, error=error, runs=1)


def _complaint(outcome: Outcome) -> str:
    """The compiler's first line with an error in it."""
    lines = outcome.output.splitlines() if isinstance(outcome, Died) else []
    return next((text for text in lines if "error" in text.lower()), why(outcome))


def torch_compile(device: str, folder: str) -> Topic:
    """The topic of torch.compile on one device; it may write into `folder`."""
    name = f"torch.compile on {device}"
    job = questions(name, ["inside.compiled_rotation", "run", device, folder], limit=COMPILE_LIMIT)

    def read(outcomes: list[Outcome]) -> Conclusion:
        (outcome,) = outcomes
        detail = "three calls, equal to eager" if isinstance(outcome, Returned) else ""
        return Conclusion([outcome_line("compilers", name, outcome, detail=detail)])

    return Topic([job], read)
