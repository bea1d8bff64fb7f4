"""What becomes of one telegram, as functions of its bytes and the stored state: no Redis, no clock. Run in a thread.

Received ─ judged ─▶ Judged (of this side? of now? readable?) ─ concluded ─▶ Conclusion: the new fields of the state,
                                                               the row of the list, proposals that wait
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from bosai.feeds.changes import Change, ChangeKind, IgnoredReason, Outcome, TelegramRow
from bosai.feeds.errors import FeedError
from bosai.feeds.freshness import OLD_NEWS_AFTER, check_of_now, is_old_news
from bosai.feeds.in_force import COLLECTION, State, WeatherFamily, fold, in_force, rests_on
from bosai.feeds.jma.envelope import Telegram, TelegramSource, marked_as_drill, parse_telegram
from bosai.feeds.jma.reading import read
from bosai.feeds.proposal_rules import Rules
from bosai.feeds.proposals import Proposal
from bosai.feeds.proposing import propose_all
from bosai.feeds.readings import Reading
from bosai.feeds.realms import RealmName, is_accepted
from bosai.stores.feed_state import WAITING, changed_fields, loaded
from bosai.stores.telegrams import Packed, Received, StoredTelegram, pack

log = logging.getLogger(__name__)

MAX_TRIES = 3
MAX_CHANGES_IN_ROW = 100
REPLAY = "replay"
"""The feed of files that somebody plays (`bosai feed replay`)."""
PLAYED_TELEGRAM = (
    "【ファイルから読み込んだ電文】フィードから届いたものではなく、自動では何も出ません。"
    "津波ならこの提案か「津波の自動発信」から出してください。"
)
PAST_TELEGRAM = "【過去の電文の再生】いま発表されたものではありません。"
"""Opens the hint of a proposal that a recording made: nobody takes a warning of years ago for one of now."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the city has set. `prefectures`: 府県予報区 that a national collection is folded for (none: every one)."""

    realm: RealmName
    rules: Rules
    family: WeatherFamily = "r06"
    prefectures: frozenset[str] = frozenset()


class CapAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a CAP message amounts to on one side."""

    source: TelegramSource
    outcome: Outcome
    detail: str = ""
    proposals: tuple[Proposal, ...] = ()


CapJudge = Callable[[bytes, str, datetime], CapAnswer]
"""(bytes, name of the feed, now) → CapAnswer. Blocks. Raises FeedError for what is no message that may be trusted."""


class CapJudges(Protocol):
    """Who judges CAP messages by what was proposed until now: `bosai.services.cap_inbox.CapInbox`."""

    async def judge(self) -> CapJudge:
        """The judge for one message."""
        ...


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One telegram before it meets the state. `has_acted`: it is of this side and of now, and was read.

    `is_past`: a recording, judged by the clock it brought. `is_old_news`: what happened is hours ago by that clock.
    `needs_eyes`: it was read and left aside, and a person has to see whether that was right.
    """

    key: str
    outcome: Outcome
    source: TelegramSource | None = None
    detail: str = ""
    readings: tuple[Reading, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    is_past: bool = False
    is_old_news: bool = False
    given_up: bool = False
    needs_eyes: bool = False

    @property
    def has_acted(self) -> bool:
        """Whether the state may rest on it."""
        return bool(self.readings) or self.outcome is Outcome.PROPOSED


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Everything to be written as one step."""

    written: Mapping[Any, bytes]
    removed: list[str]
    needed: frozenset[str] | None
    packed: Packed
    row: TelegramRow


def id_of(data: bytes, *, as_drill: bool = False) -> str:
    """Names received bytes before anything is known of them, and for good where they can not be read."""
    return hashlib.sha256(data + (b"\x00drill" if as_drill else b"")).hexdigest()


def judged(received: Received, figures: Figures, now: datetime, cap: CapJudge | None = None) -> Judged:
    """What the telegram is, judged by the clock it brings or else by `now`. Never raises for what is in the bytes."""
    if received.tries > MAX_TRIES:
        detail = f"読み取りが{MAX_TRIES + 1}回途中で止まったため、読まずに残しました"
        return msgspec.structs.replace(_unreadable(received, detail, None), given_up=True)
    source = None
    try:
        if received.is_cap:
            return _judged_cap(received, now, cap)
        telegram = opened(received.data, received.name, as_drill=received.as_drill)
        source = telegram.source
        if not is_accepted(source.status, figures.realm):
            outcome, detail = Outcome.NOT_FOR_THIS_SIDE, source.status.value
            return Judged(key=source.key, outcome=outcome, source=source, detail=detail)
        max_age = timedelta(seconds=received.max_age_s)
        clock = received.judged_at or now
        refused = check_of_now(source, clock, max_age=max_age)
        if refused is not None:
            return Judged(
                key=source.key,
                outcome=Outcome.STALE,
                source=source,
                detail=str(refused),
                # Of the last hours or ahead of us: our clock may be wrong, and every warning would go this way.
                needs_eyes=received.judged_at is None and refused.age < OLD_NEWS_AFTER,
            )
        readings = read(telegram)
    except FeedError as error:
        return _unreadable(received, str(error), source)
    except (
        Exception
    ) as error:  # a fault of ours in one reader must not stop the telegrams that others can read
        log.exception("telegram %s: the reader failed", received.name)
        return _unreadable(received, f"読み取りの不具合（{type(error).__name__}）", source)
    if readings is None:
        return Judged(key=source.key, outcome=Outcome.KEPT, source=source)
    is_past = check_of_now(source, now, max_age=max_age) is not None
    ours = _of_our_prefectures(readings, figures.prefectures)
    return Judged(
        key=source.key,
        outcome=Outcome.NO_CHANGE,
        source=source,
        readings=ours,
        is_past=is_past,
        is_old_news=is_old_news(source, clock),
    )


def opened(data: bytes, name: str, *, as_drill: bool) -> Telegram:
    """The telegram, marked as a recording where it is one. Raises TelegramRefused."""
    telegram = parse_telegram(data, name=name)
    return marked_as_drill(telegram) if as_drill else telegram


def readings_again(stored: StoredTelegram, data: bytes, figures: Figures) -> tuple[Reading, ...] | None:
    """The readings of a kept telegram, for a rebuild; None for one that can no longer be read."""
    try:
        telegram = opened(data, stored.row.name, as_drill=stored.as_drill)
        return _of_our_prefectures(read(telegram) or (), figures.prefectures)
    except Exception:  # refused, or a fault of ours in the reader of this version
        log.exception("a kept telegram can no longer be read: %s", stored.row.key)
        return None


def concluded(received: Received, one: Judged, fields: Mapping[bytes, bytes], figures: Figures) -> Conclusion:
    """The state with the telegram folded in, and what follows from it.

    A fault of ours in that leaves the state as it was, and the telegram to a person: those behind it go on.
    """
    try:
        return _concluded(received, one, fields, figures)
    except Exception as error:
        log.exception("telegram %s: it could not be folded into what is in force", received.name)
        left = msgspec.structs.replace(
            one,
            outcome=Outcome.UNREADABLE,
            detail=f"いま発表中の内容に反映できませんでした（不具合 {type(error).__name__}）。"
            "気象庁の発表を直接確認してください",
            readings=(),
            proposals=(),
        )
        return _concluded(received, left, fields, figures)


def _concluded(
    received: Received, one: Judged, fields: Mapping[bytes, bytes], figures: Figures
) -> Conclusion:
    before = loaded(fields, figures.realm, figures.family).state
    after, changes, ignored = _folded(before, one)
    standing = in_force(after)
    # A recording played on the live side proposes, marked as what it is; it never stands there as in force.
    has_acted = one.has_acted and not (one.is_past and figures.realm == "live")
    if not has_acted:
        after = before
    problems = [problem for reading in one.readings for problem in reading.problems]
    proposals = list(one.proposals)
    failed = False
    acting = [c for c in changes if not (one.is_old_news and c.kind is ChangeKind.HAPPENED)]
    try:
        proposals += propose_all(acting, figures.rules, realm=figures.realm, standing=standing)
    except Exception:  # the state has to follow all the same, and a person has to look
        log.exception("telegram %s: no proposal could be made", received.name)
        problems.insert(
            0, "提案を作れませんでした（不具合）。気象庁の発表を直接確認し、発令を判断してください"
        )
        failed = True
    if received.feed == REPLAY:
        proposals = [_played(proposal) for proposal in proposals]
    if one.is_past:
        proposals = [_of_the_past(proposal) for proposal in proposals]
    outcome = one.outcome
    if one.readings:
        outcome = Outcome.CHANGED if changes else Outcome.NO_CHANGE
    if proposals:
        outcome = Outcome.PROPOSED
    shown, left_out = _shown(changes, figures.rules)
    row = TelegramRow(
        key=one.key,
        name=received.name,
        feed=received.feed,
        received_at=received.received_at,
        size_bytes=len(received.data),
        outcome=outcome,
        source=one.source,
        detail=one.detail or (f"ほかに{left_out}件の変化（一覧は省略）" if left_out else ""),
        ignored=ignored,
        problems=tuple(dict.fromkeys(problems)),
        changes=shown,
        proposals=tuple(proposal.id for proposal in proposals),
    )
    # An area that is "no longer named" in a telegram that was not read in full may only be what we could not read.
    unsure = bool(problems) and any(c.kind is ChangeKind.LIFTED and not c.stated for c in changes)
    needs_eyes = failed or unsure or one.needs_eyes or outcome is Outcome.UNREADABLE
    written, removed = changed_fields(before, after)
    waiting = {WAITING + proposal.id: msgspec.msgpack.encode(proposal) for proposal in proposals}
    stored = StoredTelegram(
        row=row,
        number=received.number,
        as_drill=received.as_drill,
        is_cap=received.is_cap,
        has_acted=has_acted,
        given_up=one.given_up,
    )
    return Conclusion(
        written={**written, **waiting},
        removed=removed,
        needed=rests_on(after) if after is not before else None,
        packed=pack(stored, received.data, needs_eyes=needs_eyes),
        row=row,
    )


def _folded(state: State, one: Judged) -> tuple[State, list[Change], IgnoredReason | None]:
    changes: list[Change] = []
    reasons: list[IgnoredReason] = []
    for reading in one.readings:
        state, found = fold(state, reading)
        if isinstance(found, IgnoredReason):
            reasons.append(found)
        else:
            changes += found
    all_ignored = len(reasons) == len(one.readings)
    return state, changes, reasons[0] if reasons and all_ignored else None


def _judged_cap(received: Received, now: datetime, cap: CapJudge | None) -> Judged:
    if cap is None:
        return _unreadable(received, "CAP を読む設定がありません（settings の cap_in）", None)
    answer = cap(received.data, received.feed, received.judged_at or now)
    return Judged(
        key=answer.source.key,
        outcome=answer.outcome,
        source=answer.source,
        detail=answer.detail,
        proposals=answer.proposals,
    )


def _unreadable(received: Received, detail: str, source: TelegramSource | None) -> Judged:
    # Under the hash of its bytes: a whole copy of the same telegram may still come.
    return Judged(key=id_of(received.data), outcome=Outcome.UNREADABLE, source=source, detail=detail)


def _of_our_prefectures(readings: tuple[Reading, ...], prefectures: frozenset[str]) -> tuple[Reading, ...]:
    """Of a collection only what concerns us: the whole country would stand in every answer."""
    if not prefectures:
        return readings
    return tuple(
        one
        for one in readings
        if one.source.type_code != COLLECTION or not one.scope or one.scope.rpartition("/")[2] in prefectures
    )


def _shown(changes: list[Change], rules: Rules) -> tuple[tuple[Change, ...], int]:
    """The changes that the row keeps, those of areas in the table first, and how many are left out."""
    if len(changes) <= MAX_CHANGES_IN_ROW:
        return tuple(changes), 0
    ours = {(rule.system, code) for rule in rules.rules for code in rule.areas}
    places = [one.area or one.after or one.before or one.happening or one.forecast for one in changes]
    near = [place is not None and (place.system, place.code) in ours for place in places]
    first = [one for one, is_near in zip(changes, near, strict=True) if is_near]
    rest = [one for one, is_near in zip(changes, near, strict=True) if not is_near]
    kept = (*first, *rest)[:MAX_CHANGES_IN_ROW]
    return kept, len(changes) - len(kept)


def _played(proposal: Proposal) -> Proposal:
    hint = "" if proposal.realm == "drill" else PLAYED_TELEGRAM
    return msgspec.structs.replace(proposal, replayed=True, review_hint=hint + proposal.review_hint)


def _of_the_past(proposal: Proposal) -> Proposal:
    return msgspec.structs.replace(proposal, review_hint=PAST_TELEGRAM + proposal.review_hint)
