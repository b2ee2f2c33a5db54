/* policy: whom an entry of the configuration is for, which certificates keep it, and what of it becomes a fact. Certificates are
 * made here; each chain stands in a buffer of exactly its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>
#include "judge/policy.h"

#define NOW 1790000000LL
#define NS 1000000000LL
#define DAY 86400LL
#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

enum who { ROOT, INTER, LEAF, LEAF_WILD, LEAF_OLD, OTHER_ROOT, LEAF_OTHER, FORGED, WHOS };
static X509 *cert[WHOS];
static EVP_PKEY *key[WHOS];
static struct bytes der[WHOS];
static struct policy_key pin[WHOS]; /* by digest alone */

static void add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* signer: whose key signs, under the name of issuer; WHOS: its own. until: days from NOW. */
static void make(enum who i, const char *cn, const char *san, enum who issuer, enum who signer, bool ca, int until)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	unsigned char *out = NULL, *spki = NULL;
	key[i] = EVP_EC_gen("P-256");
	cert[i] = x;
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1000 + (long)i);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, issuer == WHOS ? name : X509_get_subject_name(cert[issuer]));
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - 100 * DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + until * DAY);
	X509_set_pubkey(x, key[i]);
	add_ext(x, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (san)
		add_ext(x, NID_subject_alt_name, san);
	assert_true(X509_sign(x, key[signer == WHOS ? i : signer], EVP_sha256()) > 0);
	X509_NAME_free(name);
	int n = i2d_X509(x, &out), s = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	assert_true(n > 0 && s > 0);
	der[i] = (struct bytes){ out, (size_t)n };
	EVP_Digest(spki, (size_t)s, pin[i].spki, NULL, EVP_sha256(), NULL);
	OPENSSL_free(spki);
}

static int world_up(void **state)
{
	(void)state;
	make(ROOT, "root", NULL, WHOS, WHOS, true, 900);
	make(INTER, "inter", NULL, ROOT, ROOT, true, 900);
	make(LEAF, "x", "DNS:mx.example.net,DNS:mail.example.org", INTER, INTER, false, 80);
	make(LEAF_WILD, "mx.example.net", "DNS:*.example.net", INTER, INTER, false, 80);
	make(LEAF_OLD, "x", "DNS:mx.example.net", INTER, INTER, false, -10);
	make(OTHER_ROOT, "root", NULL, WHOS, WHOS, true, 900);
	make(LEAF_OTHER, "x", "DNS:mx.example.net", OTHER_ROOT, OTHER_ROOT, false, 80);
	make(FORGED, "x", "DNS:mx.example.net", INTER, OTHER_ROOT, false, 80); /* names the issuer, who did not sign it */
	return 0;
}

static int world_down(void **state)
{
	(void)state;
	for (int i = 0; i < WHOS; i++) {
		X509_free(cert[i]);
		EVP_PKEY_free(key[i]);
		OPENSSL_free((void *)(uintptr_t)der[i].p);
	}
	return 0;
}

/* certificate_list of exactly its size, which the caller frees; ends with WHOS. */
static struct bytes list_of(const enum who *chain)
{
	size_t n = 0;
	for (const enum who *c = chain; *c != WHOS; c++)
		n += 3 + der[*c].n;
	uint8_t *out = malloc(n ? n : 1), *p = out;
	for (; *chain != WHOS; chain++) {
		struct bytes d = der[*chain];
		*p++ = (uint8_t)(d.n >> 16);
		*p++ = (uint8_t)(d.n >> 8);
		*p++ = (uint8_t)d.n;
		memcpy(p, d.p, d.n);
		p += d.n;
	}
	return (struct bytes){ out, n };
}

/* Names as the configuration keeps them, up to the first NULL. */
static struct policy_names names_of(const char *const *list)
{
	struct policy_names out = { list, 0 };
	while (list && list[out.n])
		out.n++;
	return out;
}

