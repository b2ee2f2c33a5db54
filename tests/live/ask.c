/* ask: asks the resolver of live mode many questions at once, and says what came, when. For live_dns.py and for
 * measurements.
 *
 * usage: ask [-a ANCHORS] [-c CANARY]... [-m KIB] [-w FILE] [-n TIMES] [-q] SERVER...   questions on standard input, a line each:
 *   NAME TYPE [SOURCE]   TYPE a number; SOURCE whose question it is, a number
 *   wait MS              nothing is asked for that long; answers still come
 *   drain                all that was asked is answered before what follows
 * It runs in the sandbox of the resolver process, and starts a forwarder process.
 * A line of output for each answer: ms since start, id, name, type, status, records, fault, TTL, why; at the end
 * counters, the most memory that there was, and the state of health. -n: all of it so many times; -q: no lines for answers; -w: as --save-dns; -m: for the store of
 * replies. */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

#include "../forwarder.h"

#define WORDS(set) static const char *const set##_text[] = {
#define WORD(set, id, text) text,
#define WORDS_END(set) };
#pragma GCC diagnostic ignored "-Wunused-variable"
#include "words.def"

struct asking {
	struct resolver *resolver;
	bool quiet;
	unsigned open;
	uint64_t asked, answered;
	int64_t start;
	struct answer answer;
};

static int64_t us_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void show(struct asking *k)
{
	const struct answer *a = &k->answer;
	k->open--;
	k->answered++;
	if (k->quiet)
		return;
	printf("%" PRId64 "\t%" PRIu64 "\t%s\t%u\t%s\t%u\t%s\t%u\t%s\n", (us_now() - k->start) / 1000, a->id, a->name, a->type,
	       dnsstatus_text[a->status], a->rrs, resolverfault_text[a->fault], a->ttl, a->why);
}

/* Takes answers until most are outstanding, or until ms have gone. */
static void pump(struct asking *k, unsigned most, int ms)
{
	int64_t end = us_now() + (int64_t)ms * 1000, left;
	struct pollfd p = { .fd = resolver_fd(k->resolver), .events = POLLIN };
	for (;;) {
		while (resolver_next(k->resolver, &k->answer))
			show(k);
		left = (end - us_now()) / 1000;
		if ((ms < 0 && k->open <= most) || (ms >= 0 && left <= 0))
			return;
		poll(&p, 1, ms < 0 ? -1 : (int)left + 1);
	}
}

static void ask(struct asking *k, char *line)
{
	struct question q = { .id = ++k->asked };
	struct timespec t;
	unsigned type = 0, source = 0;
	int ms;
	if (sscanf(line, "wait %d", &ms) == 1) {
		pump(k, 0, ms);
		return;
	}
	if (strncmp(line, "drain", 5) == 0) {
		pump(k, 0, -1);
		return;
	}
	if (sscanf(line, "%255s %u %u", q.name, &type, &source) < 2)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	q.as_of = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	q.type = (uint16_t)type;
	q.source = source;
	if (k->open == RESOLVER_OUTSTANDING)
		pump(k, RESOLVER_OUTSTANDING - 64, -1);
	if (!resolver_submit(k->resolver, &q)) {
		fprintf(stderr, "ask: submit refused\n");
		exit(2);
	}
	k->open++;
	/* live_submit happens in resolver_next: let it, so that the order is that of the lines */
	while (resolver_next(k->resolver, &k->answer))
		show(k);
}

static char *slurp(FILE *f)
{
	size_t n = 0, cap = 1 << 20;
	char *text = malloc(cap);
	while (text) {
		n += fread(text + n, 1, cap - n - 1, f);
		text[n] = 0;
		if (n + 1 < cap)
			return text;
		text = realloc(text, cap *= 2);
	}
	return NULL;
}

/* The most memory so far, kB. getrusage's figure begins with that of whoever started us. */
static long peak(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = 0;
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

int main(int argc, char **argv)
{
	static struct asking k;
	struct resolver_config config = { .mode = RESOLVE_LIVE };
	struct error e;
	char fault[256], *anchors = NULL;
	const char *canary[RESOLVER_CANARIES];
	int c, times = 1;
	while ((c = getopt(argc, argv, "a:c:m:w:n:q")) != -1) {
		if (c == 'a' && !resolver_anchor_read(optarg, &anchors, &e))
			return fprintf(stderr, "ask: %s\n", e.text), 2;
		if (c == 'c' && config.canaries < RESOLVER_CANARIES)
			canary[config.canaries++] = optarg;
		if (c == 'm')
			config.budget = (size_t)atoi(optarg) << 10;
		if (c == 'w')
			config.save = open(optarg, O_WRONLY | O_CREAT | O_TRUNC, 0600) + 1;
		if (c == 'n')
			times = atoi(optarg);
		k.quiet = k.quiet || c == 'q';
	}
	config.anchors = anchors;
	config.canary = canary;
	signal(SIGPIPE, SIG_IGN);
	for (; optind < argc && config.upstreams < RESOLVER_UPSTREAMS; optind++)
		snprintf(config.upstream[config.upstreams++], RESOLVER_UPSTREAM_TEXT, "%s", argv[optind]);
	static char buffer[BUFSIZ];
	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	config.outside = start_forwarder(&config);
	bool alone;
	ub_ctx_delete(ub_ctx_create());        /* as in proc_resolver.c: what libraries read at first */
	if (!sandbox_resolver(&(struct sandbox_user){ .change = false }, &alone, &e) || !(k.resolver = resolver_new(&config, &e)))
		return fprintf(stderr, "ask: %s\n", e.text), 2;
	resolver_seal(k.resolver);
	char *text = slurp(stdin);
	k.start = us_now();
	for (int i = 0; i < times; i++) {
		int64_t begun = us_now();
		uint64_t before = k.answered;
		for (char *line = text, *end; *line; line = end) {
			end = line + strcspn(line, "\n");
			end += *end == '\n' ? (*end = 0, 1) : 0;
			ask(&k, line);
			if (end[-1] == 0)
				end[-1] = '\n';
		}
		pump(&k, 0, -1);
		double s = (double)(us_now() - begun) / 1e6;
		printf("round %d: %" PRIu64 " answers in %.3f s, %.0f a second\n", i + 1, k.answered - before, s,
		       (double)(k.answered - before) / s);
	}
	struct resolver_counts n = resolver_counts(k.resolver);
	printf("sent %" PRIu64 " cached %" PRIu64 " merged %" PRIu64 " again %" PRIu64 " over_share %" PRIu64 " contexts %" PRIu64
	       " saved %" PRIu64 " renewed %" PRIu64 " fault %s\n", n.live, n.cached, n.merged, n.again, n.over_share, n.contexts, n.saved, n.renewed,
	       resolverfault_text[resolver_fault(k.resolver, fault, sizeof(fault))]);
	printf("peak %ld kB\n", peak());
	puts(fault);
	resolver_free(k.resolver);
	free(text);
	free(anchors);
	fflush(stdout);
	_exit(0);                  /* a sanitizer's leak checker at exit() would want more than the sandbox allows */
}
