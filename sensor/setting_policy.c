/* setting_policy: see setting_policy.h. It knows how these values are written, and asks nobody whether a name exists. */
#include "setting_policy.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <time.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

#include "digest.h"
#include "folder.h"
#include "node_read.h"
#include "quantity.h"
#include "scalar.h"
#include "setting_read.h"

enum { NAME_OCTETS = 253, LABEL_OCTETS = 63, PEM_KEYS = 64, NS = 1000000000 };
_Static_assert((int)DIGEST_OCTETS == (int)POLICY_DIGEST, "one SHA-256");
_Static_assert((int)need_optional == (int)POLICY_NOT && (int)need_required == (int)POLICY_REQUIRED, "one list");

static bool good_octet(uint8_t c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool good_labels(struct bytes name)
{
	size_t len = 0;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '.' ? len == 0 : (!good_octet(name.p[i]) || len == LABEL_OCTETS))
			return false;
		len = name.p[i] == '.' ? 0 : len + 1;
	}
	return len > 0 && name.n <= NAME_OCTETS;
}

/* In lower case and without the last dot; NULL: no name. suffix: a dot may stand in front. */
static const char *name_of(struct settings *s, struct bytes text, bool suffix)
{
	text.n -= text.n > 1 && text.p[text.n - 1] == '.';
	bool dot = suffix && text.n && text.p[0] == '.';
	if (!good_labels(dot ? bytes_skip(text, 1) : text))
		return NULL;
	char *out = arena_string(&s->arena, text);
	for (char *p = out; *p; p++)
		*p = (char)ascii_lower((uint8_t)*p);
	return out;
}

static bool names(struct settings *s, const struct setting_info *t, struct policy_names *out, const struct node *value, struct error *e)
{
	*out = (struct policy_names){ NULL, 0 };
	size_t n;
	if (!setting_list(t, value, "a name", &n, e))
		return false;
	const char **to = arena_take(&s->arena, (n + 1) * sizeof(*to));
	for (const struct node *v = setting_entries(value); v; v = setting_next(value, v)) {
		to[out->n] = name_of(s, v->text, true);
		if (!to[out->n++])
			return node_error(e, v, "%s: \"%.*s\" is not a name; write example.net, or .example.net for all below it", t->name,
					  TEXT(v->text));
	}
	out->name = to;
	return true;
}

static bool is_word(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (!good_octet(b.p[i]) || b.p[i] == '_' || b.p[i] != ascii_lower(b.p[i]))
			return false;
	return b.n > 0 && b.n <= POLICY_NAME;
}

/* Whether there is such a finding is not asked: the site's own rules may have more of them. */
static bool is_form(struct bytes b)
{
	const uint8_t *slash = memchr(b.p, '/', b.n);
	size_t n = slash ? (size_t)(slash - b.p) : b.n;
	return is_word(bytes_head(b, n)) && (!slash || is_word(bytes_skip(b, n + 1)));
}

static bool forms(struct settings *s, const struct setting_info *t, struct policy_names *out, const struct node *value, struct error *e)
{
	*out = (struct policy_names){ NULL, 0 };
	size_t n;
	if (!setting_list(t, value, "a finding", &n, e))
		return false;
	const char **to = arena_take(&s->arena, (n + 1) * sizeof(*to));
	for (const struct node *v = setting_entries(value); v; v = setting_next(value, v)) {
		if (!is_form(v->text))
			return node_error(e, v, "%s: \"%.*s\" is no finding; write banner-masked, or starttls-keyword-masked/x-mask", t->name,
					  TEXT(v->text));
		to[out->n++] = arena_string(&s->arena, v->text);
	}
	out->name = to;
	return true;
}

static bool nets(struct settings *s, const struct setting_info *t, const struct networks **out, const struct node *value, struct error *e)
{
	*out = NULL;
	size_t n;
	if (!setting_list(t, value, "a network", &n, e))
		return false;
	if (n == 0)
		return true;
	struct networks *to = arena_take(&s->arena, sizeof(*to));
	for (const struct node *v = setting_entries(value); v; v = setting_next(value, v))
		if (!networks_add(to, v->text))
			return node_error(e, v, "%s: \"%.*s\" is not a network; write 192.0.2.0/24 or 2001:db8::/32, at most %d of them",
					  t->name, TEXT(v->text), SITE_NETWORKS);
	*out = to;
	return true;
}

