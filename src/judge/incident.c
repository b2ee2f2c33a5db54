/* incident: see incident.h (detections.md F.3). Decides what belongs together and when it speaks. It does not know how an alert
 * looks (alert.h), where incidents are kept, or what a finding means: levels and places come with the rules. Owns nothing. */
#include "judge/incident.h"

#include <openssl/evp.h>

static const char chain_slot[] = "chain";

/* A text of the record, cut, NUL-terminated. */
static void keep_text(char *to, size_t cap, struct bytes from)
{
	from = bytes_head(from, cap - 1);
	if (from.n)
		memcpy(to, from.p, from.n);
	to[from.n] = '\0';
}

static void keep(char to[INCIDENT_FINDING], const char *from)
{
	keep_text(to, INCIDENT_FINDING, bytes_of(from));
}

/* ---- chains ---- */

static bool is_link(const struct finding *f)
{
	return f->rule->stage != STAGE_APART && !f->rule->correlates;
}

/* Into a chain, in the order of causes; the worst leads, of equals the first cause. A full one loses its last. */
static void link_in(struct incident_chain *c, const struct finding *f)
{
	unsigned at = c->links;
	while (at > 0 && c->link[at - 1]->rule->place > f->rule->place)
		at--;
	if (at == INCIDENT_LINKS)
		return;
	unsigned n = c->links < INCIDENT_LINKS ? c->links : INCIDENT_LINKS - 1;
	memmove(&c->link[at + 1], &c->link[at], (n - at) * sizeof(c->link[0]));
	c->link[at] = f;
	c->links = (uint8_t)(n + 1);
}

static bool leads(const struct finding *f, const struct finding *head)
{
	return !head || f->level > head->level || (f->level == head->level && f->rule->place < head->rule->place);
}

size_t incident_chains(const struct finding *f, size_t n, struct incident_chain *out)
{
	size_t chains = 0;
	struct incident_chain all = { 0 };
	for (size_t i = 0; i < n; i++) {
		if (!is_link(&f[i]))
			continue;
		link_in(&all, &f[i]);
		if (!f[i].suppressed && leads(&f[i], all.head))
			all.head = &f[i];
	}
	if (all.head && all.head->level >= level_low)
		out[chains++] = all;
	for (size_t i = 0; i < n; i++)
		if (!is_link(&f[i]) && f[i].level >= level_low && !f[i].suppressed)
			out[chains++] = (struct incident_chain){ .head = &f[i], .link = { &f[i] }, .links = 1 };
	return chains;
}

const char *incident_slot(const struct incident_chain *c)
{
	if (c->group) /* its last session may have a chain of its own */
		return c->head->rule->name;
	return is_link(c->head) ? chain_slot : c->head->rule->finding;
}

/* ---- the key ---- */

struct cidr incident_group(const struct site *site, const struct addr *client)
{
	const struct cidr *own = networks_find(&site->own, client);
	return own ? *own : site_prefix(client, client->v == 4 ? 24 : 48);
}

static bool add(EVP_MD_CTX *ctx, struct bytes b)
{
	uint8_t n[2] = { (uint8_t)(b.n >> 8), (uint8_t)b.n };
	return EVP_DigestUpdate(ctx, n, 2) && EVP_DigestUpdate(ctx, b.p, b.n);
}

static bool sure(const struct record *s)
{
	return record_get_num(s, F_id_confidence, confidence_none) >= confidence_medium;
}

static struct bytes first_domain(const struct record *s)
{
	struct bytes item = { s->text, 0 };
	size_t pos = 0;
	return record_next(s, F_id_domains, &pos, &item) ? item : (struct bytes){ s->text, 0 };
}

/* The host when it is known well, else the address; names of the DNS are the same in either case of letters, and come here in one. */
static bool add_server(EVP_MD_CTX *ctx, const struct record *s)
{
	struct bytes host = record_get_str(s, F_id_host);
	uint8_t port[2] = { (uint8_t)(record_get_num(s, F_dst_port, 0) >> 8), (uint8_t)record_get_num(s, F_dst_port, 0) };
	bool by_name = sure(s) && host.n;
	return add(ctx, by_name ? host : record_get_str(s, F_dst_ip)) && add(ctx, (struct bytes){ port, 2 }) &&
	       add(ctx, by_name ? first_domain(s) : (struct bytes){ s->text, 0 });
}

