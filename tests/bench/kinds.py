"""Kinds of rows: each function measures something and yields it as Rows."""
import json
import pathlib
import statistics

import measure
from table import Row, short, times_faster


class Bench(measure.Runner):
    """The runner and what rows share: rounds, how many threads and ranks, the machine's factor."""

    def __init__(self, build, shared, rounds, n):
        super().__init__(build, shared)
        self.rounds = rounds
        self.n = n
        self.machine = measure.Machine()
        self.factors = []

    def calibrate(self):
        """Runs the loops that were recorded; returns their lines."""
        lines = lines_of(self, "calibrate")
        known = [1 / float(cells[3][1:]) for cells in lines if cells[3].startswith("x")]
        if known:
            self.factors.append(statistics.geometric_mean(known))
        return lines

    def factor(self):
        """What a recorded time is to be multiplied by, of the calibrations so far."""
        if not self.factors:
            raise measure.Absent(f"the machine's factor needs {self.shared}/ref")
        return statistics.median(self.factors)

    def folder(self):
        """Where inputs are made."""
        folder = self.build / "bench/inputs"
        folder.mkdir(exist_ok=True)
        return folder

    def need_cores(self):
        if self.machine.cores < self.n:
            raise measure.Absent(f"{self.machine.cores} processors")


def in_turn(rounds, *measurements):
    """Calls each of them in every round. Returns a list of what it returned, for each."""
    results = [[] for _ in measurements]
    for _ in range(rounds):
        for kept, f in zip(results, measurements):
            kept.append(f())
    return results


def median_row(name, what, samples, unit, bar=""):
    return Row(name, what, statistics.median(samples), unit, bar=bar, samples=list(samples))


def compare_with_recorded(b, row, recorded, whose):
    """The ratio to a recorded time, scaled to this machine if the factor is known."""
    row.reference = f"{whose}: {short(recorded)} {row.unit}"
    note = f"unscaled x{short(recorded / row.figure)}"
    if b.factors:
        here = recorded * b.factor()
        row.reference += f", here {short(here)}"
        row.ratio = here / row.figure
    row.note = f"{row.note}; {note}" if row.note else note


# ---- what the programs of tests/bench print: what, value, rate, times published, note ----

def slug(text):
    kept = "".join(c if c.isalnum() or c == "." else " " for c in text.lower())
    return "-".join(kept.split()).removesuffix("-flows")


def without_group(line, group):
    """A line without the word that says again what group it is in."""
    return line.rpartition(": ")[2].removeprefix(group + " ")


def lines_of(b, program):
    with open(b.tmp / "lines", "w") as f:
        b.clocked(b.program(program), stdout=f)
    return [line.split("\t") for line in (b.tmp / "lines").read_text().splitlines()]


def value_of(cells):
    return float(cells[1].split()[0])


