"""The command that the module is compared with, and the inputs that the tests share."""
import json
import os
import subprocess

BUILD = os.environ["M3_BUILD"]
TOPO, MIX = "spec/clos-256-2to1.json", "spec/demo.json"
SMALL_TOPO, SMALL_MIX = "tests/cli/net/graph.json", "tests/cli/net/mix.json"


def m3(*arguments):
    """Runs build/m3 and returns what it prints on stdout."""
    done = subprocess.run([os.path.join(BUILD, "m3"), *map(str, arguments)], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.stdout


def m3_json(*arguments):
    """Runs build/m3 --json and returns the object, without what differs from run to run."""
    return timeless(json.loads(m3(*arguments, "--json", "-q")))


def timeless(tree):
    """Returns JSON without the command line, times and memory."""
    varying = {"command", "peak_rss_bytes", "packet_hops_per_s"}
    if isinstance(tree, dict):
        return {k: timeless(v) for k, v in tree.items()
                if k not in varying and not k.startswith("wall") and "per_s" not in k}
    return [timeless(v) for v in tree] if isinstance(tree, list) else tree
