"""The rules of the house, held against the source itself."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import rotcheck

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "rotcheck"
ORDER = [
    "cli", "preflight", "report", "check", "scan", "bench", "train", "context", "watch", "model", "testing", "compare",
    "witness", "identify",
    "study", "measure", "probe", "diagnose", "log", "implementations", "isolation", "rotary", "convention",
    "declaration", "results", "errors", "exit_codes", "file_contents", "requirement", "frames", "scrub",
    "callable_room", "grouping", "rotary_names",
]  # fmt: skip
IDENTIFY_ORDER = [  # the rooms and files of identify
    "run", "identification_jobs", "worker", "worker_setup", "swapping", "front_identity", "function_identification",
    "declaration_identification", "table_maker_identification", "rotation_identification", "permuting", "telling",
    "identification_result", "asking", "making", "showing", "angles", "worker_device", "calling", "reading", "remarks",
    "call_outcome",
]  # fmt: skip
SOURCES = sorted(PACKAGE.rglob("*.py"))
MAY_IMPORT_TORCH = (
    "rotary/", "implementations/", "bench/", "compare/", "context/", "identify/", "measure/", "probe/", "testing/",
    "train/", "convention/", "witness/", "model/", "watch/inside/",
)  # fmt: skip


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _rooms(folder: Path) -> dict[Path, str]:
    """The room of a folder, or the file in it, that each source below it belongs to."""
    return {
        file: file.relative_to(folder).parts[0].removesuffix(".py")
        for file in SOURCES
        if file.is_relative_to(folder)
    }


def _goes_up(room: str, name: str, order: Sequence[str] = ORDER, within: str = "rotcheck") -> bool:
    """Whether an import by a room, of a name,
    goes up in the order of the rooms within a package."""
    if not name.startswith(f"{within}.") or room not in order:
        return False
    target = name.removeprefix(f"{within}.").partition(".")[0]
    return target in order and order.index(target) < order.index(room)


HOUSES = [(PACKAGE, "rotcheck", ORDER), (PACKAGE / "identify", "rotcheck.identify", IDENTIFY_ORDER)]


@pytest.mark.parametrize(("folder", "package", "order"), HOUSES, ids=["rotcheck", "identify"])
def test_imports_go_down_the_house_never_up(
    folder: Path, package: str, order: Sequence[str]
) -> None:
    upward = [
        f"{file}: {name}"
        for file, room in _rooms(folder).items()
        for name in _imported(file)
        if _goes_up(room, name, order, package)
    ]
    assert upward == []


def test_an_import_that_goes_up_would_be_noticed() -> None:
    assert _goes_up("isolation", "rotcheck.compare.plan")
    assert not _goes_up("compare", "rotcheck.isolation.pool")
    identify = IDENTIFY_ORDER, "rotcheck.identify"
    assert _goes_up("angles", "rotcheck.identify.making.image_patches.repeats", *identify)
    assert not _goes_up("making", "rotcheck.identify.angles.frequency_fit", *identify)


@pytest.mark.parametrize(("folder", "package", "order"), HOUSES, ids=["rotcheck", "identify"])
def test_every_room_has_its_place_in_the_order(
    folder: Path, package: str, order: Sequence[str]
) -> None:
    assert set(_rooms(folder).values()) - {"__init__", "__main__"} == set(order)


def test_torch_is_imported_by_the_rooms_that_run_in_workers_only() -> None:
    importing = [
        str(file.relative_to(PACKAGE))
        for file in SOURCES
        if any(name.split(".")[0] in ("torch", "triton", "flash_attn") for name in _imported(file))
    ]
    assert importing != []
    assert [file for file in importing if not file.startswith(MAY_IMPORT_TORCH)] == []


FRONT = """
import sys
from rotcheck.cli.main import main
sys.argv = ["rotcheck", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    code = end.code
print([name for name in ("torch", "triton", "flash_attn", "numpy") if name in sys.modules], code, file=sys.stderr)
if sys.platform == "linux":
    print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""


BENCH = "bench native --dtype float32 --shape 2x10x3x8x64 --pass forward --seconds 0.01"
TRAIN = "train native --device cpu --steps 1"


@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "--help",
        "probe",
        "compare native --dtype float32",
        "explain",
        "preflight",
        BENCH,
        TRAIN,
    ],
)
def test_the_front_never_imports_torch_and_stays_below_40_mib(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FRONT, *command.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert "[] 0" in done.stderr.splitlines()
    if sys.platform == "linux":  # whose /proc tells the peak
        assert int(done.stderr.split()[-2]) < 40 * 1024


def test_importing_rotcheck_imports_nothing_but_itself() -> None:
    code = "import sys, rotcheck; print([m for m in sys.modules if m.partition('.')[0] in ('torch', 'typer', 'rich')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_unknown_attribute_of_the_package_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="it has __version__, bench, check, compare, context"):
        rotcheck.nonsense  # noqa: B018


FOLDERS = ("rotcheck", "tests", "docs", "examples")


@pytest.mark.parametrize(
    "tool",
    [
        ["ruff", "check", *FOLDERS],
        ["ruff", "format", "--check", *FOLDERS],
        ["mypy"],
    ],
    ids=lambda tool: " ".join(tool[:2]),
)
def test_the_linters_find_nothing(tool: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *tool], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


API = """
import rotcheck
first = rotcheck.compare(["native"], devices=["cpu"], dtypes=["float32"], checks=["dtype"])
torch = rotcheck.probe().machine.torch
from rotcheck import compare, probe
refused = []
for function in (rotcheck.compare, compare):  # refused before anything runs, as only the function itself can
    try:
        function(["nativ"])
    except rotcheck.errors.RequestError as error:
        refused.append(str(error).count("did you mean 'native'?"))
print(first.summary["agrees"], refused, torch, rotcheck.probe is probe)
"""


def test_the_functions_of_the_package_can_be_called_again_and_in_every_way_of_importing_them(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", API], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.stdout.startswith("1 [1, 1] 2."), done.stderr
    assert done.stdout.endswith(" True\n")
