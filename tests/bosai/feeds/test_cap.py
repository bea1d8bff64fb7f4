"""CAP messages of others: what is read, what is refused, and why. Expected values are read from the files by eye."""

from __future__ import annotations

import base64
import time
import tracemalloc
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bosai.channels.cap_signing import CapSigner
from bosai.channels.cap_xml import cap_bytes, cap_xml
from bosai.feeds.cap import CapTrust, SignatureState, key_of, read_cap, source_of, status_in
from bosai.feeds.errors import CapRefused, RefusalReason
from bosai.feeds.jma.envelope import InfoType, TelegramStatus
from bosai.model.alert import OrderKind, TsunamiClass
from bosai.model.cap import CapMsgType, CapResponse, CapStatus
from bosai.model.realm import Realm
from geodata.hazards import HazardKind
from tests.bosai.channels.orders import FRAME, Series, form, named, tsunami_form
from tests.bosai.channels.test_cap import said
from tests.bosai.channels.test_cap_signing import certificate_of
from tests.bosai.feeds.cap_messages import NOW, area, document, info, message

OPEN = CapTrust(allow_unsigned=True)
PEM_HEAD = b"-----BEGIN CERTIFICATE-----"


def refusal(data: bytes, trust: CapTrust = OPEN) -> CapRefused:
    with pytest.raises(CapRefused) as caught:
        read_cap(data, trust=trust)
    return caught.value


# ---- the samples of agencies ---

SAMPLES = {
    # file: version, sender, sent, msgType, languages, events, areas, polygons, geocodes, circles of the first info
    "canada.cap": (
        "1.2",
        "cap@ec.gc.ca",
        datetime(2012, 5, 2, 23, 21, 4, tzinfo=UTC),
        "Update",
        ["en-CA", "fr-CA"],
        ["thunderstorm", "orages"],
        (2, 2, 13, 0),
    ),
    "wcatwc-warning.cap": (
        "1.2",
        "http://newwcatwc.arh.noaa.gov/tsuPortal/",
        datetime(2011, 9, 2, 11, 36, 50, tzinfo=UTC),
        "Update",
        ["en-US"],
        ["Tsunami Warning"],
        (1, 0, 2, 0),
    ),
    "thunderstorm.cap": (
        "1.2",
        "KSTO@NWS.NOAA.GOV",
        datetime(2003, 6, 17, 21, 57, tzinfo=UTC),
        "Alert",
        ["en-US"],
        ["SEVERE THUNDERSTORM"],
        (1, 1, 3, 0),
    ),
    "weather.cap": (
        "1.1",
        "w-nws.webmaster@noaa.gov",
        datetime(2010, 8, 30, 10, 7, tzinfo=UTC),
        "Alert",
        ["en-US"],
        ["Flash Flood Watch"],
        (1, 0, 2, 0),
    ),
    "earthquake.cap": (
        "1.1",
        "http://earthquake.usgs.gov/research/monitoring/anss/neic/",
        datetime(2010, 8, 31, 5, 9, 25, tzinfo=UTC),
        "Alert",
        ["en-US"],
        ["Earthquake"],
        (1, 0, 0, 1),
    ),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", SAMPLES)
def test_the_messages_of_agencies_are_read_whole(shared_data, name):
    version, sender, sent, msg_type, languages, events, counts = SAMPLES[name]
    received = read_cap((shared_data / "cap" / "samples" / name).read_bytes(), trust=OPEN)
    one = received.message
    assert (received.version, received.signature, received.problems) == (version, SignatureState.ABSENT, ())
    assert (one.sender, one.sent, one.msg_type, one.status) == (sender, sent, msg_type, CapStatus.ACTUAL)
    assert [part.language for part in one.infos] == languages
    assert [part.event for part in one.infos] == events
    areas = one.infos[0].areas
    assert counts == (
        len(areas),
        sum(len(part.polygons_e7_lonlat) for part in areas),
        sum(len(part.geocodes) for part in areas),
        sum(len(part.circles) for part in areas),
    )


@pytest.mark.real_data
def test_the_details_of_the_samples_are_as_the_files_have_them(shared_data):
    def sample(name: str):
        return read_cap((shared_data / "cap" / "samples" / name).read_bytes(), trust=OPEN).message

    canada = sample("canada.cap")
    assert [one.identifier for one in canada.references] == [
        "2.49.0.1.124.a3f342a4.2012",
        "2.49.0.1.124.60f31a3a.2012",
    ]
    assert canada.infos[0].responses == (CapResponse.ALL_CLEAR,)
    assert canada.infos[0].areas[0].polygons_e7_lonlat[0][0] == (-829314000, 423481000)
    tsunami = sample("wcatwc-warning.cap")
    assert tsunami.incidents == ("lqw6d6",)
    assert tsunami.infos[0].severity == "Extreme"
    assert tsunami.infos[0].expires == datetime(2011, 9, 2, 12, 36, 50, tzinfo=UTC)
    quake = sample("earthquake.cap").infos[0]
    assert (quake.areas[0].circles[0].lat, quake.areas[0].circles[0].lon) == (-16.053, -173.274)
    assert quake.areas[0].circles[0].radius_km == 0
    assert ("Magnitude", "6.3") in [(one.name, one.value) for one in quake.parameters]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "reason", "field"),
    [
        ("invalid.cap", RefusalReason.FIELD_MISSING, "scope"),
        ("earthquake_index.atom", RefusalReason.WRONG_ROOT, "alert"),
        ("weather_index.atom", RefusalReason.WRONG_ROOT, "alert"),
    ],
)
def test_what_is_no_whole_message_is_refused_for_its_own_reason(shared_data, name, reason, field):
    error = refusal((shared_data / "cap" / "samples" / name).read_bytes())
    assert (error.reason, error.field) == (reason, field)
    assert str(error).startswith("CAP メッセージを受け付けません［")
    assert "気象庁" not in str(error)


