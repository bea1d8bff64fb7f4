"""What a peer process reads and answers: JOBS.json once, then a line of JSON for each request, a line for each answer.

{"messages": 3000, "in_flight": 200}  ─▶ peer sends ─▶  {"sent": 3000, "causes": []}
"""

import msgspec


class Jobs(msgspec.Struct, frozen=True, kw_only=True):
    """Subscribers and texts, made before any clock runs. endpoints: one each; keys and texts are used in turn."""

    endpoints: list[str]
    keys: list[dict[str, str]]  # {"p256dh", "auth"}, base64url
    texts: list[str]
    headers: dict[str, str]  # Authorization, signed once; Urgency, Topic
    ttl_s: int
    ca_file: str

    def subscription(self, number: int) -> dict[str, str | bytes | dict[str, str | bytes]]:
        """The subscription of one message, as a browser gives it."""
        return {
            "endpoint": self.endpoints[number % len(self.endpoints)],
            "keys": {**self.keys[number % len(self.keys)]},
        }


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Send so many, at most so many at once."""

    messages: int
    in_flight: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """sent: taken by the push service; causes: the first few failures."""

    sent: int
    causes: list[str]


read_jobs = msgspec.json.Decoder(Jobs).decode
read_request = msgspec.json.Decoder(Request).decode
read_answer = msgspec.json.Decoder(Answer).decode


def answer_line(answer: Answer | Request) -> str:
    """One line, without its end."""
    return msgspec.json.encode(answer).decode()
