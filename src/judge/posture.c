/* posture: see posture.h. posture_learn is the only one that changes what is remembered of RRsets; posture_record only writes
 * down what follows.
 *
 * Nothing is said of what was not seen: a host whose lookups fail is neither with nor without TLSA, and a promise ends only
 * where its absence is proved. What we see comes through caches, ours and the resolver's, so a version may be younger than its
 * first sight and older than its last one by a TTL: every comparison of times errs to the side on which nothing is found. */
#include "judge/posture.h"

#include "judge/m365.h"
#include "text.h"

#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/* TTL_HIGH  seconds: an MX RRset with such a TTL was not about to be changed; TTL_LOW: it may be */
enum { TTL_HIGH = 1800, TTL_LOW = 600 };

/* ---- what is remembered ---- */

static struct posture_host *host_find(struct posture *p, const char *name)
{
	for (unsigned i = 0; i < p->hosts; i++)
		if (strcmp(p->host[i].name, name) == 0)
			return &p->host[i];
	return NULL;
}

/* A place for one more: a new one, or that of the host which is not listed and had TLSA longest ago. NULL: none. */
static struct posture_host *host_place(struct posture *p)
{
	struct posture_host *old = NULL;
	if (p->hosts < POSTURE_HOSTS)
		return &p->host[p->hosts++];
	for (unsigned i = 0; i < p->hosts; i++) {
		struct posture_host *h = &p->host[i];
		if (!h->listed && (!old || h->dane_until < old->dane_until))
			old = h;
	}
	return old;
}

static bool has_dane(uint8_t state)
{
	return state == HOST_DANE || state == HOST_TLS_ONLY;
}

/* It is certain that the host has no secure TLSA. */
static bool has_none(uint8_t state)
{
	return state == HOST_ABSENT || state == HOST_INSECURE;
}

static bool unknown(uint8_t state)
{
	return state == HOST_FAILED || state == HOST_INCOMPLETE;
}

static bool same_kind(const struct posture_tlsa *a, const struct look_host *b, unsigned i)
{
	return a->kind == b->kind[i];
}

/* Were all records replaced, each by others of its own kind? What has another usage, selector or matching type may describe the same
 * key, so it says nothing. */
static bool replaced(const struct posture_host *old, const struct look_host *new)
{
	bool kind = false;
	if (old->records == 0 || new->records == 0 || new->records < new->tlsa)
		return false;
	for (unsigned i = 0; i < old->records; i++)
		for (unsigned k = 0; k < new->records; k++) {
			if (old->tlsa[i].print == new->print[k])
				return false;
			kind = kind || same_kind(&old->tlsa[i], new, k);
		}
	for (unsigned i = 0; kind && i < old->records; i++) {
		bool any = false;
		for (unsigned k = 0; k < new->records; k++)
			any = any || same_kind(&old->tlsa[i], new, k);
		kind = any;
	}
	return kind;
}

/* The TLSA RRset of a host that has one: as before, or another. */
static void learn_tlsa(struct posture_host *h, const struct look_host *l, int64_t at, int64_t slack)
{
	int64_t until = at + (int64_t)l->ttl * SECOND;
	if (replaced(h, l) && at <= h->tlsa_until + slack)
		h->replaced_until = at + (h->tlsa_until - h->state_at); /* who asked just before holds the old ones for a TTL */
	h->records = l->records;
	for (unsigned i = 0; i < l->records; i++)
		h->tlsa[i] = (struct posture_tlsa){ l->print[i], l->kind[i] };
	h->tlsa_until = until;
	h->dane_until = at;
}

