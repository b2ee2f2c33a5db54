/* dress: see dress.h. */
#include "dress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event_read.h"
#include "judge/kinship.h"
#include "judge/outcome.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const captures[SHAPES] = {
	[S_TLS13] = "dane-match-tls13 0",
	[S_TLS12] = "insecure-tls12 0",
	[S_RESUMED] = "tls12-resumed 1",
	[S_CLEAR] = "strip-no-dane 0",
	[S_GREY] = "greylisted-benign 0",
	[S_CLEAR_QUIT] = "strip-dane-refused 0",
	[S_REFUSED] = "client-postfix-454 0",
	[S_REFUSED_QUIT] = "refused-454-dane 0",
	[S_RESET] = "client-postfix-reset 0",
	[S_ALERT] = "handshake-failed-benign 0",
	[S_UNUSED] = "client-postfix-reset 2",
	[S_MONITOR] = "monitor-close 0",
	[S_PROBE] = "probe-quit 0",
	[S_TLS12_REFUSED] = "intercept-tls12-refused 0",
	[S_TLS13_REFUSED] = "intercept-tls13-refused 0",
	[S_BANNER] = "banner-masked 0",
	[S_ANSWERED] = "answered-in-clear 0",
	[S_DANCE] = "fallback 0",
	[S_WEAK] = "weak-tls10 0",
	[S_REWRITE] = "command-rewritten 0",
	[S_CONFLICT] = "segment-conflict 0",
	[S_RST] = "rst-injected 0",
	[S_SENTINEL] = "sentinel-downgrade 0",
	[S_ATTEMPT] = "client-postfix-reset 0", /* of which little is left: attempt_only */
};

const char *shape_capture(enum shape shape)
{
	return captures[shape];
}

/* Only what the wire part says of a session; the rest is said anew. */
static void keep_wire(struct record *r)
{
	for (unsigned i = 0; i < FACT_COUNT; i++)
		if (fact_table[i].room != ROOM_WIRE)
			record_unset(r, (enum fact)i);
}

/* Nothing was answered: what the client's SYNs say, and no more. */
static void attempt_only(struct record *r)
{
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		const char *name = fact_table[i].name;
		bool kept = strncmp(name, "event.", 6) == 0 || strncmp(name, "network.", 8) == 0 ||
			    strncmp(name, "source.", 7) == 0 || strncmp(name, "destination.", 12) == 0 ||
			    strncmp(name, "client.", 7) == 0 || strncmp(name, "server.", 7) == 0 ||
			    strncmp(name, "mxwitness.tcp.c2s.", 18) == 0 || i == F_service || i == F_found_by ||
			    i == F_cap_phase;
		if (!kept)
			record_unset(r, (enum fact)i);
	}
	record_num(r, F_tcp_attempt, attempt_unanswered);
	record_num(r, F_cap_end, endhow_timeout);
}

bool dresser_read(struct dresser *d, const char *templates)
{
	FILE *f = fopen(templates, "r");
	char *line = NULL;
	size_t size = 0, at = 0;
	ssize_t n;
	if (!f)
		return perror(templates), false;
	for (; at < SHAPES && (n = getline(&line, &size, f)) > 0; at++) {
		if (!event_read((struct bytes){ (const uint8_t *)line, (size_t)n }, &d->shape[at]))
			break;
		keep_wire(&d->shape[at]);
	}
	attempt_only(&d->shape[S_ATTEMPT]);
	free(line);
	fclose(f);
	if (at < SHAPES)
		fprintf(stderr, "%s: no session for %s\n", templates, captures[at]);
	networks_add(&d->site.own, bytes_of("192.0.2.0/24"));
	return at == SHAPES;
}

/* A product's greeting behind the host name, and its keywords before and after an upgrade. A blank in front of the
 * last octet of the greeting: the time of day follows. */
struct product {
	const char *greeting;
	bool clock;
	const char *keywords[2][12];
};

