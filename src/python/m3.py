"""m3: how much slower than ideal flows finish in a data-centre network.

    import m3
    r = m3.estimate(topo="spec/clos-256-2to1.json", mix="spec/demo.json", set={"cc": "hp"})
    print(r.quantile(99))        # Interval(value=5.01, lo=4.43, hi=5.59): p99 of the slowdown
    print(r.to_frame())          # all size buckets, all quantiles

Slowdown is a flow's completion time over its completion time alone in the idle network. What there
is: `estimate`, `sweep` (many settings), `simulate` (packet by packet), `compare`, `read`; networks
as `Topology`, flows as arrays or a DataFrame. Sizes are bytes, times ns, rates bit/s, unless a name
says otherwise; settings (`set`) are named as on the command line (`m3 help settings`) and take
numbers in these units or texts with one, as "18KB".

This file binds libm3 (include/m3.h) with ctypes and needs numpy; pandas and matplotlib are used
where they are there. The library is looked for in $M3_LIBRARY, or else beside this file, in the lib
folder or checkout that this file is in, and where the system has its libraries. Calls run without
Python's lock, on as many threads as `threads` says (0: all cores); any number of them may go on at
once; Ctrl-C ends one promptly.
"""
from __future__ import annotations

import collections.abc
import contextlib
import ctypes
import ctypes.util
import functools
import json
import os
import shutil
import threading
from ctypes import POINTER, c_char, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint8
from ctypes import c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence
from typing import Tuple, Union

import numpy as np

__all__ = ["Comparison", "Error", "FileError", "InputError", "Interrupted", "Interval", "Result",
           "Row", "Simulation", "Sweep", "Topology", "BUCKETS", "QUANTILES", "compare", "estimate",
           "library_path", "read", "simulate", "sweep", "version"]

#: Buckets of flow size, and all flows: the order of a result's arrays.
BUCKETS = ("all", "< 1 KB", "1-10 KB", "10-50 KB", ">= 50 KB")
#: The quantiles that have 95 % intervals, in percent.
QUANTILES = (50.0, 90.0, 99.0, 99.9)
METHODS = ("m3", "flowsim", "packet", "sampled", "parsimon")

LogCallback = Callable[[int, str], Any]
ProgressCallback = Callable[[str, int, int], Any]
Path = Union[str, "os.PathLike[str]"]


# ---- errors ----

class Error(Exception):
    """What m3 reports: one line that names what is wrong and what was expected."""


class InputError(Error, ValueError):
    """An option or an input is wrong, or an input cannot be opened."""


class FileError(Error, OSError):
    """A file cannot be written, changed while it was read, or makes no sense as a checkpoint."""


class Interrupted(Error):
    """The progress callback asked for an end."""


# ---- the library ----

_ERROR_LEN = 768
_LOG = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p)
_PROGRESS = ctypes.CFUNCTYPE(c_int, c_void_p, c_char_p, c_uint64, c_uint64)


class _Options(ctypes.Structure):
    _fields_ = [("topo", c_char_p), ("mix", c_char_p), ("mix_id", c_int64), ("flows", c_char_p),
                ("set", POINTER(c_char_p)), ("n_flows", c_uint64), ("duration_s", c_double),
                ("n_paths", c_uint64), ("method", c_int), ("ckpt", c_char_p),
                ("published", c_int), ("seed", c_uint64), ("threads", c_int),
                ("check_s", c_double)]


class _Error(ctypes.Structure):
    _fields_ = [("kind", c_int), ("text", c_char * _ERROR_LEN)]


class _Cable(ctypes.Structure):
    _fields_ = [("a", c_uint64), ("b", c_uint64), ("rate_bps", c_double), ("delay_ns", c_double),
                ("error_rate", c_double)]


class _Topology(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("n_nodes", c_uint32), ("n_cables", c_uint32),
                ("node_id", POINTER(c_uint64)), ("is_host", POINTER(c_uint8)),
                ("pod_of_node", POINTER(c_uint32)), ("cables", c_void_p)]


class _Flows(ctypes.Structure):
    _fields_ = [("n", c_size_t), ("src", POINTER(c_uint64)), ("dst", POINTER(c_uint64)),
                ("size_b", POINTER(c_uint64)), ("start_ns", POINTER(c_int64))]


class _Job(ctypes.Structure):
    _fields_ = [("size", c_size_t), ("options", _Options), ("topology", POINTER(_Topology)),
                ("flows", POINTER(_Flows)), ("check_share", c_double), ("target_error", c_double),
                ("target_quantile", c_double), ("max_paths", c_uint64), ("exact", c_int),
                ("whole", c_int), ("hpcc_ns3", c_int), ("parsimon_independent", c_int),
                ("parsimon_cluster", c_int), ("rank_bucket", c_int), ("rank_quantile", c_double),
                ("stop_ns", c_double), ("user", c_void_p), ("log", _LOG),
                ("progress", _PROGRESS), ("stop", POINTER(c_int))]


class _Interval(ctypes.Structure):
    _fields_ = [("value", c_double), ("lo", c_double), ("hi", c_double)]


