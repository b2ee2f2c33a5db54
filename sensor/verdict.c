/* verdict: see verdict.h. Reads what libunbound returned and writes an answer; decides nothing, and frees nothing: the
 * ub_result is the caller's. */
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 1024, SIG_EXPIRE = 8 };

void verdict_begin(struct answer *a, const struct question *q)
{
	memset(a, 0, offsetof(struct answer, data));
	a->id = q->id;
	a->as_of = q->as_of;
	a->type = q->type;
	a->from = q->as_of;
	a->until = q->as_of + 1;
	memcpy(a->name, q->name, sizeof(a->name));
}

void verdict_say(struct answer *a, const char *text)
{
	size_t n = strnlen(text, sizeof(a->why) - 1);
	memcpy(a->why, text, n);
	a->why[n] = 0;
}

const char *verdict_type_text(uint16_t type, char *buffer, size_t cap)
{
	static const struct {
		uint16_t type;
		const char *text;
	} names[] = { { DNS_A, "A" }, { RR_NS, "NS" }, { DNS_CNAME, "CNAME" }, { DNS_MX, "MX" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" }, { RR_DS, "DS" },
		      { RR_DNSKEY, "DNSKEY" }, { DNS_TLSA, "TLSA" } };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].text;
	snprintf(buffer, cap, "TYPE%u", type);
	return buffer;
}

void verdict_copy_reason(struct answer *a, const char *why)
{
	static const char *const noise[] = { " from 127.0.0.1", " and 127.0.0.1" };
	size_t n = 0;
	while (why && *why && n + 1 < sizeof(a->why)) {
		size_t skip = 0;
		for (size_t i = 0; i < 2; i++)
			if (strncmp(why, noise[i], strlen(noise[i])) == 0)
				skip = strlen(noise[i]);
		if (skip && why[skip] == '@')
			skip += 1 + strspn(why + skip + 1, "0123456789");
		if (!skip)
			a->why[n++] = *why >= ' ' && *why <= '~' ? *why : '?';
		why += skip ? skip : 1;
	}
	a->why[n] = 0;
}

static size_t normal_rdata(uint16_t type, struct bytes in, uint8_t *out, size_t cap)
{
	struct cur c = cur_of(in);
	struct dns_name name;
	char text[TEXT_MAX];
	size_t front = type == DNS_MX ? 2 : 0;
	if (type != DNS_MX && type != DNS_CNAME) {
		if (in.n > cap)
			return 0;
		memcpy(out, in.p, in.n);
		return in.n;
	}
	struct bytes head = cur_take(&c, front);
	if (!dns_wire_name(&c, in, &name))
		return 0;
	size_t n = dns_wire_text(&name, text, sizeof(text));
	if (front + n > cap)
		return 0;
	memcpy(out, head.p, head.n);
	memcpy(out + front, text, n);
	return front + n;
}

static int by_octets(const void *x, const void *y)
{
	const struct bytes *a = x, *b = y;
	int d = memcmp(a->p, b->p, a->n < b->n ? a->n : b->n);
	return d ? d : (a->n > b->n) - (a->n < b->n);
}

void verdict_copy_data(struct answer *a, const struct ub_result *res)
{
	struct bytes list[ANSWER_RRS];
	size_t n = 0;
	for (int i = 0; res->data && res->data[i]; i++) {
		struct bytes one = { (const uint8_t *)res->data[i], (size_t)res->len[i] };
		if (n < ANSWER_RRS)
			list[n++] = one;
		else
			verdict_say(a, "more records than are kept");
	}
	qsort(list, n, sizeof(list[0]), by_octets);
	for (size_t i = 0; i < n; i++) {
		size_t len = normal_rdata(a->type, list[i], a->data + a->used, ANSWER_DATA - a->used);
		if (len == 0) {
			verdict_say(a, "more data than is kept");
			continue;
		}
		a->rr[a->rrs].off = a->used;
		a->rr[a->rrs++].n = (uint32_t)len;
		a->used += (uint32_t)len;
	}
}

static void narrow(struct answer *a, const struct dns_rr *sig)
{
	struct cur c = cur_of(bytes_skip(sig->rdata, SIG_EXPIRE));
	int64_t end = cur_u32(&c), begin = cur_u32(&c);
	if (c.bad)
		return;
	if (begin > a->sig_from)
		a->sig_from = begin;
	if (a->sig_until == 0 || end < a->sig_until)
		a->sig_until = end;
}

void verdict_read_packet(struct answer *a, const struct ub_result *res, uint32_t *minimum, struct dns_name *zone)
{
	struct dns_walk w;
	struct dns_rr rr;
	struct bytes packet = { res->answer_packet, res->answer_len > 0 ? (size_t)res->answer_len : 0 };
	if (!packet.p || !dns_wire_open(&w, packet))
		return;
	while (dns_wire_next(&w, &rr)) {
		struct cur c = cur_of(rr.rdata);
		bool sig = rr.type == RR_RRSIG;
		uint16_t covers = sig ? cur_u16(&c) : 0;
		if (sig && a->rrs && rr.section == DNS_ANSWER && covers == a->type)
			narrow(a, &rr);
		if (sig && !a->rrs && rr.section == DNS_AUTHORITY)
			narrow(a, &rr);
		if (rr.type == RR_SOA && rr.section == DNS_AUTHORITY && rr.rdata.n > 20) {
			struct cur m = cur_of(bytes_skip(rr.rdata, rr.rdata.n - 4));
			*minimum = cur_u32(&m);
			*zone = rr.owner;
		}
	}
}

void verdict_find_canon(struct answer *a, const struct ub_result *res, const struct dns_name *name,
			struct dns_name *canon)
{
	char text[TEXT_MAX];
	*canon = *name;
	if (!res->canonname || !dns_wire_from_text(canon, bytes_of(res->canonname)) || dns_wire_same(canon, name)) {
		*canon = *name;
		return;
	}
	size_t n = dns_wire_text(canon, text, sizeof(text));
	if (n < sizeof(a->canonname))
		memcpy(a->canonname, text, n + 1);
}

void verdict_copy(struct answer *a, const struct ub_result *res, const struct dns_name *name, struct dns_name *canon)
{
	verdict_find_canon(a, res, name, canon);
	a->nxdomain = res->rcode == RCODE_NXDOMAIN;
	a->status = !res->secure ? dnsstatus_insecure : res->havedata ? dnsstatus_secure : dnsstatus_absent;
	if (res->havedata)
		verdict_copy_data(a, res);
}
