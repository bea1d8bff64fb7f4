"""Every key, spelled once, with its type, its hash tag and its lifetime.

Keys that change together share a tag `{…}`, so that one script may touch them on a cluster.
Subscriptions spread over 256 buckets by id (not by place: a key must not tell where people live).
"""

from bosai.model.realm import Realm

BUCKETS = 256
FORGOTTEN = 1 << 20
"""What a bucket's told version rises by when somebody is forgotten."""


def bucket_of(subscription_id: str) -> int:
    """Bucket 0-255: the first two hex digits of the id (ids are hex of a keyed hash)."""
    return int(subscription_id[:2], 16)


# Facts about sites are the same on both sides.
SITES = "bosai:{sites}:catalogue"  # hash site_id → msgpack Site; no expiry
SITES_VERSION = "bosai:{sites}:version"  # string, INCR by each import that changed something
SITE_RECORDS = "bosai:{sites}:records"  # hash record id (共通ID) → msgpack SiteRecord, as imported; no expiry
SITE_CAPACITIES = "bosai:{sites}:capacities"  # hash site_id → msgpack Capacity, as imported; no expiry
GEO_VERSION = (
    "bosai:{geo}:version"  # string: version of the ground's facts that was imported last, on any machine
)
STAFF = "bosai:{staff}:accounts"  # hash name → msgpack StaffAccount
STAFF_READY = "bosai:{staff}:ready"  # string: the first officers' secrets have been shown
STAFF_FAILURES = (
    "bosai:{staff}:failures:"  # + "name:", "pair:" or "client:" + sha256: string "tries:until ms", expires
)
STAFF_KNOWN = "bosai:{staff}:known:"  # + sha256 of name and client: string, they signed in together; 90 days
STAFF_TOTP_USED = "bosai:{staff}:totp:"  # + name: string, last accepted time step, 5 min


class TelegramKeys:
    """Telegrams of one side; with the state they change, so under the tag of HQ."""

    def __init__(self, hq: str) -> None:
        of = f"{hq}:telegram-"
        self.pending = (
            f"{of}pending"  # zset id → unix ms of its arrival: what became of it is not written yet
        )
        self.received = f"{of}received:"  # + id: string, msgpack Received; until concluded
        self.rows = f"{of}rows"  # hash telegram key → zlib msgpack StoredTelegram, trimmed
        self.raw = f"{of}raw"  # hash telegram key → zlib of the bytes as they came, trimmed with the row
        self.order = f"{of}order"  # zset telegram key → number of arrival
        self.number = f"{of}number"  # string, INCR by each arrival
        self.bytes = f"{of}bytes"  # string: what rows and raw take
        self.needed = f"{of}needed"  # set of keys that what is in force rests on; never trimmed
        self.unread = f"{of}unread"  # zset telegram key → number of arrival: a person has to look


class _FeedKeys:
    """What is heard from 気象庁 and others, under the tag of HQ."""

    def __init__(self, hq: str) -> None:
        self.feed_state = f"{hq}:feed-state"  # hash "scope:…", "recalls", "happened:…", "waiting:…" → msgpack
        self.feed_seen = (
            f"{hq}:feed-seen"  # zset id of a feed's entry → unix ms it was taken; the newest 20,000
        )
        self.feed_sources = f"{hq}:feed-sources"  # hash source → msgpack SourceHealth; by the poller
        self.feed_fence = f"{hq}:feed-fence"  # string: the highest lease token of a poller that wrote
        self.telegrams = f"{hq}:telegrams"  # stream of an older version of the service; removed by a rebuild
        self.telegram = TelegramKeys(hq)


