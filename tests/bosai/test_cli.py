"""The commands as a person types them: processes of their own, with a data folder of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from bosai.cli import main
from bosai.model.realm import Realm
from bosai.stores.keys import Keys
from tests.bosai.feeds.telegrams import SEQUENCE_2011, item, jma_folder, report

ROOT = Path(__file__).resolve().parents[2]
NAME = "20260401030310_0_VTSE41_010000.xml"
WITHIN_S = 50
pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    def json(self):
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Commands on one data folder, and on one Redis when `redis_url` is set."""

    data_dir: Path
    redis_url: str = ""

    def env(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("BOSAI_")}
        return env | ({"BOSAI_REDIS__URL": self.redis_url} if self.redis_url else {})

    def __call__(self, *words: str | Path, stdin: str = "") -> Said:
        done = subprocess.run(
            [sys.executable, "-m", "bosai", *map(str, words), "--data-dir", str(self.data_dir)],
            cwd=ROOT,
            env=self.env(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)


def refused(said: Said, status: int = 1) -> str:
    """The one sentence a refusal is."""
    assert said.status == status, said
    assert "Traceback" not in said.err
    assert said.err.startswith("bosai: ")
    assert said.err.count("\n") == 1
    return said.err


@pytest.fixture
def shell(tmp_path, private_redis) -> Shell:
    """On the private Redis: quick."""
    return Shell(tmp_path / "data", private_redis.url)


@pytest.fixture
def telegram(tmp_path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(report(item(kind="52")))
    return path


# -- usage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["import", "cats", "x.csv"],
        ["import", "sites"],
        ["feed", "replay"],
        ["feed", "rebuild", "telegram.xml"],
        ["staff", "add", "sato", "--role", "mayor"],
        ["worker", "baker"],
        ["run", "--port", "many"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2_and_says_what_is_right(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: bosai" in capsys.readouterr().err


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    for command in (
        "setup",
        "run",
        "web",
        "worker",
        "import",
        "feed",
        "staff",
        "desk",
        "prekeys",
        "verify-audit",
        "doctor",
    ):
        assert re.search(rf"^    {command}\s", told, re.MULTILINE)


@pytest.mark.parametrize("words", [["staff", "add"], ["staff", "add", "sato"], ["staff", "renew"]])
def test_a_staff_command_without_its_words_is_wrong_usage_with_an_example(words, capsys, tmp_path):
    assert main([*words, "--data-dir", str(tmp_path)]) == 2
    assert "bosai staff" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_setting_is_one_sentence_that_names_the_nearest(capsys, tmp_path):
    own = tmp_path / "city.toml"
    own.write_text("[web]\nprot = 1\n")
    assert main(["doctor", "--settings", str(own)]) == 1
    told = capsys.readouterr().err
    assert "web.prot" in told
    assert "did you mean web.port" in told


# -- setting up -------------------------------------------------------------------------------------------


def test_a_fresh_folder_is_prepared_once_and_the_second_time_nothing_is_shown_or_lost(tmp_path):
    shell = Shell(tmp_path / "data")  # with the embedded Redis, as a newcomer has it
    first = shell("setup", "--json")
    assert first.status == 0, first
    made = first.json()
    assert made["sites_loaded"] > 20
    assert [(one["name"], one["role"]) for one in made["accounts"]] == [
        ("kian", "hq_drafter"),
        ("shonin", "hq_approver"),
        ("kanri", "admin"),
    ]
    assert len({one["password"] for one in made["accounts"]}) == 3
    assert made["desk_links"][0]["path"].startswith("/drill/s/")
    keys = {path: path.read_bytes() for path in (tmp_path / "data" / "keys").rglob("*") if path.is_file()}
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)
    for secret in (one[what] for one in made["accounts"] for what in ("password", "totp_secret")):
        for path in (tmp_path / "data").rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    again = shell("setup", "--json")
    assert again.json() == {"sites_loaded": 0, "accounts": [], "desk_links": []}
    assert {path: path.read_bytes() for path in keys} == keys
    listed = shell("staff", "list", "--json").json()
    assert {one["name"] for one in listed} == {"kian", "shonin", "kanri"}


def test_setting_up_tells_a_person_in_japanese_first_what_was_made(shell):
    told = shell("setup").out
    assert told.startswith("見本の施設 ")
    assert "一度だけ表示します" in told
    assert told.count("otpauth://") == 3
    assert "PIN " in told
    assert shell("setup").out == ""


# -- facts ------------------------------------------------------------------------------------------------


SITES = (
    "id,kind,name,address,ward,lon,lat,hazards,tsunami_floor,rain_floor,refuge_part,not_opened_first_in_rain,"
    "restricted_to,conditions,same_address,site_form,remarks\n"
    "E1,emergency,東の丘,宮城県仙台市若林区荒浜1,若林区,140.98,38.22,tsunami,,,,,,,,evacuation_hill,\n"
    "E2,emergency,西の丘,宮城県仙台市若林区荒浜2,若林区,140.97,38.22,tsunami,,,,,,,,evacuation_hill,\n"
)


def test_an_import_says_what_it_added_changed_lost_and_refused(shell, tmp_path):
    sites = tmp_path / "sites.csv"
    sites.write_text(SITES)
    first = shell("import", "sites", sites, "--municipality", "", "--json")
    assert (first.status, first.json()["added"], first.json()["rejected"]) == (0, 2, [])
    again = shell("import", "sites", sites, "--municipality", "")
    assert (again.status, again.out) == (0, "追加 0・変更 0・なくなった 0・受け付けない 0\n")
    sites.write_text(SITES.replace("140.97,38.22", "140.97,999"))
    broken = shell("import", "sites", sites, "--municipality", "", "--json")
    (row,) = broken.json()["rejected"]
    assert (broken.status, row["row"], row["field"]) == (1, 3, "lat")
    assert broken.json()["gone"] == 0, "a rejected row never removes its site"


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "sites.csv"),
        (lambda path: path.write_bytes(b"\x00\x01\x02"), ""),
        (lambda path: path.write_text("a,b\n1,2\n"), ""),
        (lambda path: path.write_text(""), ""),
    ],
    ids=["missing", "a folder", "binary", "another table", "empty"],
)
def test_a_file_that_can_not_be_imported_is_one_sentence_and_changes_nothing(shell, tmp_path, make, named):
    path = tmp_path / "sites.csv"
    make(path)
    assert named in refused(shell("import", "sites", path))
    with redis.Redis.from_url(shell.redis_url) as client:
        assert client.keys("bosai:{sites}*") == []


