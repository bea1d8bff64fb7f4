"""One self-contained page of a run: no script, nothing fetched, readable on paper and by a screen reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import jinja2
import numpy as np
from markupsafe import Markup

from bosai.simulation.charts import Bars, Line, bar_chart, line_chart, sparkline
from bosai.simulation.city import Staged
from bosai.simulation.city_map import Fullness, city_map, fullness_of
from bosai.simulation.document import NOTICE, NOTICE_EN
from bosai.simulation.files import ScenarioFile
from geodata.hazards import HazardKind
from shelters.model import Opening
from shelters.simulate.measures import STANDS, Outcome, Percentiles
from shelters.simulate.run import Result
from shelters.simulate.scenario import OrderVersion

OURS_JA, BASE_JA = "この案内", "最寄りの案内"
HAZARDS_JA = {
    HazardKind.FLOOD: "洪水",
    HazardKind.LANDSLIDE: "土砂災害",
    HazardKind.STORM_SURGE: "高潮",
    HazardKind.EARTHQUAKE: "地震",
    HazardKind.TSUNAMI: "津波",
    HazardKind.LARGE_FIRE: "大規模な火事",
    HazardKind.INLAND_FLOOD: "内水氾濫",
    HazardKind.VOLCANO: "火山現象",
}
LEVELS_JA = {3: "警戒レベル3 高齢者等避難", 4: "警戒レベル4 避難指示", 5: "警戒レベル5 緊急安全確保"}
OPENINGS_JA = {Opening.OPEN: "扉が開く（それまで施錠）", Opening.UNUSABLE: "使用不可になる"}
SITES_IN_WORDS = 12
NOTHING = "―"
TABLE_STEPS = 13

_ENV = jinja2.Environment(
    loader=jinja2.PackageLoader("bosai.simulation", "."),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of the comparison. better: "ours", "base" or ""."""

    what: str
    note: str
    ours: str
    base: str
    better: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRow:
    """One site in the table."""

    name: str
    told: int
    true: int
    inside: int
    percent: int
    full: Fullness
    refused: int
    base_inside: int
    base_refused: int
    spark: Markup


def page(found: ScenarioFile, staged: Staged, result: Result, timezone: str) -> str:
    """The whole page as HTML, in Japanese."""
    ours, base = result.ours, result.baseline
    return _ENV.get_template("page.html").render(
        notice=NOTICE,
        notice_en=NOTICE_EN,
        found=found,
        staged=staged,
        ours=ours,
        base=base,
        ours_ja=OURS_JA,
        base_ja=BASE_JA,
        begins=found.begins.astimezone(ZoneInfo(timezone)),
        headline=_headline(ours, base),
        rows=_rows(ours, base),
        events=_events(found, staged, timezone),
        arrivals=_arrivals(ours, base),
        danger=_danger(ours, base),
        walks=_walks(ours, base),
        messages=_messages(ours, base),
        over_time=_over_time(ours, base),
        walk_table=_walk_table(ours, base),
        message_table=_message_table(ours, base),
        sites=_site_rows(ours, base),
        the_map=_map(staged, ours),
    )


# ---- words ---------------------------------------------------------------------------------------------


def _headline(ours: Outcome, base: Outcome) -> str:
    in_time = ""
    if ours.out_in_time_share is not None and base.out_in_time_share is not None:
        # With a wave on its way this comes before every seat.
        in_time = (
            f"第1波の予想時刻までに危険を離れた人は、最寄りの案内では {base.out_in_time_share:.1%}、"
            f"この案内では {ours.out_in_time_share:.1%} でした。"
        )
    return in_time + (
        f"満員で入れなかった人は、最寄りの案内では {base.refused:,}人（避難した人の {base.refused_share:.1%}）、"
        f"この案内では {ours.refused:,}人（{ours.refused_share:.1%}）でした。"
        f"案内どおりに動いた登録者では {base.guided_refused_share:.1%} と {ours.guided_refused_share:.1%} です。"
    )


