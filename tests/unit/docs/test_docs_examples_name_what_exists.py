"""Every command, option and import that the docs show is one that there is; the tutorial's are run elsewhere."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import eclip
from eclip.cli import COMMANDS

ROOT = Path(eclip.__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
SOURCES = Path(eclip.__file__).parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the docs lie in a checkout")


def fenced(page: Path) -> Iterator[tuple[str, str]]:
    """Language and text of each fenced block; one inside a list is taken off its indentation."""
    for indent, language, text in re.findall(
        r"^( *)```(\w*)\n(.*?)^\1```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    ):
        yield language, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)


def command_lines(page: Path) -> list[list[str]]:
    """Words of every `eclip ...` line in blocks and in inline code."""
    blocks = "\n".join(text for language, text in fenced(page) if language in ("", "sh", "bash"))
    inline = re.findall(r"(?<!`)`(eclip [^`]+)`", page.read_text(encoding="utf-8"))
    lines = [*blocks.replace("\\\n", " ").splitlines(), *inline]
    found = []
    for line in lines:
        match = re.match(r"^(?:[A-Z_]+=\S+ +)*(?:\.venv/bin/)?eclip +(.*)$", line.strip())
        if match:
            found.append(shlex.split(re.split(r" [|&]+ |\s#", match[1])[0].replace("'", '"')))
    return found


def unknown_parts(words: list[str]) -> list[str]:
    """What of a command line the program would not know."""
    name, *rest = words
    if name.startswith("-") or name in ("COMMAND", "NAME"):
        return []
    if name not in COMMANDS:
        return [name]
    parameters = {f"--{key.replace('_', '-')}" for key in inspect.signature(COMMANDS[name]).parameters} | {"--help"}
    return [word for word in rest if word.startswith("--") and word.split("=")[0] not in parameters | {"--option-name"}]


def test_the_reading_finds_what_is_wrong() -> None:
    assert unknown_parts(["prepare", "feed.csv", "--stoer", "store"]) == ["--stoer"]
    assert unknown_parts(["prepar", "feed.csv"]) == ["prepar"]
    assert unknown_parts(["search", "store", "--max-price", "80"]) == []


def test_commands_in_the_docs_have_these_options() -> None:
    lines = [(page, words) for page in PAGES for words in command_lines(page)]
    wrong = [f"{page.name}: eclip {' '.join(words)}" for page, words in lines if unknown_parts(words)]
    assert wrong == []
    assert len(lines) > 100


def names_of(module: str) -> set[str]:
    """What a module defines or imports at its top, read without loading it."""
    path = SOURCES / Path(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def test_python_in_the_docs_parses_and_imports_what_there_is() -> None:
    checked = 0
    for page in PAGES:
        for language, text in fenced(page):
            if language != "python":
                continue
            for node in ast.walk(ast.parse(text, filename=str(page))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "eclip":
                    known = set(eclip.__all__) if node.module == "eclip" else names_of(str(node.module))
                    assert {alias.name for alias in node.names} <= known, f"{page.name}: {ast.unparse(node)}"
                    checked += 1
    assert checked >= 5
