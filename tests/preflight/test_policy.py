"""The policy: found, read, and each mistake in it named with its file,
its key and the nearest known one."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from rotcheck.errors import RequestError
from rotcheck.preflight import names
from rotcheck.preflight.policy import DEFAULT, load

HERE = ("cpu", "cuda", "mps", "xpu", "meta", "interpreter")  # the lines of a probe
FULL = """
implementations = ["native", "flash-attn"]
devices = ["cpu", "cuda"]
dtypes = ["float32"]
checks = ["forward"]
may-be-unavailable = ["cuda"]
timeout = 5
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    return tmp_path


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_without_a_policy_native_and_fallback_must_hold(folder: Path) -> None:
    assert load(None) == DEFAULT
    assert DEFAULT.implementations == ("native", "fallback")


@pytest.mark.parametrize("head", ["", "[tool.rotcheck]\n"])
def test_a_file_is_a_bare_table_or_a_pyproject(head: str, folder: Path) -> None:
    policy = load(write(folder / "p.toml", head + FULL))
    assert policy.implementations == ("native", "flash-attn")
    assert policy.devices == ("cpu", "cuda")
    assert (policy.dtypes, policy.checks, policy.timeout) == (("float32",), ("forward",), 5.0)
    assert policy.may_be_unavailable == ("cuda",)


def test_the_nearest_pyproject_that_has_the_table_is_taken(folder: Path) -> None:
    write(folder / "pyproject.toml", '[tool.rotcheck]\nimplementations = ["complex"]')
    write(folder / "inner" / "pyproject.toml", "[project]\nname = 'x'")
    policy = load(None)
    assert policy.implementations == ("complex",)
    assert policy.source == "pyproject.toml"
    write(folder / "inner" / "pyproject.toml", '[tool.rotcheck]\nimplementations = ["native"]')
    assert load(None).implementations == ("native",)


def test_a_named_file_wins_over_pyproject(folder: Path) -> None:
    write(folder / "inner" / "pyproject.toml", '[tool.rotcheck]\nimplementations = ["native"]')
    assert load(write(folder / "p.toml", 'implementations = ["complex"]')).implementations == (
        "complex",
    )


def test_a_policy_asks_for_every_check_in_one_word(folder: Path) -> None:
    assert load(write(folder / "p.toml", "full = true")).full
    assert not DEFAULT.full


def test_what_a_policy_leaves_out_is_the_default(folder: Path) -> None:
    assert (
        load(write(folder / "p.toml", 'devices = ["cpu"]')).implementations
        == DEFAULT.implementations
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'implementation = ["native"]',
            "unknown key 'implementation'; did you mean 'implementations'",
        ),
        ('may_be_unavailable = ["cuda"]', "did you mean 'may-be-unavailable'"),
        ("zork = 1", "unknown key 'zork'; Known: implementations, devices"),
        ('devices = "cpu"', "devices in .* must be a list of names"),
        ("dtypes = [32]", "dtypes in .* must be a list of names"),
        ('checks = [""]', "checks in .* must be a list of names"),
        ("devices = []", "devices in .* is empty"),
        ("full = 1", "full in .* must be true or false, not 1"),
        ("timeout = 0", "timeout in .* must be a finite number of seconds above 0, not 0"),
        ("timeout = true", "timeout in .* must be a finite number"),
        ('timeout = "5"', "timeout in .* must be a finite number"),
        ("timeout = nan", "timeout in .* must be a finite number"),
        ("[tool]\nrotcheck = 3", "must be a table"),
        ("tool = 3", "there is no table"),
        ("[tool.other]", r"there is no table \[tool\.rotcheck\]"),
        ("devices = [", "invalid TOML"),
    ],
)
def test_each_mistake_is_named_with_its_file(text: str, said: str, folder: Path) -> None:
    with pytest.raises(RequestError, match=rf"p\.toml: .*{said}"):
        load(write(folder / "p.toml", text))


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    for name in ("missing.toml", "."):
        with pytest.raises(RequestError, match="the policy cannot be read"):
            load(name)


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "p.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RequestError, match="invalid TOML"):
        load(str(folder / "p.toml"))


def test_a_broken_pyproject_is_no_missing_policy(folder: Path) -> None:
    write(folder / "inner" / "pyproject.toml", "[tool.rotcheck\n")
    with pytest.raises(RequestError, match=r"pyproject\.toml: invalid TOML"):
        load(None)


