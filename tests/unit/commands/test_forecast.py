"""Forecasts as a person reads them."""

from __future__ import annotations

import pytest

from eclip.commands.forecast import RunForecast, forecast_facts, in_bytes, in_time
from eclip.products.prepare import FeedForecast


@pytest.mark.parametrize(
    ("num_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (309_258, "309 kB"), (3.44e9, "3.4 GB"), (5e15, "5,000 TB")],
)
def test_sizes(num_bytes: float, text: str) -> None:
    assert in_bytes(num_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.01, "1 s"), (99, "99 s"), (100, "2 min"), (720, "12 min"), (9_000, "2.5 h")],
)
def test_times(seconds: float, text: str) -> None:
    assert in_time(seconds) == text


def test_facts_name_what_is_known_and_what_is_not() -> None:
    feed = FeedForecast(
        rows=1_200,
        num_bytes=4_200_000,
        seconds=3.2,
        category_separator="/",
        columns={"fields": {"title": "name"}, "attributes": {"colour": "baseColour"}, "attribute_columns": ["specs"]},
        rejected={"no title and no picture": 3},
    )
    facts = dict(forecast_facts(feed))
    assert facts["store on disk"] == "about 4.2 MB"
    assert facts["preparing"] == "about 5 s"
    assert facts["columns"] == "title=name"
    assert facts["attributes from"] == "colour, specs"
    assert facts["rejected of the first rows: no title and no picture"] == 3
    whole = dict(forecast_facts(RunForecast(feed=feed, pairs=900, training_seconds=None, embedding_seconds=40)))
    assert whole["training"] == "can't be said before it begins"
    assert whole["embedding"] == "about 40 s"
