"""Approximate nearest rows in memory: inverted lists of rows kept as one byte a number (faiss IVF-SQ8).

Rows lie in lists by their nearest centroid. A query looks into the lists nearest to it that hold rows that may be
found, until it has seen enough of those: so a filter costs no recall, wherever what it selects lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eclip.errors import MissingExtraError
from eclip.search.codes import Mask
from eclip.search.exact import Rows, leading_rows
from eclip.search.follow import Moves
from eclip.search.recall import WANTED_RECALL, Truth, share_found
from eclip.search.spaces import Vectors, present_rows

_LISTS_PER_ROOT = 4  # lists = this x sqrt(rows)
_TRAIN_ROWS_A_LIST = 40
_TRAIN_ITERATIONS = 10
_NO_PAIRS = False  # ids are wanted, not places in lists
_NARROW_ROWS = 1_500  # so few are compared with one by one
_SEEN_PER_WANTED = 16  # rows looked at for each that is wanted, at least
# With a share s of the rows selected, s^0.5 of the rows that an unfiltered query sees have to be seen, for the same
# recall: fewer rows, in more lists (benchmarks/search/vectors.py).
_SEEN_EXPONENT = 0.5
_SPARE_LISTS = 1.3  # as many as hold enough rows on average, and some more


@dataclass(frozen=True)
class Allowed:
    """The rows that may be found, as this index needs them.

    Attributes:
        num_rows: How many.
        lists: [L] the lists that hold some of them.
        list_sizes: [L] how many.
        finder: faiss's index of the centroids of these lists.
        selector: faiss's; None where all may.
        rows: Themselves, where they are few.
        vectors: Theirs [n, D], where they are few.
    """

    num_rows: int
    lists: npt.NDArray[np.int64]
    list_sizes: npt.NDArray[np.int64]
    finder: Any
    selector: Any
    rows: Rows | None = None
    vectors: Vectors | None = None


class IvfIndex:
    """Rows in inverted lists; reading only once made, so threads may share it.

    Args:
        index: faiss's, whose ids are the rows 0 to N - 1.
        present: Rows [N] that have a vector.
        num_seen: Rows that a query without filters looks at.
    """

    def __init__(self, index: Any, present: Mask, num_seen: int) -> None:
        self._index, self._present, self.num_seen = index, present, num_seen
        index.make_direct_map()
        self._quantizer = _faiss().downcast_index(index.quantizer)
        self._list_of_row = np.empty(index.ntotal, dtype=np.int32)
        for number in range(index.nlist):
            self._list_of_row[list_ids(index, number)] = number
        self._everything = self._allowed(present)

    @classmethod
    def build(cls, matrix: Vectors, truth: Truth, *, seed: int = 0) -> IvfIndex:
        """Of unit rows [N, D], NaN where missing.

        Args:
            matrix: The rows.
            truth: Of queries such as will be asked, to choose how many rows to look at.
            seed: Of the clustering.
        """
        faiss = _faiss()
        present = present_rows(matrix)
        dim, num_lists = matrix.shape[1], max(1, int(_LISTS_PER_ROOT * np.sqrt(present.sum())))
        kind, metric = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
        index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dim), dim, num_lists, kind, metric)
        index.by_residual = False  # so that a row's code is the same in every list
        index.cp.spherical, index.cp.seed, index.cp.niter = True, seed, _TRAIN_ITERATIONS
        index.cp.min_points_per_centroid = 1
        rows = np.flatnonzero(present)
        if len(rows) > _TRAIN_ROWS_A_LIST * num_lists:
            rows = np.sort(np.random.default_rng(seed).choice(rows, _TRAIN_ROWS_A_LIST * num_lists, replace=False))
        index.train(matrix[rows])
        add_rows(index, matrix, np.arange(len(matrix)))
        built = cls(index, present, num_seen=len(matrix))
        built.num_seen = built._enough_seen(truth)
        return built

    @classmethod
    def from_bytes(cls, data: bytes, present: Mask, num_seen: int) -> IvfIndex:
        """As `to_bytes` gave it."""
        return cls(_faiss().deserialize_index(np.frombuffer(data, dtype=np.uint8)), present, num_seen)

    def to_bytes(self) -> bytes:
        """Faiss's own format; it holds numbers only."""
        return bytes(_faiss().serialize_index(self._index).tobytes())

    def moved(self, moves: Moves, added: Vectors) -> IvfIndex:
        """The index after its store has changed; this one is not to be used any more.

        Args:
            moves: What became of its rows.
            added: Vectors of those that came, NaN where missing.
        """
        faiss, index = _faiss(), self._index
        index.make_direct_map(new_maintain_direct_map=False)
        gone = np.flatnonzero(moves.new_places < 0)
        if len(gone):
            index.remove_ids(faiss.IDSelectorBatch(gone))
        for number in range(index.nlist):
            ids = list_ids(index, number)
            ids[:] = moves.new_places[ids]
        add_rows(index, added, moves.added)
        present = np.zeros(moves.num_rows, dtype=bool)
        kept = moves.new_places >= 0
        present[moves.new_places[kept]] = self._present[kept]
        present[moves.added] = present_rows(added)
        return IvfIndex(index, present, self.num_seen)

    @property
    def effort(self) -> int:
        """Rows that a query without filters looks at."""
        return self.num_seen

    @property
    def num_rows(self) -> int:
        """Rows, those without a vector among them."""
        return int(self._index.ntotal)

    @property
    def present(self) -> Mask:
        """Rows [N] that have a vector."""
        return self._present

    def allow(self, mask: Mask | None) -> Allowed:
        """What `nearest` needs to find only these rows [N]; None = all."""
        return self._everything if mask is None else self._allowed(mask & self._present)

    def nearest(self, query: Vectors, *, num_rows: int, allowed: Allowed) -> tuple[Rows, Vectors]:
        """About the nearest rows and their cosines, best first.

        Args:
            query: Unit vector [D].
            num_rows: At most this many.
            allowed: What `allow` gave.
        """
        if allowed.rows is not None and allowed.vectors is not None:
            scores = allowed.vectors @ query
            leading = leading_rows(scores, num_rows)[:num_rows]
            return allowed.rows[leading], scores[leading]
        if allowed is self._everything and num_rows * _SEEN_PER_WANTED <= self.num_seen:
            return self._in_nearest_lists(query, num_rows)
        share = allowed.num_rows / max(self.num_rows, 1)
        seen = max(self.num_seen * share**_SEEN_EXPONENT, _SEEN_PER_WANTED * num_rows)
        return self._in_lists(query, num_rows, self._nearest_lists(query, allowed, seen), allowed.selector)

    def vectors(self, rows: Rows) -> Vectors:
        """Vectors [n, D] of these rows, as near as one byte a number tells; zeros where there is none."""
        if not len(rows):
            return np.zeros((0, self._index.d), np.float32)
        return np.asarray(self._index.reconstruct_batch(np.ascontiguousarray(rows, dtype=np.int64)))

    def _allowed(self, mask: Mask) -> Allowed:
        num_rows, faiss = int(np.count_nonzero(mask)), _faiss()
        sizes = np.bincount(self._list_of_row[mask], minlength=self._index.nlist)
        lists, finder = np.flatnonzero(sizes), self._quantizer
        if len(lists) < len(sizes):
            finder = faiss.IndexFlatIP(self._index.d)
            finder.add(self._quantizer.reconstruct_batch(lists))
        common = {"num_rows": num_rows, "lists": lists, "list_sizes": sizes[lists], "finder": finder}
        if num_rows <= _NARROW_ROWS:
            rows = np.flatnonzero(mask)
            return Allowed(**common, selector=None, rows=rows, vectors=self.vectors(rows))
        all_rows = num_rows == self.num_rows
        return Allowed(
            **common, selector=None if all_rows else faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        )

    def _nearest_lists(self, query: Vectors, allowed: Allowed, num_seen: float) -> npt.NDArray[np.int64]:
        """The lists nearest to a query that hold so many rows that may be found, nearest first.

        By faiss, on the thread that asks: numpy would wake threads of its own for a product of this size.
        """
        total = len(allowed.lists)
        num_lists = int(_SPARE_LISTS * num_seen * total / max(allowed.num_rows, 1)) + 8
        while True:
            places = allowed.finder.search(query[None], min(num_lists, total))[1][0]
            seen = np.cumsum(allowed.list_sizes[places])
            if num_lists >= total or seen[-1] >= num_seen:
                return allowed.lists[places[: int(np.searchsorted(seen, num_seen)) + 1]]
            num_lists *= 4

    def _in_nearest_lists(self, query: Vectors, num_rows: int) -> tuple[Rows, Vectors]:
        """Without a filter faiss finds the lists itself: no time is spent in Python."""
        num_lists = max(1, round(self.num_seen * self._index.nlist / max(self._everything.num_rows, 1)))
        params = _faiss().SearchParametersIVF(nprobe=num_lists, sel=self._everything.selector)
        scores, rows = self._index.search(query[None], num_rows, params=params)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def _in_lists(
        self, query: Vectors, num_rows: int, lists: npt.NDArray[np.int64], selector: Any
    ) -> tuple[Rows, Vectors]:
        faiss = _faiss()
        query, lists = np.ascontiguousarray(query[None], np.float32), np.ascontiguousarray(lists[None], np.int64)
        nearness = np.zeros(lists.shape, np.float32)  # of the centroids: not needed where rows are no residuals
        scores, rows = np.empty((1, num_rows), np.float32), np.empty((1, num_rows), np.int64)
        params = faiss.SearchParametersIVF(nprobe=lists.shape[1], sel=selector)
        pointers = [faiss.swig_ptr(each) for each in (lists, nearness, scores, rows)]
        self._index.search_preassigned_c(1, faiss.swig_ptr(query), num_rows, *pointers, _NO_PAIRS, params)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]

    def _enough_seen(self, truth: Truth) -> int:
        """How many rows a query must look at for the wanted recall, or for about that of looking at all."""
        wanted = min(WANTED_RECALL, share_found(self, truth) - 0.005)
        self.num_seen = 512
        while self.num_seen < self.num_rows and share_found(self, truth) < wanted:
            self.num_seen = int(self.num_seen * 1.5)
        return self.num_seen


def add_rows(index: Any, matrix: Vectors, rows: Rows) -> None:
    """Add vectors [n, D] under these ids, zeros for NaN."""
    for start in range(0, len(rows), 65_536):
        some = np.nan_to_num(matrix[start : start + 65_536])
        index.add_with_ids(np.ascontiguousarray(some), np.ascontiguousarray(rows[start : start + 65_536]))


def list_ids(index: Any, number: int) -> npt.NDArray[np.int64]:
    """The ids of one list, in place: what is written there is the index's own."""
    faiss = _faiss()
    size = index.invlists.list_size(number)
    if not size:
        return np.zeros(0, np.int64)
    return np.asarray(faiss.rev_swig_ptr(index.invlists.get_ids(number), size))


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        raise MissingExtraError("an approximate index needs faiss: pip install 'eclip[search]'") from None
    return faiss
