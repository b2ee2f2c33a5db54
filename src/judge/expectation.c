/* expectation: RFC 7672 2.2 walked for one session, one question at a time, without I/O and without a clock.
 *
 * The walk is written once, as if every answer were known: each step asks for the lookup that it needs and stops where
 * that is still open. After each answer it starts again from the top. So there is no state but the answers themselves,
 * and the same answers always lead to the same question.
 *
 * A client that said neither SNI nor RCPT may be known by the DNS answers on the link that led it here (DNS_SEEN). They
 * are hints: a host counts only where its secure addresses hold the server's, a domain only where its secure MX lists
 * the host.
 *
 * Order: MX of each RCPT domain; then addresses of every host, always before TLSA, because the name servers of many
 * unsigned zones fail on TLSA questions (RFC 7672 2.2.2); CNAME apart where an alias leads out of the signed tree
 * (2.1.3); then TLSA of the hosts that the client may have meant.
 *
 * It never decides on a signature (libunbound does), and does not know what a promise means for the session: promise
 * does. Names come from packets, so all is bounded; what does not fit is incomplete, never absent. */
#include "judge/expectation.h"
#include "judge/promise.h"
#include "text.h"
#include <assert.h>

/* Of times that differ by less, nobody can say which was first: clocks wander. 5 minutes, in ns. */
#define CLOCK_TOLERANCE INT64_C(300000000000)

static const struct lookup *find_at(const struct expectation *e, uint16_t type, const char *name, int64_t at)
{
	for (unsigned i = 0; i < e->lookups; i++)
		if (e->lookup[i].type == type && e->lookup[i].at == at && strcmp(e->lookup[i].name, name) == 0)
			return &e->lookup[i];
	return NULL;
}

static const struct lookup *find(const struct expectation *e, uint16_t type, const char *name)
{
	return find_at(e, type, name, e->as_of);
}

const struct lookup *expectation_lookup(const struct expectation *e, uint16_t type, const char *name)
{
	const struct lookup *l = find(e, type, name);
	return l && !l->open ? l : NULL;
}

static bool one_is_open(const struct expectation *e)
{
	return e->lookups > 0 && e->lookup[e->lookups - 1].open;
}

/* The answered lookup; NULL while it is open, and it is opened if it can be. */
static const struct lookup *need_at(struct expectation *e, uint16_t type, const char *name, int64_t at)
{
	const struct lookup *l = find_at(e, type, name, at);
	if (l)
		return l->open ? NULL : l;
	if (one_is_open(e))
		return NULL;
	if (e->lookups == EXPECT_QUESTIONS) {
		e->limited = true;
		return NULL;
	}
	struct lookup *new = &e->lookup[e->lookups++];
	*new = (struct lookup){ .type = type, .status = dnsstatus_incomplete, .open = true, .at = at };
	memcpy(new->name, name, strlen(name) + 1);
	return NULL;
}

static const struct lookup *need(struct expectation *e, uint16_t type, const char *name)
{
	return need_at(e, type, name, e->as_of);
}

static int8_t index_of(const struct expectation *e, const struct lookup *l)
{
	return (int8_t)(l - e->lookup);
}

/* -1: no room. */
static int host_add(struct expectation *e, const char *name)
{
	for (unsigned i = 0; i < e->hosts; i++)
		if (strcmp(e->host[i].name, name) == 0)
			return (int)i;
	if (e->hosts == EXPECT_HOSTS)
		return -1;
	struct mx_host *h = &e->host[e->hosts];
	*h = (struct mx_host){ .state = HOST_INCOMPLETE, .address = -1, .tlsa = -1, .blamed = -1 };
	memcpy(h->name, name, strlen(name) + 1);
	return e->hosts++;
}

static bool failure(const struct lookup *l)
{
	return l->status == dnsstatus_bogus || l->status == dnsstatus_failed || l->status == dnsstatus_incomplete;
}

static bool empty(const struct lookup *l)
{
	return l->status == dnsstatus_absent || l->rrs == 0;
}

