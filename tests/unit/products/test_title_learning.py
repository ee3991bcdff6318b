from __future__ import annotations

import random

import pytest

from eclip.products.titles import learner as learner_module
from eclip.products.titles.cleaner import TitleCleaner
from eclip.products.titles.learned import LearnedPhrase, LearnedTitles, without_parts
from eclip.products.titles.learner import PhraseLearner

NOUNS = ["kettle", "lamp", "sofa", "jacket", "mouse", "drill", "mirror", "ladle"]
ROOMS = ["kitchen", "light", "living", "clothes", "office", "tools", "bath", "dining"]
BRANDS = ["Zorvex", "Quillan", "Mertos", "Dravik", "Ophela"]
HUES = ["crimson", "ochre", "azure", "sable"]


def feed(*, num: int = 400, catalogs: bool = True, seed: int = 0) -> list[dict[str, str | None]]:
    """Offers of products by four sellers; "Happycorner" and "quickbuy" say nothing of the product."""
    rng, rows = random.Random(seed), []
    for product in range(num):
        kind = rng.randrange(len(NOUNS))
        brand, hue = rng.choice(BRANDS), rng.choice(HUES)
        for seller in rng.sample(range(4), 3):
            title = f"{brand} {NOUNS[kind]} T{product}x {hue}"
            if seller == 0:
                title = f"Happycorner {title}"
            if rng.random() < 0.15:
                title = f"{title} quickbuy"
            if rng.random() < 0.15:
                title = f"[lucky day] {title}"
            catalog = f"c{product}" if catalogs else None
            rows.append({"title": title, "seller": f"s{seller}", "category": ROOMS[kind], "catalog": catalog})
    return rows


def learn(rows: list[dict[str, str | None]], *, brands: bool = False, batch: int = 10**6) -> LearnedTitles:
    learner = PhraseLearner()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        learner.add(
            [row["title"] for row in part],
            sellers=[row["seller"] for row in part],
            categories=[row["category"] for row in part],
            catalogs=[row["catalog"] for row in part],
            brands=[row["title"].split()[0] if brands and row["title"] else None for row in part],
        )
    return learner.learned()


def places(learned: LearnedTitles) -> set[tuple[str, str]]:
    return {(phrase.text, phrase.place) for phrase in learned.phrases}


def test_slogans_are_learned_brands_nouns_and_colours_are_not() -> None:
    learned = learn(feed())
    assert {("happycorner", "start"), ("quickbuy", "end"), ("lucky day", "brackets")} <= places(learned)
    words = {word for phrase in learned.phrases for word in phrase.text.split()}
    assert not words & {word.lower() for word in BRANDS + HUES + NOUNS}
    for phrase in learned.phrases:
        assert phrase.support >= 15
        assert phrase.categories >= 4
        assert phrase.agreement is not None


def test_learned_phrases_are_taken_out_and_survive_a_manifest() -> None:
    learned = learn(feed())
    cleaner = TitleCleaner.from_json(TitleCleaner("", learned).to_json())
    assert cleaner.clean("Happycorner Zorvex kettle T7x crimson quickbuy") == "Zorvex kettle T7x crimson"
    assert cleaner.clean("[lucky day] Mertos sofa") == "Mertos sofa"
    assert cleaner.clean("Zorvex quickbuy kettle") == "Zorvex quickbuy kettle"  # not where it was learned
    assert cleaner.clean("Quickbuy") == "Quickbuy"  # never emptied
    assert TitleCleaner("learned", learned).clean("Mertos sofa quickbuy") == "Mertos sofa quickbuy"


def test_nothing_is_learned_where_nothing_can_tell() -> None:
    unknown = [{**row, "seller": None, "catalog": None} for row in feed()]
    assert learn(unknown).phrases == ()
    assert learn(feed(num=3)).phrases == ()
    without_categories = [{**row, "category": None} for row in feed()]
    assert learn(without_categories).phrases == ()


def test_words_of_brands_and_categories_are_never_learned() -> None:
    rows = [{**row, "category": f"{row['category']} > quickbuy"} for row in feed()]
    assert ("quickbuy", "end") not in places(learn(rows))


def test_without_catalogs_a_habit_is_learned_and_a_common_word_is_not() -> None:
    learned = places(learn(feed(catalogs=False), brands=True))
    assert ("happycorner", "start") not in learned  # the column says that it is a brand
    rows = [{**row, "brand": "x"} for row in feed(catalogs=False)]
    assert ("happycorner", "start") not in places(learn(rows))  # one seller's word, perhaps its brand


def test_order_and_batches_do_not_matter() -> None:
    rows = feed()
    shuffled = random.Random(1).sample(rows, len(rows))
    assert places(learn(rows, batch=7)) == places(learn(rows)) == places(learn(shuffled))


def test_memory_is_bounded_and_frequent_phrases_survive_pruning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learner_module, "_MAX_KEYS", 2000)
    monkeypatch.setattr(learner_module, "_MAX_SAMPLE", 600)
    learner = PhraseLearner()
    rows = feed(num=1000)
    nothing = [None] * len(rows)
    learner.add(
        [row["title"] for row in rows],
        sellers=[row["seller"] for row in rows],
        categories=[row["category"] for row in rows],
        catalogs=[row["catalog"] for row in rows],
        brands=nothing,
    )
    assert len(learner._counts) <= 2000
    assert learner._sampled <= 600
    assert ("happycorner", "start") in places(learner.learned())


def phrase(text: str, support: int) -> LearnedPhrase:
    return LearnedPhrase(text=text, place="start", support=support, sellers=3, categories=5, agreement=0.0, base=0.01)


def test_of_nested_phrases_the_one_that_explains_the_titles_stays() -> None:
    assert [each.text for each in without_parts([phrase("fun", 100), phrase("fun day", 95)])] == ["fun day"]
    assert [each.text for each in without_parts([phrase("fun", 100), phrase("fun day", 20)])] == ["fun"]


def test_capitals_of_mixed_titles_are_kept_in_titles_wholly_in_capitals() -> None:
    rows = [{"title": f"Tray by VELKO {i}", "seller": None, "category": None, "catalog": None} for i in range(5)]
    learned = learn(rows)
    assert learned.capitals == ("VELKO",)
    assert TitleCleaner("", learned).clean("VELKO GLASS TRAY") == "VELKO Glass Tray"
    assert TitleCleaner().clean("VELKO GLASS TRAY") == "Velko Glass Tray"
