/* carrier_nats: messages to a stream of JetStream. Each carries its event.id as Nats-Msg-Id, by which the server knows one that it has, and
 * an inbox of ours in which its answer comes, whose last word says which message it is for. Answers are fetched, not called back
 * with, so that all here runs in one thread. Nothing is sent again over the same connection: an answer that says no, or does not come,
 * ends it, and over the next one everything that was not acknowledged goes out again, in order. Knows nothing of the spool. */
#include "carrier.h"

#ifdef HAVE_NATS
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "in_flight.h"
#include "json_read.h"
#include "log.h"
#include "nats_open.h"
#include "nats_subject.h"

/* ANSWER_MS: a message that is not answered for so long will not be. HEADERS: room for them in what a server takes. */
enum { ANSWER_MS = 10000, HEADERS = 512, ID_SIZE = 256, INBOX_SIZE = 128, SAY_S = 3600 };

enum nats_phase { NATS_OPENING, NATS_OPEN, NATS_BROKEN };

struct carrier {
	enum nats_phase phase;
	struct nats_opening *opening;
	natsConnection *nc;
	natsSubscription *answers;
	struct in_flight flight;
	struct error trouble;
	bool fits;
	uint32_t partitions;
	uint64_t duplicates, left_out;
	size_t most;
	time_t said;
	char where[256], stream[128], begin[NATS_BEGIN_SIZE], inbox[INBOX_SIZE];
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void carrier_nats_free(struct carrier *c)
{
	if (c->duplicates)
		log_line(SAY_NOTICE, "%s: stream %s had %llu of the messages already", c->where, c->stream, (unsigned long long)c->duplicates);
	nats_open_end(c->opening);
	natsSubscription_Destroy(c->answers);
	natsConnection_Destroy(c->nc);
	free(c);
}

static struct carrier *carrier_nats_new(const struct output_settings *o, struct error *e)
{
	struct carrier *c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(e, "no memory");
		return NULL;
	}
	c->partitions = o->partitions;
	c->opening = nats_open_begin(o, NATS_WRITE, e);
	if (!c->opening) {
		free(c);
		return NULL;
	}
	snprintf(c->where, sizeof(c->where), "%s", o->address);
	snprintf(c->stream, sizeof(c->stream), "%s", o->stream);
	snprintf(c->begin, sizeof(c->begin), "%s", o->subject);
	return c;
}

static enum carrier_state broken(struct carrier *c, struct error *e)
{
	c->phase = NATS_BROKEN;
	*e = c->trouble;
	return CARRIER_FAILED;
}

static bool listen_for_answers(struct carrier *c)
{
	natsInbox *inbox = NULL;
	char pattern[INBOX_SIZE + 2];
	natsStatus s = natsInbox_Create(&inbox);
	if (s == NATS_OK) {
		snprintf(c->inbox, sizeof(c->inbox), "%s", inbox);
		snprintf(pattern, sizeof(pattern), "%s.*", c->inbox);
		s = natsConnection_SubscribeSync(&c->answers, c->nc, pattern);
	}
	natsInbox_Destroy(inbox);
	int64_t most = natsConnection_GetMaxPayload(c->nc);
	c->most = most > HEADERS ? (size_t)most - HEADERS : HEADERS;
	return s == NATS_OK || error_set(&c->trouble, "%s: no answers can be had: %s", c->where, natsStatus_GetText(s));
}

static enum carrier_state opening(struct carrier *c, int wait_ms, struct error *e)
{
	struct nats_open open;
	if (!nats_open_wait(c->opening, wait_ms))
		return CARRIER_BUSY;
	if (!nats_open_result(c->opening, &open, &c->trouble))
		return broken(c, e);
	c->nc = open.nc;
	c->fits = open.fits;
	if (open.made)
		log_line(SAY_NOTICE, "%s: stream %s was not there and is made now", c->where, c->stream);
	if (!listen_for_answers(c))
		return broken(c, e);
	c->phase = NATS_OPEN;
	return CARRIER_READY;
}

/* Once an hour at most. */
static void leave_out(struct carrier *c, size_t octets)
{
	time_t now = time(NULL);
	c->left_out++;
	if (c->said && now - c->said < SAY_S)
		return;
	c->said = now;
	log_line(SAY_WARNING, "%s: stream %s does not take a message of %zu octets; messages left out for their size so far: %llu; raise max_payload "
	         "of the server, or the stream's limit of one message", c->where, c->stream, octets, (unsigned long long)c->left_out);
}

