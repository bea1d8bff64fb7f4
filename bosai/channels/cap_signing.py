"""The enveloped XML signature of a CAP message, by the city's key (CAP 1.2 §3.3.2.1). Pure; some milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

CapKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def open_signer(private_pem: bytes, certificates_pem: bytes) -> CapSigner:
    """The signer of one side's key files (`bosai.secrets`, which has checked that they fit)."""
    key = load_pem_private_key(private_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError(f"CAP messages are signed with an EC or an RSA key, not {type(key).__name__}")
    return CapSigner(key, x509.load_pem_x509_certificates(certificates_pem))


class CapSigner:
    """Signs with one key. certificates: the key's own first, then those above it, which go along."""

    def __init__(self, key: CapKey, certificates: Sequence[x509.Certificate]) -> None:
        self._key = key
        self.certificates = tuple(certificates)

    @property
    def certificate_pem(self) -> bytes:
        """What a receiver keeps to check our messages with."""
        return self.certificates[0].public_bytes(Encoding.PEM)

    def sign(self, root: etree._Element) -> etree._Element:
        """A copy of the message with its Signature as the last element."""
        is_rsa = isinstance(self._key, rsa.RSAPrivateKey)
        signer = XMLSigner(
            signature_algorithm=SignatureMethod.RSA_SHA256 if is_rsa else SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            # Exclusive: what a feed or an envelope wraps round the message does not break its signature.
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        signed: etree._Element = signer.sign(root, key=self._key, cert=list(self.certificates))
        return signed
