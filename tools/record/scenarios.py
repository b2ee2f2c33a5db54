"""The scenarios: who sends to whom, who lies, and what a sensor on the client's link must say of it.

Keys of a scenario
  title, domain, why (sentences of the story), demo, benign
  client      postfix exim opensmtpd swaks talk openssl, with client_more; times, patience (seconds for further attempts),
              say (standard input of openssl), rcpt (another mail domain), ask (domains asked for beforehand)
  server      postfix exim opensmtpd, with server_more; cert (file name in certs/), no_tls, port, v6, auth, acl, host (its name)
  liars       mitm [mode, arguments] on the path, front [mode] before an honest but odd server (both mitm.py), side [mode,
              arguments] (side.py); tap: "server" to record behind the attacker
  expected    facts, findings, verdict (one session) or sessions (several); options; beside (texts) and keep (files from
              certs/) to stand beside the captures"""
import world

DANE = "smtp_tls_security_level = dane\n"
ASKING = "smtp_tls_security_level = may\nsmtp_tls_exclude_ciphers = aNULL\nsmtp_tls_servername = hostname\n"
CLEAR = "smtp_tls_security_level = none\n"
ONLY12 = "smtpd_tls_protocols = TLSv1.2\n"
CLIENT12 = "smtp_tls_protocols = TLSv1.2\nsmtp_tls_mandatory_protocols = TLSv1.2\n"
ALL = {}


def scenario(name, title, domain, **more):
    ALL[name] = dict(more, title=title, domain=domain)


def finding(name, level, certainty, variant=None):
    f = {"id": name, "level": level, "certainty": certainty}
    if variant:
        f["variant"] = variant
    return f


def secured(domain, version, dane, strongest, outcome="tls-ok", sni=True, **more):
    """Facts of a session that offered, asked for and reached TLS."""
    facts = {"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True,
             "mxwitness.smtp.starttls.reply_code": 220, "tls.established": True, "tls.version": version,
             "mxwitness.dane.verdict": dane, "mxwitness.expectation.strongest": strongest, "mxwitness.outcome": outcome,
             "tls.client.server_name": None}
    if sni:
        facts["tls.client.server_name"] = "mta.hotel.org" if domain == "hotel.org" else world.mx_host(domain)
    facts["mxwitness.tls.certificate_visibility"] = "hidden" if version == "1.3" else "visible"
    facts.update(more)
    return facts


def clear(domain, dane, strongest, offered=False, requested=False, outcome="clear-content", **more):
    """Facts of a session that stayed in clear."""
    facts = {"mxwitness.smtp.starttls.offered": offered, "mxwitness.smtp.starttls.requested": requested,
             "tls.version": None, "mxwitness.dane.verdict": dane, "mxwitness.expectation.strongest": strongest,
             "mxwitness.outcome": outcome}
    if outcome == "clear-content":
        facts["mxwitness.smtp.rcpt_domains"] = [domain]
        facts["mxwitness.accepted"] = "yes"
    facts.update(more)
    return facts


def address_of(s):
    if s.get("tap") == "server":
        return "2001:db8:3::2" if s.get("v6") else world.SERVER_NEAR
    return world.server6(s["domain"]) if s.get("v6") else world.server4(s["domain"])


def expectation(s):
    """The content of NAME.expect.json."""
    sessions = s.get("sessions") or [dict({"facts": s["facts"], "findings": s.get("findings", [])},
                                          **({"verdict": s["verdict"]} if "verdict" in s else {}))]
    made = []
    for one in sessions:
        facts = {"server.ip": address_of(s), "destination.port": s.get("port", 25)}
        facts.update(one["facts"])
        made.append(dict(one, facts=facts))
    expect = {"benign": s["benign"], "sessions": made, "dns": "capture"}
    if "options" in s:
        expect["options"] = s["options"]
    return expect


def story(s, versions):
    """The content of NAME.story."""
    liar = f"A program on the side lies ({s['side'][0]}); it can add packets and stop none." if "side" in s else \
        f"A program on the path lies ({s['mitm'][0]})." if "mitm" in s else \
        f"A program in front of the server is part of it and odd ({s['front'][0]}); nobody lies." if "front" in s else "Nobody lies."
    client, server = versions[s.get("client", "postfix")], versions[s.get("server", "postfix")]
    server_name = "mta.hotel.org" if s["domain"] == "hotel.org" else world.mx_host(s["domain"])
    where = "between the attacker and the server" if s.get("tap") == "server" else "on the client's link, in front of any attacker"
    return (f"{s['title']}.\n\n{client} sends to {s['domain']}; its server {server_name} ({address_of(s)}, "
            f"port {s.get('port', 25)}) is {server}. {liar}\n{s['why']}\n"
            f"Recorded {where}, with the DNS of the client's own validating resolver, which began with an empty cache.\n")


scenario("dane-match-tls12", "TLS 1.2, the certificate is the one that DNSSEC publishes (3 1 1)", "alpha.net",
         client_more=DANE, server_more=ONLY12, demo=True, benign=True,
         why="The key in the certificate is the published one: authenticated, nothing to report.",
         facts=secured("alpha.net", "1.2", "match", "dane", **{"mxwitness.dane.matched": "3 1 1"}), verdict="authenticated")
scenario("strip-dane-clear", "The offer of STARTTLS is removed, and a sender that does not insist sends in clear", "alpha.net",
         client_more=ASKING, server_more=ONLY12, mitm=["strip"], demo=True, benign=False,
         why="The domain's DNSSEC promises TLS (TLSA 3 1 1), the EHLO reply as seen does not offer it, and the message crosses in clear: "
         "critical.\nOnly an indication of tampering, for the server's operator could have broken his own promise.",
         facts=clear("alpha.net", "tls-absent", "dane"), findings=[finding("starttls-not-offered", "critical", "indication")],
         verdict="downgraded")
scenario("intercept-tls12-dane", "TLS 1.2 ends at a stranger with a certificate of his own, and the sender does not look", "alpha.net",
         client_more=ASKING, server_more=ONLY12, mitm=["intercept", "{work}/certs/mallory.pem", "1.2"], demo=True, benign=False,
         why="The certificate has the right name but not the published key (TLSA 3 1 1), and a message went into that TLS: critical,\n"
         "with proof that the key is not the published one.",
         facts=secured("alpha.net", "1.2", "mismatch", "dane", "tls-bad-peer"),
         findings=[finding("tlsa-mismatch", "critical", "proof", "ee-no-match")], verdict="intercepted")

# ---- what must stay quiet, and is authenticated ----

SWAKS12 = ["--tls", "--tls-protocol", "tlsv1_2"]
MALLORY = "{work}/certs/mallory.pem"
OWN = {"own.yaml": "own_networks: [192.0.2.0/24]\n"}
EXIM12 = "tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.2\n"


def matched(name, title, domain, record="3 1 1", version="1.2", **more):
    facts = secured(domain, version, "match", "dane", **{"mxwitness.dane.matched": record})
    scenario(name, title, domain, **dict(dict(client_more=DANE, server_more=ONLY12, benign=True, facts=facts, verdict="authenticated"), **more))


matched("dane-match-tls12-ipv6", "TLS 1.2 over IPv6 with the published key", "alpha.net", v6=True,
        why="The twin of dane-match-tls12 over IPv6.")
matched("dane-ee-expired-wrong-name", "An expired certificate with another name and the published key (3 1 1)", "mike.net",
        why="RFC 7672 3.1.1: with usage 3 neither the name nor the dates count. Authenticated.")
matched("dane-ta-match", "A chain under the published authority (2 1 1)", "bravo.net", record="2 1 1",
        why="The authority's key is published, the authority's certificate is sent, the leaf has the server's name. Authenticated.")
matched("dane-two-records", "Two TLSA records, one of them of a key that is gone", "lima.net",
        why="One record that matches suffices.")
matched("dane-rsa-zone", "An RSA certificate in a zone signed with RSA", "kilo.net",
        why="The same story with RSA instead of ECDSA, in TLS and in DNSSEC.")
matched("dane-mx-cname", "The MX host is an alias, TLSA stands at its target", "hotel.org",
        why="RFC 7672 2.2.2: the expanded name is the TLSA base domain, and the SNI.")
matched("dane-exim-server", "The receiving MTA is Exim (GnuTLS)", "alpha.net", server="exim", server_more=EXIM12,
        why="The twin of dane-match-tls12 with another server.")
matched("dane-exim-client", "The sending MTA is Exim (GnuTLS), which verifies by DANE", "alpha.net", client="exim",
        client_more="  hosts_try_dane = *\n", why="The twin of dane-match-tls12 with another client.")
matched("sentinel-tls12-client", "A client without TLS 1.3 meets a server with it", "alpha.net", server_more="",
        client_more=DANE + CLIENT12, why="ServerHello.random carries the sentinel of RFC 8446 4.1.3, and rightly: nobody altered the offer.\n"
        "The twin of sentinel-downgrade.")
ALL["sentinel-tls12-client"]["facts"].update({"mxwitness.tls.server_random_sentinel": "1.2"})

scenario("dane-match-tls13", "TLS 1.3 to a DANE host", "alpha.net", client_more=DANE, benign=True,
         why="The certificate is encrypted: nobody on the path can compare it. Encrypted, never authenticated.",
         facts=secured("alpha.net", "1.3", "not-visible", "dane"), verdict="encrypted")
RESUMED = {"mxwitness.smtp.starttls.offered": True, "tls.established": True, "tls.version": "1.2", "mxwitness.expectation.strongest": "dane"}
scenario("tls12-resumed", "Two sessions, the second resumes the first", "alpha.net", times=2, benign=True, server_more=ONLY12,
         client_more=DANE + "smtp_tls_session_cache_database = btree:$data_directory/smtp_scache\n",
         why="A resumed TLS 1.2 handshake shows no certificate: the first session is authenticated, the second only encrypted.",
         sessions=[{"facts": dict(RESUMED, **{"mxwitness.dane.verdict": "match", "tls.resumed": False}), "findings": [],
                    "verdict": "authenticated"},
                   {"facts": dict(RESUMED, **{"mxwitness.dane.verdict": "not-visible", "tls.resumed": True,
                                              "mxwitness.tls.certificate_hidden_by": "resumed"}), "findings": [], "verdict": "encrypted"}])

# ---- TLS without a promise that can be kept or broken ----