static bool add_distinct(EVP_MD_CTX *ctx, const struct incident_chain *c)
{
	bool ok = true;
	for (unsigned i = 0; i < c->links; i++)
		if (c->link[i]->rule->distinct && c->link[i]->level >= level_low)
			ok = ok && add(ctx, bytes_of(c->link[i]->rule->finding));
	return ok;
}

bool incident_key(const struct incident_chain *c, const struct record *s, uint8_t key[INCIDENT_KEY])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint8_t where[2] = { (uint8_t)record_get_num(s, F_net_direction, 0), c->head->rule->segment };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && add(ctx, bytes_of(c->head->rule->finding)) &&
		  add(ctx, bytes_of(c->head->rule->variant)) && add(ctx, (struct bytes){ where, 2 }) &&
		  (c->head->device ? add(ctx, bytes_of(c->head->device)) :
		   c->group	   ? add(ctx, (struct bytes){ c->group, INCIDENT_KEY }) :
				     add_server(ctx, s) && add_distinct(ctx, c)) &&
		  EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	if (ok)
		memcpy(key, digest, INCIDENT_KEY);
	return ok;
}

/* ---- occurrences ---- */

static bool same_net(const struct cidr *a, const struct cidr *b)
{
	return a->bits == b->bits && a->base.v == b->base.v && memcmp(a->base.a, b->base.a, sizeof(a->base.a)) == 0;
}

/* Those for which there is no room are taken for known: many clients must not become many alerts. */
static bool new_group(struct incident *i, const struct record *s, const struct site *site)
{
	struct addr client;
	if (!record_get_addr(s, F_src_ip, &client))
		return false;
	struct cidr g = incident_group(site, &client);
	for (unsigned k = 0; k < i->groups; k++)
		if (same_net(&i->group[k], &g))
			return false;
	if (i->groups == INCIDENT_CLIENTS)
		return false;
	i->group[i->groups++] = g;
	i->clients++;
	return true;
}

static void note_server(struct incident *i, const struct record *s)
{
	struct addr a;
	if (!record_get_addr(s, F_dst_ip, &a) || i->addresses == INCIDENT_SERVERS)
		return;
	for (unsigned k = 0; k < i->addresses; k++)
		if (i->address[k].v == a.v && memcmp(i->address[k].a, a.a, sizeof(a.a)) == 0)
			return;
	i->address[i->addresses++] = a;
	i->servers++;
}

/* The first, and the latest of the others. */
static void note_session(struct incident *i, const struct record *s)
{
	if (i->sessions == INCIDENT_SESSIONS) {
		memmove(i->session[1], i->session[2], (INCIDENT_SESSIONS - 2) * sizeof(i->session[0]));
		i->sessions--;
	}
	keep_text(i->session[i->sessions++], INCIDENT_FINDING, record_get_str(s, F_event_id));
}

/* Its place among the links; their number: it is none of them. */
static unsigned link_at(const struct incident *i, const char *finding)
{
	unsigned k = 0;
	while (k < i->links && strcmp(i->link[k], finding) != 0)
		k++;
	return k;
}

/* What this chain has more: behind the link that it follows here, so that causes stay in order. Links that came one by one may stand
 * in another order than in this chain. */
static void note_links(struct incident *i, const struct incident_chain *c)
{
	unsigned at = 0;
	for (unsigned k = 0; k < c->links; k++) {
		const char *finding = c->link[k]->rule->finding;
		const unsigned has = link_at(i, finding);
		if (has < i->links) {
			at = has + 1 > at ? has + 1 : at;
			continue;
		}
		if (i->links == INCIDENT_LINKS)
			return;
		memmove(i->link[at + 1], i->link[at], (i->links - at) * sizeof(i->link[0]));
		keep(i->link[at++], finding);
		i->links++;
	}
}

static void name_it(struct incident *i, const struct incident_chain *c)
{
	const struct finding *f = c->head;
	keep(i->finding, f->rule->finding);
	keep(i->variant, f->rule->variant);
	keep_text(i->rule, sizeof(i->rule), bytes_of(f->rule->uuid));
	i->level = f->level;
	i->certainty = f->certainty;
	i->expectation = f->expectation;
	i->segment = f->rule->segment;
	i->attribution = f->attribution;
}

static uint8_t outcome_in(const struct record *s)
{
	return (uint8_t)record_get_num(s, F_outcome, outcome_unknown);
}

