/* promise: each destination that the session may have been for is judged by itself; the worst verdict is the
 * session's, so that one candidate that is satisfied never hides another that is not.
 *
 * "match" needs a certificate that was seen and a host that is known. Everything less is some other word.
 * It does not know which finding follows, nor how the mail fared: rules and outcome do. */
#include "judge/promise.h"
#include "text.h"

/* What became of TLS in this session, as far as it was seen. */
/* A live lookup this long after the end of a session still speaks of it: 5 minutes, in ns. */
#define LIVE_WITHIN INT64_C(300000000000)

enum tls_state { TLS_UNDECIDED, TLS_ABSENT, TLS_FAILED, TLS_OK };

struct judged {
	struct target target;
	enum daneverdict verdict;
	enum expect expect;
	bool compared;             /* result holds something */
	struct dane_result result;
	const char *why;           /* constant text, for want of a lookup to blame */
};

/* Worst last. Not being able to judge stands above a match: two destinations, one match and one unknown, are not a
 * matching session. */
static const uint8_t verdict_rank[daneverdict_COUNT] = {
	[daneverdict_insecure] = 1, [daneverdict_no_tlsa] = 2, [daneverdict_tls_only_ok] = 3, [daneverdict_match] = 4,
	[daneverdict_identity_unknown] = 5, [daneverdict_not_visible] = 6, [daneverdict_dns_time_mismatch] = 7,
	[daneverdict_incomplete] = 8, [daneverdict_lookup_failed] = 9, [daneverdict_bogus] = 10,
	[daneverdict_tls_failed] = 11, [daneverdict_mismatch_transitional] = 12, [daneverdict_tls_absent] = 13,
	[daneverdict_mismatch] = 14,
};

static bool yes(const struct record *r, enum fact f)
{
	return record_get_tri(r, f) == TRI_YES;
}

static bool hidden(const struct record *s)
{
	return yes(s, F_cap_gap_dialogue) || yes(s, F_cap_midstream) || yes(s, F_cap_one_direction) || yes(s, F_cap_limit);
}

/* Behind the 220 stands what an inspecting device saw inside TLS; of TLS itself nothing is in the copy. */
static bool mirrored(const struct record *s)
{
	return yes(s, F_mirror) && yes(s, F_smtp_after_220);
}

static enum tls_state after_220(const struct record *s)
{
	int64_t end = record_get_num(s, F_cap_end, endhow_none);
	if (yes(s, F_smtp_after_220))
		return TLS_FAILED;
	if (yes(s, F_tls_hello_c) || hidden(s))
		return TLS_UNDECIDED;
	return end == endhow_fin || end == endhow_rst ? TLS_FAILED : TLS_UNDECIDED;
}

/* Mail in clear says that there was no TLS, whatever else is missing. Without mail, only an offer that was seen whole
 * and lacked STARTTLS, or a refusal, says so: a client that left before its turn came proves nothing. */
static enum tls_state tls_state(const struct record *s)
{
	int64_t code = record_get_num(s, F_smtp_stls_code, 0);
	if (mirrored(s))
		return TLS_UNDECIDED;
	if (yes(s, F_tls_established)) /* content that was readable went before TLS, which came too late for it */
		return record_get_num(s, F_smtp_content, 0) > 0 ? TLS_ABSENT : TLS_OK;
	if (yes(s, F_tls_failed))
		return TLS_FAILED;
	if (code == 220)
		return after_220(s);
	if (record_get_num(s, F_smtp_transactions, 0) > 0 || record_get_num(s, F_smtp_content, 0) > 0)
		return yes(s, F_tls_seen) ? TLS_FAILED : TLS_ABSENT;
	if (yes(s, F_tls_seen) || yes(s, F_tls_hello_c))
		return TLS_UNDECIDED;
	if (code >= 400)
		return TLS_ABSENT;
	if (record_get_tri(s, F_smtp_offered) == TRI_NO && yes(s, F_smtp_ehlo_complete))
		return TLS_ABSENT;
	return TLS_UNDECIDED;
}

/* Reference names of usage 2 (RFC 7672 3.2.2): the base domain; after a secure MX also the next-hop domain and where
 * its aliases led. An unsigned MX gives no name: whoever forges it would choose the name as well. Nor does a domain that
 * only answers on the link named: anybody's MX may lead here, and anybody has a certificate for his own name. */