static enum host_state state_of_failure(const struct lookup *l)
{
	if (l->status == dnsstatus_bogus)
		return HOST_BOGUS;
	return l->status == dnsstatus_failed ? HOST_FAILED : HOST_INCOMPLETE;
}

static void host_decide(struct expectation *e, struct mx_host *h, enum host_state state, const struct lookup *l)
{
	h->state = (uint8_t)state;
	h->asks = false;
	h->blamed = l ? index_of(e, l) : -1;
}

/* An alias whose addresses are unsigned: DANE is left to the host's own name if the alias itself is signed. The
 * answer's status speaks for the whole chain, hence the question for the CNAME alone (RFC 7672 2.1.3). */
static void alias_step(struct expectation *e, struct mx_host *h, const struct lookup *address)
{
	const struct lookup *alias = need(e, DNS_CNAME, h->name);
	if (!alias)
		return;
	if (failure(alias)) {
		host_decide(e, h, state_of_failure(alias), alias);
	} else if (alias->status == dnsstatus_secure && !empty(alias)) {
		h->bases = 1;
		h->asks = true;
	} else {
		host_decide(e, h, HOST_INSECURE, address);
	}
}

/* Where is the host, and which base domains may have TLSA (RFC 7672 2.2.2)? Of the two families that of the connection
 * is asked, since it decides whether the server's address is the host's. The other is needed only when that one
 * has no records: then it tells a host without this family from one without any address. A sender asks for both and skips the host
 * when either fails; for the address that was in fact contacted the other family's failure says nothing. */
static void address_step(struct expectation *e, struct mx_host *h)
{
	uint16_t family = e->id.server.v == 6 ? DNS_AAAA : DNS_A;
	h->state = HOST_INCOMPLETE;
	h->location = location_unknown;
	h->asks = h->secure_address = false;
	h->tlsa = h->blamed = -1;
	const struct lookup *own = need(e, family, h->name), *l = own;
	if (!own)
		return;
	if (!failure(own) && empty(own) && !own->nxdomain)
		l = need(e, family == DNS_A ? DNS_AAAA : DNS_A, h->name);
	if (!l)
		return;
	h->address = index_of(e, l);
	if (failure(l)) {
		host_decide(e, h, state_of_failure(l), l);
	} else if (l->status == dnsstatus_absent || (l->status == dnsstatus_secure && empty(l))) {
		host_decide(e, h, HOST_NONE, l);
	} else if (l->status == dnsstatus_secure) {
		h->secure_address = h->asks = true;
		if (own->status != dnsstatus_insecure)
			h->location = own->has_server ? location_inside : location_outside;
		h->bases = l->canonname[0] && strcmp(l->canonname, h->name) != 0 ? 2 : 1;
	} else if (l->canonname[0] && strcmp(l->canonname, h->name) != 0) {
		alias_step(e, h, l);
	} else {
		host_decide(e, h, HOST_INSECURE, l);
	}
}

/* "_25._tcp." and base, "" when that is no name any more. */
static void owner_of(const struct expectation *e, const char *base, char owner[NAME_MAX_TEXT + 1])
{
	char digits[5];
	size_t d = 0, n = 0;
	unsigned port = e->id.port;
	do
		digits[d++] = (char)('0' + port % 10);
	while ((port /= 10) > 0);
	owner[0] = '\0';
	if (strlen(base) + d + 7 > 253)
		return;
	owner[n++] = '_';
	while (d > 0)
		owner[n++] = digits[--d];
	memcpy(owner + n, "._tcp.", 6);
	memcpy(owner + n + 6, base, strlen(base) + 1);
}

static bool is_tlsa(const struct lookup *l)
{
	return l->type == DNS_TLSA || l->type == DNS_TLSA_BEFORE || l->type == DNS_TLSA_AFTER;
}

static bool set_of(const struct expectation *e, const struct lookup *l, struct tlsa_set *set)
{
	set->n = 0;
	if (!is_tlsa(l) || l->status != dnsstatus_secure || l->cut)
		return false;
	struct cur c = cur_of((struct bytes){ e->data + l->off, l->n });
	while (cur_left(&c) && set->n < ANSWER_RRS) {
		struct cur rr = cur_vec16(&c);
		set->rr[set->n++] = (struct bytes){ rr.p, cur_left(&rr) };
	}
	return set->n > 0;
}

