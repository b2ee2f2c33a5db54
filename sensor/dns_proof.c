/* dns_proof: see dns_proof.h. One block of octets and a table of spans in it; a proof is some tens of messages, so equal
 * ones are found by looking. */
#include "dns_proof.h"

#include <stdlib.h>

struct dns_proof {
	size_t n, used;
	struct {
		struct dns_message m;
		struct bytes text;
	} item[DNS_PROOF_MESSAGES];
	uint8_t octets[DNS_PROOF_OCTETS];
};

struct dns_proof *dns_proof_new(void)
{
	return calloc(1, sizeof(struct dns_proof));
}

void dns_proof_free(struct dns_proof *p)
{
	free(p);
}

void dns_proof_clear(struct dns_proof *p)
{
	p->n = p->used = 0;
}

static bool same(const struct dns_message *a, const struct dns_message *b)
{
	return a->ts == b->ts && a->client_port == b->client_port && bytes_eq(a->octets, b->octets) &&
	       memcmp(&a->client, &b->client, sizeof(a->client)) == 0 && memcmp(&a->server, &b->server, sizeof(a->server)) == 0;
}

static struct bytes copy(struct dns_proof *p, struct bytes b)
{
	uint8_t *to = p->octets + p->used;
	if (b.n)
		memcpy(to, b.p, b.n);
	p->used += b.n;
	return (struct bytes){ to, b.n };
}

bool dns_proof_add(struct dns_proof *p, const struct dns_message *m, struct bytes text)
{
	text = bytes_head(text, DNS_PROOF_TEXT);
	for (size_t i = 0; i < p->n; i++)
		if (same(&p->item[i].m, m))
			return true;
	if (p->n == DNS_PROOF_MESSAGES || m->octets.n + text.n > DNS_PROOF_OCTETS - p->used)
		return false;
	p->item[p->n].m = *m;
	p->item[p->n].m.octets = copy(p, m->octets);
	p->item[p->n++].text = copy(p, text);
	return true;
}

bool dns_proof_get(const struct dns_proof *p, size_t i, struct dns_message *m, struct bytes *text)
{
	if (i >= p->n)
		return false;
	*m = p->item[i].m;
	*text = p->item[i].text;
	return true;
}
