/* tally: what a judge counts for the stats events: sessions by what became of them, alerts, answers, and how long things
 * took. Counters since it was cleared. */
#ifndef TALLY_H
#define TALLY_H
#include "record.h"

/* TALLY_ALERTS    pairs of finding and level that are counted apart; one of them is "other", for all further ones
 * TALLY_VERSIONS  TLS versions; the last is "other"
 * TALLY_BUCKETS   ranges of time (tally_bounds): the last has no bound */
enum { TALLY_ALERTS = 60, TALLY_VERSIONS = 5, TALLY_BUCKETS = 12 };

/* Upper bounds in ns of the ranges: 1 ms to 10 s, and one that no time reaches. */
extern const int64_t tally_bounds[TALLY_BUCKETS];

struct tally_times {
	uint64_t bucket[TALLY_BUCKETS];
	int64_t sum;
};

struct tally_alert {
	char finding[64];
	uint8_t n, level;          /* octets of finding */
	uint64_t count;
};

struct tally {
	uint64_t sessions, tls, visible, hidden, incomplete, client_only, server_only, at_once, gap_octets;
	uint64_t verdict[verdict_COUNT], dane[daneverdict_COUNT], version[TALLY_VERSIONS];
	uint64_t alerts, questions, cache_hits, result[dnsstatus_COUNT];
	struct tally_alert alert[TALLY_ALERTS];
	size_t nalerts;
	struct tally_times answers, delays;
};

/* All zero is a tally that has counted nothing. */

/* A final session as judged. */
void tally_session(struct tally *t, const struct record *session);
/* An alert that was sent. delay: ns from the packet that decides to the alert; below 0: not known */
void tally_alert(struct tally *t, const struct record *alert, int64_t delay);
/* An answer of the resolver. took: ns */
void tally_answer(struct tally *t, enum dnsstatus status, bool from_cache, int64_t took);
/* The counters as facts of a stats event; kinds of which nothing was counted stay out. */
void tally_fill(const struct tally *t, struct record *stats);

/* tally_quantile: the bound in ns below which at least share (0 to 1000) of a thousand of the times lie, from the columns
 * of a stats record (F_st_dns_below, F_st_dns_below_n, or those of alerts); -1: nothing was counted. The last bound means
 * that it is more than the one before. */
int64_t tally_quantile(const struct record *stats, enum fact below, enum fact count, unsigned share);
#endif
