"""The scenarios of record-several: what several sessions show together, and the innocent twins of it.

Keys of a scenario
  title, why, benign, options
  steps   what happens, in this order. A step is a tuple:
          zones AGE · certs {HOST: NAME} (what the servers show from now on; starts them anew) · down HOST · up
          mitm HOST MODE [ARGUMENT...] and front HOST MODE (mitm.py at its address, before the client's link or part of the server)
          drop HOST (packets to it vanish on the path) · free (no liar and no hole any more)
          send DOMAIN [CLIENT [OPTIONS]] · gap SECONDS (as much later in the capture; the resolver forgets)
  CLIENT  may, dane (Postfix), exim; OPTIONS: second (the other sending MTA), patience (seconds for further attempts), stretch
          (a queue run after the first attempt becomes so many seconds)"""
from several_world import NEW

HOUR, DAY = 3600, 86400
ALL = {}


def scenario(name, title, why, *steps, benign=False, **more):
    ALL["several-" + name] = dict(more, title=title, why=why, steps=steps, benign=benign)


RETRY = {"patience": 20, "stretch": 300}

# ---- TLS fails, and then the mail goes in clear ----

scenario("retry-postfix", "Mail by TLS; a day later handshakes are reset, and Postfix, to whom TLS is welcome, sends in clear from its queue",
         "The order of a Postfix queue: it fails, waits for minimal_backoff_time, fails once more, and goes in clear within the second.\n"
         "Nothing is promised but that it went well the day before. Twin: several-retry-broken.",
         ("send", "alpha.net"), ("gap", DAY), ("mitm", "mx.alpha.net", "reset"), ("send", "alpha.net", "may", RETRY))
scenario("retry-exim", "Mail by TLS; a day later a handshake is reset, and Exim comes back in clear at once",
         "Exim does not wait (tls_tempfail_tryclear): it fails, and goes in clear within the second.",
         ("send", "alpha.net", "exim"), ("gap", DAY), ("mitm", "mx.alpha.net", "reset"), ("send", "alpha.net", "exim", {"patience": 8}))
scenario("retry-dane-postfix", "Handshakes with a DANE host are reset, and Postfix, which does not ask for TLSA, sends in clear from its queue",
         "As several-retry-postfix, where the domain promises TLS (TLSA 3 1 1).",
         ("send", "foxtrot.net"), ("gap", DAY), ("mitm", "mx.foxtrot.net", "reset"), ("send", "foxtrot.net", "may", RETRY))
scenario("retry-broken", "A server whose TLS is broken, for two clients alike, on two days",
         "Both clients fail in the same way and go in clear: the server's own fault. The innocent twin of several-retry-postfix, which the first\n"
         "client alone cannot be told from: what is said of him must not grow with the second.",
         ("front", "mx.echo.org", "reset"), ("send", "echo.org", "may", RETRY), ("gap", 600), ("send", "echo.org", "may", dict(RETRY, second=True)),
         ("gap", DAY), ("send", "echo.org", "may", RETRY), ("gap", 600), ("send", "echo.org", "may", dict(RETRY, second=True)), benign=True)
scenario("retry-dane-waits", "Handshakes with a DANE host are reset, and Postfix, which verifies by DANE, tries again and again, and waits",
         "It never goes in clear: the control held. Three attempts from the queue.",
         ("send", "foxtrot.net", "dane"), ("gap", DAY), ("mitm", "mx.foxtrot.net", "reset"), ("send", "foxtrot.net", "dane", {"patience": 8, "stretch": 300}))

# ---- the certificate becomes another one ----


def renewal(name, title, why, *certs, before=(), benign=True):
    steps = []
    for n, cert in enumerate(certs):
        steps += [("gap", DAY)] * (n > 0) + [("certs", {"mx.alpha.net": cert})] * (n == 0 or cert != certs[n - 1]) + [("send", "alpha.net")]
    scenario("cert-" + name, title, why, *before, *steps, benign=benign)


renewal("new-key", "A certificate is renewed by the same authority, with a new key", "The everyday case.", "alpha-1", "alpha-1", "alpha-2", "alpha-2")
renewal("same-key", "A certificate is renewed by the same authority, and the key stays", "As several-cert-new-key.", "alpha-2", "alpha-2", "alpha-3", "alpha-3")
renewal("self-signed", "A self-signed certificate gives way to another self-signed one of the same name",
        "Nobody can tell this from a stranger's by the certificates alone: there is no authority that says who made it.",
        "alpha", "alpha", "alpha-own-2", "alpha-own-2")
