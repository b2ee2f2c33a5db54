/* carrier_kafka: messages to a topic of Kafka. The library numbers what it sends and tries again by itself, in order, so that a
 * broker has each once, as long as the same producer lives; one that gets nowhere is given up, because people must hear of it, and
 * the next one sends again what was not acknowledged. Who reads the topic knows a message that he has by the header event.id.
 *
 * The library's threads call nothing of ours: reports and errors are fetched by rd_kafka_poll, in the thread that has the loop. */
#include "carrier.h"

#ifdef HAVE_KAFKA
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conduit_tls.h"
#include "in_flight.h"
#include "log.h"
#include "setting_output.h"
#include "trust.h"

/* What was not acknowledged for so long will not be: after an error that explains it, and without one. */
enum { EXPLAINED_MS = 4000, SILENT_MS = 30000, SAY_S = 3600 };

/* How much an error says: a broker that cannot be reached may be the one that let us in a moment ago. */
enum weight { NOTHING, UNREACHABLE, TELLING };

/* trouble   what the library complained of since something was last acknowledged, as a sentence, by its weight
 * progress  when that was, or when what is under way began, ms */
struct carrier {
	rd_kafka_t *producer;
	struct in_flight flight;
	struct error trouble;
	enum weight weight;
	bool failed;
	int64_t progress;
	uint64_t left_out;
	time_t said;
	char where[256], topic[256];
};

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- settings ---- */

