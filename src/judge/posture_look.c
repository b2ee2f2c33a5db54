/* posture_look: see posture_look.h. Like expectation it is written as if every answer were known: each step asks for what it
 * needs and stops where that is still open, and after each answer the walk begins again at the top.
 *
 * It decides on no signature and remembers nothing from one look to the next: posture does. What an answer does not give stays
 * unknown; a question that failed is neither yes nor no. RFC 7672 2.2, RFC 8461 3.1, RFC 8460 3, RFC 2308 5, RFC 5155 4. */
#include "judge/posture_look.h"

#include "judge/sts.h"

enum { PORT = 25, SET_MAX = 64 };

static const char *parent_of(const char *name)
{
	const char *dot = strchr(name, '.');
	return dot && dot[1] && strchr(dot + 1, '.') ? dot + 1 : NULL; /* no zone of a single label is asked about */
}

static bool failure(uint8_t status)
{
	return status == dnsstatus_bogus || status == dnsstatus_failed || status == dnsstatus_incomplete;
}

static bool one_is_open(const struct posture_look *l)
{
	return l->extras > 0 && l->extra[l->extras - 1].open;
}

/* The answered question; NULL while it is open, and it is opened if it can be. Without room it is never answered. */
static const struct look_extra *need(struct posture_look *l, uint16_t type, const char *name)
{
	for (unsigned i = 0; i < l->extras; i++)
		if (l->extra[i].type == type && strcmp(l->extra[i].name, name) == 0)
			return l->extra[i].open ? NULL : &l->extra[i];
	if (one_is_open(l) || l->extras == LOOK_EXTRAS)
		return NULL;
	struct look_extra *x = &l->extra[l->extras++];
	*x = (struct look_extra){ .type = type, .status = dnsstatus_incomplete, .open = true };
	memcpy(x->name, name, strlen(name) + 1);
	return NULL;
}

/* prefix and the domain; "" when that is no name any more. */
static void below(const char *prefix, const char *domain, char out[NAME_MAX_TEXT + 1])
{
	size_t n = strlen(prefix), d = strlen(domain);
	out[0] = '\0';
	if (n + d > 253)
		return;
	memcpy(out, prefix, n);
	memcpy(out + n, domain, d + 1);
}

/* ---- what the walk has found ---- */

