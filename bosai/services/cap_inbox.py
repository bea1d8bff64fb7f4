"""CAP messages of others, judged by what the city has set: whom to trust, what means what, where the city is.

settings ─▶ CapRules (certificates read once) ─▶ CapInbox.judge() ─▶ (bytes, feed, now) ─▶ CapAnswer
                                   proposals made before, which an update or a cancel takes up again ─┘
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from redis.asyncio import Redis

from bosai.feeds.cap import CapTrust, read_cap, source_of
from bosai.feeds.cap_assess import CapMapping, CapMeans, assess
from bosai.feeds.cap_places import JISX0402, CapPlaces
from bosai.feeds.errors import CapRefused, RefusalReason
from bosai.feeds.proposals import Proposal
from bosai.model.realm import Realm
from bosai.secrets import SecretsError
from bosai.services.feed_take import CapAnswer, CapJudge
from bosai.settings_cap import CapFeedTrust
from bosai.settings_schema import Settings
from bosai.stores.proposals import ProposalStore

CLASS20 = "JMA-class20"


@dataclass(eq=False)
class CapCertificateUnusable(SecretsError):
    """A certificate that a source of CAP messages is to be checked with can not be read."""

    feed: str
    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"the certificate {self.path} of the CAP source '{self.feed}' {self.reason}: "
            "put the sender's certificate there in PEM form, or take it out of [[cap_in.feeds]]."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CapRules:
    """What is the same for both sides."""

    mapping: CapMapping
    trusts: Mapping[str, CapTrust]
    issuers: Mapping[str, str]


def cap_rules(settings: Settings) -> CapRules:
    """The rules of the settings, with the certificates read. Blocks. Raises CapCertificateUnusable."""
    given = settings.cap_in
    return CapRules(
        mapping=CapMapping(
            rules=tuple(
                CapMeans(hazard=one.hazard, events=one.events, categories=one.categories, kind=one.kind)
                for one in given.rules
            ),
            places=CapPlaces(bbox_lonlat=settings.city.bbox_lonlat, zones=_zones(settings)),
            max_age=timedelta(hours=given.max_age_h),
        ),
        trusts={one.name: _trust(one) for one in given.feeds},
        issuers={one.name: one.issuer for one in given.feeds},
    )


class CapInbox:
    """One side's judge of CAP messages."""

    def __init__(self, redis: Redis, realm: Realm, rules: CapRules) -> None:
        self._proposals = ProposalStore(redis, realm)
        self._realm = realm
        self._rules = rules

    async def judge(self) -> CapJudge:
        """Who judges messages by what was proposed until now. It blocks: call it in a thread."""
        records = await self._proposals.all()
        earlier = tuple(one.proposal for one in records if one.proposal.origin == "cap")

        def answer(data: bytes, feed: str, now: datetime) -> CapAnswer:
            return self._answer(data, feed, now, earlier)

        return answer

    def _answer(self, data: bytes, feed: str, now: datetime, earlier: tuple[Proposal, ...]) -> CapAnswer:
        trust = self._rules.trusts.get(feed)
        if trust is None:
            detail = f"配信元「{feed}」を信頼する設定がありません（settings の [[cap_in.feeds]]）"
            raise CapRefused(RefusalReason.WRONG_SIGNATURE, "Signature", detail)
        received = read_cap(data, trust=trust)
        found = assess(
            received,
            self._rules.mapping,
            self._realm.value,
            now=now,
            feed=feed,
            issuer=self._rules.issuers[feed],
            earlier=earlier,
        )
        return CapAnswer(
            source=source_of(received.message, feed),
            outcome=found.outcome,
            detail="。".join([*([found.detail] if found.detail else []), *received.problems]),
            proposals=found.proposals,
        )


def _zones(settings: Settings) -> dict[tuple[str, str], tuple[str, ...]]:
    """Codes of others → our zone keys; that of the whole city, or of its prefecture, leaves the zone to HQ."""
    out = settings.cap
    whole = (out.municipality_code, f"{out.municipality_code[:2]}000")
    zones: dict[tuple[str, str], tuple[str, ...]] = {(JISX0402, one): () for one in whole}
    zones |= {(JISX0402, one.code): (f"ward:{one.name}",) for one in out.wards}
    return zones | {(CLASS20, code): (f"jma:{code}",) for code in settings.cap_in.class20_codes}


def _trust(feed: CapFeedTrust) -> CapTrust:
    pems = []
    for path in feed.certificates:
        try:
            pem = Path(path).read_bytes()
            x509.load_pem_x509_certificates(pem)
        except OSError as error:
            raise CapCertificateUnusable(feed.name, path, "can not be read") from error
        except ValueError as error:
            raise CapCertificateUnusable(feed.name, path, "is no certificate in PEM form") from error
        pems.append(pem)
    return CapTrust(certificates_pem=tuple(pems), allow_unsigned=feed.allow_unsigned)