static bool ports(struct settings *s, const struct setting_info *t, struct policy_ports *out, const struct node *value, struct error *e)
{
	*out = (struct policy_ports){ NULL, 0 };
	size_t n;
	uint64_t port;
	if (!setting_list(t, value, "a port", &n, e))
		return false;
	uint16_t *to = arena_take(&s->arena, (n + 1) * sizeof(*to));
	for (const struct node *v = setting_entries(value); v; v = setting_next(value, v)) {
		if (quantity_count(v->text, &port) != QUANTITY_GOOD || port == 0 || port > UINT16_MAX)
			return node_error(e, v, "%s: a port belongs here, 1 to 65535", t->name);
		to[out->n++] = (uint16_t)port;
	}
	out->port = to;
	return true;
}

/* The certificate's octets in the arena, and the digest of its key. false: no memory, or a key that cannot be written. */
static bool key_of(struct settings *s, X509 *x, struct policy_key *out)
{
	uint8_t *spki = NULL, *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki), len = i2d_X509(x, &der);
	bool ok = n > 0 && len > 0 && EVP_Digest(spki, (size_t)n, out->spki, NULL, EVP_sha256(), NULL) == 1;
	if (ok) {
		uint8_t *copy = arena_take(&s->arena, (size_t)len);
		memcpy(copy, der, (size_t)len);
		out->der = (struct bytes){ copy, (size_t)len };
	}
	OPENSSL_free(spki);
	OPENSSL_free(der);
	return ok;
}

/* All certificates of a PEM file, at most PEM_KEYS. */
static bool pem_keys(struct settings *s, const struct setting_info *t, struct policy_key *out, size_t *n, const struct node *v, struct error *e)
{
	struct bytes pem;
	const char *path = setting_path(s, v->text);
	if (!folder_read(&s->arena, path, &pem, e)) {
		struct error why = *e;
		return node_error(e, v, "%s: neither a digest nor a file: %.300s", t->name, why.text);
	}
	BIO *in = pem.n && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	size_t got = 0;
	bool ok = in != NULL;
	ERR_clear_error();
	for (X509 *x; ok && (x = PEM_read_bio_X509(in, NULL, NULL, NULL)); got++) {
		ok = got < PEM_KEYS && key_of(s, x, &out[got]);
		X509_free(x);
	}
	ok = ok && got > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; /* the end of the file */
	ERR_clear_error();
	BIO_free(in);
	*n += got;
	return ok || node_error(e, v, "%s: \"%.*s\" is not a PEM file of 1 to %d certificates", t->name, TEXT(v->text), PEM_KEYS);
}

static bool keys(struct settings *s, const struct setting_info *t, struct policy_keys *out, const struct node *value, struct error *e)
{
	*out = (struct policy_keys){ NULL, 0 };
	size_t n;
	if (!setting_list(t, value, "the digest of a key", &n, e))
		return false;
	struct policy_key *to = arena_take(&s->arena, (n + 1) * PEM_KEYS * sizeof(*to));
	for (const struct node *v = setting_entries(value); v; v = setting_next(value, v)) {
		if (digest_read(v->text, to[out->n].spki))
			out->n++;
		else if (t->type == KEPT_PIN_SPKI || v->text.n == 0)
			return node_error(e, v, "%s: \"%.*s\" is not a SHA-256; write 64 hexadecimal digits, or 44 of base64", t->name,
					  TEXT(v->text));
		else if (!pem_keys(s, t, &to[out->n], &out->n, v, e))
			return false;
	}
	out->key = to;
	return true;
}

static bool is_none(const struct setting_info *t, const struct node *n)
{
	return t->other[0] && node_is(n, t->other);
}

static bool is_address(struct bytes text)
{
	struct cidr net;
	return !memchr(text.p, '/', text.n) && site_network(text, &net);
}