bool expectation_set(const struct expectation *e, const struct mx_host *h, struct tlsa_set *set)
{
	set->n = 0;
	return h->tlsa >= 0 && set_of(e, &e->lookup[h->tlsa], set);
}

const char *expectation_base(const struct expectation *e, const struct mx_host *h)
{
	return h->bases == 2 && h->base == 0 ? e->lookup[h->address].canonname : h->name;
}

static enum host_state state_of_set(const struct lookup *l)
{
	if (l->cut)
		return HOST_INCOMPLETE;
	return l->usable ? HOST_DANE : HOST_TLS_ONLY;
}

/* The first base domain with a secure RRset counts and no other; a failure on the way counts as one, because what is
 * behind it is not to be used (RFC 7672 2.1.2, 2.2.3). CNAMEs of the owner do not change the base domain. */
static void tlsa_step(struct expectation *e, struct mx_host *h)
{
	bool insecure = false;
	if (!h->asks)
		return;
	for (h->base = 0; h->base < h->bases; h->base++) {
		char owner[NAME_MAX_TEXT + 1];
		owner_of(e, expectation_base(e, h), owner);
		const struct lookup *l = owner[0] ? need(e, DNS_TLSA, owner) : NULL;
		if (!owner[0])
			continue;
		if (!l)
			return;
		h->tlsa = index_of(e, l);
		if (failure(l)) {
			h->state = (uint8_t)state_of_failure(l);
			h->blamed = h->tlsa;
			return;
		}
		if (l->status == dnsstatus_secure && !empty(l)) {
			h->state = (uint8_t)state_of_set(l);
			h->blamed = h->tlsa;
			return;
		}
		insecure |= l->status == dnsstatus_insecure;
	}
	h->base = (uint8_t)(h->bases - 1);
	h->blamed = h->tlsa;
	h->state = insecure ? HOST_INSECURE : HOST_ABSENT;
}

/* Where the TLSA RRset of h lies, behind aliases. */
static const char *version_name(const struct expectation *e, const struct mx_host *h)
{
	const struct lookup *l = &e->lookup[h->tlsa];
	return l->canonname[0] ? l->canonname : l->name;
}

/* The RRsets on one side of the one that counts, each as of the one before; false: one of them is open. */
static bool versions(struct expectation *e, const struct mx_host *h, uint16_t type)
{
	int64_t at = e->as_of;
	for (unsigned i = 0; i < EXPECT_VERSIONS; i++) {
		const struct lookup *l = need_at(e, type, version_name(e, h), at);
		if (!l)
			return false;
		if (l->status == dnsstatus_absent || l->from == at)
			break;
		at = l->from;
	}
	return true;
}

static void version_step(struct expectation *e, const struct mx_host *h)
{
	if (h->doubted && h->tlsa >= 0 && versions(e, h, DNS_TLSA_BEFORE))
		versions(e, h, DNS_TLSA_AFTER);
}

bool expectation_version(const struct expectation *e, const struct mx_host *h, unsigned i, struct tlsa_set *set, bool *early)
{
	for (*early = false; h->tlsa >= 0; *early = true) {
		int64_t at = e->as_of;
		const struct lookup *l;
		while ((l = find_at(e, *early ? DNS_TLSA_AFTER : DNS_TLSA_BEFORE, version_name(e, h), at)) && !l->open) {
			bool may = *early || l->until + CLOCK_TOLERANCE >= e->as_of;
			if (l->status == dnsstatus_absent || l->from == at)
				break;
			if (may && set_of(e, l, set) && i-- == 0)
				return true;
			at = l->from;
		}
		if (*early)
			break;
	}
	return false;
}

static bool may_be_asked(const char *host)
{
	char name[NAME_MAX_TEXT + 1];
	return identity_name(bytes_of(host), name);
}

static void host_address(struct expectation *e, struct mx_host *h)
{
	if (may_be_asked(h->name))
		address_step(e, h);
	else
		host_decide(e, h, HOST_ABSENT, NULL);
}

