"""Documents made to cost much, and a process with hard limits to open them in.

    python -m tests.bosai.feeds.hostile NAME…    prints one JSON line for each: {name, outcome, grown_mb}

The process may take ADDRESS_SPACE bytes and CPU_S seconds and is killed beyond them, so that a bound which does not
hold fails the test on any machine, whatever its speed.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
from collections.abc import Callable

from benchmarks.memory_peak import peak_growth_mb
from bosai.feeds.errors import FeedError
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.safe_xml import MAX_BYTES
from tests.bosai.feeds.telegrams import item, report

ADDRESS_SPACE = 1_500_000_000
CPU_S = 20
ROOM = MAX_BYTES - 4_000  # what is left in a document beside the envelope


def _in_text(filling: str) -> bytes:
    return report(item(), headline=filling)


def _in_body(filling: str) -> bytes:
    return report(body=filling)


def _numbered(form: str, room: int = ROOM) -> str:
    size = len(form.format(0)) + 5
    return "".join(form.format(n) for n in range(room // size))


def _river(filling: str) -> bytes:
    kind = "<Kind><Name>レベル４氾濫危険警報</Name><Code>41</Code></Kind>"
    area = "<Area><Name>川</Name><Code>820202000100</Code></Area>"
    areas = f"<Areas codeType='指定河川洪水予報（予報区域）'>{area}</Areas>"
    head = f"<Information type='x'><Item>{kind}{areas}</Item></Information>"
    data = report(title="指定河川洪水予報", event_id="820202000100", body=filling).decode()
    return (
        data.replace("body/seismology1/", "body/meteorology1/")
        .replace("</Text></Headline>", f"</Text>{head}</Headline>")
        .encode()
    )


def _head_product() -> bytes:
    """30,000 kinds times 30,000 areas, in 5 MB."""
    kinds = "<Kind><Name>x</Name></Kind>" * 30_000
    areas = "<Area><Name>y</Name><Code>1</Code></Area>" * 30_000
    information = (
        f"<Information type='x'><Item>{kinds}<Areas codeType='z'>{areas}</Areas></Item></Information>"
    )
    return report(item()).decode().replace("</Text></Headline>", f"</Text>{information}</Headline>").encode()


def _same_gauge() -> bytes:
    main = "<Kind><Property><Type>主文</Type><Text>文</Text></Property></Kind>"
    series = "<Item><Station><Name>a</Name><Code>1</Code></Station></Item>"
    station = "<Station><Name>a</Name><Code>1</Code></Station>"
    return _river(
        f"<Warning><Item>{main * 10_000}<Stations>{station * 10_000}</Stations></Item></Warning>"
        f"<MeteorologicalInfos><TimeSeriesInfo>{series * 10_000}</TimeSeriesInfo></MeteorologicalInfos>"
    )


def _same_city() -> bytes:
    area = "<Area><Name>a</Name><City>b</City><CityCode>1</CityCode><SubCityList>c</SubCityList></Area>"
    kind = "<Kind><Property><Type>浸水想定地区</Type></Property></Kind>"
    return _river(f"<Warning><Item>{kind}<Areas>{area * 30_000}</Areas></Item></Warning>")


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY {chr(98 + n)} "&{chr(97 + n)};&{chr(97 + n)};">' for n in range(20))
    prolog = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha">{entities}]>'
    return report(body="<Text>&u;</Text>", prolog=prolog)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (_laughs, "has_dtd"),
    "quadratic blow-up": (
        lambda: report(
            body="<Text>" + "&a;" * 100_000 + "</Text>",
            prolog=f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "{"x" * 100_000}">]>',
        ),
        "has_dtd",
    ),
    "500,001 siblings": (lambda: b"<r>" + b"<a/>" * 500_000 + b"</r>", "too_many_elements"),
    "siblings to the last byte": (lambda: b"<r>" + b"<a/>" * (ROOM // 4) + b"</r>", "too_many_elements"),
    "siblings just below the limit": (lambda: _in_body("<a/>" * 499_900), "field_missing"),
    "a name for each of 499,000 elements": (
        lambda: _in_body("".join(f"<a{n:x}/>" for n in range(499_000))),
        "field_missing",
    ),
    "a million attributes on one element": (
        lambda: _in_body("<a" + _numbered(' a{}=""') + "/>"),
        "too_many_attributes",
    ),
    "attributes just below the limit": (
        lambda: _in_body("<a" + "".join(f' a{n:x}=""' for n in range(499_900)) + "/>"),
        "field_missing",
    ),
    "attributes by the thousand": (
        lambda: _in_body(("<a" + "".join(f' a{n}=""' for n in range(5_000)) + "/>") * 90),
        "field_missing",
    ),
    "the same attribute again and again": (
        lambda: _in_body("<a" + ' a=""' * 200_000 + "/>"),
        "not_well_formed",
    ),
    "a namespace for each of 400,000": (
        lambda: _in_body("<a" + "".join(f' xmlns:a{n:x}="u"' for n in range(400_000)) + "/>"),
        "field_missing",
    ),
    "nested without end": (lambda: b"<a>" * 400_000, "too_deep"),
    "nested and closed": (lambda: _in_body("<a>" * 100_000 + "</a>" * 100_000), "too_deep"),
    "one text of ten megabytes": (lambda: _in_text("x" * ROOM), "too_large"),
    "one text of nine megabytes": (lambda: _in_text("x" * 9_000_000), "read"),
    "one attribute of ten megabytes": (lambda: b"<r a='" + b"x" * ROOM + b"'/>", "too_large"),
    "one name of ten megabytes": (lambda: b"<" + b"a" * ROOM + b"/>", "too_large"),
    "character references": (lambda: _in_text("&#65;" * (ROOM // 5)), "read"),
    "comments only": (lambda: _in_body("<!---->" * (ROOM // 7)), "field_missing"),
    "instructions only": (lambda: _in_body("<?a?>" * (ROOM // 5)), "field_missing"),
    "empty sections": (lambda: _in_text("<![CDATA[]]>" * (ROOM // 12)), "read"),
    "eleven megabytes": (lambda: _in_text("x" * (MAX_BYTES + 1)), "too_large"),
    "cut in the middle": (lambda: report(item())[:-200], "not_well_formed"),
    "cut inside a letter": (lambda: report(item())[: report(item()).index("宮".encode()) + 1], "not_utf8"),
    "nothing": (lambda: b"", "not_well_formed"),
    "a NUL": (lambda: report(item()).replace(b"<Serial/>", b"<Serial>\x00</Serial>"), "not_well_formed"),
    "only NULs": (lambda: b"\x00" * ROOM, "not_well_formed"),
    "gzip": (lambda: gzip.compress(report(item())), "not_utf8"),
    "utf-16": (lambda: report(item()).decode().encode("utf-16"), "not_utf8"),
    "utf-16 without a mark": (lambda: report(item()).decode().encode("utf-16-le"), "not_utf8"),
    "30,000 kinds times 30,000 areas": (_head_product, "too_many_elements"),
    "one gauge 10,000 times": (_same_gauge, "read"),
    "one city 30,000 times": (_same_city, "read"),
    "15,000 areas nobody knows": (
        lambda: report(*(item(code=str(n), kind="99", last=None) for n in range(15_000))),
        "read",
    ),
    "one area 15,000 times": (lambda: report(*(item(last=None) for _ in range(15_000))), "read"),
}
"""Name → how it is made, and what must become of it: "read" or a reason of refusal."""


def outcome(data: bytes) -> str:
    """ "read" or "kept" for what passes, else the reason of the refusal."""
    try:
        readings = read(parse_telegram(data))
    except FeedError as error:
        return error.reason.value
    if readings is None:
        return "kept"
    said = sum(len(problem) for one in readings for problem in one.problems)
    return "read" if said < 100_000 else f"{said} letters of problems"


def main(names: list[str]) -> None:
    """Open each under the limits, the documents made before any is measured."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    for name in names:
        data = HOSTILE[name][0]()
        found, grown = _opened(data)
        print(json.dumps({"name": name, "outcome": found, "grown_mb": grown}), flush=True)


def _opened(data: bytes) -> tuple[str, float]:
    found: list[str] = []
    grown_mb = peak_growth_mb(lambda: found.append(outcome(data)))
    return found[0], grown_mb


if __name__ == "__main__":
    main(sys.argv[1:])
