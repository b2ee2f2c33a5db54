/* proc_deliver: what waits in spools to its receivers: a process for each output, so that one whose library or receiver hangs holds up no
 * other. Here they are begun, begun anew, and ended; what each does is deliver's. */
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "carrier.h"
#include "deliver.h"
#include "format.h"
#include "log.h"
#include "receivers.h"
#include "rights.h"

/* WAIT_MS      between two looks at a spool where nothing comes     LIFE_MS  a process that shows no life for so long hangs
 * STOP_MS      at the end of `mxwitness watch`, for what still can go: the rest goes after the next start
 * PATIENCE_MS  at the end of a run that has no next start, without anything being taken
 * GRACE_MS     more, and who has not ended is ended */
enum { DELIVERS = 16, NAME = 96, WAIT_MS = 100, TICK_MS = 250, LIFE_MS = 90000, STOP_MS = 3000, PATIENCE_MS = 30000, GRACE_MS = 5000,
       FIRST_MS = 1000, LONGEST_MS = 60000 };

/* One process. again: ms, when it is begun anew; 0: it runs, or is not to be begun any more */
struct bearer {
	const struct output_settings *output;
	char name[NAME], folder[PATH_MAX];
	pid_t pid;
	int64_t again;
	unsigned failures;
	int status;
};

struct bearers {
	const struct run *run;
	size_t n;
	struct bearer at[DELIVERS];
	_Atomic int64_t *beat;
	int64_t patience;
};

static volatile sig_atomic_t told;

static void on_told(int number)
{
	(void)number;
	told = 1;
}

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- in a process of its own ---- */

/* The output process makes the spool, and may come later. NULL: told to end before there was one; nothing is in it. */
static struct deliver *open_spool(const struct bearers *b, const struct bearer *k, _Atomic int64_t *beat)
{
	struct error e;
	struct deliver *d = NULL;
	bool last;
	rights_files_as(&b->run->user, true);
	do {
		last = told; /* a short run may be over before this process has begun */
		d = deliver_new(k->folder, k->name, carrier_kind(k->output->type), k->output, DELIVER_PAUSE_MS, &e);
		atomic_store(beat, ms_now());
		if (!d && !last)
			poll(NULL, 0, WAIT_MS);
	} while (!d && !last);
	rights_files_as(&b->run->user, false);
	return d;
}

/* What was put before this process was told to end is brought on, as long as somebody takes it. */
static int last_ones(struct deliver *d, const struct bearers *b, const struct bearer *k, _Atomic int64_t *beat)
{
	int64_t until = ms_now() + b->patience;
	while (deliver_left(d) && ms_now() < until) {
		if (deliver_work(d, WAIT_MS))
			until = ms_now() + b->patience;
		atomic_store(beat, ms_now());
	}
	const uint64_t left = deliver_left(d);
	if (left && b->patience == PATIENCE_MS)
		log_line(SAY_ERROR, "output %s: %llu events did not arrive: its receiver does not take them", k->name, (unsigned long long)left);
	return left ? 1 : 0;
}

static int bring(const struct bearers *b, const struct bearer *k, _Atomic int64_t *beat)
{
	struct error e;
	char title[16];
	snprintf(title, sizeof(title), "mxw-to-%.8s", k->name);
	prctl(PR_SET_NAME, title);
	struct deliver *d = open_spool(b, k, beat);
	if (!d)
		return 0;
	if (!sandbox_deliver(&b->run->user, &e)) {
		log_line(SAY_ERROR, "output %s: %s", k->name, e.text);
		return 2;
	}
	while (!told) {
		deliver_work(d, WAIT_MS);
		atomic_store(beat, ms_now());
	}
	const int status = last_ones(d, b, k, beat);
	deliver_free(d);
	return status;
}

/* ---- who begins and ends them ---- */

