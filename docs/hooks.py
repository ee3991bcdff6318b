"""What MkDocs asks while it builds the site: no page is left out of the navigation, no command out of the reference."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMANDS_PAGE = "reference/commands.md"


def on_config(config: Any) -> Any:
    """Put pages that mkdocs.yml does not list at the end of its last section."""
    docs = Path(config["docs_dir"])
    listed = set(_listed(config["nav"]))
    (last,) = config["nav"][-1].values()
    last.extend(
        page for page in sorted(p.relative_to(docs).as_posix() for p in docs.rglob("*.md")) if page not in listed
    )
    return config


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Ask mkdocstrings for every command that the command line knows, in its order."""
    if page.file.src_uri != COMMANDS_PAGE:
        return markdown
    source = Path(config["config_file_path"]).parent / "src" / "eclip" / "cli.py"
    return "\n\n".join([markdown, *(f"::: {module}.{name}" for name, module in commands(source).items())])


def commands(source: Path) -> dict[str, str]:
    """Function of each command -> its module, read from the command line's own table without loading it."""
    module_of, table = {}, None
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            module_of |= {alias.name: node.module or "" for alias in node.names}
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) == "COMMANDS"
            and isinstance(node.value, ast.Dict)
        ):
            table = [ast.unparse(value) for value in node.value.values]
    if not table:
        raise SystemExit(f"{source} has no table COMMANDS")
    return {name: module_of[name] for name in table}


def _listed(nav: Any) -> Iterator[str]:
    """Pages of a navigation, however deep."""
    if isinstance(nav, str):
        yield nav
    for part in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from _listed(part)
