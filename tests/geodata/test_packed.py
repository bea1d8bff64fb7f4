"""Packed files are opened whole or not at all."""

from __future__ import annotations

import bz2
import gzip

import pytest

from geodata.errors import UnknownLayout
from geodata.importers.packed import opened

WORDS = b"\xe9\x81\x93" * 5000


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_what_parallel_compressors_write_in_pieces_is_read_to_its_end(pack):
    assert opened(pack(WORDS) + pack(b"and the rest"), ()) == WORDS + b"and the rest"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_file_that_was_cut_off_is_not_taken_for_a_shorter_one(pack):
    packed = pack(WORDS)
    for cut in (packed[: len(packed) // 2], packed[:-1], packed + packed[:12]):
        with pytest.raises(ValueError, match=r"cut off|damaged"):
            opened(cut, ())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_what_opens_to_more_than_is_allowed_is_refused(pack):
    with pytest.raises(ValueError, match="more than"):
        opened(pack(bytes(3_000_000)) + pack(bytes(3_000_000)), (), limit_bytes=5_000_000)
    assert (
        len(opened(pack(bytes(2_500_000)) + pack(bytes(2_500_000)), (), limit_bytes=5_000_000)) == 5_000_000
    )


def test_signs_that_no_screen_shows_are_not_quoted():
    refusal = UnknownLayout(found="a\0b\x1b[2J", expected="name")
    assert "\0" not in refusal.ja + str(refusal)
    assert "\x1b" not in refusal.ja + str(refusal)
