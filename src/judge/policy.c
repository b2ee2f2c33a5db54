/* policy: the site's own entries against one session. It knows no file and no rule; what the operator wrote is taken as it is,
 * and only adds: nothing here makes a promise of the DNS or of a mail domain smaller.
 *
 * Path building is OpenSSL's (RFC 5280 6), with the operator's authority as the one that is trusted; every object is freed by the
 * function that made it, and the error queue is emptied after each use. */
#include "judge/policy.h"
#include "judge/certificate.h"
#include "judge/identity.h"
#include "judge/promise.h"
#include "der.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509_vfy.h>
#include <time.h>

enum { CHAIN_CERTS = 32, CHAIN_OCTETS = 128 * 1024, NS = 1000000000 };

static struct bytes no_dot(struct bytes b)
{
	return b.n && b.p[b.n - 1] == '.' ? bytes_head(b, b.n - 1) : b;
}

/* suffix: with its dot in front, or a whole name. */
static bool name_fits(struct bytes pattern, struct bytes name)
{
	if (pattern.n == 0 || pattern.p[0] != '.')
		return bytes_eq_nocase(pattern, name);
	return name.n > pattern.n && bytes_eq_nocase(bytes_skip(name, name.n - pattern.n), pattern);
}

bool policy_names_have(const struct policy_names *set, struct bytes name)
{
	name = no_dot(name);
	for (size_t i = 0; i < set->n; i++)
		if (name.n && name_fits(bytes_of(set->name[i]), name))
			return true;
	return false;
}

bool policy_is_partner(const struct policy *p, struct bytes domain)
{
	return policy_names_have(&p->partner, domain);
}

bool policy_is_own(const struct policy *p, struct bytes domain)
{
	return policy_names_have(&p->own, domain);
}

bool policy_never(const struct policy *p, struct bytes name)
{
	name = no_dot(name);
	for (size_t i = 0; i < p->never.n; i++) {
		struct bytes s = bytes_of(p->never.name[i]);
		if (s.n && s.p[0] == '.')
			s = bytes_skip(s, 1);
		if (bytes_eq_nocase(s, name) || (name.n > s.n && name.p[name.n - s.n - 1] == '.' &&
						 bytes_eq_nocase(bytes_skip(name, name.n - s.n), s)))
			return true;
	}
	return false;
}

/* ---- whom an entry is for ---- */

static bool any_name(const struct policy_names *set, const struct record *s, enum fact list)
{
	struct bytes item;
	for (size_t pos = 0; set->n && record_next(s, list, &pos, &item);)
		if (policy_names_have(set, item))
			return true;
	return false;
}

/* What the client said itself, or was found to have meant. */
static bool domain_fits(const struct policy_names *set, const struct record *s)
{
	return any_name(set, s, F_id_domains) || any_name(set, s, F_smtp_rcpt_domains);
}

static bool host_fits(const struct policy_names *set, const struct record *s)
{
	return policy_names_have(set, record_get_str(s, F_id_host));
}

static bool address_fits(const struct networks *set, const struct record *s, enum fact f)
{
	struct addr a;
	return set && record_get_addr(s, f, &a) && networks_have(set, &a);
}

static bool port_fits(const struct policy_ports *set, const struct record *s)
{
	int64_t port = record_get_num(s, F_dst_port, 0);
	for (size_t i = 0; i < set->n; i++)
		if (set->port[i] == port)
			return true;
	return set->n == 0;
}

static bool ended(int64_t until, const struct record *s)
{
	return until && record_get_num(s, F_event_start, 0) >= until;
}

static bool promise_fits(const struct policy_promise *p, const struct record *s)
{
	bool everybody = !p->domains.n && !p->mx.n && !p->servers;
	bool peer = everybody || domain_fits(&p->domains, s) || host_fits(&p->mx, s) || address_fits(p->servers, s, F_dst_ip);
	return peer && (!p->clients || address_fits(p->clients, s, F_src_ip)) && port_fits(&p->ports, s) && !ended(p->until, s);
}

static bool expects(const struct record *s, enum expect promise)
{
	struct bytes item;
	for (size_t pos = 0; record_next(s, F_expect_all, &pos, &item);)
		if (record_item_num(item) == (int64_t)promise)
			return true;
	return false;
}

