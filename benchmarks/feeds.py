"""Telegrams read beside the plain way of doing it, in one run: `python -m benchmarks.feeds [--quick] [--json FILE]`.

sample set   every official sample and captured telegram at hand, from bytes to what it says: guarded against hostile
             XML, envelope, areas, kinds, levels, times, forecasts, problems. Telegrams a second.
largest      the largest real one (VPWP50, 0.4 MB): time, and how much the process grows.
collection   a national collection (VPWS50) made up in the layout of the schema, of 6 MB (--quick: 2 MB): time, and how
             much the process grows. No sample of it is published.

The peer is what a small client would write: xml.etree.ElementTree, one walk over the body, pairs of area code and kind
code (or 震度, or height) and the six fields of the envelope as texts. It has no guard, no times, no levels and no
forecasts, so a ratio below 1 is the price of these. Both take turns; figures are medians of processor time, which one
thread of each needs alone, so that what else the machine does counts little. What a process grows is
measured at its peak in a process of its own, for both with everything imported and the bytes in memory before.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.memory_peak import peak_growth_mb
from benchmarks.report import Row, interleaved, row, spread, table, write_json
from bosai.feeds.jma.envelope import parse_telegram
from bosai.feeds.jma.reading import read

PEER = "ElementTree"
ROUNDS, QUICK_ROUNDS = 15, 5
COLLECTION_BYTES, QUICK_COLLECTION_BYTES = 6_000_000, 2_000_000
ROUNDS_S, QUICK_ROUNDS_S = 600.0, 25.0

File = tuple[str, bytes]


def ours(files: Sequence[File]) -> int:
    """Read them as the service does; how many readings and entries (areas, happenings, forecasts) they have."""
    entries = 0
    for name, data in files:
        for one in read(parse_telegram(data, name=name)) or ():
            entries += 1 + len(one.areas) + len(one.happenings) + len(one.forecasts)
    return entries


def plain(files: Sequence[File]) -> int:
    """Read them as a small client would; how many pairs they have."""
    return sum(len(_pairs(data)) for _, data in files)


def _pairs(data: bytes) -> list[tuple[str, str]]:
    root = ET.fromstring(data)
    control, head, body = root
    {child.tag.rsplit("}", 1)[-1]: child.text for part in (control, head) for child in part}
    pairs = []
    for element in body.iter():
        name = element.tag.rsplit("}", 1)[-1]
        if name == "Item":
            kinds = [one for one in element.iter() if one.tag.endswith("}Kind")]
            codes = [child.text or "" for kind in kinds for child in kind if child.tag.endswith("}Code")]
            for area in (one for one in element.iter() if one.tag.endswith(("}Area", "}Station"))):
                code = next((child.text or "" for child in area if child.tag.endswith("}Code")), "")
                pairs += [(code, kind) for kind in codes] or [(code, "")]
        elif name in {"Pref", "City"} or (name == "Area" and len(element) > 2):
            found = {child.tag.rsplit("}", 1)[-1]: child.text or "" for child in element}
            pairs.append((found.get("Code", ""), found.get("MaxInt", "")))
    return pairs


def samples() -> list[File]:
    """The real telegrams, from ../shared/data or BOSAI_SHARED_DATA; none where the folder is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BOSAI_SHARED_DATA", default)) / "jma"
    files = [*(folder / "official_samples").glob("*.xml"), *(folder / "real_2026").glob("*.xml")]
    return [(file.name, file.read_bytes()) for file in sorted(files)]


def collection(size_bytes: int) -> bytes:
    """A VPWS50 of about this size: the 府県予報区, and as many 市町村等 as it takes, with two to five kinds each."""
    codes = ("10", "29", "14", "15", "16", "03", "09", "43", "49", "20", "21")
    property_form = (
        "<Property><Type>{0}</Type><SignificancyPart><Base><Significancy type='{0}'><Name>警戒レベル３相当</Name>"
        "<Code>31</Code></Significancy></Base></SignificancyPart><CriteriaPeriod><Base><Sentence>１日３時から</Sentence>"
        "<CriteriaClass><Name>警戒レベル４相当</Name><Code>41</Code></CriteriaClass>"
        "<Time>2026-09-01T03:00:00+09:00</Time><Duration>PT4H</Duration></Base></CriteriaPeriod></Property>"
    )

    def item(code: str, name: str, kinds: Sequence[str]) -> str:
        said = "".join(
            f"<Kind><Name>いま</Name><Code>{kind}</Code><Status>継続</Status>"
            f"<LastKind><Name>前</Name><Code>{kind}</Code></LastKind>{property_form.format('土砂災害危険度')}</Kind>"
            for kind in kinds
        )
        return f"<Item>{said}<Area codeType='x'><Name>{name}</Name><Code>{code}</Code></Area></Item>"

    offices = "".join(item(f"{n:02}0000", f"{n}県", codes[:3]) for n in range(1, 48) if n not in (1, 46, 47))
    cities, length, number = [], 0, 0
    while length < size_bytes:
        prefecture = 2 + number % 44
        kinds = [codes[(number + step) % len(codes)] for step in range(2 + number % 4)]
        cities.append(item(f"{prefecture:02}{number:05}", f"市{number}", kinds))
        length += len(cities[-1].encode())
        number += 1
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Report xmlns="http://xml.kishou.go.jp/jmaxml1/">'
        "<Control><Title>気象警報・注意報（Ｒ０６）（集約通報）</Title><DateTime>2026-08-31T15:10:10Z</DateTime>"
        "<Status>通常</Status><EditorialOffice>気象庁本庁</EditorialOffice><PublishingOffice>気象庁</PublishingOffice>"
        "</Control><Head xmlns='http://xml.kishou.go.jp/jmaxml1/informationBasis1/'><Title>集約通報</Title>"
        "<ReportDateTime>2026-09-01T00:10:00+09:00</ReportDateTime><EventID/><InfoType>発表</InfoType><Serial/>"
        "<Headline><Text/></Headline></Head><Body xmlns='http://xml.kishou.go.jp/jmaxml1/body/meteorology1/'>"
        f"<Warning type='気象警報・注意報（府県予報区等）'>{offices}</Warning>"
        f"<Warning type='気象警報・注意報（市町村等）'>{''.join(cities)}</Warning></Body></Report>"
    ).encode()


