"""From a CAP message of somebody else to a proposal for HQ: never an order, never in the name of 気象庁. Pure.

    for this side? ─▶ for the public? ─▶ an alert, update or cancel? ─▶ of now? ─▶ about us? ─▶ what is it? ─▶ Proposal

Nothing is kept between messages: an update or a cancel finds what it is about by the messages it names (`area_codes` of
a CAP proposal are its own identifier and those it refers to).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bosai.feeds.cap import CapReceived, SignatureState, key_of
from bosai.feeds.cap_places import CapPlaces, Concerned, concerned
from bosai.feeds.changes import Outcome
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Grade
from bosai.feeds.realms import RealmName
from bosai.model.alert import OrderKind
from bosai.model.cap import (
    CapCategory,
    CapInfo,
    CapMessage,
    CapMsgType,
    CapResponse,
    CapScope,
    CapStatus,
    CapUrgency,
)
from geodata.hazards import HazardKind

MAX_AHEAD = timedelta(minutes=10)
MAX_HEADLINE = 500
JMA = "気象庁"
_SIDES: dict[CapStatus, RealmName] = {CapStatus.ACTUAL: "live", CapStatus.EXERCISE: "drill"}
_ACTING = {CapMsgType.ALERT, CapMsgType.UPDATE, CapMsgType.CANCEL}
_DANGERS = {
    HazardKind.FLOOD: Danger.RIVER_FLOOD,
    HazardKind.INLAND_FLOOD: Danger.HEAVY_RAIN,
    HazardKind.LANDSLIDE: Danger.LANDSLIDE,
    HazardKind.STORM_SURGE: Danger.STORM_SURGE,
    HazardKind.TSUNAMI: Danger.TSUNAMI,
    HazardKind.EARTHQUAKE: Danger.SHAKING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMeans:
    """One rule: a message with one of these words or categories is about this hazard."""

    hazard: HazardKind
    events: tuple[str, ...] = ()
    categories: tuple[CapCategory, ...] = ()
    kind: OrderKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMapping:
    """How messages are understood. The first rule that fits counts. max_age: of a message without `expires`."""

    rules: tuple[CapMeans, ...]
    places: CapPlaces
    max_age: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapAssessed:
    """What becomes of a message; `detail` says why, in Japanese."""

    outcome: Outcome
    detail: str = ""
    proposals: tuple[Proposal, ...] = ()


def assess(
    received: CapReceived,
    mapping: CapMapping,
    realm: RealmName,
    *,
    now: datetime,
    feed: str,
    issuer: str = "",
    earlier: Sequence[Proposal] = (),
) -> CapAssessed:
    """What to do with a message on one side.

    feed: the source that brought it; it can take up only what it brought itself, whomever a message names as sender.
    issuer: how HQ knows the source; else the name the sender gives itself. earlier: CAP proposals made before, of which
    those the message refers to count.
    """
    message = received.message
    kept = _why_kept(message, realm)
    if kept is not None:
        return kept
    infos = [one for one in message.infos if _counts(one, message, now)]
    late = _why_late(message, infos, mapping, now)
    if late:
        return CapAssessed(outcome=Outcome.STALE, detail=late)
    proposals = cap_proposals(received, mapping, realm, now=now, feed=feed, issuer=issuer, earlier=earlier)
    if proposals:
        return CapAssessed(outcome=Outcome.PROPOSED, proposals=proposals)
    return CapAssessed(outcome=Outcome.KEPT, detail=_why_nothing(message, infos, mapping))


def cap_proposals(
    received: CapReceived,
    mapping: CapMapping,
    realm: RealmName,
    *,
    now: datetime,
    feed: str,
    issuer: str = "",
    earlier: Sequence[Proposal] = (),
) -> tuple[Proposal, ...]:
    """One proposal for each hazard a message of now speaks of in our city, or whose proposal it takes back."""
    message = received.message
    named = {(one.sender, one.identifier) for one in message.references}
    codes = {_code(sender, identifier) for sender, identifier in named}
    before = {
        one.hazard: one
        for one in earlier
        if one.realm == realm and one.subject == _subject(feed, one.hazard) and codes & set(one.area_codes)
    }
    by_hazard: dict[HazardKind, list[CapInfo]] = {}
    for info in message.infos:
        means = _means(info, mapping)
        if means is not None and _counts(info, message, now):
            by_hazard.setdefault(means.hazard, []).append(info)
    if message.msg_type is CapMsgType.CANCEL or not message.infos:
        # It may say nothing but what it cancels; all of that is concerned.
        for hazard in before:
            by_hazard.setdefault(hazard, [])
    found = []
    for hazard, infos in by_hazard.items():
        act = _act(message, infos, mapping, before.get(hazard))
        where = concerned([area for info in infos for area in info.areas], mapping.places)
        if act is not None and (hazard in before or (infos and where.is_ours)):
            found.append(_proposal(received, mapping, realm, hazard, act, infos, where, before, feed, issuer))
    return tuple(found)


def _proposal(  # noqa: PLR0917 - the parts of one proposal
    received: CapReceived,
    mapping: CapMapping,
    realm: RealmName,
    hazard: HazardKind,
    act: ProposedAct,
    infos: Sequence[CapInfo],
    where: Concerned,
    before: dict[HazardKind, Proposal],
    feed: str,
    issuer: str,
) -> Proposal:
    message, was = received.message, before.get(hazard)
    info = min(infos, key=_reading_order, default=None)
    means = _means(info, mapping) if info else None
    ends = act in {ProposedAct.LIFT, ProposedAct.RECALL}
    kind = (
        None if act is ProposedAct.REVIEW else (means.kind if means else None) or (was.kind if was else None)
    )
    named = issuer_of(message, info, issuer)
    event = info.event if info else (was.kind_name if was else message.msg_type.value)
    # What is ended may concern less than what was begun: HQ sees the place of the beginning.
    keeps = ends and was is not None
    return Proposal(
        id=f"cap-{realm}-{hazard.value}-{key_of(message, feed)}",
        realm=realm,
        act=act,
        hazard=hazard,
        danger=_DANGERS.get(hazard, Danger.OTHER),
        kind=kind,
        subject=_subject(feed, hazard),
        area_codes=(
            _code(message.sender, message.identifier),
            *(_code(one.sender, one.identifier) for one in message.references),
        ),
        area_names=was.area_names if keeps and was else where.names,
        zones=was.zones if keeps and was else where.zones,
        previous_zones=was.zones if was else (),
        telegram_key=key_of(message, feed),
        telegram_title=event[:200],
        editorial_office=message.sender,
        report_at=message.sent,
        rule=f"cap/{hazard.value}",
        origin="cap",
        issuer=named,
        grade=Grade.NONE if ends else Grade.UNKNOWN,
        previous_grade=Grade.UNKNOWN if was else Grade.NONE,
        kind_name=event[:200],
        geometry=was.geometry if keeps and was else where.geometry,
        geometry_name="、".join(where.names)[:200],
        event_ids=message.incidents,
        headline=_headline(message, info),
        review_hint=_hint(received, act, named, where, info),
    )


def issuer_of(message: CapMessage, info: CapInfo | None, name: str = "") -> str:
    """「○○（CAP）」. 気象庁 speaks to us by telegrams of its own: who only calls itself so is named by its address."""
    own = name or (info.sender_name if info else "") or message.sender
    if not name and JMA in unicodedata.normalize("NFKC", own):
        own = message.sender
    return f"{own[:100]}（CAP）"


def _act(
    message: CapMessage, infos: Sequence[CapInfo], mapping: CapMapping, was: Proposal | None
) -> ProposedAct | None:
    if message.msg_type is CapMsgType.CANCEL:
        return ProposedAct.RECALL if was else None
    is_over = bool(infos) and all(_is_over(one) for one in infos)
    if is_over and message.msg_type is CapMsgType.UPDATE:
        return ProposedAct.LIFT if was else None
    means = next((found for one in infos if (found := _means(one, mapping))), None)
    where = concerned([area for info in infos for area in info.areas], mapping.places)
    if is_over or where.is_unclear or means is None or means.kind is None:
        return ProposedAct.REVIEW
    return ProposedAct.UPDATE if was else ProposedAct.ISSUE


def _is_over(info: CapInfo) -> bool:
    return CapResponse.ALL_CLEAR in info.responses or info.urgency is CapUrgency.PAST


def _counts(info: CapInfo, message: CapMessage, now: datetime) -> bool:
    """Whether it is of now. What ends something may have expired itself: many senders give the end no time to run."""
    ends = message.msg_type is CapMsgType.CANCEL or (message.msg_type is CapMsgType.UPDATE and _is_over(info))
    return ends or info.expires is None or info.expires > now


def _means(info: CapInfo, mapping: CapMapping) -> CapMeans | None:
    said = _plain(" ".join((info.event, *(one.value for one in info.event_codes))))
    for rule in mapping.rules:
        if any(_plain(word) in said for word in rule.events) or set(rule.categories) & set(info.categories):
            return rule
    return None


def _why_kept(message: CapMessage, realm: RealmName) -> CapAssessed | None:
    if _SIDES.get(message.status) != realm:
        return CapAssessed(outcome=Outcome.NOT_FOR_THIS_SIDE, detail=f"status が {message.status.value} です")
    if message.scope is not CapScope.PUBLIC:
        return CapAssessed(
            outcome=Outcome.KEPT, detail=f"scope が {message.scope.value} です（公開の情報ではありません）"
        )
    if message.msg_type not in _ACTING:
        return CapAssessed(
            outcome=Outcome.KEPT,
            detail=f"msgType が {message.msg_type.value} です（情報そのものではありません）",
        )
    return None


def _why_late(message: CapMessage, infos: Sequence[CapInfo], mapping: CapMapping, now: datetime) -> str:
    if message.sent - now > MAX_AHEAD:
        return f"時計より先の時刻です（sent {message.sent.isoformat()}）。時計を確かめてください"
    if message.infos and not infos:
        return "有効期限（expires）を過ぎています"
    without_end = not infos or any(one.expires is None or one.expires <= now for one in infos)
    if without_end and now - message.sent > mapping.max_age:
        if infos and all(one.expires is not None for one in infos):
            return "有効期限（expires）を過ぎています"
        return f"古い情報です（sent {message.sent.isoformat()}）"
    return ""


def _why_nothing(message: CapMessage, infos: Sequence[CapInfo], mapping: CapMapping) -> str:
    if message.msg_type is CapMsgType.CANCEL:
        return "取り消される情報からは、何も提案していません"
    if not any(_means(one, mapping) for one in infos):
        events = "、".join(dict.fromkeys(one.event for one in infos))
        return f"災害の種類を決める規則がありません（{events[:100]}）"
    if not any(concerned(one.areas, mapping.places).is_ours for one in infos):
        return "市の区域にかかりません"
    return "終わりを知らせる情報ですが、始まりからは何も提案していません"


def _hint(
    received: CapReceived, act: ProposedAct, issuer: str, where: Concerned, info: CapInfo | None
) -> str:
    said = [
        f"{issuer}の情報です。気象庁の発表でも市の発令でもありません。配信元に確かめてから判断してください。"
    ]
    if act is ProposedAct.RECALL:
        said.append(
            "配信元が取り消しました（解除ではありません）。発令している場合は、取消・継続を判断してください。"
        )
    if act is ProposedAct.LIFT:
        said.append("配信元が終わりを知らせました。避難情報の解除ではありません。市が判断します。")
    if where.is_unclear and act is ProposedAct.REVIEW:
        said.append("どこの情報か読み取れません。")
    if info is not None and info.onset is not None:
        # Neither 気象庁's expectation nor an arrival at our coast: of what place it is only the sender knows.
        said.append(f"配信元の示す始まり（onset）は {info.onset.isoformat()} です。")
    if received.signature is SignatureState.ABSENT:
        said.append("署名はありません。")
    elif received.signature is SignatureState.UNKNOWN_SIGNER:
        said.append("署名した者を確かめられません。")
    if received.problems:
        said.append(f"読めない項目: {'、'.join(received.problems)[:300]}")
    return "".join(said)


def _headline(message: CapMessage, info: CapInfo | None) -> str:
    words = (info.headline or info.event) if info else message.note
    return " ".join(words.split())[:MAX_HEADLINE]


def _reading_order(info: CapInfo) -> int:
    """Japanese first, then English."""
    language = info.language.lower()
    return 0 if language.startswith("ja") else 1 if language.startswith("en") else 2


def _subject(feed: str, hazard: HazardKind) -> str:
    """Sources are trusted one by one: what one brings never takes the place of what another brought."""
    return f"cap/{feed}/{hazard.value}"


def _code(sender: str, identifier: str) -> str:
    return f"{sender},{identifier}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