class _Times(ctypes.Structure):
    _fields_ = [("n", c_size_t), ("flow", POINTER(c_uint64)), ("src", POINTER(c_uint64)),
                ("dst", POINTER(c_uint64)), ("size_b", POINTER(c_uint64)),
                ("start_ns", POINTER(c_int64)), ("fct_ns", POINTER(c_double)),
                ("ideal_fct_ns", POINTER(c_double))]


_FUNCTIONS = {
    "m3_job_init": (None, [POINTER(_Job), c_size_t]),
    "m3_job_estimate": (c_void_p, [POINTER(_Job), POINTER(_Error)]),
    "m3_job_simulate": (c_void_p, [POINTER(_Job), POINTER(_Error)]),
    "m3_job_sweep": (c_void_p, [POINTER(_Job), POINTER(_Error)]),
    "m3_result_read": (c_void_p, [c_char_p, POINTER(_Error)]),
    "m3_result_free": (None, [c_void_p]),
    "m3_result_share": (c_double, [c_void_p, c_int]),
    "m3_result_percentile": (c_double, [c_void_p, c_int, c_int]),
    "m3_result_quantile": (_Interval, [c_void_p, c_int, c_double]),
    "m3_result_n_flows": (c_uint64, [c_void_p]),
    "m3_result_n_paths": (c_uint64, [c_void_p]),
    "m3_result_wall_s": (c_double, [c_void_p]),
    "m3_result_json": (c_char_p, [c_void_p]),
    "m3_result_times": (c_int, [c_void_p, POINTER(_Times)]),
    "m3_sweep_free": (None, [c_void_p]),
    "m3_sweep_n_rows": (c_size_t, [c_void_p]),
    "m3_sweep_n_axes": (c_size_t, [c_void_p]),
    "m3_sweep_row": (c_void_p, [c_void_p, c_size_t]),
    "m3_sweep_key": (c_char_p, [c_void_p, c_size_t]),
    "m3_sweep_value": (c_char_p, [c_void_p, c_size_t, c_size_t]),
    "m3_sweep_best": (c_size_t, [c_void_p]),
    "m3_sweep_json": (c_char_p, [c_void_p]),
    "m3_version": (c_char_p, []),
}


def _candidates() -> Iterator[str]:
    here = os.path.dirname(os.path.abspath(__file__))
    if os.environ.get("M3_LIBRARY"):
        yield os.environ["M3_LIBRARY"]
        return
    for name in ("libm3.so", "libm3.so.0"):
        if os.path.exists(os.path.join(here, name)):
            yield os.path.join(here, name)
    # PREFIX/lib/python3.x/dist-packages/m3.py and PREFIX/lib/libm3.so.0; src/python/m3.py and build
    for up in ("../../libm3.so.0", "../../build/libm3.so"):
        path = os.path.normpath(os.path.join(here, up))
        if os.path.exists(path):
            yield path
    found = ctypes.util.find_library("m3")
    if found:
        yield found


@functools.lru_cache(maxsize=None)
def _library() -> Tuple[str, ctypes.CDLL]:
    failures: List[str] = []
    for path in _candidates():
        try:
            lib = ctypes.CDLL(path)
            for name, (result, arguments) in _FUNCTIONS.items():
                function = getattr(lib, name)
                function.restype, function.argtypes = result, arguments
            return path, lib
        except (OSError, AttributeError) as e:
            failures.append(str(e))
    raise FileError("libm3.so: " + ("; ".join(failures) or "not found") +
                    " (build it, or name it in the environment variable M3_LIBRARY)")


def library_path() -> str:
    """Returns the file of the library that is in use."""
    return _library()[0]


def version() -> str:
    """Returns the library's version, "0.1.0"."""
    return _library()[1].m3_version().decode()


def __getattr__(name: str) -> str:
    if name == "__version__":
        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# ---- files and arrays in ----

def _no_nul(what: str, text: bytes) -> bytes:
    """Returns text as the library can take it: it would end at a NUL."""
    if b"\0" in text:
        raise InputError(f"{what}: expected a text without NUL, got {text!r}")
    return text


def _file(what: str, path: Any, or_else: str = "") -> bytes:
    try:
        return _no_nul(what, os.fsencode(path))
    except TypeError:
        raise InputError(f"{what}: expected a file{or_else}, got {path!r}") from None


def _whole(what: str, values: Any, dtype: Any) -> np.ndarray:
    """Returns values as a contiguous array of whole numbers, none of which changes on the way."""
    a = np.asarray(values)
    if a.ndim != 1:
        raise InputError(f"{what}: expected one dimension, got {a.ndim}")
    if a.size == 0:
        a = a.astype(np.int64)
    if a.dtype.kind == "f" and not (np.isfinite(a).all() and (a == np.floor(a)).all()):
        raise InputError(f"{what}: expected whole numbers")
    if a.dtype.kind not in "iuf":
        raise InputError(f"{what}: expected numbers, got {a.dtype}")
    limits = np.iinfo(dtype)
    if a.size and (a.min() < limits.min or a.max() > limits.max):
        bad = a.min() if a.min() < limits.min else a.max()
        raise InputError(f"{what}: expected {limits.min} to {limits.max}, got {bad}")
    return np.ascontiguousarray(a, dtype=dtype)