/* ---- answers ---- */

/* place: of the message it is for, the last word of its subject. said: the stream that has the message, or the error in words. */
struct receipt {
	uint64_t place;
	bool stored, duplicate;
	int error;
	char said[160];
};

static void unquote(struct bytes value, char *text, size_t size)
{
	size_t n = value.n > 1 && value.p[0] == '"' ? value.n - 2 : 0;
	n = n < size ? n : size - 1;
	memcpy(text, value.n > 1 ? value.p + 1 : value.p, n);
	text[n] = 0;
	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
}

static int small_number(struct bytes value)
{
	int n = 0;
	for (size_t i = 0; i < value.n && value.p[i] >= '0' && value.p[i] <= '9' && n < 1000000; i++)
		n = 10 * n + (value.p[i] - '0');
	return n;
}

static bool place_of(const char *subject, uint64_t *place)
{
	char *end;
	const char *word = subject ? strrchr(subject, '.') : NULL;
	if (!word || word[1] < '0' || word[1] > '9')
		return false;
	*place = strtoull(word + 1, &end, 10);
	return !*end;
}

/* {"stream":"S","seq":1,"duplicate":true} or {"error":{"code":503,"err_code":10077,"description":"..."},...} */
static bool receipt_read(natsMsg *msg, struct receipt *a)
{
	struct json_walk w;
	struct json_leaf leaf;
	bool seq = false, stream = false;
	*a = (struct receipt){ 0 };
	if (!place_of(natsMsg_GetSubject(msg), &a->place))
		return false;
	json_walk(&w, (struct bytes){ (const uint8_t *)natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg) });
	while (json_next(&w, &leaf)) {
		if (strcmp(leaf.path, "error.err_code") == 0)
			a->error = small_number(leaf.value);
		else if (strcmp(leaf.path, "error.description") == 0)
			unquote(leaf.value, a->said, sizeof(a->said));
		else if (strcmp(leaf.path, "stream") == 0 && (stream = true) && !a->error)
			unquote(leaf.value, a->said, sizeof(a->said));
		else if (strcmp(leaf.path, "seq") == 0)
			seq = small_number(leaf.value) > 0;
		else if (strcmp(leaf.path, "duplicate") == 0)
			a->duplicate = bytes_eq(leaf.value, bytes_of("true"));
	}
	a->stored = !w.bad && !a->error && stream && seq;
	return !w.bad && (a->stored || a->error);
}

static bool refused(struct carrier *c, const struct receipt *a)
{
	switch ((jsErrCode)a->error) {
	case JSStreamStoreFailedErr:
		return error_set(&c->trouble, "%s: stream %s is full or cannot be written: %s", c->where, c->stream, a->said);
	case JSAccountResourcesExceededErr:
	case JSInsufficientResourcesErr:
	case JSMemoryResourcesExceededErr:
	case JSStorageResourcesExceededErr:
		return error_set(&c->trouble, "%s: the server has no more room for stream %s: %s", c->where, c->stream, a->said);
	case JSStreamNotMatchErr:
		return error_set(&c->trouble, "%s: the subjects that begin with %s are those of another stream than %s", c->where, c->begin, c->stream);
	case JSClusterNotAvailErr:
	case JSClusterNotLeaderErr:
	case JSStreamOfflineErr:
		return nats_silent(c->where, c->stream, &c->trouble);
	default:        /* of a library, and there are more than it has names for */
		return error_set(&c->trouble, "%s: stream %s refuses a message: %s", c->where, c->stream, a->said);
	}
}

/* Nobody listens to a subject while its stream has no leader, either. */
static bool unheard(struct carrier *c)
{
	if (c->fits)
		return nats_silent(c->where, c->stream, &c->trouble);
	return error_set(&c->trouble, "%s: stream %s does not take what we send: %s.*.* must be among its subjects", c->where, c->stream, c->begin);
}

/* false: trouble. An answer that is none is of nobody who keeps the message. */
static bool answered(struct carrier *c, natsMsg *msg)
{
	struct receipt a;
	if (!receipt_read(msg, &a))
		return true;
	if (a.error == JSStreamMessageExceedsMaximumErr) {
		leave_out(c, c->flight.item[a.place % IN_FLIGHT_ITEMS].octets);
		in_flight_arrived(&c->flight, a.place);
		return true;
	}
	if (!a.stored)
		return refused(c, &a);
	if (strcmp(a.said, c->stream) != 0)
		return error_set(&c->trouble, "%s: the subjects that begin with %s are those of another stream than %s", c->where, c->begin, c->stream);
	c->duplicates += in_flight_arrived(&c->flight, a.place) && a.duplicate;
	return true;
}

