"""The docs as a site: built strictly, so that a dead link or an unknown name of the reference fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import eclip
from eclip.cli import COMMANDS

ROOT = Path(eclip.__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "mkdocs.yml").is_file(), reason="the docs lie in a checkout"),
    pytest.mark.skipif(
        not all(map(find_spec, ("mkdocs", "material", "mkdocstrings"))), reason="without MkDocs: pip install '.[docs]'"
    ),
]


def test_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert run.returncode == 0, run.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        fetched = re.findall(r"<(?:script|img|link)[^>]*(?:src|href)=\"?(?:https?:)?//[^\">\s]+", page.read_text())
        assert [tag for tag in fetched if "canonical" not in tag] == [], page
    reference = (tmp_path / "site" / "reference" / "commands.html").read_text()
    for name, command in COMMANDS.items():
        assert f'id="{command.__module__}.{command.__name__}"' in reference, name
    start = (tmp_path / "site" / "index.html").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        link = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert f'href="{link}"' in start or link == "index.html", f"{link} is not in the navigation"