static void reference_names(const struct expectation *e, unsigned host, struct dane_case *c)
{
	c->names = 0;
	c->name[c->names++] = expectation_base(e, &e->host[host]);
	for (unsigned i = 0; i < e->id.domains; i++) {
		const struct lookup *mx = expectation_lookup(e, DNS_MX, e->id.domain[i]);
		if (!mx || (mx->status != dnsstatus_secure && mx->status != dnsstatus_absent) || !lookup_lists(mx, host))
			continue;
		c->name[c->names++] = e->id.domain[i];
		if (mx->canonname[0])
			c->name[c->names++] = mx->canonname;
	}
}

/* A server picks its certificate by the SNI. Who asks with another name than the base domain, or with none, is not
 * doing DANE (RFC 7672 8.1), and what it was shown is no proof against the server. */
static bool wrong_sni(const struct record *s, const char *base)
{
	char name[NAME_MAX_TEXT + 1];
	if (!yes(s, F_tls_hello_c))
		return false;
	return !identity_name(record_get_str(s, F_tls_sni), name) || strcmp(name, base) != 0;
}

static bool about_the_name(enum danevariant v)
{
	return v == danevariant_ee_no_match || v == danevariant_ta_no_match || v == danevariant_ta_not_in_chain ||
	       v == danevariant_ta_name_mismatch;
}

static bool compares(const struct expectation *e, unsigned host)
{
	struct tlsa_set set;
	return e->host[host].state == HOST_DANE && expectation_set(e, &e->host[host], &set);
}

/* The chain against each host that the client may have meant; the first that matches, or the first. */
static void compare(const struct expectation *e, struct dane *d, const struct record *s, struct bytes chain,
		    struct judged *j)
{
	struct tlsa_set set;
	struct dane_case c = { .set = &set, .chain = chain, .at = e->as_of };
	for (unsigned i = 0; i < j->target.meants; i++) {
		unsigned host = j->target.meant[i];
		struct dane_result r;
		if (!compares(e, host) || !expectation_set(e, &e->host[host], &set))
			continue;
		reference_names(e, host, &c);
		dane_compare(d, &c, &r);
		if (j->compared && r.matched < 0)
			continue;
		if (about_the_name(r.variant) && wrong_sni(s, expectation_base(e, &e->host[host])))
			r.variant = danevariant_wrong_sni;
		j->compared = true;
		j->result = r;
		j->target.host = (int8_t)host;
		if (r.matched >= 0)
			return;
	}
}

/* Keys roll: a certificate that matches the records of just before, or the next ones, is the publisher's, in the wrong
 * order (RFC 7672 4, RFC 7671 8.1). No forger gets here: those records were signed too. */
static void roll_over(const struct expectation *e, struct dane *d, struct bytes chain, struct judged *j)
{
	struct tlsa_set set;
	struct dane_case c = { .set = &set, .chain = chain, .at = e->as_of };
	bool early;
	for (unsigned k = 0; k < j->target.meants; k++) {
		unsigned host = j->target.meant[k];
		for (unsigned i = 0; compares(e, host) && expectation_version(e, &e->host[host], i, &set, &early); i++) {
			struct dane_result r;
			reference_names(e, host, &c);
			dane_compare(d, &c, &r);
			if (r.matched < 0)
				continue;
			j->verdict = daneverdict_mismatch_transitional;
			j->result.variant = early ? danevariant_transitional_early : danevariant_transitional_old;
			j->why = early ? "the certificate matches the TLSA records that came later" :
					 "the certificate matches the TLSA records of before, whose TTL had not run out";
			return;
		}
	}
}

