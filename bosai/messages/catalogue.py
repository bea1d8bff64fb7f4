"""Every sentence people read, by language and key, from gettext catalogues read once.

A key names its catalogue first: "advice.walk" is in `locale/<lang>/advice.po`. Placeholders are named.
Nothing falls back silently: a missing key is a fault of ours, and a test compares all catalogues.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import ClassVar

from babel.messages.pofile import read_po

from bosai.errors import BosaiError

LANGS = ("ja", "ja-x-easy", "en", "zh-Hans", "zh-Hant", "ko", "vi", "ne", "id")
"""BCP 47 tags; "ja-x-easy" is やさしい日本語. Order = order of the language chooser."""

DOMAINS = (
    "terms",
    "advice",
    "refusals",
    "orders",
    "at_once",
    "notices",
    "cap",
    "checks",
    "reminders",
    "maps",
    "errors",
    "resident",
)
STAFF_DOMAIN = "staff_errors"
"""Sentences only officers read: Japanese and English; other languages read the English one."""

LOCALE_DIR = Path(__file__).parent / "locale"
_REVIEW_LINE = re.compile(rb'^"X-Review: (\w+)\\n"$', re.MULTILINE)


@dataclass(eq=False)
class UnknownText(BosaiError):
    """No such sentence, language, or a placeholder that was not filled."""

    code: ClassVar[str] = "internal"
    lang: str
    key: str


def text(key: str, lang: str, /, **facts: object) -> str:
    """The sentence for `key` with its placeholders filled. Raises UnknownText."""
    template = texts(lang).get(key)
    if template is None:
        raise UnknownText(lang, key)
    try:
        return template.format_map(facts)
    except KeyError as missing:
        raise UnknownText(lang, f"{key}{{{missing.args[0]}}}") from None


def has_text(key: str, lang: str) -> bool:
    """Whether `key` exists in `lang`."""
    return key in texts(lang)


@cache
def texts(lang: str) -> Mapping[str, str]:
    """All templates of one language by key. Raises UnknownText for a language we do not have."""
    if lang not in LANGS:
        raise UnknownText(lang, "")
    found: dict[str, str] = {}
    for domain in DOMAINS:
        found.update(_read(LOCALE_DIR / lang / f"{domain}.po"))
    spoken = lang if (LOCALE_DIR / lang / f"{STAFF_DOMAIN}.po").exists() else staff_fallback(lang)
    found.update(_read(LOCALE_DIR / spoken / f"{STAFF_DOMAIN}.po"))
    return found


def staff_fallback(lang: str) -> str:
    """The language officers' sentences are read in where `lang` has none."""
    return "ja" if lang.startswith("ja") else "en"


@cache
def is_draft(lang: str) -> bool:
    """True while a native reader has not confirmed every catalogue of `lang` (header `X-Review`)."""
    return any(
        found is None or found.group(1) != b"reviewed"
        for path in sorted((LOCALE_DIR / lang).glob("*.po"))
        for found in [_REVIEW_LINE.search(path.read_bytes())]
    )


def html_lang(lang: str) -> str:
    """The `lang` attribute for pages and notifications: やさしい日本語 is Japanese to a screen reader."""
    return "ja" if lang.startswith("ja") else lang


def _read(path: Path) -> dict[str, str]:
    catalog = read_po(BytesIO(path.read_bytes()), abort_invalid=True)
    return {str(message.id): str(message.string) for message in catalog if message.id}