static const struct product products[8] = {
	{ "ESMTP Postfix",
	  false,
	  { { "PIPELINING", "SIZE 10240000", "VRFY", "ETRN", "STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN",
	      "CHUNKING" },
	    { "PIPELINING", "SIZE 52428800", "ETRN", "STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN",
	      "SMTPUTF8", "CHUNKING" } } },
	{ "ESMTP Exim 4.9",
	  true,
	  { { "SIZE 52428800", "8BITMIME", "PIPELINING", "PIPECONNECT", "STARTTLS", "HELP" },
	    { "SIZE 52428800", "LIMITS MAILMAX=1000", "8BITMIME", "PIPELINING", "PIPECONNECT", "STARTTLS",
	      "HELP" } } },
	{ "ESMTP OpenSMTPD",
	  false,
	  { { "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 36700160", "DSN", "STARTTLS", "HELP" },
	    { "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 36700160", "DSN", "STARTTLS", "HELP" } } },
	{ "ESMTP Sendmail 8.1",
	  true,
	  { { "ENHANCEDSTATUSCODES", "PIPELINING", "8BITMIME", "SIZE", "DSN", "ETRN", "STARTTLS", "DELIVERBY",
	      "HELP" },
	    { "ENHANCEDSTATUSCODES", "PIPELINING", "EXPN", "8BITMIME", "SIZE", "DSN", "STARTTLS", "DELIVERBY",
	      "HELP" } } },
	{ "Microsoft ESMTP MAIL Service ready at ",
	  true,
	  { { "SIZE 37748736", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS", "8BITMIME", "BINARYMIME",
	      "CHUNKING" },
	    { "SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS", "8BITMIME", "BINARYMIME",
	      "CHUNKING", "SMTPUTF8" } } },
	{ "Microsoft ESMTP MAIL Service ready at ",
	  true,
	  { { "SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS", "8BITMIME", "BINARYMIME",
	      "CHUNKING", "SMTPUTF8" },
	    { "SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS", "8BITMIME", "CHUNKING",
	      "SMTPUTF8" } } },
	{ "ESMTP h2-gsmtp",
	  false,
	  { { "SIZE 157286400", "8BITMIME", "STARTTLS", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING",
	      "SMTPUTF8" },
	    { "SIZE 157286400", "8BITMIME", "STARTTLS", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING",
	      "SMTPUTF8" } } },
	{ "ESMTP cloud gateway",
	  false,
	  { { "8BITMIME", "SIZE 104857600", "STARTTLS" },
	    { "8BITMIME", "SIZE 104857600", "STARTTLS", "SMTPUTF8" } } },
};

static void text(struct record *r, enum fact f, const char *format, ...)
{
	char buf[300];
	va_list args;
	va_start(args, format);
	vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	record_cstr(r, f, buf);
}

static void hex(struct record *r, enum fact f, uint64_t what, unsigned octets, bool capital)
{
	char buf[129];
	for (unsigned i = 0; i < octets; i += 8)
		snprintf(buf + (size_t)2 * i, sizeof(buf) - (size_t)2 * i, capital ? "%016lX" : "%016lx",
			 (unsigned long)mixed(what, i, 77));
	buf[2 * octets] = '\0';
	record_cstr(r, f, buf);
}