static void judge_certificate(const struct expectation *e, struct dane *d, const struct record *s, struct bytes chain,
			      enum tls_state tls, struct judged *j)
{
	bool visible = chain.n > 0 && record_get_num(s, F_tls_cert_vis, visibility_visible) == visibility_visible;
	j->verdict = tls == TLS_OK ? daneverdict_not_visible : daneverdict_tls_failed;
	if (tls == TLS_OK && yes(s, F_tls_anonymous)) {
		j->verdict = daneverdict_mismatch;
		j->result.variant = danevariant_anonymous;
		j->why = "an anonymous suite: the server showed no certificate";
		return;
	}
	if (!visible) {
		j->why = tls == TLS_OK ? "the certificate was not seen" : "the handshake did not complete";
		return;
	}
	if (tls != TLS_OK && record_get_num(s, F_tls_alert_side, side_COUNT) != side_client) {
		j->why = "the handshake ended before the client took or refused the certificate";
		return;
	}
	compare(e, d, s, chain, j);
	j->why = j->compared ? j->result.why : "";
	if (j->compared && j->result.compared && j->result.matched < 0) {
		j->verdict = daneverdict_mismatch;
		if (!j->why[0])
			j->why = "no usable record matches the certificate";
		/* It may bear the next-hop domain's name, which a client that does TLS says inside (RFC 7672 3.2.2): neither
		 * match nor mismatch. Domains that only hints name would acquit whoever gets a certificate from that anchor. */
		if (j->result.variant == danevariant_ta_name_mismatch && e->id.domains == 0) {
			j->verdict = daneverdict_identity_unknown;
			j->why = "the anchor matches, the names are not the host's; the next-hop domain is not known";
		}
		if (j->verdict == daneverdict_mismatch)
			roll_over(e, d, chain, j);
	} else if (j->compared && j->result.matched >= 0 && tls == TLS_OK)
		j->verdict = daneverdict_match;
}

/* The promise is TLS, with (HOST_DANE) or without authentication. */
static void judge_tls(const struct expectation *e, struct dane *d, const struct record *s, struct bytes chain,
		      struct judged *j)
{
	enum tls_state tls = tls_state(s);
	switch (tls) {
	case TLS_ABSENT:
		j->verdict = daneverdict_tls_absent;
		return;
	case TLS_UNDECIDED:
		j->verdict = daneverdict_not_visible;
		j->why = mirrored(s) ? "the decrypted copy of an inspecting device: TLS is not in it" :
				       "the session ended, or was not seen, before TLS was due";
		return;
	case TLS_FAILED:
	case TLS_OK:
		break;
	}
	if (j->target.state == HOST_DANE && j->target.known)
		judge_certificate(e, d, s, chain, tls, j);
	else if (tls == TLS_FAILED)
		j->verdict = daneverdict_tls_failed;
	else if (j->target.state == HOST_TLS_ONLY)
		j->verdict = daneverdict_tls_only_ok;
	else
		j->why = "which of the domain's MX hosts was meant is not known";
}

static bool is_hint(const struct target *t)
{
	return t->by == IDENTITY_ANSWER || t->by == IDENTITY_WATCH || t->by == IDENTITY_HISTORY;
}

/* An answer on the link may have been put there for us to see, or meant for another client. What it names may be
 * asked to keep its own promise; it acquits nobody, and a certificate shown to a client that named no host is no proof
 * against the host (RFC 7672 8.1). Many clients that do not do DANE agree to no certificate at all. */
static void judge_hint(struct judged *j)
{
	if (j->verdict == daneverdict_match) {
		j->verdict = daneverdict_identity_unknown;
		j->why = j->target.by == IDENTITY_ANSWER ? "the certificate matches, but only DNS answers on the link name the host" :
							   "the certificate matches, but the client named no host";
	} else if (j->verdict == daneverdict_mismatch && j->result.variant == danevariant_anonymous) {
		j->verdict = daneverdict_not_visible;
		j->why = "an anonymous suite, and a client that named no host";
	} else if (j->verdict == daneverdict_mismatch) {
		j->result.variant = danevariant_wrong_sni;
	}
}

static void judge(const struct expectation *e, struct dane *d, const struct record *s, struct bytes chain,
		  struct judged *j)
{
	bool sure = j->target.confidence >= confidence_medium;
	j->verdict = daneverdict_identity_unknown;
	switch ((enum host_state)j->target.state) {
	case HOST_NONE:
		j->why = "no host that takes mail is known for this name";
		break;
	case HOST_DANE:
	case HOST_TLS_ONLY:
		if (sure) {
			j->expect = j->target.state == HOST_DANE ? expect_dane : expect_dane_tls_only;
			judge_tls(e, d, s, chain, j);
			if (is_hint(&j->target))
				judge_hint(j);
		} else {
			j->why = "the MX is unsigned, and the server's address is not one of the host's";
		}
		break;
	case HOST_INSECURE:
		j->verdict = daneverdict_insecure;
		break;
	case HOST_ABSENT:
		j->verdict = daneverdict_no_tlsa;
		break;
	case HOST_INCOMPLETE:
		j->verdict = daneverdict_incomplete;
		break;
	case HOST_FAILED:
		j->verdict = daneverdict_lookup_failed;
		break;
	case HOST_BOGUS:
		j->verdict = daneverdict_bogus;
		break;
	}
}

