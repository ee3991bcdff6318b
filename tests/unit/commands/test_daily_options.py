"""What `eclip daily` hands on: a feed of any kind that a store was made of must be readable the next day too."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest

from eclip.commands import daily as daily_module
from eclip.commands.daily import daily
from eclip.commands.enrich import enrich
from eclip.commands.prepare import prepare
from eclip.products.store import Store
from eclip.products.update import UpdateSummary

READING = {"images", "columns", "category_separator", "sql", "platform", "fetch_images"}


@pytest.mark.parametrize("command", [prepare, enrich, daily])
def test_every_command_that_reads_a_feed_takes_what_says_how(command: object) -> None:
    assert set(inspect.signature(command).parameters) >= READING  # type: ignore[arg-type]


def test_a_day_reads_its_feed_twice_in_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, dict[str, object]] = {}
    told = {"sql": "SELECT 1", "platform": "none", "fetch_images": "any"}
    manifest = {"columns": "", "category_separator": ">"}
    monkeypatch.setattr(Store, "open", lambda _: SimpleNamespace(manifest=manifest))
    monkeypatch.setattr("eclip.model.folder.read_manifest", lambda _: {})
    monkeypatch.setattr(daily_module, "prepare", lambda _, **options: seen.update(prepare=options) or UpdateSummary())
    monkeypatch.setattr(daily_module, "embed", lambda *_, **__: None)
    monkeypatch.setattr(daily_module, "enrich", lambda _, **options: seen.update(enrich=options))
    daily("shop.db", store="store", model=tmp_path, out=tmp_path / "o.parquet", **told)  # type: ignore[arg-type]
    for options in seen.values():
        assert {name: options[name] for name in told} == told
    assert set(seen) == {"prepare", "enrich"}
