#!/usr/bin/env python3
"""contrib.py PROGRAM: the texts under contrib/ can be read, and what they name of mxwitness exists."""
import configparser
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
passed = failed = skipped = 0


def check(what, good, detail=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED {what}\n{detail}")


def text(name):
    with open(os.path.join(TOP, "contrib", name), encoding="utf-8") as f:
        return f.read()


def fields(program):
    out = subprocess.run([program, "rules", "fields", "--format", "tsv"], capture_output=True, text=True, timeout=60, check=True)
    return {line.split("\t")[0].replace("[]", "") for line in out.stdout.splitlines()[1:]}


def metrics():
    with open(os.path.join(TOP, "sensor", "metrics.def"), encoding="utf-8") as f:
        rows = re.findall(r'^METRIC\("(\w+)", (\w+), \w+, \w+, "(\w*)", (\w+), "([^\n]*?)", "', f.read(), re.M)
    labels = {}
    for name, kind, label, by, fixed in rows:
        known = labels.setdefault(name + ("_bucket" if kind == "HISTOGRAM" else ""), set())
        known |= {label} if label else set()
        known |= set(re.findall(r"(\w+)=", fixed)) | ({fixed} if re.fullmatch(r"\w+", fixed) else set())
    return labels


def splunk(names):
    props = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    props.optionxform = str
    props.read_string(text("splunk/props.conf"))
    aliases = {k: v for k, v in props["mxwitness"].items() if k.startswith("FIELDALIAS-")}
    check("splunk: aliases", len(aliases) > 10)
    for key, value in aliases.items():
        m = re.fullmatch(r'"([\w.]+)" AS \w+', value)
        check(f"splunk: {key} = {value}", m and m.group(1) in names)
    check("splunk: the alert's dataset", '"mxwitness.alert"' in text("splunk/eventtypes.conf"))


def yaml_texts(names):
    global skipped
    check("filebeat: the document's id", re.search(r'document_id: "([\w.]+)"', text("filebeat/filebeat.yml")).group(1) in names)
    check("vector: the document's id", re.search(r"\.id = \.([\w.]+)", text("vector/vector.yaml")).group(1) in names)
    try:
        import yaml
    except ImportError:
        skipped += 1
        return
    for name in ("filebeat/filebeat.yml", "vector/vector.yaml"):
        check(f"{name} is YAML", isinstance(yaml.safe_load(text(name)), dict))


def dashboard():
    known = metrics()
    board = json.loads(text("grafana/mxwitness.json"))
    expressions = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
    check("grafana: expressions", len(expressions) > 10)
    for e in expressions:
        used = re.findall(r"mxwitness_\w+", e)
        check(f"grafana: metrics of {e}", used and all(u in known for u in used))
        for group in re.findall(r"by \(([^)]*)\)", e):
            lacks = [x for x in group.split(", ") if x not in set().union(*(known.get(u, set()) for u in used))]
            check(f"grafana: labels of {e}", not lacks, lacks)
    ids = [p["id"] for p in board["panels"]]
    check("grafana: ids of panels", len(set(ids)) == len(ids))


def logrotate():
    global skipped
    program = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin")
    if not program:
        skipped += 1
        return
    r = subprocess.run([program, "--debug", "--state", "/dev/null", os.path.join(TOP, "contrib", "logrotate", "mxwitness")],
                       capture_output=True, text=True, timeout=60, check=False)
    check("logrotate: reads it", r.returncode == 0 and "error:" not in r.stderr, r.stderr)


names = fields(os.path.abspath(sys.argv[1]))
splunk(names)
yaml_texts(names)
dashboard()
logrotate()
print(f"contrib: {passed} passed, {failed} failed" + (f", {skipped} skipped (no logrotate, or no YAML for Python)" if skipped else ""))
sys.exit(failed > 0)