static void learn_host(struct posture *p, const struct look_host *l, int64_t at, int64_t slack)
{
	struct posture_host *h = host_find(p, l->name);
	if (!h) {
		h = host_place(p);
		if (!h)
			return;
		*h = (struct posture_host){ .first = at, .state = HOST_INCOMPLETE };
		memcpy(h->name, l->name, sizeof(h->name));
	}
	h->listed = true;
	h->last = at;
	h->preference = l->preference;
	if (l->addresses) {
		h->addresses = l->addresses;
		h->secure = l->secure;
		memcpy(h->address, l->address, sizeof(h->address));
	}
	if (unknown(l->state) && !unknown(h->state) && at - h->state_at < DAY)
		return;
	if (has_dane(l->state))
		learn_tlsa(h, l, at, slack);
	if (l->state != HOST_ABSENT)
		h->lacking_since = 0;
	else if (h->lacking_since == 0)
		h->lacking_since = at;
	h->state = l->state;
	h->state_at = at;
}

/* While one copy of the RRset is in the caches its TTL counts down; a greater one, or the old one's end, is another copy. */
static void learn_ttl(struct posture *p, const struct posture_look *l)
{
	int64_t end = l->at + (int64_t)l->mx_ttl * SECOND;
	if (l->mx != dnsstatus_secure && l->mx != dnsstatus_insecure)
		return;
	if (l->at > p->ttl_end || l->mx_ttl > p->ttl)
		p->ttl = l->mx_ttl;
	p->ttl_end = end > p->ttl_end || l->at > p->ttl_end ? end : p->ttl_end;
	if (l->mx_ttl > TTL_LOW)
		p->high_end = end;
	bool lowered = p->ttl_before >= TTL_HIGH && l->mx_ttl <= TTL_LOW && l->at > p->high_end;
	if (!lowered)
		p->lowered_since = 0;
	else if (p->lowered_since == 0)
		p->lowered_since = l->at;
	if (l->mx_ttl > p->ttl_before)
		p->ttl_before = l->mx_ttl;
	if (lowered && l->at - p->lowered_since > POSTURE_KEPT) { /* that is how it is, and no step to anywhere */
		p->ttl_before = p->ttl;
		p->lowered_since = 0;
	}
}

/* Those whose promise has run out make room for others. */
static void forget_hosts(struct posture *p, int64_t now)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->hosts; i++)
		if (p->host[i].listed || now - p->host[i].dane_until < POSTURE_KEPT) {
			if (n != i)
				p->host[n] = p->host[i];
			n++;
		}
	p->hosts = (uint8_t)n;
}

/* The listed hosts, by preference, then by name, as the look has them. */
static unsigned listed(const struct posture *p, const struct posture_look *l, const struct posture_host **out)
{
	unsigned n = 0;
	for (unsigned i = 0; i < l->hosts; i++)
		for (unsigned k = 0; k < p->hosts; k++)
			if (strcmp(p->host[k].name, l->host[i].name) == 0)
				out[n++] = &p->host[k];
	return n;
}

/* with, without: hosts that have secure TLSA, and that certainly have not. */
struct count {
	unsigned n, with, without, best_with, best_without;
};

static struct count count_hosts(const struct posture *p, const struct posture_look *l)
{
	const struct posture_host *host[LOOK_HOSTS];
	struct count c = { .n = listed(p, l, host) };
	for (unsigned i = 0; i < c.n; i++) {
		bool with = has_dane(host[i]->state), without = has_none(host[i]->state), best = host[i]->preference == host[0]->preference;
		c.with += with;
		c.without += without;
		c.best_with += with && best;
		c.best_without += without && best;
	}
	return c;
}

static bool is_signed(uint8_t mx)
{
	return mx == dnsstatus_secure || mx == dnsstatus_absent;
}

static void learn_set(struct posture *p, const struct posture_look *l)
{
	struct count c = count_hosts(p, l);
	if (is_signed(l->mx))
		p->signed_until = l->at;
	if (c.with)
		p->dane_until = l->at;
	if (c.n && c.with == c.n && !l->cut)
		p->all_dane_until = l->at;
	if (c.best_with && !c.best_without)
		p->best_until = l->at;
}