static void address(struct record *r, enum fact f, enum fact as_text, uint32_t ip)
{
	struct addr a = { .v = 4,
			  .a = { (uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip } };
	record_addr(r, f, &a);
	if (as_text != FACT_COUNT)
		text(r, as_text, "%u.%u.%u.%u", a.a[0], a.a[1], a.a[2], a.a[3]);
}

static uint32_t server_address(const struct server *s, const struct visit *v)
{
	if (v->elsewhere)
		return s->addr ^ 0x00554433;
	return v->at < s->addr2_at ? s->addr : s->addr2;
}

static uint32_t client_address(const struct dresser *d, const struct visit *v)
{
	const struct client *c = &d->world->client[v->client];
	if (v->spoofed)
		return UINT32_C(100) << 24 | (uint32_t)(mixed(v->spoofed, 3, 4) & 0x3fffff);
	return v->client == 16 ? c->addr ^ (uint32_t)(mixed(v->number, 5, 6) & 63)
			       : c->addr; /* a pool behind address translation */
}

static void ends(const struct dresser *d, const struct visit *v, const struct server *s, struct record *r)
{
	int64_t last = record_get_num(r, F_event_duration, SECOND);
	uint64_t port = 20000 + mixed(v->number, 1, 1) % 40000;
	text(r, F_event_id, "%08x%016lx%08x", v->number, (unsigned long)mixed(d->world->seed, v->number, 8),
	     v->number); /* the number leads */
	record_num(r, F_event_start, v->at);
	record_num(r, F_event_end, v->at + last);
	address(r, F_src_ip, F_src_address, client_address(d, v));
	address(r, F_cli_ip, FACT_COUNT, client_address(d, v));
	address(r, F_dst_ip, F_dst_address, server_address(s, v));
	address(r, F_srv_ip, FACT_COUNT, server_address(s, v));
	record_num(r, F_src_port, (int64_t)port);
	record_num(r, F_cli_port, (int64_t)port);
	text(r, F_net_community_id, "1:%016lx", (unsigned long)mixed(d->world->seed, v->number, 9));
	record_unset(r, F_related_ip);
	if (v->shape == S_ATTEMPT)
		return;
	record_num(r, F_tcp_ttl_min_s2c, s->ttl);
	record_num(r, F_tcp_ttl_max_s2c, s->ttl);
	record_num(r, F_tcp_rtt,
		   (int64_t)(8 + (s->addr & 31)) * 1000000 + (int64_t)(mixed(v->number, 2, 2) % 2000000));
}

static unsigned generation(const struct server *s, int64_t at)
{
	return at >= s->upgraded;
}

static unsigned product_of(const struct visit *v, const struct server *s)
{
	return s->balanced && mixed(v->number, 6, 6) % 2 ? s->balanced - 1u : s->product;
}

static void greeting(const struct visit *v, const struct server *s, struct record *r)
{
	const struct product *p = &products[product_of(v, s)];
	char when[48] = "";
	time_t t = (time_t)(v->at / SECOND);
	struct tm tm;
	if (record_get_tri(r, F_smtp_banner_masked) == TRI_YES || !record_has(r, F_smtp_banner))
		return;
	if (p->clock)
		strftime(when, sizeof(when), " %a, %d %b %Y %T +0000", gmtime_r(&t, &tm));
	if (s->product == 5) /* one of many front ends */
		text(r, F_smtp_banner, "220 EUR0%uFT0%02u.mail.hoster1.example %s%s", 1 + v->number % 4,
		     (unsigned)(mixed(v->number, 0, 1) % 60), p->greeting, when);
	else
		text(r, F_smtp_banner, "220 %s %s%s", s->host, p->greeting, when);
}

/* The keywords of the product; of STARTTLS what the shape has: there, not there, or masked. */
static void keywords(const struct visit *v, const struct server *s, struct record *r)
{
	const char *const *word = products[product_of(v, s)].keywords[generation(s, v->at)];
	bool offered = record_get_tri(r, F_smtp_offered) == TRI_YES;
	if (!record_has(r, F_smtp_keywords))
		return;
	record_unset(r, F_smtp_keywords);
	for (int i = 0, line = 2; word[i]; i++, line++) {
		bool starttls = strcmp(word[i], "STARTTLS") == 0;
		char name[24];
		if (starttls && !offered && !v->masked) {
			line--;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(word[i], " "), word[i]);
		record_add_cstr(r, F_smtp_keywords, starttls && v->masked ? "XXXXXXXA" : name);
		if (!starttls || !v->masked)
			continue;
		record_cstr(r, F_smtp_masked, "XXXXXXXA");
		record_num(r, F_smtp_mask_form, maskform_x_mask);
		record_num(r, F_smtp_mask_pos, line);
	}
	if (v->masked) {
		record_unset(r, F_smtp_masks);
		record_add_cstr(r, F_smtp_masks, "XXXXXXXA");
	}
}

static void dialogue(const struct dresser *d, const struct visit *v, const struct server *s, struct record *r)
{
	const char *name = d->world->client[v->client].name;
	greeting(v, s, r);
	keywords(v, s, r);
	record_unset(r, F_smtp_greeted);
	if (record_has(r, F_smtp_ehlo))
		record_cstr(r, F_smtp_ehlo, name);
	if (record_has(r, F_smtp_helo))
		record_cstr(r, F_smtp_helo, name);
	if (record_get_num(r, F_smtp_transactions, 0) == 0)
		return;
	record_unset(r, F_smtp_mail_domain);
	record_unset(r, F_smtp_rcpt_domains);
	record_add_cstr(r, F_smtp_mail_domain, v->server >= SERVERS ? strchr(name, '.') + 1 : "own.example");
	record_add_cstr(r, F_smtp_rcpt_domains, s->domain);
}

static uint64_t key_of(const struct visit *v, const struct server *s)
{
	uint32_t n = world_certificate(s, v->at);
	n += (v->at >= s->new_ca_at ? 500u : 0) + (v->at >= s->rekeyed_at ? 700u : 0);
	if (v->forged)
		return mixed(4711, v->alike, v->alike ? s->addr : 1);
	return mixed(s->hoster ? s->hoster : s->addr, s->reuse ? 1000 + n / 100 : n, 5);
}

static void certificate(const struct visit *v, const struct server *s, struct record *r)
{
	static const char *const issuer[] = { NULL, "C=US,O=Quick CA,CN=E7",
					      "C=US,O=Large CA Inc,CN=Large TLS RSA CA 2024",
					      "C=BE,O=Old CA nv-sa,CN=OV 2023", "C=DE,O=State CA,CN=Server 3" };
	uint32_t n = world_certificate(s, v->at);
	unsigned ca = v->at >= s->new_ca_at && s->ca ? 1 + s->ca % 4u : s->ca;
	int64_t begin = EPOCH + ((int64_t)n * s->renewal - s->offset) * DAY;
	char cn[100];
	const char *zone = s->hoster ? strchr(s->host, '.') : NULL;
	snprintf(cn, sizeof(cn), "%s%s", zone ? "*" : "",
		 zone ? zone : s->host); /* a hoster's stands for all its customers */
	if (record_get_num(r, F_tls_cert_vis, visibility_hidden) != visibility_visible)
		return;
	hex(r, F_tls_leaf_sha256, key_of(v, s) + n, 32, true);
	hex(r, F_tls_spki_sha256, key_of(v, s), 32, false);
	hex(r, F_x509_serial, key_of(v, s) + 99, 16, true);
	text(r, F_x509_subject, "CN=%s", cn);
	if (v->forged)
		text(r, F_x509_issuer, v->alike && ca ? "%s" : "O=Gateway,CN=Inspection CA", issuer[ca]);
	else
		text(r, F_x509_issuer, ca ? "%s" : "CN=%s", ca ? issuer[ca] : cn);
	record_unset(r, F_x509_names);
	record_add_cstr(r, F_x509_names, cn);
	record_num(r, F_x509_not_before, v->forged ? EPOCH : begin);
	record_num(r, F_x509_not_after,
		   v->forged ? EPOCH + 365 * DAY
			     : begin + (s->ca == 1 ? 90 : s->renewal) * DAY + (s->ca == 1 ? 0 : 20 * DAY));
	bool valid = s->ca && !v->forged;
	record_num(r, F_pkix, valid ? pkix_valid : pkix_invalid);
	if (!valid)
		record_add_num(r, F_pkix_problems, v->forged ? pkixproblem_untrusted : pkixproblem_self_signed);
}

/* The length of the encrypted Certificate message of TLS 1.3 is the certificate's. */
static void flight(const struct visit *v, const struct server *s, struct record *r)
{
	int64_t length[RECORD_ITEMS];
	size_t pos = 0, n = 0;
	struct bytes item;
	while (n < RECORD_ITEMS && record_next(r, F_tls_rec_s2c, &pos, &item))
		length[n++] = record_item_num(item);
	if (n < 3)
		return;
	length[1] = 700 + (int64_t)(mixed(s->hoster ? s->hoster : s->addr, 7, v->forged) % 3200) +
		    (int64_t)(world_certificate(s, v->at) % 3);
	record_unset(r, F_tls_rec_s2c);
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_tls_rec_s2c, length[i]);
}

