from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from eclip.errors import ModelError
from eclip.serve.batching import BatchingEncoder
from eclip.serve.limits import BATCH_ROWS


class SlowEncoder:
    """Waits until it may go on, so that calls gather behind the first."""

    digest = "d"

    def __init__(self) -> None:
        self.go, self.threads = threading.Event(), set()

    def encode_text(self, texts):
        self.go.wait(10)
        self.threads.add(threading.get_ident())
        if "broken" in texts:
            raise ModelError("can't")
        return np.array([[len(text or ""), hash(text)] for text in texts], dtype=np.float32)

    def encode_image(self, images):
        return -self.encode_text([image.decode() for image in images])


@pytest.fixture
def slow():
    return SlowEncoder()


def asked_together(encoder: BatchingEncoder, slow: SlowEncoder, texts: list[str]):
    with ThreadPoolExecutor(len(texts)) as pool:
        futures = [pool.submit(encoder.encode_text, [text]) for text in texts]
        threading.Timer(0.1, slow.go.set).start()
        return [future.result if future.exception() else future.result() for future in futures]


def test_each_caller_gets_its_own_rows_whatever_was_encoded_with_them(slow):
    batches = []
    encoder = BatchingEncoder(slow, on_batch=lambda kind, rows: batches.append((kind, rows)))
    assert encoder.digest == "d"
    texts = [f"text {i}" for i in range(50)]
    answers = asked_together(encoder, slow, texts)
    for text, answer in zip(texts, answers, strict=True):
        assert np.array_equal(answer, slow.encode_text([text]))
    assert sum(rows for _, rows in batches) == 50
    assert len(batches) <= 4  # the first alone, then as many as fit
    assert max(rows for _, rows in batches) == BATCH_ROWS
    assert len(slow.threads - {threading.get_ident()}) == 1


def test_one_that_can_not_be_encoded_is_no_fault_of_the_others(slow):
    encoder = BatchingEncoder(slow)
    answers = asked_together(encoder, slow, ["a", "broken", "b"])
    assert answers[0][0, 0] == 1
    assert answers[2][0, 0] == 1
    with pytest.raises(ModelError):
        answers[1]()


def test_pictures_and_texts_do_not_mix(slow):
    slow.go.set()
    encoder = BatchingEncoder(slow)
    assert encoder.encode_image([b"abc"])[0, 0] == -3
    assert encoder.encode_text(["abc", None]).shape == (2, 2)
    assert len(encoder.encode_text([])) == 0


def test_the_thread_ends_with_the_encoder(slow):
    slow.go.set()
    encoder = BatchingEncoder(slow)
    encoder.encode_text(["a"])
    (thread,) = (each for each in threading.enumerate() if each.ident in slow.threads)
    del encoder
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_queries_together_are_the_queries_alone():
    """On a real tower: equal to its rounding."""
    from eclip.model.presets import tiny

    plain = tiny(["red linen shirt", "blue jeans of size M, slim fit"], image_size=16)
    encoder = BatchingEncoder(plain)
    texts = ["red shirt", "blue linen jeans of size M, slim fit", "jeans", "red"] * 8
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda text: encoder.encode_text([text])[0], texts))
    for text, vector in zip(texts, together, strict=True):
        assert np.abs(vector - plain.encode_text([text])[0]).max() < 1e-5
