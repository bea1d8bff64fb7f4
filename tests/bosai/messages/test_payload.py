"""One push: what is in it, and that it always fits."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bosai.errors import WrongRealm
from bosai.messages.catalogue import LANGS
from bosai.messages.payload import SHORT_BYTES, payload
from bosai.model.realm import Realm
from bosai.push.payload_limits import PLAINTEXT_BYTES
from tests.bosai.messages.examples import NOW, OTHER, SCHOOL, instruction, record, situations

SITUATIONS = {realm: list(situations(realm)) for realm in Realm}
KANJI = st.text(
    st.sampled_from('仙台市立東六郷コミュニティセンター第二体育館（旧）3階以上"\\'), min_size=1, max_size=120
)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("lang", LANGS)
def test_every_message_fits_in_every_language(lang: str, realm: Realm, short: bool) -> None:
    for one, order in SITUATIONS[realm]:
        sent = payload(one, order, realm, lang, now=NOW, receipt_token="t" * 86, tag="g" * 22, short=short)
        assert len(sent) <= (SHORT_BYTES if short else PLAINTEXT_BYTES)


@settings(max_examples=150, deadline=None)
@given(
    lang=st.sampled_from(LANGS),
    realm=st.sampled_from(Realm),
    pick=st.integers(min_value=0),
    name=KANJI,
    other=KANJI,
    floor=KANJI,
    areas=st.lists(KANJI, min_size=1, max_size=20),
    short=st.booleans(),
)
def test_long_names_never_make_a_message_too_long(
    *, lang, realm, pick, name, other, floor, areas, short
) -> None:
    one, order = SITUATIONS[realm][pick % len(SITUATIONS[realm])]
    if one.destination is not None:
        one = msgspec.structs.replace(
            one,
            destination=msgspec.structs.replace(SCHOOL, name=name, floor_label=floor),
            alternate=msgspec.structs.replace(OTHER, name=other),
        )
    order = record(
        realm,
        (order.alert.hazard, order.alert.kind, order.alert.tsunami_class),
        order.alert.act,
        tuple(areas),
    )
    sent = payload(one, order, realm, lang, now=NOW, receipt_token="t" * 86, tag="g" * 22, short=short)
    assert len(sent) <= (SHORT_BYTES if short else PLAINTEXT_BYTES)
    assert json.loads(sent)["web_push"] == 8030
    if realm.is_drill:
        assert json.loads(sent)["notification"]["body"].endswith("これは訓練です")


def test_a_message_carries_what_the_service_worker_needs() -> None:
    sent = json.loads(
        payload(instruction(), record(), Realm.LIVE, "en", now=NOW, receipt_token="token", tag="topic")
    )
    assert sent["mutable"] is True
    assert sent["notification"]["navigate"] == "/advice?i=inc1&s=3"
    assert sent["notification"]["tag"] == "topic"
    assert sent["notification"]["lang"] == "en"
    ours = sent["bosai"]
    assert (ours["v"], ours["realm"], ours["incident"], ours["seq"], ours["r"]) == (
        1,
        "live",
        "inc1",
        3,
        "token",
    )
    assert ours["site"]["name"] == "七郷小学校"
    assert ours["stale"] - ours["at"] == 3600


def test_the_drill_opens_its_own_page_with_its_own_icon() -> None:
    sent = json.loads(
        payload(instruction(), record(Realm.DRILL), Realm.DRILL, "ja", now=NOW, receipt_token="t")
    )
    assert sent["notification"]["navigate"].startswith("/drill/advice?")
    assert "drill" in sent["notification"]["icon"]


@pytest.mark.parametrize("lang", LANGS)
def test_a_notification_never_says_that_its_translation_is_a_draft(lang: str) -> None:
    from bosai.messages.catalogue import text

    sent = payload(instruction(), record(), Realm.LIVE, lang, now=NOW, receipt_token="t").decode()
    assert text("resident.draft", lang) not in sent


def test_a_drills_order_is_refused_on_the_live_side() -> None:
    with pytest.raises(WrongRealm):
        payload(instruction(), record(Realm.DRILL), Realm.LIVE, "ja", now=NOW, receipt_token="t")
