"""Where Daft runs the cleaning: on this machine, or on a Ray cluster."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Event
from typing import Any

from eclip.errors import ClusterError, MissingExtraError
from eclip.products.dataset import quiet_daft
from eclip.products.listings import Runner

_ANSWER_SECONDS = 10.0
_RAY_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no report to its makers
    "RAY_DISABLE_DASHBOARD": "1",
    "RAY_worker_niceness": "0",  # the default yields to whatever else the machine does
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # silences a remark on graphics cards
}


@dataclass(frozen=True)
class Workplace:
    """A runner of Daft's and the cores that it has.

    Attributes:
        runner: Evaluates queries.
        cores: Over all its machines: so many batches are cleaned at once.
        is_cluster: Whether these are other machines than this process' own.
        end_queries: Ends all queries of the runner and the runner itself, so that who waits for one gets an error;
            None where it is not ours alone.
        stopped: Set when nobody wants an answer any more.
    """

    runner: Any
    cores: int
    is_cluster: bool
    end_queries: Callable[[], None] | None = None
    stopped: Event = field(default_factory=Event)


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
    with _connected() as (ray, is_own):
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        ours = _ray_runner(ray.get_runtime_context().get_job_id())
        end_queries = partial(ray.kill, ours.flotilla_plan_runner.runner) if is_own else None
        yield Workplace(ours, cores, is_cluster=True, end_queries=end_queries)


@lru_cache(maxsize=1)
def _ray_runner(connection: str) -> Any:  # noqa: ARG001 - names what the runner is good for
    """Daft's runner of a connection, one for its life.

    The actor that runs its queries has a name, and ends with the first handle that was made of it: a second runner, or
    two first queries at once, would lose it in the middle of their work.
    """
    from daft.runners.flotilla import FlotillaRunner
    from daft.runners.ray_runner import RayRunner

    runner = RayRunner(address=None)
    runner.flotilla_plan_runner = FlotillaRunner(worker_startup_timeout=runner.worker_startup_timeout)
    return runner


@contextmanager
def _connected() -> Iterator[tuple[Any, bool]]:
    """Ray, connected to a cluster, and whether the connection was made here; then it ends here too."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _RAY_SETTINGS.items()})
    try:
        import ray
    except ImportError:
        raise MissingExtraError("--runner ray: Ray is not installed; run: pip install 'eclip[ray]'") from None
    if ray.is_initialized():
        yield ray, False
        return
    address = os.environ.get("RAY_ADDRESS")
    if address:
        _require_answer(address)
    own: dict[str, Any] = {} if address else {"num_cpus": os.cpu_count() or 1, "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Lance, of forks: what Ray forks runs another program at once
            ray.init(address=address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **own)
    except Exception as fault:
        where = f"at RAY_ADDRESS {address}" if address else "on this machine"
        raise ClusterError(f"no Ray cluster {where}: {first_line(fault)}") from None
    try:
        yield ray, True
    finally:
        _ray_runner.cache_clear()
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Refuse a cluster that nobody answers for: Ray itself tries for minutes.

    Raises:
        ClusterError: Nothing listens at `host:port`; other forms of an address are left to Ray.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
        except OSError as fault:
            reason = fault.strerror or first_line(fault)
            raise ClusterError(
                f"no Ray cluster at RAY_ADDRESS {address}: {reason}; start one (ray start --head) or unset the variable"
            ) from None


def first_line(fault: BaseException) -> str:
    """What an error of a library says, in one line."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[0] if lines else type(fault).__name__
