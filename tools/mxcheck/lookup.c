/* lookup: see lookup.h. Waits with poll and gives a question up at its time; libunbound alone would go on for a minute. It
 * does not know what the answers are for. One context belongs to one thread. */
#include "lookup.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unbound.h>

#include "upstream_spec.h"

enum { TYPE_A = 1, TYPE_TXT = 16, TYPE_AAAA = 28, CLASS_IN = 1, SERVERS = 4, SERVER_TEXT = 80 };

struct lookup {
	struct ub_ctx *ub;
};

/* Where libunbound puts an answer. */
struct wait {
	bool done;
	int error;
	struct ub_result *result;
};

/* Names that libunbound would answer by itself (RFC 6761, RFC 8375); the resolver knows better what they are here. */
static const char *const builtin_zones[] = { "test.", "invalid.", "onion.", "home.arpa." };

static bool add_server(struct ub_ctx *ub, const char *text, struct error *e)
{
	struct dns_peer peer = { 0 };
	bool tls;
	if (!upstream_spec(text, &peer, &tls, e))
		return false;
	if (tls)
		return error_set(e, "--resolver %s: mxcheck asks over UDP and TCP only; give ADDR[@PORT]", text);
	return ub_ctx_set_fwd(ub, text) == 0 || error_set(e, "--resolver %s: libunbound refuses it", text);
}

static bool add_servers(struct ub_ctx *ub, const char *list, struct error *e)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		char one[SERVER_TEXT];
		size_t n = strcspn(list, ",");
		if (n >= sizeof(one))
			return error_set(e, "--resolver %s: too long for ADDR[@PORT]", list);
		memcpy(one, list, n);
		one[n] = 0;
		if (!add_server(ub, one, e))
			return false;
		if (list[n] == 0)
			return true;
		list += n + 1;
	}
	return error_set(e, "--resolver: at most %d servers", SERVERS);
}

static bool begin(struct ub_ctx *ub, const char *servers, struct error *e)
{
	ub_ctx_debugout(ub, NULL);
	if (ub_ctx_set_option(ub, "do-not-query-localhost:", "no") != 0 || ub_ctx_set_option(ub, "module-config:", "iterator") != 0)
		return error_set(e, "libunbound refuses its settings");
	if (servers && !add_servers(ub, servers, e))
		return false;
	if (!servers && ub_ctx_resolvconf(ub, NULL) != 0)
		return error_set(e, "/etc/resolv.conf: names no server; give one with --resolver ADDR[@PORT]");
	if (ub_ctx_async(ub, 1) != 0)
		return error_set(e, "libunbound refuses a thread");
	for (size_t i = 0; i < sizeof(builtin_zones) / sizeof(builtin_zones[0]); i++)
		if (ub_ctx_zone_remove(ub, builtin_zones[i]) != 0)
			return error_set(e, "libunbound refuses its settings");
	return true;
}

struct lookup *lookup_new(const char *servers, struct error *e)
{
	struct lookup *l = calloc(1, sizeof(*l));
	if (l && (l->ub = ub_ctx_create()) != NULL) {
		if (begin(l->ub, servers, e))
			return l;
	} else {
		error_set(e, "no memory for libunbound");
	}
	lookup_free(l);
	return NULL;
}

void lookup_free(struct lookup *l)
{
	if (l && l->ub)
		ub_ctx_delete(l->ub);
	free(l);
}

