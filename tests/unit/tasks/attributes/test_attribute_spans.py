"""Values in titles: words, tags, names in another script, hidden states, and taggers whole."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from eclip.model.presets import text, tiny
from eclip.tasks.attributes.spans.aliases import find_aliases, known_names
from eclip.tasks.attributes.spans.extractor import SpanExtractor, span_text
from eclip.tasks.attributes.spans.features import word_shape
from eclip.tasks.attributes.spans.fit import fit_spans, foreign_categories
from eclip.tasks.attributes.spans.labels import INSIDE, OUTSIDE, UNKNOWN, best_tags, spans_of, tag_values
from eclip.tasks.attributes.spans.results import span_results
from eclip.tasks.attributes.spans.states import TokenStates
from eclip.tasks.attributes.spans.tagger import Span
from eclip.tasks.attributes.spans.words import find_value, split_words, value_keys


@pytest.mark.parametrize(
    ("title", "texts"),
    [
        ("Mora Hoodie-M-Blue", ("Mora", "Hoodie", "-", "M", "-", "Blue")),
        ("Men's tee, 500ml", ("Men's", "tee", ",", "500ml")),
        ("베리제KX-20 노트북", ("베리제", "KX", "-", "20", "노트북")),
        ("", ()),
    ],
)
def test_titles_part_into_words_of_one_script(title, texts):
    words = split_words(title)
    assert words.texts == texts
    assert tuple(title[a:b] for a, b in zip(words.starts, words.ends, strict=True)) == texts


def test_values_stand_in_titles_whatever_signs_part_their_words():
    words = split_words("Velo EN 4583-BR3 boot, ＥＮ-4583 (br3)")
    assert find_value(words, value_keys("en-4583-BR3")) == [(1, 5), (7, 12)]
    assert find_value(split_words("Men's tee"), value_keys("S")) == []
    assert find_value(words, ()) == []


def test_longer_values_are_tagged_first_and_titles_without_one_say_nothing():
    words = split_words("Navy Blue and red hat")
    assert tag_values(words, ["Blue", "Navy Blue", "Red"]).tolist() == [1, 2, 0, 1, 0]
    assert tag_values(words, ["green"]).tolist() == [UNKNOWN] * 5
    assert tag_values(words, []).tolist() == [UNKNOWN] * 5


def test_the_best_tags_are_those_of_trying_all():
    chances = np.log(np.random.default_rng(0).dirichlet([1, 1, 1], size=(20, 5)))
    lengths = np.array([1, 2, 3, 4, 5] * 4)
    found = best_tags(chances, lengths)
    for row, length in enumerate(lengths):
        allowed = [
            tags
            for tags in product(range(3), repeat=int(length))
            if all(tag != INSIDE or (place and tags[place - 1] != OUTSIDE) for place, tag in enumerate(tags))
        ]
        best = max(allowed, key=lambda tags: sum(chances[row, place, tag] for place, tag in enumerate(tags)))
        assert tuple(found[row, :length]) == best
        assert (found[row, length:] == OUTSIDE).all()
    assert spans_of(np.array([1, 2, 0, 1, 1, 2, 2])) == [(0, 2), (3, 4), (4, 7)]


def test_an_answer_is_the_titles_own_text_without_signs_at_its_ends():
    title = "new! EN-4583 - boot"
    words = split_words(title)
    assert span_text(words, title, Span(first=1, end=6, score=1.0)) == "EN-4583"
    assert span_text(words, title, Span(first=1, end=2, score=1.0)) == ""


def test_looks_of_words():
    assert [word_shape(word) for word in ("EV", "6634", "Blue", "iPhone", "베리제", "L's")] == [
        "XX",
        "99",
        "Xxx",
        "xXxx",
        "한한",
        "X'x",
    ]


def test_names_in_another_script_are_told_from_words_for_products():
    titles = [split_words(f"남색 {kind}") for kind in ("셔츠", "모자", "바지")] * 6
    titles += [split_words("인공눈물 남색")] * 8
    values = [("navy",)] * len(titles)
    categories = ["shirts", "hats", "trousers"] * 6 + ["eye drops"] * 8
    names = {"회색": "grey", "빨강": "red"}
    others = [split_words(f"{kind} {name}") for name in names for kind in ("셔츠", "모자", "바지")] * 8
    both = titles + others, values + [(value,) for value in names.values() for _ in range(3)] * 8
    found = find_aliases(*both, categories + categories[:3] * 16)
    assert found == {"남색": "navy", **names}
    assert find_aliases(*both, [None] * len(both[0])) == {}  # no categories to tell by
    assert find_aliases(titles, values, categories) == {}  # a value that all have comes with any word
    assert known_names(["PUMA", "Puma", "Puma"], {"푸마": "Puma"}) == {"puma": "Puma", "푸마": "Puma"}


@pytest.mark.parametrize("make", [tiny, text])
def test_states_are_those_of_the_very_tokens_that_the_model_reads(make):
    titles = ["Mora blue hoodie 500ml", "모라 남색 후드", "x", "Mora Mora-Mora"]
    torch.manual_seed(0)
    encoder = make(titles)
    encoder.module.eval()
    tower = TokenStates.of(encoder)
    words = [split_words(title) for title in titles]
    found = tower.of_words(titles, words)
    assert found.shape[0] == sum(map(len, words))
    start = 0
    for title, own in zip(titles, words, strict=True):
        encoded = tower.tokenizer.encode(title)
        tokens = encoder.tokenize([title])
        assert tokens[0, : len(encoded.ids)].tolist() == encoded.ids
        with torch.inference_mode():
            states = tower._states(encoder.trim(tokens))[0].numpy()
        for place in range(len(own)):
            inside = [
                t for t, (a, b) in enumerate(encoded.offsets) if a < own.ends[place] and b > own.starts[place] and a < b
            ]
            assert inside
            assert found[start + place] == pytest.approx(states[inside].mean(axis=0), abs=1e-4)
        start += len(own)


def shop(num_titles: int = 350):
    """Titles in two languages; brand and colour are given as names, half of the rows without a colour."""
    shuffled = np.random.default_rng(0)
    brands = {"Mora": "모라", "Velo Sport": "벨로", "Kinu": "키누", "Taso": "타소"}
    colours = {"red": "빨강", "navy blue": "남색", "green": "초록"}
    kinds = {"hoodie": "후드", "lamp": "램프", "boot": "부츠", "mug": "머그"}
    titles, brand_values, colour_values, categories = [], [], [], []
    for _ in range(num_titles):
        brand, colour, kind = (list(names)[shuffled.integers(len(names))] for names in (brands, colours, kinds))
        code = f"EN-{shuffled.integers(1000, 9999)}"
        if shuffled.random() < 0.4:
            parts = [brands[brand], colours[colour], kinds[kind], code]
        else:
            parts = [brand, code, colour.title(), kind]
        titles.append(" ".join(parts))
        brand_values.append((brand,))
        colour_values.append((colour,) if shuffled.random() < 0.5 else ())
        categories.append(kind)
    split = np.array((["train"] * 5 + ["validation", "test"]) * 100, dtype=object)[:num_titles]
    return titles, {"brand": brand_values, "colour": colour_values}, categories, split


@pytest.mark.parametrize("with_tower", [True, False])
@pytest.mark.slow
def test_values_are_found_in_titles_of_both_languages_and_kept_on_disk(tmp_path, with_tower):
    titles, values, categories, split = shop()
    tower = TokenStates.of(tiny(titles)) if with_tower else None
    values["care"] = [("wash",)] * len(titles)
    extractor, skipped = fit_spans(titles, values, split, categories=categories, tower=tower, seed=0)
    assert [each.reason.split(":")[0] for each in skipped] == ["care in titles"]
    new = ["Velo Sport EN-1234 Navy Blue lamp", "모라 빨강 머그 EN-4321", None, ""]
    found = extractor.answers(new, tower)
    assert [answer[0].value for answer in found["brand"][:2]] == ["Velo Sport", "Mora"]
    assert [answer[0].value for answer in found["colour"][:2]] == ["navy blue", "red"]
    assert found["brand"][0][0].text == "Velo Sport"
    assert found["brand"][0][0].sure
    assert found["brand"][2:] == [(), ()]
    extractor.save(tmp_path)
    assert SpanExtractor.load(tmp_path).answers(new, tower) == found
    test = np.flatnonzero(split == "test")
    own = [titles[row] for row in test]
    said = extractor.answers(own, tower)["colour"]
    figures = span_results("colour", extractor, own, said, [values["colour"][row] for row in test])
    assert {each.metric: each.value for each in figures}["precision"] > 0.9


def test_a_brand_never_seen_is_found_by_its_place_and_looks():
    titles, values, categories, split = shop()
    extractor, _ = fit_spans(titles, values, split, categories=categories, tower=None, seed=0)
    found = extractor.answers(["Zorin EN-1234 Red lamp"], None)["brand"][0]
    assert [answer.value for answer in found] == ["Zorin"]


def test_an_attribute_is_foreign_where_far_fewer_listings_bear_it_than_elsewhere():
    given = {"phone": (40, 50), "camera": (30, 60), "controller": (0, 40), "lens": (1, 60), "rare": (0, 4)}
    values, categories = [(), ("four",)], [None, None]
    for category, (bearing, count) in given.items():
        values += [("two",)] * bearing + [()] * (count - bearing)
        categories += [category] * count
    assert foreign_categories(values, categories) == {"controller", "lens"}  # of "rare" nobody can say
    sparse = [("two",)] + [()] * 19 + [()] * 20
    assert foreign_categories(sparse, ["phone"] * 20 + ["controller"] * 20) == set()


def test_what_is_foreign_to_all_that_a_listing_may_be_is_not_sought_in_its_title(tmp_path):
    titles, values, categories, split = shop()
    values["colour"] = [() if kind == "mug" else own for kind, own in zip(categories, values["colour"], strict=True)]
    extractor, _ = fit_spans(titles, values, split, categories=categories, tower=None, seed=0)
    assert extractor.attributes["colour"].foreign == {"mug"}
    extractor.save(tmp_path)
    extractor = SpanExtractor.load(tmp_path)
    assert extractor.knows_categories
    title = "Mora EN-1234 Red mug"
    found = extractor.answers([title] * 4, None, [("mug",), ("mug", "boot"), (), ("new",)])
    assert [bool(answer) for answer in found["colour"]] == [False, True, True, True]
    assert all(found["brand"])
