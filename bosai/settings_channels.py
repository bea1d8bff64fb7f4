"""The settings of the channels beside the push: lengths, sounds, readings, and who reports to whom."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from bosai.settings_base import AtLeastOne, Section, Text

Chars = Annotated[int, Meta(ge=10, le=5000)]
NameReading = Annotated[str, Meta(pattern=r"^[^=]+=[ぁ-ゖー]+$")]  # 青葉区=あおばく
Seconds = Annotated[int, Meta(ge=1, le=120)]


class Sound(Section, frozen=True):
    """A siren: `on_s` seconds, `off_s` of silence between, `times` over. `times` 0: the chime instead."""

    on_s: Seconds
    off_s: Seconds
    times: Annotated[int, Meta(ge=0, le=10)]


class AreaMailFigures(Section, frozen=True):
    """緊急速報メール: what the carriers take."""

    title_chars: Chars
    body_chars: Chars
    drills: bool
    lifts: bool


class Sirens(Section, frozen=True):
    """The sound before a broadcast, by what is broadcast. A drill always has the chime."""

    level3: Sound
    order: Sound
    level5: Sound
    tsunami_advisory: Sound
    tsunami_warning: Sound
    tsunami_major_warning: Sound


class LoudspeakerFigures(Section, frozen=True):
    """防災行政無線・屋外拡声: how it opens, how often it is read, and the readings no table has."""

    station: Text
    repeat: Annotated[int, Meta(ge=1, le=5)]
    pause_s: Seconds
    max_chars: Chars
    max_names: AtLeastOne
    readings: tuple[NameReading, ...]
    sirens: Sirens


class PressFigures(Section, frozen=True):
    """The short text of SNS: a full-width character counts 2, another 1."""

    short_weight: Annotated[int, Meta(ge=100, le=10_000)]
    hashtag: str
    contact: str


class Governor(Section, frozen=True):
    """The report of 災害対策基本法 60条4項."""

    to: Text
    sender: Text


class LAlert(Section, frozen=True):
    """What identifies the city in a file in the shape of L-Alert."""

    city_code: Annotated[str, Meta(pattern=r"^\d{6}$")]
    city_name: Text
    sender_id: Text
    office: Text


class Channels(Section, frozen=True):
    """One decision, every channel."""

    official_hosts: tuple[Text, ...]
    page_url: str
    figures_wait_s: Annotated[float, Meta(gt=0, le=5)]
    area_mail: AreaMailFigures
    loudspeaker: LoudspeakerFigures
    press: PressFigures
    governor: Governor
    lalert: LAlert