/* The MX of a domain with an implicit one filled in (RFC 5321 5.1); NULL while open or without one. */
static const struct lookup *mx_step(struct expectation *e, const char *domain)
{
	const struct lookup *l = need(e, DNS_MX, domain);
	if (!l || failure(l) || l->nxdomain)
		return l;
	if (l->hosts == 0 && empty(l)) {
		struct lookup *mine = &e->lookup[index_of(e, l)];
		int h = host_add(e, domain);
		mine->cut = h < 0;
		if (h >= 0)
			mine->host[mine->hosts++] = (uint8_t)h;
	}
	return l;
}

static unsigned targets(const struct expectation *e, struct target *out);

/* At the server's address by its own signed word. Any other host is not what this address promises. */
static bool stands(const struct mx_host *h)
{
	return h->secure_address && h->location == location_inside;
}

bool lookup_lists(const struct lookup *mx, unsigned host)
{
	for (unsigned i = 0; i < mx->hosts; i++)
		if (mx->host[i] == host)
			return true;
	return false;
}

bool expectation_led(const struct expectation *e, unsigned i, unsigned host)
{
	const struct lookup *mx = expectation_lookup(e, DNS_MX, e->led[i]);
	return mx && mx->status == dnsstatus_secure && lookup_lists(mx, host);
}

/* Promises come first: domains only say for whom, and may go unasked. */
static void walk_hints(struct expectation *e)
{
	char address[48];
	struct text t = { .p = address, .cap = sizeof(address) - 1 };
	text_addr(&t, &e->id.server);
	address[t.n] = '\0';
	for (unsigned i = 0; i < e->known.hosts; i++)
		host_add(e, e->known.host[i].host);
	if (e->hinted < e->hosts)
		e->hinted = e->hosts;
	need(e, DNS_SEEN, address);
	for (unsigned i = 0; i < e->hinted; i++)
		host_address(e, &e->host[i]);
	for (unsigned i = 0; i < e->hinted; i++)
		if (stands(&e->host[i]))
			tlsa_step(e, &e->host[i]);
	for (unsigned i = 0; i < e->hinted; i++)
		if (stands(&e->host[i]))
			need(e, DNS_SEEN, e->host[i].name);
	for (unsigned i = 0; i < e->leds; i++)
		need(e, DNS_MX, e->led[i]);
}

static bool configured(const struct expectation *e, unsigned i)
{
	return e->known.host[i].by == KNOWN_CONFIGURED;
}

static bool has_route(const struct expectation *e)
{
	for (unsigned i = 0; i < e->known.hosts; i++)
		if (configured(e, i))
			return true;
	return false;
}

static bool routed(const struct expectation *e, unsigned domain)
{
	return e->known.routed >> domain & 1;
}

static void walk(struct expectation *e)
{
	struct target target[EXPECT_TARGETS];
	if (!e->applies)
		return;
	if (e->id.silent && e->id.server.v && !has_route(e)) {
		walk_hints(e);
		return;
	}
	if (e->id.host[0])
		host_add(e, e->id.host);
	for (unsigned i = 0; i < e->known.hosts; i++)
		if (configured(e, i))
			host_add(e, e->known.host[i].host);
	for (unsigned i = 0; i < e->id.domains; i++)
		if (!routed(e, i))
			mx_step(e, e->id.domain[i]);
	for (unsigned i = 0; i < e->hosts; i++)
		host_address(e, &e->host[i]);
	unsigned n = targets(e, target);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < target[i].meants; k++)
			tlsa_step(e, &e->host[target[i].meant[k]]);
	for (unsigned i = 0; i < e->hosts; i++)
		version_step(e, &e->host[i]);
}

void expectation_start(struct expectation *e, const struct record *session, const struct known *known)
{
	int64_t service = record_get_num(session, F_service, service_mx);
	memset(e, 0, offsetof(struct expectation, lookup));
	identity_of(session, &e->id);
	if (known)
		e->known = *known;
	e->as_of = record_get_num(session, F_event_start, 0);
	e->applies = service == service_mx || service == service_other || has_route(e);
	walk(e);
}

