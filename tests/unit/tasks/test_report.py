from __future__ import annotations

import html
import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from eclip.schema import REPORT_DATA, REPORT_VERSION
from eclip.tasks.evaluation.report import render_report, write_report
from eclip.tasks.evaluation.report_metrics import METRICS, explain_metric, format_value
from eclip.tasks.evaluation.report_pictures import THUMBNAIL_PIXELS, plot_curves, thumbnail_uri
from eclip.tasks.evaluation.report_tables import task_tables
from eclip.tasks.evaluation.verdicts import compare, compare_all, headlines, may_be_chance
from eclip.tasks.results import Card, Curve, Gallery, Report, Result, Skipped

HOSTILE = "<script>alert('x')</script> & \"$x$\" 반팔 👕"


def result(method="eclip", modality="both", value=0.8, **other) -> Result:
    fields = {"task": "category", "target": "leaf", "metric": "top-1", "support": 1000} | other
    return Result(method=method, modality=modality, value=value, **fields)


def curve(**other) -> Curve:
    fields = {"task": "matching", "name": "Precision and recall", "modality": "both", "method": "eclip"}
    axes = {"x_label": "recall", "y_label": "precision", "x": [0.0, 0.5, 1.0], "y": [1.0, 0.9, 0.2]}
    return Curve(**(fields | axes | other))


def picture(size=(640, 320), mode="RGB", format="PNG") -> bytes:
    encoded = io.BytesIO()
    Image.new(mode, size).save(encoded, format)
    return encoded.getvalue()


def full_report() -> Report:
    card = Card(product_id="p1", title=HOSTILE, image=picture(), note=HOSTILE)
    bare = Card(product_id="p2", title="", image=b"broken", note="")
    return Report(
        results=[
            result(),
            result("tf-idf", "text", 0.7),
            result(task=HOSTILE, target=HOSTILE, metric=HOSTILE),
        ],
        curves=[curve(), curve(method="tf-idf", modality="text"), curve(name=HOSTILE, x_label=HOSTILE)],
        galleries=[
            Gallery(kind="search", title=HOSTILE, cards=[card, bare, card]),
            Gallery(kind="mistake", title="none", cards=[]),
        ],
        skipped=[Skipped(task="adult", reason=HOSTILE)],
        facts={"store": HOSTILE, "seed": "7"},
    )


