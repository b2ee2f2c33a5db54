#!/usr/bin/env python3
"""Events against schema/event.schema.json, by a validator that is none of ours; that the committed schema and index
template are what the program prints; and that the schema refuses what is no event. The same events' other names are
held against the published ECS field list, where that is here (ecs.py).

usage: schema.py MXWITNESS ECS_FIELDS_CSV [SHARE]     every SHARE-th capture, default 1: all"""
import collections
import copy
import csv
import glob
import json
import os
import subprocess
import sys

import ecs

try:
    import jsonschema
except ImportError:
    print("schema: 0 passed, 0 failed, 1 skipped (python3-jsonschema is not here)")
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
passed = failed = skipped = 0


def check(what, good, detail=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED {what}\n{detail}")


def committed(program, name, form):
    out = subprocess.run([program, "rules", "fields", "--format", form], capture_output=True, timeout=60, check=False)
    with open(os.path.join(TOP, name), "rb") as f:
        check(f"{name} is what the program prints; `make docs` writes it anew", out.returncode == 0 and f.read() == out.stdout)
    return json.loads(out.stdout)


def closed(node, path, open_parts):
    """Every object under mxwitness says that it holds nothing else."""
    if node.get("type") == "object" and node.get("additionalProperties") is not False:
        open_parts.append(path)
    for name, below in node.get("properties", {}).items():
        closed(below, f"{path}.{name}", open_parts)
    if "items" in node:
        closed(node["items"], path + "[]", open_parts)


def leaves(node, path=""):
    """Dotted names of a template's mapping, and their types."""
    for name, below in node["properties"].items():
        here = f"{path}.{name}" if path else name
        if "properties" in below:
            yield from leaves(below, here)
        else:
            yield here, below["type"]


def template_has_all(program, template):
    out = subprocess.run([program, "rules", "fields", "--format", "tsv"], capture_output=True, text=True, timeout=60, check=True)
    names = [line.split("\t")[0].replace("[]", "") for line in out.stdout.splitlines()[1:]]
    mapping = template["template"]["mappings"]
    check("template: every field, in the table's order", [n for n, _ in leaves(mapping)] == names)
    check("template: what is not known under mxwitness is kept and not indexed",
          mapping["properties"]["mxwitness"]["dynamic"] is False)


def changed(event, path, value):
    """A copy of event with one member set, or taken out when value is None."""
    event = copy.deepcopy(event)
    *objects, last = path.split(".")
    node = event
    for part in objects:
        node = node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return event


REFUSED = [  # dataset, member, value (None: taken out)
    ("session", "mxwitness.new_thing", 1), ("session", "mxwitness.capture.new_thing", 1),
    ("session", "mxwitness.verdict", "fine"), ("session", "mxwitness.verdict", None),
    ("session", "mxwitness.schema", None), ("session", "mxwitness.schema", 1),
    ("session", "@timestamp", None), ("session", "@timestamp", "yesterday"), ("session", "@timestamp", 5),
    ("session", "event.kind", "alert"), ("session", "event.dataset", "mxwitness.other"), ("session", "event.dataset", None),
    ("session", "event.category", "network"), ("session", "event.duration", "5"), ("session", "event.duration", 2**60),
    ("session", "source.ip", "192.0.2.300"), ("session", "source.port", 25.5), ("session", "tls.established", "true"),
    ("session", "message", "x" * 2049), ("session", "observer.version", None), ("session", "mxwitness", None),
    ("alert", "rule", None), ("alert", "event.severity", None), ("alert", "event.kind", "event"),
    ("alert", "mxwitness.alert", None), ("alert", "mxwitness.alert.level", "terrible"),
    ("stats", "mxwitness.stats", None), ("stats", "event.kind", "event"), ("stats", "mxwitness.stats.new_thing", 1),
]


def refuses(validator, examples):
    for dataset, member, value in REFUSED:
        event = examples.get(dataset)
        if not event:
            check(f"a {dataset} event is among the captures'", False)
            continue
        bad = changed(event, member, value)
        check(f"refused: {dataset} with {member} {'missing' if value is None else value}", not validator.is_valid(bad))
    event = changed(examples["session"], "labels", {"site": "x"})
    check("taken: what a pipeline adds outside mxwitness", validator.is_valid(event))


def problems(validator, fields, line, examples):
    event = json.loads(line)
    examples.setdefault(event["event"]["dataset"].rpartition(".")[2], event)
    found = [f"{'.'.join(map(str, e.absolute_path)) or 'event'}: {e.message[:200]}" for e in validator.iter_errors(event)]
    return found + (ecs.problems_of(line, fields) if fields else [])


def read(program, capture):
    done = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor", os.path.join(HERE, "pcaps", "root.anchor"),
                           capture], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False)
    return done.stdout.decode().splitlines()


def main():
    global skipped
    program, listing = os.path.abspath(sys.argv[1]), sys.argv[2]
    share = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    schema = committed(program, "schema/event.schema.json", "schema")
    template_has_all(program, committed(program, "contrib/elasticsearch/index-template.json", "template"))
    jsonschema.Draft202012Validator.check_schema(schema)
    open_parts = []
    closed(schema["properties"]["mxwitness"], "mxwitness", open_parts)
    check("schema: closed everywhere under mxwitness", not open_parts, open_parts)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["ipv4", "ipv6"]))
    fields = None
    if os.path.exists(listing):
        with open(listing, encoding="utf-8", newline="") as f:
            fields = {row["Field"]: row.get("Normalization", "") for row in csv.DictReader(f)}
    else:
        skipped += 1
    examples, events = {}, collections.Counter()
    for capture in sorted(glob.glob(os.path.join(HERE, "pcaps", "**", "*.pcap*"), recursive=True))[::share]:
        lines = read(program, capture)
        events["all"] += len(lines)
        found = sorted({p for line in lines for p in problems(validator, fields, line, examples)})
        check(os.path.basename(capture), lines and not found, "\n".join(found[:10]) or "no event")
    refuses(validator, examples)
    print(f"{events['all']} events of {', '.join(sorted(examples))}")
    print(f"schema: {passed} passed, {failed} failed" + (f", {skipped} skipped (the ECS field list is not here)" if skipped else ""))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