bool expectation_next(struct expectation *e, struct question *q)
{
	e->asked = true;
	if (!one_is_open(e))
		return false;
	const struct lookup *l = &e->lookup[e->lookups - 1];
	*q = (struct question){ .id = e->lookups, .as_of = l->at, .type = l->type };
	memcpy(q->name, l->name, sizeof(q->name));
	return true;
}

static void take_addresses(const struct expectation *e, struct lookup *l, const struct answer *a)
{
	size_t n = l->type == DNS_A ? 4 : 16;
	if (e->id.server.v != (l->type == DNS_A ? 4 : 6))
		return;
	for (unsigned i = 0; i < a->rrs; i++)
		l->has_server |= bytes_eq(answer_rr(a, i), (struct bytes){ e->id.server.a, n });
}

/* By preference, then by name: equal ones come in any order (RFC 5321 5.1), and ours must not depend on it. */
static bool mx_before(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = memcmp(a.p, b.p, n);
	return order ? order < 0 : a.n < b.n;
}

static void take_mx(struct expectation *e, struct lookup *l, const struct answer *a)
{
	uint16_t order[ANSWER_RRS];
	unsigned n = 0;
	for (unsigned i = 0; i < a->rrs && i < ANSWER_RRS; i++) {
		unsigned at = n++;
		for (; at > 0 && mx_before(answer_rr(a, i), answer_rr(a, order[at - 1])); at--)
			order[at] = order[at - 1];
		order[at] = (uint16_t)i;
	}
	for (unsigned i = 0; i < n; i++) {
		char name[NAME_MAX_TEXT + 1] = "";
		struct bytes text = bytes_skip(answer_rr(a, order[i]), 2);
		if (text.n && text.p[text.n - 1] == '.')
			text.n--;
		if (text.n == 0 || text.n > 253) /* "0 ." names no host, and is no implicit MX either (RFC 7505) */
			continue;
		for (size_t k = 0; k < text.n; k++)
			name[k] = (char)ascii_lower(text.p[k]);
		int h = l->hosts < EXPECT_MX ? host_add(e, name) : -1;
		if (h < 0)
			l->cut = true;
		else
			l->host[l->hosts++] = (uint8_t)h;
	}
}

static void take_tlsa(struct expectation *e, struct lookup *l, const struct answer *a)
{
	uint32_t room = e->hinted ? e->used + EXPECT_DATA / EXPECT_HINTS : EXPECT_DATA;
	l->off = e->used;
	room = room < EXPECT_DATA ? room : EXPECT_DATA;
	for (unsigned i = 0; i < a->rrs; i++) {
		struct bytes rr = answer_rr(a, i);
		if (rr.n > UINT16_MAX || room - e->used < rr.n + 2) {
			l->cut = true; /* half an RRset proves nothing: a record left out might be the one that matches */
			e->used = l->off;
			break;
		}
		e->data[e->used] = (uint8_t)(rr.n >> 8);
		e->data[e->used + 1] = (uint8_t)rr.n;
		if (rr.n)
			memcpy(e->data + e->used + 2, rr.p, rr.n);
		e->used += (uint32_t)rr.n + 2;
	}
	l->n = e->used - l->off;
	struct tlsa_set set;
	uint8_t each[ANSWER_RRS];
	l->usable = set_of(e, l, &set) && dane_usable(&set, each) > 0;
}

/* The latest first, as they were given. */
static void take_hosts(struct expectation *e, const struct answer *a)
{
	char name[NAME_MAX_TEXT + 1];
	for (unsigned i = 0; i < a->rrs && !e->hints_cut; i++) {
		if (!identity_name(answer_rr(a, i), name))
			continue;
		e->hints_cut = e->hosts == EXPECT_HINTS;
		int h = e->hints_cut ? -1 : host_add(e, name);
		if (h >= 0)
			e->host[h].seen = true;
	}
	e->hinted = e->hosts;
}

static void take_led(struct expectation *e, const struct answer *a)
{
	unsigned taken = 0;
	for (unsigned i = 0; i < a->rrs && taken < EXPECT_LED && e->leds < EXPECT_HINTS * EXPECT_LED; i++)
		if (identity_name(answer_rr(a, i), e->led[e->leds])) {
			e->leds++;
			taken++;
		}
}

