"""Scale-out drill of training over a network: two machines, each a network namespace, joined by a wire of its own.

torchrun starts one rank in each; together they must come to what one process comes to. Then the wire is cut in the
middle of a run: both must end with one clear line, and the same commands with the wire mended must come to the model
that an undisturbed run over the wire comes to. Needs root and `ip` (iproute2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.drills.jobs import done
from benchmarks.drills.outcome import Outcome
from benchmarks.drills.place import Asked
from benchmarks.drills.ranks import equal_faults, finish, start, train_words

from eclip.model.folder import read_manifest
from eclip.schema import MODEL_RUN
from eclip.train.watch import read_log

HOSTS = ("eclip-drill-a", "eclip-drill-b")
WIRES = ("eclipdrilla", "eclipdrillb")
ADDRESSES = ("10.213.7.1", "10.213.7.2")
PORT, TIMEOUT_SECONDS, CUT_AFTER_STEPS = 29517, 20, 3


def drills(asked: Asked) -> list[Outcome]:
    """Train over the wire; cut it."""
    calm = Outcome("namespaces", "training by torchrun on two ranks in two network namespaces against one process")
    cut = Outcome("namespaces", "the wire between two ranks is cut")
    with two_hosts() as reason:
        if reason:
            calm.skipped = cut.skipped = reason
            return [calm, cut]
        folder = asked.fresh("namespaces")
        words = train_words(asked.shop.store, "checkpoints.every_seconds=0",
                            f"watch.rank_timeout_seconds={TIMEOUT_SECONDS}")  # fmt: skip
        done(*words, "--out", str(folder / "one"))
        ended = finish(start_both([*words, "--out", str(folder / "two")]))
        faults = [f"status {status}: {said[-300:]}" for status, said in ended if status]
        calm.tell("two hosts", faults or equal_faults(folder / "one", folder / "two", calm))
        cut.tell("cut", cut_faults(words, folder / "cut", folder / "two", cut))
    return [calm, cut]


def cut_faults(words: list[str], out: Path, expected: Path, outcome: Outcome) -> list[str]:
    """Cut the wire in the middle of a run, mend it, train again: what was wrong."""
    both = start_both([*words, "--out", str(out)])
    while len(read_log(out / MODEL_RUN)) < CUT_AFTER_STEPS and all(process.poll() is None for process in both):
        time.sleep(0.05)
    ip("netns", "exec", HOSTS[0], "ip", "link", "set", WIRES[0], "down")
    began, faults = time.monotonic(), []
    for host, (status, said) in zip(HOSTS, finish(both), strict=True):
        lines = [line for line in said.splitlines() if line.startswith("eclip: ")]
        if status == 0 or len(lines) > 1 or not all("has ended or hangs" in line for line in lines):
            faults.append(f"{host}: status {status}, {lines or said[-300:]}")
    outcome.note = f"both had ended {time.monotonic() - began:.0f} s later (told to wait {TIMEOUT_SECONDS} s)"
    ip("netns", "exec", HOSTS[0], "ip", "link", "set", WIRES[0], "up")
    faults += [
        f"the rerun failed: {said[-300:]}" for status, said in finish(start_both([*words, "--out", str(out)])) if status
    ]
    if not faults and read_manifest(out)["digest"] != read_manifest(expected)["digest"]:
        faults.append("the rerun came to another model")
    return faults


def start_both(words: list[str]) -> list[subprocess.Popen[str]]:
    """Torchrun on each host, one rank each."""
    meeting = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", ADDRESSES[0], "--master-port", str(PORT)]
    return [
        start(
            ["-m", "torch.distributed.run", *meeting, "--node-rank", str(rank), "-m", "eclip", *words],
            before=["ip", "netns", "exec", host],
            environment={"GLOO_SOCKET_IFNAME": WIRES[rank], "TP_SOCKET_IFNAME": WIRES[rank]},
        )
        for rank, host in enumerate(HOSTS)
    ]


@contextmanager
def two_hosts() -> Iterator[str]:
    """Two namespaces and the wire, gone afterwards; yields why they can't be made, or nothing."""
    if os.geteuid() or shutil.which("ip") is None:
        yield "needs root and ip (iproute2)"
        return
    with ExitStack() as stack:
        try:
            for host in HOSTS:
                ip("netns", "add", host)
                stack.callback(ip, "netns", "del", host)
            ip("link", "add", WIRES[0], "netns", HOSTS[0], "type", "veth", "peer", "name", WIRES[1], "netns", HOSTS[1])
            for host, wire, address in zip(HOSTS, WIRES, ADDRESSES, strict=True):
                ip("netns", "exec", host, "ip", "address", "add", f"{address}/24", "dev", wire)
                ip("netns", "exec", host, "ip", "link", "set", wire, "up")
                ip("netns", "exec", host, "ip", "link", "set", "lo", "up")
        except subprocess.CalledProcessError as fault:
            yield f"network namespaces can't be made: {fault.stderr.strip()}"
            return
        yield ""


def ip(*words: str) -> None:
    """Run `ip`."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
