/* judge_command: see judge_command.h. It opens and parses what the operator gave and splits into processes, as read.c does, of which it
 * is a shorter line: lines, judge, output. Nobody is asked anything: identity and DNS were found out where the packets were. */
#include "judge_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "quantity.h"
#include "read.h"
#include "run.h"
#include "run_outputs.h"

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

static bool lines(const struct options *o, struct run_lines *l, struct error *e)
{
	if (!duration("--lateness", o->lateness ? o->lateness : "60s", &l->lateness, e) ||
	    !duration("--silent", o->silent ? o->silent : "10m", &l->silent, e) ||
	    !duration("--ahead", o->ahead ? o->ahead : "1d", &l->ahead, e))
		return false;
	if (pipe2(l->stop, O_CLOEXEC | O_NONBLOCK) != 0)
		return error_set(e, "no pipe from the system: %s", strerror(errno));
	stop_writes = l->stop[1];
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
	return read_prepare(&mine, run, e) && lines(o, l, e) && run_outputs(o, run, true, e) && read_output(o, run, e);
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
