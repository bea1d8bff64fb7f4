"""Lua scripts of `bosai/stores/lua/`, by name: sent by hash, with the text only when the server lacks it."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Arg = str | bytes | int | float


_INCLUDE = re.compile(r"^--include (\w+)$", re.MULTILINE)


@cache
def _source(name: str) -> str:
    """The text of a script, with what its `--include name` lines name put in their place."""
    text = resources.files("bosai.stores").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: _source(found[1]), text)


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

    async def many(self, redis: Redis, calls: Sequence[tuple[Sequence[str], Sequence[Arg]]]) -> list[Any]:
        """Several runs in one round trip: (keys, args) each; the replies in the same order.

        Every run is a step of its own. Raises the first failure, when all have run.
        """
        async with redis.pipeline(transaction=False) as pipe:
            for keys, args in calls:
                pipe.evalsha(self.sha, len(keys), *keys, *args)
            replies = await pipe.execute(raise_on_error=False)
        for at, (keys, args) in enumerate(calls):
            if isinstance(replies[at], NoScriptError):
                replies[at] = await self(redis, keys=keys, args=args)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies
