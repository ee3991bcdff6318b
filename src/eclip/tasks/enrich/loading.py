"""What answering a feed needs of a model and a store, read once: by the command, and by each machine that helps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eclip.errors import ConfigError
from eclip.model.encoder import Encoder
from eclip.products.store import Store
from eclip.schema import SPLITS
from eclip.tasks.adult.counted import CountedPolicies
from eclip.tasks.attributes.zeroshot import ZeroShot, fit_zero_shot
from eclip.tasks.catalogue import read_catalogue
from eclip.tasks.enrich.answerers import Answerers, load_answerers
from eclip.tasks.enrich.corpus import Corpus


@dataclass(frozen=True)
class Loaded:
    """A model's tasks and the store that they compare with.

    Attributes:
        answerers: One a fitted task.
        corpus: The store's listings; None = no store.
    """

    answerers: Answerers
    corpus: Corpus | None

    @classmethod
    def of(
        cls, encoder: Encoder, tasks: Path, store: Store | None, values: Mapping[str, Sequence[str]] | None
    ) -> Loaded:
        """Read them.

        Args:
            encoder: The model.
            tasks: MODEL/tasks.
            store: With vectors of the model; None = listings are compared with each other.
            values: By attribute, values that are known by name alone; None = none.

        Raises:
            ConfigError: An attribute of `values` has fewer than two of them, or the model reads no words.
            ModelError: A task was fitted on vectors of another model.
            StoreError: The store has no vectors of this model.
        """
        corpus = Corpus.of(store, encoder.digest) if store else None
        by_name = place_values(values, encoder, store) if values else []
        counted = CountedPolicies.of(store) if store else None
        return cls(load_answerers(tasks, encoder, corpus, by_name=by_name, counted=counted), corpus)


def place_values(values: Mapping[str, Sequence[str]], encoder: Encoder, store: Store | None) -> list[ZeroShot]:
    """Attributes whose values are known by name alone, where the model's text tower puts them.

    The store's validation listings that have such values, if any, say how far to trust pictures, titles and the answer.

    Args:
        values: By attribute.
        encoder: The model.
        store: With vectors of this model; None = no answer is ever sure.

    Raises:
        ConfigError: An attribute has fewer than two values, or the model reads no words.
    """
    if "text" not in encoder.modalities:
        raise ConfigError("this model reads no words, so that values can't be known by their names: leave out --values")
    catalogue = None if store is None else read_catalogue(store, encoder.digest)
    rows = np.zeros(0, dtype=np.int64) if catalogue is None else catalogue.rows_of(SPLITS[1])
    nothing = np.zeros((0, encoder.embed_dim), dtype=np.float32)
    return [
        fit_zero_shot(
            name,
            names,
            encoder.encode_text,
            scale=float(encoder.module.logit_scale.detach().exp()),
            image_vectors=nothing if catalogue is None else catalogue.image_vectors[rows],
            text_vectors=nothing if catalogue is None else catalogue.text_vectors[rows],
            truth=[] if catalogue is None else [catalogue.attributes[row].get(name, ()) for row in rows.tolist()],
        )
        for name, names in values.items()
    ]
