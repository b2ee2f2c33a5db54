/* watch: `mxwitness watch`, the live sensor. The supervisor's side is in watch.c; here is what its processes share: each was
 * forked from it, and finds everything that was opened and read before.
 *
 *	capture (one for each worker) ──▶ judge ──▶ output        sessions and events are numbered and acknowledged
 *	      └────▶ resolver ◀──▶ judge                           (outbox.h): who begins anew is given them again
 *	output ──▶ spool on disk ──▶ deliver ──▶ a receiver
 *
 * A process that ends takes nothing with it but, where it is capture, the connections that were open. */
#ifndef WATCH_H
#define WATCH_H
#include "alerted.h"
#include "numbers.h"
#include "options.h"
#include "run.h"
#include "shunt.h"
#include "source_live.h"
#include "supervisor.h"

enum { WATCH_WORKERS = 16, WATCH_ALERTED = 65536, WATCH_REASON = 160 };

/* Jobs of the supervisor. Those with what others wait for come first. */
enum watch_job { WATCH_OUTPUT, WATCH_JUDGE, WATCH_RESOLVER, WATCH_FORWARDER, WATCH_VERIFIER, WATCH_DELIVER, WATCH_CAPTURE };

/* A counter of an interface, which begins anew when that does: sum is what was new since the start. */
struct watch_counter {
	int64_t last, sum;
	bool known;
};

/* Pairs of descriptors: [0] is the end of the process that is named first.
 * status, metrics  sockets on which the output process is asked for its numbers; -1: none
 * to_judge         the supervisor's channel, which never makes it wait
 * loaded           when the settings in force were read, ns since 1970; load_failed: later ones were refused */
struct watch {
	struct run run;
	struct supervisor *supervisor;
	struct source_live *source;
	struct shunt *shunt;                    /* NULL: off, for the reason in shunt_off */
	char shunt_off[WATCH_REASON];
	unsigned workers;
	size_t ifaces;
	int capture_judge[WATCH_WORKERS][2], capture_resolver[WATCH_WORKERS][2];
	int judge_resolver[2], judge_output[2], supervisor_judge[2], resolver_forwarder[2], output_verifier[2];
	int status, metrics;
	struct numbers *numbers;
	struct alerted *alerted;                /* handed on from judge to judge */
	struct channel *to_judge;
	struct watch_counter received[LIVE_IFACES], missed[LIVE_IFACES];
	int64_t loaded;
	bool load_failed;
	struct settings first;                  /* of the start, after a reload: the source has texts of it */
	bool reloaded;
};

/* `mxwitness watch`; the exit status. */
int watch_command(const struct options *o);

/* One process each. */
int watch_capture(void *context, unsigned job);
int watch_judge(void *context, unsigned job);
int watch_output(void *context, unsigned job);
int watch_resolver(void *context, unsigned job);
int watch_forwarder(void *context, unsigned job);
int watch_verifier(void *context, unsigned job);
int watch_deliver(void *context, unsigned job);
#endif