static bool host(struct settings *s, const struct setting_info *t, const char **out, const struct node *n, struct error *e)
{
	*out = "";
	if (n->kind == NODE_SCALAR && is_none(t, n))
		return true;
	bool address = n->kind == NODE_SCALAR && is_address(n->text);
	if (n->kind == NODE_SCALAR)
		*out = address ? arena_string(&s->arena, n->text) : name_of(s, n->text, false);
	if (*out && **out && (!address || t->type == KEPT_HOST))
		return true;
	*out = "";
	return node_error(e, n, "%s: %s belongs here", t->name, t->type == KEPT_HOST ? "a host name or an address" : "a name");
}

/* The end of a day: the next one's first moment. */
static bool date(const struct setting_info *t, int64_t *out, const struct node *n, struct error *e)
{
	char text[32];
	*out = 0;
	if (n->kind == NODE_SCALAR && is_none(t, n))
		return true;
	if (n->kind == NODE_SCALAR && n->text.n == 10) {
		snprintf(text, sizeof(text), "%.*sT23:59:59Z", TEXT(n->text));
		bool good = scalar_moment(bytes_of(text), out);
		time_t last = (time_t)(*out / NS);
		struct tm tm;
		if (good && gmtime_r(&last, &tm) && tm.tm_mday == 10 * (text[8] - '0') + text[9] - '0') { /* no 30 February */
			*out += NS;
			return true;
		}
	}
	return node_error(e, n, "%s: a day belongs here, as 2026-12-31, or %s", t->name, t->other);
}

bool setting_policy(struct settings *s, const struct setting_info *t, void *at, const struct node *value, struct error *e)
{
	if (t->type == KEPT_NAMES)
		return names(s, t, at, value, e);
	if (t->type == KEPT_NETS)
		return nets(s, t, at, value, e);
	if (t->type == KEPT_PORTS)
		return ports(s, t, at, value, e);
	if (t->type == KEPT_FORMS)
		return forms(s, t, at, value, e);
	if (t->type == KEPT_DATE)
		return date(t, at, value, e);
	if (t->type == KEPT_PIN_SPKI || t->type == KEPT_PIN_CA)
		return keys(s, t, at, value, e);
	return host(s, t, at, value, e);
}

static bool promises(const struct policy_promise *p)
{
	return p->tls == POLICY_REQUIRED || p->dane == POLICY_REQUIRED || p->requiretls || p->pin_spki.n || p->pin_ca.n ||
	       p->names.n;
}

bool setting_promise_good(const struct policy_promise *p, const struct node *map, struct error *e)
{
	if (!p->domains.n && !p->mx.n && !p->servers && !p->clients && !p->ports.n)
		return node_error(e, map, "policy: whom is it for? Write domains, mx, servers, clients or ports");
	if (!promises(p) && !p->known_clear)
		return node_error(e, map, "policy: it promises nothing; write tls: required, dane: required, pin_spki, pin_ca, names, "
				  "requiretls: true or known_clear: true");
	if (promises(p) && p->known_clear)
		return node_error(e, map, "policy: known_clear says that TLS may be missing, and the same entry says that it must not");
	if (p->known_clear && !p->reason)
		return node_error(e, map, "policy: known_clear must say why, as in: reason: their gateway has no TLS, ticket 4711");
	return true;
}

bool setting_inspection_good(const struct policy_inspection *i, const struct node *map, struct error *e)
{
	return i->forms.n || i->ca.n || node_error(e, map, "inspection: what may the device do? Write forms or ca");
}

bool setting_suppress_good(const struct suppress_entry *s, const struct node *map, struct error *e)
{
	const int64_t day = INT64_C(86400) * 1000000000, now = (int64_t)time(NULL) * 1000000000;
	if (s->findings.n == 0)
		return node_error(e, map, "suppress: what is not to be told? Write findings");
	return s->until - now <= (SUPPRESS_DAYS + 1) * day ||
	       node_error(e, map, "suppress: until is more than %d days from now; look at it again before then", SUPPRESS_DAYS);
}
