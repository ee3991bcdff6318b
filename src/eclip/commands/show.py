"""What the command line prints of each command's result."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import Any

from eclip.commands.doctor import show_diagnosis
from eclip.commands.forecast import forecast_facts, in_bytes
from eclip.commands.lineage import show_chain
from eclip.commands.show_sellers import show_sellers
from eclip.console import print_facts, print_line, print_table
from eclip.search.instances.instance import Instance

# One line a task and modality: task, target (None = the mean over targets), metric, as the table says it.
HEADLINES = (
    ("category", "leaf", "accuracy", "category"),
    ("attributes", None, "accuracy", "attributes, mean"),
    ("matching", None, "F1", "matching F1"),
    ("clustering", None, "pairwise F1", "clustering, pairwise F1"),
    ("adult", None, "average precision", "adult, average precision"),
    ("retrieval", "title to picture, test split", "R@1", "title to picture, R@1"),
    ("retrieval", "title to picture, test split", "R@10", "title to picture, R@10"),
)


METHODS_SHOWN = ("eclip", "tf-idf", "pretrained", "clip")  # the report has more
MIN_SUPPORT = 30
MAX_DIFFERENCES = 30  # of a comparison that are printed
MODALITY_WORDS = {"image": "picture", "text": "title", "both": "picture and title"}


def show(result: Any) -> None:
    """Print a command's result: a table of facts, hits, or the summary of a run."""
    _SHOWN.get(type(result).__name__, _show_facts)(result)


def show_hits(hits: Iterable[Any], *, as_json: bool) -> None:
    """Print search hits, or the products of a photo, as a table or one JSON object a line."""
    hits = list(hits)
    if as_json:
        for hit in hits:
            print_line(json.dumps(dataclasses.asdict(hit), ensure_ascii=False))
        return
    if hits and isinstance(hits[0], Instance):
        for number, instance in enumerate(hits, 1):
            left, top, right, bottom = instance.box
            place = f"{number}: {left},{top} to {right},{bottom} ({instance.confidence:.2f})"
            print_table(place, _HIT_COLUMNS, _hit_rows(instance.hits))
        return
    print_table("Found", _HIT_COLUMNS, _hit_rows(hits))


_HIT_COLUMNS = ("score", "product", "title", "category", "same product")


def _hit_rows(hits: Iterable[Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"{hit.score:.3f}",
            hit.product_id,
            hit.title or "(no title)",
            " > ".join(hit.category or []),
            f"+{len(hit.same_product_ids)}" if hit.same_product_ids else "",
        )
        for hit in hits
    ]


def _show_facts(result: Any) -> None:
    if result is None:
        return
    if isinstance(result, list | tuple):
        for each in result:
            _show_facts(each)
        return
    facts = []
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if field.name == "stage_seconds":
            facts += _stage_facts(value)
        elif field.name == "stage_processor_seconds":
            continue  # the report has them
        elif field.name.endswith("_bytes"):
            facts.append((field.name.removesuffix("_bytes").replace("num", "size").replace("_", " "), in_bytes(value)))
        elif isinstance(value, dict):
            facts += [(f"{field.name.replace('_', ' ')}: {name}", _words(count)) for name, count in value.items()]
        elif isinstance(value, list) and value and hasattr(value[0], "reason"):
            facts.append(("left out", "; ".join(each.reason for each in value)))
        elif isinstance(value, list):
            facts += [(field.name.replace("_", " "), _words(value))] if value else []
        elif value is not None:
            facts.append((field.name.replace("_", " "), value))
    print_facts(_title(type(result).__name__), facts)


def _stage_facts(seconds: dict[str, float]) -> list[tuple[str, str]]:
    """The stages that took a tenth of a second, in one line."""
    told = [f"{name} {spent:,.1f} s" for name, spent in seconds.items() if spent >= 0.1]
    return [("of which", ", ".join(told))] if told else []


