"""Whom a push service may write to: the `sub` of RFC 8292 §2.1. Apple and Mozilla refuse what is no real address."""

import re
from urllib.parse import urlsplit

_MAILTO = re.compile(r"mailto:[^@\s<>,]+@[^@\s<>,.]+(\.[^@\s<>,.]+)+")


def is_contact(subject: str) -> bool:
    """True for `mailto:<address>` and `https://<host>…`, without blanks."""
    if subject.startswith("mailto:"):
        return _MAILTO.fullmatch(subject) is not None
    if not subject.startswith("https://") or any(one.isspace() for one in subject):
        return False
    try:
        return bool(urlsplit(subject).hostname)
    except ValueError:  # [ without ]
        return False
