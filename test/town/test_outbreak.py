"""An outbreak and its neighbourhood: hosts that attack speak on the same unusual port, and the neighbours are asked, when the operator allows it."""

import collections
import contextlib
import socket
import threading

import pytest
import town
from test_reach import alone, attacked, records, running, select, settle, visited  # noqa: F401 (alone is a fixture)

BANNER = b"Residential Gateway\r\nlogin: "
LISTENERS = [f"127.20.7.{host}" for host in range(1, 21)]
ATTACKERS = LISTENERS[:3]
ASKED_MOST = 32
NEIGHBOURS = ("probe.neighbours=true", "outside.daily_neighbours=100000", f"probe.neighbours_max={ASKED_MOST}")


@pytest.fixture
def gateways():
    """Twenty small routers of one make; who else is asked refuses. Yields the unusual port and what each address met, by port."""
    port, met = town.free_port(), collections.Counter()

    def serve(listener, address, at):
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                met[address, at] += 1
                threading.Thread(target=talk, args=(client,), daemon=True).start()

    def talk(client):
        with client, contextlib.suppress(OSError):
            client.sendall(BANNER)
            while client.recv(4096):
                pass

    with contextlib.ExitStack() as open_ones:
        for address in LISTENERS:
            for at in (port, 23):
                listener = open_ones.enter_context(socket.create_server((address, at)))
                open_ones.callback(listener.shutdown, socket.SHUT_RDWR)
                threading.Thread(target=serve, args=(listener, address, at), daemon=True).start()
        yield port, met


def found(data, word):
    return [row for row in records(data, "finding") if row["rule_name"] == "outbreak" and row["noroshi_finding"] == word]


def outbreak(data, port, *options, word):
    with running(data, f"probe.ports=[\"{port}:telnet\"]", *options, port=2323) as n:  # the honeypot's port is a usual one
        for address in ATTACKERS:
            attacked(n, address)
            visited(data, address)
        settle(lambda: found(data, word), 120)
        settle(lambda: not select(data / "control.db", "SELECT key FROM task WHERE state IN ('waiting', 'leased')"), 60)
        return n.report("outbreaks")


def test_an_outbreak_is_found_and_nobody_else_is_asked(data, gateways):
    port, met = gateways
    rows = outbreak(data, port, word="outbreak")
    [finding] = found(data, "outbreak")
    assert finding["port"] == port and finding["address"].startswith("127.20.")
    assert met == {(address, port): 1 for address in ATTACKERS}
    assert [(row["network"], row["block"], row["asked"], row["listeners"]) for row in rows] == [("127.20.0.0/16", "127.20.7.0/24", 3, 3)]


def test_the_neighbourhood_is_asked_within_its_bounds(data, gateways):
    port, met = gateways
    rows = outbreak(data, port, *NEIGHBOURS, word="neighbours")
    assert len(found(data, "outbreak")) == 1 and len(found(data, "neighbours")) == 1
    dialled = collections.Counter((row["address"], row["port"]) for row in records(data, "dial") if row["event_outcome"] == "success")
    asked = {address for address, at in dialled if at == port}
    assert set(LISTENERS) <= asked and len(asked) <= ASKED_MOST and all(address.startswith("127.20.7.") for address in asked)
    # Whoever was met has a record of each time. The attackers were visited lately, so they are not asked again.
    assert met == {place: times for place, times in dialled.items() if place[0] in LISTENERS}
    assert all(dialled[address, 23] == 1 for address in LISTENERS[3:]) and all(dialled[address, port] == 1 for address in LISTENERS)
    [row] = rows
    assert (row["network"], row["block"], row["destination.port"]) == ("127.20.0.0/16", "127.20.7.0/24", port)
    assert (row["listeners"], row["telnet"], row["attackers"], row["asked"]) == (20, 17, 3, len(asked))
    assert row["banner_hosts"] == 20 and "Residential Gateway" in row["banner"]
    assert row["share"] == pytest.approx(100 * 20 / len(asked), abs=0.1)
