"""The fields of a CAP message, one reader a kind: refused where it is needed, else told among the problems. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from lxml import etree

from bosai.feeds.errors import CapRefused, RefusalReason
from bosai.model.alert import Ring
from bosai.model.cap import E7, CapCircle, CapReference, CapValue

MAX_POINTS = 100_000
_NAME = re.compile(r"[^\s,<&]+")
E_ = TypeVar("E_", bound=StrEnum)


def ring(text: str, field: str, problems: list[str]) -> Ring:
    """lat,lon pairs, at least four, the last the first again; () with a problem where they are not."""
    pairs = text.split()
    points: list[tuple[int, int]] = []
    if len(pairs) <= MAX_POINTS:
        for pair in pairs:
            lat, comma, lon = pair.partition(",")
            point = _lonlat(lon, lat) if comma else None
            if point is None:
                points = []
                break
            points.append((round(point[0] * E7), round(point[1] * E7)))
    if len(points) < 4 or points[0] != points[-1]:
        problems.append(f"{field}を読めません")
        return ()
    return tuple(points)


def circle(text: str, field: str, problems: list[str]) -> CapCircle | None:
    """ "lat,lon radius" in degrees and kilometres; None with a problem where it is something else."""
    centre, _, radius = text.partition(" ")
    lat, _, lon = centre.partition(",")
    point, radius_km = _lonlat(lon, lat), _number(radius)
    if point is None or radius_km is None or not 0 <= radius_km <= 20_100:
        problems.append(f"{field}を読めません")
        return None
    return CapCircle(lon=point[0], lat=point[1], radius_km=radius_km)


def _lonlat(lon: str, lat: str) -> tuple[float, float] | None:
    east, north = _number(lon), _number(lat)
    if east is None or north is None or not (-180 <= east <= 180 and -90 <= north <= 90):
        return None
    return east, north


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def references(text: str, problems: list[str]) -> tuple[CapReference, ...]:
    """ "sender,identifier,sent", separated by blanks; one that is something else is a problem and left out."""
    found = []
    for one in text.split():
        parts = one.split(",")
        try:
            sender, identifier, sent = parts
            found.append(CapReference(sender=sender, identifier=identifier, sent=moment(sent, "references")))
        except (ValueError, CapRefused):
            problems.append(f"references の一つ（{one[:80]}）を読めません")
    return tuple(found)


def incidents(text: str) -> tuple[str, ...]:
    """Names separated by blanks; one that holds a blank is quoted."""
    return tuple(quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', text))


def values(element: etree._Element, name: str) -> tuple[CapValue, ...]:
    """Every valueName with its value."""
    return tuple(
        CapValue(name=one_text(one, "valueName", needed=False), value=one_text(one, "value", needed=False))
        for one in children(element, name)
    )


def named(root: etree._Element, name: str) -> str:
    """What may stand in `references`: no blank, no comma (CAP 1.2 §3.2.1)."""
    text = one_text(root, name)
    if not _NAME.fullmatch(text):
        raise CapRefused(RefusalReason.FIELD_INVALID, name, text[:80])
    return text


def one_text(element: etree._Element, name: str, *, needed: bool = True) -> str:
    """The text of the one child of that name. Two of them could say two things: refused."""
    found = list(children(element, name))
    if len(found) > 1:
        raise CapRefused(RefusalReason.FIELD_INVALID, name, "二つあります")
    text = text_of(found[0]) if found else ""
    if needed and not text:
        raise CapRefused(RefusalReason.FIELD_MISSING, name)
    return text


def children(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The elements of that name right below, in the namespace of the message."""
    return element.iterchildren(f"{{{namespace(element)}}}{name}")


def namespace(element: etree._Element) -> str:
    """The namespace of an element."""
    return etree.QName(element).namespace or ""


def text_of(element: etree._Element) -> str:
    """The text of an element, without blanks round it."""
    return (element.text or "").strip()


def moment(text: str, field: str) -> datetime:
    """An aware time. Raises CapRefused, naming the field."""
    try:
        found = datetime.fromisoformat(text)
        found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CapRefused(RefusalReason.FIELD_INVALID, field, text[:60]) from error
    if found.tzinfo is None:
        raise CapRefused(RefusalReason.FIELD_INVALID, field, f"{text[:60]}：時差がありません")
    return found


def maybe_moment(text: str, field: str, problems: list[str]) -> datetime | None:
    """An aware time; None where none is given, and with a problem where it can not be read."""
    if not text:
        return None
    try:
        return moment(text, field)
    except CapRefused:
        problems.append(f"{field}（{text[:40]}）を読めません")
        return None


def known(kind: type[E_], text: str, field: str) -> E_:
    """A word of a closed list. Raises CapRefused, naming the field."""
    try:
        return kind(text)
    except ValueError as error:
        raise CapRefused(RefusalReason.FIELD_INVALID, field, text[:60]) from error


def or_none(kind: type[E_], text: str, field: str, problems: list[str]) -> E_ | None:
    """A word of a closed list; None with a problem for any other."""
    try:
        return kind(text)
    except ValueError:
        problems.append(f"{field}の値（{text[:40]}）を知りません")
        return None


def or_else(kind: type[E_], text: str, other: E_, field: str, problems: list[str]) -> E_:
    """A word of a closed list; `other` with a problem for any other."""
    return or_none(kind, text, field, problems) or other