/* What the MX RRset of the domain says, whether signed or not; mx_dnssec tells that (RFC 5321 5.1, RFC 7505). */
static enum mxresult mx_result(const struct expectation *e, unsigned domain)
{
	const char *name = e->id.domain[domain];
	const struct lookup *mx = expectation_lookup(e, DNS_MX, name);
	if (!mx || mx->status == dnsstatus_incomplete || mx->status == dnsstatus_bogus || mx->status == dnsstatus_failed)
		return mxresult_unknown;
	if (mx->nxdomain)
		return mxresult_nxdomain;
	if (mx->rrs == 0)
		return mxresult_implicit;
	return mx->hosts || mx->cut ? mxresult_hosts : mxresult_null;
}

static void add_new(struct record *s, enum fact f, const char *text)
{
	if (text[0] && !record_list_has(s, f, bytes_of(text)))
		record_add_cstr(s, f, text);
}

static void put_domains_of(struct record *s, enum fact f, const struct known_host *k)
{
	for (unsigned i = 0; i < k->domains; i++)
		add_new(s, f, k->domain[i]);
}

/* What others knew, and what of it counts: routes always, the rest where it led to a destination or to the client's own word. */
static void put_known(const struct expectation *e, const struct target *target, unsigned n, struct record *s)
{
	for (unsigned i = 0; i < e->known.hosts; i++) {
		const struct known_host *k = &e->known.host[i];
		bool meant = strcmp(k->host, e->id.host) == 0;
		for (unsigned j = 0; j < n && !meant; j++)
			meant = is_hint(&target[j]) && strcmp(e->host[target[j].meant[0]].name, k->host) == 0;
		if (k->by == KNOWN_CONFIGURED) {
			add_new(s, F_id_routes, k->route);
			add_new(s, F_id_configured, k->host);
			put_domains_of(s, F_id_domains, k);
			add_new(s, F_id_sources, "configured");
			continue;
		}
		if (e->hinted)
			add_new(s, F_id_known, k->host);
		if (meant && k->by == KNOWN_WATCHED)
			put_domains_of(s, F_id_watched, k);
		if (meant)
			add_new(s, F_id_sources, k->by == KNOWN_WATCHED ? "watch-list" : "history");
	}
}

/* A recipient that was said in clear, or a route, is a domain whatever host was contacted; answers on the link led here only as
 * far as they are proved, and whoever only named a host named no domain (A.3 R7). */
static void put_domain_confidence(const struct expectation *e, struct record *s)
{
	bool said = e->id.domains > 0 || record_has(s, F_id_configured);
	if (record_has(s, F_id_domains))
		record_num(s, F_id_domain_sure, said ? confidence_high : confidence_medium);
}

/* Recipients of more than one domain: whose verdict it is (A.3 R6). All that are as bad. */
static void put_judged(const struct expectation *e, const struct judged *each, unsigned n, enum daneverdict worst, struct record *s)
{
	for (unsigned i = 0; e->id.domains > 1 && i < n; i++)
		if (each[i].target.domain >= 0 && each[i].verdict == worst)
			record_add_cstr(s, F_id_broken, e->id.domain[each[i].target.domain]);
}

static void put_identity(const struct expectation *e, const struct target *t, struct record *s)
{
	const char *host = t->known && t->host >= 0 ? e->host[t->host].name : e->id.host;
	bool chained = t->domain >= 0 && t->location == location_inside &&
		       (t->mx == dnsstatus_secure || t->mx == dnsstatus_absent);
	bool hinted = is_hint(t) && t->host >= 0;
	if (host[0]) {
		record_cstr(s, F_id_host, host);
		record_cstr(s, F_dst_domain, host);
		record_cstr(s, F_srv_domain, host);
	}
	for (unsigned i = 0; i < e->id.domains; i++)
		if (!(e->known.routed >> i & 1)) /* the next hop's promises count, not those of where it goes from there */
			record_add_cstr(s, F_id_domains, e->id.domain[i]);
	for (unsigned i = 0; hinted && i < e->leds; i++)
		if (expectation_led(e, i, (unsigned)t->host)) {
			record_add_cstr(s, F_id_domains, e->led[i]);
			chained = true;
		}
	record_num(s, F_id_confidence, t->confidence);
	if (chained)
		record_add_cstr(s, F_id_sources, "dnssec-chain");
	/* what is only remembered must not become what is remembered next: it would never end */
	if ((e->id.host[0] || (hinted && t->by != IDENTITY_HISTORY)) && t->domain < 0 && t->secure)
		record_add_cstr(s, F_id_sources, "dnssec-host");
	for (unsigned i = 0; i < e->hinted; i++)
		if (e->host[i].seen)
			add_new(s, F_id_sources, "dns-answer");
	if (e->id.host[0])
		record_add_cstr(s, F_id_sources, "sni");
	if (e->id.domains)
		record_add_cstr(s, F_id_sources, "rcpt");
	record_num(s, F_id_location, t->location);
}