# ---- what we write is what we read ---

drafts = st.sampled_from(
    [
        form(),
        form(kind=OrderKind.ELDERLY_ETC),
        form(kind=OrderKind.EMERGENCY_SAFETY, hazard=HazardKind.LANDSLIDE),
        form(kind=OrderKind.NOTICE, hazard=HazardKind.EARTHQUAKE),
        tsunami_form(TsunamiClass.MAJOR_WARNING, expected_arrival_at=NOW, announced_at=NOW),
        tsunami_form(TsunamiClass.ADVISORY),
    ]
)
words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=40)


@settings(max_examples=60, deadline=None)
@given(
    drafts,
    words,
    st.lists(words.filter(bool), min_size=1, max_size=3),
    st.sampled_from(Realm),
    st.lists(st.sampled_from(["update", "lift", "recall"]), max_size=1),
    st.integers(0, 3),
)
def test_a_message_of_ours_says_the_same_after_it_was_written_and_read(  # noqa: PLR0917 - what is drawn
    draft, free, names, realm, acts, number
):
    draft = msgspec.structs.replace(
        draft, texts_free={"ja": free}, area=named(*names, keys=("ward:若林区", "jma:0410002"))
    )
    series = Series(draft, realm)
    first = said(series.head)
    for act in acts:
        series.update(draft) if act == "update" else getattr(series, act)()
    ours = said(series.head, number=number, references=(first.reference,) if acts or number else ())
    received = read_cap(document(ours), trust=OPEN)
    assert received.message == ours
    assert (received.version, received.problems) == ("1.2", ())


# ---- signatures ---


@pytest.fixture(scope="module")
def sender() -> CapSigner:
    key = ec.generate_private_key(ec.SECP256R1())
    return CapSigner(key, [certificate_of(key, name="pref.example.jp")])


def signed(signer: CapSigner, **changes) -> bytes:
    return cap_bytes(signer.sign(cap_xml(message(**changes))))


def test_a_message_signed_by_its_source_is_verified_and_read(sender):
    trust = CapTrust(certificates_pem=(sender.certificate_pem,))
    received = read_cap(signed(sender), trust=trust)
    assert received.signature is SignatureState.VERIFIED
    assert received.message == message()


@pytest.mark.parametrize("allow_unsigned", [True, False])
def test_a_wrong_signature_is_refused_whatever_is_allowed(sender, allow_unsigned):
    other = ec.generate_private_key(ec.SECP256R1())
    forged = signed(CapSigner(other, [certificate_of(other)]))
    changed = signed(sender).replace("名取川で".encode(), "広瀬川で".encode())
    trust = CapTrust(certificates_pem=(sender.certificate_pem,), allow_unsigned=allow_unsigned)
    assert refusal(forged, trust).reason is RefusalReason.WRONG_SIGNATURE
    assert refusal(changed, trust).reason is RefusalReason.WRONG_SIGNATURE
    assert refusal(changed, CapTrust(allow_unsigned=True)).reason is RefusalReason.WRONG_SIGNATURE


