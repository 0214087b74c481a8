"""The table of `make bench`: rows, medians, ratios and bars, for people and for programs.

A ratio above 1 is in favour of m3: what is compared with over what is measured, of times and
memory; the other way round for rates.
"""
import csv
import dataclasses
import json
import operator
import re
import statistics

OK, ABSENT, FAILED = "ok", "not measured", "failed"
COLUMNS = ("row", "what", "figure", "unit", "reference", "ratio", "bar", "verdict", "others",
           "note")


@dataclasses.dataclass
class Row:
    name: str
    what: str
    figure: float | None = None
    unit: str = ""
    reference: str = ""  # what the ratio is to
    ratio: float | None = None
    bar: str = ""  # "ratio >= 1.7" or "figure <= 30"
    note: str = ""  # why, if it was not measured or failed
    state: str = OK
    others: float = 0.0  # the share of the machine that other programs took meanwhile
    samples: list = dataclasses.field(default_factory=list)  # what the figure is the median of

    def verdict(self):
        """Says met or missed if there is a bar and a figure."""
        if self.state != OK or not self.bar:
            return ""
        return "met" if meets(self.bar, self.figure, self.ratio) else "missed"

    def record(self):
        fields = dataclasses.asdict(self)
        fields["row"] = fields.pop("name")
        fields["verdict"] = self.verdict()
        return fields


def meets(bar, figure, ratio):
    of, compare, limit = re.fullmatch(r"(figure|ratio) (>=|<=) ([0-9.]+)", bar).groups()
    value = {"figure": figure, "ratio": ratio}[of]
    holds = {">=": operator.ge, "<=": operator.le}[compare]
    return value is not None and holds(value, float(limit))


def times_faster(ours, theirs):
    """The ratio of medians of two lists of times or sizes."""
    return statistics.median(theirs) / statistics.median(ours)


def short(x):
    """Three digits, without an exponent."""
    return f"{x:.0f}" if x >= 100 else f"{x:#.3g}".rstrip(".")


def selects(pattern, name):
    """Whether a row is meant: by its name, by a group it is in, or by wildcards."""
    glob = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(glob + "(/.*)?", name) is not None


def may_select(pattern, group):
    """Whether rows of this name, or of names that begin with it and a slash, may be meant."""
    fixed = re.split(r"[*?]", pattern)[0]
    below = group + "/"
    return selects(pattern, group) or below.startswith(fixed) or fixed.startswith(below)


class People:
    """A line for each row as soon as it is there."""

    def head(self, out, machine):
        for line in machine.values():
            print(f"{line}\n", file=out)
        self.line(out, "row", "what is measured", "figure", "compared with", "ratio", "bar",
                  "others", "")

    def line(self, out, *cells):
        form = "{:<47} {:<42} {:>13}  {:<37} {:>6}  {:<14} {:>6}  {}"
        print(form.format(*cells).rstrip(), file=out, flush=True)

    def row(self, out, r):
        if r.state != OK:
            self.line(out, r.name, r.what, "-", f"{r.state}: {r.note}", "", "", "", "")
            return
        bar = f"{r.bar.split(' ', 1)[1]} {r.verdict()}" if r.bar else ""
        busy = f"{100 * r.others:.0f} %" if r.others > 0.1 else ""
        ratio = "" if r.ratio is None else "x" + short(r.ratio)
        figure = f"{short(r.figure)} {r.unit}"
        self.line(out, r.name, r.what, figure, r.reference, ratio, bar, busy, r.note)

    def end(self, out, rows):
        def count(state, verdict=None):
            return sum(r.state == state and verdict in (None, r.verdict()) for r in rows)

        print(f"\n{len(rows)} rows; bars: {count(OK, 'met')} met, {count(OK, 'missed')} missed; "
              f"{count(ABSENT)} not measured here, {count(FAILED)} failed", file=out)


class Markdown(People):
    """The same as a table of a README."""

    def head(self, out, machine):
        super().head(out, machine)
        print("|---" * 8 + "|", file=out)

    def line(self, out, *cells):
        print("| " + " | ".join(cells) + " |", file=out, flush=True)


class Csv:
    def head(self, out, machine):
        self.writer = csv.writer(out, lineterminator="\n")
        self.writer.writerow(COLUMNS)

    def row(self, out, r):
        record = r.record()
        if r.state != OK:
            record["verdict"] = r.state
        values = (record[c] for c in COLUMNS)
        self.writer.writerow(f"{v:.5g}" if isinstance(v, float) else v for v in values)
        out.flush()

    def end(self, out, rows):
        pass


class Json:
    def head(self, out, machine):
        self.machine = machine

    def row(self, out, r):
        pass

    def end(self, out, rows):
        json.dump({"machine": self.machine, "rows": [r.record() for r in rows]}, out, indent=1)
        print(file=out)
