"""Japanese for late decisions: one sentence on the board, in the banner and on the page."""

from bosai.feeds.decision_lag import Lag, Need, Stage
from bosai.messages.measures import JST
from bosai.messages.terms import issued_name

PATH = "/hq/lag"

STAGES = {
    Stage.WAITING: "判断待ち",
    Stage.NAG: "判断をお願いします",
    Stage.ESCALATE: "判断が遅れています",
    Stage.ANSWERED: "いまは発令しないと判断",
}


def sentence(lag: Lag) -> str:
    """「仙台市東部にレベル４土砂災害危険警報（気象庁 14:05発表）。市の避難指示がないまま12分」."""
    standing = lag.need.standing
    at = lag.since.astimezone(JST)
    minutes = int(lag.waited.total_seconds() // 60)
    return (
        f"{standing.name}に{standing.kind.name}（気象庁 {at:%H:%M}発表）。"
        f"答える避難情報が発令されないまま{minutes}分たっています。"
    )


def proposed(need: Need) -> str:
    """What the city's table proposes: 「警戒レベル4 避難指示（土砂災害）」."""
    return issued_name("ja", need.hazard, need.kind, need.tsunami_class)