def _pointer(a: Optional[np.ndarray], ctype: Any) -> Any:
    return None if a is None else a.ctypes.data_as(POINTER(ctype))


class Topology:
    """A network: nodes, and cables between them.

    is_host   for each node, whether it is a host; the others are switches
    cables    pairs of nodes, by their ids, shape (n, 2); hosts are linked to switches only
    rate_bps  of each cable, or one number for all, bit/s in each direction
    delay_ns  of each cable, or one number for all
    node_id   ids of the nodes (default: 0, 1, 2, ...); flows name hosts by them
    pod       a label for each node, of which those of racks' switches count (default: found by m3)
    error_rate  probability that a packet is lost on a cable; of each, or one for all
    name      in messages and reports

    Two racks of two hosts, with a spine:

        t = m3.Topology(is_host=[1, 1, 1, 1, 0, 0, 0],
                        cables=[(0, 4), (1, 4), (2, 5), (3, 5), (4, 6), (5, 6)],
                        rate_bps=10e9, delay_ns=1000)
    """

    def __init__(self, is_host: Any, cables: Any, rate_bps: Any, delay_ns: Any, *,
                 node_id: Any = None, pod: Any = None, error_rate: Any = 0.0,
                 name: str = "topology") -> None:
        self.name = name
        self.is_host = np.ascontiguousarray(np.asarray(is_host, dtype=bool), dtype=np.uint8)
        n = self.is_host.size
        self.node_id = None if node_id is None else _whole("node_id", node_id, np.uint64)
        self.pod = None if pod is None else _whole("pod", pod, np.uint32)
        for what, a in (("node_id", self.node_id), ("pod", self.pod)):
            if a is not None and a.size != n:
                raise InputError(f"{what}: expected one for each of {n} nodes, got {a.size}")
        ends = np.asarray(cables)
        if ends.ndim != 2 or ends.shape[1] != 2:
            raise InputError(f"cables: expected pairs of nodes, got shape {ends.shape}")
        self.cables = np.zeros(ends.shape[0], dtype=np.dtype(
            [("a", np.uint64), ("b", np.uint64), ("rate_bps", np.float64),
             ("delay_ns", np.float64), ("error_rate", np.float64)]))
        self.cables["a"] = _whole("cables", ends[:, 0], np.uint64)
        self.cables["b"] = _whole("cables", ends[:, 1], np.uint64)
        for what, values in (("rate_bps", rate_bps), ("delay_ns", delay_ns),
                             ("error_rate", error_rate)):
            try:
                self.cables[what] = values
            except (TypeError, ValueError) as e:
                raise InputError(f"{what}: expected a number, or one for each cable: {e}") from e

    def _struct(self) -> _Topology:
        return _Topology(self.name.encode(), self.is_host.size, self.cables.size,
                         _pointer(self.node_id, c_uint64), _pointer(self.is_host, c_uint8),
                         _pointer(self.pod, c_uint32), self.cables.ctypes.data)


_COLUMNS = (("src", np.uint64), ("dst", np.uint64), ("size_b", np.uint64), ("start_ns", np.int64))


def _flow_columns(flows: Any) -> List[np.ndarray]:
    """Returns the four columns of a DataFrame, a mapping, a structured array, or an (n, 4) one."""
    names = [name for name, _ in _COLUMNS]
    named = getattr(flows, "columns", None)
    if named is None and isinstance(flows, Mapping):
        named = flows.keys()
    if named is None and isinstance(flows, np.ndarray):
        named = flows.dtype.names
    if named is None:
        table = np.asarray(flows)
        if table.ndim != 2 or table.shape[1] != 4:
            raise InputError("flows: expected columns src, dst, size_b and start_ns, got shape "
                             f"{table.shape}")
        columns = [table[:, i] for i in range(4)]
    else:
        missing = [name for name in names if name not in named]
        if missing:
            raise InputError(f"flows: expected a column {missing[0]}, got "
                             f"{', '.join(map(str, named))}")
        columns = [flows[name] for name in names]
    arrays = [_whole(f"flows: {name}", c, dtype) for (name, dtype), c in zip(_COLUMNS, columns)]
    if len({a.size for a in arrays}) != 1:
        raise InputError("flows: expected columns of one length")
    return arrays


# ---- settings ----

#: Settings that are times, whose numbers are ns here and need a unit in m3.
_TIMES = frozenset(("timely_tlow", "timely_thigh", "swift_base_target", "swift_hop_scaling",
                    "swift_fs_range", "nscc_target_qdelay", "nscc_qa_threshold", "flowlet_gap",
                    "duration", "reroute_delay"))


def _text(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "on" if value else "off"
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (int, np.integer)):
        text = str(int(value))
    elif isinstance(value, (float, np.floating)):
        text = str(int(value)) if float(value).is_integer() else repr(float(value))
    else:
        raise InputError(f"set: {key}: expected a number, a text or a bool, got {value!r}")
    return text + "ns" if key in _TIMES else text


def _is_list(value: Any) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes))


