"""One fuzzed target in a process of its own: libFuzzer's engine leaves with the process.

    python -m benchmarks.fuzz.child TARGET SECONDS FOLDER

A fault does not end it: each kind of fault (by type and place) is kept once, FOLDER/found/KIND, and the engine goes on.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

import atheris

INSTRUMENTED = {
    "feeds": ["eclip.products.feeds", "eclip.products.cells", "eclip.products.columns"],
    "pictures": ["PIL", "eclip.products.pictures.opening"],
    "titles": ["eclip.products.titles", "eclip.products.cells"],
}
"""The code that each target is about; none that numba compiles, which can't be instrumented."""


def kind_of(fault: BaseException) -> str:
    """Names a fault by its type and the innermost place in it, so that one bug is told once."""
    frames = traceback.extract_tb(fault.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-2:]]
    said = f"{type(fault).__name__} {' '.join(places)}"
    return f"{type(fault).__name__}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def load(name: str) -> ModuleType:
    """A target, with the code that it is about watched for coverage."""
    with atheris.instrument_imports(include=INSTRUMENTED[name]):
        return importlib.import_module(f"benchmarks.fuzz.{name}")


def main() -> None:
    """Fuzz until the time is over."""
    name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    target = load(name)
    corpus, found = folder / "corpus", folder / "found"
    for each in (corpus, found):
        each.mkdir(parents=True, exist_ok=True)
    for data in target.seeds():
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def one(data: bytes) -> None:
        try:
            target.one(data)
        except Exception as fault:  # kept once, and on
            file = found / kind_of(fault)
            if not file.exists():
                file.write_bytes(data)
                file.with_suffix(".txt").write_text(traceback.format_exc(), encoding="utf-8")
                print(f"found {file.name}: {type(fault).__name__}: {fault}"[:200], file=sys.stderr, flush=True)

    options = [f"-max_total_time={seconds}", f"-timeout={target.SECONDS_EACH}", "-rss_limit_mb=4096", "-max_len=16384"]
    artefacts = f"-artifact_prefix={folder}/"  # inputs that crash, hang or fill memory: those end the process
    atheris.Setup([sys.argv[0], *options, artefacts, "-print_final_stats=1", str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
