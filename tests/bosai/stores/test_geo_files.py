"""The folder of the ground's facts: replaced in one step, never half, damage named."""

from __future__ import annotations

import errno
import threading

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bosai.stores import geo_files
from bosai.stores.geo_files import KEPT, GeoFileDamaged, GeoFiles, version_of

AT = "2026-04-01T03:00:00+00:00"


@pytest.fixture
def files(tmp_path) -> GeoFiles:
    return GeoFiles(tmp_path)


def stored(files: GeoFiles, **facts: bytes):
    with files.importing() as work:
        for key, data in facts.items():
            work.put(key, {"one.bin": data}, AT)
        return work.commit()


def read(files: GeoFiles, key: str) -> bytes:
    return files.read(key, files.manifest().facts[key], "one.bin")


def test_where_nothing_was_imported_nothing_is_stored_and_nothing_fails(files):
    assert files.manifest().facts == {}
    assert files.manifest().version == ""
    assert files.stamp() == (0, 0)
    assert files.damaged() == []
    assert not files.folder.exists()


def test_what_was_put_is_read_back_after_the_commit_and_not_before(files):
    with files.importing() as work:
        work.put("roads", {"one.bin": b"lines"}, AT)
        assert files.manifest().facts == {}
        work.commit()
    assert read(files, "roads") == b"lines"


def test_an_import_that_finds_the_disk_full_leaves_the_room_it_took(files, monkeypatch):
    before = stored(files, roads=b"old")
    write, written = geo_files._write_synced, []

    def full(path, data):
        write(path, data)
        written.append(path)
        if path.name == "two.bin":
            raise OSError(errno.ENOSPC, "No space left on device")

    def fill() -> None:
        with files.importing() as work:
            work.put("network", {"one.bin": bytes(1000), "two.bin": bytes(1000)}, AT)

    monkeypatch.setattr(geo_files, "_write_synced", full)
    with pytest.raises(OSError, match="No space"):
        fill()
    assert len(written) == 2
    names = {one.name for one in files.folder.iterdir()}
    assert names == {".lock", "manifest.json", before.facts["roads"].folder}
    assert files.manifest() == before


def test_an_import_that_stops_before_its_commit_changes_nothing_and_leaves_nothing(files):
    before = stored(files, roads=b"old")

    def killed() -> None:
        with files.importing() as work:
            work.put("roads", {"one.bin": b"new"}, AT)
            (files.folder / ".new-half").mkdir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert files.manifest() == before
    assert read(files, "roads") == b"old"
    stored(files, towns=b"other")
    names = sorted(path.name for path in files.folder.iterdir() if path.is_dir())
    assert names == sorted(one.folder for one in files.manifest().facts.values())


def test_the_same_content_again_replaces_nothing_not_even_the_manifest(files):
    before, stamp = stored(files, roads=b"lines"), files.stamp()
    assert stored(files, roads=b"lines") == before
    assert files.stamp() == stamp


def test_the_version_names_the_content_whatever_was_imported_first(files, tmp_path):
    other = GeoFiles(tmp_path / "other")
    stored(files, roads=b"lines")
    stored(files, towns=b"names")
    stored(other, towns=b"names")
    stored(other, roads=b"lines")
    assert files.manifest().version == other.manifest().version
    assert version_of({}) == ""


def test_older_folders_stay_for_those_who_read_them_and_then_go(files):
    folders = [stored(files, roads=b"%d" % n).facts["roads"].folder for n in range(KEPT + 2)]
    there = {path.name for path in files.folder.iterdir() if path.is_dir()}
    assert there == set(folders[-KEPT:])


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda path: path.write_bytes(b"LINES"), "does not match its checksum"),
        (lambda path: path.write_bytes(b"li"), "checksum"),
        (lambda path: path.unlink(), "No such file"),
    ],
    ids=["changed", "cut off", "gone"],
)
def test_a_damaged_file_is_named_and_the_others_are_read(files, harm, says):
    fact = stored(files, roads=b"lines", towns=b"names").facts["roads"]
    harm(files.folder / fact.folder / "one.bin")
    with pytest.raises(GeoFileDamaged, match=says) as caught:
        files.read("roads", fact, "one.bin")
    assert caught.value.key == "roads"
    assert [one.key for one in files.damaged()] == ["roads"]
    assert read(files, "towns") == b"names"


def test_a_file_cut_off_is_noticed_without_reading_it(files):
    fact = stored(files, roads=b"lines").facts["roads"]
    (files.folder / fact.folder / "one.bin").write_bytes(b"li")
    with pytest.raises(GeoFileDamaged, match="2 bytes instead of 5"):
        files.path("roads", fact)


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(b"LINES")])
def test_a_damaged_fact_is_written_again_by_the_same_import(files, harm):
    fact = stored(files, roads=b"lines").facts["roads"]
    harm(files.folder / fact.folder / "one.bin")
    stored(files, roads=b"lines")
    assert read(files, "roads") == b"lines"


@pytest.mark.parametrize(
    "text", [b"{", b"[]", b'{"format": 99}', b"\xff"], ids=["cut", "list", "newer", "binary"]
)
def test_a_manifest_that_can_not_be_read_is_said_and_an_import_makes_a_new_one(files, text):
    stored(files, roads=b"lines")
    (files.folder / "manifest.json").write_bytes(text)
    with pytest.raises(GeoFileDamaged) as caught:
        files.manifest()
    assert caught.value.key == ""
    stored(files, towns=b"names")
    assert set(files.manifest().facts) == {"towns"}


def test_two_imports_at_once_both_arrive(files):
    threads = [
        threading.Thread(target=lambda key=key: stored(files, **{key: key.encode()}))
        for key in ("roads", "towns", "heights", "people")
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert set(files.manifest().facts) == {"roads", "towns", "heights", "people"}


keys = st.sampled_from(["roads", "towns", "hazard:flood_max", "places/own"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.dictionaries(keys, st.binary(max_size=8), max_size=3), max_size=6))
def test_after_any_imports_what_is_stored_is_the_last_of_each(tmp_path_factory, steps):
    files = GeoFiles(tmp_path_factory.mktemp("geo"))
    last: dict[str, bytes] = {}
    for step in steps:
        stored(files, **step)
        last |= step
    assert {key: read(files, key) for key in files.manifest().facts} == last
    assert files.damaged() == []
    if last:
        manifest = files.manifest()
        assert msgspec.json.decode(msgspec.json.encode(manifest), type=type(manifest)) == manifest