def opportunistic(name, title, domain, dane, why, strongest="none", **more):
    s = dict(client_more=ASKING, server_more=ONLY12, benign=True, facts=secured(domain, "1.2", dane, strongest), verdict="encrypted")
    scenario(name, title, domain, **dict(s, why=why, **more))


opportunistic("no-tlsa-nsec", "A signed domain without TLSA, denied by NSEC", "charlie.net", "no-tlsa", "Proved: there is nothing to compare with.")
opportunistic("no-tlsa-nsec3", "A signed domain without TLSA, denied by NSEC3", "delta.net", "no-tlsa", "As no-tlsa-nsec, with NSEC3.")
opportunistic("insecure-tls12", "TLS 1.2 with an unsigned domain", "echo.org", "insecure", "The delegation is provably insecure: DANE does not apply.")
opportunistic("tlsa-unusable-tls", "Only a 1 1 1 record: TLS is owed, by anybody's certificate", "golf.org", "tls-only-ok",
              "RFC 7672 3.1.3: usage 1 is not for SMTP. TLS is there, so the promise is kept; the record is worth a note.",
              strongest="dane-tls-only", findings=[finding("tlsa-unusable", "low", "proof")])
del ALL["tlsa-unusable-tls"]["findings"][0]["certainty"]
opportunistic("masked-twin-xforward", "A server with XFORWARD, XCLIENT and STARTTLS", "charlie.net", "no-tlsa",
              "Real keywords that begin with X are no mask. The twin of masked-keyword.",
              server_more=ONLY12 + "smtpd_authorized_xforward_hosts = 0.0.0.0/0\nsmtpd_authorized_xclient_hosts = 0.0.0.0/0\n")

# ---- STARTTLS taken away ----

ANSWERED = {"mxwitness.identity.host": "mx.alpha.net", "mxwitness.identity.domains": ["alpha.net"],
            "mxwitness.identity.confidence": "medium",
            "mxwitness.identity.sources": ["dnssec-chain", "dnssec-host", "dns-answer"]}

scenario("strip-dane-clear-ipv6", "The offer of STARTTLS is removed, over IPv6", "alpha.net", v6=True, client_more=ASKING, mitm=["strip"],
         benign=False, why="The twin of demo/strip-dane-clear over IPv6.", facts=clear("alpha.net", "tls-absent", "dane"),
         findings=[finding("starttls-not-offered", "critical", "indication")], verdict="downgraded")
scenario("strip-dane-refused", "The offer of STARTTLS is removed, and the sender, who verifies by DANE, gives up", "alpha.net",
         client_more=DANE, mitm=["strip"], benign=False,
         why="The control held: nothing was sent. Neither SNI nor RCPT names the host, the DNS answers in front of the session do.",
         facts=clear("alpha.net", "tls-absent", "dane", outcome="not-delivered", **{"mxwitness.smtp.content_octets": 0, **ANSWERED}),
         findings=[finding("starttls-not-offered", "medium", "indication")], verdict="downgraded")
scenario("strip-no-dane", "The offer of STARTTLS is removed; the domain promises nothing", "charlie.net", client_more=ASKING, mitm=["strip"],
         benign=False, why="Without a promise a missing STARTTLS is legitimate, and one session cannot tell: an entry in the session, no alert.",
         facts=clear("charlie.net", "no-tlsa", "none"), findings=[finding("starttls-not-offered", "informational", "indication")],
         verdict="clear")
scenario("no-starttls-insecure-domain", "A server without TLS in an unsigned domain", "echo.org", client_more=ASKING, no_tls=True, benign=True,
         why="Nobody promised TLS. The benign twin of demo/strip-dane-clear.", facts=clear("echo.org", "insecure", "none"),
         findings=[finding("starttls-not-offered", "informational", "indication")], verdict="clear")
scenario("no-starttls-opensmtpd", "OpenSMTPD without TLS in an unsigned domain", "echo.org", server="opensmtpd", client_more=ASKING,
         benign=True, why="As no-starttls-insecure-domain, with another server.", facts=clear("echo.org", "insecure", "none"),
         findings=[finding("starttls-not-offered", "informational", "indication")], verdict="clear")
scenario("tlsa-unusable-clear", "Only a 1 1 1 record, and the offer of STARTTLS is removed", "golf.org", client_more=ASKING, mitm=["strip"],
         benign=False, why="Unusable records still promise TLS (RFC 7672 2.2), and the message crosses in clear. The twin of tlsa-unusable-tls.",
         facts=clear("golf.org", "tls-absent", "dane-tls-only"),
         findings=[finding("starttls-not-offered", "critical", "indication"), {"id": "tlsa-unusable", "level": "low"}], verdict="downgraded")
scenario("masked-keyword", "The keyword STARTTLS is masked in place (XXXXXXXA); the domain promises nothing", "charlie.net",
         client_more=ASKING, mitm=["mask"], benign=False, why="The mask proves itself: medium without any promise.",
         facts=clear("charlie.net", "no-tlsa", "none", **{"mxwitness.smtp.starttls.masked_keyword": "XXXXXXXA",
                                                          "mxwitness.smtp.starttls.mask_form": "x-mask"}),
         findings=[finding("starttls-keyword-masked", "medium", "strong", "x-mask")], verdict="downgraded")
scenario("masked-keyword-dane", "The keyword STARTTLS is masked in place (XXXXXXXA) at a DANE host", "alpha.net", client_more=ASKING,
         mitm=["mask"], benign=False, why="As masked-keyword, with a promise: critical, the message crossed in clear.",
         facts=clear("alpha.net", "tls-absent", "dane", **{"mxwitness.smtp.starttls.masked_keyword": "XXXXXXXA"}),
         findings=[finding("starttls-keyword-masked", "critical", "strong", "x-mask")], verdict="downgraded")
scenario("refused-454-dane", "STARTTLS is answered with 454 by somebody on the path", "alpha.net", client_more=DANE, mitm=["refuse454"],
         benign=False, why="The sender verifies by DANE and defers: nothing leaks. Only the DNS answers in front of the session name the host.",
         facts=clear("alpha.net", "tls-absent", "dane", offered=True, requested=True, outcome="not-delivered",
                     **{"mxwitness.smtp.starttls.reply_code": 454, **ANSWERED}),
         findings=[finding("starttls-refused", "medium", "indication")], verdict="downgraded")
scenario("refused-454-benign", "A server whose key cannot be read answers STARTTLS with 454", "echo.org", client_more=ASKING, no_tls=True,
         server_more="smtpd_tls_security_level = may\nsmtpd_tls_eccert_file = /etc/missing.pem\n", benign=True, why="An honest 454, and no promise: the sender goes on in clear. The twin of refused-454-dane.",
         facts=clear("echo.org", "insecure", "none", offered=True, requested=True, **{"mxwitness.smtp.starttls.reply_code": 454}),
         findings=[finding("starttls-refused", "informational", "indication")], verdict="clear")
scenario("handshake-failed-benign", "A server without a certificate agrees to STARTTLS, and the handshake fails", "echo.org", cert="missing",
         client_more=ASKING, benign=True, why="The client offers no anonymous suite, the server has no other: alert 40, and the mail waits.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.reply_code": 220, "mxwitness.tls.client_hello": True,
                "mxwitness.tls.failed": True, "mxwitness.tls.alert.side": "server", "mxwitness.tls.alert.code": 40, "tls.version": None,
                "mxwitness.outcome": "not-delivered"})
scenario("ehlo-refused-dane", "EHLO is answered with 502 by somebody on the path, and HELO mail goes in clear", "alpha.net",
         client_more=ASKING, mitm=["ehlo502"], benign=False, why="Without EHLO no STARTTLS: the message to a DANE host crosses in clear.",
         facts=dict(clear("alpha.net", "tls-absent", "dane", **{"mxwitness.smtp.ehlo_reply_code": 502,
                                                                "mxwitness.smtp.helo": "out.sender.net"}),
                    **{"mxwitness.smtp.starttls.requested": False}),
         findings=[finding("ehlo-refused", "critical", "indication")], verdict="downgraded")
scenario("ehlo-refused-benign", "A server that speaks HELO only, in an unsigned domain", "echo.org", client_more=ASKING, server="exim",
         server_more="acl_smtp_helo = acl_helo\n", acl="acl_helo:\n  deny message = 502 5.5.2 EHLO is not spoken here\n"
         "    condition = ${if match{$smtp_command}{(?i)^ehlo}}\n  accept\n", benign=True,
         why="An honest refusal, and no promise. The twin of ehlo-refused-dane.",
         facts=dict(clear("echo.org", "insecure", "none", **{"mxwitness.smtp.ehlo_reply_code": 502}),
                    **{"mxwitness.smtp.starttls.requested": False}),
         findings=[finding("ehlo-refused", "informational", "indication")], verdict="clear")
for refused in ("ehlo-refused-dane", "ehlo-refused-benign"):
    del ALL[refused]["facts"]["mxwitness.smtp.starttls.offered"]  # no EHLO reply that could have offered
scenario("starttls-not-used-own", "An own client sends in clear although the DANE host offers STARTTLS", "alpha.net", client_more=CLEAR,
         benign=False, options=["-c", "own.yaml"], beside=OWN, why="The server offers, our own MTA does not ask: its administrator "
         "or somebody between it and us took TLS away. Critical, for the destination promises TLS.",
         facts=clear("alpha.net", "tls-absent", "dane", offered=True),
         findings=[finding("starttls-not-used", "critical", "indication"),
                   finding("sender-not-enforcing", "medium", "strong")], verdict="downgraded")
scenario("starttls-not-used-foreign", "Somebody's client sends in clear although the server offers STARTTLS; nothing is promised", "echo.org",
         client_more=CLEAR, benign=True, why="Legal, and not our client. The twin of starttls-not-used-own.",
         facts=clear("echo.org", "insecure", "none", offered=True),
         findings=[finding("starttls-not-used", "informational", "indication")], verdict="clear")
scenario("answered-in-clear", "STARTTLS is answered with 220, the ClientHello with an SMTP error", "charlie.net", client_more=ASKING,
         mitm=["answer-clear"], benign=False, why="The server never heard of STARTTLS: somebody on the path said 220. Proof, without any promise.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "tls.version": None,
                "mxwitness.smtp.starttls.reply_code": 220, "mxwitness.tls.client_hello": True, "mxwitness.outcome": "not-delivered"},
         findings=[finding("tls-answered-in-clear", "high", "proof")], verdict="downgraded")
