"""One bucket of S3, or of a server that speaks like it: small objects, with conditions, and faults in one line.

The environment says who we are and where, as for the AWS tools: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE,
AWS_REGION, and AWS_ENDPOINT_URL (or AWS_ENDPOINT_URL_S3) for other servers than Amazon's.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eclip.errors import MissingExtraError, StoreError
from eclip.products.pictures.sources import bucket_region

_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 5, 30, 3
_CONDITION_FAILED = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_MISSING = ("NoSuchKey", "404", "NotFound")
_WORDS = {  # what the server says -> what a user is told
    "NoSuchBucket": "there is no such bucket; make it first, or name another",
    "AccessDenied": "access denied; check the credentials and what they may do (AWS_ACCESS_KEY_ID, AWS_PROFILE)",
    "403": "access denied; check the credentials and what they may do (AWS_ACCESS_KEY_ID, AWS_PROFILE)",
    "InvalidAccessKeyId": "the server does not know these credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE)",
    "SignatureDoesNotMatch": "the credentials are not valid (AWS_SECRET_ACCESS_KEY)",
    "ExpiredToken": "the credentials have expired; log in again",
    "NotImplemented": "the server does not know conditional writes, which keep two writers apart",
}


@dataclass(frozen=True)
class Found:
    """An object's bytes, and the tag that changes with them."""

    data: bytes
    tag: str


@dataclass(frozen=True)
class Bucket:
    """The objects of one bucket; safe to use from many threads."""

    name: str

    def get(self, key: str) -> Found | None:
        """An object; None where there is none.

        Raises:
            StoreError: Here and below: no such bucket, no access, no answer.
        """
        with self._told() as client:
            try:
                answer = client.get_object(Bucket=self.name, Key=key)
            except client.exceptions.NoSuchKey:
                return None
            return Found(answer["Body"].read(), answer["ETag"])

    def put(self, key: str, data: bytes, *, tag: str | None = None, absent: bool = False) -> str | None:
        """Write an object whole; returns its new tag, or None where a condition does not hold.

        An object that is these bytes already counts as written: the answer to a first try may have been lost.

        Args:
            key: Its name.
            data: Its bytes.
            tag: Only if it still has this tag.
            absent: Only if there is none.
        """
        conditions = {**({"IfMatch": tag} if tag else {}), **({"IfNoneMatch": "*"} if absent else {})}
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        with self._told() as client:
            try:
                answer = client.put_object(Bucket=self.name, Key=key, Body=data, ContentType=kind, **conditions)
            except client.exceptions.ClientError as error:
                if not conditions or _code(error) not in (*_CONDITION_FAILED, *_MISSING):
                    raise
                found = self.get(key)
                return found.tag if found and found.data == data else None
            return str(answer["ETag"])

    def delete(self, key: str, *, tag: str) -> None:
        """Delete an object if it still has this tag."""
        with self._told() as client:
            try:
                client.delete_object(Bucket=self.name, Key=key, IfMatch=tag)
            except client.exceptions.ClientError as error:
                if _code(error) not in (*_CONDITION_FAILED, *_MISSING):
                    raise

    def names(self, prefix: str) -> set[str]:
        """What stands right below a prefix, as in a folder."""
        found: set[str] = set()
        for page in self._pages(prefix, Delimiter="/"):
            found.update(entry["Prefix"].removeprefix(prefix).rstrip("/") for entry in page.get("CommonPrefixes", ()))
            found.update(entry["Key"].removeprefix(prefix) for entry in page.get("Contents", ()))
        return found - {""}  # some tools put an empty object in the place of a folder

    def num_bytes(self, prefix: str) -> int:
        """Size of all objects below a prefix."""
        return sum(entry["Size"] for page in self._pages(prefix) for entry in page.get("Contents", ()))

    def delete_below(self, prefix: str) -> None:
        """Delete all objects below a prefix."""
        for page in self._pages(prefix):  # a page is as much as one request may delete
            keys = [{"Key": entry["Key"]} for entry in page.get("Contents", ())]
            if keys:
                with self._told() as client:
                    answer = client.delete_objects(Bucket=self.name, Delete={"Objects": keys})
                for fault in answer.get("Errors", ()):
                    raise StoreError(f"s3://{self.name}/{fault['Key']}: can't be deleted: {fault['Message']}")

    def _pages(self, prefix: str, **options: Any) -> Iterator[Any]:
        with self._told() as client:
            yield from client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix, **options)

    @contextmanager
    def _told(self) -> Iterator[Any]:
        """The client, whose faults become one line each."""
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError:
            raise MissingExtraError("stores at s3:// need boto3: pip install 'eclip[s3]'") from None
        try:
            yield _client(endpoint())
        except ClientError as error:
            said = _WORDS.get(_code(error)) or " ".join(str(error).split())[:300]
            raise StoreError(f"s3://{self.name}: {said}") from None
        except (BotoCoreError, ValueError) as error:
            raise StoreError(f"s3://{self.name}: {_fault(error)}") from None


def endpoint() -> str | None:
    """The server's address where it is not Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def storage_options(address: str) -> dict[str, str] | None:
    """What Lance needs to be told for an address beside what it reads from the environment; None for a folder."""
    if not address.startswith("s3://"):
        return None
    server = endpoint()
    return {
        "aws_region": _region(address.removeprefix("s3://").partition("/")[0], server),
        **({"aws_endpoint": server, "allow_http": str(server.startswith("http://")).lower()} if server else {}),
        "connect_timeout": f"{_CONNECT_SECONDS}s",
        "client_max_retries": str(_ATTEMPTS),
        "client_retry_timeout": str(_READ_SECONDS),
    }


@lru_cache(maxsize=16)
def _region(bucket: str, server: str | None) -> str:  # noqa: ARG001 - another server, another answer
    try:
        return bucket_region(bucket)
    except OSError as error:
        said = " ".join(str(error).split())[:300]
        raise StoreError(f"s3://{bucket}: its region can't be asked for ({said}); name it in AWS_REGION") from None


@lru_cache(maxsize=4)
def _client(server: str | None) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        s3={"addressing_style": "path"} if server else {},
    )
    return boto3.session.Session().client("s3", endpoint_url=server, config=config)


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _fault(error: Exception) -> str:
    """What kept us from an answer, in a few words."""
    kind = type(error).__name__
    if "Credentials" in kind or "Token" in kind or "Profile" in kind:
        return f"no usable credentials ({error}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if "Connect" in kind or "Timeout" in kind:
        return f"no answer from {endpoint() or 'Amazon S3'}; check AWS_ENDPOINT_URL and the network"
    return " ".join(str(error).split())[:300]
