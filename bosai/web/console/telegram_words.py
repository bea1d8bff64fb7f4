"""What telegrams say and did, in Japanese for HQ. 発表 is 気象庁's word; its 解除 is not the city's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from bosai.feeds.changes import Change, ChangeKind, IgnoredReason, Outcome, Standing, TelegramRow
from bosai.feeds.jma.envelope import InfoType
from bosai.feeds.jma.tsunami import CLASS_BY_GRADE
from bosai.feeds.readings import Danger, Grade, Happening, Kind, System
from bosai.feeds.show import intensity_name
from bosai.messages.measures import JST

OUTCOMES = {
    Outcome.PROPOSED: "提案あり",
    Outcome.CHANGED: "変化あり",
    Outcome.NO_CHANGE: "変化なし",
    Outcome.KEPT: "保管のみ",
    Outcome.NOT_FOR_THIS_SIDE: "対象外",
    Outcome.STALE: "古い電文",
    Outcome.UNREADABLE: "読めません",
}
OUTCOME_NOTES = {
    Outcome.PROPOSED: "本部への提案を作りました。",
    Outcome.CHANGED: "発表の状況が変わりました。提案の表にあてはまるものはありません。",
    Outcome.NO_CHANGE: "発表の状況は変わりません。",
    Outcome.KEPT: "本文を読まない種別です。保管しています。",
    Outcome.NOT_FOR_THIS_SIDE: "この側（本番・訓練）では使わない電文です。",
    Outcome.STALE: "いまの電文ではないため、使っていません。",
    Outcome.UNREADABLE: "内容を読み取れません。気象庁の発表を直接確かめてください。",
}
IGNORED = {
    IgnoredReason.STATUS: "通常・訓練・試験の別がこの側と違います",
    IgnoredReason.DUPLICATE: "同じ電文をすでに受け取っています",
    IgnoredReason.LATE: "これより新しい電文が先に届いていました",
    IgnoredReason.NOTHING_TO_RECALL: "取り消す発表がありません",
    IgnoredReason.OTHER_FAMILY: "設定で使わないことにしている系統の電文です（weather_family）",
}
SYSTEMS = {
    System.WEATHER: "気象",
    System.SURGE: "高潮",
    System.RIVER: "河川",
    System.SEISMIC: "地震",
    System.TSUNAMI: "津波",
    System.CAP: "CAP",
}
DANGERS = {
    Danger.HEAVY_RAIN: "大雨",
    Danger.LANDSLIDE: "土砂災害",
    Danger.STORM_SURGE: "高潮",
    Danger.RIVER_FLOOD: "河川の氾濫",
    Danger.TSUNAMI: "津波",
    Danger.SHAKING: "地震",
    Danger.WIND: "暴風",
    Danger.SNOWSTORM: "暴風雪",
    Danger.SNOW: "大雪",
    Danger.WAVES: "波浪",
    Danger.THUNDER: "雷",
    Danger.SNOWMELT: "融雪",
    Danger.FOG: "濃霧",
    Danger.DRY_AIR: "乾燥",
    Danger.AVALANCHE: "なだれ",
    Danger.COLD: "低温",
    Danger.FROST: "霜",
    Danger.ICING: "着氷",
    Danger.WET_SNOW: "着雪",
    Danger.OTHER: "その他",
    Danger.RAINBAND: "線状降水帯",
    Danger.RECORD_RAIN: "記録的短時間大雨",
    Danger.SHORT_HEAVY_SNOW: "短時間大雪",
    Danger.TORNADO: "竜巻",
    Danger.LATER_QUAKE: "後発地震",
}
DETAILS = {
    "arrival": "到達予想",
    "height": "高さ",
    "expected": "予想の時刻",
    "conditions": "付記",
    "code": "種別コード",
}
TSUNAMI = {
    Grade.ADVISORY: "津波注意報",
    Grade.WARNING: "津波警報",
    Grade.EMERGENCY: "大津波警報",  # code 53 is named 「大津波警報：発表」
}
TYPE_GROUPS = {
    "tsunami": ("津波", ("VTSE",)),
    "quake": ("地震", ("VXSE", "VYSE")),
    "weather": ("警報・注意報", ("VPWW", "VPWS", "VXWW")),
    "bulletin": ("気象防災速報など", ("VPBS", "VPOA", "VPHW", "VPNO")),
    "series": ("時系列の予想", ("VPWP",)),
    "river": ("指定河川洪水予報", ("VXKO",)),
    "cap": ("CAP", ()),
    "other": ("その他・不明", ()),
}
_FELT_LAYERS = frozenset({"都道府県", "細分区域", "市町村等"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLine:
    """One difference as a line. `chip` is 「警戒レベル4相当」 or a tsunami's name, "" where there is neither; `what` is
    "" where the chip says it."""

    verb: str
    place: str
    system: str
    what: str
    chip: str
    chip_class: str
    notes: tuple[str, ...]


def group_of(row: TelegramRow) -> str:
    """The key of TYPE_GROUPS that a row belongs to."""
    if row.source is not None and row.source.type_code is not None:
        code = row.source.type_code
        for key, (_, prefixes) in TYPE_GROUPS.items():
            if prefixes and code.startswith(prefixes):
                return key
    # JMA's rows come from "jma" and from replays; everything else is the name of a CAP feed.
    return "other" if row.feed in {"jma", "replay"} else "cap"


def chip(kind: Kind) -> str:
    """「警戒レベル4相当」; level 2 is 気象庁's own level and has no 相当; a tsunami has a name and no level."""
    if kind.level is not None:
        return f"警戒レベル{kind.level}" + ("相当" if kind.level >= 3 else "")
    return TSUNAMI.get(kind.grade, "") if kind.danger is Danger.TSUNAMI else ""