def test_a_report_does_not_carry_the_paths_of_this_machine(folder: Path) -> None:
    own = f"{folder}/models/mine.py:f"
    policy = load(
        write(
            folder / "p.toml",
            f'implementations = ["native", "{own}"]\nmay-be-unavailable = ["{own}"]',
        )
    )
    assert policy.implementations == ("native", own)
    shown = policy.public()
    assert (shown.source, shown.implementations) == ("p.toml", ("native", "mine.py:f"))
    assert shown.may_be_unavailable == ("mine.py:f",)


def test_an_excuse_is_for_an_implementation_a_device_or_all_of_a_kind() -> None:
    policy = replace(DEFAULT, may_be_unavailable=("flash-attn", "cuda", "models/mine.py:f"))
    assert policy.excuses("flash-attn", "cpu")
    assert policy.excuses("native", "cuda:1")
    assert policy.excuses("mine.py:f", "cpu")
    assert not policy.excuses("native", "cpu")
    assert not policy.excuses("flash-attn-qkv", "cpu")


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_of_a_policy_is_named(name: str) -> None:
    with pytest.raises(RequestError, match=f"--policy '{name}' is not a file"):
        load(name)


def test_the_name_of_a_file_alone_is_one_beside_the_policy(folder: Path) -> None:
    text = 'implementations = ["model.py", "model.py:f"]\nfiles = ["model.py"]\nmakers = ["model.py:Rotary"]'
    policy = load(write(folder / "p.toml", text))
    assert policy.implementations == (f"{folder}/model.py", f"{folder}/model.py:f")
    assert (policy.files, policy.makers) == (
        (f"{folder}/model.py",),
        (f"{folder}/model.py:Rotary",),
    )


def test_paths_are_those_from_the_folder_of_the_policy(folder: Path) -> None:
    text = 'implementations = ["native", "models/mine.py:f", "package.module:g"]'
    expected = ("native", f"{folder}/models/mine.py:f", "package.module:g")
    assert load(write(folder / "p.toml", text)).implementations == expected
    assert load("../p.toml").implementations[1] == "../models/mine.py:f"
    write(folder / "pyproject.toml", f"[tool.rotcheck]\n{text}")
    assert load(None).implementations == expected


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            {"devices": ("cpu", "cdua")},
            "devices names 'cdua', which is not a device; did you mean 'cuda'",
        ),
        ({"devices": ("cuda:x",)}, "devices names 'cuda:x'.*did you mean 'cuda'"),
        ({"devices": ("gpu",)}, "did you mean 'cuda'"),
        ({"devices": ("zork",)}, "which is not a device; Known: cpu, cuda, mps"),
        ({"may_be_unavailable": ("cdua",)}, "may-be-unavailable names 'cdua'.*did you mean 'cuda'"),
        ({"may_be_unavailable": ("flash-atn",)}, "did you mean 'flash-attn'"),
        ({"may_be_unavailable": ("other.py:f",)}, "not an implementation or a device"),
    ],
)
def test_a_name_that_can_name_nothing_is_refused(
    policy: dict[str, tuple[str, ...]], said: str
) -> None:
    with pytest.raises(RequestError, match=f"built in: .*{said}"):
        names.check(replace(DEFAULT, **policy), lambda: HERE)


def test_what_torch_can_name_and_what_the_policy_names_is_no_mistake() -> None:
    devices = ("cpu", "cuda:7", "xpu", "privateuseone:0", "meta", "interpreter")
    own = ("/a/models/mine.py:f", "package.module:g")
    excused = ("mtia", "cuda:3", "flash-attn", "torchscript-legacy", "./models/mine.py:f", *own)
    policy = replace(DEFAULT, devices=devices, implementations=own, may_be_unavailable=excused)
    assert names.check(policy, lambda: HERE) is None, "it raises what it refuses"


@pytest.mark.parametrize("device", ["zork", "zork:0"])
def test_a_device_of_a_plug_in_is_known_where_the_machine_has_it(device: str) -> None:
    policy = replace(DEFAULT, devices=("cpu", device), may_be_unavailable=(device,))
    names.check(policy, lambda: (*HERE, "zork:0"))  # raises what it refuses
    with pytest.raises(RequestError, match=f"devices names '{device}', which is not a device"):
        names.check(policy, lambda: HERE)
