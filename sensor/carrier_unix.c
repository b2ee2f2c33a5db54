/* carrier_unix: lines of JSON to a program on this machine that listens on a stream socket. The lines come ready-made; the
 * connection is conduit.h's. */
#include "carrier.h"

#include <stdlib.h>

#include "conduit.h"

struct carrier {
	struct conduit *conduit;
};

static struct carrier *unix_new(const struct output_settings *o, struct error *e)
{
	struct carrier *c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(e, "no memory");
		return NULL;
	}
	c->conduit = conduit_new(CONDUIT_UNIX_STREAM, o, e);
	if (c->conduit)
		return c;
	free(c);
	return NULL;
}

static enum carrier_state unix_state(struct carrier *c, int wait_ms, struct error *e)
{
	return conduit_state(c->conduit, wait_ms, e);
}

static enum carrier_state unix_put(struct carrier *c, const struct spool_item *item, struct error *e)
{
	struct bytes line = item->payload;
	bool ended = line.n && line.p[line.n - 1] == '\n';
	struct bytes part[3] = { { NULL, 0 }, line, { (const uint8_t *)"\n", ended ? 0 : 1 } };
	return conduit_put(c->conduit, item->number, part, e);
}

static uint64_t unix_done(const struct carrier *c)
{
	return conduit_done(c->conduit);
}

static void unix_free(struct carrier *c)
{
	conduit_free(c->conduit);
	free(c);
}

const struct carrier_kind carrier_unix = { unix_new, unix_state, unix_put, unix_done, unix_free };