class Keys(_FeedKeys):
    """The keys of one side."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        side = realm.value
        hq = f"bosai:{{{side}:hq}}"
        super().__init__(hq)
        self.alerts = f"{hq}:alerts"  # hash "id:version" → msgpack AlertRecord
        self.alert_states = f"{hq}:states"  # hash "id:version" → AlertState, moved together with the record
        self.alert_heads = f"{hq}:heads"  # hash alert_id → newest released version
        self.in_force = f"{hq}:in-force"  # hash alert_id → msgpack AlertRecord; one read sees one moment
        self.releases = f"{hq}:releases"  # zset "incident/id:version" → unix ms of the release
        self.incident = f"{hq}:incident"  # string: id of the open incident; removed when nothing is in force
        self.audit = f"{hq}:audit"  # list of msgpack AuditEntry
        self.audit_head = f"{hq}:audit-head"  # string "n:hash"
        self.hand = (
            f"{hq}:hand"  # hash "kind/subject" → msgpack HandEntry: what HQ asks of the plan; until lifted
        )
        self.proposals = f"{hq}:proposals"  # hash proposal_id → msgpack ProposalRecord
        self.decision_lag = (
            f"{hq}:decision-lag"  # hash need → msgpack LagNote; while danger stands without an order
        )
        self.planned = f"{hq}:planned"  # hash alert key → "plan_id:iso time", set by the planner
        self.telling = f"{hq}:telling"  # hash alert key → unix time: the planner is telling people right now
        self.preview_requests = f"{hq}:preview-requests"  # stream, trimmed
        self.preview = f"{hq}:preview:"  # + request id: list (BLPOP), 5 min
        self.at_once = f"{hq}:at-once"  # hash field → msgpack PreApproval, Stop or Met (stores/at_once.py)
        self.cap_series = (
            f"{hq}:cap-series"  # hash alert_id → msgpack CapSeries: what went out as CAP about it
        )
        self.cap_entries = f"{hq}:cap-entries"  # hash identifier → msgpack CapEntry; kept_days of [cap]
        self.cap_xml = f"{hq}:cap-xml"  # hash identifier → the signed document, likewise
        self.cap_index = f"{hq}:cap-index"  # zset identifier → unix ms of `sent`
        self.health = f"{hq}:health"  # hash part → json {at, ok, detail}
        self.push_origins = (
            f"{hq}:push-origins"  # hash "consumer origin" → json {at, …OriginState}; by delivery
        )
        self.checked = (
            f"{hq}:checked"  # hash month "2026-11" → json MonthlyRun: the monthly check, and what it found
        )

        sites = f"bosai:{{{side}:sites}}"
        self.site_status = f"{sites}:status"  # hash site_id → msgpack SiteStatus
        self.site_reports = f"{sites}:reports:"  # + site_id: stream of {report} or {undoes}, append-only
        self.on_the_way = (
            f"{sites}:on-the-way"  # hash site_id → persons; field "at": iso time; by the planner
        )
        self.site_failures = f"{sites}:failures"  # hash site_id → json SiteFailure; by the planner
        self.welfare_codes = f"{sites}:welfare-codes"  # hash keyed hash of the code → msgpack WelfareCode
        self.welfare_used = (
            f"{sites}:welfare-used:"  # + that hash: set of keyed hashes of households; no expiry
        )
        self.welfare_failures = f"{sites}:welfare-failures:"  # + sha256(client): string, INCR, expires
        self.desk = f"{sites}:desk"  # hash sha256(capability) → msgpack DeskLink
        self.desk_by_site = f"{sites}:desk-by-site"  # hash site_id → sha256(capability)
        self.desk_failures = f"{sites}:desk-failures:"  # + sha256(capability): string, INCR, expires

        plans = f"bosai:{{{side}:plans}}"
        self.plan_blocks = (
            f"{plans}:blocks"  # hash keyed hash of the content → sealed block; shared by records
        )
        self.plan_block_uses = f"{plans}:uses"  # hash block → how many records have it
        self.plan_blocks_loose = f"{plans}:loose"  # zset block → unix ms: put, its record still to come
        self.plan_records = f"{plans}:records"  # hash "plan_id@unix ms" → sealed PlanRecord
        self.plan_record_facts = f"{plans}:facts"  # hash the same → msgpack PlanFacts, in the clear
        self.plan_record_index = f"{plans}:index"  # zset the same → unix ms of the plan
        self.plan_record_bytes = f"{plans}:bytes"  # string: what records and blocks take

        self.events = f"bosai:{{{side}:events}}:stream"  # nudges to the planner; state is in the stores
        self.sessions = f"bosai:{{{side}:session}}:"  # + sha256(session id): msgpack Session, idle expiry

    def lease(self, name: str) -> tuple[str, str]:
        """(holder, token) keys of a lease: string with expiry, and the ever-rising token."""
        tag = f"bosai:{{{self.realm.value}:lease:{name}}}"
        return f"{tag}:holder", f"{tag}:token"

    def bucket(self, number: int) -> str:
        """The tag of one bucket."""
        return f"bosai:{{{self.realm.value}:b{number:02x}}}"

    def push(self, number: int) -> str:
        """hash subscription_id → sealed PushPart (push/part.py)."""
        return f"{self.bucket(number)}:push"

    def places(self, number: int) -> str:
        """hash subscription_id → meta (who owns it, since when) ‖ sealed places (stores/compact.py)."""
        return f"{self.bucket(number)}:places"

    def aliases(self, number: int) -> str:
        """hash keyed hash of a later endpoint → subscription_id; bucket of that hash. Stale rows do no harm."""
        return f"{self.bucket(number)}:aliases"

    def ends(self, number: int) -> str:
        """zset subscription_id → unix time at which its first "today only" place ends. Stale rows do no harm."""
        return f"{self.bucket(number)}:ends"

    def told(self, number: int) -> str:
        """hash subscription_id → incidents it was told of, newest first, separated by blanks."""
        return f"{self.bucket(number)}:told"

    def told_version(self, number: int) -> str:
        """string, INCR by every change of what the bucket's people were told, answered, or lost on the way; INCRBY
        2^20 (`FORGOTTEN`) when somebody was forgotten."""
        return f"{self.bucket(number)}:told-version"

    def version(self, number: int) -> str:
        """string, INCR by every change of the bucket's places."""
        return f"{self.bucket(number)}:version"

    def instructions(self, number: int) -> str:
        """hash "incident/subscription_id" → "seq meaning alert_key message", newline, sealed (the newest only)."""
        return f"{self.bucket(number)}:instructions"

    def deliveries(self, number: int) -> str:
        """hash "incident/subscription_id" → one line, the Delivery of the newest instruction (lua/claim.lua)."""
        return f"{self.bucket(number)}:deliveries"

    def counts(self, number: int) -> str:
        """hash "incident alert_key stage cause" → deliveries, "incident alert_key bytes -" → bytes sent."""
        return f"{self.bucket(number)}:counts"

    def prekeys(self, number: int) -> str:
        """hash subscription_id → sealed one-time pairs, 125 bytes each, one behind the other; popped from the end."""
        return f"{self.bucket(number)}:prekeys"

    def due(self, number: int) -> str:
        """zset "incident/subscription_id" → unix time of the next attempt; the guarantee of delivery."""
        return f"{self.bucket(number)}:due"

    def self_tested(self, subscription_id: str) -> str:
        """string, expires: this subscriber asked for a self-test a moment ago."""
        return f"{self.bucket(bucket_of(subscription_id))}:self-tested:{subscription_id}"

    def fence(self, number: int) -> str:
        """string: the highest lease token seen in this bucket."""
        return f"{self.bucket(number)}:fence"

    def outbox(self, danger_class: int) -> str:
        """stream of pointers {bucket, entries}; the fast path. Classes 0 (most endangered) to 2."""
        return f"bosai:{{{self.realm.value}:outbox:{danger_class}}}:stream"