bool posture_learn(struct posture *p, const struct posture_look *l, int64_t slack)
{
	if (l->fault != resolverfault_none || l->mx == dnsstatus_failed || l->mx == dnsstatus_incomplete)
		return false;
	if (p->first == 0)
		p->first = l->at;
	p->looked = l->at;
	if (l->mx == dnsstatus_bogus) /* nobody who validates mails there: the hosts are as they were */
		return true;
	for (unsigned i = 0; i < p->hosts; i++)
		p->host[i].listed = false;
	for (unsigned i = 0; i < l->hosts; i++)
		learn_host(p, &l->host[i], l->at, slack);
	forget_hosts(p, l->at);
	learn_ttl(p, l);
	learn_set(p, l);
	return true;
}

/* None of the addresses is one of before. A set that is cut off at what is kept tells nothing of the rest. */
static bool moved(const struct posture_host *old, const struct look_host *new)
{
	if (!old->secure || !new->secure || old->addresses == 0 || new->addresses == 0 || old->addresses == LOOK_ADDRESSES ||
	    new->addresses == LOOK_ADDRESSES)
		return false;
	for (unsigned i = 0; i < old->addresses; i++)
		for (unsigned k = 0; k < new->addresses; k++)
			if (memcmp(&old->address[i], &new->address[k], sizeof(struct addr)) == 0)
				return false;
	return true;
}

/* now: of the same host, NULL: the MX RRset does not have it any more. A host that shows itself without TLSA while its promise is
 * kept announces nothing: who can take away TLSA can also change an address. */
static bool announces(const struct posture_host *h, const struct look_host *now, int64_t at)
{
	bool had = h->dane_until && at - h->dane_until < POSTURE_KEPT, has = has_dane(now ? now->state : h->state);
	if (had && !has)
		return false;
	return !now || moved(h, now) || (has && has_dane(h->state) && replaced(h, now));
}

size_t posture_announced(const struct posture *p, const struct posture_look *l, const char *host[POSTURE_HOSTS])
{
	size_t n = 0;
	if (l->fault != resolverfault_none || l->mx != dnsstatus_secure || l->cut)
		return 0;
	for (unsigned i = 0; i < p->hosts; i++) {
		const struct posture_host *h = &p->host[i];
		int at = posture_look_host(l, h->name);
		if (h->listed && h->last == p->signed_until && announces(h, at < 0 ? NULL : &l->host[at], l->at))
			host[n++] = h->name;
	}
	return n;
}

int64_t posture_promise(const struct posture *p, struct bytes host, int64_t now)
{
	int64_t had = 0;
	if (host.n == 0) {
		bool now_too = p->all_dane_until == p->looked;
		had = now_too ? 0 : p->all_dane_until;
	}
	for (unsigned i = 0; host.n && i < p->hosts; i++)
		if (bytes_eq_nocase(bytes_of(p->host[i].name), host) && !has_dane(p->host[i].state))
			had = p->host[i].dane_until;
	return had && now - had < POSTURE_KEPT ? had + POSTURE_KEPT : 0;
}

/* ---- what follows ---- */

static enum posturehost word_of(uint8_t state)
{
	switch ((enum host_state)state) {
	case HOST_NONE:
		return posturehost_none;
	case HOST_DANE:
		return posturehost_dane;
	case HOST_TLS_ONLY:
		return posturehost_tls_only;
	case HOST_INSECURE:
		return posturehost_insecure;
	case HOST_ABSENT:
		return posturehost_absent;
	case HOST_INCOMPLETE:
		return posturehost_incomplete;
	case HOST_FAILED:
		return posturehost_failed;
	case HOST_BOGUS:
		return posturehost_bogus;
	}
	return posturehost_incomplete;
}

/* What posture_record writes from.
 * host  the listed ones, n of them     look  the same of the look, in the same order */
struct writer {
	struct posture *p;
	const struct posture_look *l;
	const struct sts_held *sts;
	struct record *r;
	const struct posture_host *host[LOOK_HOSTS];
	const struct look_host *look[LOOK_HOSTS];
	unsigned n;
};

