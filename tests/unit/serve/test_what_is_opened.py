from __future__ import annotations

from pathlib import Path

from eclip.schema import MODEL_MANIFEST, MODEL_TASKS, STORE_INDEX_POINTER, STORE_MANIFEST
from eclip.serve.opening import ShopSource


def test_anything_that_answers_are_made_of_changes_the_fingerprint(tmp_path: Path) -> None:
    store, model = tmp_path / "store", tmp_path / "model"
    source = ShopSource(str(store), model)
    seen = {source.fingerprint()}
    changed = (
        store / STORE_MANIFEST,
        store / STORE_INDEX_POINTER,
        model / MODEL_MANIFEST,
        model / MODEL_TASKS / "adult" / "task.json",
    )
    for number, file in enumerate(changed, start=2):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
        seen.add(source.fingerprint())
        assert len(seen) == number, file
    assert source.fingerprint() in seen
