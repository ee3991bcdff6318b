"""Cleaning batches by fixed settings, wherever that happens: in this process or in another one."""

from __future__ import annotations

import os
import pickle
import traceback
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType

from eclip.errors import EclipError
from eclip.products.crew.parcels import Cleaned, pack_cleaned, unpack_batch
from eclip.products.feeds import RawBatch
from eclip.products.listings import CleaningPlan, FeedPlan, clean_batch
from eclip.products.pictures.fetch import Fetcher, FetchLimits
from eclip.products.pictures.loader import PictureLoader
from eclip.products.pictures.opening import careful_decoding
from eclip.products.titles.cleaner import TitleCleaner

_LEAST_DECODERS = 2  # of a process: one picture more is decoded while the last one's row is written


@dataclass(frozen=True, kw_only=True)
class Share:
    """One cleaner's part of what all of them may use.

    Attributes:
        cleaners: How many work at once, on all machines: they share the requests that servers are asked to bear.
        decoders: Threads of this one that decode; 0 = a fair part of this machine's cores.
    """

    cleaners: int = 1
    decoders: int = 0


def pack_settings(plan: FeedPlan, share: Share) -> bytes:
    """What cleaning needs to know of a feed, for another process; nothing has been counted there."""
    titles = (plan.titles.skip, plan.titles.learned)
    folder = plan.picture_folder.absolute()
    return pickle.dumps((plan.columns, plan.category_separator, folder, plan.fetch_images, titles, share))


class BatchCleaner:
    """Cleans batches, one at a time; to be used as a context.

    Args:
        plan: How to understand the cells. Its counts of titles stay as they are: each batch brings its own.
        share: What it may use.
    """

    def __init__(self, plan: CleaningPlan, share: Share) -> None:
        self._plan, self._share = plan, share
        self._open = ExitStack()

    @classmethod
    def from_settings(cls, settings: bytes) -> BatchCleaner:
        """By what `pack_settings` gave."""
        # Of this user's own process, which packed it.
        columns, separator, folder, fetch_images, titles, share = pickle.loads(settings)  # nosec B301
        plan = CleaningPlan(
            columns=columns,
            category_separator=separator,
            picture_folder=folder,
            fetch_images=fetch_images,
            titles=TitleCleaner(*titles),
        )
        return cls(plan, share)

    def __enter__(self) -> BatchCleaner:
        plan, cleaners, cores = self._plan, self._share.cleaners, os.cpu_count() or 1
        limits = FetchLimits()
        limits = replace(
            limits,
            requests=-(-limits.requests // cleaners),
            requests_a_host=-(-limits.requests_a_host // cleaners),
        )
        self._open.enter_context(careful_decoding())
        self._loader = self._open.enter_context(
            PictureLoader(
                plan.picture_folder,
                fetch_images=plan.fetch_images,
                fetcher=Fetcher(public_only=plan.fetch_images != "any", limits=limits),
                decoders=self._share.decoders or max(_LEAST_DECODERS, cores // cleaners),
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def clean(self, batch: RawBatch) -> Cleaned:
        """Clean a batch."""
        titles = self._plan.titles.counting_anew()
        return Cleaned(clean_batch(batch, replace(self._plan, titles=titles), self._loader), titles.counts)

    def answer(self, parcel: bytes) -> bytes:
        """Clean a packed batch: what became of it, or the error that it ran into, packed."""
        try:
            return pack_cleaned(self.clean(unpack_batch(parcel)))
        except EclipError as fault:
            return pack_cleaned(fault)
        except Exception as fault:  # a bug, most likely: where it sits is known only here
            return pack_cleaned(RuntimeError(f"{fault!r} in a process that cleans:\n{traceback.format_exc()}"))