static void names_fit(void **state)
{
	static const char *const list[] = { "example.net", ".example.org", NULL };
	static const struct {
		const char *name;
		bool want;
		const char *why;
	} t[] = {
		{ "example.net", true, "the name itself" },
		{ "EXAMPLE.net.", true, "case and the last dot do not count" },
		{ "mx.example.net", false, "a name is not its children" },
		{ "mx.example.org", true, "below a suffix" },
		{ "a.b.example.org", true, "far below it" },
		{ "example.org", false, "the suffix itself is not below itself" },
		{ "badexample.org", false, "no label ends there" },
		{ "", false, "no name" },
	};
	struct policy_names set = names_of(list);
	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		if (policy_names_have(&set, bytes_of(t[i].name)) != t[i].want)
			fail_msg("%s: %s", t[i].name, t[i].why);
	}
	static const char *const never[] = { "corp.example", ".lab.example", NULL };
	struct policy p = { .never = names_of(never), .partner = set, .own = names_of(never) };
	assert_true(policy_never(&p, bytes_of("corp.example")));
	assert_true(policy_never(&p, bytes_of("_25._tcp.mx.CORP.example.")));
	assert_true(policy_never(&p, bytes_of("lab.example")));
	assert_false(policy_never(&p, bytes_of("notcorp.example")));
	assert_true(policy_is_partner(&p, bytes_of("example.net")));
	assert_false(policy_is_partner(&p, bytes_of("corp.example")));
	assert_true(policy_is_own(&p, bytes_of("corp.example")));
}

static void authorities(void **state)
{
	static const struct {
		const char *why;
		enum who pin;
		bool held;     /* the certificate itself is in the configuration, not its digest alone */
		enum who chain[4];
		bool want;
	} t[] = {
		{ "the intermediate, sent", INTER, false, { LEAF, INTER, WHOS }, true },
		{ "the root, sent", ROOT, false, { LEAF, INTER, ROOT, WHOS }, true },
		{ "the root by its digest, not sent: nobody has its key", ROOT, false, { LEAF, INTER, WHOS }, false },
		{ "the root from a file, not sent", ROOT, true, { LEAF, INTER, WHOS }, true },
		{ "the intermediate from a file, not sent", INTER, true, { LEAF, WHOS }, true },
		{ "a path with a hole", ROOT, true, { LEAF, WHOS }, false },
		{ "another authority of the same name", OTHER_ROOT, true, { LEAF, INTER, ROOT, WHOS }, false },
		{ "its own", OTHER_ROOT, true, { LEAF_OTHER, WHOS }, true },
		{ "a leaf that only names the authority", INTER, false, { FORGED, INTER, WHOS }, false },
		{ "the same, from a file", INTER, true, { FORGED, WHOS }, false },
		{ "the leaf's own key is no authority", LEAF, false, { LEAF, INTER, WHOS }, false },
		{ "the authority, sent beside a leaf of somebody else", INTER, false, { LEAF_OTHER, INTER, WHOS }, false },
		{ "expired", INTER, false, { LEAF_OLD, INTER, WHOS }, false },
		{ "nothing", INTER, true, { WHOS }, false },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct policy_key k = pin[t[i].pin];
		struct policy_keys keys = { &k, 1 };
		struct bytes list = list_of(t[i].chain);
		k.der = t[i].held ? der[t[i].pin] : (struct bytes){ 0 };
		bool got = policy_leads(&keys, list, NOW * NS);
		free((void *)(uintptr_t)list.p);
		if (got != t[i].want)
			fail_msg("%s", t[i].why);
	}
}

/* Damage anywhere in a chain is no crash, and no path. */
static void damaged(void **state)
{
	static const enum who chain[] = { LEAF, INTER, WHOS };
	struct policy_keys keys = { &pin[INTER], 1 };
	struct bytes list = list_of(chain);
	uint8_t *copy = malloc(list.n);
	(void)state;
	for (size_t n = 0; n < list.n; n += 7) {
		struct bytes cut = { copy, n };
		memcpy(copy, list.p, n);
		assert_false(policy_leads(&keys, cut, NOW * NS));
	}
	free(copy);
	free((void *)(uintptr_t)list.p);
}

enum seen { CLEAR, SHOWN, REFUSED, HALF, HIDDEN, ANONYMOUS };

