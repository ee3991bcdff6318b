"""API keys: who may ask. Keys lie in a file, their digests in memory, and all are compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path

from eclip.errors import ConfigError

MIN_KEY_CHARACTERS = 16


@dataclass(frozen=True)
class ApiKeys:
    """The keys that are known.

    Attributes:
        names: SHA-256 of each key -> the name that logs and rate limits know it by.
    """

    names: dict[bytes, str]

    @classmethod
    def read(cls, path: Path) -> ApiKeys:
        """Read a file of keys: a line `NAME KEY` or `KEY` each; lines that start with # are remarks.

        Raises:
            ConfigError: It can't be read, holds no key, a short one, or the same one twice.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigError(f"--api-keys {path}: can't be read ({fault}); name a file with a key a line") from None
        names: dict[bytes, str] = {}
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if len(words) > 2 or len(words[-1]) < MIN_KEY_CHARACTERS:
                raise ConfigError(
                    f"--api-keys {path}: line {number} is no key; expected NAME KEY or KEY, a key of at least "
                    f"{MIN_KEY_CHARACTERS} characters without spaces"
                )
            digest = _digest(words[-1])
            if digest in names:
                raise ConfigError(f"--api-keys {path}: line {number} repeats a key; give each user one of his own")
            names[digest] = words[0] if len(words) == 2 else f"key {digest.hex()[:8]}"
        if not names:
            raise ConfigError(f"--api-keys {path}: holds no key; write one a line")
        return cls(names)

    def name_of(self, key: str | None) -> str | None:
        """The name of a key; None where it is none that is known."""
        given, found = _digest(key or ""), None
        for digest, name in self.names.items():  # to the end, whichever it is
            if hmac.compare_digest(digest, given):
                found = name
        return found if key else None


def presented_key(headers: dict[str, str]) -> str | None:
    """The key that a request carries: as X-API-Key, a bearer token, or the password that a browser asks for.

    Args:
        headers: By name in lower case.
    """
    if "x-api-key" in headers:
        return headers["x-api-key"]
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