static void tls(const struct dresser *d, const struct visit *v, const struct server *s, struct record *r)
{
	const struct client *c = &d->world->client[v->client];
	if (record_get_tri(r, F_tls_hello_c) == TRI_YES) {
		hex(r, F_tls_ja3, mixed(c->group, c->kind, 1), 16, false);
		hex(r, F_tls_ciphers_hash, mixed(c->group, c->kind, 2), 16, false);
		record_cstr(r, F_tls_sni, s->host);
	}
	if (record_get_tri(r, F_tls_hello_s) == TRI_YES) {
		hex(r, F_tls_ja3s, mixed(product_of(v, s), generation(s, v->at), world_tls13(s, v->at)), 16, false);
		certificate(v, s, r);
	}
	if (v->shape == S_TLS13 || v->shape == S_TLS13_REFUSED || v->shape == S_MONITOR)
		flight(v, s, r);
}

static bool promised_dane(const struct visit *v, const struct server *s)
{
	return (s->promise == P_DANE || s->promise == P_OWN) && v->at >= s->dane_from && !v->dns_fails;
}

static void identify(const struct visit *v, const struct server *s, struct record *r)
{
	bool named = record_has(r, F_tls_sni), rcpt = record_has(r, F_smtp_rcpt_domains),
	     dane = promised_dane(v, s);
	if (!named && !rcpt && !s->listed && !dane)
		return record_num(r, F_id_confidence, confidence_none);
	record_cstr(r, F_id_host, s->host);
	record_cstr(r, F_dst_domain, s->host);
	record_cstr(r, F_srv_domain, s->host);
	if (rcpt || s->listed)
		record_add_cstr(r, F_id_domains, s->domain);
	enum confidence sure = dane ? (named || (rcpt && s->signed_domain) ? confidence_high : confidence_medium)
			       : s->listed ? confidence_medium
					   : confidence_low;
	if (dane && named)
		record_add_cstr(r, F_id_sources, "dnssec-host");
	if (dane && rcpt && s->signed_domain)
		record_add_cstr(r, F_id_sources, "dnssec-chain");
	if (named)
		record_add_cstr(r, F_id_sources, "sni");
	if (rcpt)
		record_add_cstr(r, F_id_sources, "rcpt");
	if (s->listed || (!named && !rcpt))
		record_add_cstr(r, F_id_sources, "dns-answer");
	record_num(r, F_id_confidence, sure);
	record_num(r, F_id_location, !dane ? location_unknown : v->elsewhere ? location_outside : location_inside);
	if (rcpt)
		record_num(r, F_id_mx_secure, dane && s->signed_domain ? dnsstatus_secure : dnsstatus_insecure);
	if (rcpt)
		record_num(r, F_id_mx_result, mxresult_hosts);
}

