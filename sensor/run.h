/* run: what `mxwitness read` opened and parsed before it split into processes, and the life of each process. */
#ifndef RUN_H
#define RUN_H
#include "channel.h"
#include "evidence.h"
#include "judge/peer.h"
#include "line_source.h"
#include "resolver.h"
#include "rule_file.h"
#include "sandbox.h"
#include "settings.h"
#include "source.h"
#include "speaker.h"
#include "sts_cache.h"
#include "supervisor.h"
#include "verify.h"
#include "wire/pipeline.h"

enum { RUN_INNER = 4 };
enum format { FORMAT_TABLE, FORMAT_NDJSON };

/* `mxwitness judge`: sessions come as lines. lateness, silent: ns (lineup.h); ahead: ns that a session may lie
 * ahead of the clock. stop: a pipe; what is written to its second end ends
 * the lines.
 * from   NULL, or the stream that they come from, as an output has it: proc_fetch writes them to feed, another pipe
 * since  of the stream, ns since 1970; 0: all. once: up to the end that it has now
 * shares NULL, or what this judge speaks for; bucket is where judges divide that among them */
struct run_lines {
	struct line_source *source;
	int64_t lateness, silent, ahead;
	int stop[2];
	const struct output_settings *from;
	int feed[2];
	int64_t since;
	bool once;
	struct shares *shares;
	char bucket[128];
};

/* dns_source: captures of which only the DNS counts, or NULL; read first.
 * Const after start but for what peer remembers; each process has its copy. spill is an unlinked file for sessions that wait. */
struct run {
	struct source *source, *dns_source;
	struct pipeline_config pipeline;
	struct resolver_config resolver;
	struct rules *rules;
	struct settings settings;
	struct peer *peer;
	struct sts_cache *sts;              /* policies of mail domains; NULL: none are known */
	struct evidence_dir *evidence;      /* NULL: none is written */
	struct evidence_context context;
	const struct claim *claim;          /* of the evidence file that is read to verify it; else NULL */
	int inner[RUN_INNER];               /* descriptors of who started us, to be closed in every process; -1: none */
	const char *state;                  /* folder of what is remembered between runs (store.h); NULL: nothing is */
	const char *spool;                  /* folder of the spools of outputs that are not files; NULL: there are none */
	bool by_outputs;                    /* events go to the outputs of settings, and not to out */
	struct sandbox_user user;
	enum format format;
	int out, spill, verifier;           /* verifier: see proc_verifier; -1: there is none */
	bool all, colour, progress, verbose;
	const struct run_lines *lines;      /* proc_lines and proc_again in place of capture and judge; NULL: packets are read */
	bool discover;                      /* proc_discover in place of the output and of the resolver */
	unsigned width;
};

/* Splits into processes and waits for them. The output's exit status; 2 if
 * a process was ended by a signal. */
int run_all(const struct run *run);

/* One process each: they return its exit status. A channel is owned by the process it is given to. */
int proc_capture(const struct run *run, struct channel *judge, struct channel *resolver);
int proc_resolver(const struct run *run, struct channel *capture, struct channel *judge, int forwarder);
/* resolver, forwarder: the ends of their pair (outside.h); forwarder is -1 where nothing is asked live. supervisor: whom job
 * shows its life, or NULL. */
int proc_forwarder(const struct run *run, int resolver, const struct supervisor *supervisor, unsigned job);
int proc_judge(const struct run *run, struct channel *capture, struct channel *resolver, struct channel *output);
int proc_lines(const struct run *run, struct channel *judge);
int proc_fetch(const struct run *run);
int proc_again(const struct run *run, struct channel *lines, struct channel *output);
int proc_output(const struct run *run, struct channel *judge);
/* over: a descriptor that is at its end when nothing more will be put into spools; what is there is brought on then, as long as it is
 * taken. -1: it is told to end (SIGTERM). Not 0: something did not arrive. */
int proc_deliver(const struct run *run, int over, const struct supervisor *supervisor, unsigned job);
int proc_discover(const struct run *run, struct channel *capture, struct channel *judge);
/* fd: its end of a pair of packets, whose other end run->verifier is in the output process. */
int proc_verifier(const struct run *run, int fd);
/* Another verifier is behind fd than before. */
void verifier_hello(int fd);
/* In the output process: the verdict of the evidence file at path, repeated by the verifier process behind fd. */
void verifier_ask(int fd, const char *path, struct verify_result *result);
#endif