static void begin(struct bearers *b, size_t i)
{
	struct bearer *k = &b->at[i];
	const pid_t self = getpid();
	atomic_store(&b->beat[i], ms_now());
	k->again = 0;
	fflush(NULL);
	k->pid = fork();
	if (k->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		_exit(getppid() == self ? bring(b, k, &b->beat[i]) : 0);
	}
	if (k->pid < 0) {
		k->pid = 0;
		k->again = ms_now() + LONGEST_MS;
		log_line(SAY_ERROR, "output %s: no process for it: %s", k->name, strerror(errno));
	}
}

static void ended(struct bearer *k, int status, bool ending)
{
	const int64_t wait = FIRST_MS << (k->failures < 6 ? k->failures : 6);
	k->pid = 0;
	k->status = status;
	if (WIFSIGNALED(status))
		log_line(SAY_ERROR, "output %s: the process that brings its events was ended by signal %d (%s)", k->name, WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	if (ending)
		return;
	k->failures++;
	k->again = ms_now() + (wait < LONGEST_MS ? wait : LONGEST_MS);
}

static void reap(struct bearers *b, bool ending)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < b->n; i++)
			if (b->at[i].pid == pid)
				ended(&b->at[i], status, ending);
}

static void look_after(struct bearers *b)
{
	const int64_t now = ms_now();
	reap(b, false);
	for (size_t i = 0; i < b->n; i++) {
		if (b->at[i].pid == 0 && b->at[i].again && now >= b->at[i].again)
			begin(b, i);
		else if (b->at[i].pid > 0 && now - atomic_load(&b->beat[i]) > LIFE_MS)
			kill(b->at[i].pid, SIGKILL);
	}
}

static bool some_run(const struct bearers *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->at[i].pid > 0)
			return true;
	return false;
}

static void tell(const struct bearers *b, int number)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->at[i].pid > 0)
			kill(b->at[i].pid, number);
}

/* 0: everything that was put has arrived. */
static int finish(struct bearers *b, const struct supervisor *supervisor, unsigned job)
{
	tell(b, SIGTERM);
	for (int64_t moved = ms_now(); some_run(b); poll(NULL, 0, TICK_MS / 5)) {
		reap(b, true);
		for (size_t i = 0; i < b->n; i++) /* one that is at work goes on as long as it gets on */
			if (b->at[i].pid > 0 && atomic_load(&b->beat[i]) > moved)
				moved = atomic_load(&b->beat[i]);
		if (ms_now() - moved > GRACE_MS)
			tell(b, SIGKILL);
		if (supervisor)
			supervisor_beat(supervisor, job);
	}
	for (size_t i = 0; i < b->n; i++)
		if (!WIFEXITED(b->at[i].status) || WEXITSTATUS(b->at[i].status) != 0)
			return 2;
	return 0;
}

static bool set_up(struct bearers *b, const struct run *run)
{
	const struct setting_outputs *o = &run->settings.output;
	const struct sigaction a = { .sa_handler = on_told };
	sigaction(SIGTERM, &a, NULL);
	b->run = run;
	for (size_t i = 0; run->spool && i < o->n && b->n < DELIVERS; i++) {
		struct bearer *k = &b->at[b->n];
		if (!receivers_have(&o->at[i]) || !receivers_folder(run->spool, &o->at[i], k->folder, sizeof(k->folder)))
			continue;
		k->output = &o->at[i];
		format_name(k->output, k->name, sizeof(k->name));
		b->n++;
	}
	void *shared = mmap(NULL, DELIVERS * sizeof(*b->beat), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	b->beat = shared;
	return shared != MAP_FAILED;
}

int proc_deliver(const struct run *run, int over, const struct supervisor *supervisor, unsigned job)
{
	static struct bearers b;
	struct pollfd p = { .fd = over, .events = POLLIN };
	if (!set_up(&b, run)) {
		log_line(SAY_ERROR, "deliver: no memory");
		return 2;
	}
	b.patience = supervisor ? STOP_MS : PATIENCE_MS;
	for (size_t i = 0; i < b.n; i++)
		begin(&b, i);
	while (!told && poll(&p, 1, TICK_MS) <= 0) {
		look_after(&b);
		if (supervisor)
			supervisor_beat(supervisor, job);
	}
	return finish(&b, supervisor, job);
}
