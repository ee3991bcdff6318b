"""Windows of a feed: bounded, in order, and an interrupted pass goes on after the last whole one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from eclip.products.listings import plan_listings, planned_listings
from eclip.products.titles.cleaner import TitleCleaner
from eclip.schema import ENRICHED_SCHEMA
from eclip.tasks.enrich import listings as listings_module
from eclip.tasks.enrich.listings import Listings, cleaned_batches
from eclip.tasks.enrich.windows import AnsweredBatch, answers_table, enrich_in_windows, finished_parts, rows_of


class Answering:
    """Stands in for a `WindowEnricher`: gives back ids, and notes what it saw."""

    def __init__(self, stop_at: int = -1) -> None:
        self.windows: list[list[str]] = []
        self.stop_at = stop_at

    def answer(self, batches):
        ids = [each for batch in batches for each in batch.listings.ids]
        if len(self.windows) == self.stop_at:
            raise KeyboardInterrupt
        self.windows.append(ids)
        return pa.Table.from_pylist([{"product_id": each} for each in ids], schema=ENRICHED_SCHEMA)


def batches(rows: int, size: int, skipped: int = 0):
    for start in range(skipped, rows, size):
        table = pa.table({"product_id": [str(row) for row in range(start, min(start + size, rows))]})
        vectors = np.zeros((table.num_rows, 1), dtype=np.float32)
        yield AnsweredBatch(Listings(table=table, image=vectors, text=vectors, cells=[None] * table.num_rows), {})


def test_windows_hold_whole_batches_and_all_rows(tmp_path):
    enricher, seen = Answering(), []
    parts = enrich_in_windows(batches(23, 4), enricher, tmp_path / "parts", 0, seen.append, rows_a_window=8)
    assert [len(window) for window in enricher.windows] == [8, 8, 7]
    assert sum(seen) == rows_of(parts) == 23
    assert [each for window in enricher.windows for each in window] == [str(row) for row in range(23)]


def test_an_interrupted_pass_goes_on_after_its_last_whole_window(tmp_path):
    folder = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        enrich_in_windows(batches(23, 4), Answering(stop_at=1), folder, 0, lambda _: None, rows_a_window=8)
    done = finished_parts(folder)
    assert rows_of(done) == 8
    second = Answering()
    parts = done + enrich_in_windows(
        batches(23, 4, rows_of(done)), second, folder, len(done), lambda _: None, rows_a_window=8
    )
    assert second.windows[0][0] == "8"
    assert parts == finished_parts(folder)
    assert rows_of(parts) == 23


def test_stopped_in_the_first_window_nothing_stays(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        enrich_in_windows(batches(9, 4), Answering(stop_at=0), tmp_path / "parts", 0, lambda _: None, rows_a_window=8)
    assert list(tmp_path.iterdir()) == []


def test_rows_that_cannot_be_used_and_columns_that_nobody_answered_are_null():
    vectors = np.array([[1.0], [np.nan]], dtype=np.float32)
    listings = Listings(table=pa.table({"product_id": ["a", None]}), image=vectors, text=vectors, cells=[None, None])
    table = answers_table(listings, {"adult_probability": [0.5, 0.5]})
    assert table.schema.equals(ENRICHED_SCHEMA)
    assert table["adult_probability"].to_pylist() == [0.5, None]
    assert table["product_id"].to_pylist() == ["a", None]
    assert table["category"].null_count == 2


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.setattr(listings_module, "ROWS_A_BATCH", 4)
    (tmp_path / "feed.csv").write_text("id,title\n" + "".join(f"p{row},Mug number {row}\n" for row in range(10)))
    return plan_listings(tmp_path / "feed.csv", titles=TitleCleaner())


def test_reading_ahead_gives_what_reading_gives(plan):
    ahead = pa.concat_tables(cleaned_batches(plan))
    assert ahead.equals(pa.concat_tables(planned_listings(plan, batch_size=4)))
    rest = pa.concat_tables(cleaned_batches(plan, skipped_rows=8))
    assert rest["product_id"].to_pylist() == ["p8", "p9"]


def test_reading_ahead_can_be_left_and_tells_faults(plan, monkeypatch):
    reading = cleaned_batches(plan)
    next(reading)
    reading.close()

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(listings_module, "clean_batch", broken)
    with pytest.raises(ZeroDivisionError):
        list(cleaned_batches(plan))