static void write_hosts(const struct writer *w)
{
	for (unsigned i = 0; i < w->n; i++)
		record_add_cstr(w->r, F_po_mx_host, w->host[i]->name);
	for (unsigned i = 0; i < w->n; i++)
		record_add_num(w->r, F_po_mx_pref, w->host[i]->preference);
	for (unsigned i = 0; i < w->n; i++)
		record_add_num(w->r, F_po_mx_security, word_of(w->host[i]->state));
	for (unsigned i = 0; i < w->n; i++)
		record_add_num(w->r, F_po_mx_tlsa, has_dane(w->host[i]->state) ? w->host[i]->records : 0);
	for (unsigned i = 0; i < w->n; i++)
		record_add_cstr(w->r, F_po_mx_alias, w->look[i]->alias);
	for (unsigned i = 0; i < w->n; i++)
		record_add_cstr(w->r, F_related_hosts, w->host[i]->name);
}

static bool lists(const struct writer *w, const char *name)
{
	for (unsigned i = 0; i < w->n; i++)
		if (strcmp(w->host[i]->name, name) == 0)
			return true;
	return false;
}

static void write_dane(const struct writer *w)
{
	struct count c = count_hosts(w->p, w->l);
	enum posturedane dane = c.with && c.without ? posturedane_some : c.n && c.with == c.n ? posturedane_all :
				c.with + c.without < c.n || c.n == 0 ? posturedane_unknown : posturedane_none;
	record_num(w->r, F_po_dane, dane);
	if (c.n && (c.best_without || c.best_with))
		record_tri(w->r, F_po_worst_dane, c.best_without ? TRI_YES : TRI_NO);
	for (unsigned i = 0; i < w->n; i++)
		if (has_none(w->host[i]->state))
			record_add_cstr(w->r, F_po_without, w->host[i]->name);
	for (unsigned i = 0; i < w->n; i++)
		if (has_dane(w->host[i]->state))
			record_add_cstr(w->r, F_po_with, w->host[i]->name);
	for (unsigned i = 0; i < w->n; i++)
		if (w->host[i]->state == HOST_INSECURE)
			record_add_cstr(w->r, F_po_insecure, w->host[i]->name);
	for (unsigned i = 0; i < w->n; i++)
		if (w->look[i]->alias[0])
			record_add_cstr(w->r, F_po_aliases, w->host[i]->name);
}

static void write_tlsa(const struct writer *w)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->look[i]->unusable)
			record_add_cstr(w->r, F_po_unusable, w->host[i]->name);
	for (unsigned i = 0; i < w->n; i++)
		if (w->look[i]->full)
			record_add_cstr(w->r, F_po_full, w->host[i]->name);
	if (w->l->wrong_base)
		record_cstr(w->r, F_po_wrong_base, w->l->domain);
	for (unsigned i = 0; i < w->n; i++)
		if (w->host[i]->replaced_until > w->l->at)
			record_add_cstr(w->r, F_po_early, w->host[i]->name);
}

static void write_ttl(const struct writer *w)
{
	const struct posture *p = w->p;
	if (p->ttl == 0)
		return;
	record_num(w->r, F_po_mx_ttl, p->ttl);
	record_num(w->r, F_po_mx_ttl_before, p->ttl_before);
	record_tri(w->r, F_po_ttl_lowered, p->lowered_since ? TRI_YES : TRI_NO);
}

/* Does the policy hold now, and which hosts does it not name? */
static bool policy_holds(const struct writer *w)
{
	return w->sts && w->sts->fetched <= w->l->at && w->l->at < sts_until(w->sts);
}

static bool policy_strict(const struct writer *w)
{
	bool strict = w->sts && w->sts->policy.mode == stsmode_enforce;
	for (unsigned i = 0; strict && i < w->n; i++)
		strict = sts_names_host(&w->sts->policy, bytes_of(w->host[i]->name));
	return strict;
}

