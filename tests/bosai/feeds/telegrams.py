"""Telegrams written for tests, in the layout of VTSE41; and the folder of the real ones."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

JST = timezone(timedelta(hours=9))
TSUNAMI_TITLE = "津波警報・注意報・予報a"
EVENT = "20260401120000"
REPO = Path(__file__).resolve().parents[3]

SEQUENCE_2011 = (
    "32-39_11_02_250206_VTSE41.xml",
    "32-39_11_06_250206_VTSE41.xml",
    "32-39_11_09_250206_VTSE41.xml",
    "32-39_11_11_250206_VTSE41.xml",
    "32-39_11_13_250206_VTSE41.xml",
)


def jma_folder() -> Path:
    """The real telegrams; the test skips where they are not at hand."""
    root = Path(os.environ.get("BOSAI_SHARED_DATA", REPO.parent / "shared" / "data"))
    folder = root / "jma"
    if not folder.is_dir():
        pytest.skip(f"real JMA telegrams are not here: {folder} (set BOSAI_SHARED_DATA)")
    return folder


def item(
    code: str = "220",
    kind: str = "52",
    last: str | None = "00",
    *,
    arrival: str = "",
    condition: str = "",
    height: str = "",
    name: str = "宮城県",
) -> str:
    """One Forecast/Item. `height` is a whole TsunamiHeight element or nothing."""
    last_kind = f"<LastKind><Name>前</Name><Code>{last}</Code></LastKind>" if last is not None else ""
    first = (f"<ArrivalTime>{arrival}</ArrivalTime>" if arrival else "") + (
        f"<Condition>{condition}</Condition>" if condition else ""
    )
    return (
        f"<Item><Area><Name>{name}</Name><Code>{code}</Code></Area>"
        f"<Category><Kind><Name>いま</Name><Code>{kind}</Code></Kind>{last_kind}</Category>"
        + (f"<FirstHeight>{first}</FirstHeight>" if first else "")
        + (f"<MaxHeight>{height}</MaxHeight>" if height else "")
        + "</Item>"
    )


def report(
    *items: str,
    title: str = TSUNAMI_TITLE,
    status: str = "通常",
    info_type: str = "発表",
    event_id: str = EVENT,
    report_at: datetime = datetime(2026, 4, 1, 12, 3, tzinfo=JST),
    sent_after_s: int = 10,
    body: str | None = None,
    headline: str = "ただちに避難してください。",
    prolog: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
) -> bytes:
    """The bytes of one telegram; `body` replaces the tsunami body made of `items`."""
    sent_at = (report_at + timedelta(seconds=sent_after_s)).astimezone(UTC)
    if body is None:
        body = (
            "<Text>先ほどの発表を取り消します。</Text>"
            if info_type == "取消"
            else f"<Tsunami><Forecast>{''.join(items)}</Forecast></Tsunami>"
        )
    return (
        f'{prolog}<Report xmlns="http://xml.kishou.go.jp/jmaxml1/">'
        f"<Control><Title>{escape(title)}</Title><DateTime>{sent_at:%Y-%m-%dT%H:%M:%SZ}</DateTime>"
        f"<Status>{status}</Status><EditorialOffice>気象庁本庁</EditorialOffice>"
        "<PublishingOffice>気象庁</PublishingOffice></Control>"
        '<Head xmlns="http://xml.kishou.go.jp/jmaxml1/informationBasis1/">'
        f"<Title>見出し</Title><ReportDateTime>{report_at.isoformat()}</ReportDateTime>"
        f"<TargetDateTime>{report_at.isoformat()}</TargetDateTime><EventID>{event_id}</EventID>"
        f"<InfoType>{info_type}</InfoType><Serial/><InfoKind>津波警報・注意報・予報</InfoKind>"
        f"<InfoKindVersion>1.0_1</InfoKindVersion><Headline><Text>{headline}</Text></Headline></Head>"
        '<Body xmlns="http://xml.kishou.go.jp/jmaxml1/body/seismology1/" '
        f'xmlns:jmx_eb="http://xml.kishou.go.jp/jmaxml1/elementBasis1/">{body}</Body></Report>'
    ).encode()
