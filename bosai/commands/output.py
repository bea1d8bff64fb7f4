"""What commands print: sentences for people, JSON for programs."""

import sys
from dataclasses import dataclass
from typing import Any

import msgspec

from bosai.first_run import FirstRun
from bosai.services.import_reports import ImportReport
from bosai.settings_schema import Settings


@dataclass(eq=False)
class Stopped(Exception):
    """A command can't go on; one sentence with the mend. `status`: the exit status, 2 for wrong usage."""

    sentence: str
    status: int = 1

    def __str__(self) -> str:
        return self.sentence


def print_report(report: ImportReport, *, as_json: bool) -> None:
    """What an import did."""
    if as_json:
        print_json(report)
        return
    counts = f"追加 {report.added:,}・変更 {report.changed:,}・なくなった {report.gone:,}"
    print(f"{counts}・受け付けない {len(report.rejected):,}")
    if report.passed_over:
        print(f"  対象でないため取り込まない：{report.passed_over:,}")
    for remark in report.remarks:
        print(f"  {remark}")
    for mended in report.repaired:
        before, after = mended.area_before_m2, mended.area_after_m2
        print(f"  {mended.row}番目 {mended.what}：直しました（{before:,.0f}m² → {after:,.0f}m²）")
    for one in report.rejected:
        print(f"  {one.row}行目 {one.field}: {one.reason}")


def print_account(made: Any) -> None:
    """A new account with its secrets, shown this once."""
    print(f"  {made.name}（{made.role.value}）")
    print(f"    パスワード password: {made.password}")
    print(f"    認証アプリ TOTP:     {made.totp_secret}")
    print(f"                         {made.totp_uri}")


def print_addresses(settings: Settings) -> None:
    """Where each kind of user goes."""
    base = settings.web.public_url
    print(f"住民のページ   resident  {base}/")
    print(f"災害対策本部   HQ        {base}/hq/")
    print(f"避難所の窓口   desk      {base}/s/…  （bosai desk link 施設名 または 本部の「避難所」で発行）")
    print(f"訓練           drill     {base}/drill/  {base}/drill/hq/")
    if settings.city.contact_is_placeholder:
        print("注意: [city] contact_vapid_sub が仮のままです。運用前に市の連絡先を設定してください。")
    sys.stdout.flush()


def print_first(first: FirstRun, settings: Settings, *, as_json: bool) -> None:
    """What the first start made, secrets included, shown this once."""
    if as_json:
        print_json(first)
        return
    if first.sites_loaded:
        print(f"見本の施設 {first.sites_loaded} 件を読み込みました（収容人数は想定）。")
    if first.accounts:
        print("最初の職員アカウント（一度だけ表示します。控えてください）/ first accounts, shown once:")
        for one in first.accounts:
            print_account(one)
    for link in first.desk_links:
        print(f"避難所の窓口（見本・一度だけ表示）: {link.site_name}")
        print(f"    {settings.web.public_url}{link.path}   PIN {link.pin}")
    sys.stdout.flush()


def print_json(value: object) -> None:
    """Any answer as JSON."""
    print(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())