static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);
	memcpy(to, from, n);
	to[n] = '\0';
}

void expectation_answer(struct expectation *e, const struct answer *a)
{
	struct lookup *l = one_is_open(e) ? &e->lookup[e->lookups - 1] : NULL;
	if (!l || a->id != e->lookups || a->type != l->type || strcmp(a->name, l->name) != 0)
		return;
	l->open = false;
	l->status = a->status < dnsstatus_COUNT ? a->status : (uint8_t)dnsstatus_incomplete;
	l->source = a->source;
	if (a->source == dnssource_live)
		e->live_at = a->as_of;
	l->nxdomain = a->nxdomain && l->status == dnsstatus_absent;
	l->seen_later = a->seen_later;
	l->ttl = a->ttl;
	l->from = a->from;
	l->until = a->until;
	l->conflict = a->conflict < dnsconflict_COUNT ? a->conflict : (uint8_t)dnsconflict_none;
	l->conflict_how = a->conflict_how < dnshow_COUNT ? a->conflict_how : (uint8_t)dnshow_data;
	l->conflict_proved = a->conflict_proved;
	l->conflict_at = a->conflict_at;
	l->conflict_server = a->conflict_server;
	copy_text(l->canonname, sizeof(l->canonname), a->canonname);
	copy_text(l->why, sizeof(l->why), a->why);
	if (l->status == dnsstatus_secure || l->status == dnsstatus_insecure) {
		l->rrs = a->rrs;
		if (l->type == DNS_A || l->type == DNS_AAAA)
			take_addresses(e, l, a);
		else if (l->type == DNS_MX)
			take_mx(e, l, a);
		else if (is_tlsa(l) && l->status == dnsstatus_secure)
			take_tlsa(e, l, a);
		else if (l->type == DNS_SEEN && l == e->lookup)
			take_hosts(e, a);
		else if (l->type == DNS_SEEN)
			take_led(e, a);
	}
	walk(e);
}

static void target_take(const struct expectation *e, struct target *t)
{
	t->state = HOST_NONE;
	for (unsigned i = 0; i < t->meants; i++) {
		const struct mx_host *h = &e->host[t->meant[i]];
		if (t->host >= 0 && h->state <= t->state)
			continue;
		t->state = h->state;
		t->host = (int8_t)t->meant[i];
		t->blamed = h->blamed;
	}
}

static void target_by_name(const struct expectation *e, enum identity_by by, unsigned h, struct target *t)
{
	const struct mx_host *host = &e->host[h];
	*t = (struct target){ .domain = -1, .by = (uint8_t)by, .host = -1, .blamed = -1, .meants = 1, .known = true };
	t->meant[0] = (uint8_t)h;
	t->secure = host->secure_address;
	t->location = host->location;
	target_take(e, t);
	t->confidence = (uint8_t)identity_confidence(by, dnsstatus_incomplete, t->secure, host->location);
	/* An alias that is signed and leads out of the signed tree: the name is certain, where it leads is not, and TLSA
	 * stands at the name (RFC 7672 2.1.3, 2.2.2). */
	bool promised = t->state == HOST_DANE || t->state == HOST_TLS_ONLY;
	if (by == IDENTITY_SNI && promised && !t->secure)
		t->confidence = confidence_medium;
}

/* A host that stands is a destination if it promises TLS for mail, or if a domain's mail goes there; not every name at
 * that address is a mail server. */
static bool is_mail_host(const struct expectation *e, unsigned h)
{
	const struct mx_host *host = &e->host[h];
	bool mail = host->state == HOST_DANE || host->state == HOST_TLS_ONLY || known_find(&e->known, host->name);
	for (unsigned i = 0; i < e->leds && !mail; i++)
		mail = expectation_led(e, i, h);
	return mail && stands(host);
}

/* Which of the domain's hosts may the client have meant? The one it named itself, else those that live at the server's
 * address, else all of them: mail for the domain was sent somewhere, and whatever the address, the domain's
 * promise holds (R10). */
