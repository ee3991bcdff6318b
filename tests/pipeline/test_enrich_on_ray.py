"""`eclip enrich --runner ray` = `eclip enrich`: the same answers but for the last digit of a float."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eclip.commands.enrich import enrich
from eclip.errors import ModelError
from eclip.products.duplicates.pixels import CELLS_SHAPE
from eclip.tasks.enrich import listings as listings_module
from eclip.tasks.enrich.cluster import AnswerJob, answer_here, pack_answered, unpack_answered
from eclip.tasks.enrich.listings import KEPT_COLUMNS, Listings
from eclip.tasks.enrich.windows import AnsweredBatch


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.usefixtures("cluster")
def test_the_same_answers(result: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings_module, "ROWS_A_BATCH", 50)  # some windows
    answers = []
    for runner in ("native", "ray"):
        out = tmp_path / f"{runner}.jsonl"
        model, store = result.out / "model", result.out / "store"
        enrich(result.feed, model=model, store=store, out=out, exact=True, runner=runner)
        answers.append([json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()])
    assert len(answers[0]) > 100
    assert all(same(one, other) for one, other in zip(*answers, strict=True))


def same(one: Any, other: Any) -> bool:
    """Equal, numbers to six digits: a machine of the cluster may part its chunks otherwise."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, abs_tol=1e-6)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other  # type: ignore[no-any-return]


def test_a_parcel_brings_back_what_it_took() -> None:
    table = pa.table({name: pa.array([None, None], pa.string()) for name in KEPT_COLUMNS})
    vectors = np.array([[0.25, -1], [np.nan, np.nan]], dtype=np.float32)
    cells = [np.arange(math.prod(CELLS_SHAPE), dtype=np.uint32).astype(np.uint8).reshape(CELLS_SHAPE), None]
    listings = Listings(table=table, image=vectors, text=vectors[::-1], cells=cells)
    answers = {"category": [["Home", "Mugs"], None], "category_leaves": [[("Home > Mugs", 0.5)], []]}
    back = unpack_answered(pack_answered(AnsweredBatch(listings, answers)))
    assert back.answers == answers
    assert back.listings.table.equals(table)
    np.testing.assert_array_equal(back.listings.image, vectors)
    np.testing.assert_array_equal(back.listings.text, vectors[::-1])
    assert back.listings.cells[1] is None
    np.testing.assert_array_equal(back.listings.cells[0], cells[0])


def test_another_model_is_told_in_one_line(result: Any) -> None:
    model = str(result.out / "model")
    job = AnswerJob(
        model=model, model_digest="another", tasks="", store=None, store_digest=None, values=None, exact=True
    )
    with pytest.raises(ModelError, match="is another model here than where the command runs"):
        unpack_answered(answer_here(job, b"", b""))
