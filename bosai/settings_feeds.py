"""[feeds]: what is read from 気象庁 and from other publishers of CAP, and how politely."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from bosai.feeds.polling import long_feed_url, source_name
from bosai.feeds.wanted import Family, Want, of_family
from bosai.settings_base import AtLeastOne, Positive, Section, Text


class FeedWant(Section, frozen=True):
    """One row of what is fetched: see `bosai.feeds.wanted.Want`."""

    types: Annotated[tuple[Annotated[str, Meta(pattern=r"^V[A-Z]{3}[0-9]{0,2}$")], ...], Meta(min_length=1)]
    offices: tuple[Annotated[str, Meta(pattern=r"^[0-9]{6}$")], ...] = ()
    names: tuple[Text, ...] = ()
    family: Literal["", "r06", "legacy"] = ""
    newest_only: bool = False
    after_gap_only: bool = False

    @property
    def row(self) -> Want:
        """The same as the table that decides."""
        return Want(
            types=self.types,
            offices=frozenset(self.offices),
            names=self.names,
            family=Family(self.family) if self.family else None,
            newest_only=self.newest_only,
            after_gap_only=self.after_gap_only,
        )


class CapFeed(Section, frozen=True):
    """A publisher of CAP messages: an Atom or RSS index, or the address of a message itself.

    hosts: where its messages may be fetched from besides the feed's own host ("host" or "host:port").
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$")]
    url: str
    hosts: tuple[Text, ...] = ()
    interval_s: Annotated[int, Meta(ge=10)] = 60

    def __post_init__(self) -> None:
        _check_address("url", self.url)


class Feeds(Section, frozen=True):
    """What is read, and how politely."""

    enabled: bool
    urls: tuple[str, ...]
    data_hosts: tuple[str, ...]
    weather_family: Literal["r06", "legacy"]
    wants: tuple[FeedWant, ...]
    cap: tuple[CapFeed, ...]
    poll_second: Annotated[int, Meta(ge=0, le=59)]
    interval_s: AtLeastOne
    downloads_at_once: Annotated[int, Meta(ge=1, le=16)]
    connect_timeout_s: Positive
    total_timeout_s: Positive
    max_bytes: Annotated[int, Meta(ge=100_000, le=100_000_000)]
    daily_limit_mb: Annotated[int, Meta(ge=100)]
    daily_warn_share: Annotated[float, Meta(gt=0, lt=1)]
    stale_after_min: AtLeastOne
    telegram_max_age_min: AtLeastOne
    gap_max_age_h: AtLeastOne
    proxy: str
    jma_tsunami_area: Annotated[str, Meta(pattern=r"^\d{3}$")]
    user_agent: Text

    def __post_init__(self) -> None:
        for url in self.urls:
            _check_address("urls", url)
            try:
                long_feed_url(url)
            except ValueError:
                raise ValueError(
                    f"urls must end in .xml, the long feed of {url!r} is found by that name"
                ) from None
        names = [*map(source_name, self.urls), *(one.name for one in self.cap)]
        if len(set(names)) != len(names):
            raise ValueError("urls and cap must have names that differ from each other (eqvol.xml is eqvol)")
        if self.proxy and (
            urlsplit(self.proxy).scheme not in {"http", "https"} or not urlsplit(self.proxy).hostname
        ):
            raise ValueError("proxy must be http://host:port, or empty for what the environment says")

    @property
    def rows(self) -> tuple[Want, ...]:
        """What is fetched, with the layout of weather warnings that is acted on."""
        return of_family((one.row for one in self.wants), Family(self.weather_family))


def _check_address(key: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"{key} must be http or https addresses, not {url!r}")
