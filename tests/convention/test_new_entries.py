"""A new layout, form or join of tables, or role is one entry:
the package with that line more knows all about it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rotcheck

LAYOUT = (
    "layouts.py",
    '        "sbhd": "sbhd",\n',
    '        "sbhd": "sbhd",\n        "hbsd": "hbsd",\n',
)
FORM = (
    "table_forms.py",
    '        TableForm(\n            name="matrix",',
    """        TableForm(
            name="rows",
            tail=(4,),
            usual_pairing="interleaved",
            join=lambda cos, sin: (__import__("torch").stack((cos, -sin, sin, cos), -1),),
            read=lambda tables: (tables[0][..., 0], tables[0][..., 2]),
            fits=lambda table: table.dim() >= 3 and table.shape[-1] == 4 and table.shape[-2] > 2,
            certain=False,
            of_angles={"table": "torch.stack(({0}.cos(), -{0}.sin(), {0}.sin(), {0}.cos()), -1)"},
            to_pair="cos, sin = table[..., 0], table[..., 2]",
            from_pair="table = torch.stack((cos, -sin, sin, cos), -1)",
        ),
        TableForm(
            name="matrix",""",
)
ROLE = (
    "roles.py",
    '    _size("R", 3,',
    """    Role(
        name="layer",
        group="beside",
        value=lambda _, __: 0,
        names=((vocabulary.LAYER, ()),),
        code="0",
        adapter="0",
    ),
    _size("R", 3,""",
)
JOIN = (
    "roles.py",
    '    Join("[cos, sin]",',
    """    Join(
        "cos%sin",
        lambda tables: __import__("torch").stack(tables, 1),
        "torch.stack(({0}), 1)",
        "{0}.unbind(1)",
        axes="{0}2{1}",
    ),
    Join("[cos, sin]",""",
)
FUNCTIONS = '''
import torch


def rotate_half(x):
    a, b = x.chunk(2, -1)
    return torch.cat((-b, a), -1)


def heads_first(q, k, cos, sin):
    """q, k: (heads, batch, rows, lanes)."""
    if cos.shape != q.shape[1:]:
        raise ValueError("a table for each batch row")
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def batch_first(q, k, cos, sin):
    cos, sin = cos[:, :, None], sin[:, :, None]
    return q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin


def four_in_a_row(x, table):
    cos, minus, sin, _ = table[:, None].unbind(-1)
    a, b = x[..., ::2], x[..., 1::2]
    return torch.stack((a * cos + b * minus, a * sin + b * cos), -1).flatten(-2)


def complex_table(x, freqs_cis):
    x_complex = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(x_complex * freqs_cis[:, None]).flatten(-2).to(x.dtype)


def beside_the_batch(x, emb):
    if emb.dim() != 4 or emb.shape[0] != x.shape[0]:
        raise ValueError("(batch, 2, rows, lanes)")
    cos, sin = emb[:, 0, :, None], emb[:, 1, :, None]
    return x * cos + rotate_half(x) * sin


def of_layer(x, cos, sin, layer_idx):
    if layer_idx != 0:
        raise ValueError("there is one layer")
    return x * cos[:, None] + rotate_half(x) * sin[:, None]


def plain(x, cos, sin):
    return x * cos[:, None] + rotate_half(x) * sin[:, None]
'''


@pytest.mark.parametrize(
    ("entry", "function", "other", "field", "value"),
    [
        (LAYOUT, "heads_first", "batch_first", "layout", "hbsd"),
        (FORM, "four_in_a_row", "complex_table", "tables", "rows"),
        (JOIN, "beside_the_batch", "plain", "argument_order", ["x", "cos%sin"]),
        (ROLE, "of_layer", "plain", "argument_order", ["x", "cos", "sin", "layer"]),
    ],
    ids=["layout", "form", "join", "role"],
)
def test_one_entry_is_identified_and_converted(
    entry: tuple[str, str, str],
    function: str,
    other: str,
    field: str,
    value: object,
    tmp_path: Path,
) -> None:
    package = tmp_path / "rotcheck"
    shutil.copytree(
        Path(rotcheck.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    name, before, after = entry
    file = package / "convention" / name
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))
    (tmp_path / "ropes.py").write_text(FUNCTIONS)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "rotcheck", "identify", f"ropes.py:{function}"),
            *("--like", f"ropes.py:{other}", "--format", "json"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
    )
    identification = json.loads(done.stdout)
    assert identification["answer"] == "right"
    assert identification["convention"][field] == value
    assert identification["likeness"]["adapter"] is not None
    assert identification["likeness"]["error"] < 4  # both ran side by side
