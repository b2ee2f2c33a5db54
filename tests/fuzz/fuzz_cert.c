/* fuzz_cert: any octets as a certificate. Promises: every span lies inside; what OpenSSL reads as a certificate the walk
 * finds the same parts of; texts are within their bounds and the table answers the same twice. */
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "wire/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct bytes part, struct bytes whole)
{
	assert(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

/* OpenSSL also reads what is not DER, and writes it again as DER: so the key info is compared as it writes it. */
static void against_openssl(struct bytes in, const struct cert *c, bool walked)
{
	const unsigned char *p = in.p, *q = c->spki.p;
	unsigned char *whole = NULL, *part = NULL;
	X509 *x = in.n ? d2i_X509(NULL, &p, (long)in.n) : NULL;
	X509_PUBKEY *key = x && walked ? d2i_X509_PUBKEY(NULL, &q, (long)c->spki.n) : NULL;
	if (key && p == in.p + in.n) {
		int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &whole), k = i2d_X509_PUBKEY(key, &part);
		assert(n == k && (n <= 0 || memcmp(whole, part, (size_t)n) == 0));
	}
	OPENSSL_free(whole);
	OPENSSL_free(part);
	X509_PUBKEY_free(key);
	X509_free(x);
	ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cert_cache *cache;
	struct bytes in = { data, size }, name;
	struct cert c;
	if (size > 16384)
		return 0;
	if (!cache && !(cache = cert_cache_new()))
		abort();
	bool walked = cert_walk(in, &c);
	inside(c.serial, in);
	inside(c.issuer, in);
	inside(c.subject, in);
	inside(c.spki, in);
	inside(c.names, in);
	assert(!walked || (c.serial.n && c.spki.n));
	for (struct bytes rest = c.names; cert_dns_name(&rest, &name);)
		inside(name, c.names);
	for (struct bytes rest = in, der; chain_next(&rest, &der);)
		inside(der, in);
	const struct cert_text *t = cert_text(cache, in, &c, walked);
	assert(t && strlen(t->sha256) == 64 && t->nsubject <= CERT_NAME && t->nissuer <= CERT_NAME);
	assert(t == cert_text(cache, in, &c, walked));
	against_openssl(in, &c, walked);
	return 0;
}