static void session_of(enum seen seen, struct record *r)
{
	struct addr client = { 4, { 192, 0, 2, 1 } }, server = { 4, { 198, 51, 100, 25 } };
	record_init(r);
	record_addr(r, F_src_ip, &client);
	record_addr(r, F_dst_ip, &server);
	record_num(r, F_dst_port, 25);
	record_num(r, F_service, service_mx);
	record_num(r, F_event_start, NOW * NS);
	record_num(r, F_expect, expect_none);
	record_add_num(r, F_expect_all, expect_none);
	record_cstr(r, F_id_host, "mx.example.net");
	record_add_cstr(r, F_id_domains, "example.org");
	if (seen == CLEAR)
		return;
	record_tri(r, F_tls_established, seen == REFUSED || seen == HALF ? TRI_NO : TRI_YES);
	record_tri(r, F_tls_failed, seen == REFUSED || seen == HALF ? TRI_YES : TRI_NO);
	if (seen == REFUSED)
		record_num(r, F_tls_alert_side, side_client);
	record_num(r, F_tls_cert_vis, seen == HIDDEN || seen == ANONYMOUS ? visibility_hidden : visibility_visible);
	if (seen == ANONYMOUS)
		record_yes(r, F_tls_anonymous);
}

static struct networks net(const char *text)
{
	struct networks n = { .n = 0 };
	assert_true(networks_add(&n, bytes_of(text)));
	return n;
}

/* Whom an entry is for. */
static void scope(void **state)
{
	static const struct {
		const char *why, *domain, *mx, *server, *client;
		unsigned port;
		int64_t until;
		bool want;
	} t[] = {
		{ "its domain", "example.org", NULL, NULL, NULL, 0, 0, true },
		{ "another domain", "example.com", NULL, NULL, NULL, 0, 0, false },
		{ "its host", NULL, ".example.net", NULL, NULL, 0, 0, true },
		{ "its address", NULL, NULL, "198.51.100.0/24", NULL, 0, 0, true },
		{ "another address", NULL, NULL, "203.0.113.0/24", NULL, 0, 0, false },
		{ "one of several is enough", "example.com", "mx.example.net", "203.0.113.0/24", NULL, 0, 0, true },
		{ "its domain, from another client", "example.org", NULL, NULL, "203.0.113.0/24", 0, 0, false },
		{ "its domain, from its client", "example.org", NULL, NULL, "192.0.2.0/24", 0, 0, true },
		{ "its domain, to another port", "example.org", NULL, NULL, NULL, 587, 0, false },
		{ "everybody, from its client", NULL, NULL, NULL, "192.0.2.1", 0, 0, true },
		{ "everybody at its port", NULL, NULL, NULL, NULL, 25, 0, true },
		{ "not ended yet", "example.org", NULL, NULL, NULL, 0, NOW * NS + 1, true },
		{ "just ended", "example.org", NULL, NULL, NULL, 0, NOW * NS, false },
	};
	static struct record r;
	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		const char *domains[] = { t[i].domain, NULL }, *mx[] = { t[i].mx, NULL };
		uint16_t port = (uint16_t)t[i].port;
		struct networks servers = { .n = 0 }, clients = { .n = 0 };
		struct policy_promise one = { .name = "one", .domains = names_of(domains), .mx = names_of(mx), .tls = POLICY_REQUIRED,
					      .ports = { &port, port != 0 }, .until = t[i].until };
		struct policy p = { .promise = { &one, 1 } };
		if (t[i].server) {
			servers = net(t[i].server);
			one.servers = &servers;
		}
		if (t[i].client) {
			clients = net(t[i].client);
			one.clients = &clients;
		}
		session_of(CLEAR, &r);
		policy_judge(&p, &r, (struct bytes){ 0 });
		if (record_has(&r, F_policy_name) != t[i].want || (record_get_num(&r, F_expect, -1) == expect_policy) != t[i].want)
			fail_msg("%s", t[i].why);
		if (!t[i].want)
			assert_false(record_has(&r, F_policy_tls));
	}
}

