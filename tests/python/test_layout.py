"""The structs of the module against those of include/m3.h."""
import ctypes
import os
import re
import subprocess

import pytest

import m3

STRUCTS = {"M3Options": m3._Options, "M3Error": m3._Error, "M3Cable": m3._Cable,
           "M3Topology": m3._Topology, "M3Flows": m3._Flows, "M3Job": m3._Job,
           "M3Interval": m3._Interval, "M3Times": m3._Times}


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """Lines "STRUCT MEMBER OFFSET SIZE" of a C program, as a list of tuples."""
    program = str(tmp_path_factory.mktemp("layout") / "layout")
    subprocess.run([*os.environ["CC"].split(), "-Iinclude", "-o", program,
                    "tests/python/layout.c"], check=True)
    lines = subprocess.run([program], check=True, text=True, stdout=subprocess.PIPE).stdout
    return [(s, m, int(offset), int(size)) for s, m, offset, size in
            (line.split() for line in lines.splitlines())]


@pytest.mark.parametrize("name", STRUCTS)
def test_struct_is_that_of_c(layout, name):
    ours = STRUCTS[name]
    members = [(m, offset, size) for s, m, offset, size in layout if s == name and m != "-"]
    assert [(s, size) for s, m, _, size in layout if s == name and m == "-"] == \
        [(name, ctypes.sizeof(ours))]
    assert [(m, getattr(ours, m).offset, getattr(ours, m).size) for m, _ in ours._fields_] == \
        members


def test_functions_are_declared_in_the_header():
    with open("include/m3.h", encoding="utf-8") as f:
        declared = set(re.findall(r"\b(m3_[a-z0-9_]+)\(", f.read()))
    assert set(m3._FUNCTIONS) <= declared


def test_version_is_the_librarys():
    assert m3.version() == m3.__version__