static void host_name_add(struct record *s, struct bytes name)
{
	if (name.n && !record_list_has(s, F_related_hosts, name))
		record_add(s, F_related_hosts, name);
}

/* All hosts that may have been meant: an added name may stand first, but hides none. */
static void put_hinted(const struct expectation *e, const struct target *target, unsigned n, struct record *s)
{
	for (unsigned i = 0; i < n; i++)
		if (is_hint(&target[i]))
			host_name_add(s, bytes_of(e->host[target[i].meant[0]].name));
}

/* The MX of the domain that was judged, or of the first one. */
static void put_mx(const struct expectation *e, const struct target *target, unsigned n, const struct target *judged,
		   struct record *s)
{
	const struct target *t = judged->domain >= 0 ? judged : NULL;
	for (unsigned i = 0; is_hint(judged) && judged->host >= 0 && i < e->leds; i++)
		if (expectation_led(e, i, (unsigned)judged->host)) {
			record_num(s, F_id_mx_secure, dnsstatus_secure);
			record_num(s, F_id_mx_result, mxresult_hosts);
			return;
		}
	for (unsigned i = 0; i < n && !t; i++)
		t = target[i].domain >= 0 ? &target[i] : NULL;
	if (!t)
		return;
	record_num(s, F_id_mx_secure, t->mx);
	record_num(s, F_id_mx_result, mx_result(e, (unsigned)t->domain));
}

static void put_related(struct record *s)
{
	static const enum fact one[] = { F_id_host, F_dane_base, F_tls_sni, F_smtp_ehlo };
	struct bytes item;
	char name[NAME_MAX_TEXT + 1];
	for (size_t i = 0; i < sizeof(one) / sizeof(one[0]); i++)
		if (identity_name(record_get_str(s, one[i]), name))
			host_name_add(s, bytes_of(name));
	for (size_t pos = 0; record_next(s, F_id_domains, &pos, &item);) {
		char copy[NAME_MAX_TEXT + 1];
		size_t n = item.n < NAME_MAX_TEXT ? item.n : NAME_MAX_TEXT; /* the list below may move the text */
		memcpy(copy, item.p, n);
		copy[n] = '\0';
		host_name_add(s, bytes_of(copy));
	}
}

static void put_column(struct record *s, enum fact f, const struct tlsa_set *set, unsigned octet)
{
	for (unsigned i = 0; i < set->n && i < RECORD_ITEMS; i++)
		record_add_num(s, f, set->rr[i].n > octet ? set->rr[i].p[octet] : 0);
}

static void put_matched(struct record *s, const struct tlsa_set *set, int matched)
{
	char text[16];
	struct text t = { .p = text, .cap = sizeof(text) };
	for (unsigned i = 0; i < 3; i++) {
		if (i)
			text_char(&t, ' ');
		text_num(&t, set->rr[matched].p[i]);
	}
	record_str(s, F_dane_matched, (struct bytes){ (const uint8_t *)text, t.n });
}

static void put_set(const struct expectation *e, const struct judged *j, struct record *s)
{
	const struct mx_host *h = &e->host[j->target.host];
	struct tlsa_set set;
	struct dane_result r = j->result;
	if (!expectation_set(e, h, &set))
		return;
	if (!j->compared)
		r.usable = dane_usable(&set, r.each);
	record_num(s, F_dane_usable, r.usable);
	if (j->compared && r.matched >= 0)
		put_matched(s, &set, r.matched);
	put_column(s, F_tlsa_usage, &set, 0);
	put_column(s, F_tlsa_selector, &set, 1);
	put_column(s, F_tlsa_matching, &set, 2);
	for (unsigned i = 0; i < set.n && i < RECORD_ITEMS; i++)
		record_add(s, F_tlsa_data, bytes_head(bytes_skip(set.rr[i], 3), 64));
	for (unsigned i = 0; i < set.n && i < RECORD_ITEMS; i++)
		record_add_num(s, F_tlsa_result, r.each[i]);
}

