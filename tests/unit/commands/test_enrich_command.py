"""`eclip enrich`: what an interrupted run goes on with; a stand-in for the model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from eclip.commands.enrich import enrich


@pytest.fixture
def sources(monkeypatch):
    """What each run says its answers are of."""
    found = []
    monkeypatch.setattr("eclip.model.folder.load_model", lambda _: SimpleNamespace(manifest={}))
    monkeypatch.setattr("eclip.tasks.enrich.job.enrich_feed", lambda *_, source, **__: found.append(repr(source)))
    return found


def test_a_feed_read_in_another_way_is_begun_anew(sources, tmp_path):
    feed = tmp_path / "feed.csv"
    feed.write_text("product_id,title,image\na,red mug,\n")
    for more in ({}, {}, {"platform": "none"}, {"columns": "title=product_id"}, {"category_separator": "/"}):
        enrich(feed, model=tmp_path, out=tmp_path / "out.csv", **more)
    assert sources[0] == sources[1]
    assert len(set(sources)) == 4