def _assignments(settings: Optional[Mapping[str, Any]], lists: bool) -> List[bytes]:
    out = []
    if settings is not None and not isinstance(settings, Mapping):
        raise InputError(f"set: expected a mapping of settings to values, got {settings!r}")
    for key, value in (settings or {}).items():
        if _is_list(value):
            if not lists:
                raise InputError(f"set: {key}: expected one value, got several (m3.sweep)")
            text = ",".join(_text(key, v) for v in value)
        else:
            text = _text(key, value)
        out.append(_no_nul("set", f"{key}={text}".encode()))
    return out


# ---- a call ----

class _Call:
    """A job and all that must live as long as it."""

    def __init__(self, topo: Any, mix: Optional[Path], flows: Any, set: Optional[Mapping[str, Any]],
                 lists: bool, log: Optional[LogCallback], progress: Optional[ProgressCallback],
                 **options: Any) -> None:
        self.lib = _library()[1]
        self.job, self.stop = _Job(), c_int(0)
        self.raised: Optional[BaseException] = None
        self.lib.m3_job_init(ctypes.byref(self.job), ctypes.sizeof(_Job))
        self.job.stop = ctypes.pointer(self.stop)
        o = self.job.options
        if isinstance(topo, Topology):
            self.topology = topo, topo._struct()
            self.job.topology = ctypes.pointer(self.topology[1])
        elif topo is not None:
            o.topo = _file("topo", topo, " or a Topology")
        if mix is not None:
            o.mix = _file("mix", mix)
        if isinstance(flows, (str, os.PathLike)):
            o.flows = _file("flows", flows)
        elif flows is not None:
            self._take_flows(flows)
        texts = _assignments(set, lists)
        self.set = (c_char_p * (len(texts) + 1))(*texts, None)
        o.set = ctypes.cast(self.set, POINTER(c_char_p))
        for name, value in options.items():
            target = o if hasattr(o, name) else self.job
            try:
                setattr(target, name, value)
            except TypeError as e:
                raise InputError(f"{name}: {e}, got {value!r}") from e
        self._take_callbacks(log, progress)

    def _take_callbacks(self, log: Optional[LogCallback],
                        progress: Optional[ProgressCallback]) -> None:
        def pass_line(_user: Any, level: int, line: bytes) -> None:
            self._guard(log, level, line.decode(errors="replace"))

        def pass_progress(_user: Any, what: bytes, done: int, total: int) -> int:
            return self._guard(progress, what.decode(), done, total)

        if log:
            self.job.log = _LOG(pass_line)
        if progress:
            self.job.progress = _PROGRESS(pass_progress)

    def _take_flows(self, flows: Any) -> None:
        src, dst, size_b, start_ns = self.columns = _flow_columns(flows)
        self.flows = _Flows(src.size, _pointer(src, c_uint64), _pointer(dst, c_uint64),
                            _pointer(size_b, c_uint64), _pointer(start_ns, c_int64))
        self.job.flows = ctypes.pointer(self.flows)

    def _guard(self, callback: Any, *arguments: Any) -> int:
        """Runs a callback; what it raises ends the job and is raised again by `run`."""
        try:
            return 1 if callback(*arguments) else 0
        except BaseException as e:  # whatever it is, it must not get lost in C
            self.raised = e
            self.stop.value = 1
            return 1

    def _run_on(self, thread: threading.Thread) -> None:
        """Starts the thread and waits; Ctrl-C, or any signal that raises, ends the job first."""
        pending: Optional[BaseException] = None
        try:
            thread.start()
        except BaseException as e:
            self.stop.value = 1
            pending = e
        while thread.is_alive():
            try:
                thread.join()
            except BaseException as e:
                self.stop.value = 1
                pending = pending or e
        if pending:
            raise pending

    def run(self, function: str, take: Callable[[ctypes.CDLL, int], Any]) -> Any:
        """Runs the job and returns what `take` makes of its result."""
        error, result = _Error(), []

        def work() -> None:
            handle = getattr(self.lib, function)(ctypes.byref(self.job), ctypes.byref(error))
            if handle:
                result.append(handle)

        free = self.lib.m3_sweep_free if function == "m3_job_sweep" else self.lib.m3_result_free
        try:
            # Signals reach the main thread only, and only while it runs Python.
            if threading.current_thread() is threading.main_thread():
                self._run_on(threading.Thread(target=work, name="m3", daemon=True))
            else:
                work()
            if self.raised:
                raise self.raised
            if not result:
                raise _exception(error)
            return take(self.lib, result[0])
        finally:
            for handle in result:
                free(handle)


def _exception(error: _Error) -> Error:
    kind = {1: InputError, 2: FileError, 3: Interrupted}.get(error.kind, Error)
    return kind(error.text.decode(errors="replace"))


# ---- results ----

class Interval(NamedTuple):
    """A quantile of slowdown and its 95 % interval."""
    value: float
    lo: float
    hi: float


def _bucket(bucket: Union[str, int]) -> int:
    """Returns the row of a bucket: its name, with or without spaces, or its place in BUCKETS."""
    if isinstance(bucket, (int, np.integer)):
        if 0 <= bucket < len(BUCKETS):
            return int(bucket)
    else:
        squeezed = str(bucket).replace(" ", "")
        for i, label in enumerate(BUCKETS):
            if squeezed == label.replace(" ", ""):
                return i
    raise InputError(f"bucket: expected one of {', '.join(BUCKETS)}, got {bucket!r}")


