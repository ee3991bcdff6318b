"""Ctrl-C and kill -9 while a feed is cleaned: a quick end, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Cleans in processes whatever the feed's size, says whose when they are at work, then waits to be stopped.
SCRIPT = """
import sys, time
from eclip.products.crew import windows
from eclip.products.crew.crew import _crews
from eclip.__main__ import main
windows.SMALL_FEED_ROWS = 0
real = windows._tables
def tables(*args):
    for table in real(*args):
        for crew in _crews.values():
            print(*crew.pids(), flush=True)
        yield table
        time.sleep(60)
windows._tables = tables
sys.argv[1:] = ["prepare", *sys.argv[1:]]
sys.exit(main())
"""


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left(how: signal.Signals, tmp_path: Path) -> None:
    lines = [f"{row},Linen <b>Shirt</b> {row}" for row in range(9000)]
    (tmp_path / "feed.csv").write_text("\n".join(["id,title", *lines]), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "feed.csv"), "--store", str(tmp_path / "store")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert alive(pids) == pids != []
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.kill()
        _, err = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert process.returncode == 130, err
        assert err.splitlines()[-1].startswith("eclip: interrupted")
        assert "Traceback" not in err
        assert not alive(pids)
    for _ in range(200):
        if not alive(pids):
            break
        time.sleep(0.1)
    assert not alive(pids)
    assert not (tmp_path / "store").exists()
