/* run: what `mxwitness read` opened and parsed before it split into processes, and the life of each process. */
#ifndef RUN_H
#define RUN_H
#include "channel.h"
#include "judge/peer.h"
#include "judge/site.h"
#include "resolver.h"
#include "rule_file.h"
#include "sandbox.h"
#include "source.h"
#include "wire/pipeline.h"

enum format { FORMAT_TABLE, FORMAT_NDJSON };

/* dns_source: captures of which only the DNS counts, or NULL; read first.
 * Const after start but for what peer remembers; each process has its copy. spill is an unlinked file for sessions that wait. */
struct run {
	struct source *source, *dns_source;
	struct pipeline_config pipeline;
	struct resolver_config resolver;
	struct rules *rules;
	struct rule_site rule_site;
	struct site site;
	struct peer *peer;
	struct sandbox_user user;
	enum format format;
	int out, spill;
	bool all, colour, progress, verbose;
	unsigned width;
};

/* One process each: they return its exit status. A channel is owned by the process it is given to. */
int proc_capture(const struct run *run, struct channel *judge, struct channel *resolver);
int proc_resolver(const struct run *run, struct channel *capture, struct channel *judge, int forwarder);
/* resolver, forwarder: the ends of their pair (outside.h); forwarder is -1 where nothing is asked live. */
int proc_forwarder(const struct run *run, int resolver);
int proc_judge(const struct run *run, struct channel *capture, struct channel *resolver, struct channel *output);
int proc_output(const struct run *run, struct channel *judge);
#endif