static bool answers(struct carrier *c, int wait_ms)
{
	natsMsg *msg = NULL;
	natsStatus s = NATS_OK;
	bool good = true;
	for (int i = 0; i < IN_FLIGHT_ITEMS && good && s == NATS_OK; i++) {
		s = natsSubscription_NextMsg(&msg, c->answers, i ? 0 : wait_ms);
		if (s == NATS_OK)
			good = answered(c, msg);
		natsMsg_Destroy(msg);
		msg = NULL;
	}
	if (s == NATS_NO_RESPONDERS)
		return unheard(c);
	if (good && s != NATS_OK && s != NATS_TIMEOUT)
		return error_set(&c->trouble, "%s: the server closed the connection", c->where);
	int64_t oldest = in_flight_oldest(&c->flight);
	if (good && oldest >= 0 && now_ms() - oldest > ANSWER_MS)
		return nats_silent(c->where, c->stream, &c->trouble);
	return good;
}

static enum carrier_state carrier_nats_state(struct carrier *c, int wait_ms, struct error *e)
{
	switch (c->phase) {
	case NATS_OPENING:
		return opening(c, wait_ms, e);
	case NATS_OPEN:
		if (!answers(c, wait_ms))
			return broken(c, e);
		return in_flight_room(&c->flight, 0) ? CARRIER_READY : CARRIER_BUSY;
	case NATS_BROKEN:
		break;
	}
	return broken(c, e);
}

/* ---- messages ---- */

/* A word that may stand in a header. */
static bool id_text(struct bytes id, char text[ID_SIZE])
{
	if (!id.n || id.n >= ID_SIZE)
		return false;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= ' ' || id.p[i] >= 0x7f)
			return false;
	memcpy(text, id.p, id.n);
	text[id.n] = 0;
	return true;
}

static natsStatus send_as(struct carrier *c, const struct spool_item *item, uint64_t place)
{
	natsMsg *msg = NULL;
	char subject[NATS_SUBJECT_ROOM], reply[INBOX_SIZE + 24], id[ID_SIZE];
	nats_subject(c->begin, item->dataset, nats_partition(item->key, c->partitions), subject);
	snprintf(reply, sizeof(reply), "%s.%llu", c->inbox, (unsigned long long)place);
	natsStatus s = natsMsg_Create(&msg, subject, reply, (const char *)item->payload.p, (int)item->payload.n);
	if (s == NATS_OK && id_text(item->id, id))
		s = natsMsgHeader_Set(msg, "Nats-Msg-Id", id);
	if (s == NATS_OK)
		s = natsMsgHeader_Set(msg, "Nats-Expected-Stream", c->stream);
	if (s == NATS_OK)
		s = natsConnection_PublishMsg(c->nc, msg);
	natsMsg_Destroy(msg);
	return s;
}

static enum carrier_state carrier_nats_put(struct carrier *c, const struct spool_item *item, struct error *e)
{
	if (c->phase != NATS_OPEN)
		return c->phase == NATS_BROKEN ? broken(c, e) : CARRIER_BUSY;
	if (!in_flight_room(&c->flight, item->payload.n))
		return CARRIER_BUSY;
	uint64_t place = in_flight_add(&c->flight, item->number, item->payload.n, now_ms());
	if (item->payload.n > c->most || item->payload.n > INT_MAX) {
		leave_out(c, item->payload.n);
		in_flight_arrived(&c->flight, place);
		return CARRIER_READY;
	}
	natsStatus s = send_as(c, item, place);
	if (s == NATS_OK)
		return CARRIER_READY;
	if (s == NATS_CONNECTION_CLOSED || s == NATS_CONNECTION_DISCONNECTED)
		error_set(&c->trouble, "%s: the server closed the connection", c->where);
	else
		error_set(&c->trouble, "%s: the server does not read: %s", c->where, natsStatus_GetText(s));
	return broken(c, e);
}

static uint64_t carrier_nats_done(const struct carrier *c)
{
	return c->flight.done;
}

const struct carrier_kind carrier_nats = { carrier_nats_new, carrier_nats_state, carrier_nats_put, carrier_nats_done, carrier_nats_free };
#endif
