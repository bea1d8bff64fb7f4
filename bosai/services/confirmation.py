"""The words an officer types before an order leaves: they name what it is and where, and differ on each side."""

import unicodedata

from bosai.errors import ConfirmationMismatch
from bosai.model.alert import Act, Alert, OrderKind, TsunamiClass
from geodata.hazards import HazardKind

NAMED_AREAS = 2
"""Longer lists are typed as the first name and how many more, so that they can be typed at all."""

_DRILL = "訓練"
_ACTS = {Act.LIFT: "解除", Act.RECALL: "取消"}
_NOTICE_ACTS = {Act.LIFT: "終了", Act.RECALL: "取消"}
_KINDS = {
    OrderKind.ELDERLY_ETC: "高齢者等避難",
    OrderKind.EVACUATE: "避難指示",
    OrderKind.EMERGENCY_SAFETY: "緊急安全確保",
    OrderKind.TSUNAMI_EVACUATION: "避難指示",
    OrderKind.NOTICE: "お知らせ",
}
TSUNAMI_NAMES = {
    TsunamiClass.ADVISORY: "津波注意報",
    TsunamiClass.WARNING: "津波警報",
    TsunamiClass.MAJOR_WARNING: "大津波警報",
}
_HAZARDS = {
    HazardKind.FLOOD: "洪水",
    HazardKind.LANDSLIDE: "土砂災害",
    HazardKind.STORM_SURGE: "高潮",
    HazardKind.INLAND_FLOOD: "浸水",
    HazardKind.EARTHQUAKE: "地震",
    HazardKind.LARGE_FIRE: "大規模な火事",
    HazardKind.VOLCANO: "火山現象",
    HazardKind.TSUNAMI: "津波",
}


def confirmation_words(alert: Alert, act: Act | None = None) -> str:
    """「洪水 警戒レベル4 避難指示 若林区荒浜」, 「大津波警報 避難指示 津波避難エリア1」; a drill starts with 「訓練」.

    The danger is named, for two orders of one level may stand on one area and only one of them be meant.

    `act` asks for the words of another act on the same order: the recall of what is in force.
    """
    words = [
        _DRILL if alert.realm_of.is_drill else "",
        (_NOTICE_ACTS if alert.kind is OrderKind.NOTICE else _ACTS).get(act or alert.act, ""),
        _danger(alert),
        _KINDS[alert.kind],
        area_words(alert.area.names),
    ]
    return " ".join(filter(None, words))


def confirm(alert: Alert, typed: str, act: Act | None = None) -> None:
    """Compare after NFKC (so 「４」 is 「4」) with runs of space as one. Raises ConfirmationMismatch."""
    expected = confirmation_words(alert, act)
    if not same_words(typed, expected):
        raise ConfirmationMismatch(expected)


def same_words(typed: str, expected: str) -> bool:
    """Whether somebody typed what was asked for, after NFKC, with runs of space as one."""
    return _folded(typed) == _folded(expected)


def _danger(alert: Alert) -> str:
    if alert.tsunami_class is not None:
        return TSUNAMI_NAMES[alert.tsunami_class]
    level = f" 警戒レベル{int(alert.level)}" if alert.level is not None else ""
    return f"{_HAZARDS[alert.hazard]}{level}"


def area_words(names: tuple[str, ...]) -> str:
    """The areas so that they can be typed: two names at most."""
    if len(names) <= NAMED_AREAS:
        return "・".join(names)
    return f"{names[0]}ほか{len(names) - 1}区域"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())
