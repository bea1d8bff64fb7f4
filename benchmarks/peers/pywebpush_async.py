"""pywebpush `webpush_async` at its best: one shared aiohttp session, a token signed beforehand, nothing stored.

    python -m benchmarks.peers.pywebpush_async JOBS.json      asked by lines on stdin, see `benchmarks.peers.process`

A session with warm connections, as many under way as suit it, texts ready, and no store: all in its favour.
"""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
from pywebpush import WebPushException, webpush_async

from benchmarks.peers.jobs import Answer, Jobs, Request, answer_line, read_jobs, read_request


async def main(path: str) -> None:
    """Answer requests until stdin ends."""
    jobs = read_jobs(await asyncio.to_thread(Path(path).read_bytes))
    context = ssl.create_default_context(cafile=jobs.ca_file)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=0)) as session:
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            print(answer_line(await send(session, jobs, read_request(line))), flush=True)


async def send(session: aiohttp.ClientSession, jobs: Jobs, request: Request) -> Answer:
    """So many messages, so many under way at once."""
    numbers = iter(range(request.messages))
    failed = await asyncio.gather(*(_some(session, jobs, numbers) for _ in range(request.in_flight)))
    return Answer(
        sent=request.messages - sum(map(len, failed)), causes=[one for many in failed for one in many][:5]
    )


async def _some(session: aiohttp.ClientSession, jobs: Jobs, numbers: Iterator[int]) -> list[str]:
    failed = []
    for number in numbers:
        try:
            await webpush_async(
                subscription_info=jobs.subscription(number),
                data=jobs.texts[number % len(jobs.texts)],
                ttl=jobs.ttl_s,
                headers=jobs.headers,
                aiohttp_session=session,
            )
        except (WebPushException, aiohttp.ClientError) as error:
            failed.append(str(error))
    return failed


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
