"""The lexical expert: terms of titles, its heads, its share beside the vectors, storage."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest

from eclip.errors import ModelError
from eclip.tasks.evaluation.evaluate import evaluate_tasks
from eclip.tasks.fit import fit_modal_heads, fit_tasks, head_targets
from eclip.tasks.heads import lexical
from eclip.tasks.heads.lexical import (
    DEFAULT_SHARE,
    MAX_TERMS,
    LexicalHeads,
    TitleTerms,
    choose_share,
    combine,
    max_terms_for,
)
from eclip.tasks.heads.lexical_training import fit_lexical
from eclip.tasks.heads.linear import Head, LinearHeads, Target
from eclip.tasks.heads.modal import ModalHeads

NOBODY = np.zeros(0, dtype=np.int64)


def korean_titles(num: int = 400) -> tuple[list[str], np.ndarray]:
    """Titles whose one word of colour stands anywhere, with an ending glued to it."""
    shuffled = np.random.default_rng(0)
    codes = shuffled.integers(3, size=num)
    colours, things, endings = ("빨강", "초록", "파랑"), ("머그", "셔츠", "램프", "모자"), ("", "색", "이")
    titles = [
        f"{shuffled.choice(things)} {colours[code]}{shuffled.choice(endings)} {shuffled.choice(things)} 무료배송"
        for code in codes
    ]
    return titles, codes


def lexical_of(titles, codes, labels, shares) -> LexicalHeads:
    terms = TitleTerms.of(titles, max_terms=MAX_TERMS)
    target = Target(name="x", labels=labels, codes=codes)
    rows = np.arange(len(titles))
    return LexicalHeads(
        terms, fit_lexical(terms.features(titles), [target], train_rows=rows, validation_rows=NOBODY, seed=0), shares
    )


def test_features_are_two_unit_halves_whatever_the_case():
    terms = TitleTerms.of(["Red mug", "blue lamp", "blue mug"], max_terms=MAX_TERMS)
    matrix = terms.features(["red MUG", "Red mug", None, "", "!?", "qqq"])
    words = len(terms.buckets[0])
    assert words == 7  # red, mug, blue, lamp and three pairs
    assert matrix.shape == (6, terms.num_terms)
    assert (matrix[0] != matrix[1]).nnz == 0
    for half in (matrix[:2, :words], matrix[:2, words:]):
        assert np.sqrt(half.multiply(half).sum(axis=1)) == pytest.approx(1, abs=1e-6)
    assert np.diff(matrix.indptr)[2:].tolist() == [0, 0, 0, 0]
    # By hand: of the words "red", "mug" and the pair, "mug" is in two of three titles, the others in one.
    rare, common = np.log(4 / 2) + 1, np.log(4 / 3) + 1
    length = np.sqrt(2 * rare**2 + common**2)
    assert sorted(matrix[0, :words].data) == pytest.approx([common / length, rare / length, rare / length])


def test_titles_are_counted_some_at_a_time(monkeypatch):
    titles = [*korean_titles(40)[0], None, ""]
    whole = TitleTerms.of(titles, max_terms=500)
    expected = whole.features(titles)
    sizes: list[int] = []
    counted = lexical._counts
    monkeypatch.setattr(lexical, "_counts", lambda some: sizes.append(len(some)) or counted(some))
    monkeypatch.setattr(lexical, "TITLES_AT_ONCE", 8)
    terms = TitleTerms.of(titles, max_terms=500)
    assert max(sizes) == 8
    for ours, theirs in zip((*terms.buckets, *terms.idf), (*whole.buckets, *whole.idf), strict=True):
        assert np.array_equal(ours, theirs)
    found = terms.features(titles)
    assert max(sizes) == 8
    assert (found != expected).nnz == 0
    assert terms.features([]).shape == (0, terms.num_terms)


def test_terms_are_bounded_and_those_of_one_title_fall_away_in_large_stores():
    titles = [f"mug {row}" for row in range(1000)]
    # Of 2,001 words and pairs one is left, and the few that share a bucket.
    assert 1 <= len(TitleTerms.of(titles, max_terms=MAX_TERMS).buckets[0]) < 20
    assert len(TitleTerms.of(titles[:999], max_terms=MAX_TERMS).buckets[0]) > 1900
    assert len(TitleTerms.of(titles[:999], max_terms=5).buckets[0]) == 5
    assert max_terms_for(240) == MAX_TERMS
    assert 2 * 5000 * max_terms_for(5000) <= 2**24
    assert TitleTerms.of([], max_terms=5).num_terms == 0
    assert TitleTerms.of([None, ""], max_terms=5).features(["mug"]).nnz == 0


def test_korean_words_with_endings_are_learned():
    titles, codes = korean_titles()
    heads = lexical_of(titles[:300], codes[:300], ("red", "green", "blue"), {})
    chances = heads.linear.probabilities("x", heads.terms.features(titles[300:]))
    assert np.mean(chances.argmax(axis=1) == codes[300:]) > 0.98
    assert chances.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_rows_without_a_label_and_rare_classes():
    titles, colours = korean_titles()
    # Every other title says nothing of a class of one in fifty.
    rare = (np.arange(400) % 50 == 0).astype(np.int64)
    marked = [f"{title} 성인" if code else title for title, code in zip(titles, rare, strict=True)]
    terms = TitleTerms.of(marked, max_terms=MAX_TERMS)
    colours = np.where(np.arange(400) % 3 == 0, -1, colours)
    targets = [
        Target(name="rare", labels=("no", "yes"), codes=rare, balanced=True),
        Target(name="colour", labels=("red", "green", "blue"), codes=colours),
    ]
    matrix = terms.features(marked)
    heads = fit_lexical(matrix, targets, train_rows=np.arange(300), validation_rows=np.arange(300, 350), seed=0)
    chances = heads.probabilities("rare", matrix[301:])[:, 1]
    assert chances[rare[301:] == 1].min() > max(5 / 50, chances[rare[301:] == 0].max())
    known = np.flatnonzero(colours[350:] >= 0) + 350
    assert np.mean(heads.probabilities("colour", matrix[known]).argmax(axis=1) == colours[known]) > 0.95


def test_the_epoch_with_the_least_validation_loss_is_kept():
    titles, codes = korean_titles()
    terms = TitleTerms.of(titles, max_terms=MAX_TERMS)
    matrix = terms.features(titles)
    shuffled = np.random.default_rng(1).permutation(codes)  # nothing to learn but by heart
    target = Target(name="x", labels=("red", "green", "blue"), codes=shuffled)

    def loss(validation_rows):
        heads = fit_lexical(matrix, [target], train_rows=np.arange(200), validation_rows=validation_rows, seed=0)
        return -np.log(heads.probabilities("x", matrix[200:])[np.arange(200), shuffled[200:]]).mean()

    assert loss(np.arange(200, 400)) < loss(NOBODY) - 0.2


def test_combining_by_hand():
    vector, lexical = np.array([[0.8, 0.2], [0.5, 0.5]]), np.array([[0.2, 0.8], [0.9, 0.1]])
    assert np.array_equal(combine(vector, lexical, 0.0), vector)
    assert np.array_equal(combine(vector, lexical, 1.0), lexical)
    assert combine(vector, lexical, 0.5) == pytest.approx(np.array([[0.5, 0.5], [0.75, 0.25]]))
    assert combine(vector, lexical, np.array([0.0, 1.0])) == pytest.approx(np.array([[0.8, 0.2], [0.9, 0.1]]))
    # A class that one expert rules out is not ruled out for good.
    assert combine(np.array([[0.01, 0.99]]), np.array([[1.0, 0.0]]), 0.1)[0, 1] > 0.9


def test_the_share_goes_to_the_expert_who_knows():
    codes = np.array([0, 1, 0, 1, -1])
    knows = np.where(np.array([0, 1, 0, 1, 0])[:, None] == np.arange(2), 0.95, 0.05)
    guesses = np.where(np.array([1, 0, 0, 1, 0])[:, None] == np.arange(2), 0.9, 0.1)
    assert choose_share(guesses, knows, codes) == 1.0
    assert choose_share(knows, guesses, codes) == 0.0
    # Each knows half of the rows and is unsure of the others: together they are better.
    first = np.where(np.array([0, 1, 9, 9, 9])[:, None] == np.arange(2), 0.95, 0.05)
    first[2:] = 0.5
    second = first[[2, 3, 0, 1, 4]]
    assert 0 < choose_share(first, second, codes) < 1
    assert choose_share(knows, guesses, np.full(5, -1)) == DEFAULT_SHARE


def test_saved_lexical_heads_answer_as_before_and_hold_no_pickle(tmp_path):
    titles, codes = korean_titles()
    heads = lexical_of(titles, codes, ("red", "green", "blue"), {"text": {"x": 0.3}})
    heads.save(tmp_path / "lexical")
    loaded = LexicalHeads.load(tmp_path / "lexical")
    before = heads.linear.probabilities("x", heads.terms.features(titles))
    after = loaded.linear.probabilities("x", loaded.terms.features(titles))
    assert after.dtype == np.float32
    assert after == pytest.approx(before, abs=2e-3)
    assert (loaded.share("text", "x"), loaded.share("both", "x"), loaded.share("text", "y")) == (0.3, 0.0, 0.0)
    suffixes = {path.suffix for path in (tmp_path / "lexical").rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors"}
    config = tmp_path / "lexical" / "lexical.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "version": 99}))
    with pytest.raises(ModelError, match="version 99, expected 1"):
        LexicalHeads.load(tmp_path / "lexical")
    config.write_text("{}")
    with pytest.raises(ModelError, match="no readable heads"):
        LexicalHeads.load(tmp_path / "lexical")


def test_the_share_rules_the_answer_and_rows_without_a_title_are_the_vectors():
    titles, codes = korean_titles(60)
    titles[0], titles[1] = None, "zzz"  # a title without a known term says as little as none
    shuffled = np.random.default_rng(0)
    head = Head(
        labels=("red", "green", "blue"), weight=shuffled.normal(size=(3, 4)).astype(np.float32), bias=np.zeros(3)
    )
    wide = Head(labels=head.labels, weight=np.tile(head.weight, 2), bias=head.bias)
    linear = {m: LinearHeads({"x": wide if m == "both" else head}) for m in ("image", "text", "both")}
    images, texts = shuffled.normal(size=(2, 60, 4)).astype(np.float32)
    plain = ModalHeads(linear)
    known = lexical_of(titles[2:], codes[2:], head.labels, {})

    def answers(share, modality):
        heads = ModalHeads(linear, replace(known, shares={"text": {"x": share}, "both": {"x": share}}))
        return heads.probabilities("x", modality, heads.inputs(images, texts, titles), np.arange(60))

    own = known.linear.probabilities("x", known.terms.features(titles))
    for modality in ("image", "text", "both"):
        vector = plain.probabilities("x", modality, plain.inputs(images, texts, titles), np.arange(60))
        assert np.array_equal(answers(0.0, modality), vector)
        whole = answers(1.0, modality)
        assert np.array_equal(whole[:2], vector[:2])
        assert np.array_equal(whole[2:], (vector if modality == "image" else own)[2:])


@pytest.fixture(scope="module")
def few(catalogue):
    """A third of the catalogue: enough to tell who knows."""
    rows = slice(0, 240)
    columns = {each.name: getattr(catalogue, each.name) for each in fields(catalogue)}
    return replace(catalogue, **{name: value[rows] for name, value in columns.items() if value is not None})


def noisy_vectors(catalogue):
    noise = np.random.default_rng(5).normal(size=(2, *catalogue.image_vectors.shape)).astype(np.float32)
    noise /= np.linalg.norm(noise, axis=2, keepdims=True)
    return catalogue.with_vectors(noise[0], noise[1])


def test_titles_win_where_vectors_know_nothing(few, tmp_path):
    blind = noisy_vectors(few)
    summary = fit_tasks(blind, tmp_path, tasks=["category"], seed=0)[0]
    assert min(summary.lexical_shares[m]["category"] for m in ("text", "both")) >= 0.9
    report = evaluate_tasks(blind, tmp_path, pretrained=blind, seed=0)
    accuracy = {
        (r.method, r.modality): r.value for r in report.results if (r.task, r.metric) == ("category", "accuracy")
    }
    assert accuracy["eclip", "text"] == accuracy["eclip", "both"] == accuracy["tf-idf", "text"] > 0.95
    assert accuracy["eclip", "image"] < 0.5
    assert accuracy["pretrained", "both"] < 0.5


@pytest.mark.slow
def test_vectors_win_where_titles_say_nothing(few, tmp_path):
    mute = replace(few, titles=[f"item {row * 7 % 240}" for row in range(few.num_rows)])
    summary = fit_tasks(mute, tmp_path, tasks=["category"], seed=0)[0]
    assert max(summary.lexical_shares[m]["category"] for m in ("text", "both")) <= 0.2
    heads = ModalHeads.load(tmp_path / "category")
    assert heads.lexical is not None
    rows = few.rows_of("test")
    inputs = heads.inputs(mute.image_vectors, mute.text_vectors, mute.titles)
    found = heads.probabilities("category", "both", inputs, rows).argmax(axis=1)
    paths = [tuple(heads.labels("both", "category")[code].split(" > ")) for code in found]
    assert np.mean([path == few.categories[row] for path, row in zip(paths, rows, strict=True)]) > 0.9


@pytest.mark.slow
def test_no_validation_rows_and_no_titles(few, tmp_path):
    nobody = replace(few, split=np.where(few.split == "validation", "train", few.split))
    summary = fit_tasks(nobody, tmp_path, tasks=["category"], seed=0)[0]
    assert summary.lexical_shares == {m: {"category": DEFAULT_SHARE} for m in ("text", "both")}
    silent = replace(few, titles=[None] * few.num_rows)
    summary = fit_tasks(silent, tmp_path, tasks=["category"], seed=0)[0]
    assert summary.lexical_shares == {}
    assert ModalHeads.load(tmp_path / "category").lexical is None


@pytest.mark.slow
def test_heads_over_pretrained_vectors_have_no_lexical_expert(few):
    targets, _ = head_targets(few, ["category", "adult"])
    assert all(heads.lexical is None for heads in fit_modal_heads(few, targets, seed=0).values())
