"""Two reports beside each other: losses first, paired where draws are there, careful where they are not."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from eclip.schema import COMPARISON_DATA
from eclip.tasks.evaluation.comparison import compare_reports
from eclip.tasks.evaluation.comparison_page import render_comparison, write_comparison
from eclip.tasks.intervals import estimate, group_buckets
from eclip.tasks.results import PAIRS_FACT, Report, Result, Skipped, results_of

HOSTILE = "<script>alert(1)</script>"
BUCKETS = group_buckets([f"p{row}" for row in range(400)])


def measured(hits, metric="accuracy", **other) -> Result:
    from eclip.metrics import mean

    fields = {"task": "category", "target": "leaf", "modality": "both", "method": "eclip"} | other
    return results_of({metric: estimate(mean, hits, buckets=BUCKETS)}, **fields)[0]


@pytest.fixture
def reports():
    shuffled = np.random.default_rng(0)
    hits = shuffled.random(400) < 0.7
    more, fewer, other = hits.copy(), hits.copy(), shuffled.permutation(hits)
    more[np.flatnonzero(~hits)[:20]] = True
    other[np.flatnonzero(other)[:4]] = False
    fewer[np.flatnonzero(hits)[:12]] = False
    first = [measured(hits, "won"), measured(hits, "lost"), measured(hits, "chance"), measured(hits, "same")]
    second = [measured(more, "won"), measured(fewer, "lost"), measured(other, "chance"), measured(hits, "same")]
    facts = {"store": "one"}
    return Report(results=first, facts=facts), Report(results=[*second, measured(hits, "new")], facts=facts)


def test_losses_come_first_and_pairs_are_sharper_than_intervals(reports):
    found = compare_reports(*reports)
    assert found.differences[0].first.metric == "lost"
    statuses = {each.first.metric: each.status for each in found.differences}
    assert statuses["lost"] == "worse"
    assert statuses["won"] == "better"
    assert statuses["same"] == "even"
    assert statuses["chance"].startswith("perhaps")
    lost = found.differences[0]
    assert lost.difference == pytest.approx(-12 / 400)
    assert lost.low < lost.difference < lost.high < 0
    assert (found.num_only_first, found.num_only_second, found.remarks) == (0, 1, [])
    # Without draws the same loss lies within what chance does to two samples.
    bare = [Report(results=[replace(r, draws=None) for r in each.results], facts=each.facts) for each in reports]
    unpaired = compare_reports(*bare)
    assert {each.first.metric: each.status for each in unpaired.differences}["lost"] == "perhaps worse"
    assert "without its draws" in unpaired.remarks[0]
    alike = next(each for each in unpaired.differences if each.first.metric == "lost")
    assert alike.high - alike.low > lost.high - lost.low


def test_smaller_is_better_where_a_metric_says_so(reports):
    first, second = measured(np.full(400, 0.2), "calibration error"), measured(np.full(400, 0.4), "calibration error")
    assert compare_reports(Report(results=[first]), Report(results=[second])).differences[0].status.endswith("worse")


def test_other_stores_baselines_and_missing_numbers(reports):
    first, second = reports
    elsewhere = replace(second, facts={"store": "two"})
    assert "different stores" in compare_reports(first, elsewhere).remarks[0]
    partial = replace(second, skipped=[Skipped(task="adult", reason="not fitted")] * 2)
    assert compare_reports(first, partial).remarks == ["Left out in B, wholly or in part: adult; its report says why."]
    baseline = Report(results=[measured(np.ones(400), method="tf-idf")])
    assert compare_reports(baseline, baseline).differences == []
    nothing = Report(results=[replace(first.results[0], value=math.nan)])
    assert compare_reports(nothing, first).differences == []
    old = Report(results=[replace(r, draws=None, low=None, high=None) for r in first.results])
    assert {each.p_value for each in compare_reports(old, second).differences} == {None}


def test_other_pairs_in_each_report_are_told(reports):
    first, second = reports
    found = [measured(np.ones(400), task="matching")]
    one, other = (replace(first, results=found, facts={"store": "one", PAIRS_FACT: told}) for told in ("1", "2"))
    assert "compare the models with --store" in compare_reports(one, other).remarks[0]
    assert compare_reports(one, one).remarks == []
    assert compare_reports(replace(one, results=first.results), replace(other, results=second.results)).remarks == []


def test_the_page_escapes_and_the_file_holds_every_difference(reports, tmp_path):
    first, second = (
        Report(results=[*each.results, measured(np.ones(400), HOSTILE, target=HOSTILE)]) for each in reports
    )
    found = compare_reports(first, second)
    page = write_comparison(found, (HOSTILE, "b"), tmp_path)
    assert "<script" not in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").count('<tr class="lost">') == 1
    content = json.loads((tmp_path / COMPARISON_DATA).read_text(encoding="utf-8"))
    assert len(content["differences"]) == 5
    assert content["differences"][0]["status"] == "worse"
    assert "no figure in common" in render_comparison(compare_reports(first, Report()), ("a", "b"))
