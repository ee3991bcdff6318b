"""Fuzz feeds, pictures and titles for a while each; exits 1 when anything was found.

    python -m benchmarks.fuzz [--targets feeds pictures titles] [--seconds 600] [--out .fuzz]

Needs atheris (libFuzzer for Python; wheels for Linux). What was reached before is kept in OUT/TARGET/corpus and gone
on from. OUT/TARGET/found holds an input of each kind of fault with its traceback; crash-*, timeout-* and oom-* beside
it are inputs that ended the process, which is started again.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import time
from pathlib import Path

TARGETS = ("feeds", "pictures", "titles")


def fuzz(target: str, seconds: int, folder: Path) -> tuple[int, int]:
    """Fuzz one target; returns runs and findings."""
    folder.mkdir(parents=True, exist_ok=True)
    ends, runs = time.monotonic() + seconds, 0
    while (left := int(ends - time.monotonic())) > 0:
        command = [sys.executable, "-m", "benchmarks.fuzz.child", target, str(left), str(folder)]
        with (folder / "log").open("w+", encoding="utf-8", errors="replace") as log:
            subprocess.run(command, stderr=log, check=False)
            log.seek(0)
            said = log.read()
        counted = re.findall(r"stat::number_of_executed_units: (\d+)|^#(\d+)\s", said, re.MULTILINE)
        if not counted:
            raise SystemExit(f"{target}: no run was counted; see {folder / 'log'}")
        runs += max(int(number) for pair in counted for number in pair if number)
    found = [file for file in (folder / "found").glob("*") if file.suffix != ".txt"]
    ended = [file for kind in ("crash", "timeout", "oom", "leak") for file in folder.glob(f"{kind}-*")]
    return runs, len(found) + len(ended)


def main() -> int:
    """Fuzz what was asked for; 1 when anything was found."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    arguments.add_argument("--seconds", type=int, default=600, help="for each target")
    arguments.add_argument("--out", type=Path, default=Path(".fuzz"))
    asked = arguments.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris, which has wheels for Linux: pip install 'eclip[fuzz]'")
        return 2
    findings = 0
    for target in asked.targets:
        runs, found = fuzz(target, asked.seconds, asked.out / target)
        print(
            f"{target}: {runs:,} runs in {asked.seconds} s, {found} kinds of fault in {asked.out / target}", flush=True
        )
        findings += found
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
