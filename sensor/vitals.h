/* vitals: the sensor's own health, from its counters: what it lacks, what it no longer sees, and why it sees nothing. All
 * of it is facts of a stats event (mxwitness.stats.degraded, lacking, silent, blind, dropped_per_million); the rules of
 * rules/sensor.yaml make findings of them.
 *
 * Pure: the counters come as records (stats_sum.h), and the time as an argument. */
#ifndef VITALS_H
#define VITALS_H
#include "record.h"

/* Times in ns; 0 switches a test off.
 * silence_packets        no packet for so long          silence_mail  no session for so long
 * silence_one_direction  only one side of sessions for so long, after both were seen
 * blind                  no session with both sides for so long since the start: say why
 * anchor                 the trust anchor was not confirmed for so long
 * clock                  bound of the clock's offset, either way
 * drops                  packets lost of a million, from which on they count
 * disk                   per cent of a disk that must be free
 * hold                   how long a trouble must be gone before it is no more: what comes and goes is one trouble */
struct vitals_config {
	int64_t silence_packets, silence_mail, silence_one_direction, blind, anchor, clock;
	uint32_t drops, disk;
	int64_t hold;
};

/* 10 minutes, 12 hours, 30 minutes, 15 minutes, 30 days, 5 seconds; a thousandth (detections.md E.2), 5 per cent;
 * 5 minutes. */
struct vitals_config vitals_defaults(void);

/* VITALS_NAMES  names that one trouble may list; further ones are left out
 * VITALS_KNOWN  processes, and outputs, of which the counters are remembered */
enum { VITALS_NAMES = 8, VITALS_NAME = 64, VITALS_KNOWN = 32 };

struct vitals_name {
	uint8_t n, octets[VITALS_NAME];
};

/* What was counted when it was last looked at. silent_tls: sessions that begin with TLS, so that no dialogue is in them. */
struct vitals_marks {
	int64_t packets, received, lost, flows, empty, other, at_once, sessions, client_only, server_only, silent_tls, segments,
		bad, records_lost;
};

/* A trouble that is on since it was last bad, until hold is over. */
struct vitals_trouble {
	bool on;
	int64_t last;
};

struct vitals_counter {
	struct vitals_name name;
	int64_t count;
};

struct vitals {
	struct vitals_config config;
	int64_t started, updated;          /* monotonic */
	int64_t packet, mail, both, client, server; /* when these were last seen, monotonic */
	int64_t packet_at, mail_at;        /* the first two as wall clock, 0: never */
	bool ever_both, ever_client, ever_server;
	int64_t lossy_from;                /* wall clock: start of the last interval that lost packets; 0: none */
	int64_t lossy_until, wall;         /* its end; time of the last update */
	struct vitals_marks before, at_both;
	struct vitals_trouble trouble[degraded_COUNT];
	struct vitals_name interfaces[VITALS_NAMES], processes[VITALS_NAMES], outputs[VITALS_NAMES], disks[VITALS_NAMES];
	size_t ninterfaces, nprocesses, noutputs, ndisks;
	struct vitals_counter restarts[VITALS_KNOWN], failures[VITALS_KNOWN];
	size_t nrestarts, nfailures;
};

/* vitals_start: nothing was seen yet. mono: a clock that never goes back; wall: since 1970; both in ns. */
void vitals_start(struct vitals *v, const struct vitals_config *config, int64_t mono, int64_t wall);
/* vitals_configure: other bounds from now on; what is known stays. */
void vitals_configure(struct vitals *v, const struct vitals_config *config);

/* vitals_update: looks at the counters and writes into the same record interval, uptime, last_packet, last_mail and the
 * facts of health named above. Call it as often as wished, at least each minute; what was counted since the last call is
 * the interval.
 * stats  as stats_sum_fill made it */
void vitals_update(struct vitals *v, int64_t mono, int64_t wall, struct record *stats);

/* vitals_lossy: did the sensor lose more packets than it may while a session was open, or in the minute before?
 * (detections.md E.2; mxwitness.capture.lossy.) By the intervals that vitals_update has seen.
 * start, end  first and last packet of the session, wall clock */
bool vitals_lossy(const struct vitals *v, int64_t start, int64_t end);
#endif