@dataclass(frozen=True)
class Run:
    """How often, until when, and where remarks go."""

    rounds: int
    until_s: float
    say: Callable[[str], None]


@dataclass(frozen=True)
class Reach:
    """What one telegram may cost: it comes every minute at most, beside everything else a small machine does."""

    seconds: float
    grown_mb: float


def turns(files: Sequence[File], run: Run) -> tuple[list[float], list[float]]:
    """Seconds of the processor for all files, ours and the peer's, taking turns."""

    def timed(way: Callable[[Sequence[File]], int]) -> Callable[[], Awaitable[float]]:
        async def once() -> float:
            began_s = time.process_time()
            if way(files) <= 0:
                raise ValueError("nothing was read: the figures would be of something else")
            return time.process_time() - began_s

        return once

    found = asyncio.run(
        interleaved(run.rounds, {"ours": timed(ours), PEER: timed(plain)}, until_s=run.until_s)
    )
    return found["ours"], found[PEER]


def grown_mb(data: bytes, name: str, *, way: str) -> float:
    """How much a process of its own grows while it reads these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.feeds", "--grown", way, str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
    return float(json.loads(run.stdout)["grown_mb"])


def print_grown(way: str, path: Path) -> None:
    """The child's part of `grown_mb`."""
    data = path.read_bytes()
    reader = ours if way == "ours" else plain
    print(json.dumps({"grown_mb": peak_growth_mb(lambda: reader([(path.name, data)]))}))


def measure(*, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """All rows."""
    run = Run(
        rounds=QUICK_ROUNDS if quick else ROUNDS,
        until_s=time.monotonic() + (QUICK_ROUNDS_S if quick else ROUNDS_S),
        say=say,
    )
    rows = []
    files = samples()
    if files:
        mine, peers = turns(files, run)
        size = sum(len(data) for _, data in files)
        say(
            f"sample set: {len(files)} telegrams, {size:,} bytes; ours {spread(mine)} s, {PEER} {spread(peers)} s"
        )
        rows.append(
            row(
                f"sample set of {len(files)}, from bytes to meaning",
                len(files) / median(mine),
                "telegrams/s",
                peer=len(files) / median(peers),
                peer_name=PEER,
                at_least=100,
            )
        )
        largest = max(files, key=lambda one: len(one[1]))
        rows += _one("largest real one", largest, run, Reach(seconds=1.0, grown_mb=64))
    else:
        say(
            "no real telegrams at hand (../shared/data, BOSAI_SHARED_DATA): only the made-up collection is measured"
        )
    made = collection(QUICK_COLLECTION_BYTES if quick else COLLECTION_BYTES)
    rows += _one(
        "national collection, made up", ("x_VPWS50.xml", made), run, Reach(seconds=10.0, grown_mb=300)
    )
    return rows


def _one(what: str, file: File, run: Run, reach: Reach) -> list[Row]:
    name, data = file
    mine, peers = turns([file], run)
    run.say(f"{what} ({name}, {len(data):,} bytes): ours {spread(mine)} s, {PEER} {spread(peers)} s")
    size = f"{len(data) / 1e6:.1f} MB"
    return [
        row(
            f"{what}, {size}: time",
            median(mine) * 1000,
            "ms",
            peer=median(peers) * 1000,
            peer_name=PEER,
            less_is_better=True,
            at_most=reach.seconds * 1000,
        ),
        row(
            f"{what}, {size}: growth of the process",
            max(grown_mb(data, name, way="ours"), 0.1),
            "MB",
            peer=max(grown_mb(data, name, way="plain"), 0.1),
            peer_name=PEER,
            less_is_better=True,
            at_most=reach.grown_mb,
        ),
    ]


def main(argv: list[str]) -> int:
    """Entry point: 0 when it ran, whatever the figures say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feeds", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="within 45 s: fewer rounds, a smaller collection"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--grown", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.grown:
        print_grown(asked.grown[0], Path(asked.grown[1]))
        return 0

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    say(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    rows = measure(quick=asked.quick, say=say)
    print(table(rows))
    if asked.json:
        write_json(rows, asked.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