static void write_sts(const struct writer *w)
{
	struct posture *p = w->p;
	bool testing = policy_holds(w) && w->sts->policy.mode == stsmode_testing;
	p->testing_since = !testing ? 0 : p->testing_since ? p->testing_since : w->sts->fetched;
	if (w->l->sts != TRI_UNSEEN)
		record_tri(w->r, F_po_sts_txt, w->l->sts);
	if (!policy_holds(w))
		return;
	record_num(w->r, F_po_sts_mode, w->sts->policy.mode);
	for (unsigned i = 0; w->sts->policy.mode != stsmode_none && i < w->n; i++)
		if (!sts_names_host(&w->sts->policy, bytes_of(w->host[i]->name)))
			record_add_cstr(w->r, F_po_sts_mismatch, w->host[i]->name);
	if (testing)
		record_num(w->r, F_po_sts_testing, (w->l->at - p->testing_since) / DAY);
}

static void write_state(const struct writer *w)
{
	struct posture *p = w->p;
	struct m365_mx mx[LOOK_HOSTS];
	for (unsigned i = 0; i < w->n; i++)
		mx[i] = (struct m365_mx){ w->host[i]->name, w->host[i]->preference, w->host[i]->state };
	struct m365_set set = { .mx = mx, .n = w->n, .ttl = p->ttl, .lowered = p->lowered_since, .signed_zone = is_signed(w->l->mx) };
	if (policy_holds(w)) {
		set.sts = w->sts->policy.mode;
		set.strict = policy_strict(w);
	}
	enum posturestate state = w->l->mx == dnsstatus_bogus ? posturestate_unknown : m365_state(&set);
	if (state != p->state || p->state_since == 0) {
		p->state = (uint8_t)state;
		p->state_since = w->l->at;
	}
	record_num(w->r, F_po_state, p->state);
	record_num(w->r, F_po_state_since, p->state_since);
}

static void write_legacy(const struct writer *w)
{
	struct posture *p = w->p;
	bool left = p->state == posturestate_m3 || p->state == posturestate_m5_legacy;
	p->legacy_since = !left ? 0 : p->legacy_since ? p->legacy_since : w->l->at;
	bool beside = left || p->state == posturestate_m2 || p->state == posturestate_m2_dane;
	for (unsigned i = 0; beside && i < w->n; i++)
		if (m365_is_legacy(w->host[i]->name))
			record_add_cstr(w->r, F_po_legacy, w->host[i]->name);
	if (left)
		record_num(w->r, F_po_legacy_hours, (w->l->at - p->legacy_since) / HOUR);
}

static bool expects(const struct watch_domain *d, const char *host)
{
	for (size_t i = 0; i < d->expect_mx.n; i++)
		if (strcmp(d->expect_mx.at[i], host) == 0)
			return true;
	return false;
}

/* A list that was cut does not tell what is missing. */
static void write_expected(const struct writer *w)
{
	const struct watch_domain *d = w->p->watch;
	for (size_t i = 0; !w->l->cut && i < d->expect_mx.n; i++)
		if (!lists(w, d->expect_mx.at[i]))
			record_add_cstr(w->r, F_po_expected, d->expect_mx.at[i]);
	for (unsigned i = 0; d->expect_mx.n && i < w->n; i++)
		if (m365_is_new(w->host[i]->name) && !expects(d, w->host[i]->name))
			record_add_cstr(w->r, F_po_unexpected, w->host[i]->name);
}

/* From when on TLSA was due and the host lacks it: the later of the two. Of a host that never had it, that is not its own fault
 * before somebody promised it. */
static void write_missing(const struct writer *w)
{
	const struct watch_domain *d = w->p->watch;
	int64_t longest = -1;
	for (unsigned i = 0; i < w->n; i++) {
		const struct posture_host *h = w->host[i];
		if (h->state != HOST_ABSENT)
			continue;
		record_add_cstr(w->r, F_po_overdue_hosts, h->name);
		int64_t due = d->dane_from > h->first ? d->dane_from : h->first;
		if (d->dane_from && d->dane_from <= w->l->at && w->l->at - due > longest)
			longest = w->l->at - due;
	}
	if (longest >= 0)
		record_num(w->r, F_po_overdue, longest / (60 * SECOND));
}