int posture_look_host(const struct posture_look *l, const char *name)
{
	for (unsigned i = 0; i < l->hosts; i++)
		if (strcmp(l->host[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* FNV-1a */
static uint64_t print_of(struct bytes b)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ b.p[i]) * UINT64_C(1099511628211);
	return h;
}

static void host_tlsa(const struct posture_look *l, const struct mx_host *from, struct look_host *h)
{
	uint8_t each[ANSWER_RRS];
	struct tlsa_set set;
	if (!expectation_set(&l->e, from, &set))
		return;
	h->tlsa = set.n;
	h->ttl = l->e.lookup[from->tlsa].ttl;
	h->unusable = dane_usable(&set, each) == 0;
	for (unsigned i = 0; i < set.n; i++) {
		struct cur c = cur_of(set.rr[i]);
		uint32_t kind = cur_u24(&c);
		h->full = h->full || (!c.bad && (kind & 0xff) == 0);
		if (h->records == LOOK_RECORDS)
			continue;
		h->kind[h->records] = kind;
		h->print[h->records++] = print_of(set.rr[i]);
	}
}

static void host_take(struct posture_look *l, unsigned at)
{
	const struct mx_host *from = &l->e.host[at];
	struct look_host *h = &l->host[l->hosts];
	*h = (struct look_host){ .preference = l->preference[at], .state = from->state, .secure = from->secure_address };
	memcpy(h->name, from->name, sizeof(h->name));
	if (from->address >= 0 && strcmp(l->e.lookup[from->address].canonname, from->name) != 0)
		memcpy(h->alias, l->e.lookup[from->address].canonname, sizeof(h->alias));
	h->addresses = l->address[at].n;
	memcpy(h->address, l->address[at].a, sizeof(h->address));
	host_tlsa(l, from, h);
	l->zone_of[l->hosts++] = -1;
}

static void walk_taken(struct posture_look *l)
{
	const struct lookup *mx = expectation_lookup(&l->e, DNS_MX, l->domain);
	l->walked = true;
	l->mx = mx ? mx->status : dnsstatus_incomplete;
	if (!mx)
		return;
	l->cut = mx->cut;
	for (unsigned i = 0; i < mx->hosts; i++)
		host_take(l, mx->host[i]);
}

/* ---- beyond it ---- */

static enum tri txt_step(struct posture_look *l, const char *prefix)
{
	char name[NAME_MAX_TEXT + 1];
	below(prefix, l->domain, name);
	const struct look_extra *x = name[0] ? need(l, DNS_TXT, name) : NULL;
	if (!x || failure(x->status))
		return TRI_UNSEEN;
	return x->good ? TRI_YES : TRI_NO;
}

/* TLSA of the mail domain is looked at by nobody, unless it is its own MX host (RFC 7672 2.2.2). */
static void base_step(struct posture_look *l)
{
	char name[NAME_MAX_TEXT + 1];
	below("_25._tcp.", l->domain, name);
	if (l->hosts == 0 || !name[0] || posture_look_host(l, l->domain) >= 0)
		return;
	const struct look_extra *x = need(l, DNS_TLSA, name);
	l->wrong_base = x && !failure(x->status) && x->data;
}

/* The other family of a host's addresses: the walk is content with one. */
static void address_step(struct posture_look *l, const struct look_host *h)
{
	const struct lookup *a = expectation_lookup(&l->e, DNS_A, h->name), *aaaa = expectation_lookup(&l->e, DNS_AAAA, h->name);
	if (a && a->status == dnsstatus_secure && a->rrs && !aaaa)
		need(l, DNS_AAAA, h->name);
}

static int zone_find(const struct posture_look *l, const char *name)
{
	for (unsigned i = 0; i < l->zones; i++)
		if (strcmp(l->zone[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The zone that name is in: the nearest name above it with an SOA. -1: not known, or not yet. */
static int zone_step(struct posture_look *l, const char *name)
{
	for (unsigned up = 0; name && up < LOOK_CLIMB; up++, name = parent_of(name)) {
		const struct look_extra *x = need(l, DNS_SOA, name);
		if (!x || failure(x->status))
			return -1;
		if (!x->data)
			continue;
		int at = zone_find(l, name);
		if (at < 0 && l->zones < LOOK_ZONES) {
			at = l->zones++;
			l->zone[at] = (struct look_zone){ .negative = x->number };
			memcpy(l->zone[at].name, name, strlen(name) + 1);
		}
		return at;
	}
	return -1;
}

static void zone_facts(struct posture_look *l, struct look_zone *z)
{
	const struct look_extra *key = need(l, DNS_DNSKEY, z->name), *ds = need(l, DNS_DS, z->name);
	const struct look_extra *nsec3 = need(l, DNS_NSEC3PARAM, z->name);
	if (key && !failure(key->status)) {
		z->keys = key->data;
		z->algorithms = key->set;
	}
	if (ds && !failure(ds->status)) {
		z->digests = ds->set;
		z->ds_algorithms = ds->set2;
		z->no_ds = !ds->data;
	}
	if (nsec3 && !failure(nsec3->status))
		z->iterations = nsec3->number;
}

static void walk(struct posture_look *l)
{
	l->zones = 0;
	l->sts = txt_step(l, "_mta-sts.");
	l->tlsrpt = txt_step(l, "_smtp._tls.");
	base_step(l);
	for (unsigned i = 0; i < l->hosts; i++)
		address_step(l, &l->host[i]);
	zone_step(l, l->domain);
	for (unsigned i = 0; i < l->hosts; i++)
		l->zone_of[i] = (int8_t)zone_step(l, l->host[i].name);
	for (unsigned i = 0; i < l->zones; i++)
		zone_facts(l, &l->zone[i]);
}

/* ---- answers ---- */

static void take_mx(struct posture_look *l, const struct answer *a)
{
	l->mx_ttl = a->ttl;
	for (unsigned h = 0; h < l->e.hosts; h++)
		for (unsigned i = 0; i < a->rrs; i++) {
			struct bytes rr = answer_rr(a, i), name = bytes_skip(rr, 2);
			if (name.n && name.p[name.n - 1] == '.')
				name.n--;
			if (rr.n > 2 && bytes_eq_nocase(name, bytes_of(l->e.host[h].name))) {
				l->preference[h] = (uint16_t)(rr.p[0] << 8 | rr.p[1]);
				break;
			}
		}
}

static void addresses_add(struct addr *to, uint8_t *n, const struct answer *a)
{
	size_t size = a->type == DNS_A ? 4 : 16;
	for (unsigned i = 0; i < a->rrs && *n < LOOK_ADDRESSES; i++) {
		struct bytes rr = answer_rr(a, i);
		if (rr.n != size)
			continue;
		to[*n] = (struct addr){ .v = a->type == DNS_A ? 4 : 6 };
		memcpy(to[*n].a, rr.p, size);
		(*n)++;
	}
}

static void take_addresses(struct posture_look *l, const struct answer *a)
{
	for (unsigned i = 0; i < l->e.hosts; i++)
		if (strcmp(l->e.host[i].name, a->name) == 0)
			addresses_add(l->address[i].a, &l->address[i].n, a);
	int h = posture_look_host(l, a->name);
	if (l->walked && h >= 0 && a->status == dnsstatus_secure)
		addresses_add(l->host[h].address, &l->host[h].addresses, a);
}

/* The strings of a TXT record as one. */
static struct bytes joined(struct bytes rr, uint8_t *out, size_t cap)
{
	struct cur c = cur_of(rr);
	size_t n = 0;
	while (cur_left(&c)) {
		struct cur s = cur_vec8(&c);
		struct bytes part = bytes_head((struct bytes){ s.p, cur_left(&s) }, cap - n);
		if (part.n)
			memcpy(out + n, part.p, part.n);
		n += part.n;
	}
	return (struct bytes){ out, n };
}

/* Is it the one record that MTA-STS, or TLSRPT, asks for? */
static bool txt_good(const struct answer *a)
{
	uint8_t text[STS_TXT];
	static const char version[] = "v=TLSRPTv1;";
	bool sts = strncmp(a->name, "_mta-sts.", 9) == 0;
	unsigned good = 0;
	for (unsigned i = 0; i < a->rrs; i++) {
		struct bytes record = joined(answer_rr(a, i), text, sizeof(text)), id;
		good += sts ? sts_txt_read(&record, 1, &id) == STS_OK : bytes_eq(bytes_head(record, sizeof(version) - 1), bytes_of(version));
	}
	return good == 1;
}

static uint64_t bit(unsigned i)
{
	return i < SET_MAX ? UINT64_C(1) << i : 0;
}

/* What of each type is kept. */
static void take_extra(struct look_extra *x, const struct answer *a)
{
	x->open = false;
	x->status = a->status;
	x->data = (a->status == dnsstatus_secure || a->status == dnsstatus_insecure) && a->rrs > 0;
	x->good = x->type == DNS_TXT && x->data && txt_good(a);
	for (unsigned i = 0; x->data && i < a->rrs; i++) {
		struct bytes rr = answer_rr(a, i);
		struct cur c = cur_of(rr);
		if (x->type == DNS_DNSKEY && rr.n >= 4) {
			cur_u24(&c); /* flags, protocol */
			x->set |= bit(cur_u8(&c));
		} else if (x->type == DNS_DS && rr.n >= 4) {
			cur_u16(&c); /* key tag */
			x->set2 |= bit(cur_u8(&c));
			x->set |= bit(cur_u8(&c));
		} else if (x->type == DNS_NSEC3PARAM && rr.n >= 5) {
			cur_u16(&c); /* hash, flags */
			uint32_t iterations = cur_u16(&c);
			x->number = iterations > x->number ? iterations : x->number;
		} else if (x->type == DNS_SOA && rr.n >= 20) {
			c = cur_of(bytes_skip(rr, rr.n - 4));
			x->number = cur_u32(&c);
		}
	}
}

static bool has(struct bytes text, const char *part)
{
	struct bytes p = bytes_of(part);
	for (size_t i = 0; i + p.n <= text.n; i++)
		if (memcmp(text.p + i, p.p, p.n) == 0)
			return true;
	return false;
}

/* The validator's words; another validator has others, and then the kind is not known. */
static enum posturebogus kind_of(struct bytes why)
{
	if (has(why, "expired"))
		return posturebogus_expired;
	if (has(why, "DS hash mismatch") || has(why, "keys have a DS") || has(why, "matching DS") || has(why, "No DNSKEY record") ||
	    has(why, "no DNSKEY"))
		return posturebogus_ds;
	return posturebogus_other;
}

static void take_common(struct posture_look *l, const struct answer *a)
{
	bool proved = a->status == dnsstatus_secure || a->status == dnsstatus_absent;
	l->fault = a->fault > l->fault ? a->fault : l->fault;
	if (a->source != dnssource_off)
		l->source = a->source;
	if (a->source == dnssource_live && a->as_of > l->at)
		l->at = a->as_of;
	if (proved && a->sig_until && (l->sig_until == 0 || a->sig_until < l->sig_until)) {
		l->sig_from = a->sig_from;
		l->sig_until = a->sig_until;
		l->sig_type = a->type;
		memcpy(l->sig_name, a->name, sizeof(l->sig_name));
	}
	if (a->status == dnsstatus_bogus && !l->bogus) {
		l->bogus = true;
		l->bogus_type = a->type;
		l->bogus_kind = (uint8_t)kind_of(bytes_of(a->why));
		memcpy(l->bogus_name, a->name, sizeof(l->bogus_name));
		memcpy(l->bogus_why, a->why, sizeof(l->bogus_why));
	}
}

void posture_look_start(struct posture_look *l, const char *domain, int64_t as_of)
{
	memset(l, 0, sizeof(*l));
	memcpy(l->domain, domain, strlen(domain) + 1);
	l->as_of = l->at = as_of;
	record_init(&l->session);
	record_add_cstr(&l->session, F_smtp_rcpt_domains, domain);
	record_num(&l->session, F_event_start, as_of);
	record_num(&l->session, F_dst_port, PORT);
	record_num(&l->session, F_service, service_mx);
	expectation_start(&l->e, &l->session, NULL);
}

bool posture_look_next(struct posture_look *l, struct question *q)
{
	if (!l->walked && expectation_next(&l->e, q))
		return true;
	if (!l->walked) {
		walk_taken(l);
		if (!failure(l->mx))
			walk(l);
	}
	l->done = !one_is_open(l);
	if (l->done)
		return false;
	const struct look_extra *x = &l->extra[l->extras - 1];
	*q = (struct question){ .id = x->type, .as_of = l->as_of, .type = x->type };
	memcpy(q->name, x->name, sizeof(q->name));
	return true;
}

void posture_look_answer(struct posture_look *l, struct answer *a)
{
	struct question q;
	if (!posture_look_next(l, &q) || q.type != a->type || strcmp(q.name, a->name) != 0)
		return;
	take_common(l, a);
	if (!l->walked) {
		a->id = q.id;
		expectation_answer(&l->e, a);
	} else {
		take_extra(&l->extra[l->extras - 1], a);
	}
	if (a->type == DNS_MX)
		take_mx(l, a);
	else if (a->type == DNS_A || a->type == DNS_AAAA)
		take_addresses(l, a);
	if (l->walked)
		walk(l);
}
