"""What would go out at once: kind, zones, texts, made from the settings and the imported zones of today. Pure.

settings + zones + catalogues ─▶ Content ─▶ canonical bytes ─▶ SHA-256     the same hash is the same decision
"""

import hashlib
import unicodedata
from datetime import UTC, datetime

import msgspec

from bosai.model.alert import Act, AlertText, TsunamiClass
from bosai.model.realm import Realm
from bosai.services.alert_moves import OrderTextWriter
from bosai.services.confirmation import TSUNAMI_NAMES, area_words
from bosai.services.order_rules import checked_area
from bosai.services.zones import ZoneCatalogue
from bosai.settings_schema import Settings
from bosai.stores.at_once import Content
from geodata.areas import Bbox
from geodata.hazards import HazardKind

RANKS = {one: rank for rank, one in enumerate(TsunamiClass)}
"""A larger number is a graver class."""

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # neither text speaks of a time
_KIND_WORDS = {True: "避難指示", False: "お知らせ"}


def zone_keys(settings: Settings, tsunami_class: TsunamiClass) -> tuple[str, ...]:
    """The zones of a class ([tsunami]), as the catalogue of zones names them."""
    named = {
        TsunamiClass.ADVISORY: settings.tsunami.zones_advisory,
        TsunamiClass.WARNING: settings.tsunami.zones_warning,
        TsunamiClass.MAJOR_WARNING: settings.tsunami.zones_major_warning,
    }[tsunami_class]
    return tuple(f"tsunami:{one}" for one in named)


def content_of(
    realm: Realm,
    tsunami_class: TsunamiClass,
    settings: Settings,
    zones: ZoneCatalogue,
    texts: OrderTextWriter,
) -> Content:
    """What goes out for a class, as things are now. Raises InvalidInput naming a zone that is not there."""
    area = zones.area(zone_keys(settings, tsunami_class))
    area = checked_area(area, bbox=Bbox(*settings.city.bbox_lonlat))
    kind = settings.at_once.kind

    def written(act: Act) -> dict[str, AlertText]:
        # What goes out at once only ever replaces a lighter class: that is 発令 again, where it is an order.
        return texts.for_order(
            realm, act, HazardKind.TSUNAMI, kind, tsunami_class, area.names, free={}, at=_NO_TIME, newly=True
        )

    return Content(
        realm=realm,
        tsunami_class=tsunami_class,
        kind=kind,
        standing_rule=settings.at_once.standing_rule,
        area=area,
        texts=written(Act.ISSUE),
        raised_texts=written(Act.UPDATE),
        review_after_min=settings.review.tsunami_min,
    )


def content_hash(content: Content) -> str:
    """SHA-256, hex, over canonical bytes: integers, sorted keys, NFC."""
    canonical = unicodedata.normalize("NFC", msgspec.json.encode(content, order="deterministic").decode())
    return hashlib.sha256(canonical.encode()).hexdigest()


def ready_words(content: Content) -> str:
    """What the second officer types: 「自動発信 津波警報 お知らせ 津波避難エリア1」, after 「訓練」 in a drill."""
    words = [
        "訓練" if content.realm.is_drill else "",
        "自動発信",
        TSUNAMI_NAMES[content.tsunami_class],
        kind_word(content),
        area_words(content.area.names),
    ]
    return " ".join(filter(None, words))


def kind_word(content: Content) -> str:
    """避難指示 or お知らせ."""
    return _KIND_WORDS[bool(content.standing_rule)]


def what_differs(approved: Content, today: Content) -> tuple[str, ...]:
    """Japanese words for what would go out otherwise than approved; () where nothing would."""
    found = []
    if (approved.kind, approved.standing_rule) != (today.kind, today.standing_rule):
        found.append("避難指示とする根拠（設定 [at_once] standing_rule）")
    if approved.area.names != today.area.names or approved.area.zone_keys != today.area.zone_keys:
        found.append("対象の区域（設定 [tsunami]）")
    elif approved.area != today.area:
        found.append("区域の形（取り込んだ区域のデータ）")
    named = approved.area.names == today.area.names and approved.kind is today.kind
    if named and (approved.texts, approved.raised_texts) != (today.texts, today.raised_texts):
        found.append("文（用語・翻訳の更新）")
    if approved.review_after_min != today.review_after_min:
        found.append("見直しまでの時間（設定 [review] tsunami_min）")
    if not found and content_hash(approved) != content_hash(today):
        found.append("内容")
    return tuple(found)