enum tri policy_scope(const struct policy_inspection *i, const struct record *s)
{
	bool through = (!i->clients || address_fits(i->clients, s, F_src_ip)) &&
		       (!i->servers || address_fits(i->servers, s, F_dst_ip)) &&
		       (!i->domains.n || domain_fits(&i->domains, s) || host_fits(&i->domains, s)) && !ended(i->until, s);
	if (!through)
		return TRI_UNSEEN;
	bool exempt = address_fits(i->exempt_servers, s, F_dst_ip) || domain_fits(&i->exempt_domains, s) ||
		      host_fits(&i->exempt_domains, s);
	bool dane = expects(s, expect_dane) || expects(s, expect_dane_tls_only);
	return exempt || (dane && !i->dane) ? TRI_NO : TRI_YES;
}

const struct policy_inspection *policy_inspection_named(const struct policy *p, struct bytes name)
{
	for (size_t i = 0; i < p->inspection.n; i++)
		if (bytes_eq(bytes_of(p->inspection.at[i].name), name))
			return &p->inspection.at[i];
	return NULL;
}

bool policy_does(const struct policy_inspection *i, const char *finding, const char *variant)
{
	size_t n = strlen(finding);
	for (size_t k = 0; k < i->forms.n; k++) {
		const char *form = i->forms.name[k];
		if (strncmp(form, finding, n) == 0 && (!form[n] || (form[n] == '/' && strcmp(form + n + 1, variant) == 0)))
			return true;
	}
	return false;
}

/* ---- where the site sends its mail ---- */

static const char *base_of(const struct policy_route *r)
{
	return r->tlsa_base[0] ? r->tlsa_base : r->host;
}

static bool route_fits(const struct policy_route *r, const struct record *s)
{
	return (!r->clients || address_fits(r->clients, s, F_src_ip)) && (!r->servers || address_fits(r->servers, s, F_dst_ip)) &&
	       (!r->port || r->port == record_get_num(s, F_dst_port, 0));
}

static void route_take(const struct policy_route *r, struct known *known)
{
	struct known_host *h = known_add(known, KNOWN_CONFIGURED, base_of(r), r->policy_domain);
	size_t n = strlen(r->name);
	if (h && !h->route[0] && n <= KNOWN_ROUTE)
		memcpy(h->route, r->name, n + 1);
}

static bool for_all(const struct policy_route *r, const struct identity *id)
{
	return r->domains.n == 0 || (id->host[0] && strcmp(id->host, base_of(r)) == 0);
}

void policy_routes(const struct policy *p, const struct record *s, struct known *known)
{
	struct identity id;
	identity_of(s, &id);
	for (unsigned d = 0; d < id.domains; d++) {
		for (size_t i = 0; i < p->route.n && !(known->routed >> d & 1); i++) {
			const struct policy_route *r = &p->route.at[i];
			if (!route_fits(r, s) || (r->domains.n && !policy_names_have(&r->domains, bytes_of(id.domain[d]))))
				continue;
			route_take(r, known);
			known->routed |= (uint8_t)(1u << d);
		}
	}
	for (size_t i = 0; i < p->route.n && id.domains == 0; i++) {
		const struct policy_route *r = &p->route.at[i];
		if (!route_fits(r, s) || !for_all(r, &id))
			continue;
		route_take(r, known);
		return;
	}
}

/* ---- certificates ---- */

static bool digest_of(struct bytes der, uint8_t out[POLICY_DIGEST])
{
	struct cert cert;
	return cert_walk(der, &cert) && EVP_Digest(cert.spki.p, cert.spki.n, out, NULL, EVP_sha256(), NULL) == 1;
}

static bool is_key(const struct policy_keys *keys, struct bytes der)
{
	uint8_t digest[POLICY_DIGEST];
	if (!digest_of(der, digest))
		return false;
	for (size_t i = 0; i < keys->n; i++)
		if (memcmp(keys->key[i].spki, digest, sizeof(digest)) == 0)
			return true;
	return false;
}

static void trust(X509_STORE *store, struct bytes der)
{
	X509 *x = certificate_read(der);
	if (x)
		X509_STORE_add_cert(store, x);
	X509_free(x);
}

/* False: one of them is no certificate, or there are too many; a client would have stopped there. */
static bool chain_read(struct bytes chain, const struct policy_keys *keys, X509_STORE *store, STACK_OF(X509) *out)
{
	struct bytes der;
	if (chain.n > CHAIN_OCTETS)
		return false;
	while (chain_next(&chain, &der)) {
		X509 *x = certificate_read(der);
		if (!x || sk_X509_num(out) == CHAIN_CERTS || sk_X509_push(out, x) <= 0) {
			X509_free(x);
			return false;
		}
		if (sk_X509_num(out) > 1 && is_key(keys, der))
			trust(store, der);
	}
	return sk_X509_num(out) > 0;
}

