"""The notebook's cells, run in their order by plain Python on a shop of a few products."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import eclip

NOTEBOOK = Path(eclip.__file__).parents[2] / "docs" / "notebooks" / "first-look.ipynb"
RECIPE = 'recipe = "tiny"\nimage_size = 16\nepochs = 1\nbatch.size = 32\n'


@pytest.mark.slow
@pytest.mark.skipif(not NOTEBOOK.is_file(), reason="the notebook lies in a checkout")
def test_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    Path("seconds.toml").write_text(RECIPE)
    notebook = json.loads(NOTEBOOK.read_text())
    assert notebook["nbformat"] == 4
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        assert not cell.get("outputs"), "a notebook is kept without its output"
        if cell["cell_type"] == "code":
            text = "".join(cell["source"]).replace('RECIPE = "locked"', 'RECIPE = "seconds.toml"')
            exec(compile(text.replace("products=200", "products=40"), "first-look.ipynb", "exec"), names)
    assert len(names["found"].hits) == 5  # type: ignore[attr-defined]