static const char *type_name(uint16_t type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_AAAA:
		return "AAAA";
	case DNS_MX:
		return "MX";
	case DNS_CNAME:
		return "CNAME";
	case DNS_SEEN:
		return "answers for";
	}
	return "TLSA";
}

static void put_why(const struct expectation *e, const struct judged *j, struct record *s)
{
	char text[256];
	struct text t = { .p = text, .cap = sizeof(text) };
	const struct lookup *l = j->target.blamed >= 0 ? &e->lookup[j->target.blamed] : NULL;
	bool missing = j->target.state >= HOST_INCOMPLETE;
	if (!l && missing)
		for (unsigned i = 0; i < e->lookups && !l; i++)
			l = e->lookup[i].open ? &e->lookup[i] : NULL;
	if (e->hinted && j->target.host < 0) {
		text_put(&t, e->known.hosts ? "what is known of the address names " : "DNS answers on the link name ");
		text_put(&t, e->host[0].name);
		text_put(&t, e->hints_cut ? ", and more hosts than are followed" :
					    "; no host they name is proved to take mail at this address");
	} else if (j->why && j->why[0]) {
		text_put(&t, j->why);
	} else if (l && l->status != dnsstatus_secure) {
		text_put(&t, type_name(l->type));
		text_char(&t, ' ');
		text_put(&t, l->name);
		text_put(&t, ": ");
		text_clean(&t, bytes_of(l->why[0] ? l->why : fact_table[F_dane_dnssec].words[l->status]), false);
	} else if (missing) {
		text_put(&t, e->limited ? "the session needs more questions than are asked for one" :
					  "more hosts or records than are kept");
	}
	if (t.n)
		record_str(s, F_dane_why, (struct bytes){ (const uint8_t *)text, t.n });
}

static enum dnsstatus dnssec_of(const struct target *t)
{
	switch ((enum host_state)t->state) {
	case HOST_DANE:
	case HOST_TLS_ONLY:
		return dnsstatus_secure;
	case HOST_INSECURE:
		return dnsstatus_insecure;
	case HOST_NONE:
	case HOST_ABSENT:
		return dnsstatus_absent;
	case HOST_INCOMPLETE:
		return dnsstatus_incomplete;
	case HOST_FAILED:
		return dnsstatus_failed;
	case HOST_BOGUS:
		return dnsstatus_bogus;
	}
	return dnsstatus_incomplete;
}

/* The source of the answer that decided, else of the last one there was. */
static void put_provenance(const struct expectation *e, const struct target *t, struct record *s)
{
	const struct lookup *decided = t->blamed >= 0 ? &e->lookup[t->blamed] : NULL, *last = NULL;
	bool later = false;
	for (unsigned i = 0; i < e->lookups; i++) {
		if (e->lookup[i].open || e->lookup[i].type >= DNS_SEEN)
			continue;
		last = &e->lookup[i];
		later |= last->seen_later;
	}
	record_num(s, F_dane_as_of, e->live_at ? e->live_at : e->as_of);
	if (decided && decided->type == DNS_TLSA && decided->status == dnsstatus_secure)
		record_num(s, F_dane_ttl, decided->ttl);
	if (decided)
		last = decided;
	if (last) {
		record_num(s, F_dane_source, last->source < dnssource_COUNT ? last->source : (int64_t)dnssource_off);
		record_tri(s, F_dane_seen_later, later ? TRI_YES : TRI_NO);
	}
}

static void put_dane(const struct expectation *e, const struct judged *j, struct record *s)
{
	const struct target *t = &j->target;
	record_num(s, F_dane_verdict, j->verdict);
	if (j->verdict == daneverdict_mismatch || j->verdict == daneverdict_mismatch_transitional ||
	    j->result.variant == danevariant_ta_name_mismatch)
		record_num(s, F_dane_variant, j->result.variant);
	put_why(e, j, s);
	if (t->meants == 0 && t->blamed < 0)
		return; /* nobody to ask for */
	record_num(s, F_dane_dnssec, dnssec_of(t));
	if (t->host >= 0 && e->host[t->host].tlsa >= 0) {
		const struct mx_host *h = &e->host[t->host];
		record_cstr(s, F_dane_base, expectation_base(e, h));
		record_cstr(s, F_dane_owner, e->lookup[h->tlsa].name);
		put_set(e, j, s);
	}
	put_provenance(e, t, s);
}