def collected(b, name, what, program, rounds=1, bars=None):
    """The lines of a program as rows; of each line the one with its median value."""
    def once():
        b.calibrate()
        return lines_of(b, program)

    above = ""
    for same in zip(*in_turn(rounds, once)[0]):
        line, value, rate, published, note = sorted(same, key=value_of)[len(same) // 2]
        line = without_group(line, name)
        above = above if line.startswith(" ") else f"{name}/{slug(line)}"
        row = Row(above + (f"/{slug(line)}" if line.startswith(" ") else ""), line)
        row.figure, row.unit = value_of((line, value)), value.partition(" ")[2]
        row.samples = [value_of(cells) for cells in same]
        row.note = "; ".join(cell.strip() for cell in (rate, note) if cell.strip() != "-")
        row.bar = (bars or {}).get(row.name, "")
        if published.startswith("x"):
            compare_with_recorded(b, row, row.figure * float(published[1:]), "published")
        yield row


def machine(b, name, what):
    for same in zip(*in_turn(b.rounds, b.calibrate)[0]):
        line = without_group(same[0][0], name)
        row = median_row(f"{name}/{slug(line)}", line, [value_of(c) for c in same], "ms")
        if same[0][3].startswith("x"):
            recorded = value_of(same[0]) * float(same[0][3][1:])
            row.reference, row.ratio = f"recorded: {short(recorded)} ms", recorded / row.figure
        yield row
    yield Row(f"{name}/factor", what, b.factor(), note="of a recorded time is one here")


# ---- threads and ranks: commands that get a file for their result ----

def simulated(b, out, *args, ranks=1, threads=1):
    return b.m3("simulate", *args, "--threads", threads, "--out", out, ranks=ranks)


def estimated(b, out, *args, ranks=1, threads=1):
    return b.m3("estimate", *args, "--threads", threads, "--csv", out, ranks=ranks)


def evaluated(b, out, count, ranks=1):
    networks = b.folder() / f"networks-{count}"
    if not (networks / "complete").exists():
        b.m3("dataset", "networks", "--out", networks, "--count", count, "--seed", 9)
        (networks / "complete").touch()
    with open(out, "w") as f:
        cost = b.clocked(b.build / "m3", "evaluate", "--networks", networks, "--threads", 1, "-q",
                         "--json", ranks=ranks, stdout=f)
    out.write_text("".join(line for line in out.open() if "_s\"" not in line))
    return cost


def datasets(b, out, count, ranks=1):
    folder = out.with_suffix(".networks")
    measure.remove(folder)
    cost = b.m3("dataset", "networks", "--out", folder, "--count", count, "--seed", 9, "--threads",
                1, ranks=ranks)
    out.write_bytes(b"".join(f.read_bytes() for f in sorted(folder.glob("*/flows.*"))))
    return cost


def one_and_many(b, name, what, command, args, of, bar):
    """A command on one thread or process and on b.n; the bytes of its results are compared."""
    one, many = b.tmp / "one.m3f", b.tmp / "many.m3f"
    alone, shared = in_turn(b.rounds, lambda: command(b, one, *args),
                            lambda: command(b, many, *args, **{of: b.n}))
    b.same(one, many)
    row = median_row(name, what, [c.wall_s for c in shared], "s", bar if b.n == 2 else "")
    alone_s = [c.wall_s for c in alone]
    row.reference = f"1 {of[:-1]}: {short(statistics.median(alone_s))} s"
    row.ratio = times_faster(row.samples, alone_s)
    return row, alone, shared


def threads(b, name, what, command, args, bar=""):
    b.need_cores()
    row, alone, shared = one_and_many(b, name, what, command, args, "threads", bar)
    more = 1 / times_faster([c.cpu_s for c in shared], [c.cpu_s for c in alone])
    row.note = f"CPU x{short(more)} of one's"
    if command is simulated:
        _, facts = b.m3_json("simulate", *args, "--threads", b.n, "-v")
        part = facts.get("parallel")
        row.note += "; not shared among threads" if part is None else (
            f"; imbalance {part['imbalance']:.2f}, {100 * part['handed_over_share']:.0f} % handed "
            f"over, {part['events_per_window_and_thread']:.0f} events a window")
    yield row


def ranks(b, name, what, command, args, bar=""):
    b.need_cores()
    b.need_ranks()
    row, alone, shared = one_and_many(b, name, what, command, args, "ranks", bar)
    less = times_faster([c.busiest_s for c in shared], [c.cpu_s for c in alone])
    row.note = f"by CPU of the busiest x{short(less)}"
    yield row
    memory = median_row(f"{name}/memory", "  memory of a rank", [c.mb for c in shared], "MB")
    alone_mb = [c.mb for c in alone]
    memory.reference = f"1 rank: {short(statistics.median(alone_mb))} MB"
    memory.ratio = times_faster(memory.samples, alone_mb)
    yield memory


# ---- packets ----

def ns3(b, name, what, case, bar=""):
    """A case that ns-3 was timed on, in compat mode; all its flows must end as they did there."""
    folder = b.reference(f"ref/ns3/speed/{case}")
    recorded = json.loads((folder / "scenario.json").read_text())["reference"]

    def once():
        b.calibrate()
        with open(b.tmp / "lines", "w") as f:
            cost = b.clocked(b.program("ns3_agreement"), folder.parent.parent / "topologies",
                             folder, stdout=f)
        cells = (b.tmp / "lines").read_text().splitlines()[1].split()
        if float(cells[4]) != 100:
            raise measure.Failed(f"only {cells[4]} % of the flows end as in ns-3")
        return cost.mb, float(cells[10]), float(cells[11])

    mb, cpu_s, rates = zip(*in_turn(b.rounds, once)[0])
    row = median_row(name, what, cpu_s, "CPU s", bar)
    row.note = f"{statistics.median(rates):.1f} M packet-hops/s"
    compare_with_recorded(b, row, recorded["user_s"], "ns-3")
    yield row
    memory = median_row(f"{name}/memory", "  memory", mb, "MB")
    recorded_mb = recorded["peak_rss_kb"] * 1024 / 1e6
    memory.reference, memory.ratio = f"ns-3: {short(recorded_mb)} MB", recorded_mb / memory.figure
    yield memory


def one_core(b, name, what, mix, topo, flows, bar=""):
    """Packet-hops a CPU second, beside a network of little load, where all is in the caches."""
    def rate(*args):
        cost, facts = b.m3_json("simulate", *mix, *args, "--threads", 1)
        return facts["packet_hops"] / cost.cpu_s / 1e6, cost

    little = "--topo", "spec/clos-256-2to1.json", "--n-flows", "30k", "--set", "max_load=0.1"
    (best, _), (own, cost) = rate(*little), rate(*topo, "--n-flows", flows)
    row = Row(name, what, own, "M hops/s", bar=bar, ratio=own / best, samples=[own])
    row.reference = f"256 hosts, load 0.1: {short(best)}"
    row.note = f"{short(cost.cpu_s)} CPU s, {short(cost.mb)} MB; 1 round"
    yield row


# ---- whole estimates ----

STAGES = {"read": "draw flows", "route": "routes and index", "fluid": "fluid simulation of paths",
          "model": "model", "aggregate": "aggregation"}


def estimate(b, name, what, args, bar="", published_s=None, published_mb=None):
    def once():
        if published_s:
            b.calibrate()
        return b.m3_json("estimate", *args)

    runs = in_turn(b.rounds, once)[0]
    n = runs[0][1]["n_flows"]
    row = median_row(name, what, [cost.wall_s for cost, _ in runs], "s", bar)
    row.note = (f"{short(statistics.median(cost.cpu_s for cost, _ in runs))} CPU s; "
                f"{short(n / row.figure / 1e6)} M flows/s")
    if published_s:
        compare_with_recorded(b, row, published_s, "published")
    yield row
    for key, stage in STAGES.items():
        part = median_row(f"{name}/{slug(stage).split('-')[0]}", f"  {stage}",
                          [facts["wall_s"][key] for _, facts in runs], "s")
        part.note = (f"{100 * part.figure / row.figure:.0f} %, "
                     f"{short(part.figure / n * 1e9)} ns a flow")
        yield part
    memory = median_row(f"{name}/memory", "  memory", [cost.mb for cost, _ in runs], "MB")
    if published_mb:
        memory.reference = f"published: {short(published_mb)} MB"
        memory.ratio = published_mb / memory.figure
    yield memory


def published_mix(b, name, what, args, **known):
    mix = b.reference("paper/mix/sec5.2-dctcp-1.json")
    yield from estimate(b, name, what, ("--mix", mix, *args), **known)


# Networks by their number of hosts.
CLOS = {hosts: dict(zip(("pods", "racks-per-pod", "hosts-per-rack", "fabs-per-pod",
                         "spines-per-plane"), shape))
        for hosts, shape in ((16, (1, 2, 8, 2, 0)), (256, (2, 16, 8, 2, 8)),
                             (1024, (4, 8, 32, 4, 16)), (10240, (10, 32, 32, 4, 16)),
                             (102400, (64, 50, 32, 4, 24)), (1048576, (256, 128, 32, 4, 32)))}


def internet(b, name, what, args, rounds=None, bar_s="", bar_mb=""):
    """What 1,048,576 hosts cost; TOPO and MIX stand for files of them."""
    files = {"TOPO": clos(b, 1048576), "MIX": uniform_mix(b.folder())}
    costs = in_turn(rounds or b.rounds, lambda: b.m3(*(files.get(a, a) for a in args)))[0]
    row = median_row(name, what, [c.wall_s for c in costs], "s", bar_s)
    row.note = f"{short(statistics.median(c.cpu_s for c in costs))} CPU s"
    yield row
    yield median_row(f"{name}/memory", "  memory", [c.mb for c in costs], "MB", bar_mb)


def clos(b, hosts):
    """The file of a Clos network."""
    path = b.folder() / f"clos-{hosts}.json"
    options = [x for name, count in CLOS[hosts].items() for x in (f"--{name}", count)]
    b.m3("topo", "clos", *options, "--out", path)
    return path


def uniform_mix(folder):
    """The default mix with a uniform matrix: others have weights for every pair of racks."""
    sizes, mix = folder / "sizes", folder / "uniform.json"
    if not sizes.exists():
        sizes.symlink_to(pathlib.Path("spec/sizes").absolute())
    spec = json.loads(pathlib.Path("spec/default.json").read_text())
    spec["matrix"] = {"kind": "uniform"}
    mix.write_text(json.dumps(spec))
    return mix
