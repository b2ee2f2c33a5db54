/* Text and digests of a leaf certificate, remembered by the SHA-256 of its DER in a table of fixed size that gives up
 * what was asked for longest ago: a mail egress meets a few thousand certificates, and writing a name costs more
 * than everything else that is done with one. Knows no chain and no validity. What OpenSSL allocates while it
 * writes a name is freed before the answer (RFC 2253; RFC 5280 4.1.2.4). */
#include "wire/cert.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { BUCKETS = 4096, NONE = -1 };

/* next: of the same bucket. older, newer: the list by time of use. */
struct entry {
	uint8_t key[32];
	int16_t next, older, newer;
	struct cert_text text;
};

struct cert_cache {
	EVP_MD *sha256;
	EVP_MD_CTX *ctx;
	int16_t bucket[BUCKETS], newest, oldest, used;
	struct entry entry[CERT_CACHE];
};

struct cert_cache *cert_cache_new(void)
{
	struct cert_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		cache->bucket[i] = NONE;
	cache->newest = cache->oldest = NONE;
	cache->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	cache->ctx = EVP_MD_CTX_new();
	if (cache->sha256 && cache->ctx)
		return cache;
	cert_cache_free(cache);
	return NULL;
}

void cert_cache_free(struct cert_cache *cache)
{
	if (!cache)
		return;
	EVP_MD_free(cache->sha256);
	EVP_MD_CTX_free(cache->ctx);
	free(cache);
}

static bool digest(struct cert_cache *cache, struct bytes in, uint8_t out[32])
{
	return EVP_DigestInit_ex2(cache->ctx, cache->sha256, NULL) && EVP_DigestUpdate(cache->ctx, in.p, in.n) &&
	       EVP_DigestFinal_ex(cache->ctx, out, NULL);
}

static void hex(const uint8_t in[32], const char *alphabet, char out[65])
{
	for (size_t i = 0; i < 32; i++) {
		out[2 * i] = alphabet[in[i] >> 4];
		out[2 * i + 1] = alphabet[in[i] & 15];
	}
	out[64] = 0;
}

/* RFC 2253, but UTF-8 stays as it is. Cut between characters. */
static uint16_t name_text(struct bytes der, char out[CERT_NAME])
{
	const unsigned char *p = der.p;
	size_t n = 0;
	X509_NAME *name = der.n ? d2i_X509_NAME(NULL, &p, (long)der.n) : NULL;
	BIO *bio = name ? BIO_new(BIO_s_mem()) : NULL;
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
		char *text;
		long len = BIO_get_mem_data(bio, &text);
		n = len > 0 ? (size_t)len : 0;
		if (n > CERT_NAME)
			for (n = CERT_NAME; n > CERT_NAME - 4 && ((uint8_t)text[n] & 0xc0) == 0x80;)
				n--;
		if (n)
			memcpy(out, text, n);
	}
	BIO_free(bio);
	X509_NAME_free(name);
	ERR_clear_error();
	return (uint16_t)n;
}

static void fill(struct cert_cache *cache, struct entry *e, const struct cert *cert, bool walked)
{
	struct cert_text *t = &e->text;
	uint8_t spki[32];
	hex(e->key, "0123456789ABCDEF", t->sha256);
	t->spki_sha256[0] = 0;
	t->nsubject = t->nissuer = 0;
	if (!walked)
		return;
	if (digest(cache, cert->spki, spki))
		hex(spki, "0123456789abcdef", t->spki_sha256);
	t->nsubject = name_text(cert->subject, t->subject);
	t->nissuer = name_text(cert->issuer, t->issuer);
}

static int16_t *bucket_of(struct cert_cache *cache, const uint8_t key[32])
{
	/* A digest is as good as random, and whoever searches collisions of 12 bits slows a few look-ups. */
	return &cache->bucket[((size_t)key[0] << 8 | key[1]) % BUCKETS];
}

static void unlink_use(struct cert_cache *cache, struct entry *e)
{
	*(e->newer == NONE ? &cache->newest : &cache->entry[e->newer].older) = e->older;
	*(e->older == NONE ? &cache->oldest : &cache->entry[e->older].newer) = e->newer;
}

static void link_newest(struct cert_cache *cache, int16_t i)
{
	struct entry *e = &cache->entry[i];
	e->newer = NONE;
	e->older = cache->newest;
	*(e->older == NONE ? &cache->oldest : &cache->entry[e->older].newer) = i;
	cache->newest = i;
}

/* A free entry: a new one, or that used longest ago, taken out of its bucket. */
static int16_t vacate(struct cert_cache *cache)
{
	if (cache->used < CERT_CACHE)
		return cache->used++;
	int16_t i = cache->oldest;
	struct entry *e = &cache->entry[i];
	unlink_use(cache, e);
	int16_t *link = bucket_of(cache, e->key);
	while (*link != i)
		link = &cache->entry[*link].next;
	*link = e->next;
	return i;
}

const struct cert_text *cert_text(struct cert_cache *cache, struct bytes der, const struct cert *cert, bool walked)
{
	uint8_t key[32];
	if (!digest(cache, der, key))
		return NULL;
	int16_t *head = bucket_of(cache, key), i = *head;
	while (i != NONE && memcmp(cache->entry[i].key, key, sizeof(key)) != 0)
		i = cache->entry[i].next;
	if (i != NONE) {
		unlink_use(cache, &cache->entry[i]);
	} else {
		i = vacate(cache);
		struct entry *e = &cache->entry[i];
		memcpy(e->key, key, sizeof(key));
		fill(cache, e, cert, walked);
		e->next = *head;
		*head = i;
	}
	link_newest(cache, i);
	return &cache->entry[i].text;
}