def _quantile(p: float) -> int:
    if p not in QUANTILES:
        raise InputError(f"quantile: expected 50, 90, 99 or 99.9, got {p}")
    return QUANTILES.index(p)


def _frame(columns: Dict[str, Any]) -> Any:
    """Returns a pandas DataFrame, or a structured array where there is no pandas."""
    try:
        import pandas  # type: ignore[import]
    except ImportError:
        arrays = {k: np.asarray(v) for k, v in columns.items()}
        out = np.empty(len(next(iter(arrays.values()))),
                       dtype=[(k, a.dtype) for k, a in arrays.items()])
        for k, a in arrays.items():
            out[k] = a
        return out
    return pandas.DataFrame(columns)


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot  # type: ignore[import]
    except ImportError as e:
        raise ImportError("plot() needs matplotlib (Debian: python3-matplotlib)") from e
    return pyplot.subplots()[1]


def _save(path: Path, text: str) -> None:
    """Writes a file beside its place and renames it there; a device is written as it is."""
    path = os.path.realpath(path)  # a link stays one
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return
    beside = f"{path}.tmp{os.getpid()}-{threading.get_ident()}"
    try:
        with open(beside, "x", encoding="utf-8") as f:
            f.write(text)
        if os.path.exists(path):
            shutil.copymode(path, beside)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


class Result:
    """The distribution of slowdowns in a network.

    share        of the flows that are in each of BUCKETS, shape (5,)
    percentiles  1 to 100 of each bucket's slowdown, shape (5, 100); NaN without flows
    quantiles    of QUANTILES, with 95 % interval: value, lo, hi, shape (5, 4, 3)
    n_flows, n_paths   flows of the network, and different paths that were simulated
    wall_s       how long it took
    """

    def __init__(self, lib: ctypes.CDLL, handle: int) -> None:
        buckets = range(-1, len(BUCKETS) - 1)
        self.share = np.array([lib.m3_result_share(handle, b) for b in buckets])
        self.percentiles = np.array([[lib.m3_result_percentile(handle, b, p)
                                      for p in range(1, 101)] for b in buckets])
        intervals = [[lib.m3_result_quantile(handle, b, p) for p in QUANTILES] for b in buckets]
        self.quantiles = np.array([[(q.value, q.lo, q.hi) for q in row] for row in intervals])
        self.n_flows = int(lib.m3_result_n_flows(handle))
        self.n_paths = int(lib.m3_result_n_paths(handle))
        self.wall_s = float(lib.m3_result_wall_s(handle))
        text = lib.m3_result_json(handle)
        self._json: Optional[str] = None if text is None else text.decode()

    def quantile(self, p: float, bucket: Union[str, int] = "all") -> Interval:
        """Returns a quantile (50, 90, 99 or 99.9 percent) of a bucket's slowdown."""
        return Interval(*map(float, self.quantiles[_bucket(bucket), _quantile(p)]))

    def percentile(self, p: int, bucket: Union[str, int] = "all") -> float:
        """Returns the p-th percentile, 1 to 100, of a bucket's slowdown."""
        return float(self.percentiles[_bucket(bucket), _count("percentile", p, 1, 100) - 1])

    @property
    def remarks(self) -> List[str]:
        """What m3 noted on the way."""
        return list(self.json().get("remarks", [])) if self._json else []

    def json(self) -> Dict[str, Any]:
        """Returns all that is known, as `m3 estimate --json` prints it (spec/README.md)."""
        return json.loads(self.to_json())

    def to_json(self) -> str:
        """Returns the text of that JSON, which `compare` and `m3 compare` read from a file."""
        if self._json is None:
            raise InputError("this result has no JSON: it was read, or is a row of a sweep")
        return self._json

    def save(self, path: Path) -> None:
        """Writes that JSON to a file, which replaces an older one as a whole."""
        _save(path, self.to_json())

    def _columns(self) -> Dict[str, Any]:
        n = len(QUANTILES)
        return {"bucket": np.repeat(BUCKETS, n), "share": np.repeat(self.share, n),
                "quantile": np.tile(QUANTILES, len(BUCKETS)),
                "slowdown": self.quantiles[:, :, 0].ravel(), "lo": self.quantiles[:, :, 1].ravel(),
                "hi": self.quantiles[:, :, 2].ravel()}

    def to_frame(self) -> Any:
        """Returns bucket, share, quantile, slowdown, lo, hi: a row for each bucket and quantile.

        A pandas DataFrame, or a numpy structured array where pandas is not installed.
        """
        return _frame(self._columns())

    def plot(self, ax: Any = None) -> Any:
        """Draws slowdown over percentile, a line for each bucket that has flows; returns the axes.

        Needs matplotlib, else raises ImportError.
        """
        ax = _axes(ax)
        for label, line in zip(BUCKETS, self.percentiles):
            if not np.isnan(line).all():
                ax.plot(np.arange(1, 101), line, label=label)
        ax.set_xlabel("percentile of flows")
        ax.set_ylabel("slowdown")
        ax.set_yscale("log")
        ax.legend()
        return ax

    def __repr__(self) -> str:
        q = self.quantile(99)
        return f"<m3.{type(self).__name__}: p99 {q.value:.4g} [{q.lo:.4g}, {q.hi:.4g}]>"


