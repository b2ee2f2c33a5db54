/* known: see known.h. Bounded: what finds no room is counted as more, or cut. */
#include "judge/known.h"
#include "judge/identity.h"

static struct known_host *place(struct known *k, const char *host)
{
	for (unsigned i = 0; i < k->hosts; i++)
		if (strcmp(k->host[i].host, host) == 0)
			return &k->host[i];
	k->cut |= k->hosts == KNOWN_HOSTS;
	return k->hosts < KNOWN_HOSTS ? &k->host[k->hosts] : NULL;
}

static void add_domain(struct known_host *h, const char *text)
{
	char name[NAME_MAX_TEXT + 1];
	if (!text || !identity_name(bytes_of(text), name))
		return;
	for (unsigned i = 0; i < h->domains; i++)
		if (strcmp(h->domain[i], name) == 0)
			return;
	h->more |= h->domains == KNOWN_DOMAINS;
	if (h->domains < KNOWN_DOMAINS)
		memcpy(h->domain[h->domains++], name, sizeof(name));
}

struct known_host *known_add(struct known *k, enum known_by by, const char *host, const char *domain)
{
	char name[NAME_MAX_TEXT + 1];
	bool good = identity_name(bytes_of(host), name);
	if (!good && by == KNOWN_CONFIGURED && strlen(host) <= NAME_MAX_TEXT) {
		memcpy(name, host, strlen(host) + 1);
		good = true;
	}
	struct known_host *h = good ? place(k, name) : NULL;
	if (!h)
		return NULL;
	if (h == &k->host[k->hosts]) {
		*h = (struct known_host){ .by = (uint8_t)by };
		memcpy(h->host, name, sizeof(name));
		k->hosts++;
	}
	if (by < h->by)
		h->by = (uint8_t)by;
	add_domain(h, domain);
	return h;
}

const struct known_host *known_find(const struct known *k, const char *host)
{
	for (unsigned i = 0; i < k->hosts; i++)
		if (strcmp(k->host[i].host, host) == 0)
			return &k->host[i];
	return NULL;
}
