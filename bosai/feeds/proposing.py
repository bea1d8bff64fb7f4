"""From what one telegram changed to proposals for HQ, by the city's table. Pure; a proposal proposes, people decide.

    changes of one telegram ─┬─ steps (in force) ─▶ spots ─▶ groups of equal grade ─▶ issue / update │ lift │ recall
    everything in force ─────┘                                    └─ a group that lost an area: the rest, restated
    happenings ─▶ the gravest that a row is met by ─▶ お知らせ, or eyes only

Groups are read off what stands now and not off what came before, so telegrams that come late, twice or in another order
end in the same proposals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from bosai.feeds.changes import Change, ChangeKind, Standing
from bosai.feeds.jma.envelope import InfoType, TelegramSource
from bosai.feeds.proposal_hints import hint_of_standing
from bosai.feeds.proposal_rules import Rule, Rules
from bosai.feeds.proposal_spots import LEVEL_4, Spot, is_ended, kind_read, named_by, spots_of
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.proposing_happened import base_of, of_happenings
from bosai.feeds.readings import JST, Danger, Grade, Kind
from bosai.feeds.realms import ACCEPT_STATUS, AcceptStatus, RealmName, is_accepted


def propose_all(
    changes: Iterable[Change],
    rules: Rules,
    *,
    realm: RealmName,
    standing: Iterable[Standing] = (),
    accept_status: AcceptStatus = ACCEPT_STATUS,
) -> tuple[Proposal, ...]:
    """The proposals that the changes of one telegram give rise to on one side, in the order of the table.

    `standing`: everything in force after it. Changes of a status that must not act on this side propose nothing.
    """
    ours = [one for one in changes if is_accepted(one.source.status, realm, accept_status)]
    if not ours:
        return ()
    stands = list(standing)
    made: list[Proposal] = []
    for rule in rules.rules:
        if rule.happened is not None:
            made += of_happenings(rule, rule.happened, ours, realm)
        if rule.steps:
            made += _of_standing(rule, ours, stands, realm)
    return tuple(made)


def propose(
    change: Change, rules: Rules, *, realm: RealmName, standing: Iterable[Standing] = ()
) -> tuple[Proposal, ...]:
    """`propose_all` for a telegram that changed one thing."""
    return propose_all((change,), rules, realm=realm, standing=standing)


def _of_standing(
    rule: Rule, changes: Sequence[Change], standing: Sequence[Standing], realm: RealmName
) -> list[Proposal]:
    spots = spots_of(rule, changes, standing)
    if not any(one.change is not None or one.forecast for one in spots):
        return []
    source = next(one for one in changes if named_by(rule, one) is not None).source
    made = [
        _proposal(rule, ProposedAct.REVIEW, members, source, realm)
        for members in _split(rule, [one for one in spots if one.is_unclear])
    ]
    clear = [one for one in spots if not one.is_unclear]
    before = {one.code: one.before for one in clear if rule.step(one.before)}
    for members in _split(rule, [one for one in clear if rule.step(one.after)]):
        codes, grade = {one.code for one in members}, members[0].after
        was = {code for code, had in before.items() if had is grade} if rule.merge else codes & set(before)
        if any(one.is_new for one in members):
            act = (
                ProposedAct.UPDATE if any(_asked_before(rule, one) for one in members) else ProposedAct.ISSUE
            )
            made.append(_proposal(rule, act, members, source, realm))
        elif was - codes:
            made.append(_proposal(rule, ProposedAct.UPDATE, members, source, realm, restated=True))
    ended = [one for one in clear if rule.step(one.after) is None and is_ended(rule, one)]
    recalled = [one for one in ended if one.change and one.change.kind is ChangeKind.RECALLED]
    lifted = [one for one in ended if one not in recalled]
    for act, of_act in ((ProposedAct.RECALL, recalled), (ProposedAct.LIFT, lifted)):
        made += [_proposal(rule, act, members, source, realm) for members in _split(rule, of_act, whole=True)]
    awaited = [
        one
        for one in clear
        if rule.forecasts and one.forecast and not rule.step(one.after) and one not in ended
    ]
    made += [
        _proposal(rule, ProposedAct.REVIEW, members, source, realm)
        for members in _split(rule, awaited, whole=True)
    ]
    return made


def _split(rule: Rule, spots: Sequence[Spot], *, whole: bool = False) -> list[list[Spot]]:
    """The spots that become one proposal each: those of one grade, or every one where the row does not merge."""
    groups: dict[tuple[object, ...], list[Spot]] = {}
    for one in spots:
        key = (None if whole else one.after, None if rule.merge else one.code)
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _asked_before(rule: Rule, spot: Spot) -> bool:
    return rule.step(spot.before) is not None or spot.before is Grade.UNKNOWN


def _proposal(
    rule: Rule,
    act: ProposedAct,
    members: Sequence[Spot],
    source: TelegramSource,
    realm: RealmName,
    *,
    restated: bool = False,
) -> Proposal:
    grade = max(one.after for one in members)
    before = max(one.before for one in members)
    withdrawn = act in {ProposedAct.LIFT, ProposedAct.RECALL, ProposedAct.REVIEW}
    step = rule.step(before if withdrawn else grade)
    if step is not None and step.kind is None and act in {ProposedAct.ISSUE, ProposedAct.UPDATE}:
        act = ProposedAct.REVIEW
    now = _zones(rule, members, lambda one: one.after)
    was = _zones(rule, members, lambda one: one.before)
    codes = tuple(one.code for one in members)
    kinds = [one.after_kind for one in members if one.after_kind is not None]
    gravest = max(kinds, key=lambda one: one.grade, default=None)
    expected = tuple(
        dict.fromkeys(
            e
            for one in members
            for e in (one.forecast or (one.after_kind.expected if one.after_kind else ()))
        )
    )
    proposal = msgspec.structs.replace(
        base_of(f"{rule.name}-{realm}-{'.'.join(codes)}-{source.key}", rule, act, source, realm),
        kind=None if step is None or act is ProposedAct.REVIEW else step.kind,
        grade=grade,
        previous_grade=before,
        kind_name="" if gravest is None else gravest.name,
        area_codes=codes,
        area_names=tuple(one.name for one in members if one.name),
        zones=was if withdrawn else now,
        previous_zones=was,
        texts="" if step is None or withdrawn else step.texts,
        height_as_given=next(
            (one.max_height.as_given for one in kinds if one.max_height and one.max_height.as_given), None
        ),
        expected=expected,
        basis=_basis(members, source),
        review_hint=hint_of_standing(
            rule,
            step,
            act,
            codes_unread=tuple(
                kind.code for one in members if one.is_unclear and (kind := kind_read(one)) is not None
            ),
            is_correction=source.info_type is InfoType.CORRECTED,
            is_stated=all(one.change is None or one.change.stated for one in members),
            is_lowered=grade.is_in_force and _only_came_down(members),
            is_forecast=any(one.forecast for one in members),
        ),
        restated=restated,
    )
    return _with_times(proposal, kinds)


def _only_came_down(members: Sequence[Spot]) -> bool:
    """What could not be read before was not graver for that, and where one area rose nobody speaks of calming."""
    if any(one.before is Grade.UNKNOWN or one.after > one.before for one in members):
        return False
    return any(one.after < one.before for one in members)


def _with_times(proposal: Proposal, kinds: Sequence[Kind]) -> Proposal:
    """With the time that is left, as given: a wave's arrival, or the beginning of 警戒レベル4相当 while it is below."""
    if proposal.danger is Danger.TSUNAMI:
        firsts = [one.first_height for one in kinds if one.first_height is not None]
        times = [one.arrival_at for one in firsts if one.arrival_at is not None]
        given = [one.as_given for one in firsts if one.as_given is not None]
        is_now = any(one.is_now for one in firsts)
        at = None if is_now else min(times, default=None)
        return msgspec.structs.replace(
            proposal,
            expected_arrival_at=at,
            arrival_is_now=is_now,
            arrival_as_given=next(iter(given), None),
        )
    if proposal.grade >= Grade.URGENT:
        return proposal
    awaited = [one for one in proposal.expected if (one.level or 0) >= LEVEL_4]
    first = min(awaited, key=lambda one: one.starts_at, default=None)
    if first is None:
        return proposal
    return msgspec.structs.replace(
        proposal, expected_arrival_at=first.starts_at, arrival_as_given=first.as_given
    )


def _zones(rule: Rule, members: Sequence[Spot], grade_of: Callable[[Spot], Grade]) -> tuple[str, ...]:
    zones = (key for one in members for key in rule.zones_at(grade_of(one), one.code))
    return tuple(dict.fromkeys(zones))


def _basis(members: Sequence[Spot], source: TelegramSource) -> str:
    """What stands by other telegrams than this one, in one phrase; "" where this one says all."""
    others = [
        one.standing for one in members if one.standing is not None and one.standing.source.key != source.key
    ]
    if not any(one.forecast for one in members) or not others:
        return ""
    phrases = []
    for one in others:
        at = one.source.report_at.astimezone(JST)  # what was stored meanwhile is in UTC
        phrases.append(f"{one.name} {one.kind.name}（{at.month}月{at.day}日{at.hour}時{at.minute:02}分発表）")
    return "、".join(dict.fromkeys(phrases))