static enum daneverdict verdict_of(const struct visit *v, struct record *r)
{
	if (record_get_tri(r, F_tls_established) == TRI_YES ||
	    record_get_num(r, F_tls_cert_vis, visibility_hidden) == visibility_visible) {
		if (record_get_num(r, F_tls_cert_vis, visibility_hidden) != visibility_visible)
			return daneverdict_not_visible;
		return v->forged || v->rollover || v->elsewhere ? daneverdict_mismatch : daneverdict_match;
	}
	return record_get_tri(r, F_tls_seen) == TRI_YES ? daneverdict_tls_failed : daneverdict_tls_absent;
}

static void dane(const struct visit *v, const struct server *s, struct record *r)
{
	uint64_t key = mixed(key_of(v, s), v->forged, 3);
	uint8_t data[32];
	record_num(r, F_dane_as_of, v->at);
	record_num(r, F_dane_source, dnssource_live);
	if (!promised_dane(v, s)) {
		record_num(r, F_dane_verdict, v->dns_fails ? daneverdict_lookup_failed : daneverdict_insecure);
		record_num(r, F_dane_dnssec, v->dns_fails ? dnsstatus_failed : dnsstatus_insecure);
		return;
	}
	enum daneverdict verdict = verdict_of(v, r);
	bool match = verdict == daneverdict_match, mismatch = verdict == daneverdict_mismatch;
	record_num(r, F_dane_verdict, verdict);
	if (mismatch)
		record_num(r, F_dane_variant, danevariant_ee_no_match);
	record_num(r, F_dane_dnssec, dnsstatus_secure);
	record_cstr(r, F_dane_base, s->host);
	text(r, F_dane_owner, "_25._tcp.%s", s->host);
	memcpy(data, &key, 8);
	memset(data + 8, 7, sizeof(data) - 8);
	record_add_num(r, F_tlsa_usage, 3);
	record_add_num(r, F_tlsa_selector, 1);
	record_add_num(r, F_tlsa_matching, 1);
	record_add(r, F_tlsa_data, (struct bytes){ data, sizeof(data) });
	record_add_num(r, F_tlsa_result,
		       match      ? tlsaresult_match
		       : mismatch ? tlsaresult_no_match
				  : tlsaresult_not_compared);
	record_num(r, F_dane_usable, 1);
	record_num(r, F_dane_ttl, 3600);
	if (match)
		record_cstr(r, F_dane_matched, "3 1 1");
}

static void promises(const struct visit *v, const struct server *s, struct record *r)
{
	bool has[expect_COUNT] = { false };
	enum expect strongest = expect_none;
	has[expect_dane] = promised_dane(v, s);
	has[expect_sts_enforce] = s->promise == P_STS;
	has[expect_sts_testing] = s->promise == P_TESTING;
	has[expect_policy] = s->promise == P_POLICY;
	if (s->promise == P_STS || s->promise == P_TESTING) {
		record_num(r, F_sts_mode, s->promise == P_STS ? stsmode_enforce : stsmode_testing);
		record_cstr(r, F_sts_id, "20260101T000000");
		record_tri(r, F_sts_mx, TRI_YES);
		record_num(r, F_sts_expires, v->at + 7 * DAY);
	}
	if (s->promise == P_POLICY) {
		record_cstr(r, F_policy_name, s->domain);
		record_yes(r, F_policy_tls);
	}
	for (int x = expect_dane; x > expect_none; x--) {
		if (!has[x])
			continue;
		record_add_num(r, F_expect_all, x);
		strongest = (enum expect)x > strongest ? (enum expect)x : strongest;
	}
	if (strongest == expect_none)
		record_add_num(r, F_expect_all, expect_none);
	record_num(r, F_expect, strongest);
}

