"""Clustering from listings to clusters: learned on a drawn market of sellers, tried on another one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eclip.errors import ModelError
from eclip.metrics import cluster_scores
from eclip.tasks.clustering.catalogs import cluster_listings, fit_clustering, rules_that_hold
from eclip.tasks.clustering.certainty import certainty, review_queue
from eclip.tasks.clustering.edgemodel import EdgeModel
from eclip.tasks.clustering.listings import Listings

pytestmark = pytest.mark.slow

NOUNS = ["kettle", "lamp", "fridge", "phone", "tv", "oven"]
BRANDS = ["acme", "borel", "cando", "dulux"]


def market(seed, num_products=260):
    """Offers of several sellers: brand, noun, a code in one of two forms, and the seller's own words."""
    rng = np.random.default_rng(seed)
    titles, sellers, truth = [], [], []
    for product in range(num_products):
        letters = "".join(rng.choice(list("bcdfghkmprtvx"), 2))
        code = f"{letters}{rng.integers(10, 99)}{rng.choice(list('abcxyz'))}{rng.integers(100, 999)}"
        name = f"{rng.choice(BRANDS)} {{}} {rng.choice(NOUNS)}"
        for seller in rng.permutation(8)[: rng.integers(1, 5)]:
            form = [code, f"{code}uk", ""][rng.choice(3, p=[0.7, 0.2, 0.1])]
            titles.append(f"{name.format(form)} {['free delivery', 'new', 'offer', ''][seller % 4]}")
            sellers.append(str(seller))
            truth.append(product)
    return Listings.of_columns({"title": titles, "seller": sellers}), np.array(truth)


@pytest.fixture(scope="module")
def model():
    given, truth = market(0)
    fitted = fit_clustering(given, truth, seed=0)
    assert fitted is not None
    return fitted


def test_clusters_of_other_products_are_right_and_keep_the_rule(model):
    given, truth = market(1)
    found = cluster_listings(given, model)
    scores = cluster_scores(truth, found.clusters)
    assert model.one_a_seller
    assert scores.pairwise_f1 > 0.8
    together = np.stack([found.clusters, given.sellers], axis=1)
    assert len(np.unique(together, axis=0)) == len(together)
    sure = found.certainty.confidence
    right = np.array([len(set(truth[found.clusters == c])) == 1 for c in found.clusters])
    assert sure[right].mean() > sure[~right].mean()


def test_a_model_that_was_kept_judges_alike(model):
    given, _ = market(2, 60)
    again = EdgeModel.from_json(json.loads(json.dumps(model.as_json())))
    assert np.array_equal(cluster_listings(given, again).clusters, cluster_listings(given, model).clusters)
    with pytest.raises(ModelError, match="columns"):
        EdgeModel.from_json({**model.as_json(), "names": []})


def test_order_of_listings_is_no_matter(model):
    given, _ = market(3, 60)
    turned = np.random.default_rng(0).permutation(len(given))
    straight, other = cluster_listings(given, model).clusters, cluster_listings(given.take(turned), model).clusters
    assert cluster_scores(straight[turned], other).pairwise_f1 > 0.99


def test_barcodes_keep_listings_apart_only_where_that_is_a_rule():
    titles = ["acme kettle"] * 4
    truth = np.array([0, 0, 1, 1])
    given = Listings.of_columns({"title": titles, "gtin": ["4006381333931"] * 2 + ["0036000291452"] * 2})
    assert rules_that_hold(given, truth) == (False, ("gtin", "model_number"))
    assert rules_that_hold(given, np.zeros(4, int)) == (False, ("model_number",))
    sold = Listings.of_columns({"title": titles, "seller": ["a", "b", "a", "b"]})
    assert rules_that_hold(sold, truth)[0]
    assert not rules_that_hold(sold, np.zeros(4, int))[0]


def test_too_little_to_learn_from_is_none():
    given, truth = market(0, 10)
    assert fit_clustering(given, truth, seed=0) is None


def test_certainty_by_hand():
    clusters = np.array([0, 0, 1, 2])
    found = certainty(clusters, np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([0.9, 0.4, 0.2]), missing=0.0)
    assert found.confidence.tolist() == pytest.approx([0.9, 0.9, 0.7, 1.0])
    assert found.nearest.tolist() == [1, 1, 0, -1]
    assert found.nearest_probability.tolist() == pytest.approx([0.2, 0.4, 0.3, 0.0])
    first, *rest = review_queue(clusters, found, most=5)
    assert (first.kind, {first.cluster, first.other}, first.row) == ("merge?", {0, 1}, 1)
    assert [doubt.kind for doubt in rest] == ["split?"]
    assert len(review_queue(clusters, found, most=1)) == 1