scenario("command-rewritten", "The client's STARTTLS arrives as XXXXXXXX", "echo.org", client_more=ASKING, mitm=["rewrite"], tap="server",
         benign=False, why="Seen behind the attacker: no client says XXXXXXXX where STARTTLS is due. The message goes in clear.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": False, "tls.version": None,
                "mxwitness.smtp.x_command": "XXXXXXXX", "mxwitness.smtp.rcpt_domains": ["echo.org"]},
         findings=[finding("starttls-command-rewritten", "high", "proof", "x-command")], verdict="downgraded")

# ---- a stranger's certificate ----

REJECTED = finding("sender-rejected-peer", "medium", "strong", "quit-after-handshake")

scenario("intercept-tls12-refused", "TLS 1.2 ends at a stranger, and the sender, who verifies by DANE, gives up", "alpha.net",
         client_more=DANE, server_more=ONLY12, mitm=["intercept", MALLORY, "1.2"], benign=False,
         why="The sender completes the handshake, says QUIT inside and leaves: the control held. Still high: the mismatch is proof.",
         facts=secured("alpha.net", "1.2", "mismatch", "dane", "not-delivered"),
         findings=[finding("tlsa-mismatch", "high", "proof", "ee-no-match"), REJECTED],
         verdict="intercepted")
scenario("intercept-tls13", "TLS 1.3 ends at a stranger, and the sender does not look", "alpha.net", client_more=ASKING,
         mitm=["intercept", MALLORY], benign=False, why="The certificate is encrypted: a passive witness cannot see this attack, and says so.",
         facts=secured("alpha.net", "1.3", "not-visible", "dane"), verdict="encrypted")
scenario("intercept-tls13-refused", "TLS 1.3 ends at a stranger, and the sender, who verifies by DANE, gives up", "alpha.net",
         client_more=DANE, mitm=["intercept", MALLORY], benign=False,
         why="The certificate is encrypted, but the sender's behaviour shows that it refused the peer.",
         facts=secured("alpha.net", "1.3", "not-visible", "dane", "not-delivered"),
         findings=[REJECTED], verdict="encrypted")
scenario("tlsa-wrong-digest", "The operator changed his key and forgot TLSA", "india.org", client_more=DANE, server_more=ONLY12,
         benign=False, why="An error, not an attack, and on the wire the same as intercept-tls12-refused: the key is not the published one.",
         facts=secured("india.org", "1.2", "mismatch", "dane", "not-delivered"),
         findings=[finding("tlsa-mismatch", "high", "proof", "ee-no-match"), REJECTED])
scenario("sentinel-downgrade", "The client's offer of TLS 1.3 is hidden from the server", "alpha.net", client_more=ASKING, mitm=["downgrade"],
         benign=False, why="The server answers TLS 1.2 with the sentinel that says it could have done 1.3; the client, which offered 1.3, "
         "aborts\n(RFC 8446 4.1.3). Proof that the offer was altered.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "tls.version": "1.2", "mxwitness.tls.server_random_sentinel": "1.2",
                "mxwitness.tls.sentinel_contradicts_offer": True, "mxwitness.tls.alert.side": "client", "mxwitness.tls.alert.code": 47,
                "tls.client.server_name": "mx.alpha.net", "mxwitness.outcome": "not-delivered"},
         findings=[finding("tls-version-downgrade", "high", "proof", "sentinel")], verdict="downgraded")

# ---- DNS that does not validate ----

for NAME, DOMAIN, TITLE in (("tlsa-bogus", "foxtrot.org", "A TLSA record altered after signing"),
                            ("expired-signatures", "juliet.org", "A zone whose signatures ran out")):
    scenario(NAME, TITLE + ", and mail is delivered all the same", DOMAIN, client="swaks", benign=False, server_more=ONLY12,
             client_more=SWAKS12 + ["--tls-sni", "mx." + DOMAIN],
             why="A sender that validates would have waited (RFC 7672 2.1.2); this one does not ask DNS for TLSA.",
             facts=secured(DOMAIN, "1.2", "bogus", "none"), findings=[{"id": "dnssec-bogus", "level": "high"}], verdict="misconfigured")
    del ALL[NAME]["facts"]["mxwitness.expectation.strongest"]
    del ALL[NAME]["verdict"], ALL[NAME]["facts"]["mxwitness.outcome"]

# ---- passwords ----

LOGIN = ("begin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n  server_prompts = :\n"
         "  server_condition = ${if eq{$auth3}{s3kr1t-planted}}\n  server_set_id = $auth2\n")
PASSWORD = ["--auth", "PLAIN", "--auth-user", "ada-planted", "--auth-password", "s3kr1t-planted", "--quit-after", "AUTH"]
scenario("auth-in-clear", "A password crosses in clear on the submission port", "charlie.net", client="swaks", server="exim", port=587,
         server_more=EXIM12, auth=LOGIN, client_more=PASSWORD, benign=False,
         why="AUTH PLAIN without TLS, although STARTTLS is offered. Neither name nor password (both planted) may show up anywhere.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": False, "mxwitness.service": "submission",
                "mxwitness.smtp.auth.mechanism": "PLAIN", "mxwitness.smtp.auth.class": "secret", "mxwitness.smtp.auth.reply_code": 235,
                "mxwitness.outcome": "clear-auth"},
         findings=[{"id": "auth-in-clear", "level": "high"}])
scenario("auth-inside-tls", "The same password inside TLS", "charlie.net", client="swaks", server="exim", port=587, server_more=EXIM12,
         auth=LOGIN, client_more=PASSWORD + SWAKS12, benign=True, why="The twin of auth-in-clear: nothing to see.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "tls.established": True,
                "tls.version": "1.2", "mxwitness.service": "submission", "mxwitness.smtp.auth.mechanism": None})

# ---- clients whose TLS fails: what each of them does was measured, not assumed ----

SNI = "  tls_sni = $host\n"
OPPORTUNISTIC = {"postfix": ASKING, "exim": SNI, "opensmtpd": ""}
MANDATORY = {"postfix": ASKING.replace("= may", "= encrypt"), "exim": "  hosts_require_tls = *\n" + SNI, "opensmtpd": "tls no-verify"}
LET_DOWN = {"reset": "The ClientHello is answered with a RST", "alert": "The ClientHello is answered with an alert, handshake_failure, and the end"}
FALLS_BACK = {"postfix": "Postfix defers, tries TLS once more when it takes the message from its queue, and then sends in clear at once.",
              "exim": "Exim comes back within the second and sends in clear (tls_tempfail_tryclear).",
              "opensmtpd": "OpenSMTPD comes back within the second and sends in clear. It sends no SNI."}
WAITS = {"postfix": "Postfix says QUIT where it can, and keeps the message in its queue.",
         "exim": "Exim says QUIT where it can, and keeps the message in its queue.",
         "opensmtpd": "OpenSMTPD closes the connection without a word, and keeps the message in its queue."}
NAMES = {"postfix": "Postfix", "exim": "Exim", "opensmtpd": "OpenSMTPD"}


def failed(how, at="client-hello", outcome="not-delivered", **more):
    """Facts of a session whose handshake began and did not come about."""
    facts = {"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "mxwitness.smtp.starttls.reply_code": 220,
             "tls.version": None, "mxwitness.tls.failed": True, "mxwitness.tls.failed_at": at, "mxwitness.tls.failed_how": how,
             "mxwitness.outcome": outcome}
    if how == "alert":
        facts.update({"mxwitness.tls.alert.side": "server", "mxwitness.tls.alert.code": 40})
    facts.update(more)
    return facts


def let_down(mode, level="informational"):
    """The finding of such a session."""
    return [finding("tls-handshake-" + mode, level, "indication", "server" if mode == "alert" else None)]


def in_clear_again(domain, dane="no-tlsa", strongest="none", level="informational"):
    """The session that follows: offered, not asked for, sent in clear."""
    return {"facts": clear(domain, dane, strongest, offered=True), "findings": [finding("starttls-not-used", level, "indication")]}


def refused(level="informational"):
    return [finding("starttls-refused", level, "indication", "temporary"), finding("tls-failed-then-cleartext", level, "indication", "after-refusal")]


for CLIENT in ("postfix", "exim", "opensmtpd"):
    scenario(f"client-{CLIENT}-454", f"STARTTLS is answered with 454, and {NAMES[CLIENT]}, to whom TLS is welcome, goes on in clear", "charlie.net",
             client=CLIENT, client_more=OPPORTUNISTIC[CLIENT], mitm=["refuse454"], benign=False,
             why=f"{NAMES[CLIENT]} sends in clear in the same session. Nothing is promised: an entry in the session, no alert.",
             facts=clear("charlie.net", "no-tlsa", "none", offered=True, requested=True, **{"mxwitness.smtp.starttls.reply_code": 454}),
             findings=refused(), verdict="clear")
    for MODE in ("reset", "alert"):
        ONCE = {"facts": failed(MODE), "findings": let_down(MODE)}
        scenario(f"client-{CLIENT}-{MODE}", LET_DOWN[MODE] + f", and {NAMES[CLIENT]}, to whom TLS is welcome, sends in clear in the end",
                 "charlie.net", client=CLIENT, client_more=OPPORTUNISTIC[CLIENT], mitm=[MODE], benign=False, patience=16,
                 why=FALLS_BACK[CLIENT] + "\nNothing is promised, and each session alone has an innocent reading: entries, no alert.",
                 sessions=[ONCE] * (2 if CLIENT == "postfix" else 1) + [in_clear_again("charlie.net")])
    for MODE in ("refuse454", "reset"):
        NAME = MODE.replace("refuse", "")
        scenario(f"client-{CLIENT}-{NAME}-mandatory", f"{LET_DOWN.get(MODE, 'STARTTLS is answered with 454')}, and {NAMES[CLIENT]} must have TLS",
                 "charlie.net", client=CLIENT, client_more=MANDATORY[CLIENT], mitm=[MODE], benign=False, why=WAITS[CLIENT],
                 facts=failed(MODE) if MODE == "reset" else clear("charlie.net", "no-tlsa", "none", offered=True, requested=True,
                                                                  outcome="not-delivered", **{"mxwitness.smtp.starttls.reply_code": 454}),
                 findings=let_down(MODE) if MODE == "reset" else [finding("starttls-refused", "informational", "indication", "temporary")])