bool incident_worse(uint8_t a, uint8_t b)
{
	static const uint8_t rank[outcome_COUNT] = {
		[outcome_tls_ok] = 0, [outcome_unknown] = 1, [outcome_not_delivered] = 1, [outcome_clear_envelope] = 2,
		[outcome_tls_bad_peer] = 3, [outcome_clear_content] = 4, [outcome_clear_auth] = 5,
	};
	return a < outcome_COUNT && b < outcome_COUNT && rank[b] > rank[a];
}

static int64_t begin_of(const struct record *s)
{
	return record_get_num(s, F_event_start, 0);
}

static int64_t end_of(const struct record *s)
{
	return record_get_num(s, F_event_end, 0);
}

static uint64_t kept_back(const struct incident_chain *c)
{
	uint64_t n = 0;
	for (unsigned k = 0; k < c->links; k++)
		n += c->link[k]->suppressed;
	return n;
}

void incident_begin(struct incident *i, const uint8_t key[INCIDENT_KEY], const struct incident_chain *c, const struct record *s,
		    const struct site *site)
{
	*i = (struct incident){ .count = 1, .rate = 1, .hour_n = 1, .first = begin_of(s), .last = end_of(s), .hour = end_of(s) };
	memcpy(i->key, key, INCIDENT_KEY);
	keep_text(i->opener, sizeof(i->opener), record_get_str(s, F_event_id));
	keep(i->slot, incident_slot(c));
	record_get_addr(s, F_src_ip, &i->client);
	record_get_addr(s, F_dst_ip, &i->server);
	i->port = (uint16_t)record_get_num(s, F_dst_port, 0);
	if (sure(s)) {
		keep_text(i->host, sizeof(i->host), record_get_str(s, F_id_host));
		keep_text(i->domain, sizeof(i->domain), first_domain(s));
	}
	i->outcome = outcome_in(s);
	i->direction = (uint8_t)record_get_num(s, F_net_direction, direction_unknown);
	i->vantage = (uint8_t)record_get_num(s, F_vantage, vantage_unknown);
	i->others = c->head->others;
	i->suppressed = kept_back(c);
	keep(i->device, c->head->device ? c->head->device : "");
	name_it(i, c);
	note_links(i, c);
	note_session(i, s);
	note_server(i, s);
	new_group(i, s, site);
}

/* More of it in this hour than INCIDENT_RATE times what was said? Hours follow each other from the first occurrence. */
static bool more_often(struct incident *i, int64_t now)
{
	if (now - i->hour >= INCIDENT_HOUR) {
		i->hour += (now - i->hour) / INCIDENT_HOUR * INCIDENT_HOUR;
		i->hour_n = 0;
	}
	i->hour_n += i->hour_n < UINT32_MAX;
	if (i->hour_n / INCIDENT_RATE < i->rate || i->hour_n == i->rate * INCIDENT_RATE)
		return false;
	i->rate = i->hour_n;
	return true;
}

/* What the incident takes of an occurrence that is worse. */
static enum incident_word worse(struct incident *i, const struct incident_chain *c, const struct record *s)
{
	bool level = c->head->level > i->level, outcome = is_link(c->head) && incident_worse(i->outcome, outcome_in(s));
	if (level)
		name_it(i, c);
	if (incident_worse(i->outcome, outcome_in(s)))
		i->outcome = outcome_in(s);
	i->acked = i->acked && !level && !outcome;
	return level ? INCIDENT_WORSE_LEVEL : outcome ? INCIDENT_WORSE_OUTCOME : INCIDENT_NOTHING;
}

enum incident_word incident_more(struct incident *i, const struct incident_chain *c, const struct record *s, const struct site *site)
{
	enum incident_word word = worse(i, c, s);
	i->count++;
	i->first = begin_of(s) < i->first ? begin_of(s) : i->first;
	i->last = end_of(s) > i->last ? end_of(s) : i->last;
	note_links(i, c);
	note_session(i, s);
	note_server(i, s);
	i->suppressed += kept_back(c);
	bool client = new_group(i, s, site), often = more_often(i, end_of(s));
	i->others = true;
	if (i->acked && word == INCIDENT_NOTHING)
		return INCIDENT_NOTHING;
	if (i->device[0])
		return word == INCIDENT_WORSE_LEVEL ? word : INCIDENT_NOTHING;
	if (word != INCIDENT_NOTHING)
		return word;
	return client ? INCIDENT_NEW_CLIENT : often ? INCIDENT_MORE_OFTEN : INCIDENT_NOTHING;
}