/* What the link said against the DNS about the destinations of this session; the worst of it. */
static void put_conflict(const struct expectation *e, struct record *s)
{
	const struct lookup *worst = NULL;
	for (unsigned i = 0; i < e->lookups; i++)
		if (!e->lookup[i].open && e->lookup[i].conflict > (worst ? worst->conflict : (uint8_t)dnsconflict_none))
			worst = &e->lookup[i];
	if (!worst)
		return;
	record_num(s, F_dns_conflict, worst->conflict);
	record_num(s, F_dns_conflict_how, worst->conflict_how);
	record_cstr(s, F_dns_conflict_name, worst->name);
	record_cstr(s, F_dns_conflict_type, type_name(worst->type));
	record_tri(s, F_dns_conflict_proved, worst->conflict_proved ? TRI_YES : TRI_NO);
	record_addr(s, F_dns_conflict_server, &worst->conflict_server);
	record_num(s, F_dns_conflict_at, worst->conflict_at);
}

static void put_expectations(struct record *s, const bool has[expect_COUNT])
{
	int strongest = expect_none;
	for (int x = expect_COUNT - 1; x >= 0; x--) {
		if (!has[x])
			continue;
		if (strongest == expect_none)
			strongest = x;
		record_add_num(s, F_expect_all, x);
	}
	record_num(s, F_expect, strongest);
}

/* Today's DNS says nothing of an older session: keys roll, records change. What contradicts it is named for what it
 * is, and promises nothing. */
static void judge_time(const struct expectation *e, const struct record *s, struct judged *worst, bool has[expect_COUNT])
{
	int64_t end = record_get_num(s, F_event_end, e->as_of);
	if (!e->live_at || e->live_at - end <= LIVE_WITHIN || worst->verdict == daneverdict_match)
		return;
	has[expect_dane] = has[expect_dane_tls_only] = false;
	if (worst->verdict == daneverdict_mismatch || worst->verdict == daneverdict_tls_absent ||
	    worst->verdict == daneverdict_tls_failed || worst->verdict == daneverdict_bogus)
		worst->verdict = daneverdict_dns_time_mismatch;
}

/* More destinations than are followed: what they promised is not known, and they are part of the session. */
static void judge_rest(const struct expectation *e, struct judged *worst)
{
	if (!e->id.more || verdict_rank[worst->verdict] >= verdict_rank[daneverdict_incomplete])
		return;
	worst->verdict = daneverdict_incomplete;
	worst->why = "more recipient domains than are followed";
}

/* Mail for several domains may go to one server in one session: it is outside only if it is none of any domain's, also
 * where the client named another host. A recipient that was not seen may be the one it is right for. */
static void judge_location(const struct expectation *e, const struct record *s, const struct target *target, unsigned n,
			   struct target *worst)
{
	bool lost = yes(s, F_cap_gap_dialogue) || yes(s, F_cap_midstream) || yes(s, F_cap_limit) ||
		    record_get_num(s, F_cap_gap_c2s, 0) > 0;
	bool outside = !e->id.more && !lost;
	if (worst->location != location_outside)
		return;
	for (unsigned i = 0; i < n; i++)
		outside = outside && (target[i].domain < 0 || target[i].location == location_outside);
	if (!outside)
		worst->location = location_unknown;
}

/* The record comes from another process, which has no say in these. */
static void forget(struct record *s)
{
	static const enum fact mine[] = {
		F_dst_domain, F_srv_domain, F_related_hosts, F_id_host, F_id_domains, F_id_confidence, F_id_sources, F_id_location,
		F_id_mx_secure, F_id_mx_result, F_id_domain_sure, F_id_conflict, F_id_floor, F_id_broken, F_id_routes, F_id_configured, F_id_known,
		F_id_watched, F_expect, F_expect_all, F_dane_verdict, F_dane_variant, F_dane_dnssec, F_dane_base,
		F_dane_owner, F_tlsa_usage, F_tlsa_selector, F_tlsa_matching, F_tlsa_data, F_tlsa_result, F_dane_usable, F_dane_matched, F_dane_ttl,
		F_dane_as_of, F_dane_source, F_dane_seen_later, F_dane_why, F_dns_conflict, F_dns_conflict_how, F_dns_conflict_name,
		F_dns_conflict_type, F_dns_conflict_proved, F_dns_conflict_server, F_dns_conflict_at
	};
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		record_unset(s, mine[i]);
}

