"""Attacks the server with 64 clients: it must not crash or grow, and must keep no good client waiting."""

import asyncio
import random
import time

import aiohttp
from target import memory

import good_clients
from actions import ACTIONS, PICTURE, VALID
from requesting import Client, Record, comparable
from server import serving

CLIENTS = 64
#: The addresses that they have. Linux alone gives every machine more than one.
ADDRESSES = [f"127.0.0.{n}" for n in range(2, 6)]
#: The most memory that the server may take, in MB.
BUDGET = 2000
#: The longest that a good client may wait, in seconds.
LONGEST_WAIT = 2


async def attacks(client, end):
    """Repeats random actions until the end."""
    while time.monotonic() < end:
        (action,) = random.choices(list(ACTIONS), ACTIONS.values())
        try:
            await action(client)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            client.fault(f"{action.__name__}: {type(error).__name__}: {error}")
        await asyncio.sleep(random.random() * 0.1)


async def watch_memory(process, end, megabytes):
    """Records the server's memory every second."""
    while time.monotonic() < end:
        megabytes.append(memory(process, "VmRSS") / 1e6)
        await asyncio.sleep(1)


async def run(seconds):
    """Attacks the server for this many seconds; returns whether faults were found."""
    random.seed(1)
    record = Record()
    with serving("--log", "none", "--memory", f"{BUDGET}M") as (process, url):
        clients = [Client(url, address, record) for address in ADDRESSES]
        await compare(clients[0], "alone")
        good, end, megabytes = good_clients.start(url, seconds), time.monotonic() + seconds, []
        hostile = [attacks(clients[n % len(clients)], end) for n in range(CLIENTS)]
        await asyncio.gather(watch_memory(process, end, megabytes), *hostile)
        waits = good_clients.results(good)
        # Afterwards the server has room for all of these again, and the results are the same.
        await compare(clients[0], "afterwards")
        peak = memory(process, "VmHWM") / 1e6
        for client in clients:
            await client.session.close()
    return report(record, waits, megabytes, peak)


async def compare(client, when):
    """Sends each valid request; its result must be that of the first time."""
    expected = client.record.expected
    for address, accept in VALID:
        status, body = 429, b""
        while status == 429:
            status, body = await client.send("alone", "POST", address, data=PICTURE, headers={"Accept": accept})
        if comparable(body) != expected.setdefault(address, comparable(body)):
            client.fault(f"the result differs {when}: {address}")


def report(record, waits, megabytes, peak):
    """Prints what was recorded; returns whether faults were found."""
    for kind in sorted({kind for kind, _ in record.seen}):
        counts = {s: n for (k, s), n in sorted(record.seen.items()) if k == kind}
        print(f"{kind:<14} {', '.join(f'{n} x {s}' for s, n in counts.items())}")
    for name, (seconds, faults) in waits.items():
        print(f"{name}: {describe(sorted(seconds))}")
        for fault in faults:
            record.fault(f"{name}: {fault}")
        for wait in seconds:
            if wait > LONGEST_WAIT:
                record.fault(f"{name}: a good client waits for more than {LONGEST_WAIT} s")
    quarter = len(megabytes) // 4
    early, late = max(megabytes[quarter : 2 * quarter]), max(megabytes[-quarter:])
    print("memory in MB:", *[f"{x:.0f}" for x in megabytes[:: max(1, len(megabytes) // 24)]])
    print(f"memory in MB: up to {early:.0f} in the second quarter, {late:.0f} in the last, {peak:.0f} at most")
    if late > early * 1.1 + 10:
        record.fault(f"the memory grows from {early:.0f} to {late:.0f} MB")
    if peak > BUDGET:
        record.fault(f"the server takes {peak:.0f} MB, {BUDGET} are allowed")
    for fault, count in record.faults.most_common(20):
        print(f"FAULT ({count} times): {fault}")
    print(f"{record.seen.total()} responses, {record.faults.total()} faults")
    return record.faults.total() > 0


def describe(seconds):
    """Describes sorted times."""
    if not seconds:
        return "no answers"
    median, most = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
    within = f"half of them within {median:.2f} s, 99 % within {most:.2f} s, all within {seconds[-1]:.2f} s"
    return f"{len(seconds)} answers, {within}"
