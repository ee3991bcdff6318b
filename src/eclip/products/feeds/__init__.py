"""Feeds of every kind as one stream of Arrow batches; `open_feed` decides which kind, one file a format."""

from __future__ import annotations

from eclip.products.feeds.feed import Feed, RawBatch, row_as_json
from eclip.products.feeds.opening import feed_facts, open_feed

__all__ = ["Feed", "RawBatch", "feed_facts", "open_feed", "row_as_json"]
