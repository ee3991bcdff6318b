"""The command line itself: light to load, documented, completed, and dry when asked."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import Result, done, eclip, run_alone

import eclip as package
from eclip.cli import COMMANDS

# The last six cost the help as much again as it takes without them.
HEAVY = (
    *("torch", "ray", "daft", "lance", "sklearn", "scipy", "open_clip", "transformers", "matplotlib"),
    *("numpy", "pyarrow", "httpx", "PIL", "fastapi", "pydantic"),
)


@pytest.mark.parametrize(
    "code",
    [
        "import eclip; eclip.__version__; [getattr(eclip, name) for name in eclip.__all__ if name != 'load_model']",
        "import sys; sys.argv[1:] = ['--help']; from eclip.__main__ import main\ntry: main()\nexcept SystemExit: pass",
        "import sys; sys.argv[1:] = ['--version']; from eclip.__main__ import main; main()",
    ],
    ids=["import", "help", "version"],
)
def test_nothing_heavy_is_loaded_before_it_is_used(code: str) -> None:
    report = f"import sys; print('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stdout.splitlines()[-1].split() == ["loaded:"], answer.stdout


def test_version() -> None:
    assert eclip("--version").out == f"eclip {package.__version__}\n"


def test_help_lists_every_command() -> None:
    answer = eclip("--help")
    assert answer.status == 0
    for name in COMMANDS:
        assert re.search(rf"• {name}\b", answer.out), name
    assert re.search(r"^To see it: eclip demo *$", answer.out, flags=re.MULTILINE)  # a line of its own


@pytest.mark.parametrize("name", COMMANDS)
def test_help_documents_every_option(name: str) -> None:
    answer = eclip(name, "--help")
    assert answer.status == 0
    options = re.findall(r"^[│ ] (-\S+|[A-Z]+)(.*(?:\n[│ ]  +\S.*)*)", answer.out, flags=re.MULTILINE)
    shown = {name.rstrip(","): " ".join(text.replace("│", "").split()) for name, text in options}
    for parameter in inspect.signature(COMMANDS[name]).parameters.values():
        positional = parameter.kind is parameter.POSITIONAL_ONLY
        option = parameter.name.upper() if positional else f"--{parameter.name.replace('_', '-')}"
        text = re.sub(r"\((default|required).*", "", shown[option])
        assert len([word for word in text.split() if word.islower()]) >= 2, f"{name} {option}: {shown[option]}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    answer = eclip("--tyro-print-completion", shell)
    assert answer.status == 0
    assert "--category-separator" in answer.out
    assert "enrich" in answer.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("prepare feed.csv --stoer store", ("Missing from eclip prepare: --store", "--stoer")),
        ("prepare feed.csv --store store --dryrun", ("--dryrun", "Perhaps you meant: --dry-run")),
        ("prepare feed.csv --store store --fetch-images foo", ("'foo'", "'public', 'any', 'none'")),
        ("run feed.csv --out out --minutes abc", ("--minutes abc: expected FLOAT",)),
        ("enrich", ("Missing from eclip enrich: FEED --model PATH --out PATH", "eclip enrich --help")),
        ("prepar feed.csv", ("prepar", "prepare", "eclip --help")),
        ("", ("Expected one of", "prepare")),
    ],
)
def test_a_command_that_is_not_understood_is_told_in_one_line(arguments: str, words: tuple[str, ...]) -> None:
    answer = eclip(*arguments.split())
    answer.assert_fault(*words)
    assert len(answer.err.splitlines()) == 1
    assert not set("│╭─") & set(answer.err + answer.out)


def test_module_is_the_same_command() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "eclip", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stdout == f"eclip {package.__version__}\n"


def facts(text: str) -> dict[str, str]:
    """A printed table of facts, name -> value."""
    return dict(
        re.split(r"\s{2,}", line.strip(), maxsplit=1) for line in text.splitlines() if re.search(r"\S\s{2,}\S", line)
    )


@pytest.mark.slow
def test_dry_run_of_prepare_says_rows_bytes_and_time(result: Result, tmp_path: Path) -> None:
    answer = done("prepare", result.feed, "--store", tmp_path / "store", "--dry-run")
    said = facts(answer.out)
    assert int(said["rows"]) == len(result.feed.read_text().splitlines()) - 1
    assert re.fullmatch(r"about [\d.,]+ (kB|MB)", said["store on disk"])
    assert re.fullmatch(r"about \d+ s", said["preparing"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_dry_run_of_the_main_job_says_how_long_training_takes(result: Result, tmp_path: Path) -> None:
    answer = result.run(tmp_path / "out", "--dry-run")
    said = facts(answer.out)
    assert re.fullmatch(r"about [\d.]+ (s|min|h)", said["training"])
    assert re.fullmatch(r"about [\d.]+ (s|min|h)", said["embedding"])
    assert int(said["pairs to train on"].split()[1]) == pytest.approx(0.75 * int(said["rows"]), rel=0.15)
    assert list(tmp_path.iterdir()) == []
    limited = facts(result.run(tmp_path / "out", "--dry-run", "--minutes", "0.001").out)
    assert limited["training"] == "about 1 s"
    eclip("run", result.feed, "--out", tmp_path, "--dry-run", "--recipe", "huge").assert_fault("unknown recipe 'huge'")


@pytest.mark.slow
def test_status_reaches_the_shell(result: Result) -> None:
    run_alone("prepare", "nowhere.csv", "--store", "nowhere").assert_fault("nowhere.csv", "no such file")
