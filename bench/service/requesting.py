"""Sends requests to the server and judges each answer: a result, or a clear refusal."""

import asyncio
import collections
import json
from urllib.parse import urlsplit

import aiohttp


class Record:
    """What the server has answered."""

    def __init__(self):
        self.expected, self.seen, self.faults = {}, collections.Counter(), collections.Counter()

    def fault(self, what):
        """Records a fault of the server."""
        self.faults[what] += 1


class Client:
    """Sends requests from one address of this machine."""

    def __init__(self, url, address, record):
        self.url, self.address, self.record = url, address, record
        connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0))
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120), connector=connector)

    def fault(self, what):
        """Records a fault of the server."""
        self.record.fault(what)

    async def send(self, kind, method, address, *statuses, **more):
        """Sends a request, whose response must be a result or a clear error, with 200 or one of these statuses, or 429.

        Returns its status and body.
        """
        async with self.session.request(method, self.url + address, **more) as answer:
            body = await answer.read()
        self.record.seen[kind, answer.status] += 1
        where = f"{kind}: {answer.status} {body[:200]}"
        if answer.status >= 400:
            if "error" not in json.loads(body):
                self.fault(f"unclear error: {where}")
            if answer.status == 429 and not answer.headers.get("Retry-After"):
                self.fault(f"no Retry-After: {where}")
        if answer.status not in (429, *(statuses or (200,))):
            self.fault(f"unexpected status: {where}")
        return answer.status, body

    async def raw(self, head, *parts, read=0):
        """Sends bytes, or waits where a part is a number of seconds; reads up to `read` bytes and disconnects."""
        to = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(to.hostname, to.port, local_addr=(self.address, 0))
        try:
            writer.write(head.encode().replace(b"\n", b"\r\n") + b"\r\n\r\n")
            for part in parts:
                if isinstance(part, float):
                    await asyncio.sleep(part)
                else:
                    writer.write(part)
                    await writer.drain()
            if read:
                await asyncio.wait_for(reader.read(read), 10)
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


def comparable(body):
    """Returns a body without what differs each time."""
    if body.startswith(b"{"):
        explanation = json.loads(body)
        explanation.get("record", {}).pop("milliseconds", None)
        return explanation
    return body