class Outline(HTMLParser):
    """Collects what the tests ask of a page: tags, headings, pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.levels: list[int] = []
        self.pictures: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "img":
            self.pictures.append(dict(attrs))
        self.addresses += [value for name, value in attrs if name in {"src", "href", "xlink:href"}]


def test_titles_of_feeds_are_escaped_everywhere():
    page = render_report(full_report())
    assert "script" not in Outline(page).tags
    assert "<script" not in page
    assert page.count(html.escape("<script>alert(")) >= 8


def test_page_needs_nothing_from_outside():
    outline = Outline(render_report(full_report()))
    assert outline.addresses
    assert all(address.startswith(("#", "data:image/jpeg;base64,")) for address in outline.addresses)
    assert "link" not in outline.tags


def test_headings_form_an_outline_and_pictures_have_alt_texts():
    outline = Outline(render_report(full_report()))
    assert outline.levels[0] == 1
    assert outline.levels.count(1) == 1
    assert all(below <= above + 1 for above, below in zip(outline.levels, outline.levels[1:], strict=False))
    assert len(outline.pictures) == 2
    assert all(image["alt"] for image in outline.pictures)


def test_json_holds_the_whole_report_but_its_pictures(tmp_path):
    report = full_report()
    page = write_report(report, tmp_path / "new" / "report")
    content = json.loads((page.parent / REPORT_DATA).read_text(encoding="utf-8"))
    assert content["version"] == REPORT_VERSION
    assert [Result(**each) for each in content["results"]] == report.results
    assert [Curve(**each) for each in content["curves"]] == report.curves
    assert [Skipped(**each) for each in content["skipped"]] == report.skipped
    assert content["facts"] == report.facts
    galleries = [
        Gallery(kind=each["kind"], title=each["title"], cards=[Card(image=None, **card) for card in each["cards"]])
        for each in content["galleries"]
    ]
    assert galleries == [
        replace(each, cards=[replace(card, image=None) for card in each.cards]) for each in report.galleries
    ]
    assert sorted(path.name for path in page.parent.iterdir()) == ["report.html", "report.json"]


def test_value_that_is_not_finite_is_null_in_json_and_a_dash_on_the_page(tmp_path):
    report = Report(results=[result(value=math.nan), result("tf-idf", value=0.5)])
    page = write_report(report, tmp_path)
    assert json.loads((tmp_path / REPORT_DATA).read_text())["results"][0]["value"] is None
    assert compare_all(report.results)[0].status == "alone"
    assert '<td class="number">\N{EN DASH}</td>' in page.read_text(encoding="utf-8")


def test_a_failed_write_leaves_the_old_report(tmp_path, monkeypatch):
    write_report(Report(results=[]), tmp_path)
    before = [path.read_bytes() for path in sorted(tmp_path.iterdir())]

    def fail(report):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("eclip.tasks.evaluation.report.render_report", fail)
    with pytest.raises(OSError, match="No space"):
        write_report(full_report(), tmp_path)
    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == before


@pytest.mark.parametrize(
    ("ours", "theirs", "support", "status", "words"),
    [
        (0.80, 0.70, 1000, "ahead", "eclip wins by 10.0 points over TF-IDF"),
        (0.70, 0.80, 1000, "behind", "eclip loses by 10.0 points to TF-IDF"),
        (0.70, 0.72, 100, "behind", "eclip loses by 2.0 points to TF-IDF, which may be chance"),
        (0.80, 0.80, 1000, "even", "eclip and TF-IDF are even"),
    ],
)
def test_verdict_in_words(ours, theirs, support, status, words):
    comparison = compare([result(value=ours, support=support), result("tf-idf", "text", theirs, support=support)])
    assert (comparison.status, comparison.words) == (status, words)
    assert comparison.may_be_chance == ("chance" in words or status == "even")


def test_smaller_is_better_where_the_metric_says_so():
    worse = [result(metric="median rank", value=9.0), result("clip", metric="median rank", value=3.0)]
    assert compare(worse).status == "behind"
    assert compare(worse).words == "eclip loses by 6.000 to Plain CLIP"
    assert [cell.best for cell in task_tables(worse)[0].rows[0].cells] == [False, True]


def test_being_behind_within_one_modality_is_said_beside_a_win():
    results = [result(value=0.9), result(modality="text", value=0.6), result("tf-idf", "text", 0.7)]
    comparison = compare(results)
    assert comparison.status == "ahead"
    assert comparison.short_in == ["behind TF-IDF with title"]
    assert "behind TF-IDF with title" in render_report(Report(results=results))


def test_lost_rows_are_marked_in_table_and_summary():
    page = render_report(Report(results=[result(value=0.6), result("tf-idf", "text", 0.7)]))
    assert page.count('<tr class="lost">') == 1
    assert "Where eclip loses" in page
    assert "loses 1" in page
    won = render_report(Report(results=[result(value=0.8), result("tf-idf", "text", 0.7)]))
    assert '<tr class="lost">' not in won
    assert "Where eclip loses" not in won


def test_chance_is_twice_the_standard_error_of_the_difference():
    # sqrt(.5*.5/100 + .5*.5/100) = .0707: the limit lies near .141
    assert may_be_chance(result(value=0.50, support=100), result(value=0.63, support=100))
    assert not may_be_chance(result(value=0.50, support=100), result(value=0.65, support=100))
    assert not may_be_chance(result(value=0.50, support=1000), result(value=0.63, support=1000))


def test_table_puts_eclip_first_and_spans_targets():
    results = [
        result("pretrained", "both", 0.5),
        result("other", "image", 0.4),
        result("tf-idf", "both", 0.8),
        result("eclip", "both", 0.8),
        result("eclip", "both", 0.3, metric="macro-F1", support=12),
        result("eclip", "text", 0.2, target="root"),
    ]
    (table,) = task_tables(results)
    assert table.groups == [
        ("Picture", ["other"]),
        ("Title", ["eclip"]),
        ("Picture and title", ["eclip", "TF-IDF", "Pretrained"]),
    ]
    assert [(row.target, row.num_target_rows, row.metric, row.support) for row in table.rows] == [
        ("leaf", 2, "top-1", "1,000"),
        ("leaf", 0, "macro-F1", "12"),
        ("root", 1, "top-1", "1,000"),
    ]
    assert [cell.text for cell in table.rows[0].cells] == ["40.0%", "–", "80.0%", "80.0%", "50.0%"]
    assert [cell.best for cell in table.rows[0].cells] == [False, False, True, True, False]


def test_headline_is_the_first_row_of_each_task():
    results = [result(), result(metric="macro-F1"), result(task="adult", metric="average precision")]
    assert [(h.task, h.metric) for h in headlines(compare_all(results))] == [
        ("category", "top-1"),
        ("adult", "average precision"),
    ]


def test_report_without_curves_galleries_or_results_still_reads():
    assert "<svg" not in render_report(Report(results=[result()], curves=[curve(x=[], y=[])]))
    assert "No baseline was measured" in render_report(Report(results=[result()]))
    assert "Nothing could be measured" in render_report(Report(results=[]))


@pytest.mark.parametrize(
    ("name", "part", "share"),
    [
        ("top-5", "first 5", True),
        ("Recall@10", "first 10", True),
        ("R@1", "first 1", True),
        ("recall at 95% precision", "named share", True),
        ("macro-F1", "each class", True),
        ("B-cubed F1", "its cluster", True),
        ("pairwise F1", "pairs", True),
        ("ARI", "Rand", False),
        ("NMI", "mutual", False),
        ("average precision", "Area", True),
        ("something new", "As its name", False),
    ],
)
def test_metrics_are_explained_by_name(name, part, share):
    assert part in explain_metric(name).meaning
    assert explain_metric(name).is_share is share


def test_no_metric_leaves_a_gap_in_its_sentence():
    for metric in METRICS:
        groups = re.compile(metric.pattern).groups
        assert metric.meaning.count("{") == groups


def test_values_are_written_by_unit():
    assert format_value(0.12345, "top-1") == "12.3%"
    assert format_value(0.12345, "ARI") == "0.123"
    assert format_value(12345.6, "seconds") == "12,346"


def test_plot_follows_the_page_colour_and_keeps_names_literal():
    svg = plot_curves([curve(), curve(method="$5 <off> 반팔", y=[1.0, math.nan, 0.0])], salt="a")
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "$5 &lt;off&gt; 반팔" in svg
    assert svg == plot_curves([curve(), curve(method="$5 <off> 반팔", y=[1.0, math.nan, 0.0])], salt="a")


def test_long_curves_are_thinned_but_keep_their_ends():
    steps = [float(step) for step in range(50_000)]
    svg = plot_curves([curve(x=steps, y=[step % 7 for step in steps])], salt="a")
    assert len(svg) < 60_000


@pytest.mark.parametrize("image", [None, b"", b"broken", picture()[:60]])
def test_unreadable_picture_has_no_thumbnail(image):
    assert thumbnail_uri(image) is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_thumbnail_is_a_small_jpeg(mode):
    import base64

    uri = thumbnail_uri(picture(mode=mode))
    assert uri is not None
    kind, _, content = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as small:
        assert small.size == (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS // 2)


def drawn(value, spread, seed=0, **other) -> Result:
    import numpy as np

    draws = value + spread * np.random.default_rng(seed).normal(size=500)
    return result(value=value, draws=draws, low=value - 2 * spread, high=value + 2 * spread, **other)


def test_intervals_spreads_and_marks_stand_in_the_cells():
    ours = replace(drawn(0.8, 0.01), spread=0.004, num_seeds=3)
    sure, unsure = drawn(0.7, 0.01, 1, method="tf-idf"), drawn(0.795, 0.01, 1, method="tf-idf")
    (table,) = task_tables([ours, sure])
    cells = table.rows[0].cells
    assert [(cell.text, cell.below, cell.mark) for cell in cells] == [
        ("80.0%", "78.0–82.0 ±0.4", "**"),
        ("70.0%", "68.0–72.0", ""),
    ]
    assert compare([ours, sure]).words == "eclip wins by 10.0 points over TF-IDF (p < .01)"
    (table,) = task_tables([ours, unsure])
    assert table.rows[0].cells[0].mark == ""
    found = compare([ours, unsure])
    assert found.may_be_chance
    assert re.search(r"which may be chance \(p = \.\d\d\)", found.words)


def test_page_and_json_tell_intervals_and_p_values(tmp_path):
    page = write_report(Report(results=[drawn(0.8, 0.01), drawn(0.7, 0.01, 1, method="tf-idf")]), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "<small>78.0–82.0</small>" in text
    assert "<sup>**</sup>" in text
    assert "the same draws for all methods" in text
    content = json.loads((tmp_path / REPORT_DATA).read_text(encoding="utf-8"))
    (verdict,) = content["comparisons"]
    assert (verdict["status"], verdict["baseline"]["method"]) == ("ahead", "tf-idf")
    assert verdict["p_value"] < 0.01
    assert content["results"][0]["low"] == pytest.approx(0.78)


def test_a_long_table_shows_first_metrics_and_folds_the_rest_away():
    results = [result(target=f"attribute {n}", metric=metric) for n in range(10) for metric in ("accuracy", "macro-F1")]
    page = render_report(Report(results=results))
    assert page.count("<details>") == 1
    assert "All metrics: 20 rows" in page
    folded = page.index("<details>")
    assert page[:folded].count('<th scope="row">macro-F1') == 0
    assert page[folded:].count('<th scope="row">macro-F1') == 10
    assert "<details>" not in render_report(Report(results=results[:6]))


def test_many_losses_are_folded_away_sure_ones_first():
    results = []
    for n in range(20):
        behind = 0.79 if n < 10 else 0.5
        results += [result(target=f"t{n:02}", value=behind), result("tf-idf", target=f"t{n:02}")]
    page = render_report(Report(results=results))
    shown = page[page.index("Where eclip loses") : page.index("8 more, those that may be chance last")]
    assert all(f"t{n}," in shown for n in range(10, 20))
    assert shown.count("<li>") == 12


def test_a_handful_proves_nothing():
    assert may_be_chance(result(value=0.0, support=4), result(value=1.0, support=4))
    assert not may_be_chance(result(value=0.0, support=5), result(value=1.0, support=5))
