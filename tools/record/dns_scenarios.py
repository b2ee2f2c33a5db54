"""The scenarios of record-dns: how the DNS beside a session came about, and what a sensor on the link must make of it.

Keys of a scenario
  title, why, domain; rcpt (another mail domain), resolver (dns_world.resolver: unbound large bind knot forward stub)
  liar        arguments of dns_liar.py, which stands in front of the zones' name server, or where the resolver is "forward"
              or "stub" in front of the recursive resolver
  client      postfix (DANE) or swaks (does not ask for TLSA; says SNI if one is given as sni); cert: the server's
  before      what happens before the capture begins; kept apart as NAME-side when side is set
  steps       what happens, default: send. A step is a tuple:
              send · ask NAME TYPE · ask-at ADDRESS NAME TYPE (not through the resolver) · zones AGE · cert NAME · resolver
              (a new one, with an empty cache) · wait SECONDS
  expected    facts, findings, verdict (one session) or sessions; options; benign"""
from scenarios import REJECTED, finding
from world import ROOT_NS, TLD_NS
import dns_world

ALL = {}
LEAF, FAR = dns_world.LEAF_NS, dns_world.RECURSIVE


def tls(dane, expectation="none", **more):
    facts = {"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.reply_code": 220, "tls.established": True, "tls.version": "1.2",
             "mxwitness.tls.certificate_visibility": "visible", "mxwitness.dane.verdict": dane,
             "mxwitness.expectation.strongest": expectation}
    facts.update(more)
    return facts


def scenario(name, title, domain, why, facts=None, **more):
    s = dict(more, title=title, domain=domain, why=why)
    if facts:
        s["facts"] = facts
    s.setdefault("benign", not any(f.get("level", "high") not in ("low", "informational") for one in s.get("sessions", [s]) for f in one.get("findings", [])))
    ALL["dns-" + name] = s


def matched(name, title, domain, why, base=None, **more):
    base = base or "mx." + domain
    scenario(name, title, domain, why, tls("match", "dane", **{
        "mxwitness.dane.matched": "3 1 1", "mxwitness.dane.base_domain": base, "tls.client.server_name": base,
        "mxwitness.outcome": "tls-ok"}), verdict="authenticated", **more)


def judged(dane, expectation, verdict, findings=(), **more):
    return {"facts": tls(dane, expectation, **more), "findings": list(findings), "verdict": verdict}


# ---- how the answers came ----

matched("unbound-minimised", "Unbound walks from the root and says of a name only what each server needs", "alpha.net",
        "QNAME minimisation (RFC 9156): the questions on the link are others than those of the sender.")
matched("bind-cold", "BIND 9 walks from the root", "alpha.net", "A second maker: other questions, cookies, priming.", resolver="bind")
matched("bind-nsec3", "BIND 9, a zone of RSA keys and NSEC3", "victor.net", "As dns-bind-cold.", resolver="bind")
matched("knot-cold", "Knot Resolver walks from the root", "alpha.net", "A third maker.", resolver="knot", steps=[("resolver",), ("send",)])
matched("knot-cname", "Knot Resolver, and the MX host is an alias into another zone", "india.net", "As dns-cname-zones.",
        base="mx.juliet.org", resolver="knot", steps=[("resolver",), ("send",)])
matched("forward", "Unbound that validates and forwards to a resolver on the other side of the link", "alpha.net",
        "No referral crosses the link: DS and DNSKEY are asked for by name.", resolver="forward")


def missing(what):
    """Facts of a session for which the capture lacks a proof: which one is said."""
    return tls("incomplete", **{"mxwitness.dane.variant": None, "mxwitness.dane.usable": None,
                                "mxwitness.dane.why": what + " not in the capture"})


ROOT_KEY = missing("A mx.alpha.net: DNSKEY of .")
scenario("stub", "The MTA's own stub asks a resolver on the other side of the link, with DO", "alpha.net",
         "The signatures cross, the keys do not: nobody asked for them. Not provable from here, and not bogus.",
         ROOT_KEY, resolver="stub", verdict="encrypted")
ASK_KEYS = [("ask", n, t) for n, t in ((".", "DNSKEY"), ("net", "DS"), ("net", "DNSKEY"), ("alpha.net", "DS"), ("alpha.net", "DNSKEY"))]
matched("stub-keys", "The same, and another program behind the link asks for the keys", "alpha.net",
        "Whoever asked: what is signed is true.", resolver="stub", steps=[("send",)] + [("ask-at", FAR) + s[1:] for s in ASK_KEYS])