def _rows(ours: Outcome, base: Outcome) -> list[Row]:
    rows = [
        _row("避難を終えた人", "施設に入った、または区域を出た", _settled(ours), _settled(base), "share", more=True),
        _row("うち施設に入れた人", "避難した人のうち", _placed(ours), _placed(base), "share", judged=False),
        _row("満員で断られた人", "1回以上、施設の入口で", ours.refused_share, base.refused_share, "share"),
        _row(
            "うち案内どおりに動いた登録者",
            "その人たちのうち",
            ours.guided_refused_share,
            base.guided_refused_share,
            "share",
        ),
        _row("断られた回数", "延べ人数", ours.refusals, base.refusals, "人"),
        _row("行き場が見つからない人", "計算の終わりに", ours.stranded, base.stranded, "人"),
        _row("席のある行き先がない人", "最後の案内で", ours.without_site, base.without_site, "人", judged=False),
        _row("使えない施設に着いた人", "", ours.found_shut, base.found_shut, "人"),
        _row("歩いて区域の外へ出た人", "施設に入らず", ours.walked_out, base.walked_out, "人", judged=False),
        _row("歩いた距離（半数がこれ以下）", "施設に入れた人", ours.walked_m.p50, base.walked_m.p50, "m"),
        _row("歩いた距離（90%がこれ以下）", "", ours.walked_m.p90, base.walked_m.p90, "m"),
        _row("歩いた距離（99%がこれ以下）", "", ours.walked_m.p99, base.walked_m.p99, "m"),
        _row("区域を出るまで（半数）", "最初の発令から", ours.in_danger_min.p50, base.in_danger_min.p50, "分"),
        _row("区域を出るまで（90%）", "", ours.in_danger_min.p90, base.in_danger_min.p90, "分"),
        _row("区域を出た人", "対象の人のうち", ours.out_of_danger_share, base.out_of_danger_share, "share", more=True),
        _row("予想時刻までに出た人", "第1波の", ours.out_in_time_share, base.out_in_time_share, "share", more=True),
        _row("通知の数", "登録者1世帯あたり", ours.messages.each, base.messages.each, "回", judged=False),
        _row("行き先の変更", "登録者1世帯あたり", ours.messages.redirects_each, base.messages.redirects_each, "回"),
        _row("いちばん多く受け取った世帯", "通知の数", ours.messages.most_to_one, base.messages.most_to_one, "回"),
    ]  # fmt: skip
    return [one for one in rows if one.ours != NOTHING]


def _settled(outcome: Outcome) -> float:
    return (outcome.placed + outcome.walked_out) / max(1, outcome.movers)


def _placed(outcome: Outcome) -> float:
    """From the heads, as `_settled`: a share that was rounded before would come out larger than the whole it is of."""
    return outcome.placed / max(1, outcome.movers)


def _row(
    what: str,
    note: str,
    ours: float | None,
    base: float | None,
    unit: str,
    *,
    more: bool = False,
    judged: bool = True,
) -> Row:
    better = ""
    if judged and ours is not None and base is not None and ours != base:
        better = "ours" if (ours > base) == more else "base"
    return Row(what=what, note=note, ours=_figure(ours, unit), base=_figure(base, unit), better=better)


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return NOTHING
    if unit == "share":
        return f"{value:.1%}"
    return f"{value:,.2f} {unit}" if unit == "回" and value != int(value) else f"{value:,.0f} {unit}"


def _events(found: ScenarioFile, staged: Staged, timezone: str) -> list[tuple[str, str]]:
    zone = ZoneInfo(timezone)
    seen: set[str] = set()
    happened: list[tuple[float, str]] = []
    for one in staged.scenario.orders:
        happened.append((one.at_s, _order_words(one, again=one.order_id in seen)))
        seen.add(one.order_id)
    names = {site.site_id: site.name for site in staged.city.sites}
    happened += [
        (event.at_s, f"{names[event.site_id]}：{OPENINGS_JA[event.opening]}")
        for event in staged.scenario.events
    ]
    arrivals = {one.arrival_s for one in staged.scenario.orders if one.arrival_s is not None}
    happened += [(one, "第1波の予想時刻（想定）") for one in sorted(arrivals)]
    return [(_clock(found.begins.astimezone(zone), at_s), words) for at_s, words in sorted(happened)]


