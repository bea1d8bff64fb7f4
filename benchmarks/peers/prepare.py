"""What the peers are given, all of it made beforehand: subscriptions, texts, one signed token."""

import time

from benchmarks.peers.jobs import Jobs
from benchmarks.people import DISTINCT_KEYS
from benchmarks.rig import LIVE, Rig
from bosai.push.topics import topic_of
from bosai.push.vapid import VapidSigner

TEXT_BYTES = 900
_TEXTS = 100
_WORDS = "【警戒レベル4】避難指示。洪水のおそれ。七郷小学校へ避難してください。"


async def jobs_of(rig: Rig, messages: int) -> Jobs:
    """The rig's first people as a peer wants them, under the same keys and the same kind of headers as ours."""
    some = rig.people[:messages]
    own = rig.wired.secrets.realm(LIVE.value)
    signer = VapidSigner(own.vapid_private_pem, "mailto:benchmark@example.jp")
    targets = [one.push.target for one in some]
    return Jobs(
        endpoints=[one.endpoint for one in targets],
        keys=[{"p256dh": one.p256dh, "auth": one.auth} for one in targets[:DISTINCT_KEYS]],
        texts=[_text(number) for number in range(_TEXTS)],
        headers={
            "Authorization": signer.authorization(rig.sink.origin, time.time()),
            "Urgency": "high",
            "Topic": topic_of(own.hmac_key, LIVE, rig.incident),
        },
        ttl_s=rig.wired.settings.push.ttl_order_s,
        ca_file=str(rig.sink.ca_file),
    )


def _text(number: int) -> str:
    """Exactly TEXT_BYTES of UTF-8, most of it Japanese."""
    words = f"{number:03}" + _WORDS * 20
    cut = words.encode()[:TEXT_BYTES].decode(errors="ignore")
    return cut + "." * (TEXT_BYTES - len(cut.encode()))