/* What of an entry is kept, by what was seen. */
static void kept(void **state)
{
	enum { SPKI = 1, CA = 2, NAMES = 4, BELOW = 8 };
	static const struct {
		const char *why;
		unsigned asks;
		enum who pin;
		enum seen seen;
		enum who chain[3];
		enum tri pin_match, names_match;
	} t[] = {
		{ "the key", SPKI, LEAF, SHOWN, { LEAF, INTER, WHOS }, TRI_YES, TRI_UNSEEN },
		{ "another key", SPKI, LEAF_OTHER, SHOWN, { LEAF, INTER, WHOS }, TRI_NO, TRI_UNSEEN },
		{ "the key of the intermediate is not the server's", SPKI, INTER, SHOWN, { LEAF, INTER, WHOS }, TRI_NO, TRI_UNSEEN },
		{ "the authority", CA, INTER, SHOWN, { LEAF, INTER, WHOS }, TRI_YES, TRI_UNSEEN },
		{ "another authority", CA, OTHER_ROOT, SHOWN, { LEAF, INTER, WHOS }, TRI_NO, TRI_UNSEEN },
		{ "either is enough", SPKI | CA, LEAF, SHOWN, { LEAF, INTER, WHOS }, TRI_YES, TRI_UNSEEN },
		{ "the client refused it: it was shown all the same", SPKI, LEAF_OTHER, REFUSED, { LEAF, INTER, WHOS }, TRI_NO, TRI_UNSEEN },
		{ "nobody decided on it", SPKI, LEAF_OTHER, HALF, { LEAF, INTER, WHOS }, TRI_UNSEEN, TRI_UNSEEN },
		{ "it was not seen", SPKI | NAMES, LEAF_OTHER, HIDDEN, { WHOS }, TRI_UNSEEN, TRI_UNSEEN },
		{ "there was none", SPKI | NAMES, LEAF, ANONYMOUS, { WHOS }, TRI_NO, TRI_NO },
		{ "in clear there is none to see", SPKI | NAMES, LEAF, CLEAR, { WHOS }, TRI_UNSEEN, TRI_UNSEEN },
		{ "a name of two", NAMES, LEAF, SHOWN, { LEAF, INTER, WHOS }, TRI_UNSEEN, TRI_YES },
		{ "a wildcard of another zone", NAMES, LEAF, SHOWN, { LEAF_WILD, INTER, WHOS }, TRI_UNSEEN, TRI_NO },
		{ "any name below", BELOW, LEAF, SHOWN, { LEAF_WILD, INTER, WHOS }, TRI_UNSEEN, TRI_YES },
		{ "none of these names", NAMES, LEAF, SHOWN, { LEAF_OTHER, WHOS }, TRI_UNSEEN, TRI_NO },
	};
	static const char *const exact[] = { "mail.example.org", NULL }, *const below[] = { ".example.net", NULL };
	static struct record r;
	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct policy_keys keys = { &pin[t[i].pin], 1 }, none = { NULL, 0 };
		struct policy_promise one = { .name = "one", .pin_spki = t[i].asks & SPKI ? keys : none,
					      .pin_ca = t[i].asks & CA ? keys : none,
					      .names = names_of(t[i].asks & NAMES ? exact : t[i].asks & BELOW ? below : NULL) };
		struct policy p = { .promise = { &one, 1 } };
		struct bytes list = list_of(t[i].chain);
		session_of(t[i].seen, &r);
		policy_judge(&p, &r, list);
		free((void *)(uintptr_t)list.p);
		if (record_get_tri(&r, F_policy_pin) != t[i].pin_match || record_get_tri(&r, F_policy_names) != t[i].names_match)
			fail_msg("%s: pin %d names %d", t[i].why, record_get_tri(&r, F_policy_pin), record_get_tri(&r, F_policy_names));
		assert_int_equal(record_get_num(&r, F_expect, -1), expect_policy);
		assert_int_equal(record_get_tri(&r, F_policy_tls), TRI_YES);
	}
}

