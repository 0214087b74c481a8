"""Networks and flows as arrays against the same ones in files, and what is refused."""
import json
import re

import numpy as np
import pytest

import m3
from command import MIX, SMALL_MIX, SMALL_TOPO, TOPO, m3 as command


def read_flows(path):
    return np.genfromtxt(path, delimiter=",", names=True, dtype=np.int64)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A flow file of the small network."""
    path = tmp_path_factory.mktemp("flows") / "flows.csv"
    command("workload", "--topo", SMALL_TOPO, "--mix", SMALL_MIX, "--n-flows", 3000, "--out", path)
    return path


def small_topology():
    """The network of SMALL_TOPO as arrays."""
    with open(SMALL_TOPO, encoding="utf-8") as f:
        graph = json.load(f)
    units = {"Gbps": 1e9, "us": 1e3, "ns": 1.0}

    def number(text):
        value, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]+)", text).groups()
        return float(value) * units[unit]

    links = graph["links"]
    return m3.Topology(
        [n["kind"] == "host" for n in graph["nodes"]], [(c["a"], c["b"]) for c in links],
        [number(c["rate"]) for c in links], [number(c["delay"]) for c in links],
        pod=[n.get("pod", 2**32 - 1) for n in graph["nodes"]])


def test_flows_as_arrays_are_those_of_a_file(drawn):
    table = read_flows(drawn)
    want = m3.estimate(SMALL_TOPO, flows=drawn, paths="all")
    forms = [table, {name: list(table[name]) for name in table.dtype.names},
             np.column_stack([table[n] for n in ("src", "dst", "size_b", "start_ns")]),
             {name: table[name].astype(float) for name in table.dtype.names}]
    for flows in forms:
        got = m3.estimate(SMALL_TOPO, flows=flows, paths="all")
        assert np.array_equal(got.quantiles, want.quantiles, equal_nan=True)
        assert np.array_equal(got.percentiles, want.percentiles, equal_nan=True)


def test_flows_as_a_data_frame(drawn):
    pandas = pytest.importorskip("pandas")
    got = m3.simulate(SMALL_TOPO, flows=pandas.read_csv(drawn))
    assert np.array_equal(got.fct_ns, m3.simulate(SMALL_TOPO, flows=drawn).fct_ns)


def test_a_network_as_arrays_is_that_of_a_file(drawn):
    want = m3.simulate(SMALL_TOPO, flows=drawn)
    got = m3.simulate(small_topology(), flows=drawn)
    assert np.array_equal(got.fct_ns, want.fct_ns)
    drawn_on = m3.estimate(small_topology(), SMALL_MIX, n_flows=2000, method="flowsim")
    from_file = m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=2000, method="flowsim")
    assert np.array_equal(drawn_on.quantiles, from_file.quantiles, equal_nan=True)


def test_results_are_in_the_order_of_the_arrays(drawn):
    table = read_flows(drawn)[::-1]  # latest first
    got = m3.simulate(SMALL_TOPO, flows=table)
    want = m3.simulate(SMALL_TOPO, flows=drawn)
    for name in ("src", "dst", "size_b", "start_ns"):
        assert np.array_equal(getattr(got, name), table[name])
    assert np.array_equal(got.flow, np.arange(len(table)))
    distinct = np.isin(want.start_ns, want.start_ns[1:][np.diff(want.start_ns) == 0], invert=True)
    assert distinct.sum() > 2000
    assert np.array_equal(got.fct_ns[::-1][distinct], want.fct_ns[distinct])


def test_ids_of_nodes_name_hosts():
    t = m3.Topology([1, 1, 0], [(100, 7), (7, 2000)], 10e9, 1000, node_id=[100, 2000, 7])
    flow = {"src": [100], "dst": [2000], "size_b": [1000], "start_ns": [0]}
    got = m3.simulate(t, flows=flow)
    assert (got.src[0], got.dst[0]) == (100, 2000)
    # One packet of 1,048 bytes over two links of 10 Gb/s and 1 us each.
    assert got.fct_ns[0] == pytest.approx(2 * (1048 * 0.8 + 1000), abs=1)
    assert got.fct_ns[0] == got.ideal_fct_ns[0]


def test_loss_on_a_cable():
    ends = [(0, 2), (1, 2)]
    flow = {"src": [0] * 50, "dst": [1] * 50, "size_b": [100000] * 50,
            "start_ns": list(range(0, 50000000, 1000000))}
    clean = m3.simulate(m3.Topology([1, 1, 0], ends, 10e9, 1000), flows=flow)
    lossy = m3.simulate(m3.Topology([1, 1, 0], ends, 10e9, 1000, error_rate=[0, 0.05]), flows=flow)
    assert clean.json()["lost_on_links"] == 0 < lossy.json()["lost_on_links"]


FLOW = {"src": [0], "dst": [5], "size_b": [1000], "start_ns": [0]}


@pytest.mark.parametrize("change, message", [
    ({"src": [99]}, r"flows: flow 0: src: expected the id of a host, got 99 \(no such node in"),
    ({"src": [8]}, r"got 8 \(a switch in"),
    ({"src": [5]}, "expected two different hosts"),
    ({"size_b": [2 * 10**15]}, "size_b: expected bytes up to 1e15, got 2000000000000000"),
    ({"size_b": [-1]}, "flows: size_b: expected 0 to .*, got -1"),
    ({"size_b": [0.5]}, "flows: size_b: expected whole numbers"),
    ({"start_ns": [-5]}, "flow 0: start_ns: expected 0 to 9e18, got -5"),
    ({"start_ns": [0, 1]}, "flows: expected columns of one length"),
    ({"src": [], "dst": [], "size_b": [], "start_ns": []}, "expected at least one flow")])
def test_wrong_flows_are_refused(change, message):
    with pytest.raises(m3.InputError, match=message):
        m3.simulate(SMALL_TOPO, flows={**FLOW, **change})


def test_flows_without_a_column_are_refused():
    with pytest.raises(m3.InputError, match="expected a column size_b, got src, dst"):
        m3.simulate(SMALL_TOPO, flows={"src": [0], "dst": [1]})


@pytest.mark.parametrize("arguments, message", [
    (([1, 1, 0], [(0, 2)], 1e9, 0), "topology"),  # host 1 is on its own
    (([1, 1, 0], [(0, 2), (1, 9)], 1e9, 0), "9"),
    (([1, 1, 0], [(0, 2), (1, 2)], [1e9], -1), "topology"),
    (([1, 1, 0], [(0, 2), (1, 2)], float("nan"), 0), "rate"),
    (([1, 1, 0], [(0, 2), (1, 2)], 1e9, float("nan")), "delay"),
    (([1, 1], [(0, 1)], 1e9, 0), "topology")])
def test_wrong_networks_are_refused(arguments, message):
    with pytest.raises(m3.InputError, match=message):
        m3.simulate(m3.Topology(*arguments), flows={**FLOW, "dst": [1]})


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_wrong_error_rates_are_refused(rate):
    with pytest.raises(m3.InputError, match="error"):
        m3.simulate(m3.Topology([1, 1, 0], [(0, 2), (1, 2)], 1e9, 0, error_rate=rate),
                    flows={**FLOW, "dst": [1]})


def test_shapes_of_networks_are_checked():
    with pytest.raises(m3.InputError, match="cables: expected pairs"):
        m3.Topology([1, 1, 0], [0, 2], 1e9, 0)
    with pytest.raises(m3.InputError, match="rate_bps: expected a number, or one for each cable"):
        m3.Topology([1, 1, 0], [(0, 2), (1, 2)], [1e9, 1e9, 1e9], 0)
    with pytest.raises(m3.InputError, match="node_id: expected one for each of 3"):
        m3.Topology([1, 1, 0], [(0, 2), (1, 2)], 1e9, 0, node_id=[1])


@pytest.mark.parametrize("options, message", [
    ({"topo": "nowhere.json"}, "nowhere.json: cannot open"),
    ({"set": {"windw": 3}}, "unknown setting 'windw', did you mean 'window'"),
    ({"set": {"window": 18}}, "window"),
    ({"set": {"cc": ["dctcp", "hp"]}}, "cc: expected one value, got several"),
    ({"set": "window=18000"}, "set: expected a mapping of settings to values, got 'window=18000'"),
    ({"topo": 3}, "topo: expected a file or a Topology, got 3"),
    ({"mix": 3}, "mix: expected a file, got 3"),
    ({"ckpt": 3}, "ckpt: expected a file, got 3"),
    ({"flows": 3}, "flows: expected columns src"),
    ({"target_quantile": 42}, "target_quantile: expected 50, 90, 99 or 99.9, got 42"),
    ({"mix": None}, "expected a mix, or flows and a topology"),
    ({"method": "magic"}, "method: expected one of m3, flowsim"),
    ({"paths": 0}, "paths: expected a whole number"),
    ({"paths": 10**9}, "n_paths: must be in 0..100000000"),
    ({"threads": 5000}, "threads: expected a whole number from 0 to 1024"),
    ({"check": -1}, "check: expected seconds"),
    ({"check_share": 2}, "check_share: must be in 0..1"),
    ({"check_share": 0.1, "method": "flowsim"}, "check_share goes with methods m3 and sampled"),
    ({"target_error": 1.5}, "target_error: must be"),
    ({"target_error": 0.1, "target_quantile": 98}, "target_quantile: expected 50, 90, 99 or 99.9"),
    ({"whole": True}, "whole goes with method flowsim"),
    ({"n_flows": 10, "duration_s": 1.0}, "expected n_flows or duration_s"),
    ({"target_error": 0.1, "max_paths": 0}, "max_paths: expected a whole number"),
    ({"duration_s": float("inf")}, "duration_s"),
    ({"duration_s": "long"}, "duration_s: "),
    ({"ckpt": "nowhere"}, "nowhere")])
def test_errors_carry_the_message(options, message):
    with pytest.raises(m3.Error, match=message):
        m3.estimate(**{"topo": TOPO, "mix": MIX, **options})


def test_errors_have_kinds(tmp_path):
    with pytest.raises(ValueError):
        m3.estimate("nowhere.json", MIX)
    with pytest.raises(m3.Error, match="expected"):
        (tmp_path / "empty").write_text("")
        m3.read(tmp_path / "empty")
    result = m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=500, method="flowsim")
    for wrong in (95, "p99", None, float("nan")):
        with pytest.raises(m3.InputError, match="quantile: expected 50"):
            result.quantile(wrong)
    for wrong in (0, 101, 1.5, "99"):
        with pytest.raises(m3.InputError, match="percentile: expected a whole number from 1 to"):
            result.percentile(wrong)
    with pytest.raises(m3.InputError, match="set: expected a setting and its values"):
        m3.sweep(TOPO, MIX, set={})
    with pytest.raises(m3.InputError, match="path: expected a file or a Result, got 3"):
        m3.compare(3, 4)


def test_specs_that_come_with_m3_are_found_from_anywhere(tmp_path, monkeypatch):
    want = m3.estimate(TOPO, MIX, n_flows=1000, paths=5, check="off")
    monkeypatch.chdir(tmp_path)
    got = m3.estimate("clos-256-2to1.json", "demo.json", n_flows=1000, paths=5, check="off")
    assert np.array_equal(got.percentiles, want.percentiles)


def test_numbers_of_settings_are_in_ns_where_m3_has_times():
    told = command("help", "settings")
    times = {line.split()[0] for line in told.splitlines()
             if re.search(r"\b(ns|us|ms|s) to [0-9.]+ (ns|us|ms|s)\b", line)}
    assert m3._TIMES == times | {"duration", "reroute_delay"}
    settings = {"cc": "timely", "timely_tlow": 40000, "timely_thigh": 100000, "pfc": False}
    got = m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=500, set=settings)
    text = {"cc": "timely", "timely_tlow": "40us", "timely_thigh": "100us", "pfc": "off"}
    assert np.array_equal(got.fct_ns,
                          m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=500, set=text).fct_ns)