static bool verify(X509_STORE *store, STACK_OF(X509) *certs, int64_t at)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool ok = ctx && X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) == 1;
	if (ok) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
		X509_STORE_CTX_set_default(ctx, "ssl_server");
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN); /* the pin is the end, root or not */
		X509_VERIFY_PARAM_set_auth_level(param, 0);
		X509_VERIFY_PARAM_set_time(param, (time_t)(at / NS));
		ok = X509_verify_cert(ctx) == 1;
	}
	X509_STORE_CTX_free(ctx);
	return ok;
}

bool policy_leads(const struct policy_keys *keys, struct bytes chain, int64_t at)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool ok = keys->n && store && certs && chain_read(chain, keys, store, certs);
	for (size_t i = 0; ok && i < keys->n; i++)
		if (keys->key[i].der.n)
			trust(store, keys->key[i].der);
	ok = ok && verify(store, certs, at);
	sk_X509_pop_free(certs, X509_free);
	X509_STORE_free(store);
	ERR_clear_error();
	return ok;
}

/* A wildcard of the certificate stands for one whole label (RFC 9525 6.3): it covers a whole name of the entry, and it is below
 * a suffix of the entry when all that it covers is. */
static bool dns_name_fits(const struct policy_names *names, struct bytes dns)
{
	bool star = dns.n > 2 && dns.p[0] == '*' && dns.p[1] == '.';
	dns = no_dot(dns);
	if (memchr(dns.p, 0, dns.n))
		return false;
	for (size_t i = 0; i < names->n; i++) {
		struct bytes want = bytes_of(names->name[i]);
		const uint8_t *dot = memchr(want.p, '.', want.n);
		if (name_fits(want, dns))
			return true;
		if (star && dot && dot != want.p &&
		    bytes_eq_nocase(bytes_skip(dns, 1), bytes_skip(want, (size_t)(dot - want.p))))
			return true;
	}
	return false;
}

static bool names_fit(const struct policy_names *names, struct bytes leaf)
{
	struct cert cert;
	struct bytes dns;
	if (!cert_walk(leaf, &cert))
		return false;
	while (cert_dns_name(&cert.names, &dns))
		if (dns.n && dns_name_fits(names, dns))
			return true;
	return false;
}

/* ---- the session ---- */

/* What the server showed: leaf empty: nothing, and nobody knows; none: an anonymous suite, in which there is no certificate. */
struct shown {
	struct bytes leaf, chain;
	bool none;
};

/* Until the client took it or refused it, a chain is only what somebody sent. */
static struct shown shown_by(const struct record *s, struct bytes chain)
{
	struct shown out = { .chain = chain };
	struct bytes rest = chain;
	bool established = record_get_tri(s, F_tls_established) == TRI_YES;
	bool refused = record_get_tri(s, F_tls_failed) == TRI_YES && record_get_num(s, F_tls_alert_side, side_COUNT) == side_client;
	bool visible = record_get_num(s, F_tls_cert_vis, visibility_hidden) == visibility_visible;
	if (established && record_get_tri(s, F_tls_anonymous) == TRI_YES)
		out.none = true;
	else if (visible && (established || refused) && !chain_next(&rest, &out.leaf))
		out.leaf = (struct bytes){ 0 };
	return out;
}

static enum tri answer(bool asked, const struct shown *shown, bool fits)
{
	if (!asked || (!shown->none && shown->leaf.n == 0))
		return TRI_UNSEEN;
	return fits ? TRI_YES : TRI_NO;
}

static enum tri pin_of(const struct policy_promise *p, const struct shown *shown, int64_t at)
{
	bool asked = p->pin_spki.n || p->pin_ca.n;
	bool fits = asked && shown->leaf.n && (is_key(&p->pin_spki, shown->leaf) || policy_leads(&p->pin_ca, shown->chain, at));
	return answer(asked, shown, fits);
}

static enum tri names_of(const struct policy_promise *p, const struct shown *shown)
{
	return answer(p->names.n, shown, p->names.n && shown->leaf.n && names_fit(&p->names, shown->leaf));
}

static bool requires_tls(const struct policy_promise *p)
{
	return p->tls == POLICY_REQUIRED || p->dane == POLICY_REQUIRED || p->requiretls || p->pin_spki.n || p->pin_ca.n ||
	       p->names.n;
}

