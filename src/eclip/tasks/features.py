"""The one way that features are made of vectors.

A modality is "image", "text" or "both". A row lacks a modality where its vector is NaN; "both" needs at
least one of the two, and a missing half is zeros.
"""

from __future__ import annotations

import numpy as np

from eclip.tasks.results import MODALITIES


def features(image_vectors: np.ndarray, text_vectors: np.ndarray, modality: str) -> tuple[np.ndarray, np.ndarray]:
    """Features of a modality, from vectors [N, D] with NaN rows where missing.

    Args:
        image_vectors: [N, D].
        text_vectors: [N, D].
        modality: "image", "text", or "both" = the two side by side, [N, 2D].

    Returns:
        Features without NaN (zeros where missing), and a mask [N] of the rows that have the modality.
    """
    if modality not in MODALITIES:
        raise ValueError(f"unknown modality {modality!r}, expected one of {', '.join(MODALITIES)}")
    has_image, has_text = present_rows(image_vectors), present_rows(text_vectors)
    image = np.where(has_image[:, None], image_vectors, np.float32(0))
    text = np.where(has_text[:, None], text_vectors, np.float32(0))
    if modality == "image":
        return image, has_image
    if modality == "text":
        return text, has_text
    return np.concatenate([image, text], axis=1), has_image | has_text


def present_rows(vectors: np.ndarray) -> np.ndarray:
    """Mask [N] of the rows of a matrix that hold a vector."""
    if not vectors.shape[1]:
        return np.zeros(len(vectors), dtype=bool)
    return ~np.isnan(vectors[:, 0])


def complete_rows(image_vectors: np.ndarray, text_vectors: np.ndarray, modality: str) -> np.ndarray:
    """Mask [N] of the rows that have all that a modality reads: "both" wants picture and title.

    A row that lacks a half is answered by the other half's head, so it says nothing of how sure that of both may be.
    """
    has_image, has_text = present_rows(image_vectors), present_rows(text_vectors)
    return {"image": has_image, "text": has_text, "both": has_image & has_text}[modality]


def search_vectors(image_vectors: np.ndarray, text_vectors: np.ndarray, modality: str) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows for nearest neighbours in a modality (zeros where missing), and the mask of present rows.

    "both" is the product vector, the unit mean of what is there; towers of no common space (other D) give
    the unit concatenation, whose inner product is the mean of the two cosines.
    """
    if modality == "both" and image_vectors.shape[1] == text_vectors.shape[1]:
        image, _ = features(image_vectors, text_vectors, "image")
        text, _ = features(image_vectors, text_vectors, "text")
        matrix, mask = image + text, present_rows(image_vectors) | present_rows(text_vectors)
    else:
        matrix, mask = features(image_vectors, text_vectors, modality)
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return (matrix / np.maximum(lengths, 1e-12)).astype(np.float32), mask
