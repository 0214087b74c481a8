"""Results of the module against those of the command, to the last digit."""
import json
import os

import numpy as np
import pytest

import m3
from command import MIX, SMALL_MIX, SMALL_TOPO, TOPO, m3 as command, m3_json, timeless


def same(a, b):
    return np.array_equal(np.asarray(a, float), np.asarray(b, float), equal_nan=True)


@pytest.mark.parametrize("options, arguments", [
    ({"n_flows": 10000, "paths": 50}, ["--n-flows", 10000, "--paths", 50]),
    ({"n_flows": 20000, "paths": 30, "check": "off", "set": {"window": 20000, "cc": "hp"}},
     ["--n-flows", 20000, "--paths", 30, "--check", "off", "--set", "window=20000",
      "--set", "cc=hp"]),
    ({"n_flows": 3000, "paths": "all", "method": "flowsim", "seed": 7},
     ["--n-flows", 3000, "--paths", "all", "--method", "flowsim", "--seed", 7]),
    ({"n_flows": 2000, "method": "parsimon", "threads": 2},
     ["--n-flows", 2000, "--method", "parsimon"])])
def test_estimate_is_the_commands(options, arguments):
    result = m3.estimate(TOPO, MIX, **options)
    want = m3_json("estimate", "--topo", TOPO, "--mix", MIX, *arguments)
    assert timeless(result.json()) == want
    everything = [want["slowdown"]["all"], *want["slowdown"]["buckets"]]
    assert same(result.percentiles, [d["percentiles"] for d in everything])
    for bucket, d in zip(m3.BUCKETS, everything):
        for p, key in zip(m3.QUANTILES, ("p50", "p90", "p99", "p99_9")):
            assert same(result.quantile(p, bucket), [d[key][k] for k in ("value", "lo", "hi")])


def test_simulation_is_the_commands(tmp_path):
    csv = tmp_path / "flows.csv"
    arguments = ["--topo", SMALL_TOPO, "--mix", SMALL_MIX, "--n-flows", 3000]
    want = m3_json("simulate", *arguments, "--out", csv)
    result = m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=3000)
    assert timeless(result.json()) == want
    table = np.genfromtxt(csv, delimiter=",", names=True)
    for name in ("flow", "src", "dst", "size_b", "start_ns", "fct_ns", "ideal_fct_ns"):
        assert same(getattr(result, name), table[name])
    assert same(result.slowdown, table["fct_ns"] / table["ideal_fct_ns"])
    assert same(result.quantiles, m3.read(csv).quantiles)


def test_sweep_is_the_commands():
    settings = {"window": [10000, 20000], "cc": ["dctcp", "hp"], "hpcc_eta": [0.8, 0.9]}
    sweep = m3.sweep(TOPO, MIX, n_flows=10000, paths=30, set=settings)
    want = m3_json("sweep", "--topo", TOPO, "--mix", MIX, "--n-flows", 10000, "--paths", 30,
                   "--set", "window=10000,20000", "--set", "cc=dctcp,hp", "--set",
                   "hpcc_eta=0.8,0.9")
    assert timeless(sweep.json()) == want
    rows = json.loads(sweep.to_json())["settings"]
    assert len(sweep) == len(rows) == 6  # hpcc_eta makes no rows of dctcp
    for row, told in zip(sweep, rows):
        assert same(row.percentiles[0], told["slowdown"]["all"]["percentiles"])
        assert (row.settings["hpcc_eta"] is None) == (row.settings["cc"] == "dctcp")
    assert sweep[0].settings == {"window": 10000, "cc": "dctcp", "hpcc_eta": None}
    best = min(range(6), key=lambda i: sweep[i].quantile(99).value)
    assert sweep.best == best
    assert sweep.to_frame()["cc"][20 * 5] == "hp"


def test_settings_of_rows_are_as_given():
    sweep = m3.sweep(TOPO, MIX, n_flows=2000, paths=10, check="off",
                     set={"window": 18000, "pfc": False, "cc": ["dctcp", "hp"], "dctcp_k": "20KB"})
    assert [row.settings for row in sweep] == [
        {"window": 18000, "pfc": False, "cc": cc, "dctcp_k": "20KB" if cc == "dctcp" else None}
        for cc in ("dctcp", "hp")]


def test_a_saved_file_is_whole_or_as_before(tmp_path, monkeypatch):
    result = m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=1000, method="flowsim")
    path, link = tmp_path / "a.json", tmp_path / "link.json"
    path.write_text("older")
    path.chmod(0o604)
    link.symlink_to(path)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("no")))
        with pytest.raises(OSError, match="no"):
            result.save(link)
    assert path.read_text() == "older" and len(list(tmp_path.iterdir())) == 2
    result.save(link)
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o604
    assert path.read_text() == result.to_json()
    result.save("/dev/null")
    assert not os.path.isfile("/dev/null")
    with pytest.raises(OSError):
        result.save(tmp_path / "no" / "such" / "folder.json")


def test_sweeps_are_saved(tmp_path):
    sweep = m3.sweep(SMALL_TOPO, SMALL_MIX, n_flows=1000, method="flowsim",
                     set={"sigma": [1, 2]})
    sweep.save(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["schema"] == "m3.sweep/1"


def test_ranges_are_texts_of_the_command():
    sweep = m3.sweep(TOPO, MIX, n_flows=5000, paths=20, check="off",
                     set={"window": "10KB..20KB:5KB"})
    assert [row.settings["window"] for row in sweep] == ["10KB", "15KB", "20KB"]


def test_comparison_is_the_commands(tmp_path):
    a, b = tmp_path / "a.csv", tmp_path / "b.json"
    command("simulate", "--topo", SMALL_TOPO, "--mix", SMALL_MIX, "--n-flows", 3000, "--out", a)
    result = m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=3000, method="flowsim")
    result.save(b)
    want = json.loads(command("compare", a, b, "--json"))
    comparison = m3.compare(m3.simulate(SMALL_TOPO, SMALL_MIX, n_flows=3000), result)
    assert same(comparison.errors, m3.compare(a, b).errors)
    for place in want["errors"]:
        for key, p in zip(("p50", "p90", "p99", "p99_9"), m3.QUANTILES):
            assert same(comparison.error(p, place["bucket"]), place[key]["error"])


def test_frames_are_arrays_where_there_is_no_pandas(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "pandas", None)
    result = m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=1000, method="flowsim")
    frame = result.to_frame()
    assert frame.dtype.names == ("bucket", "share", "quantile", "slowdown", "lo", "hi")
    assert len(frame) == 20 and frame["slowdown"][2] == result.quantile(99).value
    assert frame["bucket"][4] == "< 1 KB"


def test_frames_are_pandas_where_it_is():
    pandas = pytest.importorskip("pandas")
    frame = m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=1000, method="flowsim").to_frame()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 20


def test_plots_say_what_they_need(monkeypatch):
    import sys
    result = m3.estimate(SMALL_TOPO, SMALL_MIX, n_flows=1000, method="flowsim")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="needs matplotlib"):
        result.plot()


def test_plots():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    sweep = m3.sweep(SMALL_TOPO, SMALL_MIX, n_flows=2000, paths=20, check="off",
                     set={"window": [10000, 20000, 30000], "cc": ["dctcp", "hp"]})
    lines = sweep.plot("window").get_lines()
    assert [line.get_label() for line in lines] == ["cc=dctcp", "cc=hp"]
    assert list(lines[1].get_xdata()) == [10000, 20000, 30000]
    assert lines[1].get_ydata()[0] == sweep[1].quantile(99).value
    assert len(sweep[0].plot().get_lines()) == 5