# -- telegrams --------------------------------------------------------------------------------------------


def test_showing_a_telegram_changes_nothing_not_even_a_folder(tmp_path, telegram):
    shell = Shell(tmp_path / "data")
    (shown,) = shell("feed", "show", telegram, "--json").json()
    assert "major_warning" in json.dumps(shown, ensure_ascii=False)
    assert not shell.data_dir.exists()


def test_a_telegram_is_replayed_on_its_own_clock_to_one_side(shell, telegram):
    said = shell("feed", "replay", telegram, "--drill")
    assert said.status == 0
    assert "本部への提案を作りました" in said.out
    with redis.Redis.from_url(shell.redis_url) as client:
        assert client.hlen(Keys(Realm.DRILL).proposals) == 1
        assert client.hlen(Keys(Realm.LIVE).proposals) == 0
    (again,) = shell("feed", "replay", telegram, "--drill", "--json").json()
    assert again["outcome"] == "no_change"


def test_an_old_telegram_judged_by_the_clock_is_refused_with_the_mend(shell, telegram):
    said = shell("feed", "replay", telegram, "--clock", "now")
    assert said.status == 0
    assert "--clock original" in said.out


def test_a_telegram_that_can_not_be_read_is_told_and_the_others_are_played(shell, telegram):
    broken = telegram.with_name("20260401030311_0_VTSE41_010000.xml")
    broken.write_bytes(b"<Report>")
    said = shell("feed", "replay", broken, telegram)
    assert said.status == 1
    assert "Traceback" not in said.err
    first, second = said.out.splitlines()
    assert "読めません" in first
    assert "本部への提案を作りました" in second
    assert shell("feed", "show", broken).status == 1


@pytest.mark.real_data
def test_the_recorded_sequence_of_2011_is_played_in_one_command(shell):
    folder = jma_folder() / "official_samples"
    taken = shell("feed", "replay", *(folder / name for name in SEQUENCE_2011), "--drill", "--json").json()
    assert [one["outcome"] for one in taken].count("proposed") == 4


def test_the_state_is_told_again_from_kept_telegrams_and_the_status_says_whether_it_was_right(
    shell, telegram
):
    shell("feed", "replay", telegram, "--drill")
    assert "同じでした" in shell("feed", "rebuild", "--drill").out
    with redis.Redis.from_url(shell.redis_url) as client:
        client.hdel(Keys(Realm.DRILL).feed_state, "scope:VTSE41")
    said = shell("feed", "rebuild", "--drill", "--json")
    assert (said.status, said.json()["in_force"], said.json()["same"]) == (1, 1, False)
    assert shell("feed", "rebuild", "--drill").status == 0


# -- people, desks, the record ----------------------------------------------------------------------------


