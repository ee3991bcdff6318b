"""What a cell of a feed may name a picture by, and the bytes behind it: files, `data:` and `s3://` addresses."""

from __future__ import annotations

import base64
import binascii
import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from eclip.products.pictures.opening import MAX_FILE_BYTES
from eclip.products.pictures.picture import PictureNotFetchedError, UnreadablePictureError

_S3_CONNECT_SECONDS = 5.0
_S3_REQUEST_SECONDS = 30.0
_S3_ATTEMPTS = 3


def named_picture(cell: Any) -> bytes | str | None:
    """A cell as the bytes it holds, or the stripped path or address it names; None if it is empty."""
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, bytes):
        return cell or None
    return str(cell).strip() or None if cell else None


def is_remote(name: str) -> bool:
    """Whether a name leads off this machine: an http(s) address, also without its scheme, or one of S3."""
    return name.lower().startswith(("http://", "https://", "//", "s3://"))


def local_bytes(name: str, folder: Path) -> bytes:
    """Bytes of a `data:` address, or of a file below the folder by its path or `file:` address.

    Raises:
        UnreadablePictureError: No such file, outside the folder, too large, or not well-formed.
    """
    return data_bytes(name) if name[:5].lower() == "data:" else _file_bytes(local_path(name, folder), folder)


def local_path(name: str, folder: Path) -> Path:
    """The file that a path or a `file:` address stands for, from a folder on."""
    if name[:5].lower() == "file:":
        name = unquote(name[5:])
        name = name.removeprefix("//localhost") if name.startswith("//localhost/") else name.removeprefix("//")
    return folder / name


def data_bytes(address: str) -> bytes:
    """Bytes that stand in a `data:` address itself (RFC 2397), as base64 or percent-encoded.

    Raises:
        UnreadablePictureError: No comma, bad base64, or too large.
    """
    head, comma, body = address.partition(",")
    if not comma:
        raise UnreadablePictureError("data: address without a comma")
    if len(body) > 3 * MAX_FILE_BYTES:  # percent-encoded bytes take three letters
        raise UnreadablePictureError("file too large")
    data = unquote_to_bytes(body)
    if not head.lower().replace(" ", "").endswith(";base64"):
        return data
    plain = data.translate(bytes.maketrans(b"-_", b"+/"), b" \t\r\n").rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise UnreadablePictureError("data: address with bad base64") from None


def _file_bytes(named: Path, folder: Path) -> bytes:
    """Bytes of a file that lies below the folder, links resolved."""
    try:
        path = named.resolve()
        if not path.is_relative_to(folder.resolve()):
            raise UnreadablePictureError("path leads out of the picture folder")
        if not path.is_file():
            raise UnreadablePictureError("no such file" if not path.exists() else "not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise UnreadablePictureError("file too large")
        return path.read_bytes()
    except (OSError, ValueError, RuntimeError) as fault:
        raise UnreadablePictureError(f"file can't be read ({type(fault).__name__})") from None


class ObjectStorage:
    """Pictures at `s3://bucket/key`, with credentials, region and endpoint as the AWS tools take them.

    The environment says who we are: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, AWS_REGION,
    AWS_ENDPOINT_URL for other servers than Amazon's. Safe to call from many threads.
    """

    def __init__(self) -> None:
        self._by_region: dict[str, Any] = {}
        self._regions: dict[str, str] = {}
        self._lock = threading.Lock()

    def fetch(self, address: str) -> bytes:
        """The bytes of an object.

        Raises:
            PictureNotFetchedError: No such object, not allowed, or no answer; the text says which.
            UnreadablePictureError: Too large.
        """
        bucket, _, key = address[len("s3://") :].partition("/")
        if not bucket or not key:
            raise PictureNotFetchedError("address is not s3://bucket/key")
        try:
            with self._filesystem(bucket).open_input_file(f"{bucket}/{key}") as file:
                if file.size() > MAX_FILE_BYTES:
                    raise UnreadablePictureError("file too large")
                return bytes(file.read())
        except FileNotFoundError:
            raise PictureNotFetchedError("no such object") from None
        except (OSError, ValueError) as fault:
            raise PictureNotFetchedError(_s3_reason(str(fault))) from None

    def _filesystem(self, bucket: str) -> Any:
        """The client for the region of a bucket."""
        from pyarrow import fs

        with self._lock:
            region = self._regions.get(bucket)
            if region is None:
                region = self._regions[bucket] = bucket_region(bucket)
            if region not in self._by_region:
                self._by_region[region] = fs.S3FileSystem(
                    region=region,
                    endpoint_override=os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"),
                    connect_timeout=_S3_CONNECT_SECONDS,
                    request_timeout=_S3_REQUEST_SECONDS,
                    retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_S3_ATTEMPTS),
                )
            return self._by_region[region]


def bucket_region(bucket: str) -> str:
    """The region named in the environment, else the one Amazon names for the bucket.

    Raises:
        OSError: Amazon knows no such bucket, or does not answer.
    """
    from pyarrow import fs

    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if named or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"):
        return named or "us-east-1"
    return str(fs.resolve_s3_region(bucket))


def _s3_reason(text: str) -> str:
    """What S3 said, in a few words."""
    for found, words in (
        ("ACCESS_DENIED", "access denied"),
        ("AccessDenied", "access denied"),
        ("INVALID_ACCESS_KEY_ID", "credentials not valid"),
        ("SIGNATURE_DOES_NOT_MATCH", "credentials not valid"),
        ("NO_SUCH_BUCKET", "no such bucket"),
        ("HTTP status 403", "access denied"),
    ):
        if found in text:
            return words
    return "object storage does not answer"