static void arrive(void *mine, int error, struct ub_result *result)
{
	struct wait *w = mine;
	w->done = true;
	w->error = error;
	w->result = result;
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* NULL: why. Else to be freed by ub_resolve_free, and not of an answer that failed. */
static struct ub_result *ask(struct lookup *l, const char *name, int type, int ms, char why[LOOKUP_WHY])
{
	struct wait w = { 0 };
	int64_t end = now_ms() + ms;
	int id;
	int error = ub_resolve_async(l->ub, name, type, CLASS_IN, &w, arrive, &id);
	while (error == 0 && !w.done && now_ms() < end) {
		struct pollfd p = { .fd = ub_fd(l->ub), .events = POLLIN };
		poll(&p, 1, (int)(end - now_ms()) + 1);
		error = ub_process(l->ub);
	}
	if (error == 0 && !w.done) {
		ub_cancel(l->ub, id);
		snprintf(why, LOOKUP_WHY, "no answer from the resolver in %d s", (ms + 999) / 1000);
		return NULL;
	}
	if (error == 0)
		error = w.error;
	if (error == 0 && (w.result->rcode == 0 || w.result->rcode == 3))
		return w.result;
	if (error == 0)
		snprintf(why, LOOKUP_WHY, "the resolver answers with error %d", w.result->rcode);
	else
		snprintf(why, LOOKUP_WHY, "libunbound: %.80s", ub_strerror(error));
	ub_resolve_free(w.result);
	return NULL;
}

/* The strings of one TXT record (RFC 1035 3.3.14), joined, at most STS_TXT + 1 octets. false: it is none. */
static bool join(struct bytes data, uint8_t out[STS_TXT + 1], size_t *n)
{
	struct cur c = cur_of(data);
	*n = 0;
	while (c.p < c.end) {
		struct bytes s = cur_take(&c, cur_u8(&c));
		s = bytes_head(s, STS_TXT + 1 - *n);
		if (s.n)
			memcpy(out + *n, s.p, s.n);
		*n += s.n;
	}
	return !c.bad;
}

enum lookup_result lookup_sts(struct lookup *l, const char *name, int ms, struct lookup_txt *out, char why[LOOKUP_WHY])
{
	static const char version[] = "v=STSv1";
	struct ub_result *r = ask(l, name, TYPE_TXT, ms, why);
	out->n = 0;
	if (!r)
		return LOOKUP_FAILED;
	for (size_t i = 0; r->havedata && r->data[i] && out->n < LOOKUP_RECORDS; i++) {
		uint8_t *octets = out->octets[out->n];
		size_t n;
		struct bytes data = { (const uint8_t *)r->data[i], r->len[i] < 0 ? 0 : (size_t)r->len[i] };
		if (join(data, octets, &n) && n >= sizeof(version) - 1 && memcmp(octets, version, sizeof(version) - 1) == 0)
			out->record[out->n++] = (struct bytes){ octets, n };
	}
	ub_resolve_free(r);
	return out->n ? LOOKUP_FOUND : LOOKUP_NONE;
}

/* The first bits of an address, as RFC 6890 and its registry have them. */
static const struct {
	uint8_t n, bits, octets[12];
} inside[] = {
	{ 4, 8, { 0 } }, { 4, 8, { 10 } }, { 4, 10, { 100, 64 } }, { 4, 8, { 127 } }, { 4, 16, { 169, 254 } },
	{ 4, 12, { 172, 16 } }, { 4, 16, { 192, 168 } }, { 4, 3, { 224 } },
	{ 16, 96, { 0 } },                                                      /* ::, ::1 */
	{ 16, 96, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff } },               /* ::ffff:a.b.c.d */
	{ 16, 7, { 0xfc } }, { 16, 10, { 0xfe, 0x80 } }, { 16, 8, { 0xff } },
};

bool lookup_inside(struct bytes address)
{
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		size_t whole = inside[i].bits / 8;
		unsigned rest = 0xff00u >> inside[i].bits % 8 & 0xff;
		if (inside[i].n != address.n || memcmp(address.p, inside[i].octets, whole) != 0)
			continue;
		if (rest == 0 || (address.p[whole] & rest) == inside[i].octets[whole])
			return true;
	}
	return false;
}

static void take_address(struct lookup_addresses *out, int family, struct bytes data, bool take_inside)
{
	if (out->n == LOOKUP_ADDRESSES || data.n != (family == AF_INET ? 4 : 16))
		return;
	if (!take_inside && lookup_inside(data))
		out->passed_over++;
	else if (inet_ntop(family, data.p, out->text[out->n], INET6_ADDRSTRLEN))
		out->n++;
}

static enum lookup_result ask_host(struct lookup *l, const char *name, int family, int ms, bool take_inside, struct lookup_addresses *out,
				   char why[LOOKUP_WHY])
{
	struct ub_result *r = ask(l, name, family == AF_INET ? TYPE_A : TYPE_AAAA, ms, why);
	if (!r)
		return LOOKUP_FAILED;
	for (size_t i = 0; r->havedata && r->data[i]; i++)
		take_address(out, family, (struct bytes){ (const uint8_t *)r->data[i], r->len[i] < 0 ? 0 : (size_t)r->len[i] }, take_inside);
	bool any = r->havedata;
	ub_resolve_free(r);
	return any ? LOOKUP_FOUND : LOOKUP_NONE;
}

enum lookup_result lookup_host(struct lookup *l, const char *name, int ms, bool take_inside, struct lookup_addresses *out, char why[LOOKUP_WHY])
{
	memset(out, 0, sizeof(*out));
	enum lookup_result v4 = ask_host(l, name, AF_INET, ms, take_inside, out, why);
	enum lookup_result v6 = ask_host(l, name, AF_INET6, ms, take_inside, out, why);
	if (v4 == LOOKUP_FOUND || v6 == LOOKUP_FOUND)
		return LOOKUP_FOUND;
	return v4 == LOOKUP_FAILED || v6 == LOOKUP_FAILED ? LOOKUP_FAILED : LOOKUP_NONE;
}