def test_an_officer_is_added_with_a_password_of_ones_own_or_of_ours(shell):
    made = shell(
        "staff",
        "add",
        "sato",
        "--role",
        "hq_drafter",
        "--password-stdin",
        "--json",
        stdin="長い合言葉と数字4711\n",
    )
    assert (made.status, made.json()["password"]) == (0, "長い合言葉と数字4711")
    ours = shell("staff", "add", "ito", "--role", "hq_approver")
    assert ours.out.count("otpauth://") == 1
    refused(shell("staff", "add", "sato", "--role", "viewer"))
    refused(shell("staff", "add", "abe", "--role", "viewer", "--password-stdin", stdin="short\n"))
    assert [one["name"] for one in shell("staff", "list", "--json").json()] == ["ito", "sato"]


def test_a_desk_gets_a_link_by_name_or_id_and_an_unknown_one_is_told(shell):
    shell("setup")
    said = shell("desk", "link", "七郷小学校", "--json")
    assert "/s/" in said.json()["url"]
    assert "/drill/" not in said.json()["url"]
    drill = shell("desk", "link", said.json()["site_id"], "--drill")
    assert "/drill/s/" in drill.out
    assert "0件" in refused(shell("desk", "link", "月の小学校"))


def test_the_record_is_verified_and_a_change_to_it_is_found(shell):
    shell("setup")
    good = shell("verify-audit", "--json")
    assert (good.status, good.json()["ok"]) == (0, True)
    assert good.json()["entries"] > 0
    with redis.Redis.from_url(shell.redis_url) as client:
        log = Keys(Realm.LIVE).audit
        row = client.lindex(log, 0)
        client.lset(log, 0, row.replace(b"first start", b"FIRST START"))
    bad = shell("verify-audit")
    assert bad.status == 1
    assert "1 件目からつながりが壊れています" in bad.out


# -- starting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["web"], ["worker", "planner"]], ids=" ".join)
def test_a_part_without_a_redis_says_what_starts_everything(words, tmp_path):
    assert "bosai run" in refused(Shell(tmp_path)(*words))


def test_a_redis_that_does_not_answer_is_one_sentence(tmp_path):
    said = Shell(tmp_path, "redis://127.0.0.1:9/0")("staff", "list")
    assert "[redis] url" in refused(said)


def test_a_port_in_use_is_one_sentence_before_anything_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = refused(Shell(tmp_path / "data")("run", "--port", port))
    assert port in told
    assert "--port" in told
    assert not (tmp_path / "data").exists()


def test_a_web_process_on_a_port_of_its_own_choice_serves_and_stops_when_told(shell):
    with started(shell, "web", "--port", "0") as (process, address):
        assert fetched(f"{address}/readyz") == b"ready\n"
        assert "仙台市".encode() in fetched(f"{address}/")
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0


def test_the_whole_service_starts_on_a_port_it_finds_serves_its_own_pages_and_stops_whole(tmp_path):
    shell = Shell(tmp_path / "data")
    with started(shell, "run", "--port", "0", quiet=False) as (process, address):
        assert not address.endswith(":0")
        assert fetched(f"{address}/readyz") == b"ready\n"
        assert "【訓練】".encode() in fetched(f"{address}/drill/")
        # A page at the address that was found is our own: its Origin is taken, so the body is what is refused.
        posted = urllib.request.Request(
            f"{address}/api/v1/receipts", data=b"{}", headers={"Origin": address}, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(posted, timeout=10)
        assert caught.value.code == 400
        caught.value.close()
        assert shell("staff", "list", "--json").status == 0, "a command beside the running service"
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address}/healthz", timeout=2)


@contextlib.contextmanager
def started(shell: Shell, *words: str, quiet: bool = True) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A command that stays, and the address it says it is ready on (on stderr when `quiet`, else on stdout)."""
    with subprocess.Popen(
        [sys.executable, "-m", "bosai", *words, "--data-dir", str(shell.data_dir)],
        cwd=ROOT,
        env=shell.env() | {"BOSAI_FEEDS__ENABLED": "false"},
        stdout=None if quiet else subprocess.PIPE,
        stderr=subprocess.PIPE if quiet else subprocess.DEVNULL,
        text=True,
    ) as process:
        spoken = process.stderr if quiet else process.stdout
        assert spoken is not None
        reading = threading.Thread(target=lambda: [None for _ in spoken])  # so that no pipe fills up
        try:
            ready = next(line for line in spoken if "ready on" in line)
            reading.start()
            yield process, ready.rsplit(" ", 1)[1].strip()
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(WITHIN_S)
            process.kill()
            if reading.is_alive():
                reading.join(WITHIN_S)


def fetched(url: str) -> bytes:
    until = time.monotonic() + WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read()
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_doctor_says_what_the_machine_has(tmp_path):
    said = Shell(tmp_path)("doctor", "--json")
    facts = said.json()
    assert facts["redis_programs"]
    assert said.status == (1 if facts["browser_libraries_missing"] else 0)
