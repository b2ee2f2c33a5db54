/* judge_command: see judge_command.h. It opens and parses what the operator gave and splits into processes, as read.c does, of which it
 * is a shorter line: lines, judge, output. Nobody is asked anything: identity and DNS were found out where the packets were. */
#include "judge_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "quantity.h"
#include "read.h"
#include "run.h"
#include "run_outputs.h"
#include "stream_url.h"

/* The second end of run_lines.stop; a signal handler has no other way to know it. */
static int stop_writes = -1;

static void on_signal(int number)
{
	(void)number;
	const int saved = errno;
	if (write(stop_writes, "", 1) < 0) /* it is full of words like this one */
		errno = 0;
	errno = saved;
}

static bool duration(const char *option, const char *text, int64_t *ns, struct error *e)
{
	uint64_t ms;
	if (quantity_duration(bytes_of(text), &ms) != QUANTITY_GOOD || ms > INT64_MAX / 1000000)
		return error_set(e, "%s %s: a number and its unit, ms, s, m, h or d: 60s", option, text);
	*ns = (int64_t)ms * 1000000;
	return true;
}

/* The judges of a group are those that have a bucket. */
static bool share(const char *group, const char *of, struct run_lines *l, struct error *e)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	if (!*group || strlen(group) > 32 || group[strspn(group, letters)])
		return error_set(e, "--group %.64s: letters, digits, dashes and underscores, 32 of them at most", group);
	snprintf(l->bucket, sizeof(l->bucket), "%s-%s", of, group);
	l->shares = shares_new();
	return l->shares || error_set(e, "no memory");
}

/* The stream as an output would have it, so that it is opened in the same way and with the same words. */
static bool stream(const struct options *o, const struct settings *s, struct run_lines *l, struct error *e)
{
	static struct stream_url url;
	static struct output_settings from;
	int64_t window = 0;
#ifndef HAVE_NATS
	return error_set(e, "--from: this mxwitness was built without libnats");
#endif
	if (!stream_url_read(o->from, &url, e))
		return false;
	if ((o->window || !o->once) && !duration("--window", o->window ? o->window : "25h", &window, e))
		return false;
	from = (struct output_settings){ .type = output_type_nats, .address = url.hosts, .stream = url.stream, .subject = url.subject, .tls = url.tls,
		.ca = s->from_ca, .cert = s->from_cert, .key = s->from_key, .server_name = s->from_server_name,
		.credentials = s->from_credentials, .datasets = 1u << dataset_session };
	l->from = &from;
	l->once = o->once;
	l->since = window ? (int64_t)time(NULL) * 1000000000 - window : 0;
	if (pipe2(l->feed, O_CLOEXEC) != 0 || fcntl(l->feed[1], F_SETFL, O_NONBLOCK) != 0)
		return error_set(e, "no pipe from the system: %s", strerror(errno));
	if (!o->once && !share(o->group ? o->group : "judge", url.stream, l, e))
		return false;
	l->source = line_source_open(l->feed[0], o->from, l->stop[0], e);
	return l->source;
}

static bool lines(const struct options *o, const struct settings *s, struct run_lines *l, struct error *e)
{
	if (!duration("--lateness", o->lateness ? o->lateness : "60s", &l->lateness, e) ||
	    !duration("--silent", o->silent ? o->silent : "10m", &l->silent, e) ||
	    !duration("--ahead", o->ahead ? o->ahead : "1d", &l->ahead, e))
		return false;
	if (pipe2(l->stop, O_CLOEXEC | O_NONBLOCK) != 0)
		return error_set(e, "no pipe from the system: %s", strerror(errno));
	stop_writes = l->stop[1];
	if (o->from)
		return stream(o, s, l, e);
	l->source = line_source_files(o->captures, o->ncaptures, l->stop[0], e);
	return l->source;
}

/* Everything that can be wrong is found here, before a line is printed; the output file comes last. */
static bool prepare(const struct options *o, struct run *run, struct run_lines *l, struct error *e)
{
	struct options mine = *o;
	mine.dns = "off";
	run->user = sandbox_user_find("mxwitness", NULL);
	run->all = o->all;
	run->verbose = o->verbose;
	run->state = o->state;
	run->spill = run->verifier = -1;
	run->lines = l;
	if (o->state && !folder_is(o->state))
		return error_set(e, "--state %s: no such folder; make it first", o->state);
	return read_prepare(&mine, run, e) && lines(o, &run->settings, l, e) && run_outputs(o, run, true, e) && read_output(o, run, e);
}

int judge_command(const struct options *o)
{
	static struct run run;
	static struct run_lines l;
	const struct sigaction stop = { .sa_handler = on_signal };
	struct error e;
	if (prepare(o, &run, &l, &e) && sandbox_supervisor(&e)) {
		signal(SIGPIPE, SIG_IGN);
		sigaction(SIGTERM, &stop, NULL);
		sigaction(SIGINT, &stop, NULL);
		read_terminal(o, &run);
		run.progress = false;
		return run_all(&run);
	}
	fprintf(stderr, "mxwitness: %s\n", e.text);
	return 2;
}
