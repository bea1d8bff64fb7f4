"""Weather telegrams with parts missing, doubled or turned to nonsense: refused or read, never a crash or a calming."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bosai.feeds.errors import RefusalReason, TelegramRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.jma.weather_kinds import KINDS
from bosai.feeds.readings import Grade, Reading, System
from tests.bosai.feeds.weather_telegrams import (
    COLLECTION,
    EAST,
    LANDSLIDE,
    LANDSLIDE_ALERT,
    LEGACY,
    MIYAGI,
    SERIES,
    SURGE,
    WEST,
    criteria,
    item,
    kind,
    layer,
    miyagi,
    weather,
)

CITIES = miyagi(
    item(EAST, kind("49", last="09", condition="土砂災害", notes=("注記",), inside=criteria(place="陸上"))),
    item(WEST, kind("29", "解除")),
    prefecture=item(MIYAGI, kind("49")),
)
ALERT = (
    "<TargetArea><Name>宮城県</Name><Code>040000</Code></TargetArea>"
    f'<Warning type="土砂災害警戒情報">{item(EAST, kind("3"))}{item(WEST, kind("1", "解除"))}</Warning>'
)
STEPS = (
    '<MeteorologicalInfos type="量的予想時系列（市町村等）"><TimeSeriesInfo><TimeDefines>'
    '<TimeDefine timeId="1"><DateTime>2026-09-01T00:00:00+09:00</DateTime><Duration>PT3H</Duration><Name>未明</Name>'
    '</TimeDefine><TimeDefine timeId="2"><DateTime>2026-09-01T03:00:00+09:00</DateTime><Duration>PT3H</Duration>'
    "</TimeDefine></TimeDefines><Item><Kind><Property><Type>土砂災害危険度</Type><SignificancyPart><Base>"
    '<Significancy refID="1" type="土砂災害危険度"><Name>級</Name><Code>41</Code></Significancy>'
    '<Local><AreaName>山</AreaName><Significancy refID="2" type="土砂災害危険度"><Code>31</Code></Significancy></Local>'
    "</Base></SignificancyPart></Property></Kind><Area><Name>仙台市東部</Name><Code>0410001</Code></Area></Item>"
    "</TimeSeriesInfo></MeteorologicalInfos>"
)
OBSERVED = (
    '<MeteorologicalInfos type="観測実況"><MeteorologicalInfo><Item><Kind><Property><Type>雨の実況</Type>'
    '<PrecipitationPart><x:Precipitation xmlns:x="http://xml.kishou.go.jp/jmaxml1/elementBasis1/" '
    'description="約１００ミリ" type="前１時間解析雨量">100</x:Precipitation><Time>2026-09-01T00:00:00+09:00</Time>'
    "</PrecipitationPart></Property></Kind><Area><Name>仙台市東部</Name><Code>0410001</Code></Area></Item>"
    "</MeteorologicalInfo></MeteorologicalInfos>"
)
TAGS = (
    '<Information type="情報タグ"><Item><Kind><Condition>記録雨</Condition></Kind><Areas codeType="気象／細分">'
    "<Area><Name>東部</Name><Code>040010</Code></Area></Areas></Item></Information>"
)
TELEGRAMS = {
    "VPWW56": weather(CITIES),
    "VPWW57": weather(CITIES + layer("高潮予報区間", item(("0412345", "湾"), kind("48"))), title=SURGE),
    "VPWS50": weather(CITIES, title=COLLECTION),
    "VPWW53": weather(CITIES, title=LEGACY),
    "VXWW50": weather(ALERT, title=LANDSLIDE_ALERT),
    "VPOA50": weather(ALERT, title="記録的短時間大雨情報"),
    "VPHW50": weather(ALERT, title="竜巻注意情報"),
    "VPWP50": weather(STEPS, title=SERIES),
    "VPBS50": weather(OBSERVED, title="府県気象防災速報", information=TAGS),
}
NONSENSE = [
    "",
    " ",
    "x",
    "00",
    "49",
    "解除",
    "なし",
    "2026-13-01T00:00:00+09:00",
    "PT",
    "P9999999999D",
    "－",
    "\t",
]


def parts(root: etree._Element) -> list[etree._Element]:
    """Every element below Head/Headline and Body, in order."""
    head, body = root[1], root[2]
    headline = head.find("{*}Headline")
    assert headline is not None
    return [*list(headline.iter())[1:], *list(body.iter())[1:]]


def mangle(data: bytes, draw: st.DataObject) -> bytes:
    root = etree.fromstring(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        elements = parts(root)
        if not elements:
            break
        element = draw.draw(st.sampled_from(elements))
        parent = element.getparent()
        assert parent is not None
        match draw.draw(st.sampled_from(["remove", "text", "double", "attribute", "rename", "swap"])):
            case "remove":
                parent.remove(element)
            case "text":
                element.text = draw.draw(st.sampled_from(NONSENSE) | st.text("あ0１-:T+P\n", max_size=30))
            case "double":
                parent.append(copy.deepcopy(element))
            case "attribute":
                for name in element.attrib:
                    element.set(name, draw.draw(st.sampled_from(NONSENSE)))
            case "rename":
                element.tag = draw.draw(st.sampled_from(["{urn:x}Code", "Kind", str(elements[0].tag)]))
            case _:
                parent.insert(0, element)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def read_or_refuse(data: bytes) -> tuple[Reading, ...]:
    try:
        return read(parse_telegram(data)) or ()
    except TelegramRefused:
        return ()


@pytest.mark.parametrize("type_code", TELEGRAMS)
@given(draw=st.data())
def test_a_mangled_telegram_is_read_or_refused(type_code: str, draw: st.DataObject) -> None:
    for found in read_or_refuse(mangle(TELEGRAMS[type_code], draw)):
        assert all(isinstance(said, str) and said for said in found.problems)
        for area in found.areas:
            assert area.code
            for one in area.kinds:
                known = one.code in KINDS or one.code in {"04", "18", "1", "3"}
                assert known or one.grade is Grade.UNKNOWN or one.lifted
                assert not (one.lifted and one.grade.is_in_force)


@given(
    st.sampled_from(["VPWW56", "VPWS50", "VPWW53"]),
    st.text("0123456789Ａa", min_size=1, max_size=3).filter(lambda code: code not in KINDS),
)
def test_no_code_outside_the_table_passes_for_a_calming(type_code: str, code: str) -> None:
    changed = TELEGRAMS[type_code].replace(b"<Code>49</Code>", f"<Code>{code}</Code>".encode())
    for found in read_or_refuse(changed):
        east = found.area(System.WEATHER, "0410001")
        if east is not None:
            assert found.problems or any(one.grade.is_in_force for one in east.kinds)


def test_blanking_any_one_text_never_silently_calms() -> None:
    """Of a telegram with one danger: whatever single text is lost, it still stands, or people are told."""
    data = weather(
        miyagi(item(EAST, kind("49", last="09")), prefecture=item(MIYAGI, kind("49"))), title=LANDSLIDE
    )
    tried = 0
    for index, _ in enumerate(parts(etree.fromstring(data))):
        root = etree.fromstring(data)
        element = parts(root)[index]
        if not (element.text or "").strip():
            continue
        tried += 1
        element.text = ""
        for found in read_or_refuse(etree.tostring(root)):
            east = found.area(System.WEATHER, "0410001")
            stands = east is not None and any(one.grade >= Grade.URGENT for one in east.kinds)
            assert stands or found.problems, etree.tostring(element)
    assert tried > 10


# Each of these is small as a document; read carelessly (each part against each other) it would take minutes, and the
# limit of a test is one.
MANY = 30_000


def test_one_area_named_thirty_thousand_times_is_read_in_one_go() -> None:
    items = "".join(item(EAST, kind(f"x{n}")) for n in range(MANY))
    (found,) = read(parse_telegram(weather(layer("市町村等", items), title=LANDSLIDE))) or ()
    assert [len(area.kinds) for area in found.areas] == [MANY]
    assert len(found.problems) == 51


def test_thirty_thousand_classes_beside_one_time_are_read_in_one_go() -> None:
    classes = "".join(
        f"<CriteriaClass><Name>級{n}</Name><Code>41</Code></CriteriaClass>" for n in range(MANY)
    )
    inside = criteria().replace("<Sentence>予想文</Sentence>", classes)
    (found,) = (
        read(parse_telegram(weather(miyagi(item(EAST, kind("49", inside=inside))), title=LANDSLIDE))) or ()
    )
    east = found.area(System.WEATHER, "0410001")
    assert east is not None
    assert len(east.kinds[0].expected) == MANY + 1


def test_one_series_given_thirty_thousand_times_is_read_in_one_go() -> None:
    step = STEPS[STEPS.index("<Item>") : STEPS.index("</Item>") + len("</Item>")]
    spells = "".join(step.replace("山", f"山{n}") for n in range(MANY // 4))
    (found,) = read(parse_telegram(weather(STEPS.replace(step, spells), title=SERIES))) or ()
    assert [len(one.expected) for one in found.forecasts] == [MANY // 4 + 1]


def bulletin(tags: list[str], areas: int, items: int = 1) -> bytes:
    named = "".join(f"<Area><Name>町{n}</Name><Code>{n:07}</Code></Area>" for n in range(areas))
    one = f'<Item><Kind><Condition>{"、".join(tags)}</Condition></Kind><Areas codeType="x／y">{named}</Areas></Item>'
    return weather(
        OBSERVED * 50, title="府県気象防災速報", information=f"<Information>{one * items}</Information>"
    )


def test_tags_times_areas_are_bounded() -> None:
    assert len(read_or_refuse(bulletin(["記録雨"], 3_000))[0].happenings) == 3_001
    assert len(read_or_refuse(bulletin(["記録雨"], 1, MANY // 4))[0].happenings) == 2
    for tags, areas in (([f"記録雨{n}" for n in range(21)], 1), ([f"記録雨{n}" for n in range(20)], 3_000)):
        with pytest.raises(TelegramRefused) as caught:
            read(parse_telegram(bulletin(tags, areas)))
        assert caught.value.reason is RefusalReason.TOO_MANY_ELEMENTS