/* Several entries: the one that is not kept names the session, and who asks for TLS is heard before who does without. */
static void several(void **state)
{
	static struct record r;
	static const enum who chain[] = { LEAF, INTER, WHOS };
	struct policy_keys right = { &pin[LEAF], 1 }, wrong = { &pin[LEAF_OTHER], 1 };
	struct policy_promise t[] = {
		{ .name = "clear", .known_clear = true, .reason = "old gateway" },
		{ .name = "right", .pin_spki = right },
		{ .name = "wrong", .pin_spki = wrong },
	};
	struct policy p = { .promise = { t, 1 } };
	struct bytes list = list_of(chain);
	(void)state;
	session_of(CLEAR, &r);
	policy_judge(&p, &r, (struct bytes){ 0 });
	assert_int_equal(record_get_tri(&r, F_policy_clear), TRI_YES);
	assert_true(bytes_eq(record_get_str(&r, F_policy_reason), bytes_of("old gateway")));
	assert_int_equal(record_get_num(&r, F_expect, -1), expect_none);
	p.promise.n = 3;
	session_of(SHOWN, &r);
	policy_judge(&p, &r, list);
	assert_true(bytes_eq(record_get_str(&r, F_policy_name), bytes_of("wrong")));
	assert_int_equal(record_get_tri(&r, F_policy_pin), TRI_NO);
	assert_int_equal(record_get_tri(&r, F_policy_clear), TRI_NO);
	assert_false(record_has(&r, F_policy_reason));
	p.promise.n = 0;
	policy_judge(&p, &r, list); /* nothing of before, and nothing that the record brought, is left */
	assert_false(record_has(&r, F_policy_name));
	assert_false(record_has(&r, F_policy_pin));
	free((void *)(uintptr_t)list.p);
}

static void dane_required(void **state)
{
	static const struct {
		enum daneverdict verdict;
		const char *name;
	} t[] = {
		{ daneverdict_no_tlsa, "dane" }, { daneverdict_insecure, "dane" }, { daneverdict_match, "tls" },
		{ daneverdict_lookup_failed, "tls" }, { daneverdict_incomplete, "tls" }, { daneverdict_identity_unknown, "tls" },
	};
	static struct record r;
	struct policy_promise two[] = { { .name = "tls", .tls = POLICY_REQUIRED }, { .name = "dane", .dane = POLICY_REQUIRED } };
	struct policy p = { .promise = { two, 2 } };
	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		session_of(CLEAR, &r);
		record_num(&r, F_dane_verdict, t[i].verdict);
		policy_judge(&p, &r, (struct bytes){ 0 });
		assert_int_equal(record_get_tri(&r, F_policy_dane), TRI_YES);
		assert_true(bytes_eq(record_get_str(&r, F_policy_name), bytes_of(t[i].name)));
	}
}

static void inspection(void **state)
{
	static const char *const exempt[] = { "bank.example", NULL }, *const forms[] = { "banner-masked", "starttls-keyword-masked/x-mask", NULL };
	static const enum who ours[] = { LEAF, INTER, WHOS }, foreign[] = { LEAF_OTHER, WHOS };
	static struct record r;
	struct networks clients = net("192.0.2.0/24"), elsewhere = net("203.0.113.0/24");
	struct policy_keys ca = { &pin[INTER], 1 };
	struct policy_inspection i = { .name = "fw", .clients = &clients, .exempt_domains = names_of(exempt), .forms = names_of(forms), .ca = ca };
	struct policy p = { .inspection = { &i, 1 } };
	struct bytes list = list_of(ours), other = list_of(foreign);
	(void)state;
	session_of(SHOWN, &r);
	policy_judge(&p, &r, list);
	assert_true(bytes_eq(record_get_str(&r, F_policy_inspection), bytes_of("fw")));
	assert_int_equal(record_get_tri(&r, F_policy_inspected), TRI_YES);
	assert_int_equal(record_get_tri(&r, F_policy_inspector), TRI_YES);
	policy_judge(&p, &r, other);
	assert_int_equal(record_get_tri(&r, F_policy_inspector), TRI_NO);
	record_add_num(&r, F_expect_all, expect_dane);
	assert_int_equal(policy_scope(&i, &r), TRI_NO);
	i.dane = true;
	assert_int_equal(policy_scope(&i, &r), TRI_YES);
	record_add_cstr(&r, F_smtp_rcpt_domains, "bank.example");
	assert_int_equal(policy_scope(&i, &r), TRI_NO);
	i.clients = &elsewhere;
	policy_judge(&p, &r, list);
	assert_false(record_has(&r, F_policy_inspection));
	assert_true(policy_does(&i, "banner-masked", ""));
	assert_true(policy_does(&i, "starttls-keyword-masked", "x-mask"));
	assert_false(policy_does(&i, "starttls-keyword-masked", "mangled"));
	assert_false(policy_does(&i, "banner", ""));
	assert_ptr_equal(policy_inspection_named(&p, bytes_of("fw")), &i);
	assert_null(policy_inspection_named(&p, bytes_of("f")));
	free((void *)(uintptr_t)list.p);
	free((void *)(uintptr_t)other.p);
}

