"""One version of an order, or notice, made of what two officers approved. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bosai.feeds.proposals import Proposal
from bosai.messages.measures import JST
from bosai.model.alert import ALERT_TYPES, Act, AlertRecord, AlertState, DrillAlert, LiveAlert
from bosai.model.canonical import decision_hash
from bosai.services.at_once_content import kind_word
from bosai.services.at_once_rules import AT_ONCE
from bosai.services.confirmation import TSUNAMI_NAMES
from bosai.services.order_rules import MAX_REASON_LENGTH
from bosai.stores.at_once import PreApproval
from geodata.hazards import HazardKind


class HeardFrom(StrEnum):
    """How HQ heard of it while the feed was silent."""

    J_ALERT = "j_alert"
    BROADCAST = "broadcast"
    PREFECTURE = "prefecture"
    ON_SITE = "on_site"


HEARD = {
    HeardFrom.J_ALERT: "J-ALERT",
    HeardFrom.BROADCAST: "テレビ・ラジオ",
    HeardFrom.PREFECTURE: "県からの連絡",
    HeardFrom.ON_SITE: "現地からの連絡",
}
"""As the record and the page say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What JMA gave with the class. Nothing known of the arrival is "now"."""

    proposal_id: str | None = None
    announced_at: datetime | None = None
    expected_arrival_at: datetime | None = None

    @classmethod
    def of_proposal(cls, proposal: Proposal) -> "Source":
        """As announced; a wave that is there has no time left, whatever time stands beside it."""
        arrival = None if proposal.arrival_is_now else proposal.expected_arrival_at
        return cls(proposal_id=proposal.id, announced_at=proposal.report_at, expected_arrival_at=arrival)


def ready_version(
    approved: PreApproval,
    source: Source,
    reason: str,
    *,
    base: AlertRecord | None,
    alert_id: str,
    version: int,
    now: datetime,
) -> AlertRecord:
    """The version, ready to be released: a new one, or in place of `base`."""
    content = approved.content
    alert = ALERT_TYPES[content.realm](
        alert_id=alert_id if base is None else base.alert.alert_id,
        version=version,
        act=Act.ISSUE if base is None else Act.UPDATE,
        hazard=HazardKind.TSUNAMI,
        kind=content.kind,
        tsunami_class=content.tsunami_class,
        area=content.area,
        texts=content.texts if base is None else content.raised_texts,
        reason=reason[:MAX_REASON_LENGTH],
        references=() if base is None else (base.alert.key,),
        expected_arrival_at=source.expected_arrival_at,
        announced_at=source.announced_at,
        proposal_id=source.proposal_id,
        review_after_min=content.review_after_min,
        drafter=AT_ONCE,
        drafted_at=now,
    )
    assert isinstance(alert, LiveAlert | DrillAlert), "ALERT_TYPES holds nothing else"
    return AlertRecord(
        alert=alert,
        state=AlertState.PENDING_APPROVAL,
        decision_hash=decision_hash(alert),
        submitted_at=now,
        editors=(AT_ONCE,),
    )


def reason_of_announcement(proposal: Proposal, approved: PreApproval) -> str:
    """Which telegram, by whose approval, by which rule."""
    at = proposal.report_at.astimezone(JST)
    said = f"気象庁 {at.year}/{at.month}/{at.day} {at:%H:%M}発表「{proposal.telegram_title}」"
    return f"{said}（電文 {proposal.telegram_key}）による自動発信。{_standing(approved)}"


def reason_of_officer(officer: str, heard: HeardFrom, approved: PreApproval) -> str:
    """Who started it, and how HQ had heard of it."""
    named = TSUNAMI_NAMES[approved.content.tsunami_class]
    return f"{HEARD[heard]}で{named}を確認し、{officer} が事前承認の文を発信。" + _standing(approved)


def _standing(approved: PreApproval) -> str:
    content, by = approved.content, f"起案 {approved.drafter}・承認 {approved.approver}"
    if approved.approved_at is not None:
        at = approved.approved_at.astimezone(JST)
        by += f"、{at.year}/{at.month}/{at.day}"
    rule = (
        f"根拠：{content.standing_rule}。"
        if content.standing_rule
        else "市の発令ではなく、気象庁の発表を伝えるもの。"
    )
    return f"事前承認の{kind_word(content)}（{by}）。{rule}"
