"""Runs programs under build/bench/clock, and says what the machine was doing meanwhile."""
import dataclasses
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time


# As root, and on more ranks than processors.
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
       "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}


class Absent(Exception):
    """Something that a row needs is not on this machine."""


class Failed(Exception):
    """A program failed, or two runs that must agree don't."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a command took; its ranks, if there are several."""
    wall_s: float
    cpu_s: float  # of all
    busiest_s: float  # CPU seconds of the busiest rank
    mb: float  # of the largest rank


class Machine:
    """The share of the processors that others have taken since the last call of `others`."""

    def __init__(self):
        self.cores = len(os.sched_getaffinity(0))
        self.others()

    def others(self):
        was = getattr(self, "at", None)
        with open("/proc/stat") as f:
            ticks = [int(x) for x in f.readline().split()[1:9]]
        total, idle = sum(ticks), ticks[3] + ticks[4]
        u = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = (u.ru_utime + u.ru_stime) * os.sysconf("SC_CLK_TCK")
        self.at = (total, total - idle, own)
        if was is None or total <= was[0]:
            return 0.0
        return max(0.0, (self.at[1] - was[1] - (own - was[2])) / (total - was[0]))

    def describe(self):
        time.sleep(0.5)
        taken = self.others()
        with open("/proc/cpuinfo") as f:
            models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
        state = "idle" if taken < 0.1 else f"not idle: others take {100 * taken:.0f} % of it"
        return f"{models[0] if models else 'unknown'}, {self.cores} cores, {state}"


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)


class Runner:
    def __init__(self, build, shared="../shared", most_s=600):
        self.most_s = most_s  # that a command may take
        self.build = pathlib.Path(build).absolute()
        self.shared = pathlib.Path(shared)
        self.environment = os.environ | MPI | {"LC_ALL": "C", "M3_BENCH_TABS": "1",
                                               "M3_BENCH_SHARED": str(shared)}
        self.tmp = pathlib.Path(tempfile.mkdtemp(prefix="m3-bench-"))
        for name in ("m3", "bench/clock"):
            if not (self.build / name).exists():
                raise Absent(f"no {self.build / name}: make {build}/m3 {build}/bench/clock")

    def close(self):
        remove(self.tmp)

    def program(self, name):
        path = self.build / "bench" / name
        if not path.exists():
            raise Absent(f"no {path}")
        return str(path)

    def reference(self, path):
        """A file or folder of the reference data, which do not come with the project."""
        found = self.shared / path
        if not found.exists():
            raise Absent(f"no {found}")
        return found

    def clocked(self, *command, ranks=1, stdout=subprocess.DEVNULL):
        """Returns the Cost of a command, over several ranks of mpirun if so."""
        times = self.tmp / "times"
        times.unlink(missing_ok=True)
        line = [str(self.build / "bench/clock"), str(times), *map(str, command)]
        if ranks > 1:
            line = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] + line
        status, errors = self.run(line, stdout)
        if status != 0:
            why = errors.strip().splitlines()[-1:] or ["no message"]
            raise Failed(f"{pathlib.Path(command[0]).name}: status {status}: {why[0]}")
        rows = [[float(x) for x in row.split()] for row in times.read_text().splitlines()]
        wall_s, cpu_s, kib = zip(*rows)
        return Cost(max(wall_s), sum(cpu_s), max(cpu_s), max(kib) * 1024 / 1e6)

    def run(self, line, stdout):
        """Returns status and messages. What takes too long or is interrupted is ended."""
        p = subprocess.Popen(line, stdout=stdout, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                             env=self.environment, text=True, start_new_session=True)
        try:
            errors = p.communicate(timeout=self.most_s)[1]
        except BaseException as e:
            os.killpg(p.pid, signal.SIGTERM)
            p.wait()
            if isinstance(e, subprocess.TimeoutExpired):
                raise Failed(f"{line[2]} took more than {self.most_s:.0f} s") from e
            raise
        return p.returncode, errors

    def m3(self, *args, ranks=1):
        return self.clocked(self.build / "m3", *args, "-q", ranks=ranks)

    def m3_json(self, *args):
        """Returns the Cost of a command and what it wrote by --json."""
        out = self.tmp / "json"
        with open(out, "w") as f:
            cost = self.clocked(self.build / "m3", *args, "--json", stdout=f)
        return cost, json.loads(out.read_text())

    def same(self, a, b):
        if a.read_bytes() != b.read_bytes():
            raise Failed("the results are not the same bytes")

    def need_ranks(self):
        if not shutil.which("mpirun"):
            raise Absent("no mpirun")
        if not (self.build / "m3-mpi.so").exists():
            raise Absent(f"no {self.build}/m3-mpi.so")