WARM = [("ask", "alpha.net", "MX"), ("ask", "mx.alpha.net", "A"), ("ask", "_25._tcp.mx.alpha.net", "TLSA")]
scenario("warm", "The resolver knew everything before the capture began", "alpha.net",
         "No DNS on the link: incomplete, never bogus, and no verdict is made up.", missing("A mx.alpha.net: A of mx.alpha.net"), before=WARM, side=True,
         verdict="encrypted")
matched("warm-from", "The same capture, with the DNS of the resolver's own capture beside it", "alpha.net",
        "--dns-from brings the proofs that passed before.", same_as="dns-warm", options=["--dns-from", "dns-warm-side.pcapng"])
scenario("warm-keys", "The resolver knew the keys before the capture began, and asks for the rest", "alpha.net",
         "Signed answers cross without the keys that prove them.", ROOT_KEY,
         before=[("ask", "november.net", "MX"), ("ask", "alpha.net", "NS"), ("ask", "alpha.net", "DNSKEY")], verdict="encrypted")
scenario("warm-tlsa", "The resolver knew TLSA before the capture began; all else is on the link", "alpha.net",
         "What is missing is the TLSA RRset itself: nobody may take it for absent.", missing("TLSA _25._tcp.mx.alpha.net: TLSA of _25._tcp.mx.alpha.net"),
         before=[("ask", "_25._tcp.mx.alpha.net", "TLSA")], verdict="encrypted",
         steps=[("send",)] + [("ask-at", at, n, t) for at, n, t in ((ROOT_NS, ".", "DNSKEY"), (ROOT_NS, "net", "DS"), (TLD_NS, "net", "DNSKEY"),
                                                                    (TLD_NS, "alpha.net", "DS"), (LEAF, "alpha.net", "DNSKEY"))])
matched("tcp", "Forty TLSA records: UDP is cut, TCP brings them", "delta.net", "RFC 7766.")
matched("fragments", "Forty TLSA records in UDP fragments", "delta.net", "EDNS of 4096 octets: the answer is larger than the link's frames.",
        resolver="large")

# ---- what a zone can be ----

scenario("optout-unsigned", "An unsigned zone in an opt-out span, with TLSA records of another key", "echo.info",
         "The span proves that the delegation may be unsigned: what stands there counts for nothing.", tls("insecure"), verdict="encrypted")
matched("optout-signed", "A signed zone below an opt-out zone", "foxtrot.info", "Its DS is signed; opt-out does not touch it.")
scenario("optout-denial", "TLSA denied by a zone that signs with opt-out itself", "golf.net",
         "RFC 5155 9.2: the span denies nothing for sure; insecure, not absent.", tls("insecure"), verdict="encrypted")
matched("wildcard-tlsa", "The TLSA record stands at a wildcard", "hotel.org", "The proof that no nearer name exists belongs to it.")
matched("wildcard-mx", "The MX record stands at a wildcard, TLSA too", "hotel.org", "As dns-wildcard-tlsa.", rcpt="some.lists.hotel.org")
matched("cname-zones", "The MX host is an alias into another signed zone", "india.net",
        "RFC 7672 2.2.2: TLSA stands at the target; that of the alias, another key, is not asked for.", base="mx.juliet.org")
matched("tlsa-cname-zones", "The owner of TLSA is an alias into another signed zone", "kilo.net", "The base domain stays that of the MX host.")
matched("island-domain", "An unsigned domain whose MX host is signed", "lima.info",
        "The host's promise holds, the way to it is not proved (RFC 7672 2.2.1).", base="mx.juliet.org")
scenario("island-host", "A signed domain whose MX host is in an unsigned zone", "mike.net", "The address is insecure: TLSA is not asked for.",
         tls("insecure"), verdict="encrypted")
matched("ed25519", "A zone signed with Ed25519", "bravo.org", "RFC 8080.")
matched("rsasha1", "A zone signed with RSASHA1", "charlie.org", "The validator still takes SHA-1; RFC 9905 tells others not to.")

# ---- who lies ----

BOGUS = [{"id": "dnssec-bogus", "level": "high"}]
SUPPRESSED = finding("dns-answer-conflict", "high", "strong", "tlsa-suppressed")


