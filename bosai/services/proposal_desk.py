"""Which proposals wait on HQ's desk: a newer one about the same thing takes the older one's place. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from bosai.feeds.proposal_rules import shaking_rank
from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger
from bosai.stores.proposals import ProposalRecord, ProposalState

Placed = tuple[ProposalRecord, list[ProposalRecord]]

SAME_SPELL = timedelta(days=2)
"""Older words of others, of which no end was heard, make nothing superfluous. (2025-07-30: warnings for 32 h.)"""
KEPT_FOR = timedelta(days=60)
_CALLS = frozenset({ProposedAct.ISSUE, ProposedAct.UPDATE})


def place(known: Sequence[ProposalRecord], proposal: Proposal, now: datetime) -> Placed | None:
    """The new record and those that it takes the place of; None where nothing changes. `known`: all of this side.

    It takes the place of open ones about the same subject and an area of theirs, unless such a one is the newer
    report: then it is superseded itself. One that asks for eyes only (REVIEW) replaces none but its like. One that
    restates the rest of a wider one waits only where that one waited. One that says no more of a happening than HQ has
    dealt with does not wait, nor one that yields to what stands; a call that others yield to takes their place.
    """
    if any(one.proposal.id == proposal.id for one in known):
        return None
    if proposal.restated and not _wider_one_waited(known, proposal):
        return None
    if proposal.needs_earlier and not any(_is_taken_back(one, proposal) for one in known):
        return None
    rivals = [one for one in known if one.state is ProposalState.OPEN and same_event(one.proposal, proposal)]
    stands = next((one for one in rivals if _is_newer(one.proposal, proposal)), None)
    stands = stands or next((one for one in known if _was_dealt_with(one, proposal)), None)
    stands = stands or _yielded_to(known, proposal)
    record = ProposalRecord(proposal=proposal, state=ProposalState.OPEN, received_at=now)
    if stands is not None:
        return _superseded(record, stands.proposal.id, now), []
    if proposal.act in _CALLS:
        rivals += [
            one
            for one in known
            if one.state is ProposalState.OPEN
            and proposal.subject in one.proposal.yields_to
            and _is_near(one.proposal, proposal)
        ]
    return record, [_superseded(one, proposal.id, now) for one in rivals]


def _is_newer(one: Proposal, other: Proposal) -> bool:
    return one.report_at > other.report_at


def outlived(known: Sequence[ProposalRecord], now: datetime) -> list[str]:
    """Ids of those that may leave the desk: long superseded or dismissed. The log keeps what became of them."""
    return [
        one.proposal.id
        for one in known
        if one.state in {ProposalState.SUPERSEDED, ProposalState.DISMISSED}
        and now - (one.at or one.received_at) > KEPT_FOR
    ]


def same_event(open_one: Proposal, other: Proposal) -> bool:
    """Whether `other` speaks of what `open_one` waits for; one for eyes only speaks of its like alone."""
    same = open_one.subject == other.subject and bool({*open_one.area_codes} & {*other.area_codes})
    eyes_only = ProposedAct.REVIEW
    return same and (other.act is not eyes_only or open_one.act is eyes_only)


def _yielded_to(known: Sequence[ProposalRecord], other: Proposal) -> ProposalRecord | None:
    """The call that makes `other` superfluous: the latest word on a subject it yields to, unless that ended it."""
    said = [
        one
        for one in known
        if one.proposal.subject in other.yields_to and one.proposal.act is not ProposedAct.REVIEW
    ]
    latest = max(said, key=lambda one: one.proposal.report_at, default=None)
    if latest is None or latest.proposal.act not in _CALLS or not _is_near(latest.proposal, other):
        return None
    return latest


def _is_near(one: Proposal, other: Proposal) -> bool:
    return abs(one.report_at - other.report_at) <= SAME_SPELL


def _wider_one_waited(known: Sequence[ProposalRecord], rest: Proposal) -> bool:
    """Whether the one that `rest` is left of waits, or made room just now for what the same telegram says of others."""
    by_id = {one.proposal.id: one.proposal for one in known}

    def waited(one: ProposalRecord) -> bool:
        if one.state is ProposalState.OPEN:
            return True
        successor = by_id.get(one.by) if one.state is ProposalState.SUPERSEDED else None
        return successor is not None and successor.telegram_key == rest.telegram_key

    return any(
        waited(one) and one.proposal.act is not ProposedAct.REVIEW
        for one in known
        if same_event(one.proposal, rest) and one.proposal.telegram_key != rest.telegram_key
    )


def _is_taken_back(record: ProposalRecord, by: Proposal) -> bool:
    one = record.proposal
    event = bool({*one.event_ids} & {*by.event_ids})
    return (
        event
        and same_event(one, by)
        and one.act in _CALLS
        and one.report_at <= by.report_at
        and record.state in {ProposalState.OPEN, ProposalState.ADOPTED}
    )


def _was_dealt_with(record: ProposalRecord, other: Proposal) -> bool:
    """Whether HQ adopted or dismissed one about the same happening that was no weaker."""
    had, has = record.proposal.happening, other.happening
    if had is None or has is None or record.state not in {ProposalState.ADOPTED, ProposalState.DISMISSED}:
        return False
    same = same_event(record.proposal, other) and record.proposal.act is other.act
    event = bool({*record.proposal.event_ids} & {*other.event_ids})
    no_more = had.value == has.value or shaking_rank(has.value) <= shaking_rank(had.value)
    return same and event and (no_more if has.danger is Danger.SHAKING else had.value == has.value)


def _superseded(record: ProposalRecord, by: str, now: datetime) -> ProposalRecord:
    return msgspec.structs.replace(record, state=ProposalState.SUPERSEDED, by=by, at=now)