def test_a_message_without_a_signature_is_read_only_where_that_is_allowed(sender):
    strict = CapTrust(certificates_pem=(sender.certificate_pem,))
    assert refusal(document(message()), strict).reason is RefusalReason.UNSIGNED
    assert read_cap(document(message()), trust=OPEN).signature is SignatureState.ABSENT


def test_a_signature_of_a_key_nobody_told_us_of_proves_nothing_but_harms_nothing(sender):
    assert read_cap(signed(sender), trust=OPEN).signature is SignatureState.UNKNOWN_SIGNER
    assert refusal(signed(sender), CapTrust()).reason is RefusalReason.WRONG_SIGNATURE


def test_one_of_several_certificates_is_enough_and_one_that_lapsed_since_still_counts(sender):
    other = certificate_of(ec.generate_private_key(ec.SECP256R1()))
    trust = CapTrust(certificates_pem=(other.public_bytes(Encoding.PEM), sender.certificate_pem))
    assert read_cap(signed(sender), trust=trust).signature is SignatureState.VERIFIED


def test_content_wrapped_round_or_beside_what_was_signed_is_never_read(sender):
    """Signature wrapping: the signed alert hidden inside another, with the reader looking at the outer one."""
    trust = CapTrust(certificates_pem=(sender.certificate_pem,))
    inner = etree.fromstring(signed(sender))
    outer = cap_xml(message(identifier="forged"))
    outer.append(inner)
    assert refusal(cap_bytes(outer), trust).reason is RefusalReason.WRONG_SIGNATURE
    moved = cap_xml(message(identifier="forged"))
    moved.append(inner[-1])
    assert refusal(cap_bytes(moved), trust).reason is RefusalReason.WRONG_SIGNATURE
    twice = etree.fromstring(signed(sender))
    twice.append(etree.fromstring(etree.tostring(twice[-1])))
    assert refusal(cap_bytes(twice), trust).reason is RefusalReason.WRONG_SIGNATURE


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>AA"),
        lambda data: data.replace(b"ecdsa-sha256", b"hmac-sha256"),
        lambda data: data.replace(b"ecdsa-sha256", b"ecdsa-sha1"),
        lambda data: data.replace(b'URI=""', b'URI="#x"'),
        lambda data: data.replace(b'URI=""', b'URI="file:///etc/passwd"'),
        lambda data: data.replace(PEM_HEAD, b""),
        lambda data: (
            data[: data.index(b"<ds:X509Certificate>") + 21]
            + base64.b64encode(b"none")
            + data[data.index(b"</ds:X509Certificate>") :]
        ),
    ],
    ids=["value", "hmac", "sha1", "other reference", "file reference", "as it is", "certificate"],
)
def test_a_damaged_or_weakened_signature_is_refused_and_nothing_else_happens(sender, damage, request):
    data = damage(signed(sender))
    if "as it is" in request.node.name:
        assert read_cap(data, trust=OPEN).signature is SignatureState.UNKNOWN_SIGNER
        return
    assert refusal(data, OPEN).reason is RefusalReason.WRONG_SIGNATURE


# ---- hostile and broken ---


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", RefusalReason.NOT_WELL_FORMED),
        (b"\xff\xfe<alert/>", RefusalReason.NOT_UTF8),
        (document(message())[:400], RefusalReason.NOT_WELL_FORMED),
        (b'<!DOCTYPE a [<!ENTITY x "y">]>' + document(message()).split(b"?>", 1)[1], RefusalReason.HAS_DTD),
        (document(message()).replace(b"cap:1.2", b"cap:9.9"), RefusalReason.WRONG_NAMESPACE),
        (b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', RefusalReason.FIELD_MISSING),
        (document(message()).replace(b"alert", b"notice"), RefusalReason.WRONG_ROOT),
        (b"<alert>" * 50 + b"</alert>" * 50, RefusalReason.TOO_DEEP),
        (document(message()).replace(b"+09:00</sent>", b"</sent>"), RefusalReason.FIELD_INVALID),
        (document(message()).replace(b"miyagi-1", b"two words"), RefusalReason.FIELD_INVALID),
        (document(message()).replace(b">Actual<", b">Genuine<"), RefusalReason.FIELD_INVALID),
        (
            document(message()).replace(b"<scope>", b"<scope>Public</scope><scope>"),
            RefusalReason.FIELD_INVALID,
        ),
        (document(message(infos=(info(),) * 65)), RefusalReason.TOO_MANY_ELEMENTS),
        (
            b'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"/>',
            RefusalReason.WRONG_ROOT,
        ),
    ],
)
def test_what_can_not_be_trusted_as_a_whole_is_refused_with_its_reason(data, reason):
    assert refusal(data).reason is reason


