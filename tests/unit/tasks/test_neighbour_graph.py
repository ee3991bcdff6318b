"""The neighbour graph of listings, and what is known of its edges."""

from __future__ import annotations

import numpy as np
import pytest

from eclip.tasks.clustering.context import context_features
from eclip.tasks.clustering.edge_loops import WORD_FEATURES
from eclip.tasks.clustering.edges import edge_features, leads
from eclip.tasks.clustering.graph import neighbour_graph
from eclip.tasks.clustering.listings import Listings
from eclip.tasks.clustering.terms import CODE, COLOUR, NUMBER, QUANTITY, title_terms
from eclip.tasks.nearvectors import NearVectors
from eclip.tasks.neighbours import nearest_rows

TITLES = [
    "acme zk65mu8310uxxu 65 inch smart tv",
    "acme tv zk65mu8310 black free delivery",
    "acme ue55nu7400uxxu 55 inch smart tv",
    "lamp kettle 32 gb free delivery",
    "kettle lamp 32gb red",
    None,
]
SELLERS = ["x", "y", "x", "y", "z", "z"]


def listings(titles=TITLES, sellers=SELLERS, **columns):
    return Listings.of_columns({"title": titles, "seller": sellers, **columns})


def read(given):
    terms = title_terms(given.titles, given.sellers)
    graph = neighbour_graph(given, terms, sellers=given.sellers)
    return terms, graph, edge_features(given, terms, graph, given.sellers)


def pairs(graph):
    return list(zip(graph.left.tolist(), graph.right.tolist(), strict=True))


def test_codes_are_found_in_whatever_form_and_never_at_one_seller():
    _, graph, told = read(listings())
    assert (0, 1) in pairs(graph)
    assert (0, 2) not in pairs(graph)  # one seller's
    assert all(5 not in pair for pair in pairs(graph))  # no title
    near = pairs(graph).index((0, 1))
    assert told["codes alike"][near] == pytest.approx(0.95)  # a head of the other


def test_a_number_and_its_unit_are_one_word():
    _, graph, told = read(listings())
    edge = pairs(graph).index((3, 4))
    assert told["quantities shared"][edge] >= 1
    assert told["colours alone, more"][edge] == 1


def test_words_that_a_seller_writes_everywhere_tell_less():
    titles = [f"kettle{number} sim free" for number in range(6)] + ["kettle0", "lamp free"]
    given = listings(titles, ["x"] * 6 + ["y", "z"])
    terms = title_terms(given.titles, given.sellers)
    first = slice(terms.words.indptr[0], terms.words.indptr[1])
    own, boilerplate = terms.alone[first] / terms.words.data[first], terms.words.data[first].argmax()
    assert own[boilerplate] == pytest.approx(1.0)  # kettle0, which the seller writes once
    assert sorted(own)[0] < 0.1  # "sim" is on all six


def test_kinds_of_words():
    terms = title_terms(["red 32gb kd55xf8596 wm3 12 lamp"], np.array([-1]))
    assert sorted(terms.kinds.tolist()) == sorted(
        [COLOUR, NUMBER | QUANTITY, NUMBER | CODE, NUMBER, NUMBER | QUANTITY, 0]
    )


def test_features_do_not_depend_on_the_order_of_rows():
    given = listings()
    _, graph, told = read(given)
    turned = np.arange(len(given))[::-1].copy()
    _, other_graph, other = read(given.take(turned))
    place = {pair: at for at, pair in enumerate(pairs(other_graph))}
    assert len(place) == len(pairs(graph))
    for at, (left, right) in enumerate(pairs(graph)):
        there = place[len(given) - 1 - right, len(given) - 1 - left]
        for name in WORD_FEATURES:
            assert told[name][at] == pytest.approx(other[name][there], abs=1e-6), name


@pytest.mark.parametrize("seed", range(5))
def test_leads_equal_the_obvious_way(seed):
    rng = np.random.default_rng(seed)
    left, right = np.triu_indices(9, k=1)
    kept = rng.random(len(left)) < 0.6
    left, right, scores = left[kept], right[kept], rng.random(kept.sum())
    sellers = rng.integers(-1, 3, 9)

    def lead(one, other, score):
        rivals = [0.0]
        for a, b, s in zip([*left, *right], [*right, *left], [*scores, *scores], strict=True):
            if b == other and a != one and sellers[a] == sellers[one] >= 0:
                rivals.append(s)
        return score - max(rivals)

    expected = [sorted([lead(a, b, s), lead(b, a, s)]) for a, b, s in zip(left, right, scores, strict=True)]
    less, more = leads(scores, left, right, sellers)
    assert np.stack([less, more], axis=1) == pytest.approx(np.array(expected))


def test_third_listings_support_or_contradict():
    left, right = np.array([0, 0, 1, 0]), np.array([1, 2, 2, 3])
    told = context_features(np.array([0.0, 9.0, 9.0, 9.0]), left, right, np.full(4, -1))
    assert told["support"].tolist() == pytest.approx([1.0, 0.5, 0.5, 0.0], abs=1e-3)
    assert told["contradiction"][0] == pytest.approx(1.0, abs=1e-3)  # 3 is 0's, and not 1's
    assert told["mates expected, more"][0] == pytest.approx(2.5, abs=1e-3)


def test_pictures_link_what_titles_do_not():
    hashes = [5, 7, None, 5, None, None]
    given = listings([None, "lamp", "kettle", "chair", None, None], [None] * 6, perceptual_hash=hashes)
    _, graph, told = read(given)
    assert {(0, 1), (0, 3), (1, 3)} == set(pairs(graph))
    assert told["picture bits"].tolist() == [1.0, 0.0, 1.0]


def test_cells_find_nearly_all_exact_neighbours():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, 16))
    vectors = (centres[rng.integers(0, 60, 3000)] + 0.4 * rng.normal(size=(3000, 16))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact, _ = nearest_rows(vectors, vectors, 5, own_rows=np.arange(3000))
    everyone = np.arange(3000)
    assert np.array_equal(NearVectors.of(vectors).near(vectors, 5, own_rows=everyone), exact)
    near = NearVectors.of(vectors, exact_rows=100)
    found = near.near(vectors, 5, own_rows=everyone)
    hits = [len(set(one) & set(two)) for one, two in zip(found.tolist(), exact.tolist(), strict=True)]
    assert np.mean(hits) > 0.97 * 5
    assert not any(row in own for row, own in enumerate(found.tolist()))
    others = near.near(vectors[:40], 5, own_rows=np.where(everyone[:40] % 2, -1, everyone[:40]))
    assert [row in own for row, own in enumerate(others.tolist())] == [bool(row % 2) for row in range(40)]
    assert np.array_equal(others[::2], found[:40:2])
