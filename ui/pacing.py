"""Views of a running job at a pace of our choosing; its end is never late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from jobs.spec import JobView


async def paced(views: AsyncIterator[JobView], period: float) -> AsyncIterator[JobView]:
    """At most one view in `period` seconds, the newest of those that came; a final one at once.

    Leaving the loop early ends `views`, too.
    """
    loop = asyncio.get_running_loop()
    due, held = loop.time(), None
    coming = asyncio.ensure_future(anext(views, None))
    try:
        while True:
            patience = None if held is None else max(0.0, due - loop.time())
            done, _ = await asyncio.wait({coming}, timeout=patience)
            if done:
                view = coming.result()
                if view is None:
                    break
                held = view
                coming = asyncio.ensure_future(anext(views, None))
            if held is not None and (held.state.is_final or loop.time() >= due):
                now, held = held, None
                yield now
                due = loop.time() + period
        if held is not None:
            yield held
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
