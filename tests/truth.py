#!/usr/bin/env python3
"""The public captures against a truth table that another tool made (tshark and openssl; see its COLUMNS.tsv).

usage: truth.py MXWITNESS FOLDER    where FOLDER holds truth.tsv and the captures; "skipped" when it is not there.
All rows of kind smtp, smtp+tls and smtps are compared: session, STARTTLS offered, asked and answered, TLS version,
cipher, SNI, certificate SHA-256, mail domains, AUTH mechanism."""
import csv
import json
import os
import subprocess
import sys

KINDS = ("smtp", "smtp+tls", "smtps")


def get(event, name):
    for part in name.split("."):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def domains(text):
    return [d for d in text.split(";") if d and d != "(no-domain)"]


def checks(row, session):
    """(what, expected, got) of one row; an empty cell of the table was not determined."""
    offered = {"yes": True, "no": False, "unseen": None, "": None}[row["starttls_offered"]]
    # without an accepted EHLO there is no list in which STARTTLS could stand: the table says no, we say unseen
    no_list = row["helo"] in ("HELO", "EHLO+HELO")
    out = [("starttls.offered", None if no_list else offered, get(session, "mxwitness.smtp.starttls.offered"))]
    if row["starttls_requested"]:
        out.append(("starttls.requested", row["starttls_requested"] == "yes",
                    bool(get(session, "mxwitness.smtp.starttls.requested"))))
    if row["starttls_reply"]:
        out.append(("reply_code", int(row["starttls_reply"]), get(session, "mxwitness.smtp.starttls.reply_code")))
    version = row["tls_version"].replace("TLS", "")
    out.append(("tls.version", None if version in ("none", "client-hello-only", "") else version,
                get(session, "tls.version")))
    if row["cipher"]:
        out.append(("cipher", row["cipher"].split()[1], get(session, "tls.cipher")))
    if row["sni"]:
        out.append(("sni", row["sni"], get(session, "tls.client.server_name")))
    if row["cert_sha256"]:
        out.append(("certificate", row["cert_sha256"].upper(), get(session, "tls.server.hash.sha256")))
        out.append(("chain", int(row["certs_in_chain"]), get(session, "mxwitness.tls.chain_length")))
    if row["greeting"]:
        banner = get(session, "mxwitness.smtp.banner") or ""  # the table shows "220-" as "220 "
        out.append(("banner", row["greeting"][4:60], banner[4:60]))
    out.append(("mail domains", sorted(domains(row["mail_from_domains"])),
                sorted(get(session, "mxwitness.smtp.mail_from_domain") or [])))
    out.append(("rcpt domains", sorted(domains(row["rcpt_domains"])),
                sorted(get(session, "mxwitness.smtp.rcpt_domains") or [])))
    mechanism = row["auth_in_clear"].split(" ")[0]
    out.append(("auth", None if mechanism in ("none", "") else mechanism, get(session, "mxwitness.smtp.auth.mechanism")))
    keywords = [n.split("=", 1)[1] for n in row["notes"].split("; ") if n.startswith("ehlo-keywords=")]
    if keywords and len(keywords[0]) < 155:
        out.append(("keywords", keywords[0].split(","), get(session, "mxwitness.smtp.ehlo_keywords")))
    return out


# Nobody promised anything there, and what proves itself is a password and port 465 in clear: all alerts that may be.
LOUD = {("auth-cram-md5.pcap", "auth-in-clear"), ("starttls-offered-auth-plain-587.pcap", "auth-in-clear"),
        ("smtps465-plaintext-banner.pcap", "implicit-tls-missing")}


def alarms(name, events):
    """Alerts of level medium or above against those that there should be."""
    loud = {(name, get(e, "rule.id")) for e in events if get(e, "mxwitness.alert.level") in ("medium", "high", "critical")}
    wanted = {w for w in LOUD if w[0] == name}
    return [f"alerts of level medium or above: {sorted(loud)}, expected {sorted(wanted)}"] if loud != wanted else []


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    if not os.path.exists(os.path.join(folder, "truth.tsv")):
        print("truth: 0 passed, 0 failed, 1 skipped (the folder of public captures is not here)")
        return 0
    with open(os.path.join(folder, "truth.tsv"), encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE)]
    passed = failed = 0
    for name in sorted({r["file"] for r in rows}):
        mine = [r for r in rows if r["file"] == name and r["kind"] in KINDS]
        done = subprocess.run([program, "read", "--format", "ndjson", "--dns", "off", os.path.join(folder, name)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        sessions = {(get(e, "source.ip"), get(e, "source.port")): e for e in events
                    if get(e, "event.dataset") == "mxwitness.session"}
        problems = [] if done.returncode in (0, 1) and not done.stderr else [done.stderr.decode(errors="replace")]
        if len(sessions) != len(mine):
            problems.append(f"{len(sessions)} sessions, expected {len(mine)}")
        for row in mine:
            session = sessions.get((row["client"], int(row["client_port"])))
            if session is None:
                problems.append(f"no session from {row['client']}:{row['client_port']}")
                continue
            problems += [f"{row['client_port']}: {what} is {got!r}, the table says {want!r}"
                         for what, want, got in checks(row, session) if want != got]
        problems += alarms(name, events)
        for p in problems:
            print(f"{name}: {p}")
        passed += not problems
        failed += bool(problems)
    print(f"truth: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
