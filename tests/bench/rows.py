"""What `make bench` measures: names, sizes and bars."""
from kinds import (collected, datasets, estimate, estimated, evaluated, internet, machine, ns3,
                   one_core, published_mix, ranks, simulated, threads)

CLOS = "--topo", "spec/clos-256-2to1.json"
CLOS_6144 = "--topo", "spec/clos-6144-2to1.json"
DEFAULT = "--mix", "spec/default.json"
DEMO = "--mix", "spec/demo.json"
UNCHECKED = "--check", "off"


def measured(quick):
    """Yields (name, what, function, its further arguments), in the order of the table. Bars are of
    the full sizes."""
    yield "machine", "the machine's factor", machine, {}
    yield "floors", "what the machine does at best", collected, {"program": "bench_floors"}
    for part in (parallel, packets, fluids, estimates, parts):
        for name, what, function, args in part(quick):
            if quick:
                args = {k: v for k, v in args.items() if not k.startswith("bar")}
            yield name, what, function, args


def parallel(quick):
    for hosts, topo, flows, least in (("256", CLOS, "10k" if quick else "30k", 1.7),
                                      ("6144", CLOS_6144, "15k" if quick else "60k", 1.85)):
        yield (f"threads/simulate-{hosts}", f"simulate, {hosts} hosts, {flows} flows", threads,
               {"command": simulated, "args": (*topo, *DEFAULT, "--n-flows", flows),
                "bar": f"ratio >= {least}"})
    flows = "200k" if quick else "1M"
    yield ("threads/estimate", f"estimate, default mix, {flows} flows", threads,
           {"command": estimated, "args": (*CLOS, *DEFAULT, "--n-flows", flows, *UNCHECKED)})
    for hosts, topo, mix, flows in (("256", CLOS, DEMO, "20k" if quick else "100k"),
                                    ("6144", CLOS_6144, DEFAULT, "15k" if quick else "60k")):
        yield (f"ranks/simulate-{hosts}", f"simulate, {hosts} hosts, {flows} flows", ranks,
               {"command": simulated, "args": (*topo, *mix, "--n-flows", flows)})
    for flows in ("200k",) if quick else ("1M", "10M"):
        yield (f"ranks/estimate-{flows}", f"estimate, default mix, {flows} flows", ranks,
               {"command": estimated, "args": (*CLOS, *DEFAULT, "--n-flows", flows, *UNCHECKED)})
    if quick:
        return
    yield ("ranks/parsimon", "estimate --method parsimon, 200k flows", ranks,
           {"command": estimated,
            "args": (*CLOS, *DEFAULT, "--n-flows", "200k", "--method", "parsimon")})
    yield ("ranks/evaluate", "evaluate --networks, 12 networks", ranks,
           {"command": evaluated, "args": (12,)})
    yield ("ranks/dataset", "dataset networks, 12 networks", ranks,
           {"command": datasets, "args": (12,)})


def packets(quick):
    for hosts, topo, flows, least in (("256", CLOS, "50k" if quick else "500k", 25),
                                      ("6144", CLOS_6144, "40k" if quick else "400k", 15)):
        yield (f"one-core/simulate-{hosts}", f"simulate, {hosts} hosts, {flows} flows", one_core,
               {"mix": DEFAULT, "topo": topo, "flows": flows, "bar": f"figure >= {least}"})
    cases = "cluster256_n20000_dctcp", "pl5_n20000_l50_dctcp"
    more = ("pl3_n20000_l50_dctcp", "pl5_n20000_l50_dcqcn", "pl5_n20000_l50_hp",
            "pl5_n20000_l50_timely", "pl7_n20000_l50_dctcp")
    for case in cases if quick else cases + more:
        network, *_, control = case.split("_")
        bar = "ratio >= 40" if network == "cluster256" else ""
        yield (f"ns3/{network}-{control}", f"simulate --compat, {network}, {control}, 20k flows",
               ns3, {"case": case, "bar": bar})


def fluids(quick):
    yield ("fluid", "fluid simulation of paths", collected,
           {"program": "bench_fluid", "rounds": 1 if quick else 3,
            "bars": {"fluid/2-links-load-0.7-200000": "ratio >= 5"}})


def estimates(quick):
    yield ("estimate/default-1M", "estimate, default mix, 1M flows", estimate,
           {"args": (*CLOS, *DEFAULT, *UNCHECKED)})
    if quick:
        yield ("estimate/published-1M", "estimate, published mix, 1M flows", published_mix,
               {"args": ("--n-flows", "1M", *UNCHECKED)})
    else:
        yield ("estimate/default-10M", "estimate, default mix, 10M flows", estimate,
               {"args": (*CLOS, *DEFAULT, "--n-flows", "10M", *UNCHECKED), "bar": "figure <= 7"})
        yield ("estimate/published-10M", "estimate, published mix, 10M flows", published_mix,
               {"args": ("--n-flows", "10M", *UNCHECKED), "bar": "figure <= 3",
                "published_s": 286, "published_mb": 6050})
    yield ("internet/topology", "topology and routes of 1,048,576 hosts", internet,
           {"args": ("topo", "show", "TOPO"), "bar_s": "figure <= 30", "bar_mb": "figure <= 4000"})
    for flows in ("1M",) if quick else ("1M", "100M"):
        bars = {"bar_s": "figure <= 120", "bar_mb": "figure <= 6000"} if flows == "100M" else {}
        yield (f"internet/estimate-{flows}", f"estimate, 1,048,576 hosts, {flows} flows", internet,
               {"args": ("estimate", "--topo", "TOPO", "--mix", "MIX", *UNCHECKED, "--n-flows",
                         flows), "rounds": 1, **bars})


def parts(quick):
    yield "aggregate", "aggregation", collected, {"program": "aggregate"}
    if quick:
        return
    for name, what in (("load", "workloads and flow files"), ("path", "paths of an estimate"),
                       ("model", "forward passes"), ("packet", "queue of events, networks")):
        yield name, what, collected, {"program": f"bench_{name}"}
