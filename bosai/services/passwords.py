"""Passwords, one-time codes and names of officers. Pure but for randomness."""

import hmac
import re
import secrets

import pyotp

from bosai.errors import InvalidInput

TOTP_STEP_S = 30
TOTP_TOLERANCE_STEPS = 1
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 200
"""Argon2 would hash a megabyte as willingly; nobody types one."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{2,31}")
_UNAMBIGUOUS = "abcdefghjkmnpqrstuvwxyz23456789"  # no 0/o, 1/l/i: it is read from paper
_GROUPS, _GROUP_LENGTH = 5, 4


def checked_name(name: str) -> str:
    """The account name in small letters: 3-32 of a-z, 0-9, "-", "_", ".", starting with a letter or digit."""
    lowered = name.strip().lower()
    if not _NAME.fullmatch(lowered):
        raise InvalidInput(
            "name", "bad_account_name", "半角の英小文字・数字・「-_.」で3〜32文字にしてください。"
        )
    return lowered


def new_password() -> str:
    """Five groups of four unambiguous characters: 99 bits, easy to read aloud and type."""
    groups = ("".join(secrets.choice(_UNAMBIGUOUS) for _ in range(_GROUP_LENGTH)) for _ in range(_GROUPS))
    return "-".join(groups)


def checked_password(password: str) -> str:
    """A password somebody chose. Raises InvalidInput."""
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InvalidInput("password", "too_short", str(MIN_PASSWORD_LENGTH))
    if len(password) > MAX_PASSWORD_LENGTH:
        raise InvalidInput("password", "too_long", str(MAX_PASSWORD_LENGTH))
    return password


def new_totp_secret() -> str:
    """160 bits, base32 (RFC 4226 §4 asks for as much)."""
    return pyotp.random_base32()


def totp_uri(secret: str, name: str, issuer: str) -> str:
    """The otpauth:// address an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret, interval=TOTP_STEP_S).provisioning_uri(name=name, issuer_name=issuer)


def matching_step(secret: str, code: str, unix_s: float) -> int | None:
    """The time step `code` belongs to, now ± TOTP_TOLERANCE_STEPS; None for a wrong code. Looks at every step."""
    totp = pyotp.TOTP(secret, interval=TOTP_STEP_S)
    given = code.strip().encode(errors="replace")
    now = int(unix_s // TOTP_STEP_S)
    found: int | None = None
    for step in range(now - TOTP_TOLERANCE_STEPS, now + TOTP_TOLERANCE_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given):
            found = step
    return found