enum incident_word incident_again(struct incident *i, const uint8_t key[INCIDENT_KEY], const struct incident_chain *c,
				  const struct record *s)
{
	i->last = end_of(s) > i->last ? end_of(s) : i->last;
	note_links(i, c);
	if (memcmp(i->key, key, INCIDENT_KEY) == 0) /* what became of this session's mail is in its event; a higher level is news */
		return worse(i, c, s) == INCIDENT_WORSE_LEVEL ? INCIDENT_WORSE_LEVEL : INCIDENT_NOTHING;
	memcpy(i->key, key, INCIDENT_KEY);
	if (sure(s)) {
		keep_text(i->host, sizeof(i->host), record_get_str(s, F_id_host));
		keep_text(i->domain, sizeof(i->domain), first_domain(s));
	}
	bool other = strcmp(i->finding, c->head->rule->finding) != 0 || strcmp(i->variant, c->head->rule->variant) != 0;
	enum incident_word word = worse(i, c, s);
	name_it(i, c);
	return word == INCIDENT_WORSE_LEVEL ? word : other ? INCIDENT_MOVED : INCIDENT_NOTHING;
}

int64_t incident_due(const struct incident *i, enum incident_word *word)
{
	const bool daily = i->device[0];
	int64_t end = i->last + (daily ? 2 : 1) * INCIDENT_QUIET, hour = i->said + (daily ? INCIDENT_QUIET : INCIDENT_HOUR);
	bool changed = i->count != i->told && !i->acked;
	*word = changed && hour < end ? INCIDENT_GOES_ON : INCIDENT_ENDED;
	return *word == INCIDENT_GOES_ON ? hour : end;
}

void incident_said(struct incident *i, int64_t now)
{
	i->revision++;
	i->told = i->count;
	i->said = now;
}

const char *incident_says(enum incident_word word)
{
	switch (word) {
	case INCIDENT_NOTHING:
	case INCIDENT_OPENED:
		break;
	case INCIDENT_WORSE_LEVEL:
		return "told again: the level rose";
	case INCIDENT_WORSE_OUTCOME:
		return "told again: what became of the mail is worse";
	case INCIDENT_NEW_CLIENT:
		return "told again: another client group has it";
	case INCIDENT_MORE_OFTEN:
		return "told again: it comes more than ten times as often as was said before";
	case INCIDENT_GOES_ON:
		return "it goes on: what was counted since the last word";
	case INCIDENT_ENDED:
		return "closed: it did not come again for 24 hours";
	case INCIDENT_MOVED:
		return "told again: more of the session was seen, and its worst link is another";
	}
	return "";
}

static bool ends(const char *text, size_t cap)
{
	return memchr(text, 0, cap) != NULL;
}

bool incident_check(const struct incident *i)
{
	bool ok = ends(i->id, sizeof(i->id)) && ends(i->opener, sizeof(i->opener)) && ends(i->slot, sizeof(i->slot)) &&
		  ends(i->host, sizeof(i->host)) && ends(i->device, sizeof(i->device)) && ends(i->domain, sizeof(i->domain)) && ends(i->finding, sizeof(i->finding)) &&
		  ends(i->variant, sizeof(i->variant)) && ends(i->rule, sizeof(i->rule)) &&
		  ends(i->message, sizeof(i->message)) && ends(i->reason, sizeof(i->reason));
	for (unsigned k = 0; k < INCIDENT_LINKS; k++)
		ok = ok && ends(i->link[k], sizeof(i->link[k]));
	for (unsigned k = 0; k < INCIDENT_SESSIONS; k++)
		ok = ok && ends(i->session[k], sizeof(i->session[k]));
	return ok && i->links <= INCIDENT_LINKS && i->sessions && i->sessions <= INCIDENT_SESSIONS && i->groups <= INCIDENT_CLIENTS &&
	       i->addresses <= INCIDENT_SERVERS && i->level < level_COUNT && i->certainty < certainty_COUNT &&
	       i->expectation < expect_COUNT && i->outcome < outcome_COUNT && i->direction < direction_COUNT &&
	       i->segment < pathpart_COUNT && i->attribution < attribution_COUNT && i->vantage < vantage_COUNT && i->count;
}
