"""Is a CAP message signed, and by whom? Only what the signature covers is read on. Pure; blocks for milliseconds.

no Signature ─▶ allowed or refused, as the source is set
Signature    ─▶ one of the source's certificates ─▶ verified │ none of them, or changed on the way ─▶ refused
                no certificate set ─▶ whole by its own certificate: says nothing of who, but what was changed is refused
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from bosai.feeds.errors import CapRefused, RefusalReason

NS_DS = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE = f"{{{NS_DS}}}Signature"
_CERTIFICATE = f"{{{NS_DS}}}X509Certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapTrust:
    """What proves that a message is a source's own. certificates_pem: the sender's, none above them."""

    certificates_pem: tuple[bytes, ...] = ()
    allow_unsigned: bool = False


class SignatureState(StrEnum):
    """What is known of who signed."""

    ABSENT = "absent"
    VERIFIED = "verified"  # by one of the certificates of the source
    UNKNOWN_SIGNER = "unknown_signer"  # whole, but nobody told us whose key it is


def checked(root: etree._Element, trust: CapTrust, sent: datetime) -> tuple[etree._Element, SignatureState]:
    """What may be read: all of an unsigned message, or exactly what was signed. Raises CapRefused.

    sent: a certificate counts if it was valid then; that it lapsed since must not silence a warning.
    """
    signatures = list(root.iter(SIGNATURE))
    if not signatures:
        if trust.allow_unsigned:
            return root, SignatureState.ABSENT
        raise CapRefused(RefusalReason.UNSIGNED, "Signature")
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        raise CapRefused(RefusalReason.WRONG_SIGNATURE, "Signature", "署名は alert の直下に一つだけです")
    if trust.certificates_pem:
        return _verified(root, _pinned(trust), sent), SignatureState.VERIFIED
    if not trust.allow_unsigned:
        raise CapRefused(RefusalReason.WRONG_SIGNATURE, "Signature", "配信元の証明書が設定されていません")
    return _verified(root, _embedded(signatures[0]), sent), SignatureState.UNKNOWN_SIGNER


def _verified(
    root: etree._Element, certificates: Iterable[x509.Certificate], sent: datetime
) -> etree._Element:
    config = SignatureConfiguration(location="./", expect_references=1, verification_time=sent)
    detail = "証明書が入っていません"
    for certificate in certificates:
        try:
            result = XMLVerifier().verify(root, x509_cert=certificate, expect_config=config)
        except Exception as error:  # whatever strangers may write there; nothing of ours runs in it
            detail = type(error).__name__
            continue
        signed = None if isinstance(result, list) else result.signed_xml
        if signed is None or signed.tag != root.tag:
            # A signature over a part says nothing of the rest.
            raise CapRefused(RefusalReason.WRONG_SIGNATURE, "Signature", "alert 全体の署名ではありません")
        return signed
    raise CapRefused(RefusalReason.WRONG_SIGNATURE, "Signature", detail)


def _pinned(trust: CapTrust) -> list[x509.Certificate]:
    return [one for pem in trust.certificates_pem for one in x509.load_pem_x509_certificates(pem)]


def _embedded(signature: etree._Element) -> list[x509.Certificate]:
    text = "".join((signature.findtext(f".//{_CERTIFICATE}") or "").split())
    try:
        pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n".encode("ascii")
        found = x509.load_pem_x509_certificate(pem)
        found.public_bytes(Encoding.DER)
    except (ValueError, UnicodeEncodeError):
        return []
    return [found]
