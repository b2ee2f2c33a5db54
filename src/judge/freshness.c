/* freshness: see freshness.h. Reads TXT RDATA out of answers, and copies what it keeps. RFC 8461 3.1, RFC 1035 3.3.14. */
#include "judge/freshness.h"

static const char prefix[] = "_mta-sts.";
enum { PREFIX = sizeof(prefix) - 1 };

/* false: the name would be too long for the DNS. */
static bool name_of(struct bytes domain, char name[NAME_MAX_TEXT + 1])
{
	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (domain.n == 0 || domain.n > 253 - PREFIX)
		return false;
	memcpy(name, prefix, PREFIX);
	for (size_t i = 0; i < domain.n; i++)
		name[PREFIX + i] = (char)ascii_lower(domain.p[i]);
	name[PREFIX + domain.n] = '\0';
	return true;
}

void freshness_start(struct freshness *f, const struct record *session, const struct sts_held *const *held, size_t n)
{
	memset(f, 0, sizeof(*f));
	f->as_of = record_get_num(session, F_event_start, 0);
	for (size_t i = 0; i < n && f->n < FRESHNESS_QUESTIONS; i++) {
		struct freshness_about *x = &f->about[f->n];
		if (!held[i] || !sts_applies(held[i], session) || !sts_holds(held[i], f->as_of) || !name_of(held[i]->domain, x->name))
			continue;
		x->id_n = held[i]->id.n <= STS_ID ? (uint8_t)held[i]->id.n : 0;
		x->fetched = held[i]->fetched;
		if (x->id_n)
			memcpy(x->id, held[i]->id.p, x->id_n);
		f->n++;
	}
}

bool freshness_next(const struct freshness *f, struct question *q)
{
	if (f->at == f->n)
		return false;
	*q = (struct question){ .id = (uint64_t)FRESHNESS_ID + f->at, .as_of = f->as_of, .type = DNS_TXT };
	memcpy(q->name, f->about[f->at].name, sizeof(q->name));
	return true;
}

/* The strings of one record in one; false: no TXT RDATA, or longer than any record that we read. */
static bool joined(struct bytes rdata, uint8_t *out, size_t *n)
{
	struct cur c = cur_of(rdata);
	*n = 0;
	while (cur_left(&c)) {
		struct bytes part = cur_take(&c, cur_u8(&c));
		if (c.bad || part.n > STS_TXT - *n)
			return false;
		if (part.n)
			memcpy(out + *n, part.p, part.n);
		*n += part.n;
	}
	return *n > 0;
}

/* What the records come to, and the id of the one that is one. */
static enum ststxt read_records(const struct answer *a, struct freshness_about *x)
{
	uint8_t text[STS_TXT];
	size_t n;
	unsigned records = 0;
	bool good = false;
	for (unsigned i = 0; i < a->rrs; i++) {
		struct bytes id = { 0 }, one;
		if (!joined(answer_rr(a, i), text, &n))
			continue;
		one = (struct bytes){ text, n };
		enum sts_fault fault = sts_txt_read(&one, 1, &id);
		if (fault == STS_NOT_ONE)
			continue;       /* about something else */
		records++;
		good = fault == STS_OK;
		x->hint.id_n = good ? (uint8_t)id.n : 0;
		if (good)
			memcpy(x->hint.id, id.p, id.n);
	}
	if (records == 1 && good) {
		bool same = x->id_n == x->hint.id_n && memcmp(x->id, x->hint.id, x->id_n) == 0;
		return x->id_n == 0 ? ststxt_unknown : same ? ststxt_same : ststxt_other;
	}
	x->hint.id_n = 0;
	return records ? ststxt_invalid : ststxt_absent;
}

/* Without a proof (incomplete) it counts as well, where it said something: a proof would not authenticate a policy. */
static enum ststxt read_answer(const struct answer *a, struct freshness_about *x)
{
	switch ((enum dnsstatus)a->status) {
	case dnsstatus_secure:
	case dnsstatus_insecure:
	case dnsstatus_absent:
		break;
	case dnsstatus_incomplete:
		if (a->rrs || a->nxdomain)
			break;
		return ststxt_unknown;
	case dnsstatus_bogus:
	case dnsstatus_failed:
	case dnsstatus_COUNT:
		return ststxt_unknown;
	}
	if (a->rrs)
		return read_records(a, x);
	return a->nxdomain ? ststxt_nxdomain : ststxt_absent;
}

void freshness_answer(struct freshness *f, const struct answer *a)
{
	struct question q;
	if (!freshness_next(f, &q) || a->id != q.id || a->type != q.type || strcmp(a->name, q.name) != 0)
		return;
	struct freshness_about *x = &f->about[f->at++];
	x->hint.txt = (uint8_t)read_answer(a, x);
	if (a->seen_later && x->hint.txt != ststxt_same) { /* who sent this mail could not know it */
		x->hint.txt = ststxt_unknown;
		x->hint.id_n = 0;
	}
	if (a->conflict == dnsconflict_none || a->conflict_at < x->fetched)
		return;
	if (a->conflict_how == dnshow_nxdomain)
		x->hint.link = ststxt_nxdomain;
	else if (a->conflict_how == dnshow_nodata)
		x->hint.link = ststxt_absent;
}

struct sts_hint freshness_hint(const struct freshness *f, struct bytes domain)
{
	char name[NAME_MAX_TEXT + 1];
	for (unsigned i = 0; i < f->n; i++)
		if (name_of(domain, name) && strcmp(name, f->about[i].name) == 0)
			return f->about[i].hint;
	return (struct sts_hint){ 0 };
}