scenario("cert-lookalike", "A certificate with the names of the server's own, subject and issuer, and another key, by another authority of the same name",
         "Somebody on the path shows it; the server's own was seen the two days before. The attack twin of several-cert-new-key.",
         ("certs", {"mx.alpha.net": "alpha-1"}), ("send", "alpha.net"), ("gap", DAY), ("send", "alpha.net"), ("gap", DAY),
         ("mitm", "mx.alpha.net", "intercept", "{work}/certs/alpha-false.pem", "1.2"), ("send", "alpha.net"))

# ---- a domain moves to a provider with DANE ----

scenario("move", "A domain moves to a provider with DANE, step by step",
         "contoso.net in the states M0 to M6: one host in an unsigned zone; its TTL lowered; the new host, signed, behind it; the two changed over;\n"
         "the old one gone; TLSA there; the TTL raised. Postfix verifies by DANE where there is something to verify.",
         ("zones", "m0"), ("send", "contoso.net", "dane"), ("gap", DAY), ("zones", "m1"), ("send", "contoso.net", "dane"), ("gap", 2 * HOUR), ("zones", "m2"),
         ("send", "contoso.net", "dane"), ("gap", HOUR), ("zones", "m3"), ("send", "contoso.net", "dane"), ("gap", HOUR), ("zones", "m4"),
         ("send", "contoso.net", "dane"), ("gap", HOUR), ("zones", "m5"), ("send", "contoso.net", "dane"), ("gap", DAY), ("zones", "m6"),
         ("send", "contoso.net", "dane"), benign=True)
scenario("steered", "Connections to a DANE host vanish on the path, and the mail takes the old MX host that was left beside it",
         "The SYN and its copies go unanswered, and Postfix rightly goes on to the next host, which has no DANE (vector 48): mail that went to\n"
         "the DANE host the day before goes where nobody has to prove who he is. Twin: several-steered-outage.",
         ("zones", "left"), ("send", "contoso.net", "dane"), ("gap", DAY), ("drop", NEW), ("send", "contoso.net", "dane"), options=["-c", "own.yaml"])
scenario("steered-outage", "A DANE host is down, for two clients alike, and the mail takes the next MX host",
         "It refuses connections from everybody, and is back the day after. The benign twin of several-steered.",
         ("zones", "left"), ("send", "contoso.net", "dane"), ("gap", DAY), ("down", NEW), ("send", "contoso.net", "dane"), ("gap", 300),
         ("send", "contoso.net", "dane", {"second": True}), ("gap", DAY), ("up",), ("send", "contoso.net", "dane"), benign=True)

# ---- one device before many servers ----

FIVE = ("alpha.net", "bravo.net", "charlie.net", "delta.org", "echo.org")


def all_five(**more):
    return tuple(("send", d, "may", more) for d in FIVE)


scenario("masked-five", "STARTTLS of five servers that have nothing to do with one another is masked within minutes",
         "The day before all five offered TLS. One device near the client. Twin: several-masked-one.",
         *all_five(), ("gap", DAY), *(("mitm", "mx." + d, "mask") for d in FIVE), *all_five())
scenario("masked-one", "STARTTLS of one server of five is masked", "The others go on as the day before: it is the path to that one, or the server itself.",
         *all_five(), ("gap", DAY), ("mitm", "mx.charlie.net", "mask"), *all_five())
THREE = FIVE[:3]
scenario("inspected-three", "Three servers show certificates of one unknown authority on the same day",
         "The day before each showed its own. Twin: several-hoster.",
         *(("send", d) for d in THREE), ("gap", DAY),
         *(("mitm", "mx." + d, "intercept", "{work}/certs/" + d.split(".")[0] + "-made.pem", "1.2") for d in THREE), *(("send", d) for d in THREE))
scenario("hoster", "Three domains at one hoster, who shows one certificate with all their names", "On both days. The benign twin of several-inspected-three.",
         ("certs", {"mx." + d: "hoster" for d in THREE}), *(("send", d) for d in THREE), ("gap", DAY), *(("send", d) for d in THREE), benign=True)

