/* fuzz_peer: a 16-bit length and a key proof, then a certificate_list, whose last certificate is trusted. Promise:
 * remembered or not, the result is the same, and so is that of a peer that was asked about another time before; invalid
 * and a problem come together; valid needs a trusted certificate and a name; a proof that is cut is none. */
#include <assert.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "der.h"
#include "judge/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AT = 1790000000, DAY = 86400 };
#define NS INT64_C(1000000000)

static struct bytes last_of(struct bytes chain)
{
	struct bytes der, last = { 0 };
	while (chain_next(&chain, &der))
		last = der;
	return last;
}

static bool trust(struct peer *p, struct bytes der)
{
	const uint8_t *in = der.p;
	X509 *x = der.n ? d2i_X509(NULL, &in, (long)der.n) : NULL;
	BIO *out = BIO_new(BIO_s_mem());
	char *pem;
	bool ok = x && PEM_write_bio_X509(out, x) == 1;
	if (ok) {
		long n = BIO_get_mem_data(out, &pem);
		ok = peer_trust(p, (struct bytes){ (uint8_t *)pem, (size_t)n }) == 1;
	}
	BIO_free(out);
	X509_free(x);
	return ok;
}

static void check(const struct pkix_result *r, bool trusts, const char *host)
{
	assert(r->result < pkix_COUNT && r->problems >> pkixproblem_COUNT == 0);
	assert((r->result == pkix_invalid) == (r->problems != 0));
	assert(r->result != pkix_valid || (trusts && host));
	assert(trusts || !(r->problems >> pkixproblem_incomplete_chain & 1));
}

static void chain_of(struct bytes chain, bool trusted, const char *host)
{
	struct peer *p = peer_new(), *fresh = peer_new();
	struct pkix_result r, again, other;
	assert(p && fresh);
	bool trusts = trusted && trust(p, last_of(chain)) && trust(fresh, last_of(chain));
	peer_pkix(p, chain, host, (AT - 4000 * (int64_t)DAY) * NS, &other);
	check(&other, trusts, host);
	peer_pkix(p, chain, host, AT * NS, &r);
	check(&r, trusts, host);
	peer_pkix(p, chain, host, AT * NS, &again);
	assert(r.result == again.result && r.problems == again.problems);
	peer_pkix(fresh, chain, host, AT * NS, &again);
	assert(r.result == again.result && r.problems == again.problems);
	peer_free(p);
	peer_free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of((struct bytes){ data, size });
	size_t n = cur_u16(&c);
	struct bytes proof = cur_take(&c, n), chain = { c.p, cur_left(&c) }, rest = chain, leaf;
	if (c.bad)
		return 0;
	chain_of(chain, false, "mx.example.net");
	chain_of(chain, true, "mx.example.net");
	chain_of(chain, true, NULL);
	chain_next(&rest, &leaf);
	enum keyproof k = peer_key(proof, leaf);
	assert(k < keyproof_COUNT && k != keyproof_none);
	if (proof.n)
		assert(peer_key(bytes_head(proof, proof.n - 1), leaf) == keyproof_not_checked || k == keyproof_not_checked);
	return 0;
}