# ---- the same at a host that promises TLS, and honest servers and lines that look like it ----

DANE_CLEAR = in_clear_again("alpha.net", "tls-absent", "dane", "critical")
DANE_FAILED = {"mxwitness.dane.verdict": "tls-failed", "mxwitness.expectation.strongest": "dane"}
scenario("reset-dane-clear", "Two handshakes with a DANE host are reset, and a sender that does not insist sends in clear", "alpha.net",
         client_more=ASKING, mitm=["reset"], benign=False, patience=16,
         why="Each reset alone is not delivered and held: medium. The message in clear is critical, for the domain promises TLS (TLSA 3 1 1).",
         sessions=[{"facts": failed("reset", **DANE_FAILED), "findings": let_down("reset", "medium")}] * 2 + [DANE_CLEAR])
scenario("reset-dane-refused", "The handshake with a DANE host is reset, and the sender, who verifies by DANE, waits", "alpha.net",
         client_more=DANE, mitm=["reset"], benign=False, why="The control held: medium for the first time.",
         facts=failed("reset", **DANE_FAILED), findings=let_down("reset", "medium"), verdict="downgraded")
scenario("reset-dane-exim-refused", "The handshake with a DANE host is reset, and Exim, who verifies by DANE, waits", "alpha.net", client="exim",
         client_more="  hosts_try_dane = *\n", mitm=["reset"], benign=False, why="As reset-dane-refused, with another client: for a DANE host\n"
         "Exim does not come back in clear.", facts=failed("reset", **DANE_FAILED), findings=let_down("reset", "medium"), verdict="downgraded")
scenario("refused-454-dane-clear", "STARTTLS of a DANE host is answered with 454, and a sender that does not insist sends in clear", "alpha.net",
         client_more=ASKING, mitm=["refuse454"], benign=False, why="The twin of refused-454-dane and refused-454-benign: a promise, and the mail in clear.",
         facts=clear("alpha.net", "tls-absent", "dane", offered=True, requested=True, **{"mxwitness.smtp.starttls.reply_code": 454}),
         findings=refused("critical"), verdict="downgraded")
scenario("reset-benign", "A server whose TLS process dies on every ClientHello", "echo.org", client_more=ASKING, front=["reset"], benign=True,
         why="Nothing is promised and the mail waits. The twin of reset-dane-refused.", facts=failed("reset"), findings=let_down("reset"))
scenario("closed-benign", "A server that ends the connection after the ClientHello", "echo.org", client_more=ASKING, front=["close"], benign=True,
         why="As reset-benign, with FIN.", facts=failed("fin"), findings=let_down("reset"))
scenario("late-454-benign", "A server agrees to STARTTLS, cannot do it, and says so in clear: 454 after the ClientHello", "echo.org", client_more=ASKING,
         front=["late454"], benign=True, why="The server knows what STARTTLS is, and names the failure. The twin of answered-in-clear.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "mxwitness.smtp.starttls.reply_code": 220,
                "mxwitness.smtp.starttls.second_code": 454, "mxwitness.tls.client_hello": True, "tls.version": None, "mxwitness.outcome": "not-delivered"},
         findings=[finding("starttls-refused", "informational", "indication", "late-454")])
scenario("stalled", "Somebody drops everything that is TLS: the ClientHello is never acknowledged", "charlie.net",
         client_more=ASKING + "smtp_starttls_timeout = 6s\n", mitm=["stall"], benign=False,
         why="What is readable passes, the ClientHello is sent again and again. One session shows an interference or a bad line: an entry.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "mxwitness.tls.client_hello": True, "mxwitness.tls.stalled": True, "tls.version": None},
         findings=[finding("tls-handshake-stalled", "informational", "indication")])
scenario("stalled-twin-loss", "The ClientHello and its first copy are lost, the second arrives", "charlie.net", client_more=ASKING, server_more=ONLY12,
         mitm=["lossy"], benign=True, why="A bad moment of the line, no interference. The twin of stalled.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.tls.stalled": False}), verdict="encrypted")
del ALL["stalled-twin-loss"]["facts"]["mxwitness.tls.stalled"]

scenario("stalled-dane", "Somebody drops everything that is TLS on the way to a DANE host", "alpha.net",
         client_more=DANE + "smtp_starttls_timeout = 6s\n", mitm=["stall"], benign=False,
         why="As stalled, with a promise: one step below what an unknown end would be.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "mxwitness.tls.client_hello": True, "mxwitness.tls.stalled": True, "tls.version": None,
                "mxwitness.expectation.strongest": "dane"},
         findings=[finding("tls-handshake-stalled", "medium", "indication")])

# ---- 220, and no handshake ----

BODY = ["MAIL FROM:<ada@sender.net>", "RCPT TO:<bob@{domain}>", "DATA", "@{work}/message", "QUIT"]
AFTER_220 = {"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "mxwitness.smtp.starttls.reply_code": 220,
             "mxwitness.smtp.clear_after_220": True, "mxwitness.smtp.clear_after_220_side": "client", "tls.version": None}
MIRROR = {"mirror.yaml": "own_networks: [192.0.2.0/24]\ndecrypted_mirror: true\n"}
scenario("no-handshake-clear", "After 220 an own client goes on in clear, and the message crosses", "charlie.net", client="talk",
         client_more=["EHLO out.sender.net", "STARTTLS"] + BODY, mitm=["forge220"], benign=False, options=["-c", "own.yaml"], beside=OWN,
         why="The 220 came from the path, the server never heard of STARTTLS, and a broken client talks on as if nothing had been agreed.\n"
         "A violation of RFC 3207 4.1 by somebody; medium for a client of our own.",
         facts=dict(AFTER_220, **{"mxwitness.smtp.ehlo_after_220": False, "mxwitness.smtp.rcpt_domains": ["charlie.net"], "mxwitness.outcome": "clear-content"}),
         findings=[finding("starttls-no-handshake", "medium", "indication", "in-clear")], verdict="downgraded")
scenario("no-handshake-ehlo", "After 220 an own client says EHLO again in clear, and the message crosses", "charlie.net", client="talk",
         client_more=["EHLO out.sender.net", "STARTTLS", "EHLO out.sender.net"] + BODY, mitm=["forge220"], benign=False,
         options=["-c", "own.yaml"], beside=OWN, why="EHLO after the 220 is what a client says inside TLS (RFC 3207 4.2): the text of a decrypted "
         "session looks so.\nThe site says nothing of a mirror, so it is reported.",
         facts=dict(AFTER_220, **{"mxwitness.smtp.ehlo_after_220": True, "mxwitness.smtp.rcpt_domains": ["charlie.net"], "mxwitness.outcome": "clear-content"}),
         findings=[finding("starttls-no-handshake", "medium", "indication", "after-ehlo")], verdict="downgraded")
scenario("no-handshake-mirror", "The mirror port of an inspecting device shows a session decrypted", "charlie.net", client="talk",
         client_more=["EHLO out.sender.net", "STARTTLS", "EHLO out.sender.net"] + BODY, mitm=["forge220"], benign=True,
         options=["-c", "mirror.yaml"], beside=MIRROR, why="The same octets as in no-handshake-ehlo, and the site says that this is the decrypted mirror: "
         "read on, and noted.", facts=dict(AFTER_220, **{"mxwitness.smtp.ehlo_after_220": True, "mxwitness.smtp.rcpt_domains": ["charlie.net"],
                                    "mxwitness.decrypted_mirror": True}),
         findings=[finding("decrypted-mirror", "informational", "proof")])
scenario("no-handshake-scanner", "A scanner asks for STARTTLS, reads the 220, and leaves", "charlie.net", client="talk",
         client_more=["EHLO probe.sender.net", "STARTTLS"], benign=True, why="Who only wants to know whether STARTTLS works needs no handshake. "
         "The twin of no-handshake-clear.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "mxwitness.smtp.starttls.reply_code": 220,
                "mxwitness.tls.client_hello": None, "tls.version": None, "mxwitness.outcome": "not-delivered"})
del ALL["no-handshake-scanner"]["facts"]["mxwitness.tls.client_hello"]
scenario("no-handshake-quit", "A scanner asks for STARTTLS, reads the 220, and says QUIT in clear", "charlie.net", client="talk",
         client_more=["EHLO probe.sender.net", "STARTTLS", "QUIT"], front=["forge220"], benign=True, why="As no-handshake-scanner, with a QUIT.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "mxwitness.smtp.starttls.reply_code": 220,
                "tls.version": None, "mxwitness.outcome": "not-delivered"})

# ---- a sender that verifies and refuses, and who only looks ----

SELF_SIGNED = ("The certificate is self-signed, the sender does not know its issuer (alert 48, in clear), and the mail waits.\n"
               "An honest server and no promise, but a client of our own: low.")
for VERSION, MORE in (("1.2", ONLY12), ("1.3", "")):
    NAME = "tls" + VERSION.replace(".", "")
    scenario("rejected-exim-" + NAME, f"Exim, who verifies by DANE, meets another key over TLS {VERSION}", "india.org", client="exim",
             client_more="  hosts_require_dane = *\n", server_more=MORE, benign=False,
             why="Exim completes the handshake and closes TLS without a word, not even QUIT: nothing was sent.\n" +
             ("The mismatch is visible: proof." if MORE else "The certificate is not visible, and a monitor behaves the same "
              "(monitor-close): no finding, but not taken for a delivery."),
             facts=secured("india.org", VERSION, "mismatch" if MORE else "not-visible", "dane", "not-delivered"),
             findings=[finding("tlsa-mismatch", "high", "proof", "ee-no-match")] if MORE else [], verdict="intercepted" if MORE else "encrypted")
    scenario("rejected-opensmtpd-" + NAME, f"OpenSMTPD, who verifies certificates, meets a self-signed one over TLS {VERSION}", "charlie.net",
             client="opensmtpd", client_more="tls", server_more=MORE, benign=True,
             why="OpenSMTPD completes the handshake and closes the connection without a word. No SNI, no RCPT: only the DNS answers name the host.",
             facts=secured("charlie.net", VERSION, "no-tlsa", "none", "not-delivered", sni=False))
    scenario("rejected-swaks-" + NAME, f"A sender that verifies certificates meets a self-signed one over TLS {VERSION}", "charlie.net", client="swaks",
             client_more=["--tls", "--tls-verify", "--tls-sni", "mx.charlie.net"], server_more=MORE, benign=True, why=SELF_SIGNED,
             options=["-c", "own.yaml"], beside=OWN,
             facts={"mxwitness.smtp.starttls.reply_code": 220, "tls.version": VERSION, "tls.established": False, "mxwitness.tls.alert.side": "client",
                    "mxwitness.tls.alert.code": 48, "mxwitness.outcome": "not-delivered"},
             findings=[finding("tls-handshake-alert", "informational", "strong", "certificate-refused"),
                       finding("sender-rejected-peer", "low", "strong", "alert")])
