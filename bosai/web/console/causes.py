"""Why a message did not arrive, in Japanese: one row for each cause delivery writes down; and how a trial went."""

_CAUSES = {
    "no_subscription": "登録がなくなっていた（本人の削除など）",
    "http_404": "プッシュサービス：この登録はもうない（404）",
    "http_410": "プッシュサービス：この登録は取り消された（410）",
    "host_refused": "送ってよいプッシュサービスの宛先ではない",
    "bad_keys": "登録の鍵が壊れている",
    "seal_broken": "登録の記録を開けない（鍵の不一致）",
    "not_rendered": "文面を作れなかった（システムの不具合）",
    "too_large": "文面が長すぎると断られた",
    "http_413": "文面が長すぎると断られた",
    "wrong_realm": "本番と訓練が食い違うため止めた（システムの不具合）",
    "stale": "有効な時間のうちに送れなかった",
    "timeout": "プッシュサービスから返事がない",
    "reset": "通信が途中で切れた",
    "no_connection": "プッシュサービスにつながらない",
    "name_not_found": "プッシュサービスの名前を引けない（DNS）",
    "proxy_not_found": "市のプロキシが見つからない",
    "tls_failed": "暗号化通信を始められない（TLS）",
    "tls_not_trusted": "相手の証明書を信用できない（TLS）",
    "tls_roots_unreadable": "証明書のファイルを読めない（設定）",
    "out_of_memory": "メモリーが足りない",
    "out_of_files": "同時に開ける通信の数が足りない（システムの設定）",
    "transport_died": "送信の処理が止まった（システムの不具合）",
    "stopped": "送信の処理を止めた",
    "push_service_down": "プッシュサービスが止まっている（再試行を待っている）",
    "push_service_slow": "プッシュサービスが遅い（順番を待っている）",
    "deadline": "時間内に送り切れず、次の回に回した",
    "order_changed": "避難情報が変わったため、送り直しを待っている",
    "order_lifted": "解除のため、送る前に止めた",
    "order_recalled": "取消のため、送る前に止めた",
    "order_out_of_area": "区域の変更で対象でなくなり、送る前に止めた",
    "order_not_in_force": "避難情報が有効でなくなり、送る前に止めた",
    "order_in_force": "避難情報の発令中のため、月例の受信確認を見送った",
    "renewed": "登録が新しくなったので、送り直しを待っている",
    "opted_out": "月例の受信確認を希望していない",
    "http_429": "プッシュサービス：送りすぎなので待つように（429）",
    "http_400": "プッシュサービスが断った（400。こちらの不具合）",
    "http_401": "プッシュサービスが断った（401。VAPIDの鍵か連絡先）",
    "http_403": "プッシュサービスが断った（403。VAPIDの鍵か連絡先）",
}
_GAVE_UP = "gave_up "


def cause_words(cause: str) -> str:
    """The cause as officers read it; a code without words of its own keeps its name, so that it can be looked up."""
    if cause.startswith(_GAVE_UP):
        return f"何度送っても受理されなかった：{cause_words(cause.removeprefix(_GAVE_UP))}"
    if cause in _CAUSES:
        return _CAUSES[cause]
    status = cause.removeprefix("http_")
    if status != cause and status.isdecimal():
        return f"プッシュサービスの{'故障' if status.startswith('5') else '返事'}（{status}）"
    return f"その他（{cause}）" if cause else "—"


def alarm_words(detail: str) -> str:
    """What a process that delivers says is wrong: "cause from origin" in words, anything else as it is."""
    cause, found, origin = detail.partition(" from ")
    return f"{cause_words(cause)}：{origin}" if found else detail


def trial_words(status: int, cause: str, origin: str, took_ms: int) -> str:
    """What a push service's answer to a trial message means for the officer. status 0: it never answered."""
    took = f"{took_ms / 1000:.1f}秒"
    if status == 0:
        return (
            f"送れませんでした：{cause_words(cause)}（{origin}、{took}）。"
            "通信と設定を管理者が確かめてください。"
        )
    if status < 300:
        return (
            f"プッシュサービス（{origin}）が受理しました（HTTP {status}、{took}）。"
            "受理は、届いたことではありません。この端末に【試験】の通知が出るか見てください。"
        )
    if status in {404, 410}:
        return (
            f"この端末の登録は無効になっています（HTTP {status}）。"
            "ブラウザーの通知の許可を入れ直して、もう一度試してください。"
        )
    if status in {401, 403}:
        return (
            f"プッシュサービス（{origin}）が断りました（HTTP {status}）。VAPIDの鍵か連絡先の設定を、"
            "管理者が確かめてください。住民への配信も止まっているおそれがあります。"
        )
    return (
        f"プッシュサービス（{origin}）が受理しませんでした（HTTP {status}、{took}）。"
        "しばらくして、もう一度試してください。"
    )
