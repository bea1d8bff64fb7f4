"""One name per realm and incident: the Topic of the push and the tag of the notification.

Keyed, so that a push service learns neither side nor incident from it, and live and drill never share one.
"""

import base64
import hashlib
import hmac

from bosai.model.realm import Realm

TOPIC_CHARS = 22  # 128 bits as base64url; RFC 8030 §5.4 allows 32 characters


def topic_of(hmac_key: bytes, realm: Realm, incident: str) -> str:
    """22 base64url characters. The newer message of the same name replaces the older, undelivered one."""
    message = b"bosai topic v1\0" + realm.value.encode() + b"\0" + incident.encode()
    digest = hmac.digest(hmac_key, message, hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