def lied(name, title, mode, why, dane, findings, **more):
    facts = more.pop("facts", None) or tls(dane, **{"mxwitness.expectation.strongest": None})
    if facts["mxwitness.expectation.strongest"] is None:
        del facts["mxwitness.expectation.strongest"]
    scenario(name, title, "alpha.net", why, facts, liar=mode, client="swaks", sni="mx.alpha.net", findings=findings,
             steps=[("ask", "alpha.net", "MX"), ("ask", "mx.alpha.net", "A"), ("ask", "_25._tcp.mx.alpha.net", "TLSA"), ("send",)], **more)


TRUE = tls("match", "dane", **{"mxwitness.dane.matched": "3 1 1"})
lied("altered", "TLSA answers are altered on the path", ["alter"], "No answer validates; mail is sent by a sender that does not look.", "bogus", BOGUS)
CONTRADICTS = [finding("dns-answer-conflict", "high", "proof", "contradiction")]
lied("altered-once", "The first TLSA answer is altered on the path, the next is true", ["alter", "1"],
     "The resolver asks again, and so do we: the true answer is in the capture. The certificate is judged by it; that somebody lied is reported.",
     "match", CONTRADICTS, facts=dict(TRUE), verdict="intercepted")
lied("race", "A forged TLSA answer comes before the true one", ["race"],
     "Two answers to one question, and the one that came first does not validate: as dns-altered-once.", "match", CONTRADICTS, facts=dict(TRUE),
     verdict="intercepted")
for MODE, WHAT in (("nxdomain", "denied without proof"), ("nodata", "left out of an empty answer"), ("servfail", "answered SERVFAIL"),
                   ("refused", "answered REFUSED"), ("silent", "never answered")):
    lied("suppressed-" + MODE, f"TLSA is {WHAT}", [MODE], "Without the proof of absence nothing is absent; what was withheld is not in the capture.",
         "lookup-failed" if MODE in ("servfail", "refused") else "incomplete", [], verdict="encrypted")
lied("suppressed-from", "TLSA is denied without proof, and another capture has the truth", ["nxdomain"],
     "What was withheld here was published then.", "match", [SUPPRESSED], same_as="dns-suppressed-nxdomain",
     facts=dict(TRUE), options=["--dns-from", "dns-unbound-minimised.pcapng"])

lied("dropped-from", "TLSA is never answered, and another capture has the truth", ["silent"], "As dns-suppressed-from: asked again and again, in vain.",
     "match", [SUPPRESSED], same_as="dns-suppressed-silent", facts=dict(TRUE, **{"mxwitness.dns.conflict.how": "unanswered"}),
     options=["--dns-from", "dns-unbound-minimised.pcapng"])

# ---- what changes inside a capture ----

MATCH = judged("match", "dane", "authenticated", **{"mxwitness.dane.matched": "3 1 1"})
scenario("keys-roll", "A zone changes all its keys between two sessions", "oscar.net",
         "Old keys prove the old answers, new keys the new ones; the capture holds both.",
         sessions=[MATCH, MATCH], steps=[("send",), ("zones", "next"), ("resolver",), ("send",)])
scenario("tlsa-roll", "Certificate and TLSA record change between two sessions", "papa.net", "Each session is judged by what was published then.",
         sessions=[MATCH, MATCH], steps=[("send",), ("wait", 1), ("zones", "next"), ("cert", "next"), ("resolver",), ("send",)])
REFUSED = [finding("tlsa-mismatch", "medium", "strong", "transitional-early"), REJECTED]
scenario("tlsa-early", "The certificate changes before the TLSA record does", "papa.net",
         "The sender refuses; the record that fits comes later in the capture: no attack, a roll-over in the wrong order.",
         sessions=[MATCH, judged("mismatch-transitional", "dane", "misconfigured", REFUSED, **{"mxwitness.dane.variant": "transitional-early"}), MATCH],
         steps=[("send",), ("cert", "next"), ("send",), ("wait", 1), ("zones", "next"), ("resolver",), ("send",)])
scenario("tlsa-late", "The TLSA record changes, and the server keeps its certificate", "papa.net",
         "The sender still knows the old record, within its TTL; another asks and sees the new one.",
         sessions=[MATCH, judged("mismatch-transitional", "dane", "misconfigured", [finding("tlsa-mismatch", "medium", "strong", "transitional-old")],
                                 **{"mxwitness.dane.variant": "transitional-old"})],
         steps=[("send",), ("zones", "next"), ("wait", 1), ("ask-at", LEAF, "_25._tcp.mx.papa.net", "TLSA"), ("wait", 1), ("send",)])
