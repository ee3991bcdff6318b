"""How much one request may ask for: every bound of the service in one place."""

from __future__ import annotations

MAX_TOP_K = 100
MAX_QUERY_CHARACTERS = 1_000
MAX_IMAGE_PIXELS = 40_000_000  # of an upload: a small file can hold a huge picture
MAX_UPLOAD_BYTES = 8 * 1024 * 1024
