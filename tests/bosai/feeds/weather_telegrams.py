"""Weather telegrams written for tests, in the layout of VPWW55–61 and their kin."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.readings import Area, Expected, Grade, Kind, Reading, System
from tests.bosai.feeds.telegrams import JST, jma_folder, report

RAIN = "気象警報・注意報（Ｒ０６）（大雨）"
LANDSLIDE = "気象警報・注意報（Ｒ０６）（土砂）"
SURGE = "気象警報・注意報（Ｒ０６）（高潮）"
WIND = "気象警報・注意報（Ｒ０６）（暴風）"
COLLECTION = "気象警報・注意報（Ｒ０６）（集約通報）"
SERIES = "気象警報・注意報時系列情報（Ｒ０６）"
LEGACY = "気象特別警報・警報・注意報"
LANDSLIDE_ALERT = "土砂災害警戒情報"

BODY = "{http://xml.kishou.go.jp/jmaxml1/body/meteorology1/}"
SERIES_SAMPLE = "81_01_01_250630_VPWP50.xml"

NOTHING = "<Kind><Status>発表警報・注意報はなし</Status></Kind>"
EAST, WEST = ("0410001", "仙台市東部"), ("0410002", "仙台市西部")
MIYAGI = ("040000", "宮城県")


def kind(
    code: str = "49",
    status: str | None = "発表",
    name: str = "いま",
    *,
    last: str | None = None,
    condition: str = "",
    notes: tuple[str, ...] = (),
    inside: str = "",
) -> str:
    """One Kind; `inside` is whole Property elements."""
    return (
        "<Kind>"
        + (f"<Name>{escape(name)}</Name>" if name else "")
        + (f"<Code>{code}</Code>" if code else "")
        + (f"<Status>{status}</Status>" if status is not None else "")
        + (f"<Condition>{condition}</Condition>" if condition else "")
        + (f"<LastKind><Name>前</Name><Code>{last}</Code></LastKind>" if last else "")
        + (f"<Attention>{''.join(f'<Note>{n}</Note>' for n in notes)}</Attention>" if notes else "")
        + inside
        + "</Kind>"
    )


def item(area: tuple[str, str], *kinds: str) -> str:
    """One Item; without kinds, nothing is in force there."""
    code, name = area
    return (
        f"<Item>{''.join(kinds) or NOTHING}<Area><Name>{name}</Name>"
        + (f"<Code>{code}</Code>" if code else "")
        + "</Area></Item>"
    )


def layer(name: str, *items: str) -> str:
    return f'<Warning type="気象警報・注意報（{name}）">{"".join(items)}</Warning>'


def miyagi(*cities: str, prefecture: str = "") -> str:
    """A body for 宮城県: the 府県予報区 and these 市町村等."""
    return layer("府県予報区等", prefecture or item(MIYAGI)) + layer("市町村等", *cities)


def criteria(
    code: str = "41", time: str = "2026-09-01T03:00:00+09:00", duration: str = "PT4H", *, place: str = ""
) -> str:
    """A Property that says when a level is expected."""
    inner = (
        f"<Sentence>予想文</Sentence><CriteriaClass><Name>級</Name><Code>{code}</Code></CriteriaClass>"
        + (f"<Time>{time}</Time>" if time else "")
        + (f"<Duration>{duration}</Duration>" if duration else "")
    )
    if place:
        inner = f"<Local><AreaName>{place}</AreaName>{inner}</Local>"
    return f"<Property><Type>危険度</Type><CriteriaPeriod><Base>{inner}</Base></CriteriaPeriod></Property>"


def weather(
    body: str,
    *,
    title: str = LANDSLIDE,
    info_type: str = "発表",
    report_at: datetime = datetime(2026, 9, 1, 0, 10, tzinfo=JST),
    headline: str = "見出し文。",
    information: str = "",
) -> bytes:
    """The bytes of a weather telegram with this body."""
    data = report(
        title=title,
        body=body,
        info_type=info_type,
        event_id="",
        report_at=report_at,
        headline=headline,
    )
    data = data.replace(b"body/seismology1/", b"body/meteorology1/")
    return data.replace(b"</Headline>", information.encode() + b"</Headline>")


def readings(data: bytes, name: str = "") -> tuple[Reading, ...]:
    found = read(parse_telegram(data, name=name))
    assert found is not None
    return found


def reading(data: bytes, name: str = "") -> Reading:
    (only,) = readings(data, name)
    return only


def real(folder: str, name: str) -> Reading:
    """The one reading of a real file; the test skips where they are not at hand."""
    return reading((jma_folder() / folder / name).read_bytes(), name)


def area(found: Reading, code: str, layer: str = "市町村等", system: System = System.WEATHER) -> Area:
    """The entry of a code in one layer."""
    (one,) = [a for a in found.areas if (a.code, a.layer, a.system) == (code, layer, system)]
    return one


def only_kind(found: Reading, code: str, layer: str = "市町村等", system: System = System.WEATHER) -> Kind:
    (one,) = area(found, code, layer, system).kinds
    return one


def standing(found: Reading, layer: str = "市町村等") -> dict[str, list[tuple[str, Grade, str]]]:
    """name → (code, grade, status) of each kind, for the areas of a layer that have any."""
    return {
        a.name: [(k.code, k.grade, k.status) for k in a.kinds]
        for a in found.areas
        if a.layer == layer and a.kinds
    }


def expects(
    one: Kind,
) -> list[tuple[int | None, datetime, timedelta | None, str]]:
    return [(e.level, e.starts_at, e.lasts, e.place) for e in one.expected]


def spell(one: Expected) -> tuple[Grade, int | None, datetime, timedelta | None, str]:
    return (one.grade, one.level, one.starts_at, one.lasts, one.place)


def with_values(city: str, kind: str, place: str | None, values: dict[int, tuple[str, str]]) -> bytes:
    """The sample with these values (step → code, name) written into the series of one city, kind and place."""
    ET.register_namespace("", "http://xml.kishou.go.jp/jmaxml1/")
    root = ET.parse(jma_folder() / "official_samples" / SERIES_SAMPLE).getroot()
    (item,) = [
        one
        for one in root.iter(f"{BODY}Item")
        if one.findtext(f"{BODY}Area/{BODY}Name") == city
        and any(element.get("type") == kind for element in one.iter(f"{BODY}Significancy"))
    ]
    holders = [
        holder
        for path in (f"{BODY}SignificancyPart/{BODY}Base", f"{BODY}SignificancyPart/{BODY}Base/{BODY}Local")
        for holder in item.iterfind(f"{BODY}Kind/{BODY}Property/{path}")
        if holder.findtext(f"{BODY}AreaName") == place
    ]
    written = 0
    for holder in holders:
        for element in holder.findall(f"{BODY}Significancy"):
            step = int(element.get("refID") or 0)
            if element.get("type") == kind and step in values:
                for tag, new in zip(("Code", "Name"), values[step], strict=True):
                    child = element.find(f"{BODY}{tag}")
                    assert child is not None
                    child.text = new
                written += 1
    assert written == len(values)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)
