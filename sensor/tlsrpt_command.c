/* tlsrpt_command: see tlsrpt_command.h. Two processes. One reads the events and the reports of others, both hostile, and can do nothing
 * else: after sandbox_capture it has what was opened for it. The other opens before, and afterwards puts what comes through a pipe into
 * files whose names it checks itself. */
#include "tlsrpt_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "line_source.h"
#include "read.h"
#include "rule_file.h"
#include "sandbox.h"
#include "session_line.h"
#include "tlsrpt.h"
#include "tlsrpt_compare.h"
#include "unpack.h"

/* SAID: lines that are named; the rest are counted */
enum { SAID = 10 };

/* report   descriptors of the reports received        source  NULL: no events were given
 * pipe     to who writes files; without -o: none, -1
 * bad      what could not be read: the result is not of everything */
struct work {
	const struct options *o;
	struct settings settings;
	struct rules *rules;
	struct sts_cache *sts;
	struct sandbox_user user;
	int report[OPTIONS_RECEIVED], pipe[2], folder;
	struct line_source *source;
	struct tlsrpt *sums;
	struct tlsrpt_match *match;
	size_t matches;
	uint64_t bad;
};

/* ---- who reads ---- */

static void say(const char *place, const char *why)
{
	char name[PIPE_BUF];
	struct text t = { name, 0, sizeof(name), false };
	text_clean(&t, bytes_of(place), false);
	fprintf(stderr, "mxwitness: %.*s: %s\n", (int)t.n, name, why);
}

static void bad_line(struct work *w, const char *why)
{
	char text[256];
	if (w->bad++ >= SAID)
		return;
	snprintf(text, sizeof(text), "%s; passed over%s", why, w->bad == SAID ? ", and no further one is named" : "");
	say(line_source_place(w->source), text);
}

/* To own servers, as far as the site said what is its own. */
static bool inbound(const struct record *s)
{
	const int64_t way = record_get_num(s, F_net_direction, direction_unknown);
	return (way == direction_inbound || way == direction_unknown) && record_get_num(s, F_service, service_mx) == service_mx &&
	       record_get_num(s, F_cap_phase, phase_final) != phase_interim;
}

static void take(struct work *w, struct bytes line, struct record *r)
{
	const char *why;
	switch (session_line_read(line, INT64_MAX, r, &why)) {
	case SESSION_LINE_SESSION:
		if (!w->match)
			tlsrpt_session(w->sums, r);
		else if (inbound(r))
			tlsrpt_compare(w->rules, r, w->match, w->matches);
		return;
	case SESSION_LINE_BAD:
		bad_line(w, why);
		return;
	case SESSION_LINE_EMPTY:
	case SESSION_LINE_OTHER:
		return;
	}
}

static void take_lines(struct work *w, struct record *r)
{
	struct bytes line;
	while (w->source) {
		switch (line_source_next(w->source, &line)) {
		case LINE_SOURCE_READ:
			take(w, line, r);
			break;
		case LINE_SOURCE_LONG:
			bad_line(w, "longer than 65,536 octets");
			break;
		case LINE_SOURCE_FAILED:
			bad_line(w, strerror(errno));
			break;
		case LINE_SOURCE_WAIT:
			break;
		case LINE_SOURCE_END:
			return;
		}
	}
}

/* All octets of a report in text, which holds one more than a report may have. NULL: that is so; else what is wrong. */
static const char *octets(struct unpack *u, int fd, uint8_t *text, size_t *n)
{
	enum unpack_result result;
	size_t got;
	unpack_start(u, fd, (struct bytes){ 0 });
	*n = 0;
	while (*n <= TLSRPT_OCTETS && (result = unpack_read(u, text + *n, TLSRPT_OCTETS + 1 - *n, &got)) != UNPACK_END) {
		if (result == UNPACK_BAD)
			return unpack_why(u);
		*n += got;
	}
	return *n > TLSRPT_OCTETS ? "longer than 8 MiB; a report is not" : NULL;
}

static bool of_interest(const struct options *o, const struct tlsrpt_row *r)
{
	char day[32];
	struct text t = { day, 0, sizeof(day), false };
	text_time(&t, r->from);
	return (!o->domain || bytes_eq_nocase(bytes_of(o->domain), bytes_of(r->domain))) &&
	       (!o->day || (t.n >= 10 && memcmp(day, o->day, 10) == 0));
}

