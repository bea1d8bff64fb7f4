"""Proposals from what was observed once: strong shaking, 線状降水帯. It is not in force, and nothing lifts it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from bosai.feeds.changes import Change, ChangeKind
from bosai.feeds.jma.envelope import InfoType, TelegramSource
from bosai.feeds.jma.seismic import COMMENT_LAYER as COMMENTS
from bosai.feeds.proposal_hints import HINT_OF_CORRECTION, hint_of_happening
from bosai.feeds.proposal_rules import Rule, Step, shaking_rank
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger, Happening
from bosai.feeds.realms import RealmName


def of_happenings(rule: Rule, step: Step, changes: Sequence[Change], realm: RealmName) -> list[Proposal]:
    """The proposal of a row for the gravest that it is met by; [] where nothing in its areas was enough."""
    met = [
        (one, found)
        for one in changes
        if (found := one.happening) is not None
        and found.danger is rule.danger
        and rule.concerns(found.system, found.code, found.layer)
        and rule.met_by(found.value)
    ]
    if not met:
        return _taken_back(rule, step, changes, realm)
    change, gravest = max(met, key=lambda pair: shaking_rank(pair[1].value))
    same = [found for _, found in met if found.value == gravest.value]
    act = ProposedAct.REVIEW if step.kind is None else ProposedAct.ISSUE
    if change.kind is ChangeKind.RECALLED:
        act = ProposedAct.RECALL
    source = change.source
    is_shaking = rule.danger is Danger.SHAKING
    proposal = msgspec.structs.replace(
        base_of(f"{rule.name}-{realm}-{source.key}", rule, act, source, realm),
        kind=step.kind,
        area_codes=rule.areas,
        area_names=tuple(dict.fromkeys(one.name for one in same)),
        zones=tuple(dict.fromkeys(key for one in same for key in rule.zones_of(step, one.code))),
        texts=step.texts if act is ProposedAct.ISSUE else "",
        happening=gravest,
        shaken_at=_shaken_at(gravest, source) if is_shaking and act is ProposedAct.ISSUE else None,
        yields_to=rule.yields_to if act is ProposedAct.ISSUE else (),
        review_hint=hint_of_happening(rule, step, act, gravest, doubts=_doubts(rule, changes)),
    )
    return [proposal]


def _taken_back(rule: Rule, step: Step, changes: Sequence[Change], realm: RealmName) -> list[Proposal]:
    """A 訂正 after which too little was felt here: what was proposed of that event should not have been."""
    told = [one for one in changes if one.happening is not None and one.happening.danger is rule.danger]
    if not rule.at_least or not told or told[0].source.info_type is not InfoType.CORRECTED:
        return []
    source = told[0].source
    proposal = msgspec.structs.replace(
        base_of(f"{rule.name}-{realm}-{source.key}", rule, ProposedAct.RECALL, source, realm),
        kind=step.kind,
        area_codes=rule.areas,
        zones=tuple(dict.fromkeys(key for code in rule.areas for key in rule.zones_of(step, code))),
        review_hint=HINT_OF_CORRECTION,
        needs_earlier=True,
    )
    return [proposal]


def _doubts(rule: Rule, changes: Sequence[Change]) -> tuple[str, ...]:
    """What the telegram says besides, under which HQ shall think twice: 固定付加文, word for word."""
    found = (one.happening for one in changes if one.happening is not None)
    return tuple(
        dict.fromkeys(one.value for one in found if one.layer == COMMENTS and one.code in rule.doubted_by)
    )


def _shaken_at(happening: Happening, source: TelegramSource) -> datetime:
    return happening.at or source.report_at


def base_of(
    proposal_id: str, rule: Rule, act: ProposedAct, source: TelegramSource, realm: RealmName
) -> Proposal:
    """What every proposal of this row and telegram has: who announced it when, and what it is about."""
    return Proposal(
        id=proposal_id,
        realm=realm,
        act=act,
        hazard=rule.hazard,
        danger=rule.danger,
        kind=None,
        subject=rule.name,
        rule=rule.name,
        area_codes=(),
        area_names=(),
        zones=(),
        telegram_key=source.key,
        telegram_title=source.title,
        editorial_office=source.editorial_office,
        event_ids=source.event_ids,
        report_at=source.report_at,
        headline=source.headline,
    )
