"""The tutorial's marked blocks, run in their order on a shop of a few products."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from commandline import done

import eclip

DOCS = Path(eclip.__file__).parents[2] / "docs"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DOCS.is_dir(), reason="the docs lie in a checkout"),
]
# What makes minutes of it seconds; everything else is run as it stands.
SMALLER = {
    "--products 300": "--products 40",
    "--products 30": "--products 8",
    "--recipe locked": "--recipe seconds.toml",
}
RECIPE = 'recipe = "tiny"\nimage_size = 16\nepochs = 1\nbatch.size = 32\n'


def smaller(text: str) -> str:
    for whole, part in SMALLER.items():
        text = text.replace(whole, part)
    return text


def marked(page: Path) -> list[tuple[str, str]]:
    """Language and text of the blocks under `<!-- run -->`."""
    blocks = re.findall(r"^<!-- run -->\n```(\w+)\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.read_text().count("<!-- run -->")
    return blocks


def test_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("seconds.toml").write_text(RECIPE)
    Path("corrections.csv").write_text("product_id,field,value\nL0000001,attributes.colour,red\n")
    names: dict[str, object] = {}
    for language, text in marked(DOCS / "tutorial.md"):
        if language == "python":
            exec(compile(text, "tutorial.md", "exec"), names)
            continue
        for line in smaller(text).splitlines():
            program, *words = shlex.split(line)
            assert program == "eclip"
            done(*words)
    assert names["found"].hits  # type: ignore[attr-defined]
    assert Path("answers.csv").read_text().count("\n") > 8
    assert "</html>" in Path("review.html").read_text()
