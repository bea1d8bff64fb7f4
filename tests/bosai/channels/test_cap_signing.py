"""The signature of our messages: checked with signxml itself, broken by any change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLVerifier
from signxml.exceptions import InvalidSignature

from bosai.channels.cap import cap_message
from bosai.channels.cap_signing import CapSigner, open_signer
from bosai.channels.cap_xml import cap_bytes, cap_xml
from bosai.secrets import load_or_create
from tests.bosai.channels.orders import FRAME, NOW, Series, form


def certificate_of(key, *, name: str = "city.example.jp") -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(max(now, NOW) + timedelta(days=300))
    )
    return built.sign(key, hashes.SHA256())


def signed(signer: CapSigner) -> bytes:
    message = cap_message(
        Series(form()).head, FRAME, number=0, sent=NOW, expires=NOW + timedelta(hours=1), references=()
    )
    return cap_bytes(signer.sign(cap_xml(message)))


@pytest.fixture(scope="module")
def signer(tmp_path_factory) -> CapSigner:
    own = load_or_create(tmp_path_factory.mktemp("keys")).live
    return open_signer(own.cap_private_pem, own.cap_certificates_pem)


def test_the_signature_is_the_citys_and_covers_the_whole_message(signer):
    data = signed(signer)
    result = XMLVerifier().verify(data, x509_cert=signer.certificates[0])
    assert result.signed_xml.tag.endswith("}alert")
    assert result.signed_xml.findtext("{*}identifier").startswith("live-")
    assert etree.fromstring(data)[-1].tag == "{http://www.w3.org/2000/09/xmldsig#}Signature"


def test_the_signed_message_is_valid_against_the_schema(signer, shared_data):
    schema = etree.XMLSchema(etree.parse(str(shared_data / "cap" / "schema" / "cap12.xsd")))
    assert schema.validate(etree.fromstring(signed(signer))), schema.error_log


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<severity>Severe<", b"<severity>Minor<"),
        (b"<status>Actual<", b"<status>Test<"),
        (b"38.21,140.98", b"38.31,140.98"),
        (b"<responseType>Evacuate</responseType>", b""),
    ],
)
def test_any_change_breaks_it(signer, old, new):
    data = signed(signer)
    assert old in data
    with pytest.raises(InvalidSignature):
        XMLVerifier().verify(data.replace(old, new), x509_cert=signer.certificates[0])


def test_another_key_does_not_pass_for_the_citys(signer):
    key = ec.generate_private_key(ec.SECP256R1())
    other = CapSigner(key, [certificate_of(key)])
    with pytest.raises(InvalidSignature):
        XMLVerifier().verify(signed(other), x509_cert=signer.certificates[0])


def test_a_key_of_the_citys_own_signs_as_well_and_its_chain_goes_along():
    key = rsa.generate_private_key(65537, 2048)
    above = certificate_of(ec.generate_private_key(ec.SECP256R1()), name="above")
    signer = CapSigner(key, [certificate_of(key), above])
    data = signed(signer)
    assert XMLVerifier().verify(data, x509_cert=signer.certificates[0]).signed_xml is not None
    assert data.count(b"<ds:X509Certificate>") == 2
    assert b"PRIVATE" not in data


def test_wrapping_it_into_another_document_does_not_break_it(signer):
    inner = signed(signer).split(b"?>", 1)[1]
    outer = etree.fromstring(b'<feed xmlns="urn:x" xmlns:y="urn:y">' + inner + b"</feed>")
    taken_out = etree.tostring(outer[0])
    assert XMLVerifier().verify(taken_out, x509_cert=signer.certificates[0]).signed_xml is not None
