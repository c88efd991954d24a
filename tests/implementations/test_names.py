"""Which names mean an implementation, and what a name that does not is answered with."""

import importlib
from pathlib import Path

import pytest

from rotcheck.convention import Convention
from rotcheck.errors import RequestError
from rotcheck.implementations import registry
from rotcheck.implementations.target import resolve

IMPLEMENTATIONS = Path(registry.__file__).parent
ROTATE = "def rotate(qkv, cos, sin):\n    return qkv\n\n\nANSWER = 42\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(ROTATE)
    return tmp_path / "mine.py"


def refusal(specification: str) -> str:
    with pytest.raises(RequestError) as caught:
        registry.check(specification)
    return str(caught.value)


def refusal_of_loading(specification: str) -> str:
    registry.check(specification)
    with pytest.raises(RequestError) as caught:
        resolve(specification)
    return str(caught.value)


def files(folder: str) -> list[str]:
    return sorted(file.stem for file in (IMPLEMENTATIONS / folder).glob("[!_]*.py"))


def test_each_file_of_two_folders_is_an_implementation() -> None:
    names = [name.replace("-", "_") for name in registry.names()]
    assert names == files("builtin")
    assert {"native", "flash_attn", "rotcheck"} <= set(names)
    assert [name.replace("-", "_") for name in registry.exhibits()] == files("exhibits")


def test_the_exhibits_are_apart() -> None:
    assert not set(registry.exhibits()) & set(registry.names())


@pytest.mark.parametrize("name", [*registry.names(), *registry.exhibits()])
def test_every_registered_name_can_be_loaded_and_says_what_it_is(name: str) -> None:
    registry.check(name)
    module = importlib.import_module(str(registry.module_of(name)))
    assert module.__doc__
    assert module.convention.layout in ("bshd", "qkv")
    assert callable(module.load)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("nativ", "native"),
        ("flash_attn", "flash-attn"),
        ("torch-script", "torchscript"),
        ("seed", "seed-native"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_one_and_with_all(
    name: str, near: str
) -> None:
    words = refusal(name)
    assert words.startswith(
        f"unknown implementation {name!r}; did you mean {near!r}? Known: complex, "
    )
    assert "path/to/file.py:function or package.module:function" in words


def test_a_file_without_a_function_is_answered_with_how_to_name_one() -> None:
    assert (
        refusal("mine.py") == "'mine.py' names a file and no function in it: write mine.py:function"
    )


@pytest.mark.parametrize(
    ("near_miss", "meant"),
    [
        ("mine.py::rotate", "mine.py:rotate"),
        ("mine::rotate", "mine:rotate"),
        ("mine.rotate", "mine.py:rotate"),
        ("package.module.rotate", "package.module:rotate"),
    ],
)
def test_a_near_miss_is_answered_with_the_form_that_was_meant(
    near_miss: str, meant: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert f"did you mean '{meant}'?" in refusal(near_miss)


def test_a_call_is_answered_with_the_function_to_write() -> None:
    assert refusal("model.py:RotaryEmbedding(64, 32768)") == (
        "'model.py:RotaryEmbedding(64, 32768)': expected a function name after ':', not the call "
        "'RotaryEmbedding(64, 32768)'; name a function without parameters that makes it: "
        "def build(): return RotaryEmbedding(64, 32768)"
    )


@pytest.mark.parametrize("name", ["", "zzz", "interface", "registry", "load", "exhibits"])
def test_a_name_like_no_other_is_answered_with_all(name: str) -> None:
    assert "Known: complex, fallback, " in refusal(name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert f"there is no file '{tmp_path}/none.py'" in refusal(f"{tmp_path}/none.py:rotate")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    assert "there is no file" in refusal(f"{tmp_path}/folder.py:rotate")


def test_a_file_that_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text(ROTATE)
    assert "its name must end in .py" in refusal(f"{tmp_path}/notes.txt:rotate")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\xff\xfe", b"\x7fELF\0\0\0", b"# -*- coding: no-such -*-\n"]
)
def test_a_file_that_is_python_by_name_only(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "binary.py").write_bytes(data)
    assert "cannot be read as Python" in refusal(f"{tmp_path}/binary.py:rotate")


def test_a_file_in_an_encoding_of_its_own_is_python(tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + ROTATE.encode())
    registry.check(f"{tmp_path}/latin.py:rotate")
    assert resolve(f"{tmp_path}/latin.py:rotate").function(1, 2, 3) == 1


@pytest.mark.parametrize("function", ["", "1st", "a b", "a..b", ".b"])
def test_what_stands_behind_the_colon_must_be_a_name(function: str, file: Path) -> None:
    assert f"expected a function name after ':', not {function!r}" in refusal(f"{file}:{function}")


@pytest.mark.parametrize("target", ["", "my-package.module", "a..b", "1.2"])
def test_what_stands_before_the_colon_must_be_a_module_or_a_file(target: str) -> None:
    assert f"{target!r} is neither a module name nor a .py file" in refusal(f"{target}:rotate")


def test_a_function_that_is_not_there_is_answered_with_the_nearest(file: Path) -> None:
    assert refusal_of_loading(f"{file}:rotat") == (
        "'mine.py:rotat': there is no function 'rotat'; did you mean 'rotate'?"
    )


def test_a_function_like_no_other_is_answered_with_those_there_are(file: Path) -> None:
    assert (
        refusal_of_loading(f"{file}:zzz")
        == "'mine.py:zzz': there is no function 'zzz'; it has rotate"
    )


def test_something_that_is_no_function(file: Path) -> None:
    assert "'ANSWER' there is no function" in refusal_of_loading(f"{file}:ANSWER")


def test_a_file_without_functions(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    assert "it has none" in refusal_of_loading(f"{tmp_path}/empty.py:rotate")


@pytest.mark.parametrize("module", ["no_such_package.rotary", "json.no_such_module"])
def test_a_module_that_is_not_there(module: str) -> None:
    assert "there is no module" in refusal_of_loading(f"{module}:rotate")


def test_a_module_of_the_current_folder_is_found(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    assert resolve("mine:rotate").function("qkv", None, None) == "qkv"


def test_what_a_module_lacks_itself_is_its_own_error(tmp_path: Path) -> None:
    (tmp_path / "lacking.py").write_text("import no_such_package\n")
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_package'"):
        resolve(f"{tmp_path}/lacking.py:rotate")


def test_a_file_may_import_its_neighbours(file: Path) -> None:
    (file.parent / "other.py").write_text("from mine import rotate\n")
    assert resolve(f"{file.parent}/other.py:rotate").function(3, 4, 5) == 3


def test_a_neighbour_of_the_name_of_a_package_does_not_hide_it(file: Path) -> None:
    (file.parent / "msgspec.py").write_text("raise AssertionError\n")
    (file.parent / "other.py").write_text(
        "import msgspec\n\ndef rotate(*_):\n    return msgspec.__name__\n"
    )
    assert resolve(f"{file.parent}/other.py:rotate").function() == "msgspec"


def test_a_function_that_declares_nothing_follows_what_it_was_found_to_follow(file: Path) -> None:
    assert resolve(f"{file}:rotate").convention is None
    found = Convention("half", "qkv", "packed")
    assert resolve(f"{file}:rotate", convention=found).convention is found


def test_a_method_is_named_by_its_class_which_is_built_first(file: Path) -> None:
    file.write_text(
        "class Rope:\n    def __init__(self, dim):\n        self.dim = dim\n\n"
        "    def turn(self, x):\n        return self.dim\n"
    )
    assert resolve(f"{file}:Rope.turn").function(1) == 64
