"""Loops that end when they are told to."""

import asyncio


def stop_if_cancelled() -> None:
    """Raise the cancellation that a library has swallowed. Every endless loop of a worker asks once a round.

    Up to Python 3.11 `asyncio.wait_for` returns the result when the cancellation comes together with it, and
    redis-py awaits each write that way: a loop around it would go on for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
