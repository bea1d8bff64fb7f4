"""What an announcement of a tsunami class leads to by itself. Pure: one moment comes in, one verdict goes out.

It only ever raises: a lower class, a lift or a recall is for people. What HQ made or changed is never replaced.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bosai.feeds.proposals import Proposal, ProposedAct
from bosai.feeds.readings import Danger
from bosai.model.alert import AlertRecord, AlertState
from bosai.services.at_once_content import RANKS
from bosai.stores.at_once import Reaction
from bosai.stores.proposals import ProposalRecord, ProposalState

AT_ONCE = "at_once"
"""The actor of what goes out without a person, and the drafter of what two officers approved beforehand."""

CLOCK_SKEW = timedelta(minutes=5)
_ACTS = (ProposedAct.ISSUE, ProposedAct.UPDATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the verdict rests on. `calls`: the tsunami orders and notices of a class in force, oldest release first."""

    now: datetime
    max_age: timedelta
    is_stopped: bool
    is_ready: bool
    state: ProposalState
    calls: Sequence[AlertRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`base`: the version that is replaced (RAISED), or that stands in the way."""

    reaction: Reaction
    base: AlertRecord | None = None


def rises(proposal: Proposal) -> bool:
    """True for 気象庁's announcement that a class is newly in force on our coast, or graver than before."""
    now, before = proposal.tsunami_class, proposal.previous_class
    if proposal.origin != "jma" or proposal.danger is not Danger.TSUNAMI or now is None:
        return False
    return proposal.act in _ACTS and (before is None or RANKS[now] > RANKS[before])


def is_call(proposal: Proposal) -> bool:
    """True where 気象庁 has a class in force, whether it rose or only its details changed.

    Not on the live side for a file that somebody plays: whoever tries the replay must not tell a city to run.
    """
    by_jma = proposal.origin == "jma" and proposal.danger is Danger.TSUNAMI
    if proposal.replayed and proposal.realm == "live":
        return False
    return by_jma and proposal.act in _ACTS and proposal.tsunami_class is not None


def judge(proposal: Proposal, moment: Moment) -> Verdict:
    """What becomes of an announcement that rose and that nobody has decided on yet."""
    wanted = proposal.tsunami_class
    assert wanted is not None, "only a class in force is judged"
    standing = gravest(moment.calls)
    if standing is not None and _rank(standing) >= RANKS[wanted]:
        return Verdict(reaction=Reaction.ALREADY, base=standing)
    if moment.state in (ProposalState.ADOPTED, ProposalState.DISMISSED):
        return Verdict(reaction=Reaction.HQ_TOOK_IT)
    if moment.is_stopped:
        return Verdict(reaction=Reaction.STOPPED)
    if not moment.now - moment.max_age <= proposal.report_at <= moment.now + CLOCK_SKEW:
        return Verdict(reaction=Reaction.STALE)
    if not moment.is_ready:
        return Verdict(reaction=Reaction.NOT_READY)
    mine, theirs = split(moment.calls)
    if mine is not None:
        return Verdict(reaction=Reaction.RAISED, base=mine)
    # What had gone out at once and was changed by HQ stays as HQ has it; the graver one goes out beside it.
    foreign = next((one for one in theirs if not came_at_once(one.alert.alert_id)), None)
    if foreign is not None:
        return Verdict(reaction=Reaction.HQ_ORDER, base=foreign)
    return Verdict(reaction=Reaction.ISSUED)


def calls_of(in_force: Iterable[AlertRecord]) -> list[AlertRecord]:
    """The tsunami orders, and notices of a class, among what is in force."""
    return [one for one in in_force if one.alert.is_tsunami_call and one.alert.tsunami_class is not None]


def gravest(calls: Sequence[AlertRecord]) -> AlertRecord | None:
    """The one of the gravest class; of several the one released first."""
    return max(calls, key=_rank, default=None)


def split(calls: Sequence[AlertRecord]) -> tuple[AlertRecord | None, list[AlertRecord]]:
    """What stands as it went out at once (at most one), and what HQ made or changed."""
    mine = [one for one in calls if one.alert.drafter == AT_ONCE]
    return (gravest(mine), [one for one in calls if one.alert.drafter != AT_ONCE])


def went_out_for(proposal_id: str, versions: Iterable[AlertRecord]) -> AlertRecord | None:
    """The released version that answers this announcement already, whatever became of it since."""
    return next(
        (
            one
            for one in versions
            if one.alert.proposal_id == proposal_id
            and one.alert.drafter == AT_ONCE
            and one.state not in (AlertState.DRAFT, AlertState.PENDING_APPROVAL, AlertState.WITHDRAWN)
        ),
        None,
    )


def undecided_before(proposal: Proposal, records: Iterable[ProposalRecord], met: frozenset[str]) -> bool:
    """True when this one, which did not rise itself, took the place of one that rose and that nobody decided on."""
    by_successor: dict[str, list[ProposalRecord]] = {}
    for one in records:
        if one.state is ProposalState.SUPERSEDED:
            by_successor.setdefault(one.by, []).append(one)
    waiting, seen = [proposal.id], {proposal.id}
    while waiting:
        for one in by_successor.get(waiting.pop(), ()):
            earlier = one.proposal
            if earlier.id in seen or earlier.id in met:
                continue
            if rises(earlier):
                return True
            seen.add(earlier.id)
            waiting.append(earlier.id)
    return False


def came_at_once(alert_id: str) -> bool:
    """True for an order that first went out from pre-approved texts."""
    return f"-{ID_MARK}-" in alert_id


ID_MARK = "once"


def _rank(record: AlertRecord) -> int:
    kind = record.alert.tsunami_class
    return -1 if kind is None else RANKS[kind]
