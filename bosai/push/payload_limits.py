"""How many bytes a message may have on its way (RFC 8291 §4, RFC 8188 §2.1)."""

SERVICE_BODY_BYTES = 4096  # what every push service must take (RFC 8030 §7.2)
_HEADER_BYTES = 16 + 4 + 1 + 65  # salt, record size, key id length, key id (a P-256 point)
_TAG_AND_DELIMITER_BYTES = 16 + 1
RFC_PLAINTEXT_BYTES = SERVICE_BODY_BYTES - _HEADER_BYTES - _TAG_AND_DELIMITER_BYTES  # 3,993
PLAINTEXT_BYTES = 3072
"""Our own limit: room for services that count their own envelope into the 4,096."""


def body_bytes(plaintext_bytes: int) -> int:
    """Bytes of the encrypted body of one record holding so many bytes of text."""
    return _HEADER_BYTES + plaintext_bytes + _TAG_AND_DELIMITER_BYTES


def fits(plaintext: bytes) -> bool:
    """True when the message may be sent."""
    return 0 < len(plaintext) <= PLAINTEXT_BYTES
