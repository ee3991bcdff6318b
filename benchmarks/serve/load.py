"""Load `eclip serve` at twice the rate that it sustains, while store and model are replaced under it.

First clients that each wait for their answer find the sustainable rate; then requests leave at twice that rate, whether
the earlier ones were answered or not, for `--seconds`. Meanwhile the store is corrected and put in place anew, and the
model is copied again, so that the service reloads. Every accepted answer is compared with the engine's own (of the
version that answered). Exits 1 when an answer was wrong or lost, or the service ended.

    python -m benchmarks.serve.load STORE MODEL --seconds 600
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
from benchmarks.serve.shopservice import WORDS, Service, service

from eclip.model.folder import load_model
from eclip.products.store import Store
from eclip.search.engine import SearchEngine
from eclip.search.query import Query, Ranking

TOP_K = 10
RANKINGS: tuple[Ranking, ...] = ("hybrid", "vectors")
CLOSED_CLIENTS = 24
PATIENCE_SECONDS = 30.0


@dataclass
class Outcome:
    """What came back."""

    kinds: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def queries(number: int, seed: int) -> list[str]:
    """Queries of two to four words."""
    draw = random.Random(seed)
    return [" ".join(draw.sample(WORDS, draw.randint(2, 4))) for _ in range(number)]


Expected = dict[tuple[str, str], tuple[list[str], list[float]]]
"""Text and ranking -> ids and scores of what the engine itself finds."""


def expected_answers(store: Path, model: Path, texts: list[str]) -> Expected:
    """What the engine says without a service."""
    engine = SearchEngine(Store.open(store), load_model(model))
    expected: Expected = {}
    for text in texts:
        for ranking in RANKINGS:
            hits = engine.search(Query(text=text, top_k=TOP_K, ranking=ranking)).hits
            expected[text, ranking] = [hit.product_id for hit in hits], [hit.score for hit in hits]
    return expected


def is_right(hits: list[dict[str, object]], ranking: str, ids: list[str], scores: list[float]) -> bool:
    """Whether an answer is the engine's.

    By vectors, score by score: the batch that a query was encoded in decides the last digits, and these the order of
    listings that are alike. Fused ranks follow that order, so of the hybrid ranking most of the ids must be there.
    """
    if ranking == "vectors":
        return bool(np.allclose([hit["score"] for hit in hits], scores, rtol=0, atol=1e-4))
    return len({hit["product_id"] for hit in hits} & set(ids)) >= len(ids) / 2


async def fetch(url: str, path: str, *, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    """One request over a connection of its own: httpx's pool costs more than the service once hundreds wait in it.

    Args:
        url: Of the service.
        path: With its query.
        body: JSON to POST; None = GET.
    """
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        verb = "GET" if body is None else "POST"
        kind = "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        first_lines = f"{verb} {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n{kind}\r\n"
        writer.write(first_lines.encode() + (body or b""))
        head, _, answer = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if len(answer) != int(headers.get("content-length", -1)):
        raise ConnectionError("cut off")
    return int(first.split()[1]), headers, answer


async def ask(url: str, query: tuple[str, str], expected: Expected, outcome: Outcome) -> None:
    """One request, and what became of it."""
    started = time.perf_counter()
    try:
        path = f"/search?{urlencode({'q': query[0], 'top_k': TOP_K, 'ranking': query[1]})}"
        status, headers, body = await asyncio.wait_for(fetch(url, path), PATIENCE_SECONDS)
    except (OSError, TimeoutError, ValueError, IndexError) as fault:
        outcome.kinds[f"lost ({type(fault).__name__})"] += 1
        return
    seconds = time.perf_counter() - started
    outcome.kinds[str(status)] += 1
    if status == 200:
        outcome.seconds.append(seconds)
        hits = json.loads(body)["hits"]
        if not is_right(hits, query[1], *expected[query]):
            outcome.wrong.append(f"{query}: {[hit['product_id'] for hit in hits]} and not {expected[query][0]}")
    elif status != 503 or "retry-after" not in headers:
        outcome.wrong.append(f"{query}: {status} {body[:200]!r}")


async def sustainable_rate(url: str, expected: Expected, seconds: float) -> tuple[float, Outcome]:
    """Answers a second that clients get who wait for each answer."""
    outcome, texts = Outcome(), list(expected)
    ends = time.perf_counter() + seconds

    async def client_of(number: int) -> None:
        draw = random.Random(number)
        while time.perf_counter() < ends:
            await ask(url, draw.choice(texts), expected, outcome)

    await asyncio.gather(*(client_of(number) for number in range(CLOSED_CLIENTS)))
    return outcome.kinds["200"] / seconds, outcome


async def overload(url: str, expected: Expected, rate: float, seconds: float) -> tuple[Outcome, int]:
    """Send at a rate whatever comes back; returns that and how many were sent."""
    outcome, texts, draw = Outcome(), list(expected), random.Random(7)
    asked: set[asyncio.Task[None]] = set()
    sent, started = 0, time.perf_counter()
    while (now := time.perf_counter() - started) < seconds:
        while sent < now * rate:
            task = asyncio.create_task(ask(url, draw.choice(texts), expected, outcome))
            asked.add(task)
            task.add_done_callback(asked.discard)
            sent += 1
        await asyncio.sleep(0.005)
    await asyncio.gather(*asked)
    return outcome, sent


async def disturb(store: Path, model: Path, seconds: float) -> int:
    """Put the store, and then the model, in place anew, again and again; returns how often."""
    times, ends = 0, time.perf_counter() + seconds - 10
    while time.perf_counter() < ends:
        await asyncio.sleep(min(15.0, seconds / 4))
        for folder in (store, model):
            await asyncio.to_thread(replace, folder)
            times += 1
    return times


def replace(folder: Path) -> None:
    """A copy of a folder in its place, as `eclip prepare` and whoever deploys a model put one there."""
    aside, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
    shutil.copytree(folder, aside)
    manifest = aside / "store.json"
    if manifest.exists():  # the same content, told otherwise: a new version all the same
        manifest.write_text(manifest.read_text() + "\n")
    else:
        (aside / "eclip.json").write_text((aside / "eclip.json").read_text() + "\n")
    folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old)


def percentiles(seconds: list[float]) -> str:
    """Of latencies."""
    if not seconds:
        return "nothing was accepted"
    points = np.percentile(np.array(seconds) * 1000, [50, 95, 99, 100])
    return "p50 {:.0f} p95 {:.0f} p99 {:.0f} max {:.0f} ms".format(*points)


async def run(running: Service, store: Path, model: Path, seconds: float, expected: Expected) -> bool:
    """Both parts; whether all was well."""
    rate, calm = await sustainable_rate(running.url, expected, min(15.0, seconds))
    print(f"sustained: {rate:.0f} answers/s by {CLOSED_CLIENTS} clients that wait, {percentiles(calm.seconds)}")
    print(f"           {dict(calm.kinds)}", flush=True)
    before = running.num_resident_megabytes()
    (outcome, sent), replaced = await asyncio.gather(
        overload(running.url, expected, 2 * rate, seconds), disturb(store, model, seconds)
    )
    accepted = len(outcome.seconds)
    print(f"sent {sent} in {seconds:g} s ({2 * rate:.0f}/s): {dict(outcome.kinds)}")
    print(f"accepted {accepted} ({accepted / seconds:.0f}/s), {percentiles(outcome.seconds)}")
    print(f"batches: {running.metric('eclip_batch_rows_count')}, queries {running.metric('eclip_batch_rows_sum')}")
    print(f"replaced {replaced} times, reloads {running.metric('eclip_reloads_total')}")
    served = running.logged_seconds("/search")[-accepted:]
    print(f"of that in the service: {percentiles(served)}")
    print(f"memory {before:.0f} -> {running.num_resident_megabytes():.0f} MB")
    wrong = calm.wrong + outcome.wrong
    lost = sum(count for kind, count in outcome.kinds.items() if kind.startswith("lost"))
    print(f"wrong answers {len(wrong)}, lost {lost}, bugs in the log {len(running.bugs())}", *wrong[:5], sep="\n")
    print(*running.bugs()[:2], sep="\n")
    return not wrong and not lost and running.process.poll() is None


def main() -> None:
    """Load a copy of a store and a model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--queries", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eclip-load-") as folder:
        store, model = Path(folder) / "store", Path(folder) / "model"
        shutil.copytree(options.store, store)
        shutil.copytree(options.model, model, ignore=shutil.ignore_patterns("run"))
        expected = expected_answers(store, model, queries(options.queries, 1))
        with service(store, model, Path(folder) / "log") as running:
            is_well = asyncio.run(run(running, store, model, options.seconds, expected))
    raise SystemExit(not is_well)


if __name__ == "__main__":
    main()