static void write_type(struct record *r, enum fact f, uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *text;
	} names[] = { { DNS_A, "A" }, { DNS_CNAME, "CNAME" }, { DNS_SOA, "SOA" }, { DNS_MX, "MX" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" },
		      { DNS_DS, "DS" }, { DNS_DNSKEY, "DNSKEY" }, { DNS_NSEC3PARAM, "NSEC3PARAM" }, { DNS_TLSA, "TLSA" } };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			record_cstr(r, f, names[i].text);
}

static void write_signature(const struct writer *w)
{
	const struct posture_look *l = w->l;
	int64_t now = l->at / SECOND;
	if (l->sig_until && l->sig_until > l->sig_from) {
		int64_t left = l->sig_until > now ? l->sig_until - now : 0;
		record_cstr(w->r, F_po_sig_name, l->sig_name);
		write_type(w->r, F_po_sig_type, l->sig_type);
		record_num(w->r, F_po_sig_until, l->sig_until * SECOND);
		record_num(w->r, F_po_sig_hours, left / 3600);
		record_num(w->r, F_po_sig_share, left * 100 / (l->sig_until - l->sig_from));
	}
	if (l->bogus) {
		record_num(w->r, F_po_bogus, l->bogus_kind);
		record_cstr(w->r, F_po_bogus_name, l->bogus_name);
		record_cstr(w->r, F_po_bogus_why, l->bogus_why);
	}
}

static void numbers_add(struct record *r, enum fact f, uint64_t set)
{
	char buf[64];
	struct text t = { buf, 0, sizeof(buf), false };
	for (unsigned i = 0; i < 64; i++) {
		if (!(set >> i & 1))
			continue;
		if (t.n)
			text_char(&t, ' ');
		text_num(&t, i);
	}
	record_add(r, f, (struct bytes){ (const uint8_t *)buf, t.n });
}

#define BIT(i) (UINT64_C(1) << (i))

/* RFC 8624 3, RFC 9905: nothing in the set that a validator of today takes. */
static bool only(uint64_t set, uint64_t weak)
{
	return set && !(set & ~weak);
}

static void write_zones(const struct writer *w)
{
	const uint64_t weak_keys = BIT(1) | BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(12), weak_digests = BIT(1) | BIT(3);
	const struct posture_look *l = w->l;
	const struct look_zone *most = NULL;
	for (unsigned i = 0; i < l->zones; i++)
		record_add_cstr(w->r, F_po_zone, l->zone[i].name);
	for (unsigned i = 0; i < l->zones; i++)
		numbers_add(w->r, F_po_zone_ds, l->zone[i].digests);
	for (unsigned i = 0; i < l->zones; i++)
		numbers_add(w->r, F_po_zone_alg, l->zone[i].algorithms);
	for (unsigned i = 0; i < l->zones; i++)
		if (only(l->zone[i].algorithms, weak_keys) || only(l->zone[i].digests, weak_digests))
			record_add_cstr(w->r, F_po_sha1, l->zone[i].name);
	for (unsigned i = 0; i < l->zones; i++) {
		const struct look_zone *z = &l->zone[i];
		if (z->keys && z->no_ds)
			record_add_cstr(w->r, F_po_island, z->name);
		if (!most || z->iterations > most->iterations)
			most = z;
	}
	if (most && most->iterations) {
		record_num(w->r, F_po_nsec3, most->iterations);
		record_cstr(w->r, F_po_nsec3_zone, most->name);
	}
}

/* Senders that asked for TLSA remember that there is none. */
static void write_negative(const struct writer *w)
{
	const struct look_zone *most = NULL;
	for (unsigned i = 0; i < w->l->hosts; i++) {
		int at = w->l->zone_of[i];
		if (at >= 0 && w->l->host[i].state == HOST_ABSENT && (!most || w->l->zone[at].negative > most->negative))
			most = &w->l->zone[at];
	}
	if (!most)
		return;
	record_num(w->r, F_po_negative, most->negative);
	record_cstr(w->r, F_po_negative_zone, most->name);
}

