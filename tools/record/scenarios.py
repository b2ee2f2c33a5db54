"""The scenarios: who sends to whom, who lies, and what a sensor on the client's link must say of it.

Keys of a scenario: title, domain; client (postfix swaks exim) with client_more, server (postfix exim opensmtpd) with
server_more, cert (file name in certs/), no_tls; mitm [mode, arguments]; port, v6, tap, times; why (sentences of the story);
demo, benign; facts, findings, verdict (one session) or sessions (several); options, beside."""
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
    facts["mxwitness.tls.certificate_visibility"] = "visible" if version == "1.2" else "hidden"
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
    liar = f"A program on the path lies ({s['mitm'][0]})." if "mitm" in s else "Nobody lies."
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

scenario("strip-dane-clear-ipv6", "The offer of STARTTLS is removed, over IPv6", "alpha.net", v6=True, client_more=ASKING, mitm=["strip"],
         benign=False, why="The twin of demo/strip-dane-clear over IPv6.", facts=clear("alpha.net", "tls-absent", "dane"),
         findings=[finding("starttls-not-offered", "critical", "indication")], verdict="downgraded")
scenario("strip-dane-refused", "The offer of STARTTLS is removed, and the sender, who verifies by DANE, gives up", "alpha.net",
         client_more=DANE, mitm=["strip"], benign=False,
         why="The control held: nothing was sent, and neither SNI nor RCPT names the host that was meant: identity unknown.",
         facts=clear("alpha.net", "identity-unknown", "none", outcome="not-delivered", **{"mxwitness.smtp.content_octets": 0}),
         findings=[finding("starttls-not-offered", "informational", "indication")], verdict="unknown")
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
         benign=False, why="The sender verifies by DANE and defers: nothing leaks. Neither SNI nor RCPT names the host: identity unknown.",
         facts=clear("alpha.net", "identity-unknown", "none", offered=True, requested=True, outcome="not-delivered",
                     **{"mxwitness.smtp.starttls.reply_code": 454}),
         findings=[finding("starttls-refused", "informational", "indication")], verdict="unknown")
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