class Simulation(Result):
    """The flows of a packet simulation, and the distribution of those that finished.

    flow, src, dst, size_b, start_ns   in order of start, or in that of the arrays they came in
    fct_ns        completion times; NaN: did not finish
    ideal_fct_ns  alone in the idle network
    """

    flow: np.ndarray
    src: np.ndarray
    dst: np.ndarray
    size_b: np.ndarray
    start_ns: np.ndarray
    fct_ns: np.ndarray
    ideal_fct_ns: np.ndarray

    def __init__(self, lib: ctypes.CDLL, handle: int, as_given: bool) -> None:
        super().__init__(lib, handle)
        times = _Times()
        lib.m3_result_times(handle, ctypes.byref(times))
        names = ("flow", "src", "dst", "size_b", "start_ns", "fct_ns", "ideal_fct_ns")
        order: Any = slice(None)
        for name in names:
            values = np.ctypeslib.as_array(getattr(times, name), shape=(times.n,))
            if name == "flow" and as_given:
                order = np.argsort(values, kind="stable")
            setattr(self, name, values[order].copy())
        self._names = names

    @property
    def slowdown(self) -> np.ndarray:
        """Completion time over ideal time of each flow; NaN: did not finish."""
        return self.fct_ns / self.ideal_fct_ns

    def to_frame(self) -> Any:
        """Returns a row for each flow: the arrays above and slowdown."""
        columns = {name: getattr(self, name) for name in self._names}
        return _frame({**columns, "slowdown": self.slowdown})


class Row(Result):
    """A setting of a sweep: `settings` has its values, None for one that has no effect here."""

    def __init__(self, lib: ctypes.CDLL, handle: int, settings: Dict[str, Any]) -> None:
        super().__init__(lib, handle)
        self.settings = settings

    def __repr__(self) -> str:
        return super().__repr__()[:-1] + f" with {self.settings}>"


class Sweep(collections.abc.Sequence):
    """The rows of a sweep, in order, the last setting varying fastest.

    keys   names of the settings
    best   index of the row that ranks first; None if no row has flows there
    """

    def __init__(self, lib: ctypes.CDLL, handle: int, given: Mapping[str, Any]) -> None:
        self.keys = [lib.m3_sweep_key(handle, a).decode()
                     for a in range(lib.m3_sweep_n_axes(handle))]
        values = {key: {_text(key, v): v for v in
                        (given[key] if _is_list(given[key]) else [given[key]])}
                  for key in self.keys}
        self.rows: List[Row] = []
        for i in range(lib.m3_sweep_n_rows(handle)):
            settings: Dict[str, Any] = {}
            for a, key in enumerate(self.keys):
                text = lib.m3_sweep_value(handle, i, a)
                name = "" if text is None else text.decode()
                settings[key] = None if text is None else values[key].get(name, name)
            self.rows.append(Row(lib, lib.m3_sweep_row(handle, i), settings))
        best = lib.m3_sweep_best(handle)
        self.best: Optional[int] = best if best < len(self.rows) else None
        self._json = lib.m3_sweep_json(handle).decode()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: Any) -> Any:
        return self.rows[i]

    def json(self) -> Dict[str, Any]:
        """Returns all that is known, as `m3 sweep --json` prints it (spec/README.md)."""
        return json.loads(self._json)

    def to_json(self) -> str:
        """Returns the text of that JSON."""
        return self._json

    def save(self, path: Path) -> None:
        """Writes that JSON to a file, which replaces an older one as a whole."""
        _save(path, self._json)

    def to_frame(self) -> Any:
        """Returns the settings, bucket, share, quantile, slowdown, lo, hi of all rows."""
        parts = [row._columns() for row in self.rows]
        per_row = len(BUCKETS) * len(QUANTILES)
        columns: Dict[str, Any] = {}
        for key in self.keys:
            values = np.empty(len(self.rows), dtype=object)
            values[:] = [row.settings[key] for row in self.rows]
            columns[key] = np.repeat(values, per_row)
        for name in parts[0] if parts else ():
            columns[name] = np.concatenate([part[name] for part in parts])
        return _frame(columns)

    def plot(self, x: Optional[str] = None, quantile: float = 99,
             bucket: Union[str, int] = "all", ax: Any = None) -> Any:
        """Draws a quantile with its interval over the setting x (default: the first one).

        There is a line for each combination of the other settings. Returns the axes. Needs
        matplotlib, else raises ImportError.
        """
        ax, x = _axes(ax), x or self.keys[0]
        lines: Dict[str, List[Tuple[Any, Interval]]] = {}
        for row in self.rows:
            others = [f"{k}={v}" for k, v in row.settings.items() if k != x and v is not None]
            lines.setdefault(", ".join(others) or "all", []).append(
                (row.settings[x], row.quantile(quantile, bucket)))
        for label, points in lines.items():
            at = [p[0] for p in points]
            line = ax.plot(at, [p[1].value for p in points], marker="o", label=label)[0]
            ax.fill_between(at, [p[1].lo for p in points], [p[1].hi for p in points], alpha=0.15,
                            color=line.get_color())
        ax.set_xlabel(x)
        label = BUCKETS[_bucket(bucket)]
        ax.set_ylabel(f"p{quantile:g} of the slowdown, {'all flows' if label == 'all' else label}")
        ax.legend()
        return ax