scenario("rejected-dane-alert", "TLS 1.3 ends at a stranger, and the sender, who verifies, says so with an alert", "alpha.net", client="swaks",
         client_more=["--tls", "--tls-verify", "--tls-sni", "mx.alpha.net"], mitm=["intercept", MALLORY], benign=False,
         why="The certificate is encrypted, the alert (48) is not: the sender refused whom it met. The domain promises DANE: medium.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "tls.version": "1.3", "tls.established": False, "mxwitness.tls.alert.side": "client",
                "mxwitness.tls.alert.code": 48, "mxwitness.expectation.strongest": "dane", "mxwitness.outcome": "not-delivered"},
         findings=[finding("tls-handshake-alert", "informational", "strong", "certificate-refused"),
                   finding("sender-rejected-peer", "medium", "strong", "alert")])
LOOKS = {"client": "openssl", "benign": True, "verdict": "encrypted"}
scenario("monitor-close", "A monitor makes the handshake with a DANE host and leaves", "alpha.net", client_more=["-servername", "mx.alpha.net"], say="Q\n",
         why="Only the handshake and close_notify: it wanted the certificate. The twin of intercept-tls13-refused.",
         facts=secured("alpha.net", "1.3", "not-visible", "dane", "not-delivered"), **LOOKS)
scenario("monitor-ehlo", "A monitor makes the handshake with a DANE host, says EHLO and QUIT inside", "alpha.net",
         client_more=["-servername", "mx.alpha.net", "-ign_eof"], say="EHLO probe.sender.net\r\nQUIT\r\n",
         why="Its first words inside are longer than QUIT: no refusal.", facts=secured("alpha.net", "1.3", "not-visible", "dane"), **LOOKS)
scenario("monitor-quit", "A monitor makes the handshake and says QUIT inside", "charlie.net",
         client_more=["-servername", "mx.charlie.net", "-ign_eof"], say="QUIT\r\n",
         why="One session of it looks like a sender that refuses its peer (intercept-tls13-refused); nothing is promised: an entry.",
         facts=secured("charlie.net", "1.3", "no-tlsa", "none", "not-delivered"), findings=[finding("sender-rejected-peer", "informational", "strong", "quit-after-handshake")], **LOOKS)

# ---- weak TLS ----

SECLEVEL0 = "tls_medium_cipherlist = {}:@SECLEVEL=0\ntls_high_cipherlist = {}:@SECLEVEL=0\n"
OLD_CLIENT = ASKING + "smtp_tls_protocols = >=TLSv1\nsmtp_tls_mandatory_protocols = >=TLSv1\n" + SECLEVEL0.format("ALL", "ALL")


def old_server(protocol, suites="ALL"):
    return f"smtpd_tls_protocols = {protocol}\nsmtpd_tls_mandatory_protocols = {protocol}\n" + SECLEVEL0.format(suites, suites)


def weak(name, title, domain, version, found, why, dane="no-tlsa", strongest="none", **more):
    facts = secured(domain, version, dane, strongest, **more.pop("facts", {}))
    scenario(name, title, domain, why=why, facts=facts, findings=found, **dict(dict(client_more=OLD_CLIENT, benign=True), **more))


def weak_cipher(variant, level="low"):
    return [finding("tls-weak-cipher", level, "proof", variant)]


LOW_VERSION = [finding("tls-weak-version", "low", "proof", "tls")]
weak("weak-tls10", "Two Postfix agree on TLS 1.0", "charlie.net", "1.0", LOW_VERSION, "Old TLS is better than none (RFC 7435): low.",
     server_more=old_server("TLSv1"))
weak("weak-tls10-dane", "TLS 1.0 with a DANE host", "alpha.net", "1.0", [finding("tls-weak-version", "medium", "proof", "tls")],
     "Who promises by DNSSEC should not stop at TLS 1.0: medium. The key is the published one.", "match", "dane", benign=False,
     server_more=old_server("TLSv1"), verdict="authenticated")
weak("weak-tls11-exim", "Two Exim agree on TLS 1.1", "charlie.net", "1.1", LOW_VERSION, "As weak-tls10, with other software.", client="exim",
     server="exim", client_more=SNI + "  tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0\n",
     server_more="tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.1\n")
weak("weak-static-rsa", "A suite without forward secrecy: static RSA", "charlie.net", "1.2", weak_cipher("static-key-exchange", "informational"),
     "Who gets the server's key later can read it: an entry.",
     cert="kilo", server_more=old_server("TLSv1.2", "AES256-GCM-SHA384"), facts={"tls.cipher": "TLS_RSA_WITH_AES_256_GCM_SHA384"})
weak("weak-3des", "Two Exim agree on 3DES", "charlie.net", "1.2", weak_cipher("des"), "A block cipher of 64 bits: low.", client="exim", server="exim", cert="kilo",
     client_more=SNI + "  tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.2:+3DES-CBC\n",
     server_more="tls_require_ciphers = NONE:+VERS-TLS1.2:+ECDHE-RSA:+3DES-CBC:+SHA1:+COMP-NULL:+SIGN-ALL:+GROUP-ALL\n")
weak("weak-dhe1024", "Diffie-Hellman with a prime of 1024 bits", "charlie.net", "1.2", weak_cipher("small-dh"), "Too short for today: low.", cert="kilo",
     server_more=old_server("TLSv1.2", "DHE-RSA-AES256-GCM-SHA384") + "smtpd_tls_dh1024_param_file = {work}/certs/dh1024.pem\n",
     facts={"mxwitness.tls.dh_bits": 1024})
weak("weak-dhe2048", "Diffie-Hellman with a prime of 2048 bits", "charlie.net", "1.2", [], "Long enough. The twin of weak-dhe1024.", cert="kilo",
     server_more=old_server("TLSv1.2", "DHE-RSA-AES256-GCM-SHA384"), facts={"mxwitness.tls.dh_bits": 2048})
weak("weak-rsa1024", "A certificate with an RSA key of 1024 bits", "charlie.net", "1.2", weak_cipher("weak-key"), "Too short for today: low.", cert="short",
     server_more=old_server("TLSv1.2"))
ANONYMOUS = ASKING.replace("smtp_tls_exclude_ciphers = aNULL\n", "")
HIDDEN = {"mxwitness.tls.certificate_visibility": "hidden", "mxwitness.tls.certificate_hidden_by": "anonymous", "mxwitness.tls.anonymous": True}
weak("anonymous-benign", "Two Postfix, to whom TLS is welcome, agree on an anonymous suite", "charlie.net", "1.2",
     weak_cipher("anonymous", "informational"), "Allowed between such peers (RFC 7672 8.2): nobody would have looked at a certificate.",
     client_more=ANONYMOUS, server_more=ONLY12, facts=HIDDEN)
weak("anonymous-dane", "An anonymous suite with a DANE host", "alpha.net", "1.2",
     [finding("tlsa-mismatch", "critical", "proof", "anonymous"), {"id": "tls-weak-cipher", "certainty": "proof", "variant": "anonymous"}],
     "No certificate exists that could be the published one, and a message went into that TLS. The twin of anonymous-benign.", "mismatch", "dane",
     client_more=ANONYMOUS, server_more=ONLY12, facts=dict(HIDDEN, **{"mxwitness.outcome": "tls-bad-peer"}), benign=False)

# ---- greetings and HELO ----

HELO_ONLY = CLEAR + "smtp_never_send_ehlo = yes\n"
INBOUND = {"inbound.yaml": "own_networks: [198.51.100.0/24]\n"}
scenario("banner-masked-dane", "The greeting of a DANE host is masked, Postfix takes the host for an old firewall and says HELO", "alpha.net",
         client_more=ASKING, mitm=["stars"], benign=False, why="Stars in the greeting switch ESMTP off in Postfix (smtp_pix_workarounds), and with it "
         "STARTTLS:\nthe message to a DANE host crosses in clear.",
         facts=clear("alpha.net", "tls-absent", "dane", **{"mxwitness.smtp.banner_masked": True, "mxwitness.smtp.helo": "out.sender.net",
                                                            "mxwitness.smtp.ehlo": None}),
         findings=[finding("banner-masked", "critical", "proof", "helo-only")], verdict="downgraded")
scenario("banner-masked", "The greeting is masked, Postfix says HELO; the domain promises nothing", "charlie.net", client_more=ASKING, mitm=["stars"],
         benign=False, why="The mask proves a device that masks, nothing more: low.",
         facts=clear("charlie.net", "no-tlsa", "none", **{"mxwitness.smtp.banner_masked": True, "mxwitness.smtp.ehlo": None}),
         findings=[finding("banner-masked", "low", "proof", "helo-only")])
scenario("banner-stars", "A server with stars for decoration in its greeting", "charlie.net", client_more=ASKING,
         server_more=ONLY12 + "smtpd_banner = *** mail ***\n", benign=True, why="Words beside the stars: no mask. The twin of banner-masked.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.smtp.banner_masked": False}), verdict="encrypted")
for refused_name in ("banner-masked-dane", "banner-masked"):
    del ALL[refused_name]["facts"]["mxwitness.smtp.starttls.offered"]
scenario("helo-only-inbound", "A client of somebody's, which knows no EHLO, sends to our server", "charlie.net", client_more=HELO_ONLY, benign=True,
         options=["-c", "inbound.yaml"], beside=INBOUND, why="Old and legal. Counted.",
         facts=clear("charlie.net", "no-tlsa", "none", **{"mxwitness.smtp.helo": "out.sender.net", "network.direction": "inbound"}),
         findings=[finding("starttls-not-used", "informational", "indication", "helo-only")])
