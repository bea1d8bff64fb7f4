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


_P = Permission
_WARD = frozenset({_P.SEE, _P.REPORT_SITE, _P.MANAGE_DESKS, _P.EXCLUDE_SITE, _P.WELFARE_CODES})
_HQ = _WARD | {_P.DRAFT, _P.RECALL, _P.READ_AUDIT, _P.STEER}
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({_P.SEE}),
    Role.SHELTER_REPORTER: frozenset({_P.SEE, _P.REPORT_SITE}),
    Role.WARD_OPERATOR: _WARD,
    Role.HQ_DRAFTER: _HQ,
    Role.HQ_APPROVER: _HQ | {_P.APPROVE},
    Role.ADMIN: frozenset({_P.SEE, _P.MANAGE_STAFF, _P.MANAGE_DESKS, _P.READ_AUDIT}),
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

    def may(self, permission: Permission) -> bool:
        """True when the role allows it."""
        return permission in ROLE_PERMISSIONS[self.role]
