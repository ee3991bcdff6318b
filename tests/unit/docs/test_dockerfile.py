"""The container's file: no engine builds it here, so what it names is checked, and hadolint asked where it is."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import eclip
from eclip.cli import COMMANDS

ROOT = Path(eclip.__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "Dockerfile").is_file(), reason="the Dockerfile lies in a checkout")


def instructions(name: str) -> list[str]:
    """What follows each instruction of this name, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return re.findall(rf"^{name} +(.*)$", text, flags=re.MULTILINE)


def test_what_is_copied_exists_and_reaches_the_engine() -> None:
    let_through = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE))
    copied = [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert "src" in copied
    for name in copied:
        assert (ROOT / name).exists()
        assert name in let_through
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {project["readme"], *project["license-files"]} <= set(copied)  # a build stops without them


def test_extras_it_installs_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (named,) = re.findall(r"'\.\[(.*?)\]'", (ROOT / "Dockerfile").read_text())
    assert set(named.split(",")) <= set(extras)
    for needs in extras.values():
        for own in re.findall(r"eclip\[(.*?)\]", " ".join(needs)):
            assert set(own.split(",")) <= set(extras)


def test_it_serves_as_somebody_without_rights_and_says_how_it_is() -> None:
    assert int(instructions("USER")[-1]) > 0
    assert "/readyz" in instructions("HEALTHCHECK")[0]
    command, *words = json.loads(instructions("CMD")[-1])
    parameters = inspect.signature(COMMANDS[command]).parameters
    assert all(word[2:] in parameters for word in words if word.startswith("--"))
    assert str(parameters["port"].default) in instructions("EXPOSE") + instructions("HEALTHCHECK")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="no hadolint here")
def test_linted() -> None:
    assert subprocess.run(["hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False).stdout == ""
