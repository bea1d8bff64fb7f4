"""Recorded 気象庁防災情報XML telegrams as a publisher sees them: what stands on the envelope, and when it was sent.

Read here with a few lines of our own, so that a mistake of the service's parser does not repeat itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree

NS = {
    "j": "http://xml.kishou.go.jp/jmaxml1/",
    "h": "http://xml.kishou.go.jp/jmaxml1/informationBasis1/",
}
OFFICES = {"気象庁本庁": "010000", "気象庁": "010000", "大阪管区気象台": "270000"}
TYPE_IN_NAME = re.compile(r"(?<![A-Za-z])(V[A-Z]{3})(\d{2}|ii)", re.IGNORECASE)
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
EQVOL = ("VXSE", "VTSE", "VYSE", "VZSE", "VFVO", "VFSV", "VZVO")
EXTRA = (
    "VPWW",
    "VPWS",
    "VPWP",
    "VXWW",
    "VXKO",
    "VPHW",
    "VPBS",
    "VPOA",
    "VPNO",
    "VPFJ",
    "VPCJ",
    "VPTW",
    "VPTI",
)
REGULAR = ("VPFD", "VPFW", "VPFG", "VPCW", "VPCK", "VGSK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One telegram to be published: its bytes, and what the feed and the file name say about it."""

    xml: bytes
    type_code: str
    office: str
    feed: str
    title: str
    publisher: str
    head_title: str
    headline: str
    sent_at: datetime


def read_telegram(
    source: Path | bytes, *, type_code: str | None = None, office: str | None = None, feed: str | None = None
) -> Recorded:
    """A telegram from its file or its bytes. The type comes from the file name unless told. Raises ValueError.

    office: six digits as at the end of JMA's file names; taken from the office table, else from the first six-digit
    area code in the telegram. feed: eqvol, extra, regular or other; taken from the type unless told.
    """
    xml = source.read_bytes() if isinstance(source, Path) else source
    name = source.name if isinstance(source, Path) else ""
    found = TYPE_IN_NAME.search(name)
    if type_code is None and found is None:
        raise ValueError(f"type_code: the file name {name!r} does not tell the type; give it, as in VTSE41")
    code = type_code or "".join(found.groups() if found else ()).upper().replace("II", "50")
    tree = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))

    def text(path: str) -> str:
        return (tree.findtext(path, namespaces=NS) or "").strip()

    return Recorded(
        xml=xml,
        type_code=code,
        office=office or OFFICES.get(text("j:Control/j:EditorialOffice")) or _area_office(xml),
        feed=feed or feed_of(code),
        title=text("j:Control/j:Title"),
        publisher=text("j:Control/j:PublishingOffice"),
        head_title=text("h:Head/h:Title"),
        headline=text("h:Head/h:Headline/h:Text"),
        sent_at=datetime.fromisoformat(text("j:Control/j:DateTime")).astimezone(UTC),
    )


def feed_of(type_code: str) -> str:
    """The feed JMA publishes a type in: eqvol, extra, regular or other."""
    kinds = {"eqvol": EQVOL, "extra": EXTRA, "regular": REGULAR}
    return next((feed for feed, types in kinds.items() if type_code[:4] in types), "other")


def retimed(xml: bytes, sent_at: datetime) -> bytes:
    """The telegram as if sent at `sent_at` (whole seconds): every moment in it moves by the same time.

    For live feeds, which refuse stale telegrams. EventID and free text keep what was said then.
    """
    first = MOMENT.search(xml[xml.index(b"<DateTime>") :])
    if first is None:
        raise ValueError("xml: no Control/DateTime to count from")
    shift = sent_at.replace(microsecond=0) - datetime.fromisoformat(first[0].decode())
    return MOMENT.sub(lambda moment: _moved(moment[0].decode(), shift).encode(), xml)


def _moved(moment: str, shift: timedelta) -> str:
    moved = (datetime.fromisoformat(moment) + shift).isoformat()
    return moved.replace("+00:00", "Z") if moment.endswith("Z") else moved


def _area_office(xml: bytes) -> str:
    code = re.search(rb"<Code>(\d{6})</Code>", xml)
    return code[1].decode() if code else "010000"
