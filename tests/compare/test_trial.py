"""The four rows of the story, each from real runs; and what is said where flash-attn is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from rotcheck.compare.sedd_fix_claims import CLAIMS
from rotcheck.results import Claim, Trial


@pytest.fixture(scope="module")
def shown(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[subprocess.CompletedProcess[str], Trial]:
    """The trial as the command shows it, and as it writes it."""
    folder = tmp_path_factory.mktemp("trial")
    command = [sys.executable, "-m", "rotcheck", "trial", "-o", "trial.json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    return done, msgspec.json.decode((folder / "trial.json").read_bytes(), type=Trial)


@pytest.fixture(scope="module")
def claims(shown: tuple[subprocess.CompletedProcess[str], Trial]) -> dict[str, Claim]:
    return dict(zip(CLAIMS, shown[1].claims, strict=True))


def test_torchscript_is_fine_and_the_legacy_executor_is_not(claims: dict[str, Claim]) -> None:
    cpu, meta, legacy_cpu, legacy_meta, other, healed = claims["torchscript"].seen
    assert claims["torchscript"].holds is False
    for runs in (cpu, meta, legacy_cpu, healed):
        assert runs.endswith(": runs (3 calls)")
    for raises in (legacy_meta, other):
        assert "raises NotImplementedError: Unknown device for graph fuser (call 1)" in raises


def test_native_rotates_v_and_flash_attn_does_not(claims: dict[str, Claim]) -> None:
    itself, qk, v = claims["identical"].seen
    assert claims["identical"].holds is False
    assert itself.endswith("the fix runs seed-native: it equals native, itself")
    assert qk.endswith("largest difference on q 0, on k 0")
    assert v == "on V 8.05: native rotates V too, flash-attn does not"


def test_the_fallback_itself_raises(claims: dict[str, Claim]) -> None:
    assert claims["exceptions"].holds is False
    assert (
        "The size of tensor a (64) must match the size of tensor b (32)"
        in claims["exceptions"].seen[0]
    )


def test_it_prints_on_every_call_or_not_at_all(claims: dict[str, Claim]) -> None:
    silent, loud, line = claims["messages"].seen
    assert claims["messages"].holds is False
    assert silent.startswith("without flash-attn: 3 calls, 0 lines printed")
    assert loud.startswith("flash-attn importable, no GPU for it: 3 calls, 3 lines printed")
    assert "Flash attention rotary failed" in line


def test_without_flash_attn_the_trial_says_what_it_could_not_run(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['flash_attn'] = None\n")
    done = subprocess.run(
        [sys.executable, "-m", "rotcheck", "trial", "--format", "json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    found = json.loads(done.stdout)
    assert found["schema"] == "rotcheck/trial/1"
    assert [claim["holds"] for claim in found["claims"]] == [False, None, None, None]
    assert done.returncode == 1


def test_the_command_shows_every_claim_and_exits_with_1(
    shown: tuple[subprocess.CompletedProcess[str], Trial],
) -> None:
    done, _ = shown
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("the fix on trial: 4 of 4 claims do not hold\n")
    assert all(words in done.stdout for words in CLAIMS.values())