def _order_words(one: OrderVersion, *, again: bool) -> str:
    hazard = HAZARDS_JA[one.hazard]
    if one.area_xy_m is None:
        return f"{hazard}：解除"
    if one.hazard is HazardKind.TSUNAMI:
        name = "避難指示（津波注意報）" if one.advisory else "避難指示（津波）"
    else:
        name = f"{LEVELS_JA[one.level]}（{hazard}）" if one.level else f"避難指示（{hazard}）"
    area = f"区域 {one.area_xy_m.area / 1e6:.1f} km²"
    return f"{name}{'：区域を変更' if again else 'を発令'}（想定）・{area}"


def _clock(begins: datetime, at_s: float) -> str:
    return f"{begins + timedelta(seconds=at_s):%H:%M}（{at_s / 60:.0f}分後）"


# ---- plots ---------------------------------------------------------------------------------------------


def _minutes(outcome: Outcome, values: list[int]) -> list[tuple[float, float]]:
    return [(at_s / 60.0, float(value)) for at_s, value in zip(outcome.series.at_s, values, strict=True)]


def _inside(outcome: Outcome) -> list[int]:
    column = STANDS.index("inside")
    return [one[column] for one in outcome.series.standing]


def _arrivals(ours: Outcome, base: Outcome) -> Markup:
    says = (
        f"施設に入った人は計算の終わりに、この案内 {ours.placed:,}人、最寄りの案内 {base.placed:,}人。"
        f"断られた延べ人数は {ours.refusals:,}人と {base.refusals:,}人。"
    )
    lines = [
        Line(name=f"施設に入った人・{OURS_JA}", kind="ours", points=_minutes(ours, _inside(ours))),
        Line(name=f"施設に入った人・{BASE_JA}", kind="base", points=_minutes(base, _inside(base))),
        Line(
            name=f"断られた延べ人数・{OURS_JA}", kind="ours thin", points=_minutes(ours, ours.series.refused)
        ),
        Line(
            name=f"断られた延べ人数・{BASE_JA}", kind="base thin", points=_minutes(base, base.series.refused)
        ),
    ]
    return line_chart(
        "arrivals", "施設に入った人と、断られた人", says, lines, x_name="最初の発令からの分", y_name="人"
    )


def _danger(ours: Outcome, base: Outcome) -> Markup:
    says = (
        f"区域の中に残る人は計算の終わりに、この案内 {ours.series.in_danger[-1]:,}人、"
        f"最寄りの案内 {base.series.in_danger[-1]:,}人。自分の判断でとどまる人を含みます。"
    )
    lines = [
        Line(name=OURS_JA, kind="ours", points=_minutes(ours, ours.series.in_danger)),
        Line(name=BASE_JA, kind="base", points=_minutes(base, base.series.in_danger)),
    ]
    return line_chart(
        "danger",
        "区域の中にいる人（施設の中の人を除く）",
        says,
        lines,
        x_name="最初の発令からの分",
        y_name="人",
    )


def _walks(ours: Outcome, base: Outcome) -> Markup:
    says = f"{_middle(ours.walked_m, OURS_JA)}{_middle(base.walked_m, BASE_JA)}"
    rows = [
        Bars(name=OURS_JA, kind="ours", values=ours.walk_bins.persons),
        Bars(name=BASE_JA, kind="base", values=base.walk_bins.persons),
    ]
    names = [f"{n * ours.walk_bins.bin_m / 1000:g}" for n in range(len(ours.walk_bins.persons))]
    return bar_chart(
        "walks",
        "歩いた距離ごとの人数（施設に入れた人）",
        says,
        names,
        rows,
        x_name="km から（最後はそれ以上すべて）",
        y_name="人",
    )


def _middle(walked: Percentiles, name: str) -> str:
    return (
        ""
        if walked.p50 is None
        else f"{name}の半数は {walked.p50:,.0f} m 以下、90%は {walked.p90:,.0f} m 以下。"
    )