def named(kind: Kind) -> str:
    """What is in force, where the chip does not say it already: 気象庁's name, as given."""
    return "" if kind.danger is Danger.TSUNAMI and chip(kind) else kind.name


def chip_class(kind: Kind) -> str:
    """The colour that goes with the words, never instead of them."""
    if kind.level is not None:
        return f"jma-level-{kind.level}"
    if kind.danger is Danger.TSUNAMI and kind.grade in TSUNAMI:
        return f"jma-tsunami-{CLASS_BY_GRADE[kind.grade].value}"
    return ""


def facts_of(kind: Kind) -> tuple[str, ...]:
    """Arrival, height, times and conditions as given."""
    found = []
    if kind.first_height is not None and kind.first_height.as_given:
        found.append(f"第1波：{kind.first_height.as_given}".replace("第1波：第１波", "第１波"))
    if kind.max_height is not None and kind.max_height.as_given:
        found.append(f"予想される高さ：{kind.max_height.as_given}")
    found += [f"予想：{one.as_given}" for one in kind.expected]
    if kind.conditions:
        found.append(f"［{'・'.join(kind.conditions)}］")
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What belongs to the city. city: the first digits of its seven-digit codes (0410 with the wards of 仙台市).

    rivers: names, of which one stands in the name of a river area of ours.
    """

    city: str
    tsunami_area: str
    rivers: tuple[str, ...] = ()

    def holds(self, system: System, code: str, name: str) -> bool:
        """True for an area that is the city or a part of it, its coast or one of its rivers."""
        match system:
            case System.TSUNAMI:
                # 潮位観測点 have five digits, the first three of which are their 津波予報区: 仙台港 22021.
                return code == self.tsunami_area or (len(code) == 5 and code.startswith(self.tsunami_area))
            case System.WEATHER | System.SEISMIC:
                return len(code) == 7 and code.startswith(self.city)
            case System.RIVER:
                return any(one in name for one in self.rivers)
            case _:
                return True


def lines_of(changes: Iterable[Change], ours: Ours) -> list[ChangeLine]:
    """Every change as a line, those of the city first, else in the order of the telegram."""
    return [_line(one) for one in sorted(changes, key=lambda one: not _is_ours(one, ours))]


def issued_word(row: TelegramRow) -> str:
    """発表 for what 気象庁 announced, 発信 for what others sent: 発表 is 気象庁's word."""
    return "発信" if group_of(row) == "cap" else "発表"


def info_word(row: TelegramRow) -> str:
    """発表, 訂正 or 取消 as given, 発信 for a CAP message that is no cancel; "" where nobody could read it."""
    if row.source is None:
        return ""
    return issued_word(row) if row.source.info_type is InfoType.ISSUED else str(row.source.info_type)


def delay(row: TelegramRow) -> str:
    """How long after the time of the report it was received: 「発表から52秒」."""
    if row.source is None:
        return ""
    passed = row.received_at - row.source.report_at
    word = issued_word(row)
    if passed < timedelta():
        return f"{word}時刻より前（時計を確かめてください）"
    seconds = int(passed.total_seconds())
    if seconds < 120:
        return f"{word}から{seconds}秒"
    if seconds < 7200:
        return f"{word}から{seconds // 60}分"
    return f"{word}から{seconds // 3600}時間" if seconds < 48 * 3600 else f"{word}から{seconds // 86400}日"


