/* The one layout of a key proof, for who writes it and who reads it. Knows nothing of TLS messages and verifies no
 * signature. Who reads it got it from another process: every length is checked, and none may be left over. */
#include "key_proof.h"

static size_t put(uint8_t *out, size_t at, struct bytes b)
{
	memcpy(out + at, b.p, b.n);
	return at + b.n;
}

static size_t put16(uint8_t *out, size_t at, size_t v)
{
	out[at] = (uint8_t)(v >> 8);
	out[at + 1] = (uint8_t)v;
	return at + 2;
}

static bool sound(const struct key_proof *p)
{
	bool randoms = p->client_random.n == KEY_PROOF_RANDOM && p->server_random.n == KEY_PROOF_RANDOM;
	bool rest = p->params.n && p->signature.n && p->params.n <= KEY_PROOF_MAX && p->signature.n <= KEY_PROOF_MAX;
	return randoms && rest && p->version >= 0x0300 && p->version <= 0x0303;
}

size_t key_proof_write(const struct key_proof *p, uint8_t *out, size_t max)
{
	if (!sound(p))
		return 0;
	size_t n = KEY_PROOF_HEAD + p->params.n + p->signature.n;
	if (n > max || n > KEY_PROOF_MAX)
		return 0;
	size_t at = put16(out, 0, p->version);
	at = put16(out, at, p->suite);
	at = put16(out, at, p->scheme);
	at = put16(out, at, p->params.n);
	at = put16(out, at, p->signature.n);
	at = put(out, at, p->client_random);
	at = put(out, at, p->server_random);
	at = put(out, at, p->params);
	return put(out, at, p->signature);
}

void key_proof_client(uint8_t *out, const uint8_t *random)
{
	put(out, KEY_PROOF_HEAD - (size_t)2 * KEY_PROOF_RANDOM, (struct bytes){ random, KEY_PROOF_RANDOM });
}

bool key_proof_read(struct bytes in, struct key_proof *p)
{
	struct cur c = cur_of(in);
	*p = (struct key_proof){ .version = cur_u16(&c) };
	p->suite = cur_u16(&c);
	p->scheme = cur_u16(&c);
	size_t params = cur_u16(&c), signature = cur_u16(&c);
	p->client_random = cur_take(&c, KEY_PROOF_RANDOM);
	p->server_random = cur_take(&c, KEY_PROOF_RANDOM);
	p->params = cur_take(&c, params);
	p->signature = cur_take(&c, signature);
	return !c.bad && cur_left(&c) == 0 && in.n <= KEY_PROOF_MAX && sound(p);
}

struct bytes key_proof_signed(struct bytes in)
{
	struct key_proof p;
	if (!key_proof_read(in, &p))
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ p.client_random.p, 2 * KEY_PROOF_RANDOM + p.params.n };
}