def _messages(ours: Outcome, base: Outcome) -> Markup:
    rows = _message_table(ours, base)
    says = f"登録者1世帯あたり、この案内は {ours.messages.each:.2f} 回、最寄りの案内は {base.messages.each:.2f} 回。"
    bars = [
        Bars(name=OURS_JA, kind="ours", values=[one[1] for one in rows]),
        Bars(name=BASE_JA, kind="base", values=[one[2] for one in rows]),
    ]
    return bar_chart(
        "messages", "受け取った通知の数", says, [one[0] for one in rows], bars, x_name="回", y_name="世帯"
    )


def _map(staged: Staged, ours: Outcome) -> Markup:
    newest = {one.order_id: one for one in staged.scenario.orders if one.area_xy_m is not None}
    areas = [
        (f"{HAZARDS_JA[one.hazard]}の区域（想定・最後の形）", one.area_xy_m)
        for one in newest.values()
        if one.area_xy_m is not None
    ]
    busy = np.array([one.most_inside + one.refused for one in ours.sites])
    used = np.zeros(len(busy), dtype=np.bool_)
    used[np.argsort(-busy, kind="stable")[:SITES_IN_WORDS]] = True
    used &= busy > 0
    crowded = sum(fullness_of(one).kind == "crowded" for one in ours.sites)
    says = (
        f"{len(ours.sites)} 施設のうち、計算の終わりに混雑・満員は {crowded} 施設。"
        "施設ごとの数は下の表にあります。"
    )
    return city_map(
        "map",
        f"区域と施設（{OURS_JA}・計算の終わり）",
        says,
        ours,
        site_xy_m=staged.city.site_xy_m,
        areas_xy_m=areas,
        used=used,
    )


# ---- tables --------------------------------------------------------------------------------------------


def _over_time(ours: Outcome, base: Outcome) -> list[tuple[int, list[int]]]:
    """(minute, [inside ours, base, refused ours, base, in danger ours, base]) at a few moments."""
    steps = np.unique(np.linspace(0, len(ours.series.at_s) - 1, TABLE_STEPS).astype(int))
    columns = (
        _inside(ours),
        _inside(base),
        ours.series.refused,
        base.series.refused,
        ours.series.in_danger,
        base.series.in_danger,
    )
    return [(round(ours.series.at_s[n] / 60), [column[n] for column in columns]) for n in steps]


def _walk_table(ours: Outcome, base: Outcome) -> list[tuple[str, int, int]]:
    size, last = ours.walk_bins.bin_m, len(ours.walk_bins.persons) - 1
    return [
        (f"{n * size:,} m 以上" + ("" if n == last else f" {(n + 1) * size:,} m 未満"), one, other)
        for n, (one, other) in enumerate(zip(ours.walk_bins.persons, base.walk_bins.persons, strict=True))
        if one or other
    ]


def _message_table(ours: Outcome, base: Outcome) -> list[tuple[str, int, int]]:
    most = max([1, *(int(one) for one in (*ours.messages.by_number, *base.messages.by_number))])
    return [
        (str(n), ours.messages.by_number.get(str(n), 0), base.messages.by_number.get(str(n), 0))
        for n in range(1, most + 1)
    ]


def _site_rows(ours: Outcome, base: Outcome) -> list[SiteRow]:
    rows = []
    for n, (one, other) in enumerate(zip(ours.sites, base.sites, strict=True)):
        if not (one.most_inside or other.most_inside or one.refused or other.refused):
            continue
        heads = [float(step[n]) for step in ours.series.inside]
        percent = round(one.inside / max(1, one.true_seats) * 100)
        rows.append(
            SiteRow(
                name=one.name,
                told=one.told_seats,
                true=one.true_seats,
                inside=one.inside,
                percent=percent,
                full=fullness_of(one),
                refused=one.refused,
                base_inside=other.inside,
                base_refused=other.refused,
                spark=sparkline(
                    heads, one.true_seats, f"{one.name}の人数の推移。終わりに {percent}%", "ours"
                ),
            )
        )
    return sorted(rows, key=lambda row: (-row.percent, row.name))