scenario("helo-only-own", "A client of our own says HELO to a server that speaks ESMTP", "charlie.net", client_more=HELO_ONLY, benign=False,
         options=["-c", "own.yaml"], beside=OWN, why="A client of our own that avoids the offer: medium. The twin of helo-only-inbound.",
         facts=clear("charlie.net", "no-tlsa", "none", **{"mxwitness.smtp.helo": "out.sender.net"}),
         findings=[finding("starttls-not-used", "medium", "indication", "helo-only")])
for refused_name in ("helo-only-inbound", "helo-only-own"):
    del ALL[refused_name]["facts"]["mxwitness.smtp.starttls.offered"]
scenario("ehlo-deferred", "EHLO is answered with 450 for the time being", "echo.org", client_more=ASKING, server="exim", server_more="acl_smtp_helo = acl_helo\n",
         acl="acl_helo:\n  defer message = 450 4.7.1 come back later\n", benign=True, why="No refusal of EHLO: too busy now. The twin of ehlo-refused-dane.",
         facts={"mxwitness.smtp.ehlo_reply_code": 450, "mxwitness.outcome": "not-delivered"})
scenario("probe-quit", "A probe reads the offer of STARTTLS and leaves", "alpha.net", client="swaks", client_more=["--quit-after", "EHLO"], benign=True,
         why="No mail, no TLS: nothing was left out. The twin of starttls-not-used-own.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": False, "mxwitness.outcome": "not-delivered"},
         findings=[finding("starttls-not-used", "informational", "indication", "quit-only")])

# ---- implicit TLS, REQUIRETLS, proxies ----

WRAPPED = "smtpd_tls_wrappermode = yes\n"
SUBMISSIONS = {"mxwitness.service": "submissions", "mxwitness.smtp.starttls.requested": None}
scenario("implicit-tls", "TLS from the first octet on port 465", "charlie.net", client="swaks", port=465, server_more=ONLY12 + WRAPPED,
         client_more=["--tls-on-connect", "--tls-protocol", "tlsv1_2"], benign=True, why="As RFC 8314 wants it.",
         facts={"mxwitness.service": "submissions", "tls.established": True, "tls.version": "1.2", "mxwitness.outcome": "tls-ok"}, verdict="encrypted")
scenario("implicit-tls-missing", "A server speaks in clear on port 465, and the message crosses", "charlie.net", client="swaks", port=465, benign=False,
         why="Port 465 is TLS from the start (RFC 8314 3.3). The twin of implicit-tls.",
         facts={"mxwitness.service": "submissions", "tls.version": None, "mxwitness.outcome": "clear-content", "mxwitness.smtp.rcpt_domains": ["charlie.net"]},
         findings=[finding("implicit-tls-missing", "medium", "strong")], verdict="downgraded")
scenario("implicit-tls-missing-auth", "A server speaks in clear on port 465, and takes a password", "charlie.net", client="swaks", server="exim", port=465,
         auth=LOGIN, client_more=PASSWORD, benign=False, why="As implicit-tls-missing, with credentials (planted): high.",
         facts={"mxwitness.service": "submissions", "tls.version": None, "mxwitness.outcome": "clear-auth", "mxwitness.smtp.auth.class": "secret"},
         findings=[finding("implicit-tls-missing", "high", "strong", "auth"), finding("auth-in-clear", "high", "proof", "secret")],
         verdict="downgraded")
REQUIRE = "MAIL FROM:<ada@sender.net> REQUIRETLS"
scenario("requiretls-clear", "MAIL with REQUIRETLS in clear", "charlie.net", client="talk", client_more=["EHLO out.sender.net", REQUIRE, "QUIT"], benign=False,
         why="RFC 8689 4.1: the parameter belongs inside TLS. Postfix refuses it, for it does not know the extension.",
         facts={"mxwitness.smtp.requiretls": True, "tls.version": None}, findings=[finding("requiretls-violation", "medium", "proof", "mail")])
scenario("requiretls-offered", "REQUIRETLS is offered in clear", "charlie.net", client_more=ASKING, server_more=ONLY12, front=["offer-requiretls"], benign=False,
         why="RFC 8689 2: the keyword belongs into the EHLO reply inside TLS only.", facts=secured("charlie.net", "1.2", "no-tlsa", "none"),
         findings=[finding("requiretls-violation", "medium", "proof", "offer")])
scenario("requiretls-inside", "MAIL with REQUIRETLS inside TLS", "charlie.net", client="talk", server_more=ONLY12, benign=True,
         client_more=["EHLO out.sender.net", "STARTTLS", "tls", "EHLO out.sender.net", REQUIRE, "QUIT"], why="Where it belongs, and not to be seen. "
         "The twin of requiretls-clear.", facts=secured("charlie.net", "1.2", "no-tlsa", "none", sni=False, **{"mxwitness.smtp.requiretls": None}))
BEHIND = ["--tls", "--tls-protocol", "tlsv1_2", "--tls-sni", "mx.charlie.net"]
scenario("xclient", "A proxy names the client behind it with XCLIENT", "charlie.net", client="swaks", server_more=ONLY12 + "smtpd_authorized_xclient_hosts = 192.0.2.2\n",
         client_more=BEHIND + ["--xclient-addr", "192.0.2.77", "--xclient-name", "desk.sender.net", "--xclient-helo", "desk", "--xclient-before-starttls"],
         benign=True, why="Said by a client that the server trusts; for us a hint.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.smtp.xclient.address": "192.0.2.77", "mxwitness.smtp.xclient.name": "desk.sender.net",
                                                                   "mxwitness.smtp.xclient.helo": "desk"}))
for VERSION in ("1", "2"):
    scenario("proxy-v" + VERSION, f"A load balancer puts a PROXY header, version {VERSION}, in front of the dialogue", "charlie.net", client="swaks",
             server_more=ONLY12 + "smtpd_upstream_proxy_protocol = haproxy\n", benign=True,
             client_more=BEHIND + ["--proxy-version", VERSION, "--proxy-family", "TCP4" if VERSION == "1" else "AF_INET", "--proxy-source", "192.0.2.77",
                                   "--proxy-source-port", "40123", "--proxy-dest", "198.51.100.12", "--proxy-dest-port", "25"]
             + (["--proxy-protocol", "STREAM"] if VERSION == "2" else []),
             why="The header belongs to the path, not to SMTP, and names the client behind it.",
             facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.smtp.proxy.version": int(VERSION), "mxwitness.smtp.proxy.source_ip": "192.0.2.77",
                                                                       "mxwitness.smtp.proxy.source_port": 40123,
                                                                       "mxwitness.smtp.proxy.destination_ip": "198.51.100.12",
                                                                       "mxwitness.smtp.proxy.destination_port": 25}))

# ---- words altered in the offer and behind it ----

NOT_OFFERED = dict(client_more=ASKING, server_more=ONLY12, benign=False)
scenario("masked-mangled", "The keyword STARTTLS is overwritten with stars; the domain promises nothing", "charlie.net", mitm=["mangle"],
         why="As masked-keyword, with another mask: eight equal octets in the place of a keyword.",
         facts=clear("charlie.net", "no-tlsa", "none", **{"mxwitness.smtp.starttls.masked_keyword": "********", "mxwitness.smtp.starttls.mask_form": "mangled"}),
         findings=[finding("starttls-keyword-masked", "medium", "strong", "mangled")], verdict="downgraded", **NOT_OFFERED)
scenario("masked-poisoned", "A letter is glued to the keyword STARTTLS; the domain promises nothing", "charlie.net", mitm=["poison"],
         why="STARTTLSX may also be an odd server's own word: low.",
         facts=clear("charlie.net", "no-tlsa", "none", **{"mxwitness.smtp.starttls.masked_keyword": "STARTTLSX",
                                                          "mxwitness.smtp.starttls.mask_form": "param-poisoned"}),
         findings=[finding("starttls-keyword-masked", "low", "indication", "param-poisoned")], **NOT_OFFERED)
scenario("masked-truncated", "The EHLO reply ends one line before STARTTLS", "charlie.net", mitm=["truncate"],
         why="A hyphen has become a blank: the client stops reading, and the rest of the reply follows unasked for.\n"
         "Postfix takes it for the answers to its next commands, is out of step at DATA, and sends RSET and QUIT as if they were the message.",
         facts={"mxwitness.smtp.starttls.mask_form": "reply-truncated", "mxwitness.smtp.starttls.requested": False, "tls.version": None},
         findings=[finding("starttls-keyword-masked", "medium", "strong", "reply-truncated")], verdict="downgraded", **NOT_OFFERED)
scenario("capability-masked", "Another keyword of eight letters is masked, STARTTLS is offered", "charlie.net", client_more=ASKING, server_more=ONLY12,
         mitm=["mask8bit"], benign=True, why="XXXXXXXA hides 8BITMIME: a device that masks, and TLS works. The twin of masked-keyword.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.smtp.masked_keywords": ["XXXXXXXA"]}),
         findings=[finding("capability-masked", "informational", "strong")], verdict="encrypted")
scenario("greeting-position", "A server puts STARTTLS into the first line of its EHLO reply", "echo.org", client_more=ASKING, front=["greeting-line"], benign=True,
         why="No keyword belongs there (RFC 5321 4.1.1.1): a broken server, not stripping. The twin of no-starttls-insecure-domain.",
         facts=clear("echo.org", "insecure", "none", **{"mxwitness.smtp.starttls.in_greeting_line": True}),
         findings=[finding("greeting-position", "informational", "indication")], verdict="clear")