static void routes(void **state)
{
	static const char *const net_below[] = { ".example.net", NULL };
	static const struct {
		const char *why, *rcpt, *sni;
		unsigned port;
		const char *host, *other;
		unsigned routed;
	} t[] = {
		{ "its domain", "a.example.net", NULL, 25, "relay.example.com", NULL, 1 },
		{ "another domain takes the route for all", "example.org", NULL, 25, "smart.example.com", NULL, 1 },
		{ "both", "a.example.net;example.org", NULL, 25, "relay.example.com", "smart.example.com", 3 },
		{ "nothing said: the route for all", NULL, NULL, 25, "smart.example.com", NULL, 0 },
		{ "nothing said but the host of a route", NULL, "relay.example.com", 25, "relay.example.com", NULL, 0 },
		{ "another port", "a.example.net", NULL, 587, NULL, NULL, 0 },
	};
	static struct record r;
	struct policy_route two[] = {
		{ .name = "narrow", .host = "relay.example.com", .tlsa_base = "", .policy_domain = "", .domains = names_of(net_below), .port = 25 },
		{ .name = "wide", .host = "192.0.2.77", .tlsa_base = "smart.example.com", .policy_domain = "hop.example", .port = 25 },
	};
	struct policy p = { .route = { two, 2 } };
	(void)state;
	for (size_t i = 0; i < COUNT(t); i++) {
		struct known known = { .hosts = 0 };
		session_of(CLEAR, &r);
		record_num(&r, F_dst_port, t[i].port);
		for (const char *at = t[i].rcpt; at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL)
			record_add(&r, F_smtp_rcpt_domains, (struct bytes){ (const uint8_t *)at, strcspn(at, ";") });
		if (t[i].sni)
			record_cstr(&r, F_tls_sni, t[i].sni);
		policy_routes(&p, &r, &known);
		if (known.hosts != (t[i].host != NULL) + (t[i].other != NULL) || known.routed != t[i].routed ||
		    (t[i].host && !known_find(&known, t[i].host)) || (t[i].other && !known_find(&known, t[i].other)))
			fail_msg("%s: %d hosts, routed %d", t[i].why, known.hosts, known.routed);
		const struct known_host *wide = known_find(&known, "smart.example.com");
		if (wide) {
			assert_string_equal(wide->route, "wide");
			assert_string_equal(wide->domain[0], "hop.example");
			assert_int_equal(wide->by, KNOWN_CONFIGURED);
		}
	}
}

/* Who knows more is heard; what finds no room is said to be cut. */
static void known(void **state)
{
	struct known k = { .hosts = 0 };
	char name[] = "mx0.example.net";
	(void)state;
	assert_non_null(known_add(&k, KNOWN_REMEMBERED, "MX.example.net.", NULL));
	assert_non_null(known_add(&k, KNOWN_WATCHED, "mx.example.net", "example.org"));
	assert_int_equal(k.hosts, 1);
	assert_int_equal(k.host[0].by, KNOWN_WATCHED);
	assert_int_equal(k.host[0].domains, 1);
	assert_null(known_add(&k, KNOWN_WATCHED, "192.0.2.1", NULL));
	assert_null(known_add(&k, KNOWN_WATCHED, "mx.corp.internal", NULL));
	for (int i = 0; i < KNOWN_HOSTS; i++) {
		name[2] = (char)('0' + i);
		known_add(&k, KNOWN_WATCHED, name, NULL);
	}
	assert_int_equal(k.hosts, KNOWN_HOSTS);
	assert_true(k.cut);
	for (int i = 0; i < KNOWN_DOMAINS + 1; i++) {
		name[2] = (char)('a' + i);
		known_add(&k, KNOWN_WATCHED, "mx.example.net", name);
	}
	assert_int_equal(k.host[0].domains, KNOWN_DOMAINS);
	assert_true(k.host[0].more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_fit), cmocka_unit_test(authorities), cmocka_unit_test(damaged), cmocka_unit_test(scope),
		cmocka_unit_test(kept), cmocka_unit_test(several), cmocka_unit_test(dane_required), cmocka_unit_test(inspection),
		cmocka_unit_test(routes), cmocka_unit_test(known),
	};
	return cmocka_run_group_tests(tests, world_up, world_down);
}
