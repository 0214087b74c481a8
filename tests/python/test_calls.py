"""Calls that go on together, callbacks, interruption, and memory."""
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import m3
from command import MIX, SMALL_MIX, SMALL_TOPO, TOPO

SETTINGS = [{"window": 10000}, {"cc": "hp"}, {"window": 25000, "cc": "dcqcn"}]


def one(settings):
    return m3.estimate(TOPO, MIX, n_flows=5000, paths=30, set=settings, threads=2)


def test_calls_at_once_are_those_in_turn():
    in_turn = [one(s) for s in SETTINGS]
    at_once = [None] * len(SETTINGS)

    def work(i):
        at_once[i] = one(SETTINGS[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(SETTINGS))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for a, b in zip(in_turn, at_once):
        assert np.array_equal(a.percentiles, b.percentiles)
        assert np.array_equal(a.quantiles, b.quantiles)


def test_callbacks():
    lines, parts = [], []
    m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=200, log=lambda level, line: lines.append(line),
                set={"window": "1KB"},
                progress=lambda what, done, total: parts.append((what, done, total)))
    assert any("window" in line for line in lines)
    assert ("flows", 0, 200) in parts


def test_remarks_are_kept():
    lines = []
    result = m3.simulate(SMALL_TOPO, log=lambda level, line: lines.append((level, line)),
                         flows={"src": [0], "dst": [5], "size_b": [0], "start_ns": [0]})
    assert (1, "flows: 1 of 1 flows have 0 bytes; taken as 1 byte") in lines
    assert result.size_b[0] == 1
    estimate = m3.estimate(TOPO, MIX, n_flows=2000, paths=10, set={"window": "1KB"})
    assert any("below the network's largest base BDP" in line for line in estimate.remarks)


def test_progress_interrupts():
    with pytest.raises(m3.Interrupted, match="interrupted"):
        m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=10000000,
                    progress=lambda what, done, total: what == "flows")


def test_progress_interrupts_its_own_call_only():
    begun, go_on = threading.Event(), threading.Event()
    result = []

    def wait(what, done, total):
        begun.set()
        go_on.wait(20)

    other = threading.Thread(target=lambda: result.append(
        m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=20000, progress=wait)))
    other.start()
    assert begun.wait(20)
    with pytest.raises(m3.Interrupted):
        m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=20000, progress=lambda *_: True)
    go_on.set()
    other.join()
    assert len(result) == 1 and not np.isnan(result[0].fct_ns).any()


def test_a_nul_is_refused():
    with pytest.raises(m3.InputError, match="without NUL"):
        m3.estimate("a\0b", MIX)
    with pytest.raises(m3.InputError, match="without NUL"):
        m3.estimate(TOPO, MIX, set={"cc": "hp\0x"})


def test_what_a_callback_raises_is_raised():
    def fail(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=10000000, progress=fail)
    with pytest.raises(KeyError, match="mine"):
        m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=200, set={"window": "1KB"}, log=fail)


LONG = """
import m3, time
try:
    print("begun", flush=True)
    m3.simulate({topo!r}, {mix!r}, n_flows=3000000)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    m3.simulate({topo!r}, {mix!r}, n_flows=100)
    print("again")
"""


def test_ctrl_c():
    child = subprocess.Popen([sys.executable, "-c", LONG.format(topo=SMALL_TOPO, mix=SMALL_MIX)],
                             stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "begun\n"
    time.sleep(1.0)
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    assert child.stdout.readline() == "interrupted\n"
    assert time.monotonic() - sent < 2
    assert child.communicate(timeout=30)[0] == "again\n" and child.returncode == 0


MEMORY = """
import m3
def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1])
def turn():
    m3.simulate({topo!r}, {mix!r}, n_flows=300)
    m3.estimate({topo!r}, {mix!r}, n_flows=300, paths=5, threads=1)
    m3.sweep({topo!r}, {mix!r}, n_flows=300, paths=5, threads=1, check="off",
             set={{"window": [10000, 20000]}})
    try:
        m3.estimate({topo!r}, {mix!r}, n_flows=300, progress=lambda *_: True)
    except m3.Interrupted:
        pass
for _ in range(15):
    turn()
before = resident()
for _ in range(50):
    turn()
print((resident() - before) * 4)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_memory_does_not_grow():
    grown_kb = int(subprocess.run(
        [sys.executable, "-c", MEMORY.format(topo=SMALL_TOPO, mix=SMALL_MIX)], check=True,
        text=True, stdout=subprocess.PIPE).stdout)
    assert grown_kb < 2000  # a result's 40 KB fifty times over would not pass
