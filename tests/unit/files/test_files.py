"""Writing aside, and what is said where nothing can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eclip.errors import DiskError, StoreError
from eclip.files import remove_leftovers, replace_file, replace_file_by_library, write_text, writing


def failing_half_way(path: Path) -> None:
    with replace_file(path) as aside:
        aside.write_text("half")
        raise InterruptedError


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "made" / "file.txt"
    write_text(path, "old")
    with pytest.raises(InterruptedError):
        failing_half_way(path)
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_leftovers_of_killed_processes_go_and_those_of_running_ones_stay(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    killed, running = (tmp_path / f".a[1].txt.{pid}.partial" for pid in (ended.pid, os.getppid()))
    other = tmp_path / f".b.txt.{ended.pid}.partial"
    for path in (killed, running, other):
        path.write_text("")
    write_text(tmp_path / "a[1].txt", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a[1].txt", running.name, other.name])


WRITER = """
import os, signal, sys
from pathlib import Path
from eclip.files import replace_file_by_library
with replace_file_by_library(Path(sys.argv[1])) as aside:
    (aside.parent / ".tmpOwnName").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_library_that_writes_aside_itself_leaves_nothing_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "step-1.bin"
    subprocess.run([sys.executable, "-c", WRITER, str(path)], check=False, timeout=60)
    assert len(list(tmp_path.rglob(".tmpOwnName"))) == 1
    remove_leftovers(tmp_path, "step-*.bin")
    assert list(tmp_path.iterdir()) == []
    with replace_file_by_library(path) as aside:
        aside.touch(mode=0o600)  # as safetensors does, which only its owner could read
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
        ValueError("LanceError(IO): Generic LocalFileSystem error: os error 28"),
    ],
    ids=str,
)
def test_a_full_disk_in_any_librarys_words(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(DiskError, match=r"the disk is full while writing .*; free some space"), writing(tmp_path):
        raise error


@pytest.mark.parametrize("error", [OSError(30, "Read-only file system", "x"), PermissionError(13, "Permission denied")])
def test_a_forbidden_place_is_named(tmp_path: Path, error: OSError) -> None:
    with pytest.raises(DiskError, match=f"can't write .*: {error.strerror}"), writing(tmp_path):
        raise error


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), ConnectionResetError(104, "reset"), StoreError("other")])
def test_anything_else_stays_what_it_is(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)), writing(tmp_path):
        raise error


def test_a_file_in_the_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DiskError, match="can't write"):
        write_text(tmp_path / "file" / "below", "text")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DiskError, match="Is a directory"):
        write_text(tmp_path / "folder", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