def _show_parts(result: Any) -> None:
    for field in dataclasses.fields(result):
        _show_facts(getattr(result, field.name))


def _words(value: Any) -> Any:
    """A list or a dictionary as a person writes it; anything else as it is."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _show_forecast(forecast: Any) -> None:
    print_facts("What this will do (a dry run: nothing is written)", forecast_facts(forecast))


def _show_evaluation(evaluation: Any) -> None:
    methods = [method for method in METHODS_SHOWN if any(r.method == method for r in evaluation.results)]
    rows = []
    for task, target, metric, words in HEADLINES:
        found = [r for r in evaluation.results if r.task == task and r.metric == metric]
        found = [r for r in found if target in (None, r.target)]
        # A mean over targets leaves out those that a few rows decide; the report has them all.
        found = [r for r in found if r.support >= MIN_SUPPORT] or found
        for modality in ("image", "text", "both"):
            cells = [_mean([r.value for r in found if (r.modality, r.method) == (modality, m)]) for m in methods]
            if any(cells):
                rows.append((words, MODALITY_WORDS[modality], *cells))
    print_table("Results on the test split", ("", "from", *methods), rows)
    for task, reason in evaluation.skipped.items():
        print_line(f"left out: {task}: {reason}")
    print_line(f"report: {evaluation.report}")


def _show_comparison(found: Any) -> None:
    rows = []
    for each in found.differences[:MAX_DIFFERENCES]:
        words = f"{each.first.task}, {each.first.target}, {each.first.metric}, {MODALITY_WORDS[each.first.modality]}"
        words += "" if each.first.method == "eclip" else f" ({each.first.method})"
        rows.append((each.status, words, f"{each.first.value:.3f}", f"{each.second.value:.3f}", _signed_interval(each)))
    columns = ("B is", "figure", "A", "B", "difference (95 %)")
    print_table(f"{found.second} (B) against {found.first} (A), losses first", columns, rows)
    if len(found.differences) > MAX_DIFFERENCES:
        print_line(f"and {len(found.differences) - MAX_DIFFERENCES} more, to B's favour at the end, on the page")
    for remark in found.remarks:
        print_line(remark)
    print_line(f"comparison: {found.page}")


def _signed_interval(each: Any) -> str:
    interval = "" if each.low is None else f" ({each.low:+.3f} to {each.high:+.3f})"
    return f"{each.difference:+.3f}{interval}"


def _mean(values: list[float]) -> str:
    return f"{sum(values) / len(values):.3f}" if values else ""


def _show_run(summary: Any) -> None:
    _show_evaluation(summary.evaluation)
    print_line("")
    print_facts(
        "Where everything lies",
        [("store", summary.store), ("model", summary.model), ("report", summary.evaluation.report)],
    )
    print_line("")
    print_line("Next, with your own feed:")
    for command in (
        "eclip run my-feed.csv --out result --columns title=name,image=photo --dry-run",
        "eclip run my-feed.csv --out result --columns title=name,image=photo --minutes 30",
        f'eclip search {summary.store} --model {summary.model} "red shoes"',
        f"eclip enrich new-listings.csv --model {summary.model} --store {summary.store} --out enriched.parquet",
        f"eclip serve {summary.store} --model {summary.model} --report {summary.evaluation.report.parent}",
    ):
        print_line(f"  {command}")


def _title(class_name: str) -> str:
    words = "".join(f" {char.lower()}" if char.isupper() else char for char in class_name).strip()
    return words.removesuffix(" summary").capitalize()


_SHOWN: dict[str, Callable[[Any], None]] = {
    "FeedForecast": _show_forecast,
    "RunForecast": _show_forecast,
    "CheckedSummary": _show_parts,
    "CompareSummary": _show_comparison,
    "DailySummary": _show_parts,
    "Chain": show_chain,
    "Diagnosis": show_diagnosis,
    "EvaluateSummary": _show_evaluation,
    "RunSummary": _show_run,
    "SellersSummary": show_sellers,
}