static bool set(rd_kafka_conf_t *k, const char *name, const char *value, struct error *e)
{
	char why[256];
	return rd_kafka_conf_set(k, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK || error_set(e, "%s: %s", name, why);
}

/* name=value; what the library says of a value that is a secret may show it. */
static bool set_property(rd_kafka_conf_t *k, const char *property, struct error *e)
{
	char name[128];
	const char *equals = strchr(property, '=');
	if (!equals || (size_t)(equals - property) >= sizeof(name))
		return error_set(e, "kafka: a text such as linger.ms=50 belongs here");
	snprintf(name, sizeof(name), "%.*s", (int)(equals - property), property);
	if (set(k, name, equals + 1, e))
		return true;
	if (setting_property_shown(bytes_of(property)) < strlen(property))
		return error_set(e, "kafka: %s: the library does not take this value", name);
	return false;
}

static bool set_tls(rd_kafka_conf_t *k, const struct output_settings *o, struct error *e)
{
	SSL_CTX *tls = conduit_tls_new(o, e);
	if (!tls)
		return false;
	SSL_CTX_free(tls);
	return set(k, "ssl.ca.location", o->ca ? o->ca : trust_system_file(), e) &&
	       (!o->cert || (set(k, "ssl.certificate.location", o->cert, e) && set(k, "ssl.key.location", o->key, e)));
}

/* First what may be changed, then what the site wants, then what must be so that nothing is lost. */
static bool set_all(rd_kafka_conf_t *k, const struct output_settings *o, struct error *e)
{
	bool good = set(k, "client.id", "mxwitness", e) && set(k, "message.timeout.ms", "0", e) && set(k, "topic.metadata.propagation.max.ms", "10000", e) &&
	            (!o->tls || set(k, "security.protocol", "ssl", e));
	for (size_t i = 0; i < o->kafka.n && good; i++)
		good = set_property(k, o->kafka.text[i], e);
	return good && set(k, "bootstrap.servers", o->address ? o->address : "", e) && set(k, "enable.idempotence", "true", e) && set(k, "acks", "all", e) &&
	       (!o->tls || set_tls(k, o, e));
}

/* ---- what the library tells ---- */

/* Its own lines say the same once more, with times and counts in them. */
static void no_log(const rd_kafka_t *k, int level, const char *part, const char *text)
{
	(void)k, (void)level, (void)part, (void)text;
}

static const char *tls_failed(const char *said)
{
	if (strstr(said, "certificate verify failed"))
		return "the broker's certificate is not trusted, or not for the host in address: see ca and address";
	return "the broker breaks off, or speaks no TLS there: does it accept our certificate (cert, key)?";
}

static const char *meaning(const struct carrier *c, rd_kafka_resp_err_t err, const char *said)
{
	switch (err) {
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
		return "no broker of Kafka can be reached: does one run there, and is tls as it wants it?";
	case RD_KAFKA_RESP_ERR__SSL:
		return tls_failed(said);
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
		return "the broker does not let us in: see the sasl settings of kafka, or cert and key";
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return "we may not write to the topic";
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		return "the topic is not there, and the broker makes none: make it";
	case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
		return c->weight == NOTHING ? "no acknowledgement: are enough replicas of the topic in sync?" : NULL;
	default:        /* of a library, and there are hundreds */
		return rd_kafka_err2str(err);
	}
}

static void explain(struct carrier *c, rd_kafka_resp_err_t err, const char *said)
{
	bool far = err == RD_KAFKA_RESP_ERR__TRANSPORT || err == RD_KAFKA_RESP_ERR__RESOLVE || err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
	enum weight weight = far ? UNREACHABLE : TELLING;
	const char *what = meaning(c, err, said ? said : "");
	if (what && weight > c->weight) {
		error_set(&c->trouble, "%s: topic %s: %s", c->where, c->topic, what);
		c->weight = weight;
	}
}

static void on_error(rd_kafka_t *k, int err, const char *said, void *opaque)
{
	char why[256];
	struct carrier *c = opaque;
	if (err != RD_KAFKA_RESP_ERR__FATAL) {
		explain(c, err, said);
		return;
	}
	explain(c, rd_kafka_fatal_error(k, why, sizeof(why)), why);
	c->failed = true;
}

/* Once an hour at most. */
static void leave_out(struct carrier *c, size_t octets)
{
	time_t now = time(NULL);
	c->left_out++;
	if (c->said && now - c->said < SAY_S)
		return;
	c->said = now;
	log_line(SAY_WARNING, "%s: topic %s does not take a message of %zu octets; messages left out for their size so far: %llu; raise max.message.bytes "
	         "of the topic, and message.max.bytes in kafka", c->where, c->topic, octets, (unsigned long long)c->left_out);
}

static void on_report(rd_kafka_t *k, const rd_kafka_message_t *m, void *opaque)
{
	struct carrier *c = opaque;
	(void)k;
	if (m->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
		leave_out(c, m->len);
	} else if (m->err) {
		explain(c, m->err, rd_kafka_err2str(m->err));
		c->failed = true;
		return;
	}
	in_flight_arrived(&c->flight, (uint64_t)(uintptr_t)m->_private);
	c->progress = now_ms();
	c->weight = NOTHING;
}

/* ---- the carrier ---- */

static void *destroy_thread(void *producer)
{
	rd_kafka_destroy(producer);
	return NULL;
}

/* Where a broker's name is looked up, its end may take as long as that. */
static void carrier_kafka_free(struct carrier *c)
{
	pthread_t thread;
	if (c->producer) {
		rd_kafka_purge(c->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
		if (pthread_create(&thread, NULL, destroy_thread, c->producer) == 0)
			pthread_detach(thread);
		else
			rd_kafka_destroy(c->producer);
	}
	free(c);
}

static rd_kafka_t *producer_new(struct carrier *c, const struct output_settings *o, struct error *e)
{
	char why[384];
	sigset_t all, before;
	rd_kafka_conf_t *k = rd_kafka_conf_new();
	if (!set_all(k, o, e)) {
		rd_kafka_conf_destroy(k);
		return NULL;
	}
	rd_kafka_conf_set_opaque(k, c);
	rd_kafka_conf_set_log_cb(k, no_log);
	rd_kafka_conf_set_error_cb(k, on_error);
	rd_kafka_conf_set_dr_msg_cb(k, on_report);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, k, why, sizeof(why));
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (producer)
		return producer;
	rd_kafka_conf_destroy(k);
	error_set(e, "kafka: %s", why);
	return NULL;
}

static struct carrier *carrier_kafka_new(const struct output_settings *o, struct error *e)
{
	struct carrier *c = calloc(1, sizeof(*c));
	if (!c) {
		error_set(e, "no memory");
		return NULL;
	}
	snprintf(c->where, sizeof(c->where), "%s", o->address ? o->address : "kafka");
	snprintf(c->topic, sizeof(c->topic), "%s", o->topic ? o->topic : "");
	c->producer = producer_new(c, o, e);
	if (c->producer)
		return c;
	carrier_kafka_free(c);
	return NULL;
}

static bool stuck(struct carrier *c)
{
	if (in_flight_oldest(&c->flight) < 0)
		return false;
	int64_t lasts = now_ms() - c->progress;
	if (lasts > SILENT_MS)
		explain(c, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, NULL);
	return lasts > SILENT_MS || (c->weight != NOTHING && lasts > EXPLAINED_MS);
}

static enum carrier_state carrier_kafka_state(struct carrier *c, int wait_ms, struct error *e)
{
	if (!c->failed)
		rd_kafka_poll(c->producer, wait_ms);
	c->failed = c->failed || stuck(c);
	if (c->failed) {
		*e = c->trouble;
		return CARRIER_FAILED;
	}
	return in_flight_room(&c->flight, 0) ? CARRIER_READY : CARRIER_BUSY;
}

static rd_kafka_resp_err_t send_as(struct carrier *c, const struct spool_item *item, uint64_t place)
{
	const struct bytes *v = &item->payload, *key = &item->key, *id = &item->id;
	return rd_kafka_producev(c->producer, RD_KAFKA_V_TOPIC(c->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
	                         RD_KAFKA_V_VALUE((void *)(uintptr_t)v->p, v->n), RD_KAFKA_V_KEY(key->n ? key->p : NULL, key->n),
	                         RD_KAFKA_V_HEADER("event.id", id->p, (ssize_t)id->n), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)place), RD_KAFKA_V_END);
}

static enum carrier_state carrier_kafka_put(struct carrier *c, const struct spool_item *item, struct error *e)
{
	if (c->failed) {
		*e = c->trouble;
		return CARRIER_FAILED;
	}
	if (!in_flight_room(&c->flight, item->payload.n))
		return CARRIER_BUSY;
	if (in_flight_oldest(&c->flight) < 0)
		c->progress = now_ms();
	rd_kafka_resp_err_t err = send_as(c, item, c->flight.next);
	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return CARRIER_BUSY;
	if (err && err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
		explain(c, err, rd_kafka_err2str(err));
		c->failed = true;
		*e = c->trouble;
		return CARRIER_FAILED;
	}
	uint64_t place = in_flight_add(&c->flight, item->number, item->payload.n, now_ms());
	if (err) {
		leave_out(c, item->payload.n);
		in_flight_arrived(&c->flight, place);
	}
	return CARRIER_READY;
}

static uint64_t carrier_kafka_done(const struct carrier *c)
{
	return c->flight.done;
}

const struct carrier_kind carrier_kafka = { carrier_kafka_new, carrier_kafka_state, carrier_kafka_put, carrier_kafka_done, carrier_kafka_free };
#endif
