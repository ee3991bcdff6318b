"""Pictures of a feed: found or fetched, decoded with care, bounded in size, hashed, looked at for blankness.

The story: `loader` starts to read what a cell names; `sources` (files, `data:` and `s3://` addresses) or
`fetch` (http, behind the guard of `addresses`) bring bytes; `decode` makes a `picture` of them, with hashes
from `hashing` and remarks from `blank`.
"""