static bool lately(int64_t when, int64_t now)
{
	return when && now - when < POSTURE_KEPT;
}

/* Weaker than it was. The steps of a rollout go the other way, or have hosts that never had DANE. */
static void write_weakened(const struct writer *w)
{
	const struct posture *p = w->p;
	int64_t now = w->l->at;
	struct count c = count_hosts(p, w->l);
	bool added = false;
	for (unsigned i = 0; i < w->n; i++)
		added = added || (has_none(w->host[i]->state) && w->host[i]->dane_until == 0 && w->host[i]->first > p->all_dane_until);
	if (lately(p->all_dane_until, now) && p->all_dane_until < now && added && c.with)
		record_add_num(w->r, F_po_weakened, postureweak_host_added);
	if (lately(p->best_until, now) && p->best_until < now && c.best_without && c.with)
		record_add_num(w->r, F_po_weakened, postureweak_preferred);
	if (lately(p->signed_until, now) && w->l->mx == dnsstatus_insecure)
		record_add_num(w->r, F_po_weakened, postureweak_insecure);
}

static void write_withdrawn(const struct writer *w)
{
	const struct posture *p = w->p;
	int64_t now = w->l->at, until = 0;
	struct count c = count_hosts(p, w->l);
	bool same = false;
	for (unsigned i = 0; i < w->n; i++) {
		const struct posture_host *h = w->host[i];
		same = same || h->dane_until;
		if (!has_none(h->state) || !lately(h->dane_until, now))
			continue;
		record_add_cstr(w->r, F_po_withdrawn, h->name);
		until = h->dane_until > until ? h->dane_until : until;
	}
	bool moved = lately(p->dane_until, now) && c.n && c.without == c.n && !same;
	if (moved || until)
		record_tri(w->r, F_po_moved, moved ? TRI_YES : TRI_NO);
	if (moved && p->dane_until > until)
		until = p->dane_until;
	if (until)
		record_num(w->r, F_po_kept_until, until + POSTURE_KEPT);
}

/* ---- changes ---- */

static uint64_t print_add(uint64_t h, struct bytes b)
{
	h = (h ^ b.n) * UINT64_C(1099511628211);
	for (size_t i = 0; i < b.n; i++)
		h = (h ^ b.p[i]) * UINT64_C(1099511628211);
	return h;
}

static uint64_t print_num(uint64_t h, uint64_t v)
{
	return print_add(h, (struct bytes){ (const uint8_t *)&v, sizeof(v) });
}

static uint64_t print_list(uint64_t h, const struct record *r, enum fact f)
{
	size_t pos = 0;
	struct bytes item;
	h = print_num(h, record_has(r, f));
	while (record_next(r, f, &pos, &item))
		h = print_add(h, item);
	return h;
}

static uint64_t print_tlsa(uint64_t h, const struct writer *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		uint64_t sum = 0; /* records come in any order */
		for (unsigned k = 0; k < w->host[i]->records; k++)
			sum += w->host[i]->tlsa[k].print;
		h = print_num(print_num(h, w->host[i]->records), sum);
	}
	return h;
}

static uint64_t part_print(const struct writer *w, enum posturepart part)
{
	const struct record *r = w->r;
	const uint64_t h = UINT64_C(14695981039346656037);
	switch (part) {
	case posturepart_first:
		return 1;
	case posturepart_mx:
		return print_list(print_list(h, r, F_po_mx_host), r, F_po_mx_pref);
	case posturepart_security:
		return print_num(print_num(print_list(h, r, F_po_mx_security), (uint64_t)record_get_num(r, F_po_dnssec, 0)), w->l->bogus);
	case posturepart_tlsa:
		return print_tlsa(h, w);
	case posturepart_state:
		return print_num(h, w->p->state);
	case posturepart_zone:
		return print_list(print_list(print_list(h, r, F_po_zone), r, F_po_zone_ds), r, F_po_zone_alg);
	case posturepart_sts:
		return print_num(print_num(h, (uint64_t)record_get_num(r, F_po_sts_mode, -1)), (uint64_t)record_get_tri(r, F_po_sts_txt));
	case posturepart_tlsrpt:
		return print_num(h, (uint64_t)record_get_tri(r, F_po_tlsrpt));
	case posturepart_COUNT:
		break;
	}
	return h;
}

