"""One link of the hash-chained record: who did what, when, and what it followed."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec

GENESIS = "0" * 64


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `entry_hash` covers every other field, `previous` included."""

    n: int
    at: datetime
    actor: str
    step: str  # past participle: "drafted", "submitted", "approved", "released", "lifted" …
    subject: str  # "alert:…", "site:…", "staff:…", "proposal:…"
    facts: dict[str, Any]
    previous: str
    entry_hash: str = ""


def sealed_entry(entry: AuditEntry) -> AuditEntry:
    """The entry with its hash over canonical bytes (sorted keys, previous hash included)."""
    return msgspec.structs.replace(entry, entry_hash=hash_of(entry))


def hash_of(entry: AuditEntry) -> str:
    """SHA-256, hex, of all fields but the hash itself."""
    bare = msgspec.structs.replace(entry, entry_hash="")
    return hashlib.sha256(msgspec.json.encode(bare, order="sorted")).hexdigest()
