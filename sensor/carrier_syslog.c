/* carrier_syslog: messages of RFC 5424 to a receiver of syslog: each with its length in front, or a newline behind it, over TLS (RFC 5425)
 * or TCP (RFC 6587), each in a datagram over UDP (RFC 5426) or to a socket such as /dev/log. The messages come ready-made;
 * the connection is conduit.h's. */
#include "carrier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conduit.h"
#include "log.h"

/* UDP_MOST: receivers should take so much (RFC 5426 3.2), and many take no more. */
enum { UDP_MOST = 2048, CUT_SAY_S = 3600 };

struct carrier {
	struct conduit *conduit;
	enum conduit_kind kind;
	bool counted;
	uint64_t cut;
	time_t said;
	char *line;             /* newline framing: a copy without newlines in it */
	char where[128];
};

static enum conduit_kind kind_of(unsigned transport)
{
	switch ((enum transport)transport) {
	case transport_tls:
		return CONDUIT_TLS;
	case transport_tcp:
		return CONDUIT_TCP;
	case transport_udp:
		return CONDUIT_UDP;
	case transport_unix:
		return CONDUIT_UNIX_DATAGRAM;
	case transport_COUNT:
		break;
	}
	return CONDUIT_TLS;
}

static void syslog_free(struct carrier *c)
{
	conduit_free(c->conduit);
	free(c->line);
	free(c);
}

static struct carrier *syslog_new(const struct output_settings *o, struct error *e)
{
	struct carrier *c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(e, "no memory");
		return NULL;
	}
	c->kind = kind_of(o->transport);
	c->counted = o->framing == framing_counted;
	snprintf(c->where, sizeof(c->where), "%s", o->address ? o->address : o->path ? o->path : "syslog");
	c->line = malloc(CONDUIT_OUT);
	c->conduit = c->line ? conduit_new(c->kind, o, e) : NULL;
	if (c->conduit)
		return c;
	if (!c->line)
		error_set(e, "no memory");
	syslog_free(c);
	return NULL;
}

static enum carrier_state syslog_state(struct carrier *c, int wait_ms, struct error *e)
{
	return conduit_state(c->conduit, wait_ms, e);
}

/* The largest beginning of at most most octets that does not end within a letter of UTF-8. */
static size_t cut_at(struct bytes text, size_t most)
{
	size_t n = text.n < most ? text.n : most;
	if (n == text.n)
		return n;
	while (n && (text.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* Once an hour at most: a receiver that gets sessions by UDP would fill the log with it. */
static void say_cut(struct carrier *c)
{
	time_t now = time(NULL);
	c->cut++;
	if (c->said && now - c->said < CUT_SAY_S)
		return;
	c->said = now;
	log_line(SAY_WARNING, "%s: cut to %d octets for UDP: messages so far: %llu; take transport: tls or tcp to have them whole", c->where,
	         UDP_MOST, (unsigned long long)c->cut);
}

static enum carrier_state put_datagram(struct carrier *c, const struct spool_item *item, struct error *e)
{
	struct bytes whole = item->payload;
	if (c->kind == CONDUIT_UDP)
		whole.n = cut_at(whole, UDP_MOST);
	struct bytes part[3] = { { NULL, 0 }, whole, { NULL, 0 } };
	enum carrier_state s = conduit_put(c->conduit, item->number, part, e);
	if (s == CARRIER_READY && whole.n < item->payload.n)
		say_cut(c);
	return s;
}

/* A newline inside would make two messages of one. */
static struct bytes one_line(struct carrier *c, struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		c->line[i] = (char)(text.p[i] == '\n' ? ' ' : text.p[i]);
	return (struct bytes){ (const uint8_t *)c->line, text.n };
}

static enum carrier_state syslog_put(struct carrier *c, const struct spool_item *item, struct error *e)
{
	char length[24];
	struct bytes text = item->payload;
	if (c->kind == CONDUIT_UDP || c->kind == CONDUIT_UNIX_DATAGRAM)
		return put_datagram(c, item, e);
	text.n = cut_at(text, CONDUIT_OUT - sizeof(length));
	int n = snprintf(length, sizeof(length), "%zu ", text.n);
	struct bytes counted[3] = { { (const uint8_t *)length, (size_t)n }, text, { NULL, 0 } };
	if (c->counted)
		return conduit_put(c->conduit, item->number, counted, e);
	struct bytes line[3] = { { NULL, 0 }, one_line(c, text), { (const uint8_t *)"\n", 1 } };
	return conduit_put(c->conduit, item->number, line, e);
}

static uint64_t syslog_done(const struct carrier *c)
{
	return conduit_done(c->conduit);
}

const struct carrier_kind carrier_syslog = { syslog_new, syslog_state, syslog_put, syslog_done, syslog_free };
