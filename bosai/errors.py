"""What can go wrong, one class per fact, and the one table that says what each means outside.

Sentences for people live in `bosai/messages` under `error.<code>`; here are only the facts.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(eq=False)
class BosaiError(Exception):
    """A fact that stopped what was asked for."""

    code: ClassVar[str] = "internal"

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.facts.items())
        return f"{self.code}({facts})"

    @property
    def facts(self) -> dict[str, Any]:
        """The attributes, for logs and for filling the sentence."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(eq=False)
class InvalidInput(BosaiError):
    """A field of a form or document can't be used. `problem` picks the sentence with the mend."""

    code: ClassVar[str] = "invalid_input"
    field: str
    problem: str  # "missing", "too_long", "not_a_number", "outside_city", "self_crossing", "empty_area" …
    detail: str = ""


@dataclass(eq=False)
class NotFound(BosaiError):
    """Nothing by that name here."""

    code: ClassVar[str] = "not_found"
    what: str
    name: str = ""


@dataclass(eq=False)
class NotSignedIn(BosaiError):
    """The page needs an officer, and the session is missing, expired or of the other side."""

    code: ClassVar[str] = "not_signed_in"


@dataclass(eq=False)
class SignInFailed(BosaiError):
    """Name, password or code do not match. Never says which."""

    code: ClassVar[str] = "sign_in_failed"


@dataclass(eq=False)
class NotAllowed(BosaiError):
    """The officer's role does not allow this."""

    code: ClassVar[str] = "not_allowed"
    permission: str


@dataclass(eq=False)
class SameOfficer(BosaiError):
    """The drafter tried to approve his or her own draft."""

    code: ClassVar[str] = "same_officer"
    name: str


@dataclass(eq=False)
class WrongState(BosaiError):
    """The move is not legal from where the version stands now."""

    code: ClassVar[str] = "wrong_state"
    subject: str
    state: str
    wanted: str


@dataclass(eq=False)
class DecisionChanged(BosaiError):
    """What is approved is not what was previewed."""

    code: ClassVar[str] = "decision_changed"
    subject: str


@dataclass(eq=False)
class ConfirmationMismatch(BosaiError):
    """The typed confirmation does not name the order of this side."""

    code: ClassVar[str] = "confirmation_mismatch"
    expected: str


@dataclass(eq=False)
class PeopleGrew(BosaiError):
    """People in the area grew beyond the limit since the preview; look again."""

    code: ClassVar[str] = "people_grew"
    previewed: int
    now: int


@dataclass(eq=False)
class WrongRealm(BosaiError):
    """Drill content on the live path or the other way round. Always a fault of ours."""

    code: ClassVar[str] = "wrong_realm"
    expected: str
    got: str


@dataclass(eq=False)
class WrongOrigin(BosaiError):
    """The request came from another site's page."""

    code: ClassVar[str] = "wrong_origin"


@dataclass(eq=False)
class WrongSecret(BosaiError):
    """The secret link, PIN or token does not open this."""

    code: ClassVar[str] = "wrong_secret"


@dataclass(eq=False)
class TooManyTries(BosaiError):
    """Rate limit or lock-out."""

    code: ClassVar[str] = "too_many_tries"
    retry_after_s: int


@dataclass(eq=False)
class Overloaded(BosaiError):
    """There is more to do than can be done now; what can wait is asked to come again."""

    code: ClassVar[str] = "overloaded"
    retry_after_s: int


@dataclass(eq=False)
class PushHostRefused(BosaiError):
    """The endpoint is not a known push service, or not https, or a private address."""

    code: ClassVar[str] = "push_host_refused"
    host: str


@dataclass(eq=False)
class BodyTooLarge(BosaiError):
    """More bytes than the setting allows."""

    code: ClassVar[str] = "body_too_large"
    limit_bytes: int


@dataclass(eq=False)
class StoreUnavailable(BosaiError):
    """Redis does not answer: nothing was acknowledged."""

    code: ClassVar[str] = "store_unavailable"


@dataclass(eq=False)
class SealBroken(BosaiError):
    """A sealed record does not open: another key, another owner, or changed bytes."""

    code: ClassVar[str] = "seal_broken"
    kind: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an error means outside: HTTP status, and whether somebody must be woken."""

    status: int
    pages_someone: bool = False


OUTCOMES: dict[type[BosaiError], Outcome] = {
    BosaiError: Outcome(500, pages_someone=True),
    InvalidInput: Outcome(400),
    NotFound: Outcome(404),
    NotSignedIn: Outcome(401),
    SignInFailed: Outcome(401),
    NotAllowed: Outcome(403),
    SameOfficer: Outcome(403),
    WrongState: Outcome(409),
    DecisionChanged: Outcome(409),
    ConfirmationMismatch: Outcome(400),
    PeopleGrew: Outcome(409),
    WrongRealm: Outcome(500, pages_someone=True),
    WrongOrigin: Outcome(403),
    WrongSecret: Outcome(403),
    TooManyTries: Outcome(429),
    Overloaded: Outcome(503),
    PushHostRefused: Outcome(422),
    BodyTooLarge: Outcome(413),
    StoreUnavailable: Outcome(503, pages_someone=True),
    SealBroken: Outcome(500, pages_someone=True),
}


def outcome_of(error: BosaiError) -> Outcome:
    """The row of the table for the error's class, or of its nearest base."""
    return next(OUTCOMES[base] for base in type(error).__mro__ if base in OUTCOMES)
