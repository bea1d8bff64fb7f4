"""A file in the shape of Lアラート's 避難情報: what its specification is known to ask for, marked as unverified. Pure.

    EDXLDistribution (EDXL-DE 1.0, OASIS) ┬ distributionStatus: Actual, Test on the drill side
                                          └ contentObject ▸ EvacuationInformation (our own names)
                                              documentID + documentRevision · 市区町村コード · 運用種別 · 更新種別

The specification (XML v2) is for members, so the inner names are of a namespace of ours, which no receiver takes for
the real one; the fields are those of the domain reference §8.3. The document's id is the order's on its side, for ever;
the revision rises with its versions; 更新, 解除 and 取消 are told apart (corrections have been sent as 解除).
"""

from uuid import NAMESPACE_URL, UUID, uuid5

from lxml import etree

from bosai.messages.measures import JST
from bosai.messages.terms import issued_name, term
from bosai.model.alert import Act, AlertRecord, OrderKind
from bosai.model.realm import Realm
from bosai.settings_channels import LAlert

EDXL = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
OWN = "urn:bosai:lalert-shaped:unverified:1"
UNVERIFIED = (
    "Lアラート（災害情報共有システム）の仕様書は会員限定のため、この形式は照合していません。"
    "このまま入稿せず、項目の確認に使ってください。"
)
_TYPES = {Act.ISSUE: "Report", Act.UPDATE: "Update", Act.LIFT: "Update", Act.RECALL: "Cancel"}
_UPDATES = {Act.ISSUE: "新規", Act.UPDATE: "更新", Act.LIFT: "解除", Act.RECALL: "取消"}
_NAMESPACE = uuid5(NAMESPACE_URL, OWN)


class NotYet(ValueError):
    """A draft has no time of release, so no file either."""


def document_id(record: AlertRecord, settings: LAlert) -> UUID:
    """The same for every version of one order on one side; the other side's is another."""
    alert = record.alert
    return uuid5(_NAMESPACE, f"{settings.city_code}/{alert.realm_of.value}/{alert.alert_id}")


def lalert_file(record: AlertRecord, settings: LAlert) -> bytes:
    """The file of one released version, UTF-8. Raises NotYet for a draft."""
    alert, at = record.alert, record.released_at
    if at is None:
        raise NotYet(alert.key)
    released = at.astimezone(JST).isoformat(timespec="seconds")
    document = document_id(record, settings)
    root = etree.Element(f"{{{EDXL}}}EDXLDistribution", nsmap={"edxl": EDXL, "own": OWN})
    root.addprevious(etree.Comment(f" {UNVERIFIED} "))
    _add(root, EDXL, "distributionID", str(uuid5(document, str(alert.version))))
    _add(root, EDXL, "senderID", settings.sender_id)
    _add(root, EDXL, "dateTimeSent", released)
    _add(root, EDXL, "distributionStatus", "Test" if alert.realm_of is Realm.DRILL else "Actual")
    _add(root, EDXL, "distributionType", _TYPES[alert.act])
    _add(root, EDXL, "combinedConfidentiality", "UNCLASSIFIED AND NOT SENSITIVE")
    _add(root, EDXL, "language", "ja-JP")
    content = etree.SubElement(root, f"{{{EDXL}}}contentObject")
    _add(content, EDXL, "contentDescription", alert.texts["ja"].headline)
    holder = etree.SubElement(content, f"{{{EDXL}}}xmlContent")
    embedded = etree.SubElement(holder, f"{{{EDXL}}}embeddedXMLContent")
    _fill(etree.SubElement(embedded, f"{{{OWN}}}EvacuationInformation"), record, settings, document, released)
    return etree.tostring(root.getroottree(), encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _fill(body: etree._Element, record: AlertRecord, settings: LAlert, document: UUID, released: str) -> None:
    alert = record.alert
    is_notice = alert.kind is OrderKind.NOTICE
    facts = [
        ("verification", UNVERIFIED),
        ("documentID", str(document)),
        ("documentRevision", str(alert.version)),
        ("operationType", "訓練" if alert.realm_of is Realm.DRILL else "通常"),
        ("updateType", _UPDATES[alert.act]),
        ("category", "お知らせ" if is_notice else "避難情報"),
        ("country", "JP"),
        ("jisX0402", settings.city_code),
        ("organizationName", settings.city_name),
        ("publishingOffice", settings.office),
        ("reportDateTime", released),
        ("disaster", term("ja", f"hazard.{alert.hazard}")),
        ("sort", issued_name("ja", alert.hazard, alert.kind, alert.tsunami_class)),
        ("level", str(int(alert.level)) if alert.level else ""),
        (
            "issueOrLift",
            {Act.LIFT: "終了" if is_notice else "解除", Act.RECALL: "取消"}.get(
                alert.act, _issued(is_notice)
            ),
        ),
        ("headline", alert.texts["ja"].headline),
        ("text", alert.texts["ja"].body),
        ("correctionReason", alert.reason if alert.act is Act.RECALL else ""),
    ]
    for name, value in facts:
        _add(body, OWN, name, value)
    for one in alert.references:
        _add(body, OWN, "reference", f"{document} {one.rpartition(':')[2]}")
    areas = etree.SubElement(body, f"{{{OWN}}}areas")
    for name in alert.area.names:
        area = etree.SubElement(areas, f"{{{OWN}}}area")
        _add(area, OWN, "areaName", name)
        _add(area, OWN, "jisX0402", settings.city_code)


def _issued(is_notice: bool) -> str:
    return "お知らせ" if is_notice else "発令"


def _add(parent: etree._Element, namespace: str, name: str, value: str) -> None:
    etree.SubElement(parent, f"{{{namespace}}}{name}").text = value