class Comparison:
    """Quantile errors of a result against a reference: (b - a) / a.

    error  shape (5, 4), in the order of BUCKETS and QUANTILES; NaN where either has no flows
    """

    def __init__(self, a: Result, b: Result) -> None:
        self.a, self.b = a, b
        with np.errstate(invalid="ignore", divide="ignore"):
            self.errors = (b.quantiles[:, :, 0] - a.quantiles[:, :, 0]) / a.quantiles[:, :, 0]

    def error(self, p: float, bucket: Union[str, int] = "all") -> float:
        """Returns the error of a quantile (50, 90, 99 or 99.9 percent) of a bucket, a fraction."""
        return float(self.errors[_bucket(bucket), _quantile(p)])

    def to_frame(self) -> Any:
        """Returns bucket, quantile, a, b, error: a row for each bucket and quantile."""
        return _frame({"bucket": np.repeat(BUCKETS, len(QUANTILES)),
                       "quantile": np.tile(QUANTILES, len(BUCKETS)),
                       "a": self.a.quantiles[:, :, 0].ravel(),
                       "b": self.b.quantiles[:, :, 0].ravel(), "error": self.errors.ravel()})

    def __repr__(self) -> str:
        return f"<m3.Comparison: p99 {self.error(99):+.2%}>"


# ---- what there is to call ----

def _count(what: str, value: Any, least: int, most: int = 2**64 - 1) -> int:
    if not (isinstance(value, (int, float, np.integer)) and least <= value <= most and
            value == int(value)):
        raise InputError(f"{what}: expected a whole number from {least} to {most}, got {value!r}")
    return int(value)


def _common(mix_id: Optional[int], n_flows: Optional[int], duration_s: Optional[float], seed: int,
            threads: int) -> Dict[str, Any]:
    return {"mix_id": -1 if mix_id is None else _count("mix_id", mix_id, 0, 2**63 - 1),
            "n_flows": 0 if n_flows is None else _count("n_flows", n_flows, 1),
            "duration_s": 0.0 if duration_s is None else duration_s,
            "seed": _count("seed", seed, 0), "threads": _count("threads", threads, 0, 1024)}


def _estimating(paths: Union[int, str], method: str, check: Any, check_share: float,
                ckpt: Optional[Path], published: bool, hpcc_ns3: bool) -> Dict[str, Any]:
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if check is False or check == "off":
        check_s = -1.0
    elif check is None:
        check_s = 0.0
    elif isinstance(check, (int, float)) and check is not True and check > 0:
        check_s = float(check)
    else:
        raise InputError(f'check: expected seconds, "off" or None, got {check!r}')
    return {"n_paths": 0 if paths == "all" else _count("paths", paths, 1),
            "method": METHODS.index(method), "check_s": check_s, "check_share": check_share,
            "ckpt": None if ckpt is None else _file("ckpt", ckpt), "published": int(published),
            "hpcc_ns3": int(hpcc_ns3)}


def estimate(topo: Union[Path, Topology, None] = None, mix: Optional[Path] = None, *,
             flows: Any = None, set: Optional[Mapping[str, Any]] = None,
             mix_id: Optional[int] = None, n_flows: Optional[int] = None,
             duration_s: Optional[float] = None, paths: Union[int, str] = 500, method: str = "m3",
             check: Union[float, str, bool, None] = None, check_share: float = 0.0,
             target_error: float = 0.0, target_quantile: float = 99, max_paths: int = 10000,
             ckpt: Optional[Path] = None, published: bool = False, hpcc_ns3: bool = False,
             exact: bool = False, whole: bool = False, parsimon_independent: bool = False,
             parsimon_cluster: bool = False, seed: int = 1, threads: int = 0,
             log: Optional[LogCallback] = None,
             progress: Optional[ProgressCallback] = None) -> Result:
    """Estimates the slowdowns of a network under a workload, as `m3 estimate` does.

    topo     a topology file, or a Topology; None: the one that the mix names
    mix      a mix file: workload and settings; needed unless both topo and flows are given. Files
             of both kinds that come with m3 are found from anywhere ("spec/demo.json")
    flows    a flow file, or flows: a DataFrame, a mapping or a structured array with src, dst (node
             ids of hosts), size_b (bytes) and start_ns, or an array of these four columns; None:
             they are drawn from the mix
    set      settings that go before the mix's: {"window": 18000, "cc": "hp", "pfc": False}
    mix_id   "id" in a file of several mixes; None: the first
    n_flows, duration_s   how many flows to draw, or seconds of them; None: as the mix says
    paths    paths to draw, or "all"
    method   "m3", "flowsim", "packet", "sampled" or "parsimon"
    check    budget of packet windows in seconds of 20 million packet-hops, "off", or None: the
             default; check_share: instead, as a share of the run's packet-hops
    target_error, target_quantile   add windows (or, without them, up to max_paths paths) until half
             the interval of that quantile is at most that share of it
    ckpt     a checkpoint folder or .m3 file; None: the shipped one
    published, hpcc_ns3   as --compat published and --compat hpcc-ns3
    exact, whole, parsimon_independent, parsimon_cluster   as `m3 help estimate` says
    seed     of everything random; threads: 0 is all cores, and the result is the same
    log      is called with a level (1: a remark, 2: a detail) and a line
    progress is called with what is being done ("paths"), how much, and of how much (0: unknown);
             returning a true value ends the call with Interrupted

        r = m3.estimate("topo.json", "mix.json", set={"window": 18000}, n_flows=100_000)
        r.quantile(99, "< 1 KB")

    Raises InputError, FileError or Interrupted with m3's message, and what a callback raises.
    """
    call = _Call(topo, mix, flows, set, False, log, progress,
                 **_common(mix_id, n_flows, duration_s, seed, threads),
                 **_estimating(paths, method, check, check_share, ckpt, published, hpcc_ns3),
                 target_error=target_error, target_quantile=target_quantile,
                 max_paths=_count("max_paths", max_paths, 1), exact=int(exact), whole=int(whole),
                 parsimon_independent=int(parsimon_independent),
                 parsimon_cluster=int(parsimon_cluster))
    return call.run("m3_job_estimate", Result)


