/* proc_exposure: stands where the output stands otherwise: judged sessions to reports of what became of them (exposure.h). Parses
 * nothing; counts and writes. Its exit status is the program's. */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exposure.h"

struct exposing {
	const struct run *run;
	struct exposure *exposure;
	bool complete, refused;
};

static void take_event(struct exposing *x, struct bytes record)
{
	static struct record r;
	if (record.n > sizeof(r) || record.n < offsetof(struct record, text)) {
		x->refused = true;
		return;
	}
	memcpy(&r, record.p, record.n);
	if (!record_check(&r, record.n))
		x->refused = true;
	else if (bytes_eq(record_get_str(&r, F_event_dataset), bytes_of("mxwitness.session")))
		exposure_session(x->exposure, &r);
	else if (record_get_tri(&r, F_st_complete) != TRI_UNSEEN)
		x->complete = record_get_tri(&r, F_st_complete) == TRI_YES;
}

static void note(struct bytes record)
{
	char buf[1024];
	struct text t = { buf, 0, sizeof(buf), false };
	text_clean(&t, bytes_skip(record, record.n > 0), false);
	fprintf(stderr, "mxwitness: %.*s\n", (int)t.n, buf);
}

static void collect(struct exposing *x, struct channel *judge)
{
	enum channel_kind kind;
	struct bytes record;
	while (channel_recv(judge, &kind, &record) && kind != CH_END) {
		if (kind == CH_EVENT) {
			take_event(x, record);
		} else if (kind == CH_NOTE) {
			note(record);
		} else if (kind == CH_ACK) { /* nothing is written before the end, and nothing remembered that would have to wait for it */
			channel_send(judge, CH_ACK, record, (struct bytes){ 0 });
			channel_flush(judge);
		}
	}
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			fprintf(stderr, "mxwitness: cannot write the output: %s\n", strerror(errno));
			return false;
		}
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static bool write_reports(const struct exposing *x, struct text *t)
{
	const struct run_tlsrpt *r = x->run->tlsrpt;
	size_t from = 0;
	for (t->n = 0; exposure_report(x->exposure, r->organization, r->contact, &from, t); t->n = 0)
		if (!write_all(x->run->out, t->p, t->n))
			return false;
	if (t->full)
		fputs("mxwitness: tlsrpt: a report would be longer than 4 MiB; it and those behind it are missing\n", stderr);
	return !t->full;
}

static bool say_rest(const struct exposing *x)
{
	const struct exposure_counts n = exposure_counts(x->exposure);
	if (n.nameless)
		fprintf(stderr, "mxwitness: of %llu sessions %llu show neither domain nor host, and stand in no report\n",
			(unsigned long long)n.sessions, (unsigned long long)n.nameless);
	if (n.left_out)
		fprintf(stderr, "mxwitness: tlsrpt: %llu counts found no room; give fewer days at a time\n", (unsigned long long)n.left_out);
	return n.left_out == 0;
}

int proc_exposure(const struct run *run, struct channel *judge)
{
	struct exposing x = { .run = run, .exposure = exposure_new(run->rules) };
	struct error e = { "no memory" };
	struct text t = { malloc(EXPOSURE_REPORT), 0, EXPOSURE_REPORT, false };
	if (!t.p || !x.exposure || !sandbox_output(&run->user, NULL, 0, false, false, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	collect(&x, judge);
	exposure_sort(x.exposure);
	const bool written = write_reports(&x, &t), all = say_rest(&x);
	exposure_free(x.exposure);
	free(t.p);
	return written && all && x.complete && !x.refused ? 0 : 2;
}
