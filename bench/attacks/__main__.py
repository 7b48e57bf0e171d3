"""Attacks the server and the command: see bench/attack."""

import sys

import bodies
import connections
from target import Server, peak_of_commands

import files

#: The longest that a good client may wait, in seconds.
LONGEST_WAIT = 2
FLAGS = ["--memory", "2G"]


def attack_server(attack):
    """Runs one attack on a server of its own; returns what is wrong, and a line about it."""
    server = Server(*FLAGS)
    wrong = []
    try:
        held = attack(server)
        waited = server.waited()
        if waited > LONGEST_WAIT:
            wrong.append(f"a good client waits {waited:.1f} s")
        if server.process.poll() is not None or not server.peak():
            wrong.append("the server has ended")
        del held
    except (AssertionError, OSError) as error:
        waited = float("inf")
        wrong.append(str(error))
    peak = (server.peak() or 0) if server.process.poll() is None else 0
    statuses = [status for status, _ in server.answers]
    wrong += [f"an answer of {status}" for status in set(statuses) if status in (0, 500)]
    server.end()
    answers = " ".join(f"{statuses.count(s)}x{s}" for s in sorted(set(statuses)))
    slowest = max((seconds for _, seconds in server.answers), default=0)
    return wrong, f"{answers:24} slowest {slowest:5.1f} s, good client {waited:5.2f} s, peak {peak / 1e6:6.0f} MB"


def main():
    """Runs the attacks that the arguments name, all without; returns whether one worked."""
    names = sys.argv[1:]
    worked = 0

    def wanted(name):
        return not names or name in names

    for attack in bodies.ATTACKS + connections.ATTACKS:
        if wanted(attack.__name__):
            wrong, line = attack_server(attack)
            worked += bool(wrong)
            print(f"{attack.__name__:24} {line}  {'; '.join(wrong)}", flush=True)
    for name, wrong, message, seconds in files.attack(wanted):
        worked += bool(wrong)
        said = message.splitlines()[0][:80] if message else "done"
        print(f"{name:34} {seconds:5.1f} s  {wrong or said}", flush=True)
    print(f"{worked} attacks worked; commands took {peak_of_commands() / 1e6:.0f} MB at most")
    return bool(worked)


sys.exit(main())
