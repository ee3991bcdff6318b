"""Queries of many threads through the towers together: what has come while one batch is computed is the next batch.

Nobody waits for company: a query alone is encoded at once, and the busier the service, the larger the batches. One
thread owns torch, so that its own threads are not started once a request.
"""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from eclip.search.engine import QueryEncoder
from eclip.serve.limits import BATCH_ROWS
from eclip.serve.towers import running_towers

Kind = Literal["text", "image"]
Vectors = npt.NDArray[np.float32]
OnBatch = Callable[[Kind, int], None]


@dataclass(frozen=True)
class _Call:
    kind: Kind
    items: Sequence[Any]
    result: Future[Vectors] = field(default_factory=Future)


_Calls = queue.SimpleQueue[_Call | None]


class BatchingEncoder:
    """An encoder for many threads; encodes what the one it stands before does, to the towers' rounding.

    Its queue is as long as there are threads that call it: each waits for its answer.

    Args:
        encoder: Used by one thread alone from now on.
        on_batch: Told the kind and the number of rows of each batch.
    """

    def __init__(self, encoder: QueryEncoder, *, on_batch: OnBatch | None = None) -> None:
        self._digest = encoder.digest
        self._calls: _Calls = queue.SimpleQueue()
        # The thread knows the queue and not this object, which therefore can go, and then ends the thread.
        threading.Thread(
            target=_encode_calls, args=(self._calls, encoder, on_batch), name="serve-encode", daemon=True
        ).start()
        weakref.finalize(self, self._calls.put, None)

    @property
    def digest(self) -> str:
        """Names the model."""
        return self._digest

    def encode_text(self, texts: Sequence[str | None]) -> Vectors:
        """Unit rows [N, D]; NaN where there is nothing to encode."""
        return self._answer(_Call("text", texts))

    def encode_image(self, images: Sequence[Any]) -> Vectors:
        """Unit rows [N, D]; NaN where a picture can't be read."""
        return self._answer(_Call("image", images))

    def _answer(self, call: _Call) -> Vectors:
        self._calls.put(call)
        return call.result.result()


def _encode_calls(calls: _Calls, encoder: QueryEncoder, on_batch: OnBatch | None) -> None:
    """Encode what comes until None comes."""
    while True:
        waiting = _taken(calls)
        if waiting is None:
            return
        for kind in ("text", "image"):
            some = [call for call in waiting if call.kind == kind]
            if some:
                _encode_together(kind, some, encoder, on_batch)


def _taken(calls: _Calls) -> list[_Call] | None:
    """The next call, and those behind it that fit into one batch; None at the end."""
    first = calls.get()
    if first is None:
        return None
    taken, num_rows = [first], len(first.items)
    while num_rows < BATCH_ROWS:
        try:
            call = calls.get_nowait()
        except queue.Empty:
            break
        if call is None:
            calls.put(None)  # the end, once these are answered
            break
        taken.append(call)
        num_rows += len(call.items)
    return taken


def _encode_together(kind: Kind, calls: Sequence[_Call], encoder: QueryEncoder, on_batch: OnBatch | None) -> None:
    items = [item for call in calls for item in call.items]
    try:
        vectors = _encode(encoder, kind, items)
    except BaseException as fault:
        if len(calls) == 1:
            calls[0].result.set_exception(fault)
            return
        for call in calls:  # each alone: one that can't be encoded is no fault of the others
            _encode_together(kind, [call], encoder, on_batch)
        return
    if on_batch is not None:
        on_batch(kind, len(items))
    start = 0
    for call in calls:
        call.result.set_result(vectors[start : start + len(call.items)])
        start += len(call.items)


def _encode(encoder: QueryEncoder, kind: Kind, items: Sequence[Any]) -> Vectors:
    with running_towers():
        vectors = encoder.encode_text(items) if kind == "text" else encoder.encode_image(items)
    if len(vectors) != len(items):
        raise RuntimeError(f"{len(items)} queries have {len(vectors)} vectors")
    return vectors