for DOMAIN, LEVEL, PROMISE, DANE_VERDICT in (("charlie.net", "informational", "none", "no-tlsa"), ("alpha.net", "critical", "dane", "tls-absent")):
    scenario("noop-substituted" + ("-dane" if PROMISE == "dane" else ""), "STARTTLS reaches the server as NOOP", DOMAIN, client="swaks", mitm=["noop"],
             client_more=["--tls-optional"], benign=False,
             why="The server answers 250, which is no answer to STARTTLS, and the client goes on in clear.\n" +
             ("A promise is broken: critical." if PROMISE == "dane" else "Nothing is promised, and an odd server could do so: an entry."),
             facts=clear(DOMAIN, DANE_VERDICT, PROMISE, offered=True, requested=True, **{"mxwitness.smtp.starttls.reply_code": 250}),
             findings=[finding("starttls-command-rewritten", LEVEL, "indication", "noop-substituted")], verdict="downgraded" if PROMISE == "dane" else "clear")
    scenario("disowned" + ("-dane" if PROMISE == "dane" else ""), "STARTTLS is offered, and then not known (502)", DOMAIN, client_more=ASKING, mitm=["disown"],
             benign=False, why="A server that offers STARTTLS knows it: strong. " +
             ("A promise is broken: critical." if PROMISE == "dane" else "Without a promise an entry."),
             facts=clear(DOMAIN, DANE_VERDICT, PROMISE, offered=True, requested=True, **{"mxwitness.smtp.starttls.reply_code": 502}),
             findings=[finding("starttls-refused", LEVEL, "strong", "disowned"), finding("tls-failed-then-cleartext", LEVEL, "indication", "after-refusal")],
             verdict="downgraded" if PROMISE == "dane" else "clear")
scenario("noop-postfix", "STARTTLS reaches the server as NOOP, and Postfix takes 250 for a yes", "charlie.net", client_more=ASKING, mitm=["noop"],
         benign=False, why="Postfix sends its ClientHello behind the 250; the server reads it as commands and says 500 several times.\n"
         "Nothing is promised, and a server with an odd 250 could do so: an entry.",
         facts={"mxwitness.smtp.starttls.offered": True, "mxwitness.smtp.starttls.requested": True, "mxwitness.smtp.starttls.reply_code": 250,
                "mxwitness.tls.client_hello": True, "tls.version": None, "mxwitness.outcome": "not-delivered"},
         findings=[finding("starttls-command-rewritten", "informational", "indication", "noop-substituted")])

# ---- certificates without a promise ----

for NAME, CERT, TITLE, WHY in (
        ("expired", "bygone", "A certificate that ran out", "For a sender to whom TLS is welcome it makes no difference (RFC 7435): an entry."),
        ("early", "early", "A certificate that is not valid yet", "As cert-expired."),
        ("wrong-name", "stranger", "A certificate of another name", "As cert-expired."),
        ("self-signed", "charlie", "A self-signed certificate", "As cert-expired; most are.")):
    scenario("cert-" + NAME, TITLE + ", and nothing is promised", "charlie.net", cert=CERT, client_more=ASKING, server_more=ONLY12, benign=True, why=WHY,
             facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.pkix.result": "invalid"}),
             findings=[finding("cert-invalid", "informational", "indication")], verdict="encrypted")
AUTHORITY = {"authority.yaml": "own_networks: [192.0.2.0/24]\nca_file: authority.crt\n"}
scenario("cert-valid", "A certificate of the right name under an authority that the site trusts", "charlie.net", cert="issued", client_more=ASKING,
         server_more=ONLY12, benign=True, options=["-c", "authority.yaml"], beside=AUTHORITY, keep=["authority.crt"], why="Nothing is wrong with it. The twin of the other cert- captures.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.pkix.result": "valid"}), verdict="encrypted")

# ---- words and octets put in by somebody else ----

scenario("command-echoed", "The client's STARTTLS arrives as XXXXXXXX, and the server's complaint quotes it", "charlie.net", client_more=ASKING,
         mitm=["rewrite-echo"], benign=False, why="Seen in front of the attacker: we said STARTTLS, the server read something else. (Postfix does not quote; "
         "the complaint is in the words of Sendmail.)",
         facts=clear("charlie.net", "no-tlsa", "none", offered=True, requested=True,
                     **{"mxwitness.smtp.starttls.reply_code": 500, "mxwitness.smtp.echoed_command": "XXXXXXXX"}),
         findings=[finding("starttls-command-rewritten", "high", "proof", "echo-mismatch"),
                   {"id": "starttls-refused", "level": "informational"}, {"id": "tls-failed-then-cleartext", "level": "informational"}],
         verdict="downgraded")
scenario("ehlo-rewritten", "The client's EHLO arrives as XXXX, and HELO mail goes in clear", "echo.org", client_more=ASKING, mitm=["rewrite-ehlo"],
         tap="server", benign=False, why="Seen behind the attacker. No client says XXXX where EHLO is due. Nothing is promised: an entry.",
         facts={"mxwitness.smtp.x_command": "XXXX", "mxwitness.smtp.helo": "out.sender.net", "tls.version": None, "mxwitness.outcome": "clear-content",
                "mxwitness.smtp.rcpt_domains": ["echo.org"]},
         findings=[finding("ehlo-refused", "informational", "strong", "x-command")])
scenario("command-injected", "Somebody puts RSET behind the client's STARTTLS", "charlie.net", client_more=ASKING, server_more=ONLY12, mitm=["inject-command"],
         tap="server", benign=False, why="Seen behind the attacker. Nothing may follow STARTTLS before its reply (RFC 3207 4); Postfix throws it away, "
         "other servers once obeyed it inside TLS.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "mxwitness.smtp.command_injected": True, "mxwitness.smtp.injected_command": "RSET",
                "mxwitness.smtp.injected_command_octets": 6, "tls.established": True, "tls.version": "1.2"},
         findings=[finding("command-injected", "medium", "proof")])
scenario("early-hello", "A client sends its ClientHello without waiting for the reply to STARTTLS", "charlie.net", client="talk",
         client_more=["EHLO out.sender.net", "early"], server_more=ONLY12, front=["pass"], benign=True,
         why="Hasty, and what follows STARTTLS is TLS. The twin of command-injected.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "mxwitness.tls.early_hello": True, "tls.established": True, "tls.version": "1.2"},
         findings=[finding("early-hello", "informational", "proof")])
scenario("response-injected", "Somebody puts a second reply behind the server's 220", "charlie.net", client_more=ASKING, server_more=ONLY12,
         mitm=["inject-response"], benign=False, options=["-c", "own.yaml"], beside=OWN,
         why="A client that keeps what it read would take it for a reply inside TLS. Postfix throws it away. High for a client of our own.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "mxwitness.smtp.response_injected": True, "tls.established": True, "tls.version": "1.2"},
         findings=[finding("response-injected", "high", "proof")])
scenario("reply-two-lines", "A server answers STARTTLS with 220 in two lines", "charlie.net", client_more=ASKING, server_more=ONLY12, front=["multi220"],
         benign=True, options=["-c", "own.yaml"], beside=OWN, why="One reply. The twin of response-injected.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none"), verdict="encrypted")
scenario("alert-injected", "Somebody puts an alert in front of the server's handshake, and the sender comes back in clear", "charlie.net", client="exim",
         client_more=SNI, server_more=ONLY12, mitm=["alert-first"], benign=False,
         why="A server that gives up does not go on with its handshake. One packet, and the message crosses in clear.",
         sessions=[{"facts": failed("alert", **{"mxwitness.tls.alert.then_handshake": True}),
                    "findings": [finding("tls-handshake-alert", "high", "strong", "alert-injected")]}, in_clear_again("charlie.net")])
del ALL["alert-injected"]["sessions"][0]["facts"]["mxwitness.tls.failed_at"], ALL["alert-injected"]["sessions"][0]["facts"]["tls.version"]
scenario("suite-not-offered", "The suites in the client's offer are replaced on the way", "charlie.net", cert="kilo", mitm=["swap-suites"], benign=False,
         client_more=ASKING + CLIENT12 + SECLEVEL0.format("ECDHE+AESGCM", "ECDHE+AESGCM"), server_more=old_server("TLSv1.2"),
         why="The server chooses a suite that the ClientHello seen here does not name; the client aborts. Proof that the offer was altered.",
         facts={"mxwitness.smtp.starttls.reply_code": 220, "mxwitness.tls.selected_not_offered": True, "tls.established": False,
                "mxwitness.outcome": "not-delivered"},
         findings=[finding("tls-version-downgrade", "high", "proof", "mismatch")], verdict="downgraded")
for NAME, MORE, TITLE in (("fallback-refused", "", "A client that lowers its offer of its own will meets a server that supports more"),
                          ("fallback", ONLY12, "A client lowers its offer of its own will, and says so")):
    scenario(NAME, TITLE, "charlie.net", client="openssl", client_more=["-servername", "mx.charlie.net", "-no_tls1_3", "-fallback_scsv"], say="Q\n",
             server_more=MORE, benign=False, why="TLS_FALLBACK_SCSV (RFC 7507) says that an earlier attempt failed. " +
             ("The server answers with alert 86." if not MORE else "The twin without it is sentinel-tls12-client."),
             facts=dict({"mxwitness.smtp.starttls.reply_code": 220, "mxwitness.tls.fallback_scsv": True}, **(
                 {"tls.version": "1.2", "tls.established": True} if MORE else {"mxwitness.tls.alert.side": "server", "mxwitness.tls.alert.code": 86})),
             findings=[finding("tls-fallback", "medium", "proof", "scsv")])

# ---- other servers, other outcomes ----

scenario("strip-dane-greylisted", "The offer of STARTTLS is removed, and the recipient is put off with 450", "alpha.net", client_more=ASKING, mitm=["strip"],
         server_more="smtpd_recipient_restrictions = defer\n", benign=False, why="The envelope crossed in clear, the message did not: high.",
         facts=clear("alpha.net", "tls-absent", "dane", outcome="clear-envelope", **{"mxwitness.smtp.rcpt_domains": ["alpha.net"],
                                                                                     "mxwitness.smtp.content_octets": 0}),
         findings=[finding("starttls-not-offered", "high", "indication")], verdict="downgraded")
scenario("greylisted-benign", "A server without TLS puts the recipient off with 450", "echo.org", client_more=ASKING, no_tls=True,
         server_more="smtpd_recipient_restrictions = defer\n", benign=True, why="Nothing is promised. The twin of strip-dane-greylisted.",
         facts=clear("echo.org", "insecure", "none", outcome="clear-envelope", **{"mxwitness.smtp.content_octets": 0}),
         findings=[finding("starttls-not-offered", "informational", "indication")], verdict="clear")
scenario("intercept-other-dane", "TLS 1.2 ends at a stranger who has a DANE domain of his own, key and greeting", "alpha.net", client_more=ASKING,
         server_more=ONLY12, host="mx.kilo.net", mitm=["intercept", "{work}/certs/kilo.pem", "1.2"], benign=False,
         why="The greeting says mx.kilo.net, and the key is that of mx.kilo.net (TLSA 3 1 1): hints of the server's own. The client meant mx.alpha.net (SNI).",
         facts=secured("alpha.net", "1.2", "mismatch", "dane", "tls-bad-peer"),
         findings=[finding("tlsa-mismatch", "critical", "proof", "ee-no-match")], verdict="intercepted")
