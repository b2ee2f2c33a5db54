/* stream_reader: see stream_reader.h. The server numbers the messages of a consumer, too: a number that is left out shows that one got lost
 * on its way, and the consumer is made anew behind the message before. */
#include "stream_reader.h"

#ifdef HAVE_NATS
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "nats_open.h"
#include "nats_subject.h"

/* BATCH     messages that are asked for at once        ANSWER_MS  for an answer of the server to anything else
 * IDLE_MS   without a message, and it is asked whether the consumer is still there; FORGET_S  so long the server keeps one that nobody asks
 * FIRST_MS, LONGEST_MS  between two attempts */
enum { BATCH = 64, ANSWER_MS = 5000, IDLE_MS = 10000, FORGET_S = 300, FIRST_MS = 500, LONGEST_MS = 15000, PLACE = 320 };

enum reader_phase { READER_WAITS, READER_OPENS, READER_READS };

/* list, at   messages that were fetched, and the next of them
 * given      number of the message that was given last, 0: none; counted: its number among those of the consumer
 * first      what the first connection found */
struct stream_reader {
	const struct output_settings *o;
	enum reader_phase phase;
	struct nats_opening *opening;
	natsConnection *nc;
	jsCtx *js;
	natsSubscription *sub;
	natsMsgList list;
	int at;
	int64_t since, again, heard;
	unsigned failures;
	uint64_t given, counted, life;
	struct nats_open first;
	bool caught_up;
	char subject[NATS_BEGIN_SIZE + 16], where[PLACE];
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void forget_consumer(struct stream_reader *r)
{
	natsMsgList_Destroy(&r->list);
	r->list = (natsMsgList){ 0 };
	r->at = 0;
	natsSubscription_Destroy(r->sub);
	r->sub = NULL;
	r->counted = 0;
}

static void hang_up(struct stream_reader *r)
{
	forget_consumer(r);
	jsCtx_Destroy(r->js);
	natsConnection_Destroy(r->nc);
	nats_open_end(r->opening);
	r->js = NULL;
	r->nc = NULL;
	r->opening = NULL;
	r->phase = READER_WAITS;
}

void stream_reader_free(struct stream_reader *r)
{
	if (!r)
		return;
	hang_up(r);
	free(r);
}

struct stream_reader *stream_reader_new(const struct output_settings *o, int64_t since, struct error *e)
{
	struct stream_reader *r = calloc(1, sizeof(*r));
	if (!r) {
		error_set(e, "no memory");
		return NULL;
	}
	r->o = o;
	r->since = since;
	snprintf(r->subject, sizeof(r->subject), "%.*s.%s.*", NATS_BEGIN_SIZE - 1, o->subject, nats_dataset(dataset_session));
	snprintf(r->where, sizeof(r->where), "%.200s: stream %s", o->address, o->stream);
	r->opening = nats_open_begin(o, NATS_READ, e);
	r->phase = READER_OPENS;
	if (r->opening)
		return r;
	free(r);
	return NULL;
}

static enum stream_said failed(struct stream_reader *r)
{
	const int64_t wait = (int64_t)FIRST_MS << (r->failures < 5 ? r->failures : 5);
	hang_up(r);
	r->failures++;
	r->again = now_ms() + (wait < LONGEST_MS ? wait : LONGEST_MS);
	return STREAM_TROUBLE;
}

static bool say(const struct stream_reader *r, const char *what, natsStatus s, struct error *e)
{
	natsStatus of;
	const char *more = nats_GetLastError(&of);
	if (s == NATS_CONNECTION_CLOSED || s == NATS_CONNECTION_DISCONNECTED)
		return error_set(e, "%s: the server closed the connection", r->where);
	return error_set(e, "%s: %s: %s", r->where, what, more && *more ? more : natsStatus_GetText(s));
}

/* A consumer that begins behind what was given, or at the time that was asked for. */
static natsStatus subscribe(struct stream_reader *r)
{
	jsErrCode code = 0;
	jsSubOptions o;
	jsConsumerInfo *info = NULL;
	jsSubOptions_Init(&o);
	o.Stream = r->o->stream;
	o.Config.AckPolicy = js_AckNone;
	o.Config.InactiveThreshold = FORGET_S * INT64_C(1000000000);
	o.Config.MemoryStorage = true;
	o.Config.Replicas = 1;
	o.Config.DeliverPolicy = r->given ? js_DeliverByStartSequence : r->since ? js_DeliverByStartTime : js_DeliverAll;
	if (r->given)
		o.Config.OptStartSeq = r->given + 1;
	else if (r->since)
		o.Config.OptStartTime = r->since;
	natsStatus s = js_PullSubscribe(&r->sub, r->js, r->subject, NULL, NULL, &o, &code);
	if (s == NATS_OK)
		s = natsSubscription_GetConsumerInfo(&info, r->sub, NULL, &code);
	if (s == NATS_OK && info->NumPending == 0)
		r->caught_up = true;
	jsConsumerInfo_Destroy(info);
	r->heard = now_ms();
	return s;
}

static enum stream_said opened(struct stream_reader *r, int wait_ms, struct error *e)
{
	struct nats_open open;
	jsOptions o;
	if (!nats_open_wait(r->opening, wait_ms))
		return STREAM_NOTHING;
	if (!nats_open_result(r->opening, &open, e))
		return failed(r);
	r->nc = open.nc;
	nats_open_end(r->opening);
	r->opening = NULL;
	if (r->life && (open.created != r->first.created || open.last < r->given)) {
		hang_up(r);
		return STREAM_ANEW;
	}
	jsOptions_Init(&o);
	o.Wait = ANSWER_MS;
	natsStatus s = natsConnection_JetStream(&r->js, r->nc, &o);
	if (s == NATS_OK)
		s = subscribe(r);
	if (s != NATS_OK) {
		say(r, "its messages cannot be asked for", s, e);
		return failed(r);
	}
	if (r->life++ == 0)
		r->first = open;
	r->failures = 0;
	r->phase = READER_READS;
	return STREAM_OPEN;
}

static bool take(struct stream_reader *r, natsMsg *msg, struct stream_message *m)
{
	jsMsgMetaData *meta = NULL;
	if (natsMsg_GetMetaData(&meta, msg) != NATS_OK)
		return false;
	const bool next = meta->Sequence.Consumer == r->counted + 1 && meta->Sequence.Stream > r->given;
	if (next) {
		r->counted++;
		r->given = m->number = meta->Sequence.Stream;
		m->payload = (struct bytes){ (const uint8_t *)natsMsg_GetData(msg), (size_t)natsMsg_GetDataLength(msg) };
		r->caught_up = r->caught_up || meta->NumPending == 0 || r->given >= r->first.last;
	}
	jsMsgMetaData_Destroy(meta);
	return next;
}

/* Nothing came for a while: is the consumer there? Without one nothing ever would. */
static enum stream_said idle(struct stream_reader *r, struct error *e)
{
	jsErrCode code = 0;
	jsConsumerInfo *info = NULL;
	if (now_ms() - r->heard < IDLE_MS)
		return STREAM_NOTHING;
	r->heard = now_ms();
	natsStatus s = natsSubscription_GetConsumerInfo(&info, r->sub, NULL, &code);
	jsConsumerInfo_Destroy(info);
	if (s == NATS_OK)
		return STREAM_NOTHING;
	say(r, "it does not answer", s, e);
	return failed(r);
}

static enum stream_said fetch(struct stream_reader *r, int wait_ms, struct error *e)
{
	jsErrCode code = 0;
	natsMsgList_Destroy(&r->list);
	r->list = (natsMsgList){ 0 };
	r->at = 0;
	natsStatus s = natsSubscription_Fetch(&r->list, r->sub, BATCH, wait_ms, &code);
	if (s == NATS_OK && r->list.Count > 0)
		return STREAM_MESSAGE;
	if (s == NATS_OK || s == NATS_TIMEOUT)
		return idle(r, e);
	say(r, "it cannot be read on", s, e);
	return failed(r);
}

static enum stream_said reads(struct stream_reader *r, int wait_ms, struct stream_message *m, struct error *e)
{
	if (r->at >= r->list.Count) {
		const enum stream_said said = fetch(r, wait_ms, e);
		if (said != STREAM_MESSAGE)
			return said;
	}
	r->heard = now_ms();
	if (take(r, r->list.Msgs[r->at++], m))
		return STREAM_MESSAGE;
	error_set(e, "%s: a message is missing on its way to us", r->where);
	return failed(r);
}

enum stream_said stream_reader_next(struct stream_reader *r, int wait_ms, struct stream_message *m, struct error *e)
{
	switch (r->phase) {
	case READER_WAITS:
		if (now_ms() < r->again) {
			poll(NULL, 0, wait_ms);
			return STREAM_NOTHING;
		}
		r->opening = nats_open_begin(r->o, NATS_READ, e);
		if (!r->opening)
			return failed(r);
		r->phase = READER_OPENS;
		return STREAM_NOTHING;
	case READER_OPENS:
		return opened(r, wait_ms, e);
	case READER_READS:
		break;
	}
	return reads(r, wait_ms, m, e);
}

bool stream_reader_caught_up(const struct stream_reader *r)
{
	return r->caught_up;
}

natsConnection *stream_reader_connection(const struct stream_reader *r, uint64_t *life)
{
	*life = r->life;
	return r->phase == READER_READS ? r->nc : NULL;
}

int64_t stream_reader_created(const struct stream_reader *r)
{
	return r->first.created;
}

int64_t stream_reader_replicas(const struct stream_reader *r)
{
	return r->first.replicas;
}
#endif