def sweep(topo: Union[Path, Topology, None] = None, mix: Optional[Path] = None, *,
          set: Mapping[str, Any], flows: Any = None, mix_id: Optional[int] = None,
          n_flows: Optional[int] = None, duration_s: Optional[float] = None,
          paths: Union[int, str] = 500, method: str = "m3",
          check: Union[float, str, bool, None] = None, check_share: float = 0.0,
          quantile: float = 99, bucket: Union[str, int] = "all", ckpt: Optional[Path] = None,
          published: bool = False, hpcc_ns3: bool = False, seed: int = 1, threads: int = 0,
          log: Optional[LogCallback] = None,
          progress: Optional[ProgressCallback] = None) -> Sweep:
    """Estimates one network under every combination of settings, as `m3 sweep` does.

    Each value of `set` is a list, or a text as on the command line: "5KB..30KB:5KB". Rows are
    ranked by a quantile of a bucket, and those that rank first get packet windows. All else is as
    for `estimate`.

        s = m3.sweep("topo.json", "mix.json", set={"window": [10000, 20000], "cc": ["dctcp", "hp"]})
        s[s.best].settings        # {"window": 20000, "cc": "hp"}
        s.plot("window")          # p99 over the window, a line for each control
    """
    call = _Call(topo, mix, flows, set, True, log, progress,
                 **_common(mix_id, n_flows, duration_s, seed, threads),
                 **_estimating(paths, method, check, check_share, ckpt, published, hpcc_ns3),
                 rank_bucket=_bucket(bucket) - 1, rank_quantile=quantile)
    return call.run("m3_job_sweep", lambda lib, handle: Sweep(lib, handle, set))


def simulate(topo: Union[Path, Topology, None] = None, mix: Optional[Path] = None, *,
             flows: Any = None, set: Optional[Mapping[str, Any]] = None,
             mix_id: Optional[int] = None, n_flows: Optional[int] = None,
             duration_s: Optional[float] = None, stop_ns: float = 0.0, hpcc_ns3: bool = False,
             seed: int = 1, threads: int = 0, log: Optional[LogCallback] = None,
             progress: Optional[ProgressCallback] = None) -> Simulation:
    """Simulates a network packet by packet, as `m3 simulate` does, on one core.

    stop_ns  end at that time after the first flow's start; 0: when nothing moves any more

    All else is as for `estimate`. The flows of the result are in the order of `flows` if those are
    arrays, else in order of start.

        s = m3.simulate(topology, flows={"src": [0, 1], "dst": [2, 2], "size_b": [10000, 10000],
                                         "start_ns": [0, 0]}, set={"cc": "dctcp"})
        s.fct_ns / s.ideal_fct_ns
    """
    call = _Call(topo, mix, flows, set, False, log, progress,
                 **_common(mix_id, n_flows, duration_s, seed, threads), stop_ns=stop_ns,
                 hpcc_ns3=int(hpcc_ns3))
    as_given = call.job.flows
    return call.run("m3_job_simulate",
                    lambda lib, handle: Simulation(lib, handle, bool(as_given)))


def read(path: Path) -> Result:
    """Reads a result from a file: the JSON of `m3 estimate`, or flows with completion times."""
    lib, error = _library()[1], _Error()
    handle = lib.m3_result_read(_file("path", path, " or a Result"), ctypes.byref(error))
    if not handle:
        raise _exception(error)
    try:
        return Result(lib, handle)
    finally:
        lib.m3_result_free(handle)


def compare(a: Union[Result, Path], b: Union[Result, Path]) -> Comparison:
    """Compares b with the reference a: results, or files that `read` takes, as `m3 compare` does.

        m3.compare(m3.simulate("topo.json", "mix.json"), m3.estimate("topo.json", "mix.json"))
    """
    return Comparison(*(r if isinstance(r, Result) else read(r) for r in (a, b)))