scenario("redirected-clear", "Mail for a DANE domain goes in clear to a server that is none of its MX hosts", "echo.org", rcpt="alpha.net", client="swaks",
         no_tls=True, server_more="mydestination = alpha.net\n", benign=False,
         why="Every MX host of alpha.net promises TLS, whatever server was led to: critical by the domain.",
         facts={"mxwitness.smtp.starttls.offered": False, "mxwitness.smtp.rcpt_domains": ["alpha.net"], "mxwitness.outcome": "clear-content",
                "mxwitness.expectation.strongest": "dane"},
         findings=[finding("starttls-not-offered", "critical", "indication"), {"id": "server-not-in-mx-set"}], verdict="downgraded")

# ---- packets of somebody on the side; the server takes its time, or he would be late ----

FORGED = "|".join(["250-mx.charlie.net", "250-PIPELINING", "250-SIZE 10240000", "250-VRFY", "250-ETRN", "250-BURLIMAP", "250-ENHANCEDSTATUSCODES",
                   "250-8BITMIME", "250-DSN", "250-SMTPUTF8", "250 CHUNKING", ""])
scenario("rst-injected", "A RST in the server's name for the ClientHello, and the sender comes back in clear", "charlie.net", client="exim",
         client_more=SNI, server_more=ONLY12, front=["slow"], side=["rst"], benign=False,
         why="The server, which is said to have reset the connection, answers all the same. The twin of reset-benign.",
         sessions=[{"facts": {"mxwitness.tls.failed": True, "mxwitness.tls.failed_how": "reset", "mxwitness.outcome": "not-delivered"},
                    "findings": [finding("rst-injected", "high", "proof", "data-after-rst")]}, in_clear_again("charlie.net")])
scenario("segment-conflict", "Somebody answers EHLO before the server does, without STARTTLS", "charlie.net", client_more=ASKING, server_more=ONLY12,
         front=["slow"], side=["ehlo", FORGED], benign=False,
         why="Two segments at the same place with different octets: the client reads the first, the server's own comes too late, and offers STARTTLS.",
         facts=clear("charlie.net", "no-tlsa", "none", **{"mxwitness.tcp.conflict_in_clear": True}),
         findings=[finding("segment-conflict", "high", "proof")])

# ---- the sender's rules, one by one (RFC 7671, RFC 7672) ----

REFUSED_PEER = finding("sender-rejected-peer", "medium", "strong", "quit-after-handshake")
scenario("dane-ta-not-sent", "The authority is published by certificate (2 0 1), and the server does not send it", "november.net", client_more=DANE,
         server_more=ONLY12, benign=False, why="RFC 7672 3.1.2: the authority's certificate has to be in the chain. An error of the operator's; the sender gives up.",
         facts=secured("november.net", "1.2", "mismatch", "dane", "not-delivered", **{"mxwitness.dane.variant": "ta-not-in-chain"}),
         findings=[finding("tlsa-mismatch", "high", "proof", "ta-not-in-chain"), REFUSED_PEER], verdict="intercepted")
NAME_UNKNOWN = finding("tlsa-mismatch", "low", "indication", "ta-name-mismatch")
matched("dane-ta-next-hop", "Under the published authority (2 0 1), with the name of the mail domain", "oscar.net",
        why="RFC 7672 3.2.2: with a secure MX the next-hop domain is a name to go by, and the sender, who knows it, delivers. A witness of\n"
        "TLS does not hear the recipient: neither match nor mismatch.", findings=[NAME_UNKNOWN], verdict="encrypted")
ALL["dane-ta-next-hop"]["facts"].update({"mxwitness.dane.verdict": "identity-unknown", "mxwitness.dane.variant": "ta-name-mismatch",
                                         "mxwitness.dane.matched": None})
scenario("dane-ta-insecure-mx", "The same server, for a domain whose MX is not signed", "oscar.net", rcpt="papa.org", ask=[], client_more=DANE,
         server_more=ONLY12 + "mydestination = papa.org\n", benign=False,
         why="The MX host is signed, the way to it is not: only the host's own name counts, and the certificate has that of papa.org.\n"
         "Postfix sends all the same, and logs \"Trusted\" where it would say \"Verified\". The twin of dane-ta-next-hop.",
         facts=secured("oscar.net", "1.2", "identity-unknown", "dane", **{"mxwitness.dane.variant": "ta-name-mismatch"}),
         findings=[NAME_UNKNOWN], verdict="encrypted")
scenario("dane-agility", "The certificate matches a SHA-256 record only, and a SHA-512 record is published too", "quebec.net", client_more=DANE,
         server_more=ONLY12, benign=False, why="RFC 7671 9: the stronger digest counts, and it is another key's. Whose record it matches is the publisher: medium.",
         facts=secured("quebec.net", "1.2", "mismatch", "dane", **{"mxwitness.dane.variant": "agility-only-weak"}),
         findings=[finding("tlsa-mismatch", "medium", "proof", "agility-only-weak"), REFUSED_PEER])
del ALL["dane-agility"]["facts"]["mxwitness.outcome"]
matched("dane-tlsa-cname", "The TLSA record stands behind an alias of its owner name", "sierra.net", why="The base domain is that of the MX host all the same.")
matched("dane-alias-insecure-target", "The MX host is an alias for a host that is not signed, and has TLSA itself", "echo.org", rcpt="romeo.org", ask=[],
        server_more=ONLY12 + "mydestination = romeo.org\n",
        why="RFC 7672 2.2.2: the target is insecure, the alias secure: its own name is the base domain, and the SNI.")
ALL["dane-alias-insecure-target"]["facts"]["tls.client.server_name"] = "mx.romeo.org"

# ---- more passwords, more weak TLS, and a proxy that nobody ordered ----

CRAM = ("begin authenticators\ncram:\n  driver = cram_md5\n  public_name = CRAM-MD5\n  server_secret = s3kr1t-planted\n  server_set_id = $auth1\n")
scenario("auth-cram-md5", "CRAM-MD5 in clear on the submission port", "charlie.net", client="swaks", server="exim", port=587, auth=CRAM,
         client_more=["--auth", "CRAM-MD5"] + PASSWORD[2:], benign=False, why="No password crosses, but enough to guess it at leisure: medium.",
         facts={"mxwitness.service": "submission", "mxwitness.smtp.auth.mechanism": "CRAM-MD5", "mxwitness.smtp.auth.class": "crackable",
                "mxwitness.smtp.auth.reply_code": 235},
         findings=[finding("auth-in-clear", "medium", "proof", "crackable")])
scenario("auth-guessed", "A stranger tries a password at our server, and it is wrong", "charlie.net", client="swaks", server="exim", port=587, auth=LOGIN,
         client_more=["--auth", "PLAIN", "--auth-user", "info", "--auth-password", "guess-planted", "--quit-after", "AUTH"], benign=True,
         options=["-c", "inbound.yaml"], beside=INBOUND, why="Nobody's password has leaked: counted. The twin of auth-in-clear.",
         facts={"network.direction": "inbound", "mxwitness.smtp.auth.class": "secret", "mxwitness.smtp.auth.reply_code": 535},
         findings=[finding("auth-in-clear", "informational", "proof", "guessing"), finding("auth-offered-in-clear", "low", "proof")])
PRIORITY = "NONE:+VERS-TLS1.2:+ECDHE-RSA:+{}:+COMP-NULL:+{}:+GROUP-ALL\n"
for NAME, SUITE, SIGNS, VARIANT, LEVEL, TITLE in (
        ("null", "NULL:+SHA1", "SIGN-ALL", "null", "low", "a suite that encrypts nothing"),
        ("rc4", "ARCFOUR-128:+SHA1", "SIGN-ALL", "rc4", "low", "RC4"),
        ("sha1", "AES-128-GCM:+AEAD", "SIGN-RSA-SHA1", "weak-signature", "low", "a handshake signed with SHA-1")):
    weak("weak-" + NAME, f"Two Exim agree on {TITLE}", "charlie.net", "1.2", weak_cipher(VARIANT, LEVEL), "Of old age rather than by an attack: low.",
         client="exim", server="exim", cert="kilo", client_more=SNI + "  tls_require_ciphers = " + PRIORITY.format(SUITE, SIGNS),
         server_more="tls_require_ciphers = " + PRIORITY.format(SUITE, SIGNS))
del ALL["weak-null"]["facts"]["mxwitness.outcome"]  # what is under NULL could be read, and is not
PROXIED = {"client_more": ASKING, "server": "exim", "server_more": EXIM12, "mitm": ["pass"]}
scenario("proxy-transparent", "The server greets another address than the client's", "charlie.net", benign=True, options=["-c", "seen.yaml"],
         beside={"seen.yaml": "own_networks: [192.0.2.0/24]\npublic_addresses: [192.0.2.2]\n"},
         why="Exim quotes the address it sees, and the site says that its own is seen as it is: somebody between the two speaks for the client. Low.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.smtp.greeted_address": "203.0.113.1"}),
         findings=[finding("transparent-proxy-suspected", "low", "indication", "echo-mismatch")], **PROXIED)
scenario("proxy-transparent-nat", "The server greets the public address of our own NAT", "charlie.net", benign=True, options=["-c", "nat.yaml"],
         beside={"nat.yaml": "own_networks: [192.0.2.0/24]\npublic_addresses: [203.0.113.1]\n"},
         why="The site says that this is its own address. The twin of proxy-transparent.",
         facts=secured("charlie.net", "1.2", "no-tlsa", "none", **{"mxwitness.smtp.greeted_address": "203.0.113.1"}), **PROXIED)
scenario("dane-ta-stranger", "A self-signed certificate where an authority is published (2 1 1)", "bravo.net", client_more=DANE, server_more=ONLY12, cert="charlie",
         benign=False, why="Not under the published authority; the sender gives up.", facts=secured("bravo.net", "1.2", "mismatch", "dane", "not-delivered"),
         findings=[finding("tlsa-mismatch", "high", "proof", "ta-no-match"), REFUSED_PEER], verdict="intercepted")
