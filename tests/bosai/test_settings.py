"""Settings: complete as shipped, overridden in one order, and every mistake named with its mend."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosai.settings import SHIPPED_FILE, SettingsInvalid, load_settings
from shelters.model import SiteForm

ROOT = SHIPPED_FILE.parent
SHIPPED = tomllib.loads(SHIPPED_FILE.read_text("utf-8"))


def leaves(table, above=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield above + key, value


LEAVES = sorted(leaves(SHIPPED))


def refusal(path=None, env=None, overrides=None) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(path, env, overrides)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def own_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "city.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_settings_are_those_of_sendai():
    settings = load_settings()
    assert (settings.city.name, settings.city.plane_epsg) == ("仙台市", 6678)
    assert settings.feeds.jma_tsunami_area == "220"
    assert settings.tsunami.zones_major_warning == ("area1", "area2", "seaward")
    assert settings.planner.pace_m_s.unknown == 0.75
    assert settings.redis.is_embedded
    assert settings.city.contact_is_placeholder


def test_every_line_of_the_shipped_file_says_where_its_value_comes_from_or_carries_its_unit():
    # A number without a unit in its name needs a comment on its line, or it would be a riddle.
    units = (
        "_s",
        "_min",
        "_h",
        "_m",
        "_days",
        "_years",
        "_bytes",
        "_persons",
        "_hour",
        "_deg",
        "_fraction",
        "_factor",
    )
    for line in SHIPPED_FILE.read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#") and value.strip()[:1].isdigit():
            assert "#" in value or key.strip().endswith(units), line


def test_every_kind_of_site_has_an_assumed_capacity():
    defaults = load_settings().capacity_defaults
    assert set(SHIPPED["capacity_defaults"]) == {form.value for form in SiteForm}
    assert defaults.of("tsunami_tower").stay_persons == 0
    assert defaults.of("elementary_school").stay_persons < defaults.of("elementary_school").refuge_persons
    assert defaults.of("a form of tomorrow") == defaults.other


def test_every_setting_is_read_somewhere_in_the_code():
    code = "\n".join(
        path.read_text("utf-8")
        for room in ("geodata", "shelters", "bosai", "workers")
        for path in (ROOT / room).rglob("*.py")
        if path.name != "settings_schema.py"
    )
    read_by_name = {"capacity_defaults"}  # `CapacityDefaults.of` takes the form of the site
    unread = [
        f"{section}.{key}"
        for section, keys in SHIPPED.items()
        if section not in read_by_name
        for key in keys
        if not re.search(rf"\.{key}\b", code)
    ]
    assert unread == []


def test_the_later_source_wins_file_then_environment_then_flag(tmp_path):
    path = own_file(tmp_path, "[web]\nport = 1111\nhost = '0.0.0.0'\n[planner]\ndetour_factor = 1.4\n")
    env = {"BOSAI_WEB__PORT": "2222", "BOSAI_PLANNER__NIGHT_FACTOR": "0.7"}
    assert load_settings(path).web.port == 1111
    assert load_settings(path, env).web.port == 2222
    settings = load_settings(path, env, {"web.port": 3333, "redis.url": None})
    assert settings.web.port == 3333
    assert settings.web.host == "0.0.0.0"
    assert (settings.planner.detour_factor, settings.planner.night_factor) == (1.4, 0.7)
    assert settings.redis.url == ""


def test_the_environment_can_name_the_file(tmp_path):
    path = own_file(tmp_path, "[city]\nname = '名取市'\n")
    assert load_settings(None, {"BOSAI_SETTINGS": str(path)}).city.name == "名取市"


def test_every_setting_can_come_from_the_environment():
    as_shipped = load_settings()
    for key, value in LEAVES:
        name = "BOSAI_" + key.upper().replace(".", "__")
        text = msgspec.json.encode(value).decode() if isinstance(value, list | bool) else str(value)
        assert load_settings(None, {name: text}) == as_shipped, name


def test_variables_of_others_are_not_looked_at():
    assert (
        load_settings(None, {"PATH": "/bin", "BOSAI_SHARED_DATA": "/data", "XBOSAI_WEB__PORT": "1"})
        == load_settings()
    )


def test_lists_come_with_commas_or_as_json():
    for text in ("a.example, *.b.example", '["a.example", "*.b.example"]'):
        assert load_settings(None, {"BOSAI_PUSH__ALLOWED_HOSTS": text}).push.allowed_hosts == (
            "a.example",
            "*.b.example",
        )
    assert load_settings(None, {"BOSAI_PUSH__TEST_HOSTS": ""}).push.test_hosts == ()


def test_a_misspelt_key_is_refused_with_the_right_one():
    for key, value in LEAVES:
        wrong = key[:-2] + "z" + key[-1:]
        sentence = refusal(overrides={wrong: value})
        assert wrong in sentence
        near = sentence.split("did you mean ")[1].rstrip(".")
        assert difflib.SequenceMatcher(None, near, key).ratio() > 0.8, wrong


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BOSAI_WEB__PRT", "80", "web.prt (environment variable BOSAI_WEB__PRT): no setting has this name"),
        ("BOSAI_WEB_PORT", "80", "no setting has this name, did you mean web.port"),
        ("BOSAI_WEB__PORT__MORE", "80", "no setting has this name"),
        ("BOSAI_WEB__PORT", "eighty", "web.port (environment variable BOSAI_WEB__PORT): expected int, got str"),
        ("BOSAI_WEB__PORT", "70000", "expected int <= 65535"),
        ("BOSAI_WEB__HOST", "a b", "host must be an address or a host name, not 'a b'"),
        ("BOSAI_WEB__HOST", "fe80::1%eth0", "host must be an address"),
        ("BOSAI_WEB__PUBLIC_URL", "bosai.example", "public_url must be an address such as https://"),
        ("BOSAI_REDIS__URL", "http://x", "url must start with redis://"),
        ("BOSAI_PLANNER__SEATS_MARGIN_FRACTION", "1.5", "expected float <= 1.0"),
        ("BOSAI_PLANNER__DETOUR_FACTOR", "nan", "nan is not a number to work with"),
        ("BOSAI_PLANNER__FALLBACK_AFTER_S", "6", "expected float <= 5.0"),
        ("BOSAI_PLANNER__POINT_ROUNDING_WIDEN_M", "3", "expected float >= 8.0"),
        ("BOSAI_PLANNER__PACE_M_S__SLOW", "0.9", "planner.pace_m_s.slow (environment"),
        ("BOSAI_CITY__CONTACT_VAPID_SUB", "bosai@example.jp", "contact_vapid_sub must be mailto:"),
        ("BOSAI_CITY__CONTACT_VAPID_SUB", "mailto:kiki @example.jp", "contact_vapid_sub must be mailto:"),
        ("BOSAI_CITY__CONTACT_VAPID_SUB", "https:///page", "contact_vapid_sub must be mailto:"),
        ("BOSAI_PUSH__PREKEYS_UNTIL_HOUR", "1", "prekeys_from_hour and prekeys_until_hour must differ"),
        ("BOSAI_CITY__BBOX_LONLAT", "141,38,140,39", "bbox_lonlat must be west, south, east, north"),
        ("BOSAI_CITY__BBOX_LONLAT", "141,38", "expected array of length 4"),
        ("BOSAI_CITY__TIMEZONE", "Sendai", "timezone must be an IANA name"),
        ("BOSAI_PUSH__ALLOWED_HOSTS", "https://push.example", "allowed_hosts must be host names"),
        ("BOSAI_PUSH__TEST_HOSTS", "127.0.0.1", "test_hosts must be host:port entries"),
        ("BOSAI_PUSH__RETRY_BASE_S", "100", "retry_base_s must not pass retry_max_s"),
        ("BOSAI_FEEDS__URLS", "ftp://x/y", "urls must be http or https"),
        ("BOSAI_FEEDS__ENABLED", "perhaps", "expected bool"),
        ("BOSAI_DATA", "here", "JSON is malformed"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_in_one_sentence_that_names_it(name, value, says):
    sentence = refusal(env={name: value})
    assert says in sentence
    assert name in sentence


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[web]\nport = '8080'\n", "web.port ({path}): expected int, got str"),
        ("[web]\nprot = 1\n", "web.prot ({path}): no setting has this name, did you mean web.port"),
        ("[webb]\nport = 1\n", "webb ({path}): no setting has this name, did you mean web"),
        ("web = 1\n", "web ({path}): expected a table of settings, not a single value"),
        ("[planner]\npace_m_s = 1.0\n", "planner.pace_m_s ({path}): expected a table"),
        ("[web]\nport = inf\n", "web.port ({path}): inf is not a number"),
        ("[web\n", "({path}): the file is not valid TOML, "),
        ("[capacity_defaults.other]\nrefuge_persons = -1\n", "other.refuge_persons ({path}): expected int >= 0"),
        ("[push]\nallowed_hosts = ['a.example', 7]\n", "push.allowed_hosts ({path}): expected str, got int"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_path_and_key(tmp_path, text, says):
    path = own_file(tmp_path, text)
    assert says.format(path=path) in refusal(path)


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path):
    assert "there is no such file" in refusal(tmp_path / "absent.toml")
    assert "cannot be read" in refusal(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "not valid TOML" in refusal(tmp_path / "bytes.toml")


def test_paths_become_absolute_from_where_the_service_is_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings(overrides={"data.dir": "here", "hazard_files.tsunami_areas": "areas.geojson"})
    assert settings.data_dir == tmp_path / "here"
    assert settings.hazard_files.tsunami_areas == str(tmp_path / "areas.geojson")
    assert load_settings().hazard_files.tsunami_areas == ""


@pytest.mark.parametrize(
    ("host", "url", "public"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:8080"),
        ("0.0.0.0", "", "http://localhost:8080"),
        ("::1", "", "http://[::1]:8080"),
        ("127.0.0.1", "https://bosai.example.jp/", "https://bosai.example.jp"),
    ],
)
def test_the_public_address_is_the_one_given_or_that_of_the_server(host, url, public):
    assert load_settings(overrides={"web.host": host, "web.public_url": url}).web.public_url == public


def test_settings_cannot_be_changed_after_the_start():
    with pytest.raises(AttributeError):
        load_settings().web.port = 1


@given(
    st.dictionaries(st.from_regex(r"BOSAI_[A-Z_]{0,20}", fullmatch=True), st.text(max_size=20), max_size=3)
)
def test_whatever_the_environment_holds_it_is_understood_or_refused_in_one_sentence(env):
    try:
        load_settings(None, env)
    except SettingsInvalid as error:
        assert "\n" not in str(error)


@given(st.sampled_from(LEAVES), st.text(max_size=30))
def test_whatever_a_setting_is_given_it_is_taken_or_refused_by_name(leaf, text):
    key, _ = leaf
    try:
        load_settings(None, None, {key: text})
    except SettingsInvalid as error:
        assert key.split(".")[0] in str(error)