/* What all entries that fit come to. name: the one to call; reason: of the one that agrees to clear text. */
struct sum {
	const char *name, *reason;
	bool broken, tls, dane, requiretls, clear;
	enum tri pin, names;
};

static enum tri worse(enum tri a, enum tri b)
{
	return a == TRI_NO || b == TRI_NO ? TRI_NO : a == TRI_YES || b == TRI_YES ? TRI_YES : TRI_UNSEEN;
}

/* DANE is there, or is not, only where the DNS said so. */
static bool without_dane(const struct record *s)
{
	int64_t verdict = record_get_num(s, F_dane_verdict, daneverdict_COUNT);
	return verdict == daneverdict_no_tlsa || verdict == daneverdict_insecure ||
	       (expects(s, expect_dane_tls_only) && !expects(s, expect_dane));
}

static void sum_add(struct sum *sum, const struct policy_promise *p, const struct record *s, const struct shown *shown)
{
	enum tri pin = pin_of(p, shown, record_get_num(s, F_event_start, 0)), names = names_of(p, shown);
	bool broken = pin == TRI_NO || names == TRI_NO || (p->dane == POLICY_REQUIRED && without_dane(s));
	if (!sum->name || (broken && !sum->broken))
		sum->name = p->name;
	sum->broken |= broken;
	sum->tls |= requires_tls(p);
	sum->dane |= p->dane == POLICY_REQUIRED;
	sum->requiretls |= p->requiretls;
	sum->pin = worse(sum->pin, pin);
	sum->names = worse(sum->names, names);
	if (p->known_clear && !sum->clear)
		sum->reason = p->reason;
	sum->clear |= p->known_clear;
}

static enum tri tri_of(bool b)
{
	return b ? TRI_YES : TRI_NO;
}

static void put_sum(const struct sum *sum, struct record *s)
{
	bool clear = sum->clear && !sum->tls; /* whoever asks for more is heard */
	if (!sum->name)
		return;
	record_cstr(s, F_policy_name, sum->name);
	record_tri(s, F_policy_tls, tri_of(sum->tls));
	record_tri(s, F_policy_dane, tri_of(sum->dane));
	record_tri(s, F_policy_requiretls, tri_of(sum->requiretls));
	record_tri(s, F_policy_pin, sum->pin);
	record_tri(s, F_policy_names, sum->names);
	record_tri(s, F_policy_clear, tri_of(clear));
	if (clear && sum->reason)
		record_cstr(s, F_policy_reason, sum->reason);
}

/* The device whose scope the session is in goes before one that it is exempt from. */
static void judge_inspection(const struct policy *p, struct record *s, const struct shown *shown)
{
	const struct policy_inspection *found = NULL;
	enum tri scope = TRI_UNSEEN;
	for (size_t i = 0; i < p->inspection.n && scope != TRI_YES; i++) {
		enum tri one = policy_scope(&p->inspection.at[i], s);
		if (one == TRI_UNSEEN || (found && one == TRI_NO))
			continue;
		found = &p->inspection.at[i];
		scope = one;
	}
	if (!found)
		return;
	record_cstr(s, F_policy_inspection, found->name);
	record_tri(s, F_policy_inspected, scope);
	if (found->ca.n && shown->leaf.n)
		record_tri(s, F_policy_inspector, tri_of(policy_leads(&found->ca, shown->chain, record_get_num(s, F_event_start, 0))));
}

void policy_expect(struct record *session)
{
	if (record_get_tri(session, F_policy_tls) == TRI_YES)
		promise_add(session, expect_policy);
}

void policy_judge(const struct policy *p, struct record *session, struct bytes chain)
{
	static const enum fact mine[] = { F_policy_name, F_policy_tls, F_policy_dane, F_policy_requiretls, F_policy_pin, F_policy_names,
					  F_policy_clear, F_policy_reason, F_policy_inspection, F_policy_inspected, F_policy_inspector };
	struct sum sum = { .name = NULL };
	struct shown shown = shown_by(session, chain);
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		record_unset(session, mine[i]); /* the record comes from another process, which has no say in these */
	for (size_t i = 0; i < p->promise.n; i++)
		if (promise_fits(&p->promise.at[i], session))
			sum_add(&sum, &p->promise.at[i], session, &shown);
	put_sum(&sum, session);
	judge_inspection(p, session, &shown);
	policy_expect(session);
}