static bool take_reports(struct work *w)
{
	struct unpack *u = unpack_new();
	uint8_t *text = malloc(TLSRPT_OCTETS + 1);
	struct tlsrpt_row *row = calloc(TLSRPT_RECEIVED, sizeof(*row));
	size_t n = 0, cut = 0, length;
	w->match = calloc(TLSRPT_RECEIVED, sizeof(*w->match));
	const bool good = u && text && row && w->match;
	for (int i = 0; good && i < w->o->nreceived; i++) {
		const char *why = octets(u, w->report[i], text, &length);
		if (why || !tlsrpt_read((struct bytes){ text, length }, row, &n, TLSRPT_RECEIVED, &cut, &why)) {
			say(w->o->received[i], why);
			w->bad++;
		}
	}
	for (size_t i = 0; i < n; i++)
		if (of_interest(w->o, &row[i]))
			w->match[w->matches++].row = row[i];
	if (cut)
		fprintf(stderr, "mxwitness: %zu rows of failure-details were left out: without result type or domain, or more than %d\n", cut,
			TLSRPT_RECEIVED);
	w->bad += cut != 0;
	free(row);
	free(text);
	unpack_free(u);
	return good;
}

static void told(uint64_t n, const char *what)
{
	if (n)
		fprintf(stderr, "mxwitness: %" PRIu64 " %s\n", n, what);
}

static void tell(const struct tlsrpt_counts *c, unsigned reports)
{
	fprintf(stderr, "mxwitness: %u reports of %" PRIu64 " sessions: %" PRIu64 " successful, %" PRIu64 " failed, %" PRIu64
		" neither, in no report: the packets do not say\n", reports, c->sessions, c->success, c->failure, c->unknown);
	told(c->hosts, "are reported under their MX host: the mail domain was not seen");
	told(c->unnamed, "in no report: neither mail domain nor MX host is known");
	told(c->foreign, "in no report: not to the MX of others");
	told(c->other, "in no report: of another day or domain");
	told(c->interim, "in no report: not over yet");
	told(c->again, "came before, and count once");
	told(c->forgotten, "are not known again if they come twice: too many sessions");
	told(c->lost, "found no room, and their reports tell of fewer");
}

static int reports(struct work *w, FILE *out)
{
	const unsigned n = tlsrpt_write(w->sums, w->folder >= 0, out);
	tell(tlsrpt_counts(w->sums), n);
	return tlsrpt_counts(w->sums)->lost ? 2 : 0;
}

static int comparison(struct work *w, FILE *out)
{
	const bool table = w->o->format ? strcmp(w->o->format, "table") == 0 : isatty(STDOUT_FILENO);
	int status = 0;
	for (size_t i = 0; i < w->matches; i++)
		status |= tlsrpt_alarming(tlsrpt_compared(&w->match[i]));
	tlsrpt_print(w->match, w->matches, !table, out);
	return status;
}

