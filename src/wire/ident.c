/* ident: see ident.h. The digests are OpenSSL's; the layout of what is digested is the Community ID
 * specification v1 (seed, lower endpoint, higher endpoint, protocol, padding, ports). */
#include "wire/ident.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct ident {
	EVP_MD *sha1, *sha256;
	EVP_MD_CTX *ctx;
};

struct ident *ident_new(void)
{
	struct ident *id = calloc(1, sizeof(*id));
	if (!id)
		return NULL;
	id->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	id->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	id->ctx = EVP_MD_CTX_new();
	if (!id->sha1 || !id->sha256 || !id->ctx) {
		ident_free(id);
		return NULL;
	}
	return id;
}

void ident_free(struct ident *id)
{
	if (!id)
		return;
	EVP_MD_free(id->sha1);
	EVP_MD_free(id->sha256);
	EVP_MD_CTX_free(id->ctx);
	free(id);
}

static unsigned digest(struct ident *id, const EVP_MD *md, const uint8_t *p, size_t n, uint8_t out[EVP_MAX_MD_SIZE])
{
	unsigned len = 0;
	if (!EVP_DigestInit_ex2(id->ctx, md, NULL) || !EVP_DigestUpdate(id->ctx, p, n) ||
	    !EVP_DigestFinal_ex(id->ctx, out, &len))
		memset(out, 0, EVP_MAX_MD_SIZE);
	return len;
}

static size_t put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static size_t put_be(uint8_t *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	return n;
}

static size_t put_addr(uint8_t *p, const struct addr *a)
{
	size_t n = a->v == 4 ? 4 : 16;
	memcpy(p, a->a, n);
	return n;
}

size_t ident_community(struct ident *id, const struct addr *a, uint16_t aport, const struct addr *b, uint16_t bport,
		       char out[IDENT_COMMUNITY])
{
	uint8_t in[2 + 32 + 2 + 4], md[EVP_MAX_MD_SIZE];
	int order = memcmp(a->a, b->a, sizeof(a->a));
	if (order > 0 || (order == 0 && aport > bport)) {
		const struct addr *t = a;
		uint16_t tport = aport;
		a = b;
		aport = bport;
		b = t;
		bport = tport;
	}
	size_t n = put16(in, 0);
	n += put_addr(in + n, a);
	n += put_addr(in + n, b);
	in[n++] = PROTO_TCP;
	in[n++] = 0;
	n += put16(in + n, aport);
	n += put16(in + n, bport);
	digest(id, id->sha1, in, n, md);
	memcpy(out, "1:", 2);
	return 2 + (size_t)EVP_EncodeBlock((unsigned char *)out + 2, md, 20);
}

void ident_session(struct ident *id, struct bytes community, uint32_t isn_c, uint32_t isn_s, int64_t first_ns,
		   char out[IDENT_SESSION + 1])
{
	uint8_t in[IDENT_COMMUNITY + 4 + 4 + 8], md[EVP_MAX_MD_SIZE];
	size_t n = community.n < IDENT_COMMUNITY ? community.n : IDENT_COMMUNITY;
	memcpy(in, community.p, n);
	n += put_be(in + n, isn_c, 4);
	n += put_be(in + n, isn_s, 4);
	n += put_be(in + n, (uint64_t)(first_ns / 1000), 8);
	digest(id, id->sha256, in, n, md);
	for (int i = 0; i < IDENT_SESSION / 2; i++) {
		out[2 * i] = "0123456789abcdef"[md[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[md[i] & 15];
	}
	out[IDENT_SESSION] = '\0';
}

bool ident_chain(struct ident *id, uint8_t chain[IDENT_CHAIN], const struct bytes *part, size_t n)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	bool ok = EVP_DigestInit_ex2(id->ctx, id->sha256, NULL) && EVP_DigestUpdate(id->ctx, chain, IDENT_CHAIN);
	for (size_t i = 0; ok && i < n; i++) {
		uint8_t length[4];
		put_be(length, part[i].n, sizeof(length));
		ok = EVP_DigestUpdate(id->ctx, length, sizeof(length)) && EVP_DigestUpdate(id->ctx, part[i].p, part[i].n);
	}
	if (!ok || !EVP_DigestFinal_ex(id->ctx, md, NULL))
		return false;
	memcpy(chain, md, IDENT_CHAIN);
	return true;
}
