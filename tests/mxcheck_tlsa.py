#!/usr/bin/env python3
"""mxcheck tlsa against what openssl's own commands make of the same certificates.

usage: mxcheck_tlsa.py MXCHECK
Needs openssl. Ends in "mxcheck tlsa: N passed, N failed"."""
import hashlib
import os
import subprocess
import sys
import tempfile

results = {"passed": 0, "failed": 0}


def check(what, holds, seen=""):
    results["passed" if holds else "failed"] += 1
    if not holds:
        print("FAILED: %s\n        %s" % (what, seen))


def openssl(*args, data=None):
    return subprocess.run(("openssl",) + args, check=True, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def self_signed(name, subject, *more):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".pem",
            "-days", "30", "-utf8", "-subj", subject, *more)


def certificates():
    self_signed("ca", "/CN=test ca")
    self_signed("own", "/CN=own", "-addext", "subjectAltName=DNS:mx.own.example")
    self_signed("odd", "/CN=a\n_25._tcp.evil.example. IN TLSA 3 1 1 00")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem", "-days", "30")
    for name, parts in (("chain", ("leaf.pem", "ca.pem")), ("keyed", ("leaf.key", "leaf.pem")), ("many", ("leaf.pem",) * 65)):
        with open(name + ".pem", "w") as f:
            f.write("".join(open(p).read() for p in parts))
    with open("broken.pem", "w") as f:
        f.write(open("leaf.pem").read() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with open("none.pem", "w") as f:
        f.write("nothing\n")


def data(name, selector, kind):
    if selector == 0:
        octets = openssl("x509", "-in", name + ".pem", "-outform", "DER")
    else:
        octets = openssl("pkey", "-pubin", "-outform", "DER", data=openssl("x509", "-in", name + ".pem", "-noout", "-pubkey"))
    return {0: octets.hex(), 1: hashlib.sha256(octets).hexdigest(), 2: hashlib.sha512(octets).hexdigest()}[kind]


def main():
    mxcheck = os.path.abspath(sys.argv[1])

    def call(*args):
        p = subprocess.run((mxcheck, "tlsa") + args, capture_output=True, text=True, timeout=20)
        return p.returncode, [x for x in p.stdout.splitlines() if not x.startswith(";")], p.stderr, p.stdout

    def gives(what, records, *args):
        got = call(*args)
        check(what, got[0] == 0 and got[1] == records, "%s, not %s" % (got, records))

    def fails(what, message, *args):
        got = call(*args)
        check(what, got[0] == 2 and message in got[2] and not got[3], got)

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        certificates()
        leaf, ca = "TLSA 3 1 1 " + data("leaf", 1, 1), "TLSA 2 1 1 " + data("ca", 1, 1)
        gives("a server's certificate", [leaf], "leaf.pem")
        gives("an authority's", [ca], "ca.pem")
        gives("a chain", [leaf, ca], "chain.pem")
        gives("two files", [ca, leaf], "ca.pem", "leaf.pem")
        gives("behind a private key", [leaf], "keyed.pem")
        gives("a server's own, self-signed", ["TLSA 3 1 1 " + data("own", 1, 1)], "own.pem")
        gives("an owner", ["_25._tcp.mx.own.example. IN " + leaf], "--host", "MX.own.example.", "leaf.pem")
        gives("another port", ["_465._tcp.mx.own.example. IN " + leaf], "--host", "mx.own.example", "--port", "465", "leaf.pem")
        gives("usage 3 of a chain", [leaf], "--usage", "3", "chain.pem")
        gives("usage 2 of a chain", [ca], "--usage", "2", "chain.pem")
        for selector in (0, 1):
            for kind in (0, 1, 2):
                gives("selector %d type %d" % (selector, kind), ["TLSA 3 %d %d %s" % (selector, kind, data("leaf", selector, kind))],
                      "--selector", str(selector), "--type", str(kind), "leaf.pem")
        got = call("odd.pem")
        check("a subject with a line break stays in its comment", got[0] == 0 and len(got[1]) == 1 and "evil" not in got[1][0] and "evil" in got[3], got)
        check("the last day", "; not after " in call("leaf.pem")[3])
        fails("usage 1", "RFC 7672", "--usage", "1", "leaf.pem")
        fails("usage 2 without an authority", "is an authority's", "--usage", "2", "leaf.pem")
        fails("a selector that is none", "--selector 2", "--selector", "2", "leaf.pem")
        fails("a type that is none", "--type x", "--type", "x", "leaf.pem")
        fails("a port that is none", "--port 0", "--port", "0", "leaf.pem")
        fails("a host that is none", "--host", "--host", "a b", "leaf.pem")
        fails("an option that is none", "no such option", "--what", "leaf.pem")
        fails("no file", "name a file")
        fails("a file that is not there", "cannot be opened", "absent.pem")
        fails("no certificate", "no certificate in PEM", "none.pem")
        fails("a broken one behind a good one", "certificate 2 cannot be read", "broken.pem")
        fails("a good file before a bad one prints nothing", "cannot be opened", "leaf.pem", "absent.pem")
        fails("too many", "more than 64", "many.pem")
        check("help", "usage: mxcheck tlsa" in call("--help")[3])
        os.chdir("/")
    print("mxcheck tlsa: %(passed)d passed, %(failed)d failed" % results)
    return 1 if results["failed"] else 0


sys.exit(main())