def _is_ours(change: Change, ours: Ours) -> bool:
    found = change.after or change.before or change.area or change.happening or change.forecast
    return found is None or ours.holds(found.system, found.code, found.name)


def _line(change: Change) -> ChangeLine:
    match change.kind:
        case ChangeKind.HAPPENED if change.happening is not None:
            return _happened(change.happening)
        case ChangeKind.EXPECTED if change.forecast is not None:
            one = change.forecast
            return ChangeLine(
                verb="予想",
                place=one.name,
                system=SYSTEMS[one.system],
                what=DANGERS[one.danger],
                chip="",
                chip_class="",
                notes=tuple(each.as_given for each in one.expected) or ("予想されているものはありません",),
            )
        case ChangeKind.UNCLEAR:
            return _unclear(change)
        case _:
            return _standing_line(change)


def _standing_line(change: Change) -> ChangeLine:
    standing = change.after or change.before
    if standing is None:
        return _unclear(change)
    kind = standing.kind
    before = change.before
    notes: list[str] = []
    verb = _VERBS[change.kind]
    match change.kind:
        case ChangeKind.RAISED:
            verb = "引上げ" if before is not None and before.kind.grade.is_in_force else "発表"
            notes += _previous(before, change.after)
        case ChangeKind.LOWERED:
            notes += _previous(before, change.after)
        case ChangeKind.LIFTED if not change.stated:
            notes.append("電文にこの区域がなくなりました（解除）")
        case ChangeKind.RECALLED:
            notes.append("誤りとして取り消されました")
        case ChangeKind.DETAIL:
            news = "・".join(DETAILS.get(one, one) for one in change.details)
            notes += [f"変わったもの：{news}"] if news else []
    shown = change.after is not None
    return ChangeLine(
        verb=verb,
        place=standing.name,
        system=SYSTEMS[standing.system],
        what=named(kind) if shown else _gone(kind),
        chip=chip(kind) if shown else "",
        chip_class=chip_class(kind) if shown else "",
        notes=(*notes, *(facts_of(kind) if shown else ())),
    )


_VERBS = {
    ChangeKind.RAISED: "発表",
    ChangeKind.LOWERED: "引下げ",
    ChangeKind.LIFTED: "解除",
    ChangeKind.RECALLED: "取消",
    ChangeKind.DETAIL: "詳細",
    ChangeKind.UNCLEAR: "要確認",
    ChangeKind.HAPPENED: "観測・情報",
    ChangeKind.EXPECTED: "予想",
}


def _gone(kind: Kind) -> str:
    """The name of what is in force no longer."""
    return (chip(kind) if kind.danger is Danger.TSUNAMI else "") or kind.name


def _previous(before: Standing | None, after: Standing | None) -> list[str]:
    if before is None or after is None:
        return []
    earlier, later = _gone(before.kind), _gone(after.kind)
    return [f"前：{earlier}"] if earlier != later else []


def _unclear(change: Change) -> ChangeLine:
    area = change.area
    standing = change.after or change.before
    kinds = area.kinds if area is not None else ((standing.kind,) if standing is not None else ())
    codes = "・".join(f"{one.name or '名称なし'}（コード {one.code or 'なし'}）" for one in kinds)
    found = area or standing
    return ChangeLine(
        verb=_VERBS[ChangeKind.UNCLEAR],
        place=found.name if found is not None else "区域なし",
        system=SYSTEMS[found.system] if found is not None else "",
        what=codes or "読めない内容",
        chip="",
        chip_class="",
        notes=("知らないコードです。気象庁の発表を直接確かめてください",),
    )


def _happened(one: Happening) -> ChangeLine:
    felt = one.danger is Danger.SHAKING and one.layer in _FELT_LAYERS
    notes = [f"{one.at.astimezone(JST):%H:%M}"] if one.at is not None else []
    if one.conditions:
        notes.append(f"［{'・'.join(one.conditions)}］")
    if one.text:
        notes.append(one.text.replace("\n", " ")[:200])
    return ChangeLine(
        verb=_VERBS[ChangeKind.HAPPENED],
        place=one.name,
        system=SYSTEMS[one.system],
        what=intensity_name(one.value) if felt else one.value,
        chip="",
        chip_class="",
        notes=tuple(notes),
    )
