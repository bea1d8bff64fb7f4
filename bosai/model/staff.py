"""Officers, their roles, and the one table of what a role may do."""

from datetime import datetime
from enum import StrEnum

import msgspec

from bosai.model.realm import Realm


class Role(StrEnum):
    """Roles of the console (domain: 本部・区・避難所)."""

    VIEWER = "viewer"
    SHELTER_REPORTER = "shelter_reporter"
    WARD_OPERATOR = "ward_operator"
    HQ_DRAFTER = "hq_drafter"
    HQ_APPROVER = "hq_approver"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """Things one may do in the console."""

    SEE = "see"
    REPORT_SITE = "report_site"
    DRAFT = "draft"
    APPROVE = "approve"
    RECALL = "recall"
    STEER = "steer"  # name a town's destination, pause redirects, record strong shaking
    EXCLUDE_SITE = "exclude_site"  # send nobody new to a site
    WELFARE_CODES = "welfare_codes"  # open a welfare shelter to households by a code
    MANAGE_DESKS = "manage_desks"
    MANAGE_STAFF = "manage_staff"
    READ_AUDIT = "read_audit"
    BREAK_GLASS = "break_glass"  # release level 5 or a tsunami call alone, with a reason, flagged
    DELEGATE = "delegate"  # hand one's own approval to a named officer for some hours
    CLEAR_LOCKOUT = "clear_lockout"  # let a colleague try to sign in again
    ANSWER_HELP = "answer_help"  # staff the queue of people who ask for help
    READ_UNREACHED = "read_unreached"  # the sheet for fire corps and welfare commissioners
    MANAGE_SITES = "manage_sites"  # names, seats, facets and areas of sites
    MANAGE_SETTINGS = "manage_settings"  # templates, and settings that may change while the service runs


_P = Permission
_WARD = frozenset(
    {
        _P.SEE,
        _P.REPORT_SITE,
        _P.MANAGE_DESKS,
        _P.EXCLUDE_SITE,
        _P.WELFARE_CODES,
        _P.CLEAR_LOCKOUT,
        _P.ANSWER_HELP,
        _P.READ_UNREACHED,
    }
)
_HQ = _WARD | {_P.DRAFT, _P.RECALL, _P.READ_AUDIT, _P.STEER, _P.BREAK_GLASS, _P.MANAGE_SITES}
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({_P.SEE}),
    Role.SHELTER_REPORTER: frozenset({_P.SEE, _P.REPORT_SITE}),
    Role.WARD_OPERATOR: _WARD,
    Role.HQ_DRAFTER: _HQ,
    Role.HQ_APPROVER: _HQ | {_P.APPROVE, _P.DELEGATE},
    Role.ADMIN: frozenset(
        {
            _P.SEE,
            _P.MANAGE_STAFF,
            _P.MANAGE_DESKS,
            _P.READ_AUDIT,
            _P.CLEAR_LOCKOUT,
            _P.MANAGE_SITES,
            _P.MANAGE_SETTINGS,
        }
    ),
    Role.AUDITOR: frozenset({_P.SEE, _P.READ_AUDIT}),
}


class StaffAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One officer. The password is kept as an Argon2id hash, the TOTP secret sealed."""

    name: str
    role: Role
    password_hash: str
    totp_sealed: bytes
    created_at: datetime
    disabled: bool = False
    wards: tuple[str, ...] = ()  # the only wards (区) this officer works for; none named: the whole city

    def may(self, permission: Permission) -> bool:
        """True when the role allows it and the account is not disabled."""
        return not self.disabled and permission in ROLE_PERMISSIONS[self.role]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One signed-in browser, on one side only: the side is fixed at sign-in."""

    session_id: str
    realm: Realm
    name: str
    role: Role
    signed_in_at: datetime
    wards: tuple[str, ...] = ()  # as the account's: none named means the whole city

    def may(self, permission: Permission) -> bool:
        """True when the role allows it somewhere; what belongs to one ward asks `may_in`."""
        return permission in ROLE_PERMISSIONS[self.role]

    def covers(self, ward: str) -> bool:
        """True when this officer works for the ward (区, as sites and towns name it)."""
        return not self.wards or ward in self.wards

    def may_in(self, permission: Permission, ward: str) -> bool:
        """True when the role allows it and the ward is one of this officer's."""
        return self.may(permission) and self.covers(ward)
