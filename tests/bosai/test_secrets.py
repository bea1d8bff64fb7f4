"""Key files: made once, whole, for their owner alone, different for live and drill."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from py_vapid import Vapid02

from bosai.secrets import KeyFileExposed, KeyFileUnusable, load_or_create


def every_secret(keys) -> list[bytes]:
    return [
        keys.vapid_private_pem,
        keys.push_seal_key.key,
        keys.places_seal_key.key,
        keys.told_seal_key.key,
        keys.hmac_key,
    ]


def test_the_second_start_reads_what_the_first_one_made(tmp_path):
    assert load_or_create(tmp_path) == load_or_create(tmp_path)


def test_no_two_keys_are_the_same_within_a_realm_or_across_realms(tmp_path):
    secrets = load_or_create(tmp_path)
    both = every_secret(secrets.realm("live")) + every_secret(secrets.realm("drill"))
    assert len(set(both)) == 10
    names = {
        one.key_id
        for side in (secrets.live, secrets.drill)
        for one in (side.push_seal_key, side.places_seal_key, side.told_seal_key)
    }
    assert len(names) == 6
    assert secrets.live.key_id != secrets.drill.key_id


def test_the_public_key_is_the_point_of_the_private_one(tmp_path):
    live = load_or_create(tmp_path).live
    point = base64.urlsafe_b64decode(live.vapid_public_b64url + "=")
    numbers = load_pem_private_key(live.vapid_private_pem, None).public_key().public_numbers()
    assert point == b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def test_the_vapid_library_signs_with_the_key_and_shows_the_same_public_key(tmp_path):
    live = load_or_create(tmp_path).live
    headers = Vapid02.from_pem(live.vapid_private_pem).sign(
        {"aud": "https://push.example", "sub": "mailto:a@example.jp"}
    )
    assert headers["Authorization"].split("k=")[1] == live.vapid_public_b64url


def test_everything_is_readable_by_its_owner_alone(tmp_path):
    load_or_create(tmp_path)
    keys = tmp_path / "keys"
    for path in [keys, *keys.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize(
    "name", ["vapid.pem", "push-seal.key", "places-seal.key", "told-seal.key", "hmac.key", ""]
)
def test_a_key_that_others_can_read_is_refused_with_the_mend(tmp_path, name):
    load_or_create(tmp_path)
    path = tmp_path / "keys" / "live" / name
    path.chmod(0o755 if path.is_dir() else 0o644)
    with pytest.raises(KeyFileExposed, match=rf"is open to other users \(mode .*chmod [67]00 {path}"):
        load_or_create(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("vapid.pem", b"", "holds no private key in PEM form"),
        ("push-seal.key", b"short", "holds 5 bytes and not 32"),
        ("hmac.key", b"x" * 33, "holds 33 bytes and not 32"),
    ],
)
def test_a_damaged_key_is_never_replaced_by_a_new_one(tmp_path, name, content, reason):
    load_or_create(tmp_path)
    path = tmp_path / "keys" / "drill" / name
    path.write_bytes(content)
    with pytest.raises(KeyFileUnusable, match=f"{name} {reason}: put it back from the backup"):
        load_or_create(tmp_path)
    assert path.read_bytes() == content


def test_a_key_of_another_curve_is_refused(tmp_path):
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    load_or_create(tmp_path)
    other = ec.generate_private_key(ec.SECP384R1())
    path = tmp_path / "keys" / "live" / "vapid.pem"
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyFileUnusable, match="not on the curve P-256"):
        load_or_create(tmp_path)


def test_a_start_killed_while_writing_leaves_nothing_half_made(tmp_path):
    (tmp_path / "keys" / "live").mkdir(parents=True, mode=0o700)
    (tmp_path / "keys").chmod(0o700)
    (tmp_path / "keys" / "live" / "vapid.pem.new").write_bytes(b"-----BEGIN PRIV")
    live = load_or_create(tmp_path).live
    assert load_pem_private_key(live.vapid_private_pem, None).key_size == 256
    assert not list((tmp_path / "keys").rglob("*.new"))


def test_processes_starting_together_agree_on_the_keys(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: load_or_create(tmp_path), range(16)))
    assert all(one == answers[0] for one in answers)


def test_no_secret_shows_when_the_keys_are_printed(tmp_path):
    secrets = load_or_create(tmp_path)
    shown = repr(secrets)
    assert "PRIVATE KEY" not in shown
    for secret in every_secret(secrets.live) + every_secret(secrets.drill):
        assert repr(secret) not in shown
        assert secret.hex() not in shown


def test_a_realm_that_does_not_exist_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="there is no realm 'test': it is one of live, drill"):
        load_or_create(tmp_path).realm("test")
