"""What the readers of every family do alike with a Body: find text, read times, and refuse what is not theirs."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from functools import lru_cache

from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import Telegram, parse_time
from bosai.feeds.jma.weather_xml import Problems


class BodyView:
    """Elements of one namespace, and the problems met while reading them. Names are given without the namespace."""

    def __init__(self, telegram: Telegram, namespace: str) -> None:
        """Raises TelegramRefused when the Body is in another namespace than its family's."""
        if etree.QName(telegram.body).namespace != namespace:
            raise TelegramRefused(RefusalReason.WRONG_NAMESPACE, "Body", str(telegram.body.tag)[:120])
        self.root = telegram.body
        self.namespace = namespace
        self.problems = Problems()

    def path(self, *names: str) -> str:
        """The names as one path for find, iterfind and findtext."""
        return _path(self.namespace, names)

    def all(self, parent: etree._Element, *names: str) -> list[etree._Element]:
        """The elements under `parent` at this path, in the order of the document."""
        return parent.findall(self.path(*names))

    def text(self, parent: etree._Element, *names: str) -> str:
        """The stripped text of the first element at this path; "" where there is none."""
        return (parent.findtext(self.path(*names)) or "").strip()

    def time(self, parent: etree._Element, *names: str, of: str) -> datetime | None:
        """The time at this path, None where none is given; one nobody can read is a problem named by `of`."""
        given = self.text(parent, *names)
        if not given:
            return None
        try:
            return parse_time(given, "/".join(names))
        except TelegramRefused:
            self.problems.add(f"{of}を読めません：{given[:40]}")
            return None


@lru_cache(maxsize=1024)
def _path(namespace: str, names: tuple[str, ...]) -> str:
    return "/".join(f"{{{namespace}}}{name}" for name in names)


def plain(text: str) -> str:
    """Full-width digits and letters as ASCII, runs of spaces as one: "深さ　１０ｋｍ" → "深さ 10km"."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def lines(text: str) -> str:
    """The text without indentation and empty lines."""
    return "\n".join(line for line in (raw.strip() for raw in text.splitlines()) if line)


def day_and_time(at: datetime) -> str:
    """A time as JMA's texts give it, in the offset of the telegram: "11日15時40分"."""
    return f"{at.day}日{at.hour}時{at.minute:02}分"
