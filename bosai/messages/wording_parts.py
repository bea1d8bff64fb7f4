"""What a row of the wording table is made of: what a text is about, what breaks a rule, and how that is found."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bosai.messages.wording_words import DEVANAGARI, LEVEL
from bosai.model.alert import Act
from bosai.model.realm import Realm
from geodata.hazards import HazardKind

DRILL_START = "【訓練】"
DRILL_END = "これは訓練です"
OFFICIAL_HOSTS = ("city.sendai.jp",)
"""[city] The only pages a message may name, with all hosts below them: whoever forges our messages links elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a text is about: enough to know which rules apply."""

    lang: str
    hazard: HazardKind | None
    level: int | None
    realm: Realm
    issuer: str
    act: Act | None = None
    whole: bool = False
    official_hosts: tuple[str, ...] = OFFICIAL_HOSTS

    @property
    def directs(self) -> bool:
        """True for a whole message that puts an order in force or changes one."""
        return self.whole and self.act in {Act.ISSUE, Act.UPDATE}

    @property
    def is_tsunami(self) -> bool:
        """True for a text about a tsunami, which has no level."""
        return self.hazard is HazardKind.TSUNAMI


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A rule that a text breaks, what broke it, and the mend in Japanese for whoever wrote it."""

    rule: str
    found: str
    mend: str


Find = Callable[[str, Setting], str | None]
"""What breaks a rule in a text, in the text's own words; None: nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: what breaks it, where it applies, and how to mend it."""

    name: str
    find: Find
    mend: str
    applies: Callable[[Setting], bool] = lambda _setting: True


def forbids(*parts: str) -> Find:
    """Words that must not appear."""
    pattern = re.compile("|".join(parts), re.IGNORECASE)

    def find(plain: str, _setting: Setting) -> str | None:
        hit = pattern.search(plain)
        return hit.group(0) if hit else None

    return find


def requires(by_lang: Mapping[str, str] | str) -> Find:
    """Words that must appear, by language; a language without a pattern of its own uses that of "" or none."""
    patterns = {"": by_lang} if isinstance(by_lang, str) else by_lang
    compiled = {lang: re.compile(words, re.IGNORECASE | re.DOTALL) for lang, words in patterns.items()}

    def find(plain: str, setting: Setting) -> str | None:
        pattern = compiled.get(setting.lang) or compiled.get("")
        return None if pattern is None or pattern.search(plain) else plain[:20]

    return find


def level_missing(plain: str, setting: Setting) -> str | None:
    """The beginning of a text without its level's number beside the word for it."""
    words = LEVEL.get(setting.lang, r"\b{}\b")
    digit = str(setting.level)
    wanted = words.format(f"[{digit}{digit.translate(DEVANAGARI)}]")
    return None if re.search(wanted, plain, re.IGNORECASE) else plain[:20]


_WEB_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s、。「」()<>]+", re.IGNORECASE)
_BARE_HOST = re.compile(
    r"(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:app|click|co|com|gl|info|io|jp|link|ly|me|net|org|shop|site|tk|top|xyz)"
    r"(?![\w.-]*\w)",
    re.IGNORECASE | re.ASCII,
)


def foreign_page(plain: str, setting: Setting) -> str | None:
    """The first address, with or without its scheme, of a page that is not the city's."""
    hosts = {hit.group(0): _host_of(hit.group(0)) for hit in _WEB_ADDRESS.finditer(plain)}
    rest = _WEB_ADDRESS.sub(" ", plain)
    hosts |= {hit.group(0): hit.group(0) for hit in _BARE_HOST.finditer(rest)}
    for said, host in hosts.items():
        name = host.lower().rstrip(".")
        if not any(name == own or name.endswith(f".{own}") for own in setting.official_hosts):
            return said
    return None


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


_CLOCK = re.compile(r"\d{1,2}\s*(時|:\d{2})")
_HAPPENS = re.compile("到達|氾濫|決壊|あふれ|浸水|崩れ|冠水")
_FORETELLS = re.compile("見込み|予想|予測|でしょう")
_FORECASTERS = re.compile("気象|国土交通|国交|県|発表")


def own_forecast(plain: str, _setting: Setting) -> str | None:
    """A sentence that foretells at what o'clock something happens, and names nobody who may."""
    for one in re.split(r"[。\n]", plain):
        found = (_CLOCK, _HAPPENS, _FORETELLS)
        if all(pattern.search(one) for pattern in found) and not _FORECASTERS.search(one):
            return one
    return None
