"""What `rotcheck identify file.py` takes of a file:
what rotates or makes tables, methods too, and nothing else."""

import json
from pathlib import Path

import pytest
from test_identify_command import run

import rotcheck
from rotcheck.errors import RequestError
from rotcheck.identify.run import identify_all
from rotcheck.results import Identification

FILE = Path(__file__).parent / "model_of_others.py"
MEANT = [
    "apply_rope",
    "RotaryMethods.get_cos_sin",
    "RotaryMethods.apply_rotary",
    "RotaryEmbedding",
    "RotaryEmbedding.apply",
    "ParallelRope",
    "ParallelRope.apply_rotary",
    "RopeOfWidth",
    "RopeOfHeads",
    "RopeOfGivenHeads",
    "RopeOfThreeWays",
    "RopeCache.build_cache",
    "SelfAttention.apply_rotary_positions",
    "SelfAttention.rope",
    "rope_of_frequencies",
    "rope_tables",
]
MAKE = ("RotaryMethods.get_cos_sin", "RotaryEmbedding", "RopeCache.build_cache", "rope_tables")


@pytest.fixture(scope="module")
def found() -> dict[str, Identification]:
    """What is told of the whole file, by its functions' names."""
    told = identify_all([str(FILE)])
    assert [one.specification for one in told] == [f"{FILE.name}:{name}" for name in MEANT]
    return {one.specification.partition(":")[2]: one for one in told}


@pytest.mark.parametrize("name", [name for name in MEANT if name != "ParallelRope"])
def test_what_is_meant_is_identified(name: str, found: dict[str, Identification]) -> None:
    one = found[name]
    assert one.follows, one.message
    assert one.convention is not None
    # it is handed them, and makes the angles
    turns = one.convention.theta or name == "rope_of_frequencies"
    assert one.convention.kind == ("builds" if name in MAKE else "both" if turns else "applies")


@pytest.mark.parametrize(
    ("name", "built"),
    [
        ("RopeOfWidth", "RopeOfWidth(dim_model=64, device=cpu)"),
        ("RopeOfHeads", "RopeOfHeads(d_model=256)"),
        ("RopeOfGivenHeads", "RopeOfGivenHeads(embed_dim=512, rotary_embedding=64, num_heads=8)"),
        ("RopeCache.build_cache", "RopeCache(feature_dim=64)"),
        ("RotaryEmbedding.apply", None),
        ("SelfAttention.rope", None),
        (
            "RopeOfThreeWays",
            "RopeOfThreeWays(dim=96), since heads of 64 lanes raise AssertionError: 64 is not divisible by 6",
        ),
    ],
)
def test_a_class_is_built_for_heads_of_64_lanes_or_of_96_where_it_refuses_them(
    name: str, built: str | None, found: dict[str, Identification]
) -> None:
    assert found[name].built == built


def test_a_class_that_cannot_be_built_takes_nobody_along(found: dict[str, Identification]) -> None:
    one = found["ParallelRope"]
    assert (one.follows, one.convention, one.findings) == (False, None, ())
    assert one.message == (
        "cannot be built: ParallelRope asks for 'process_group', and nothing says what that is: name a "
        "function without arguments that builds it"
    )


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError(f'{dim} lanes are none of mine')",
        "if dim == 64: raise ValueError('64 lanes are none of mine')\n        raise KeyError(dim)",
    ],
)
def test_a_class_that_refuses_heads_of_any_width_is_answered_with_what_it_raised_at_first(
    body: str, tmp_path: Path
) -> None:
    code = (
        f"class Rope:\n    def __init__(self, dim):\n        {body}\n    def __call__(self, x): ..."
    )
    (tmp_path / "theirs.py").write_text(code)
    done = run("theirs.py", "--format", "json", cwd=tmp_path)
    message = json.loads(done.stdout)["message"]
    assert message == "ValueError: 64 lanes are none of mine while it was imported and built"


def test_a_class_that_cannot_be_called_stands_for_its_methods() -> None:
    done = run(f"{FILE.name}:RotaryMethods", f"{FILE.name}:ParallelRope", "--format", "json")
    assert done.returncode == 1
    every = json.loads(done.stdout)["identifications"]
    names = ["RotaryMethods.get_cos_sin", "RotaryMethods.apply_rotary", "ParallelRope"]
    assert [one["specification"] for one in every] == [f"{FILE.name}:{name}" for name in names]
    with pytest.raises(RequestError, match="name one of RotaryMethods"):
        rotcheck.identify(f"{FILE}:RotaryMethods")


@pytest.mark.parametrize("name", ["RopeTables", "RopeInPlace", "_pair_rot"])
def test_what_is_left_out_of_a_file_is_taken_when_it_is_named(name: str) -> None:
    assert rotcheck.identify(f"{FILE}:{name}").specification == f"{FILE.name}:{name}"


@pytest.mark.parametrize(
    "code",
    [
        "def rope(x):\n    a, b = x.chunk(2, -1)\n    return x * COS + cat((-b, a), -1) * SIN",
        "def rope(x):\n    return turned(x, -1)",
        "def rope(x):\n    return cat(x.chunk(2, -1)[::-1], -1)",
        "def rot_pos(x, position_ids):\n    return cat((-x[..., 1:], x[..., :1]), -1)",
        "class Rope(Theirs):\n    def get(self, length): ...",
        "class Rope(Theirs[int]):\n    pass",
        "class Rope:\n    def __call__(self, x): ...",
        "class Base:\n    def forward(self, x): ...\n\nclass Rope(Base):\n    pass",
    ],
)
def test_what_may_be_meant_is_not_left_out(code: str, tmp_path: Path) -> None:
    """One that takes one tensor and has tables of its own,
    or derives from what another file defines."""
    (tmp_path / "theirs.py").write_text(code)
    done = run("theirs.py", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)["specification"].startswith("theirs.py:")