/* Octets that the tap lost: what they said is not known. */
static void gap(struct record *r)
{
	static const enum fact lost[] = { F_smtp_keywords, F_smtp_offered, F_smtp_masked,   F_smtp_mask_form,
					  F_smtp_mask_pos, F_smtp_masks,   F_smtp_requested };
	record_num(r, F_cap_gap_s2c, 160);
	record_yes(r, F_cap_gap_dialogue);
	record_tri(r, F_smtp_ehlo_complete, TRI_NO);
	for (size_t i = 0; i < COUNT(lost); i++)
		if (lost[i] != F_smtp_requested || record_get_tri(r, lost[i]) != TRI_YES)
			record_unset(r, lost[i]);
	if (record_get_tri(r, F_tls_established) != TRI_YES)
		record_unset(r, F_tls_established);
}

/* Only the client was seen. */
static void one_side(struct record *r)
{
	static const enum fact servers[] = { F_smtp_banner,
					     F_smtp_banner_code,
					     F_smtp_banner_masked,
					     F_smtp_ehlo_code,
					     F_smtp_ehlo_complete,
					     F_smtp_keywords,
					     F_smtp_offered,
					     F_smtp_masked,
					     F_smtp_mask_form,
					     F_smtp_mask_pos,
					     F_smtp_masks,
					     F_smtp_greet_stls,
					     F_smtp_stls_code,
					     F_smtp_stls_text,
					     F_smtp_rcpt_ok,
					     F_smtp_messages,
					     F_smtp_messages_refused,
					     F_smtp_rcpt_deferred,
					     F_smtp_rcpt_refused,
					     F_smtp_last_code,
					     F_tls_hello_s,
					     F_tls_established,
					     F_tls_version,
					     F_tls_cipher,
					     F_tls_curve,
					     F_tls_ja3s,
					     F_tls_rec_s2c,
					     F_tls_app_s2c,
					     F_tls_leaf_sha256,
					     F_tls_spki_sha256,
					     F_x509_serial,
					     F_x509_subject,
					     F_x509_issuer,
					     F_x509_names,
					     F_x509_not_before,
					     F_x509_not_after,
					     F_x509_key_alg,
					     F_x509_key_size,
					     F_tls_chain_len,
					     F_tls_failed,
					     F_tcp_ttl_min_s2c,
					     F_tcp_ttl_max_s2c,
					     F_tcp_rtt,
					     F_smtp_inj_rsp };
	for (size_t i = 0; i < COUNT(servers); i++)
		record_unset(r, servers[i]);
	record_yes(r, F_cap_one_direction);
	record_tri(r, F_cap_s2c, TRI_NO);
	if (record_get_tri(r, F_tls_seen) != TRI_YES)
		return;
	record_num(r, F_tls_cert_vis, visibility_hidden);
	record_num(r, F_tls_cert_hidden, hiddenby_one_direction);
}

/* As expectation_finish tells of a connection that did not come about: the domain's hosts, by their MX records. */
static void mx_hosts(const struct dresser *d, const struct server *s, struct record *r)
{
	record_add_cstr(r, F_id_mx_hosts, s->host);
	if (s->backup >= 0)
		record_add_cstr(r, F_id_mx_hosts, d->world->server[s->backup].host);
}

void dress(const struct dresser *d, const struct visit *v, struct record *r)
{
	const struct server *s = &d->world->server[v->server];
	memcpy(r, &d->shape[v->shape], record_size(&d->shape[v->shape]));
	ends(d, v, s, r);
	dialogue(d, v, s, r);
	tls(d, v, s, r);
	if (v->gap && v->shape != S_ATTEMPT)
		gap(r);
	if (v->one_side && v->shape != S_ATTEMPT)
		one_side(r);
	site_judge(&d->site, r);
	record_yes(r, F_cap_dns_visible);
	identify(v, s, r);
	if (v->shape == S_ATTEMPT)
		mx_hosts(d, s, r);
	dane(v, s, r);
	promises(v, s, r);
	kinship_judge(r);
	outcome_judge(r);
}
