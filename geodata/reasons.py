"""What the libraries that read files say of a broken one, in Japanese: officials read it, and what they can do."""

from __future__ import annotations

import re

_CUT_OFF = "途中で切れています。もう一度ダウンロードするか、書き出し直してください"
_NOT_JSON = "JSONとして正しくありません。書き出し直してください"
_REASONS: tuple[tuple[str, str], ...] = (
    (r"truncated|cut off|unexpected EOF|[Ee]nd of (file|data)|no element found|unclosed", _CUT_OFF),
    (r"opens to more than (?P<size>\d+) MB", "展開すると{size}MBを超えます。市域だけを切り出してください"),
    (r"damaged or locked", "圧縮ファイルが壊れているか、パスワードがかかっています"),
    (r"the zip must hold one file (?P<kind>\S+),", "zipには{kind}のファイルを一つだけ入れてください"),
    (r"history file", "変更履歴のファイルです。現在の状態だけを書き出してください"),
    (r"it begins with", "別の種類のファイルか、壊れています"),
    (r"malformed|invalid character|Invalid UTF|codec can't decode", _NOT_JSON),
    (
        r"Expected `|missing required field|^type:",
        "中身がFeatureCollectionではありません。GeoJSONを書き出し直してください",
    ),
)


def reason_ja(detail: str) -> str:
    """The reason in Japanese where it is a known one; else as it stands."""
    for pattern, words in _REASONS:
        found = re.search(pattern, detail)
        if found is not None:
            return words.format(**found.groupdict())
    return detail