uint32_t promise_doubts(const struct expectation *e, struct dane *d, const struct record *session, struct bytes chain)
{
	struct target target[EXPECT_TARGETS];
	uint32_t hosts = 0;
	unsigned n = expectation_targets(e, target);
	for (unsigned i = 0; i < n; i++) {
		struct judged j = { .target = target[i] };
		judge(e, d, session, chain, &j);
		for (unsigned k = 0; j.verdict == daneverdict_mismatch && j.compared && k < j.target.meants; k++)
			hosts |= (uint32_t)compares(e, j.target.meant[k]) << j.target.meant[k];
	}
	return hosts;
}

void promise_judge(const struct expectation *e, struct dane *d, struct record *session, struct bytes chain)
{
	struct target target[EXPECT_TARGETS];
	struct judged each[EXPECT_TARGETS];
	struct judged worst = { .target = { .domain = -1, .host = -1, .blamed = -1 } };
	bool has[expect_COUNT] = { false }, dns = e->applies && e->asked;
	unsigned n = dns ? expectation_targets(e, target) : 0;
	forget(session);
	worst.verdict = daneverdict_identity_unknown;
	worst.why = "neither a server name nor a recipient domain in clear";
	worst.target.confidence = e->id.host[0] || e->id.domains || e->hinted ? confidence_low : confidence_none;
	for (unsigned i = 0; i < n; i++) {
		struct judged *j = &each[i];
		*j = (struct judged){ .target = target[i] };
		judge(e, d, session, chain, j);
		has[j->expect] = true;
		if (i == 0 || verdict_rank[j->verdict] > verdict_rank[worst.verdict])
			worst = *j;
	}
	enum daneverdict of_domains = worst.verdict;
	judge_rest(e, &worst);
	judge_location(e, session, target, n, &worst.target);
	judge_time(e, session, &worst, has);
	has[expect_none] = !has[expect_dane] && !has[expect_dane_tls_only];
	put_identity(e, &worst.target, session);
	put_known(e, target, n, session);
	put_domain_confidence(e, session);
	put_judged(e, each, n, of_domains, session);
	if (dns) {
		record_tri(session, F_id_conflict, expectation_conflict(e));
		record_num(session, F_id_floor, expectation_floor(e));
	}
	put_mx(e, target, n, &worst.target, session);
	put_expectations(session, has);
	if (dns) {
		put_dane(e, &worst, session);
		put_conflict(e, session);
	}
	put_related(session);
	put_hinted(e, target, n, session);
}

static void expectations(const struct record *s, bool has[expect_COUNT])
{
	struct bytes item;
	size_t pos = 0;
	while (record_next(s, F_expect_all, &pos, &item)) {
		int64_t x = record_item_num(item);
		if (x >= 0 && x < expect_COUNT)
			has[x] = true;
	}
}

void promise_add(struct record *s, enum expect promise)
{
	bool has[expect_COUNT] = { false };
	expectations(s, has);
	has[promise] = true;
	has[expect_none] = false;
	record_unset(s, F_expect_all);
	put_expectations(s, has);
}

void promise_drop(struct record *s, enum expect promise)
{
	bool has[expect_COUNT] = { false };
	expectations(s, has);
	if (!has[promise])
		return;
	has[promise] = false;
	has[expect_none] = true;
	for (int x = expect_none + 1; x < expect_COUNT; x++)
		has[expect_none] = has[expect_none] && !has[x];
	record_unset(s, F_expect_all);
	put_expectations(s, has);
}

void promise_floor(struct record *session)
{
	struct bytes item;
	for (size_t pos = 0; record_next(session, F_expect_all, &pos, &item);)
		if (record_item_num(item) == expect_sts_enforce && record_get_num(session, F_id_floor, idfloor_none) < idfloor_sts_enforce)
			record_num(session, F_id_floor, idfloor_sts_enforce);
}
