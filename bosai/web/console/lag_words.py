"""Japanese for late decisions: one sentence on the board, in the banner and on the page."""

from collections.abc import Sequence
from datetime import timedelta

from bosai.feeds.changes import Standing
from bosai.feeds.decision_lag import Lag, Need, Stage
from bosai.feeds.readings import Danger
from bosai.messages.measures import time_text
from bosai.messages.terms import issued_name
from bosai.web.console.telegram_words import chip
from geodata.hazards import HazardKind

PATH = "/hq/lag"

STAGES = {
    Stage.WAITING: "判断待ち",
    Stage.NAG: "判断をお願いします",
    Stage.ESCALATE: "判断が遅れています",
    Stage.ANSWERED: "いまは発令しないと判断",
}


def sentence(lag: Lag) -> str:
    """What stands where since when, and how long no order has answered it."""
    standing = lag.need.standing
    at = time_text(lag.since, lag.since + lag.waited)
    return (
        f"{standing.name}に{announced(standing)}（気象庁 {at}発表）。"
        f"対応する避難情報が発令されないまま{_waited(lag.waited)}たっています。"
    )


def announced(standing: Standing) -> str:
    """What 気象庁 announced. Code 53 is named 「大津波警報：発表」, which is no name to be read in a sentence."""
    kind = standing.kind
    return (chip(kind) if kind.danger is Danger.TSUNAMI else "") or kind.name


def summary(lags: Sequence[Lag], *, of: int) -> str:
    """The most pressing as a sentence, and how many more wait; of: all that wait."""
    first = max(lags, key=lambda one: (one.need.hazard is HazardKind.TSUNAMI, one.need.grade, one.waited))
    return sentence(first) + (f"ほかに{of - 1}件あります。" if of > 1 else "")


def _waited(passed: timedelta) -> str:
    minutes = int(passed.total_seconds() // 60)
    if minutes < 120:
        return f"{minutes}分"
    return f"{minutes // 60}時間" if minutes < 48 * 60 else f"{minutes // 1440}日"


def proposed(need: Need) -> str:
    """What the city's table proposes: 「警戒レベル4 避難指示（土砂災害）」."""
    return issued_name("ja", need.hazard, need.kind, need.tsunami_class)
