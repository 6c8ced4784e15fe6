"""The rows of bench/list: what is made of the bursts, and what has to be reached."""
import statistics


class Line:
    """A line of the table: kin, one peer, their ratio, one bar and whether it is met (None: there is no bar, or no burst that counts)."""

    def __init__(self, what, kin="", peer="", ratio="", bar="", met=None, note=""):
        self.what, self.kin, self.peer, self.ratio, self.bar, self.met, self.note = what, kin, peer, ratio, bar, met, note


WIDTHS = (36, 24, 38, 22, 16, 7)


def show(lines):
    before = Line(None)
    for line in lines:
        met = {None: "no data" if line.bar not in ("", "bar") else "", True: "met", False: "MISSED"}[line.met]
        again = line.what == before.what
        cells = ["" if again else line.what, "" if again and line.kin == before.kin else line.kin, line.peer, line.ratio, line.bar, met]
        print(" ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS)).rstrip() + (" " + line.note if line.note else ""))
        before = line
    print(end="", flush=True)


def head():
    show([Line("what", "kin", "peer", "kin / peer", "bar", note="(bursts that counted, of all; CPUs used)")])


def number(value):
    return "%.0f" % value if abs(value) >= 99.5 else "%.3g" % value


def spread(values):
    """Median, and in brackets between which values half are."""
    if not values:
        return "-"
    middle = number(statistics.median(values))
    if len(values) < 3:
        return middle
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return "%s [%s..%s]" % (middle, number(low), number(high))


class Data:
    """The bursts of a row that count: value(burst) of each entry, by round."""

    def __init__(self, bursts):
        self.bursts = [burst for burst in bursts if "wrong" not in burst]
        self.entries = list(dict.fromkeys(burst["who"] for burst in self.bursts))

    def counted(self, who):
        return [burst for burst in self.bursts if burst["who"] == who and burst.get("counts", 1)]

    def values(self, who, value):
        return [value(burst) for burst in self.counted(who)]

    def ratios(self, above, below, value):
        under = {burst["round"]: value(burst) for burst in self.counted(below)}
        return [value(burst) / under[burst["round"]] for burst in self.counted(above) if under.get(burst["round"])]

    def note(self, *names):
        """How many bursts counted, of how many, and how many CPUs they used."""
        parts = []
        for who in names:
            counted = self.counted(who)
            tried = sum(burst.get("tried", 1) for burst in self.bursts if burst["who"] == who)
            cpus = statistics.mean(burst["cpus"] for burst in counted) if counted else 0
            parts.append("%d of %d, %.1f CPUs" % (len(counted), tried, cpus))
        return "(%s)" % "; ".join(parts)


class Bar:
    """
    What has to be reached. peer: None: the value itself; otherwise the ratio to this entry's. least or most.
    aim: what would be good.
    """

    def __init__(self, peer=None, least=None, most=None, aim=None):
        self.peer, self.least, self.most, self.aim = peer, least, most, aim

    def text(self):
        limit = "%s %g" % (">=" if self.least is not None else "<=", self.least if self.least is not None else self.most)
        return limit + (" (%g)" % self.aim if self.aim else "")

    def met(self, value):
        return value >= self.least if self.least is not None else value <= self.most


def rate(burst):
    """Millions a second, of all workers."""
    return burst["rate"] / 1e6


def first_rate(burst):
    """Millions a second, of the first worker alone."""
    return burst["rates"][0] / 1e6


def cost(burst):
    """Nanoseconds, of the time in which both work."""
    return 1e9 / burst["rate"]


class Row:
    """One entry, kin, beside others. split: what each worker does, if they do different things."""

    def __init__(self, name, title, bars, value=rate, unit="M/s", kin="kin", rounds=None, split=()):
        self.name, self.title, self.bars, self.value, self.unit, self.kin, self.rounds = name, title, bars, value, unit, kin, rounds
        self.split = split

    def of(self, data, who):
        return "%s %s" % (spread(data.values(who, self.value)), self.unit)

    def judge(self, bursts):
        data, lines = Data(bursts), []
        kin = self.of(data, self.kin) if data.counted(self.kin) else "-"
        for bar in self.bars:
            if bar.peer is None:
                values = data.values(self.kin, self.value)
                met = bar.met(statistics.median(values)) if values else None
                lines.append(Line(self.title, kin, "", "", "%s %s" % (bar.text(), self.unit), met, data.note(self.kin)))
        for who in data.entries:
            if who == self.kin:
                continue
            bar = next((bar for bar in self.bars if bar.peer == who), None)
            ratios = data.ratios(self.kin, who, self.value)
            met = bar.met(statistics.median(ratios)) if bar and ratios else None
            lines.append(Line(self.title, "" if lines else kin, "%s %s" % (who, self.of(data, who)), spread(ratios), bar.text() if bar else "",
                              met, data.note(who) if lines else data.note(self.kin, who)))
        lines = lines or [Line(self.title, kin, note=data.note(self.kin))]
        for index, what in enumerate(self.split):
            for who in data.entries:
                values = data.values(who, lambda burst: burst["rates"][index] / 1e6)
                text = "%s %s" % (spread(values), self.unit)
                lines.append(Line("  of these, " + what, text, "") if who == self.kin else Line("  of these, " + what, "", "%s %s" % (who, text)))
        values = {who: data.values(who, self.value) for who in data.entries}
        return lines, values


class Edit(Row):
    """Entries are numbers of threads, or of items, of one list."""

    def judge(self, bursts):
        data, lines = Data(bursts), []
        for who in data.entries:
            list_name, _, how = who.partition(", ")
            values = data.values(who, cost)
            text = "%s ns" % spread(values)
            bar = next((bar for bar in self.bars if bar.peer is None and who == self.kin), None)
            lines.append(Line("%s, %s" % (self.title, how), bar=bar.text() + " ns" if bar else "", met=bar.met(statistics.median(values)) if bar and values else None,
                              note=data.note(who), **({"kin": text} if list_name == "kin" else {"peer": "%s %s" % (list_name, text)})))
        order = list(dict.fromkeys(line.what for line in lines))
        lines.sort(key=lambda line: order.index(line.what))
        for bar in self.bars:
            if bar.peer:
                above, below, what = bar.peer
                ratios = data.ratios(above, below, lambda burst: cost(burst) if bar.most else rate(burst))
                lines.append(Line("  " + what, spread(ratios), bar=bar.text(), met=bar.met(statistics.median(ratios)) if ratios else None))
        return lines, {who: data.values(who, cost) for who in data.entries}


class Latency(Row):
    SHARES = ("p50", "p99", "p99.9", "p99.99")

    def judge(self, bursts):
        data, lines, values = Data(bursts), [], {}
        for index, share in enumerate(self.SHARES):
            value = lambda burst: burst["latency"][index]
            for who in data.entries:
                values["%s %s" % (share, who)] = data.values(who, value)
                if who == "kin":
                    continue
                ratios = data.ratios("kin", who, value)
                bar = self.bars[0] if share == "p99.99" and who == self.bars[0].peer else None
                lines.append(Line("%s, %s" % (self.title, share), "%s ns" % spread(data.values("kin", value)), "%s %s ns" % (who, spread(data.values(who, value))),
                                  spread(ratios), bar.text() if bar else "", bar.met(statistics.median(ratios)) if bar and ratios else None,
                                  data.note("kin", who) if index == 0 else ""))
        return lines, values


class Course(Row):
    def judge(self, bursts):
        data, lines, values = Data(bursts), [], {}
        seconds = lambda burst: burst["seconds"]
        totals = {}
        for part in dict.fromkeys(burst["part"] for burst in data.bursts):
            of = Data([burst for burst in data.bursts if burst["part"] == part])
            for burst in of.counted("kin"):
                totals.setdefault(burst["round"], []).append(seconds(burst))
            kin = "%s s" % spread(of.values("kin", seconds)) if of.counted("kin") else "-"
            others = [who for who in of.entries if who != "kin"]
            for who in others:
                lines.append(Line("%s: %s" % (self.title, part), kin, "%s %s s" % (who, spread(of.values(who, seconds))),
                                  spread(of.ratios("kin", who, seconds)), note=of.note("kin", who) if who == others[0] else of.note(who)))
            if not others:
                lines.append(Line("%s: %s" % (self.title, part), kin, "arrays: never; TBB: cannot", note=of.note("kin")))
            values.update({"%s %s" % (part, who): of.values(who, seconds) for who in of.entries})
        totals = [sum(times) for times in totals.values() if len(times) == 5]
        bar = self.bars[0]
        lines.append(Line(self.title + ": all five", "%s s" % spread(totals), "", "", bar.text() + " s", bar.met(statistics.median(totals)) if totals else None))
        values["all"] = totals
        return lines, values


class Memory(Row):
    """Bytes an int; the bar on what is left after removing: twice its size."""
    LIMITS = {"appends": 4.2, "inserts, worst": 8, "1 % left": 8, "1 % left, trimmed": 8}

    def judge(self, bursts):
        data, lines, values = Data(bursts), [], {}
        for burst in data.bursts:
            who, when = burst["who"], burst["when"]
            values["%s %s" % (who, when)] = [burst["resident"]]
            text = "%.2f bytes" % burst["resident"]
            note = "(%.2f by its own account; %d ints)" % (burst["own"], burst["items"]) if "own" in burst else "(%d ints)" % burst["items"]
            limit = self.LIMITS.get(when) if who == "kin" else None
            what = "%s: %s" % (self.title, when)
            if who == "kin":
                lines.append(Line(what, text, "", "", "<= %g" % limit if limit else "", burst["resident"] <= limit if limit else None, note))
            else:
                lines.append(Line(what, "", "%s %s" % (who, text), note=note))
        return lines, values


def called(bar, *others):
    """A bar against TBB, inlined as C++ users have it, and once more against TBB behind functions, as all else is used."""
    return [bar, Bar("TBB, called", bar.least, bar.most, bar.aim), *others]


ROWS = [
    Row("append-1", "append, 1 thread", called(Bar("TBB", least=1.5, aim=2))),
    Row("append-2", "append, 2 threads", called(Bar("TBB", least=1.8, aim=4), Bar("mutex", least=1.8))),
    Row("first-2", "remove(0) by both", [Bar(least=60, aim=100)]),
    Row("append-first", "append, other remove(0)", [Bar(least=60, aim=100)], split=("remove(0)", "append")),
    Edit("edit", "insert, remove", [Bar(most=200, aim=120), Bar(("kin, 2 threads", "kin, 1 thread", "speed of 2 threads over 1"), least=0.7, aim=1)],
         kin="kin, 1 thread"),
    Edit("edit-far", "insert, remove", [Bar(("kin, 1e8, 1 thread", "kin, 1e6, 1 thread", "1e8 over 1e6, 1 thread"), most=3),
                                                  Bar(("kin, 1e8, 2 threads", "kin, 1e6, 2 threads", "1e8 over 1e6, 2 threads"), most=3)], rounds=9),
    Row("get-1", "get at random, 1e6, 1 thread", called(Bar("TBB", least=0.8, aim=1))),
    Row("get-2", "get at random, 1e6, 2 threads", called(Bar("TBB", least=0.8, aim=1))),
    Row("get-beside", "get, other inserts and removes", [Bar(least=5)], value=first_rate, split=("get", "insert, remove")),
    Row("order", "get in order", called(Bar("TBB", least=1.2))),
    Row("each", "each, 2.5e7", [Bar("plain array", least=0.5), Bar("TBB", least=1.2)], value=lambda burst: burst["rate"] * 4 / 1e9, unit="GB/s"),
    Row("replace-same", "replace, both the first", [Bar("mutex", least=2, aim=3)]),
    Row("replace-same-middle", "replace, both one inside", [Bar("mutex", least=2, aim=3)]),
    Row("replace-different", "replace, each its own", [Bar("mutex", least=2, aim=3)]),
    Course("course", "course", [Bar(most=15, aim=7)], rounds=3),
    Memory("memory", "bytes an int", [], rounds=1),
    Latency("latency", "append, 2 threads", [Bar("mutex", most=1)]),
    Row("shared-append", "2 processes: append", []),
    Row("shared-first", "2 processes: remove(0) by both", []),
    Row("shared-edit", "2 processes: insert, remove", [], value=cost, unit="ns"),
]
