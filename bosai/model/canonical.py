"""The bytes an approval is taken over: what was previewed is exactly what is released.

Integers only (1e-7 degrees, seconds), sorted keys, NFC text. Covered: realm, act, hazard, kind, tsunami
class, level, area (geometry and names), all texts, references, expected arrival, reason. Head counts are not:
they may grow between preview and release without changing the decision.
"""

import hashlib
import unicodedata
from typing import Any

import msgspec

from bosai.model.alert import Alert


def decision_bytes(alert: Alert) -> bytes:
    """Canonical bytes of the decision inside `alert`."""
    decision: dict[str, Any] = {
        "realm": alert.realm_of.value,
        "alert_id": alert.alert_id,
        "version": alert.version,
        "act": alert.act.value,
        "hazard": alert.hazard.value,
        "kind": alert.kind.value,
        "tsunami_class": alert.tsunami_class.value if alert.tsunami_class else None,
        "level": int(alert.level) if alert.level else None,
        "area": {
            "names": [_nfc(name) for name in alert.area.names],
            "polygons_e7_lonlat": alert.area.polygons_e7_lonlat,
            "zone_keys": list(alert.area.zone_keys),
            "approximate": alert.area.approximate,
        },
        "texts": {
            lang: {"headline": _nfc(text.headline), "body": _nfc(text.body)}
            for lang, text in alert.texts.items()
        },
        "reason": _nfc(alert.reason),
        "references": list(alert.references),
        "announced_s": int(alert.announced_at.timestamp()) if alert.announced_at else None,
        "expected_arrival_s": int(alert.expected_arrival_at.timestamp())
        if alert.expected_arrival_at
        else None,
    }
    return msgspec.json.encode(decision, order="deterministic")


def decision_hash(alert: Alert) -> str:
    """SHA-256, hex, of `decision_bytes`."""
    return hashlib.sha256(decision_bytes(alert)).hexdigest()


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)