def test_an_envelope_is_named_as_one():
    wrapped = b'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><contentObject/></EDXLDistribution>'
    assert "EDXL-DE の封筒です" in str(refusal(wrapped))


def test_huge_things_are_refused_in_bounded_time_and_memory():
    points = b" ".join(b"38.2,140.9" for _ in range(300_000))
    huge = document(message()).replace(b"</polygon>", points + b"</polygon>")
    many = document(message()).replace(
        b"</info>", b"<parameter><valueName>a</valueName></parameter>" * 60_000 + b"</info>"
    )
    started, _ = time.process_time(), tracemalloc.start()
    received = read_cap(huge, trust=OPEN)
    assert received.message.infos[0].areas[0].polygons_e7_lonlat == ()
    assert received.problems == ("info[1]/polygon（若林区荒浜）を読めません",)
    read_cap(many, trust=OPEN)
    assert refusal(document(message()) + b" " * 5_000_000).reason is RefusalReason.TOO_LARGE
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.process_time() - started < 20
    assert peak < 300_000_000


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"38.21,140.98 38.21", b"138.21,140.98 38.21", "polygon"),
        (b"38.21,140.98 38.21", b"nan,140.98 38.21", "polygon"),
        (b">38.21,140.98 ", b">38.3,140.98 ", "polygon"),
        (b"<severity>Severe<", b"<severity>Awful<", "severity"),
        (b"<category>Met<", b"<category>Sky<", "category"),
        (b"<responseType>Evacuate<", b"<responseType>Fly<", "responseType"),
        (b"<info>", b"<references>nothing</references><info>", "references"),
    ],
)
def test_a_detail_that_can_not_be_read_is_told_and_the_rest_counts(old, new, problem):
    data = document(message())
    assert old in data
    received = read_cap(data.replace(old, new, 1), trust=OPEN)
    assert len(received.problems) == 1
    assert problem in received.problems[0]
    assert received.message.infos[0].headline == "名取川で氾濫のおそれ"


def test_an_unknown_word_never_passes_for_a_calming_one():
    data = document(message()).replace(b"<severity>Severe<", b"<severity>None<")
    assert read_cap(data, trust=OPEN).message.infos[0].severity == "Unknown"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_mangled_message_raises_anything_but_a_refusal(data):
    whole = document(message())
    at = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 30))
    mangled = whole[:at] + data.draw(st.binary(max_size=30)) + whole[at + length :]
    try:
        read_cap(mangled, trust=OPEN)
        status_in(mangled)
    except CapRefused as error:
        assert str(error)


# ---- names ---


def test_the_same_message_has_one_key_whatever_offset_its_time_is_written_in():
    ours = document(message())
    assert b"14:05:00+09:00</sent>" in ours
    other = ours.replace(b"14:05:00+09:00</sent>", b"05:05:00-00:00</sent>")
    assert key_of(read_cap(ours, trust=OPEN).message) == key_of(read_cap(other, trust=OPEN).message)
    assert key_of(message()) != key_of(message(identifier="miyagi-2"))


@pytest.mark.parametrize(
    ("status", "as_told"),
    [("Actual", "通常"), ("Exercise", "訓練"), ("Test", "試験"), ("System", "試験"), ("Draft", "試験")],
)
def test_only_an_actual_message_counts_as_one_of_now(status, as_told):
    one = message(status=CapStatus(status))
    assert status_in(document(one)) is TelegramStatus(as_told)
    assert source_of(one).status is TelegramStatus(as_told)


def test_the_list_of_telegrams_shows_what_it_is_about_and_whose_it_is():
    source = source_of(message(msg_type=CapMsgType.CANCEL))
    assert (source.type_code, source.title, source.editorial_office) == ("CAP", "河川氾濫", "宮城県")
    assert (source.info_type, source.headline) == (InfoType.CANCELLED, "名取川で氾濫のおそれ")
    assert source.valid_until == NOW + timedelta(hours=1)
    bare = source_of(message(infos=(), note="誤り"))
    assert (bare.title, bare.editorial_office, bare.headline) == ("CAP Alert", "cap@pref.example.jp", "誤り")


def test_our_own_frame_names_fit_what_references_can_hold():
    assert read_cap(document(said(Series(form()).head)), trust=OPEN).message.sender == FRAME.sender
    assert area().desc
