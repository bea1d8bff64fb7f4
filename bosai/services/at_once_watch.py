"""The tick beside the feed: it meets what a crash left unmet, and says whether the automatism can be trusted now.

A city that relies on texts going out by themselves has to know at once when they would not.
"""

from datetime import datetime

import msgspec
from redis.asyncio import Redis

from bosai.messages.measures import JST
from bosai.model.alert import TsunamiClass
from bosai.ports import Clock
from bosai.services.at_once import AtOnce, AtOnceSituation
from bosai.services.confirmation import TSUNAMI_NAMES
from bosai.services.pre_approvals import ClassState, Readiness
from bosai.stores.at_once import Met, Reaction
from bosai.stores.keys import Keys

HEALTH_PART = "at_once"
TICK_S = 5.0
_HELD = {
    Reaction.STALE: "発表から時間がたっているため",
    Reaction.STOPPED: "自動発信を止めているため",
    Reaction.NOT_READY: "事前承認が有効でないため",
    Reaction.HQ_ORDER: "本部の避難情報・お知らせが出ているため",
}


class AtOnceWatch:
    """One side's."""

    def __init__(self, redis: Redis, clock: Clock, at_once: AtOnce) -> None:
        self._redis = redis
        self._clock = clock
        self._at_once = at_once
        self._key = Keys(at_once.realm).health

    async def tick(self) -> None:
        """Meet what is unmet, then say how things stand. The second is said also when the first fails."""
        try:
            await self._at_once.tick()
        finally:
            situation = await self._at_once.situation()
            troubles = troubles_of(situation)
            note = {
                "at": self._clock.now().isoformat(),
                "ok": not troubles,
                "detail": "／".join(troubles) or all_well(situation),
            }
            await self._redis.hset(self._key, HEALTH_PART, msgspec.json.encode(note))


def troubles_of(situation: AtOnceSituation) -> list[str]:
    """Japanese sentences for why something would not go out by itself, or did not; [] where all is well, or off."""
    found = [held_words(one) for one in situation.held]
    if not situation.enabled:
        return found
    if situation.stop is not None:
        stop = situation.stop
        found.append(
            f"津波の自動発信を止めています（{stop.by}、{clock_time(stop.at)}から。理由：{stop.reason}）。"
        )
    states = [situation.classes[kind] for kind in situation.automatic]
    never = [TSUNAMI_NAMES[one.tsunami_class] for one in states if one.readiness is Readiness.NEVER]
    if never:
        found.append(_never("・".join(never)))
    return found + [
        readiness_words(one) for one in states if one.readiness in (Readiness.VOID, Readiness.UNMADE)
    ]


def all_well(situation: AtOnceSituation) -> str:
    """What is on, or that it is off; and that zones are only the sample, where they are."""
    if not situation.enabled:
        return "津波の自動発信は、設定で使っていません"
    automatic = _gravest_first(situation)
    contents = [situation.classes[one].today for one in automatic]
    samples = any(one is not None and one.area.approximate for one in contents)
    said = f"自動で出す発表：{'・'.join(TSUNAMI_NAMES[one] for one in automatic)}"
    return f"{said}（区域は見本で、実際の区域ではありません）" if samples else said


def readiness_words(state: ClassState) -> str:
    """Why a class would not go out; "" where it would."""
    named = TSUNAMI_NAMES[state.tsunami_class]
    match state.readiness:
        case Readiness.READY:
            return ""
        case Readiness.NEVER:
            return _never(named)
        case Readiness.VOID:
            changed = "、".join(state.differs)
            return f"{named}の事前承認は無効になり、自動では出ません（承認後に変わったもの：{changed}）。"
        case Readiness.UNMADE:
            return f"{state.problem}。{named}は自動では出ません。"


def _never(named: str) -> str:
    return f"{named}の文は、まだ事前承認がなく、自動では出ません。"


def held_words(met: Met) -> str:
    """Which announcement did not go out by itself, and why."""
    named = TSUNAMI_NAMES[met.tsunami_class]
    why = _HELD[met.reaction]
    return f"{clock_time(met.report_at)}発表の{named}は、{why}自動では出していません。判断してください。"


def clock_time(at: datetime) -> str:
    """11/24 14:03 in Japan's time."""
    local = at.astimezone(JST)
    return f"{local.month}/{local.day} {local:%H:%M}"


def _gravest_first(situation: AtOnceSituation) -> list[TsunamiClass]:
    return [one for one in reversed(TsunamiClass) if one in situation.automatic]