static void meant_hosts(const struct expectation *e, const struct lookup *mx, struct target *t)
{
	bool inside = false, named = false;
	for (unsigned i = 0; i < mx->hosts; i++) {
		inside |= e->host[mx->host[i]].location == location_inside;
		named |= e->id.host[0] && strcmp(e->host[mx->host[i]].name, e->id.host) == 0;
	}
	for (unsigned i = 0; i < mx->hosts; i++) {
		const struct mx_host *h = &e->host[mx->host[i]];
		if (named ? strcmp(h->name, e->id.host) == 0 : !inside || h->location == location_inside)
			t->meant[t->meants++] = mx->host[i];
	}
	const struct mx_host *only = mx->hosts == 1 ? &e->host[mx->host[0]] : NULL;
	t->known = named || inside || (only && only->location == location_unknown && only->state != HOST_NONE);
}

/* inside: at a host that was meant. outside: every host of the domain that can take mail has secure addresses, and the
 * server's is none of them. */
static void target_location(const struct expectation *e, const struct lookup *mx, struct target *t)
{
	bool outside = !mx->cut;
	t->secure = true;
	for (unsigned i = 0; i < t->meants; i++) {
		const struct mx_host *h = &e->host[t->meant[i]];
		t->secure = t->secure && (h->secure_address || h->state == HOST_NONE);
		if (h->location == location_inside)
			t->location = location_inside;
	}
	for (unsigned i = 0; i < mx->hosts; i++) {
		const struct mx_host *h = &e->host[mx->host[i]];
		outside = outside && (h->location == location_outside || h->state == HOST_NONE);
	}
	if (t->location != location_inside && outside)
		t->location = location_outside;
}

static void target_by_domain(const struct expectation *e, unsigned domain, struct target *t)
{
	const struct lookup *mx = find(e, DNS_MX, e->id.domain[domain]);
	*t = (struct target){ .domain = (int8_t)domain, .by = IDENTITY_RCPT, .state = HOST_INCOMPLETE, .host = -1, .blamed = -1 };
	t->mx = dnsstatus_incomplete;
	t->confidence = confidence_low;
	if (!mx || mx->open)
		return;
	t->mx = mx->status;
	if (failure(mx)) {
		t->state = (uint8_t)state_of_failure(mx);
		t->blamed = index_of(e, mx);
		return;
	}
	meant_hosts(e, mx, t);
	target_location(e, mx, t);
	target_take(e, t);
	if (mx->cut && t->location != location_inside && t->state < HOST_INCOMPLETE)
		t->state = HOST_INCOMPLETE;
	if (t->host < 0)
		t->blamed = index_of(e, mx);
	t->confidence = (uint8_t)identity_confidence(IDENTITY_RCPT, mx->status, t->secure, t->location);
}

/* Who named a hint: the watch list before the link, the link before what was remembered. */
static enum identity_by hinted_by(const struct expectation *e, unsigned h)
{
	const struct known_host *k = known_find(&e->known, e->host[h].name);
	if (k && k->by == KNOWN_WATCHED)
		return IDENTITY_WATCH;
	return !k || e->host[h].seen ? IDENTITY_ANSWER : IDENTITY_HISTORY;
}

static unsigned host_index(const struct expectation *e, const char *name)
{
	unsigned i = 0;
	while (i < e->hosts && strcmp(e->host[i].name, name) != 0)
		i++;
	return i;
}

/* Where the client itself says what the configuration does, that is one destination and not two. */
static unsigned targets(const struct expectation *e, struct target *out)
{
	unsigned n = 0;
	const struct known_host *same = known_find(&e->known, e->id.host);
	if (e->id.host[0] && e->hosts > 0 && !(same && same->by == KNOWN_CONFIGURED))
		target_by_name(e, IDENTITY_SNI, 0, &out[n++]); /* the first host that was added */
	for (unsigned i = 0; i < e->known.hosts; i++) {
		unsigned h = configured(e, i) ? host_index(e, e->known.host[i].host) : e->hosts;
		if (h < e->hosts)
			target_by_name(e, IDENTITY_ROUTE, h, &out[n++]);
	}
	for (unsigned i = 0; i < e->hinted; i++)
		if (is_mail_host(e, i))
			target_by_name(e, hinted_by(e, i), i, &out[n++]);
	for (unsigned i = 0; i < e->id.domains; i++)
		if (!routed(e, i))
			target_by_domain(e, i, &out[n++]);
	return n;
}

