"""What an attacker, or a broken proxy, might send in the place of a telegram."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bosai.feeds.atom import MAX_FEED_BYTES, parse_feed
from bosai.feeds.errors import FeedRefused, RefusalReason, TelegramRefused, XmlRefused
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.safe_xml import MAX_DEPTH, parse_xml
from tests.bosai.feeds.hostile import HOSTILE
from tests.bosai.feeds.telegrams import REPO, item, report

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)


def refusal_of(data: bytes) -> RefusalReason:
    with pytest.raises(TelegramRefused) as caught:
        parse_telegram(data)
    return caught.value.reason


def test_what_is_broken_is_told_in_japanese_with_the_place_of_it():
    with pytest.raises(TelegramRefused) as caught:
        parse_telegram(b"<Report>\n<a b></Report>")
    assert str(caught.value).endswith("確かめてください）（2行目・5文字目）")


def test_an_entity_bomb_is_refused_before_it_grows():
    data = report(body="<Text>&j;</Text>", prolog=LAUGHS)
    assert refusal_of(data) is RefusalReason.HAS_DTD


def test_an_external_entity_is_never_opened(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    prolog = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    with pytest.raises(TelegramRefused) as caught:
        parse_telegram(report(headline="&x;", prolog=prolog))
    assert caught.value.reason is RefusalReason.HAS_DTD
    assert "hidden" not in str(caught.value)


def test_nothing_a_document_names_is_fetched_from_the_network():
    asked: list[str] = []

    class Watch(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    with HTTPServer(("127.0.0.1", 0), Watch) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            base = f"http://127.0.0.1:{server.server_port}"
            for prolog in (
                f'<?xml version="1.0"?><!DOCTYPE r SYSTEM "{base}/dtd">',
                f'<?xml version="1.0"?><?xml-stylesheet href="{base}/style.xsl" type="text/xsl"?>',
            ):
                try:
                    parse_telegram(report(item(), prolog=prolog))
                except TelegramRefused as error:
                    assert error.reason is RefusalReason.HAS_DTD
            include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{base}/x"/>'
            parse_telegram(report(body=f"<Text>{include}</Text>"))
        finally:
            server.shutdown()
            thread.join()
    assert asked == []


def test_an_undeclared_entity_is_refused():
    assert refusal_of(report(headline="&unknown;")) is RefusalReason.NOT_WELL_FORMED


@pytest.mark.parametrize("depth", [MAX_DEPTH, 250, 300, 100_000])
def test_deep_nesting_is_refused(depth: int):
    data = report(body="<a>" * depth + "</a>" * depth)
    assert refusal_of(data) is RefusalReason.TOO_DEEP


def test_a_huge_document_is_refused_by_its_size_alone():
    data = report(body="<Text>" + "あ" * 5_000_000 + "</Text>")
    assert len(data) > 10 * 1024 * 1024
    assert refusal_of(data) is RefusalReason.TOO_LARGE


def test_a_flood_of_tiny_elements_is_refused():
    with pytest.raises(XmlRefused) as caught:
        parse_xml(b"<r>" + b"<a/>" * 1000 + b"</r>", max_elements=1000)
    assert caught.value.reason is RefusalReason.TOO_MANY_ELEMENTS
    assert len(parse_xml(b"<r>" + b"<a/>" * 999 + b"</r>", max_elements=1000)) == 999


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('Report xmlns="http://xml.kishou.go.jp/jmaxml1/"', "Report", RefusalReason.WRONG_NAMESPACE),
        (
            'xmlns="http://xml.kishou.go.jp/jmaxml1/"',
            'xmlns="http://evil.test/"',
            RefusalReason.WRONG_NAMESPACE,
        ),
        ("jmaxml1/informationBasis1/", "jmaxml1/informationBasis2/", RefusalReason.WRONG_NAMESPACE),
        ("jmaxml1/body/seismology1/", "jmaxml2/body/seismology1/", RefusalReason.WRONG_NAMESPACE),
        ("Body", "Corpus", RefusalReason.FIELD_MISSING),
        ("Report>", "Raport>", RefusalReason.NOT_WELL_FORMED),
    ],
)
def test_wrong_names_and_namespaces_are_refused(old: str, new: str, reason: RefusalReason):
    text = report(item()).decode()
    assert old in text
    assert refusal_of(text.replace(old, new).encode()) is reason


def test_another_vocabulary_and_a_second_head_are_refused():
    assert refusal_of(b"<html><body/></html>") is RefusalReason.WRONG_ROOT
    text = report(item()).decode()
    start, end = text.index("<Head"), text.index("</Head>") + len("</Head>")
    doubled = text[:end] + text[start:end] + text[end:]
    assert refusal_of(doubled.encode()) is RefusalReason.FIELD_INVALID


@pytest.mark.parametrize("encoding", ["utf-16", "shift_jis", "euc_jp"])
def test_other_encodings_are_refused_so_that_no_declaration_hides_there(encoding: str):
    text = report(item(), prolog=f'<?xml version="1.0" encoding="{encoding}"?>').decode()
    assert refusal_of(text.encode(encoding)) is RefusalReason.NOT_UTF8


def test_a_false_encoding_declaration_changes_nothing():
    data = report(item(), prolog='<?xml version="1.0" encoding="UTF-16"?>')
    assert parse_telegram(data).title == "津波警報・注意報・予報a"


def test_a_byte_order_mark_is_allowed():
    assert parse_telegram(b"\xef\xbb\xbf" + report(item())).status == "通常"


def test_a_comment_cannot_split_a_value():
    data = report(item()).replace("<Status>通常".encode(), "<Status>通<!-- x -->常".encode())
    assert parse_telegram(data).status == "通常"


def test_feeds_are_guarded_the_same_way():
    for data, reason in (
        (LAUGHS.encode() + b"<feed/>", RefusalReason.HAS_DTD),
        (b"<feed/>", RefusalReason.WRONG_ROOT),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'><entry>", RefusalReason.NOT_WELL_FORMED),
        (b"x" * (MAX_FEED_BYTES + 1), RefusalReason.TOO_LARGE),
    ):
        with pytest.raises(FeedRefused) as caught:
            parse_feed(data)
        assert caught.value.reason is reason


def test_too_many_attributes_are_refused_before_a_tree_is_built():
    with pytest.raises(XmlRefused) as caught:
        parse_xml(b"<r>" + b'<a b=""/>' * 11 + b"</r>", max_attributes=10)
    assert caught.value.reason is RefusalReason.TOO_MANY_ATTRIBUTES
    assert len(parse_xml(b"<r>" + b'<a b=""/>' * 10 + b"</r>", max_attributes=10)) == 10


def test_closing_tags_comments_and_instructions_are_no_elements():
    data = b"<?xml version='1.0'?><r><!-- x --><?a?><![CDATA[<a/>]]><a></a></r>"
    assert (
        len(parse_xml(data, max_elements=3)) == 1
    )  # the one in the section is counted, to be on the safe side


def test_a_head_of_many_kinds_for_many_areas_is_refused_as_pairs():
    kinds, areas = "<Kind><Name>x</Name></Kind>" * 400, "<Area><Name>y</Name><Code>1</Code></Area>" * 400
    information = (
        f"<Information type='x'><Item>{kinds}<Areas codeType='z'>{areas}</Areas></Item></Information>"
    )
    data = report(item()).decode().replace("</Text></Headline>", f"</Text>{information}</Headline>")
    assert refusal_of(data.encode()) is RefusalReason.TOO_MANY_ELEMENTS


NAMES = list(HOSTILE)
AT_ONCE = 4  # documents for one process: few enough that a busy machine stays within a test's time


@cache
def opened_under_limits(part: int) -> dict[str, dict[str, object]]:
    """Some hostile documents opened by one process that may take 1.5 GB of addresses and twenty seconds of CPU."""
    names = NAMES[part * AT_ONCE : (part + 1) * AT_ONCE]
    run = subprocess.run(
        [sys.executable, "-m", "tests.bosai.feeds.hostile", *names],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {one["name"]: one for one in map(json.loads, run.stdout.splitlines())}
    if len(found) < len(names):
        stopped_at = next(name for name in names if name not in found)
        found[stopped_at] = {"outcome": f"killed or failed ({run.returncode}): {run.stderr[-500:]}"}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_document_is_refused_or_read_within_the_limits(name: str):
    opened = opened_under_limits(NAMES.index(name) // AT_ONCE).get(name, {})
    assert opened.get("outcome") == HOSTILE[name][1]
    assert float(str(opened.get("grown_mb"))) < 250  # the largest document has 10 MB