/* The child: everything is open, and nothing else can be. */
static int parse(struct work *w, FILE *out)
{
	static struct record r;
	struct error e;
	int status = 2;
	if (!sandbox_capture(&w->user, SANDBOX_FILE, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	if (w->o->nreceived && !take_reports(w)) {
		fprintf(stderr, "mxwitness: tlsrpt: no memory\n");
		return 2;
	}
	take_lines(w, &r);
	status = w->match ? comparison(w, out) : reports(w, out);
	if (w->bad > SAID)
		fprintf(stderr, "mxwitness: %" PRIu64 " inputs were passed over\n", w->bad);
	if (fflush(out) != 0 || ferror(out)) {
		fprintf(stderr, "mxwitness: standard output: cannot write there: %s\n", strerror(errno));
		return 2;
	}
	return w->bad ? 2 : status;
}

/* ---- who writes files ---- */

static bool name_ok(const char *name)
{
	static const char begin[] = "mxwitness!", end[] = ".json";
	const size_t n = strlen(name);
	return n > sizeof(begin) + sizeof(end) && strncmp(name, begin, sizeof(begin) - 1) == 0 && strcmp(name + n - (sizeof(end) - 1), end) == 0 &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.!")] == '\0';
}

/* "NAME TAB": 1; 0: there is no more; -1: that is none. */
static int name_read(FILE *in, char name[TLSRPT_NAME])
{
	size_t n = 0;
	for (int c; (c = getc(in)) != EOF; name[n++] = (char)c) {
		if (c == '\t') {
			name[n] = '\0';
			return name_ok(name) ? 1 : -1;
		}
		if (n == TLSRPT_NAME - 1)
			return -1;
	}
	return n ? -1 : 0;
}

/* Up to the end of the line. false: it has none. */
static bool line_copy(FILE *in, FILE *out)
{
	int c;
	while ((c = getc(in)) != EOF && putc(c, out) != EOF)
		if (c == '\n')
			return true;
	return false;
}

/* A reader of the folder sees the report whole, or the one of before. */
static bool report_file(const struct work *w, FILE *in, const char *name, struct error *e)
{
	char beside[64];
	snprintf(beside, sizeof(beside), ".mxwitness-tlsrpt.%ld.tmp", (long)getpid());
	const int fd = openat(w->folder, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool good = out && line_copy(in, out);
	if (out) {
		good = good && fflush(out) == 0 && fsync(fd) == 0;
		good = fclose(out) == 0 && good;
	} else if (fd >= 0) {
		close(fd);
	}
	good = good && renameat(w->folder, beside, w->folder, name) == 0;
	if (good)
		return true;
	error_set(e, "%s/%s: cannot write there: %s", w->o->out, name, strerror(errno));
	unlinkat(w->folder, beside, 0);
	return false;
}

static bool files(const struct work *w, struct error *e)
{
	char name[TLSRPT_NAME];
	FILE *in = fdopen(w->pipe[0], "r");
	bool good = in || error_set(e, "no memory");
	int more = 0;
	while (good && (more = name_read(in, name)) == 1)
		good = report_file(w, in, name, e);
	if (good && more < 0)
		good = error_set(e, "tlsrpt: what the reading process gave is no report; nothing more was written");
	if (in)
		fclose(in);
	return good && (fsync(w->folder) == 0 || error_set(e, "%s: %s", w->o->out, strerror(errno)));
}

/* ---- both ---- */

static bool open_reports(struct work *w, struct error *e)
{
	for (int i = 0; i < w->o->nreceived; i++) {
		w->report[i] = open(w->o->received[i], O_RDONLY | O_CLOEXEC);
		if (w->report[i] < 0)
			return error_set(e, "--received %s: cannot be read: %s", w->o->received[i], strerror(errno));
	}
	return true;
}

static bool open_folder(struct work *w, struct error *e)
{
	if (!w->o->out)
		return true;
	w->folder = open(w->o->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->folder < 0)
		return error_set(e, "-o %s: no such folder: %s; make it first", w->o->out, strerror(errno));
	return pipe2(w->pipe, O_CLOEXEC) == 0 || error_set(e, "no pipe from the system: %s", strerror(errno));
}

/* Everything that can be wrong is found here, before anything is written. */
static bool prepare(struct work *w, struct error *e)
{
	char dir[PATH_MAX];
	const struct options *o = w->o;
	w->folder = w->pipe[0] = w->pipe[1] = -1;
	w->user = sandbox_user_find("mxwitness", NULL);
	if (!config_read(o->config, &w->settings, e))
		return false;
	w->rules = rules_load(o->rules ? o->rules : read_rules_dir(dir), &w->settings.rules, e);
	if (!w->rules || (w->settings.sts_cache && !(w->sts = sts_cache_load(w->settings.sts_cache, e))))
		return false;
	if (o->ncaptures && !(w->source = line_source_files(o->captures, o->ncaptures, -1, e)))
		return false;
	const struct tlsrpt_wish wish = { w->rules, w->sts, o->day, o->domain, o->organization ? o->organization : "mxwitness",
					  o->contact ? o->contact : "the operator of this sensor; no report of the sending MTA" };
	w->sums = tlsrpt_new(&wish);
	return (w->sums || error_set(e, "no memory")) && open_reports(w, e) && open_folder(w, e) && sandbox_supervisor(e);
}

/* The child's half of fork(). */
static void become_reader(struct work *w)
{
	FILE *out = stdout;
	if (w->folder >= 0) {
		close(w->folder);
		close(w->pipe[0]);
		out = fdopen(w->pipe[1], "w");
	}
	_exit(out ? parse(w, out) : 2);
}

static int run(struct work *w, struct error *e)
{
	int status = 0;
	bool good = true;
	fflush(NULL);
	const pid_t child = fork();
	if (child == 0)
		become_reader(w);
	if (child < 0) {
		error_set(e, "no process from the system: %s", strerror(errno));
		return 2;
	}
	if (w->folder >= 0) {
		close(w->pipe[1]);
		good = files(w, e);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		error_set(e, "the process that reads was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
		return 2;
	}
	return good ? WEXITSTATUS(status) : 2;
}

int tlsrpt_command(const struct options *o)
{
	static struct work w;
	struct error e = { "" };
	w.o = o;
	signal(SIGPIPE, SIG_IGN);
	const int status = prepare(&w, &e) ? run(&w, &e) : 2;
	if (e.text[0])
		fprintf(stderr, "mxwitness: %s\n", e.text);
	tlsrpt_free(w.sums);
	line_source_close(w.source);
	sts_cache_free(w.sts);
	rules_free(w.rules);
	settings_free(&w.settings);
	return status;
}
