"""Small tools for the bodies of weather telegrams: texts, times, durations, and what could not be read."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import NS_BODY, InfoType, Telegram, parse_time
from bosai.feeds.readings import Reading

NS_METEOROLOGY = f"{NS_BODY}meteorology1/"
MAX_PROBLEMS = 50

_DURATION = re.compile(r"P(?=[\dT])(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?")
_WRAPPED = re.compile(r".*（(.+)）")
_SEPARATORS = re.compile(r"[、，,・\s]+")


class Problems:
    """What could not be read, in Japanese sentences; past the first fifty only their number is kept."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}
        self._more = 0

    def add(self, sentence: str) -> None:
        """Note one; the same sentence counts once."""
        if sentence in self._said:
            return
        if len(self._said) < MAX_PROBLEMS:
            self._said[sentence] = None
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """The sentences in order, the last one counting those that were left out."""
        more = (f"ほかに読めないところが{self._more}か所あります",) if self._more else ()
        return (*self._said, *more)


def m(*names: str) -> str:
    """The path of these elements in the namespace of weather bodies."""
    return "/".join(f"{{{NS_METEOROLOGY}}}{name}" for name in names)


def text(parent: etree._Element, path: str) -> str:
    """The trimmed text at `path` (see `m`), "" where there is none."""
    return (parent.findtext(path) or "").strip()


def check_type(telegram: Telegram, types: frozenset[str] | set[str]) -> None:
    """Raise TelegramRefused unless the telegram is of one of `types` with a weather body."""
    if telegram.type_code not in types:
        allowed = "・".join(sorted(types))
        raise TelegramRefused(
            RefusalReason.WRONG_TYPE, "Control/Title", f"{telegram.title}は{allowed}ではありません"
        )
    if etree.QName(telegram.body).namespace != NS_METEOROLOGY:
        raise TelegramRefused(RefusalReason.WRONG_NAMESPACE, "Body", str(telegram.body.tag)[:120])


def cancellation(telegram: Telegram, *, is_legacy: bool = False) -> Reading | None:
    """The Reading of a 取消, whose body is only a text; None for every other telegram."""
    if telegram.info_type is not InfoType.CANCELLED:
        return None
    said = text(telegram.body, m("Text")) or telegram.headline
    return Reading(source=telegram.source, text=said, is_legacy=is_legacy)


def layer_of(warning_type: str) -> str:
    """市町村等 from 気象警報・注意報（市町村等）; a type without brackets is its own layer."""
    found = _WRAPPED.fullmatch(warning_type.strip())
    return found.group(1) if found else warning_type.strip()


def split_words(joined: str) -> tuple[str, ...]:
    """土砂災害、浸水害 → the two of them."""
    return tuple(word for word in _SEPARATORS.split(joined.strip()) if word)


def read_time(given: str, what: str, problems: Problems) -> datetime | None:
    """An aware time, or None; what is given and cannot be read is a problem of `what`."""
    if not given:
        return None
    try:
        return parse_time(given, what)
    except TelegramRefused:
        problems.add(f"{what}の時刻を読めません：{given[:40]}")
        return None


def read_duration(given: str, what: str, problems: Problems) -> timedelta | None:
    """PT4H, P1DT6H … or None. Months and years have no fixed length and are not read (no telegram uses them)."""
    if not given:
        return None
    found = _DURATION.fullmatch(given)
    if found is None:
        problems.add(f"{what}の期間を読めません：{given[:40]}")
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def body_text(body: etree._Element) -> str:
    """Body/Notice and Body/Comment, the free sentences of a warning telegram, one a line."""
    paths = (m("Notice"), m("Comment", "Text"))
    said = ((element.text or "").strip() for path in paths for element in body.iterfind(path))
    return "\n".join(line for line in said if line)