/* What could not be found out this time is no change. */
static bool part_known(const struct writer *w, enum posturepart part)
{
	switch (part) {
	case posturepart_zone:
		return w->l->zones > 0;
	case posturepart_sts:
		return w->l->sts != TRI_UNSEEN;
	case posturepart_tlsrpt:
		return w->l->tlsrpt != TRI_UNSEEN;
	case posturepart_first:
	case posturepart_mx:
	case posturepart_security:
	case posturepart_tlsa:
	case posturepart_state:
	case posturepart_COUNT:
		break;
	}
	return true;
}

static void write_changed(const struct writer *w)
{
	struct posture *p = w->p;
	bool first = p->print[posturepart_first] == 0;
	p->changed = false;
	for (unsigned i = 0; i < posturepart_COUNT; i++) {
		enum posturepart part = (enum posturepart)i;
		uint64_t print = part_print(w, part);
		if (!part_known(w, part) || p->print[i] == print)
			continue;
		bool was = p->print[i] != 0;
		p->print[i] = print;
		p->changed = p->changed || was || first;
		if (first ? part == posturepart_first : was)
			record_add_num(w->r, F_po_changed, part);
	}
}

/* The same domain at the same time is the same event. */
static void write_id(const struct writer *w)
{
	char buf[40];
	struct text t = { buf, 0, sizeof(buf), false };
	uint64_t h = print_num(print_add(UINT64_C(14695981039346656037), bytes_of(w->l->domain)), (uint64_t)w->l->at);
	uint8_t octets[8];
	for (unsigned i = 0; i < 8; i++)
		octets[i] = (uint8_t)(h >> (56 - 8 * i));
	text_put(&t, "posture-");
	text_hex(&t, (struct bytes){ octets, 8 }, false);
	record_str(w->r, F_event_id, (struct bytes){ (const uint8_t *)buf, t.n });
}

void posture_record(struct posture *p, const struct posture_look *l, const struct sts_held *sts, struct record *r)
{
	struct writer w = { .p = p, .l = l, .sts = sts, .r = r };
	record_init(r);
	w.n = listed(p, l, w.host);
	for (unsigned i = 0; i < w.n; i++)
		w.look[i] = &l->host[posture_look_host(l, w.host[i]->name)];
	write_id(&w);
	record_cstr(r, F_po_domain, l->domain);
	record_num(r, F_po_role, p->watch->role);
	record_num(r, F_po_dnssec, l->mx);
	record_num(r, F_po_source, l->source);
	write_hosts(&w);
	record_add_cstr(r, F_related_hosts, l->domain);
	if (l->cut)
		record_yes(r, F_po_mx_cut);
	write_ttl(&w);
	write_sts(&w);
	write_state(&w);
	write_legacy(&w);
	write_dane(&w);
	write_tlsa(&w);
	write_expected(&w);
	write_missing(&w);
	write_signature(&w);
	write_zones(&w);
	write_negative(&w);
	if (l->tlsrpt != TRI_UNSEEN)
		record_tri(r, F_po_tlsrpt, l->tlsrpt);
	if (l->mx != dnsstatus_bogus)
		write_weakened(&w);
	if (l->mx != dnsstatus_bogus)
		write_withdrawn(&w);
	write_changed(&w);
}

bool posture_due(const struct posture *p)
{
	return p->changed || p->told == 0 || p->looked - p->told >= POSTURE_TOLD;
}

void posture_told(struct posture *p)
{
	p->told = p->looked;
}
