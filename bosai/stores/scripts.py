"""Lua scripts of `bosai/stores/lua/`, by name: sent by hash, with the text only when the server lacks it."""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Arg = str | bytes | int | float


@cache
def _source(name: str) -> str:
    return resources.files("bosai.stores").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


class Script:
    """One script. `await script(redis, keys=[...], args=[...])` runs it at once, with nothing in between.

    The head of the `.lua` file gives KEYS, ARGV and the result in words. All keys share one hash tag.
    Replies are as Redis gives them: int, bytes, lists of these, None.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = _source(name)
        # Redis names scripts by SHA-1; nothing is protected by it.
        self.sha = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, redis: Redis, *, keys: Sequence[str], args: Sequence[Arg] = ()) -> Any:
        """Run it. Raises redis.exceptions.ResponseError when the script itself fails."""
        try:
            return await redis.evalsha(self.sha, len(keys), *keys, *args)
        except NoScriptError:
            return await redis.eval(self.text, len(keys), *keys, *args)
