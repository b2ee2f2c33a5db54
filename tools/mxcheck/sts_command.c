/* sts_command: see sts_command.h. Some threads visit the domains, each the next one that nobody has; the main thread prints
 * what came of them in the order in which they were named. A thread shares the list with the others, and nothing else. */
#include "sts_command.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sts_line.h"
#include "sts_options.h"

#define NS INT64_C(1000000000)

/* lock protects next, the results before done, and failed. */
struct run {
	const struct sts_options *o;
	struct visit_means means;
	struct visitor *visitor[STS_WORKERS];
	pthread_t thread[STS_WORKERS];
	unsigned threads;
	struct visit *visit;
	bool *done;
	size_t next;
	pthread_mutex_t lock;
	pthread_cond_t more;
};

/* What a thread is given. */
struct worker {
	struct run *run;
	struct visitor *visitor;
};

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * NS + t.tv_nsec;
}

static void *work(void *mine)
{
	struct worker *w = mine;
	struct run *r = w->run;
	pthread_mutex_lock(&r->lock);
	while (r->next < r->o->n) {
		size_t i = r->next++;
		pthread_mutex_unlock(&r->lock);
		sts_visit(w->visitor, &r->means, now_ns(), &r->visit[i]);
		pthread_mutex_lock(&r->lock);
		r->done[i] = true;
		pthread_cond_signal(&r->more);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void print(const struct run *r, const struct visit *v)
{
	char room[STS_LINE];
	struct text line = { .p = room, .cap = sizeof(room) };
	if (r->o->verbose)
		fprintf(stderr, "%s: %s\n", v->domain, *v->trail ? v->trail : "nothing was asked");
	if (r->o->quiet && v->result != VISIT_FAILED)
		return;
	sts_line(v, r->o->json, &line);
	fwrite(line.p, 1, line.n, stdout);
	fflush(stdout);
}

/* How many failed. */
static size_t print_all(struct run *r)
{
	size_t failed = 0;
	for (size_t i = 0; i < r->o->n; i++) {
		pthread_mutex_lock(&r->lock);
		while (!r->done[i])
			pthread_cond_wait(&r->more, &r->lock);
		pthread_mutex_unlock(&r->lock);
		print(r, &r->visit[i]);
		failed += r->visit[i].result == VISIT_FAILED;
	}
	return failed;
}

static bool begin(struct run *r, struct error *e)
{
	const struct sts_options *o = r->o;
	r->visit = calloc(o->n, sizeof(*r->visit));
	r->done = calloc(o->n, sizeof(*r->done));
	if (!r->visit || !r->done)
		return error_set(e, "no memory");
	for (size_t i = 0; i < o->n; i++)
		memcpy(r->visit[i].domain, o->domain[i], sizeof(r->visit[i].domain));
	for (unsigned i = 0; i < o->workers && i < o->n; i++)
		if (!(r->visitor[i] = visitor_new(o->resolver, e)))
			return false;
	return true;
}

static int run(struct run *r, struct error *e)
{
	struct worker worker[STS_WORKERS];
	for (unsigned i = 0; i < STS_WORKERS && r->visitor[i]; i++) {
		worker[i] = (struct worker){ r, r->visitor[i] };
		if (pthread_create(&r->thread[i], NULL, work, &worker[i]) != 0)
			break;
		r->threads++;
	}
	if (r->threads == 0) {
		error_set(e, "no thread can be started");
		return 2;
	}
	size_t failed = print_all(r);
	for (unsigned i = 0; i < r->threads; i++)
		pthread_join(r->thread[i], NULL);
	return failed ? 1 : 0;
}

static int fetch_all(const struct sts_options *o, struct error *e)
{
	struct run r = {
		.o = o, .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER,
		.means = { .ca_file = o->ca_file, .port = o->port, .inside = o->inside, .ms = (int)o->seconds * 1000 },
	};
	struct sts_folder *folder = sts_folder_open(o->cache, e);
	r.means.folder = folder;
	int status = folder && https_begin(e) && begin(&r, e) ? run(&r, e) : 2;
	for (unsigned i = 0; i < STS_WORKERS; i++)
		visitor_free(r.visitor[i]);
	free(r.visit);
	free(r.done);
	sts_folder_close(folder);
	return status;
}

int sts_command(int argc, char **argv)
{
	struct sts_options o;
	struct error e = { "" };
	int status = 2;
	signal(SIGPIPE, SIG_IGN);
	if (sts_options_read(argc, argv, &o, &e)) {
		if (o.help)
			fputs(sts_usage, stdout);
		status = o.help ? 0 : fetch_all(&o, &e);
	}
	if (status == 2)
		fprintf(stderr, "mxcheck: %s\n", e.text);
	sts_options_free(&o);
	return status;
}