unsigned expectation_targets(const struct expectation *e, struct target out[EXPECT_TARGETS])
{
	return e->applies ? targets(e, out) : 0;
}

/* Of the hosts of one domain the weakest that takes mail, and whether all are alike; none where one of them was not asked for,
 * as where the server is known, or did not answer. */
static enum idfloor floor_of(const struct expectation *e, const struct lookup *mx)
{
	bool dane = false, tls = false, less = false;
	for (unsigned i = 0; i < mx->hosts; i++) {
		enum host_state state = (enum host_state)e->host[mx->host[i]].state;
		if (mx->cut || state >= HOST_INCOMPLETE)
			return idfloor_none;
		dane |= state == HOST_DANE;
		tls |= state == HOST_TLS_ONLY;
		less |= state == HOST_INSECURE || state == HOST_ABSENT;
	}
	if (!dane && !tls)
		return idfloor_none;
	return less ? idfloor_dane_partial : tls ? idfloor_dane_tls_only : idfloor_dane;
}

enum idfloor expectation_floor(const struct expectation *e)
{
	enum idfloor most = idfloor_none;
	for (unsigned i = 0; e->applies && i < e->id.domains; i++) {
		const struct lookup *mx = routed(e, i) ? NULL : expectation_lookup(e, DNS_MX, e->id.domain[i]);
		enum idfloor one = mx && (mx->status == dnsstatus_secure || mx->status == dnsstatus_absent) ? floor_of(e, mx) : idfloor_none;
		most = one > most ? one : most;
	}
	return most;
}

/* Of the recipient domains: does any not have the host that the client names? */
static enum tri domains_differ(const struct expectation *e)
{
	enum tri differ = TRI_UNSEEN;
	for (unsigned i = 0; i < e->id.domains && differ != TRI_YES; i++) {
		const struct lookup *mx = routed(e, i) ? NULL : expectation_lookup(e, DNS_MX, e->id.domain[i]);
		if (!mx || (mx->status != dnsstatus_secure && mx->status != dnsstatus_absent))
			continue;
		unsigned h = host_index(e, e->id.host);
		differ = lookup_lists(mx, h) ? TRI_NO : mx->cut ? differ : TRI_YES;
	}
	return differ;
}

enum tri expectation_conflict(const struct expectation *e)
{
	const struct known_host *same = known_find(&e->known, e->id.host);
	if (!e->applies || !e->id.host[0])
		return TRI_UNSEEN;
	enum tri differ = domains_differ(e);
	if (differ == TRI_YES || !has_route(e))
		return differ;
	return same && same->by == KNOWN_CONFIGURED ? TRI_NO : TRI_YES;
}

bool expectation_again(struct expectation *e, struct dane *d, const struct record *session, struct bytes chain)
{
	uint32_t hosts = e->applies && e->asked && !one_is_open(e) ? promise_doubts(e, d, session, chain) : 0;
	for (unsigned i = 0; i < e->hosts; i++) {
		if (e->host[i].doubted)
			return false;
		e->host[i].doubted = hosts >> i & 1;
	}
	if (hosts)
		walk(e);
	return hosts && one_is_open(e);
}

/* Where mail that could not be brought here may go: the hosts of the domains that led here. */
static void write_mx_hosts(const struct expectation *e, struct record *session)
{
	record_unset(session, F_id_mx_hosts);
	for (unsigned i = 0; i < e->lookups; i++) {
		const struct lookup *l = &e->lookup[i];
		for (unsigned h = 0; l->type == DNS_MX && h < l->hosts; h++)
			record_add_cstr(session, F_id_mx_hosts, e->host[l->host[h]].name);
	}
}

void expectation_finish(struct expectation *e, struct dane *d, struct record *session, struct bytes chain)
{
	promise_judge(e, d, session, chain);
	if (record_has(session, F_tcp_attempt))
		write_mx_hosts(e, session);
}
