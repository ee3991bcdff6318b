"""Where Daft runs the cleaning: on this machine, or on a Ray cluster."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eclip.errors import ClusterError, MissingExtraError
from eclip.products.dataset import quiet_daft
from eclip.products.listings import Runner

_RAY_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no report to its makers
    "RAY_DISABLE_DASHBOARD": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # silences a remark on graphics cards
}


@dataclass(frozen=True)
class Workplace:
    """A runner of Daft's and the cores that it has.

    Attributes:
        runner: Evaluates queries.
        cores: Over all its machines: so many batches are cleaned at once.
        is_cluster: Whether these are other machines than this process' own.
    """

    runner: Any
    cores: int
    is_cluster: bool


@contextmanager
def workplace(runner: Runner) -> Iterator[Workplace]:
    """This machine ("native"), or a Ray cluster ("ray").

    The cluster is the one that the process is connected to already, else that of RAY_ADDRESS, else one on this
    machine that ends with the context.

    Raises:
        MissingExtraError: Ray is not installed.
        ClusterError: The cluster can't be reached.
    """
    quiet_daft()
    from daft.runners import get_or_create_runner

    native = get_or_create_runner()  # before Ray is there: Daft would take it for everything
    if runner == "native":
        yield Workplace(native, os.cpu_count() or 1, is_cluster=False)
        return
    with _connected() as ray:
        from daft.runners.ray_runner import RayRunner

        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield Workplace(RayRunner(address=None), cores, is_cluster=True)


@contextmanager
def _connected() -> Iterator[Any]:
    """Ray, connected to a cluster; a connection made here ends here."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _RAY_QUIET.items()})
    try:
        import ray
    except ImportError:
        raise MissingExtraError("--runner ray: Ray is not installed; run: pip install 'eclip[ray]'") from None
    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {} if address else {"num_cpus": os.cpu_count() or 1, "include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **own)
    except Exception as fault:
        where = f"at RAY_ADDRESS {address}" if address else "on this machine"
        raise ClusterError(f"no Ray cluster {where}: {first_line(fault)}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def first_line(fault: BaseException) -> str:
    """What an error of a library says, in one line."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[0] if lines else type(fault).__name__
