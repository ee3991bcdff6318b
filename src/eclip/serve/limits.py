"""How much one request may ask for, and how much is done at once: every bound of the service in one place."""

from __future__ import annotations

# --- what a request may hold ---
MAX_TOP_K = 100
MAX_OFFSET = 9_900  # the engine ranks 10,000 products: beyond them nobody looks
MAX_QUERY_CHARACTERS = 1_000
MAX_FILTER_VALUES = 50
MAX_FILTER_CHARACTERS = 300  # of one value: a category path, a brand, name:value
MAX_IMAGE_PIXELS = 40_000_000  # of a JPEG, which is decoded at a fraction of its size
MAX_WHOLE_PIXELS = 25_000_000  # of any other, which is decoded whole: a small file can hold a huge picture
SMALL_IMAGE_PIXELS = 4_000_000  # larger ones are decoded by one thread: 25 million pixels take 500 MB meanwhile
LARGE_PICTURE_SECONDS = 5.0  # that a large one may wait and take
MAX_UPLOAD_BYTES = 8 * 1024 * 1024
FORM_BYTES = 64 * 1024  # a form's own lines and its text, beside the picture
MAX_LISTINGS = 64  # of one /enrich
MAX_LISTINGS_BYTES = 16 * 1024 * 1024  # of one /enrich or /match, pictures in base64 among them
MAX_BODY_SECONDS = 30.0  # in which a body must have come whole
MAX_HEAD_BYTES = 64 * 1024  # of a request's first line and headers; a search of every filter takes 40,000
MAX_HEAD_SECONDS = 10.0  # in which they must have come, from the connection or the request's first byte on
MAX_OFFERS = 100  # sellers shown of one product

# --- how much is done at once ---
ANSWER_THREADS = 8  # searches under way: most of them wait for the towers, which take them together
READ_THREADS = 8  # products and pictures read from the store
TASK_THREADS = 1  # /enrich and /match: each takes all processors by itself
WAITING_ANSWERS = 32  # behind those under way; whoever comes next is told to come again
WAITING_READS = 256  # a page shows two dozen pictures at once
WAITING_TASKS = 8
PATIENCE_SECONDS = 2.0  # an answer that waited longer is not begun: who asked has given up
TASK_PATIENCE_SECONDS = 20.0
RETRY_AFTER_SECONDS = 1
SWITCH_SECONDS = (
    0.0005  # after which a busy thread lets the event loop go on; Python's own 5 ms, times threads, starve it
)
BATCH_ROWS = 32  # queries that go through a tower together

# --- how long things take ---
POLL_SECONDS = 5.0  # between two looks whether store or model are newer
RETRY_BROKEN_SECONDS = 60.0  # before a version that could not be opened is tried again
DRAIN_SECONDS = 3.0  # after SIGTERM: readyz says no while requests are still taken, so that a proxy can notice
SHUTDOWN_SECONDS = 20  # then: those under way are finished
MAX_CLIENTS = 10_000  # whose rates are remembered
