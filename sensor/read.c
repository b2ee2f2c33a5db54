/* read: see read.h. The supervisor: it opens and parses what the operator gave, before anything is printed, starts
 * one process for each right, and parses nothing that came from the network. */
#include "read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "folder.h"
#include "run.h"
#include "run_outputs.h"
#include "trust.h"
#include "upstream.h"

#ifndef MXWITNESS_RULES
#define MXWITNESS_RULES "/usr/local/share/mxwitness/rules"
#endif

enum { EXHIBITS = 128 * 1024 * 1024, LINK_DNS = 32 * 1024 * 1024, OTHER_PORTS_MAX = 65536 };

_Static_assert((int)SITE_DNS_PORTS == (int)PIPELINE_DNS_PORTS, "what the site may name is what the pipeline follows");

static bool port_of(const char *s, const char *end, uint16_t *port)
{
	unsigned v = 0;
	if (s == end || end - s > 5)
		return false;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (unsigned)(*s - '0');
	}
	*port = (uint16_t)v;
	return v > 0 && v < 65536;
}

bool read_ports(const char *list, struct pipeline_config *c, struct error *e)
{
	c->nports = 0;
	for (const char *s = list; *s;) {
		size_t n = strcspn(s, ","), digits = strcspn(s, ",=");
		struct mail_port *p = &c->ports[c->nports];
		p->tls = n == digits + 4 && strncmp(s + digits, "=tls", 4) == 0;
		if (c->nports == PIPELINE_PORTS || !port_of(s, s + digits, &p->port) || (n != digits && !p->tls))
			return error_set(e, "--ports %s: \"%.*s\" is not a port; write PORT or PORT=tls, commas between, at "
					 "most %d of them", list, (int)n, s, PIPELINE_PORTS);
		c->nports++;
		s += n + (s[n] == ',');
	}
	return c->nports || error_set(e, "--ports: no port in the list");
}

bool read_other_ports(const char *text, struct pipeline_config *c, struct error *e)
{
	char *end = NULL;
	unsigned long every = strtoul(text, &end, 10);
	bool off = strcmp(text, "off") == 0, number = *text >= '1' && *text <= '9' && !*end && every <= OTHER_PORTS_MAX;
	c->odd = number ? (uint32_t)every : 0;
	return off || number ||
	       error_set(e, "--other-ports %s: it is off, or one connection in how many, 1 to %d", text, OTHER_PORTS_MAX);
}

static bool upstreams(const char *list, struct resolver_config *c, struct error *e)
{
	c->upstreams = 0;
	for (const char *s = list;; s++) {
		size_t n = strcspn(s, ",");
		char *text = c->upstream[c->upstreams];
		if (c->upstreams == RESOLVER_UPSTREAMS || n >= RESOLVER_UPSTREAM_TEXT)
			return error_set(e, "--resolver %s: at most %d servers of less than %d characters each", list,
					 RESOLVER_UPSTREAMS, RESOLVER_UPSTREAM_TEXT);
		memcpy(text, s, n);
		text[n] = '\0';
		if (!upstream_check(text, e))
			return false;
		c->upstreams++;
		s += n;
		if (!*s)
			return true;
	}
}

/* Comes last of all that can be wrong, for it makes a file. */
static bool save_dns(const char *path, struct run *run, struct error *e)
{
	if (!path)
		return true;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	run->resolver.save = fd + 1;
	return fd >= 0 || error_set(e, "%s: cannot write there: %s", path, strerror(errno));
}

static bool dns(const struct options *o, struct run *run, struct error *e)
{
	struct resolver_config *c = &run->resolver;
	const char *mode = o->dns ? o->dns : "capture";
	c->mode = strcmp(mode, "off") == 0 ? RESOLVE_OFF : strcmp(mode, "live") == 0 ? RESOLVE_LIVE :
		  strcmp(mode, "auto") == 0 ? RESOLVE_AUTO : RESOLVE_CAPTURE;
	const char *anchor = o->anchor ? o->anchor : run->settings.dns_trust_anchor;
	const char *resolver = o->resolver ? o->resolver : run->settings.dns_resolver;
	if (anchor) {
		char *text;
		if (!resolver_anchor_read(anchor, &text, e))
			return false;
		c->anchors = text;
	}
	if (resolver)
		return upstreams(resolver, c, e);
	if (c->mode == RESOLVE_LIVE || c->mode == RESOLVE_AUTO)
		return resolver_system_upstreams(c, e);
	return true;
}

/* Those of the source tree when the program runs from one of its build folders, else the installed ones. */
const char *read_rules_dir(char buf[PATH_MAX])
{
	static const char *const up[] = { "../rules", "../../rules" };
	char self[PATH_MAX], path[PATH_MAX + 64];
	struct stat st;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return MXWITNESS_RULES;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(up) / sizeof(up[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s/severity.yaml", self, up[i]);
		if (stat(path, &st) != 0)
			continue;
		*strrchr(path, '/') = '\0';
		return realpath(path, buf) ? buf : MXWITNESS_RULES;
	}
	return MXWITNESS_RULES;
}

static int spill_file(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	char name[] = "/tmp/mxwitness-XXXXXX";
	fd = mkstemp(name);
	if (fd >= 0)
		unlink(name);
	return fd;
}

void read_terminal(const struct options *o, struct run *run)
{
	struct winsize ws;
	const char *term = getenv("TERM");
	bool dumb = term && strcmp(term, "dumb") == 0;
	bool tty = isatty(run->out);
	if (!o->format)
		run->format = tty ? FORMAT_TABLE : FORMAT_NDJSON;
	else
		run->format = strcmp(o->format, "table") == 0 ? FORMAT_TABLE : FORMAT_NDJSON;
	run->width = tty && ioctl(run->out, TIOCGWINSZ, &ws) == 0 && ws.ws_col ? ws.ws_col : 120;
	run->colour = tty && !dumb && !getenv("NO_COLOR");
	run->progress = isatty(STDERR_FILENO) && !dumb && !o->quiet;
}

bool read_output(const struct options *o, struct run *run, struct error *e)
{
	run->out = STDOUT_FILENO;
	if (o->out)
		run->out = open(o->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	return run->out >= 0 || error_set(e, "%s: cannot write there: %s", o->out, strerror(errno));
}

bool read_prepare(const struct options *o, struct run *run, struct error *e)
{
	char buf[PATH_MAX];
	const char *dir = o->rules ? o->rules : read_rules_dir(buf);
	const char *other_ports = o->other_ports ? o->other_ports : "1"; /* of a file all is there anyway */
	struct settings *s = &run->settings;
	if (!config_read(o->config, s, e))
		return false;
	run->context.ports = o->ports ? o->ports : s->ports;
	run->context.dns = o->dns ? o->dns : "capture";
	for (size_t i = 0; i < RUN_INNER; i++)
		run->inner[i] = -1;
	run->pipeline.flows = s->limits_flows;
	run->pipeline.dialogues = s->limits_dialogues;
	run->pipeline.budget = s->limits_reassembly;
	run->pipeline.attempts = s->site.own.n > 0;
	run->pipeline.ndns = s->site.ndns;
	memcpy(run->pipeline.dns_port, s->site.dns_port, sizeof(s->site.dns_port));
	if (!read_ports(run->context.ports, &run->pipeline, e) || !read_other_ports(other_ports, &run->pipeline, e))
		return false;
	snprintf(run->context.other_ports, sizeof(run->context.other_ports), "%s", other_ports);
	run->peer = trust_open(&s->site, e);
	if (!run->peer)
		return false;
	if (s->sts_cache && !(run->sts = sts_cache_load(s->sts_cache, e)))
		return false;
	run->rules = rules_load(dir, &s->rules, e);
	if (!run->rules || !dns(o, run, e))
		return false;
	if (getrandom(run->pipeline.key, sizeof(run->pipeline.key), 0) != (ssize_t)sizeof(run->pipeline.key))
		return error_set(e, "no random octets from the system: %s", strerror(errno));
	return evidence_digests(&run->context, dir, &s->rules, run->resolver.anchors, e);
}

void read_release(struct run *run)
{
	rules_free(run->rules);
	peer_free(run->peer);
	sts_cache_free(run->sts);
	evidence_dir_close(run->evidence);
	free((char *)(uintptr_t)run->resolver.anchors);
	run->rules = NULL;
	run->peer = NULL;
	run->sts = NULL;
	run->evidence = NULL;
	run->resolver.anchors = NULL;
}

static bool evidence(const struct options *o, struct run *run, struct error *e)
{
	struct evidence_budget budget;
	if (!o->evidence)
		return true;
	if (!evidence_budget_read(o->budget, &budget, e))
		return false;
	run->pipeline.exhibits = EXHIBITS;
	run->resolver.kept = LINK_DNS;
	run->evidence = evidence_dir_open(o->evidence, &budget, e);
	return run->evidence;
}

/* Everything that can be wrong is found here, before a line is printed; the output file comes last. */
static bool prepare(const struct options *o, struct run *run, struct error *e)
{
	run->user = sandbox_user_find("mxwitness", NULL);
	run->all = o->all;
	run->verbose = o->verbose;
	run->state = o->state;
	if (o->state && !folder_is(o->state))
		return error_set(e, "--state %s: no such folder; make it first", o->state);
	if (!read_prepare(o, run, e))
		return false;
	run->pipeline.dns = run->resolver.mode == RESOLVE_CAPTURE || run->resolver.mode == RESOLVE_AUTO;
	run->source = source_open(o->captures, o->ncaptures, e);
	if (!run->source)
		return false;
	if (o->ndns_from && !(run->dns_source = source_open(o->dns_from, o->ndns_from, e)))
		return false;
	run->verifier = -1;
	run->spill = spill_file();
	if (run->spill < 0)
		return error_set(e, "no temporary file for waiting sessions: %s; set TMPDIR", strerror(errno));
	return save_dns(o->save_dns, run, e) && evidence(o, run, e) && run_outputs(o, run, false, e) && read_output(o, run, e);
}

/* PAIR_RF (outside.h) and PAIR_OV (proc_verifier) carry packets, PAIR_OD nothing but its end, the others channels. */
enum { PAIR_CJ, PAIR_CR, PAIR_JR, PAIR_JO, PAIR_RF, PAIR_OV, PAIR_OD, PAIRS };
enum role { ROLE_CAPTURE, ROLE_RESOLVER, ROLE_FORWARDER, ROLE_JUDGE, ROLE_OUTPUT, ROLE_VERIFIER, ROLE_DELIVER, ROLE_FETCH, ROLES };
static const char *const role_name[ROLES] = { "capture", "resolver", "forwarder", "judge", "output", "verifier", "deliver", "fetch" };

/* Which end of which pair a process keeps: 0 the first named, 1 the second, -1 none. */
static const int keeps[ROLES][PAIRS] = {
	[ROLE_CAPTURE] = { 0, 0, -1, -1, -1, -1, -1 },
	[ROLE_RESOLVER] = { -1, 1, 1, -1, 0, -1, -1 },
	[ROLE_FORWARDER] = { -1, -1, -1, -1, 1, -1, -1 },
	[ROLE_JUDGE] = { 1, -1, 0, 0, -1, -1, -1 },
	[ROLE_OUTPUT] = { -1, -1, -1, 1, -1, 0, 0 },
	[ROLE_VERIFIER] = { -1, -1, -1, -1, -1, 1, -1 },
	[ROLE_DELIVER] = { -1, -1, -1, -1, -1, -1, 1 },
	[ROLE_FETCH] = { -1, -1, -1, -1, -1, -1, -1 },
};

static const char *name_of(enum role role, const struct run *run)
{
	return run->lines && role == ROLE_CAPTURE ? "lines" : role_name[role];
}

static int kept(enum role role, int pair, const struct run *run)
{
	return run->discover && role == ROLE_OUTPUT && pair == PAIR_CR ? 1 : keeps[role][pair];
}

/* Does this run need the process? */
static bool needed(enum role role, const struct run *run)
{
	enum resolve_mode mode = run->resolver.mode;
	if (role == ROLE_FORWARDER)
		return mode == RESOLVE_LIVE || mode == RESOLVE_AUTO;
	if (role == ROLE_DELIVER)
		return run->spool;
	if (role == ROLE_FETCH)
		return run->lines && run->lines->from;
	if (role == ROLE_VERIFIER)
		return run->evidence && !run->claim;
	return role != ROLE_RESOLVER || mode != RESOLVE_OFF;
}

/* packets: the process' end of PAIR_RF or PAIR_OV; over: of PAIR_OD */
static int live(enum role role, const struct run *run, struct channel *ch[PAIRS], int packets, int over)
{
	bool resolver = needed(ROLE_RESOLVER, run);
	switch (role) {
	case ROLE_CAPTURE:
		if (run->lines)
			return proc_lines(run, ch[PAIR_CJ]);
		return proc_capture(run, ch[PAIR_CJ], resolver || run->discover ? ch[PAIR_CR] : NULL);
	case ROLE_RESOLVER:
		return proc_resolver(run, ch[PAIR_CR], ch[PAIR_JR], packets);
	case ROLE_FORWARDER:
		return proc_forwarder(run, packets, NULL, 0);
	case ROLE_JUDGE:
		if (run->lines)
			return proc_again(run, ch[PAIR_CJ], ch[PAIR_JO]);
		return proc_judge(run, ch[PAIR_CJ], resolver ? ch[PAIR_JR] : NULL, ch[PAIR_JO]);
	case ROLE_OUTPUT:
		if (run->discover)
			return proc_discover(run, ch[PAIR_CR], ch[PAIR_JO]);
		return run->claim ? proc_compare(run, ch[PAIR_JO]) : proc_output(run, ch[PAIR_JO]);
	case ROLE_VERIFIER:
		return proc_verifier(run, packets);
	case ROLE_DELIVER:
		return proc_deliver(run, over, NULL, 0);
	case ROLE_FETCH:
		return proc_fetch(run);
	case ROLES:
		break;
	}
	return 2;
}

/* Who reads lines is told when they are to end; the others end behind it. */
static void leave_lines(enum role role, const struct run_lines *lines)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	close(lines->stop[1]);
	if (lines->from && role != ROLE_FETCH)
		close(lines->feed[1]);
	if (role == ROLE_CAPTURE)
		return;
	close(lines->stop[0]);
	line_source_close(lines->source);
}

/* The child's half of fork(): closes what is not its own, lives, and ends. */
static void become(enum role role, const struct run *run, int fd[PAIRS][2])
{
	struct run mine = *run;
	struct channel *ch[PAIRS] = { NULL };
	char name[16];
	int packets = -1, over = -1;
	snprintf(name, sizeof(name), "mxw-%s", name_of(role, run));
	prctl(PR_SET_NAME, name);
	for (int p = 0; p < PAIRS; p++)
		for (int end = 0; end < 2; end++) {
			bool used = p != PAIR_RF || needed(ROLE_FORWARDER, run);
			if (kept(role, p, run) != end || !used)
				close(fd[p][end]);
			else if (p == PAIR_RF || p == PAIR_OV)
				packets = fd[p][end];
			else if (p == PAIR_OD)
				over = fd[p][end];
			else if (!(ch[p] = channel_new(fd[p][end])))
				_exit(2);
		}
	mine.verifier = packets;
	if (role != ROLE_OUTPUT)
		close(run->out);
	if (role != ROLE_OUTPUT || run->claim)
		evidence_dir_close(run->evidence);
	if (role != ROLE_JUDGE && run->spill >= 0)
		close(run->spill);
	for (size_t i = 0; i < RUN_INNER; i++)
		if (run->inner[i] >= 0)
			close(run->inner[i]);
	if (role != ROLE_RESOLVER && run->resolver.save)
		close(run->resolver.save - 1);
	if (role != ROLE_CAPTURE) {
		source_close(run->source);
		source_close(run->dns_source);
	}
	if (run->lines)
		leave_lines(role, run->lines);
	if (run->lines && run->by_outputs)
		signal(SIGHUP, SIG_IGN); /* the output has its own use of it */
	int status = live(role, &mine, ch, packets, over);
	for (int p = 0; p < PAIRS; p++)
		channel_free(ch[p]);
	_exit(status);
}

static bool pairs(int fd[PAIRS][2], struct error *e)
{
	for (int p = 0; p < PAIRS; p++)
		if (!channel_pair(fd[p]))
			return error_set(e, "cannot join the processes: %s", strerror(errno));
	return true;
}

/* Waits for all; the output's status counts, and a process that was killed makes it 2. */
static int wait_for(const pid_t pid[ROLES], const struct run *run)
{
	int result = 2;
	bool bad = false;
	for (int r = 0; r < ROLES; r++) {
		int status;
		if (pid[r] <= 0)
			continue;
		while (waitpid(pid[r], &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status)) {
			fprintf(stderr, "mxwitness: the %s process was ended by signal %d (%s)\n", name_of((enum role)r, run),
				WTERMSIG(status), strsignal(WTERMSIG(status)));
			bad = true;
		} else if (r == ROLE_OUTPUT) {
			result = WEXITSTATUS(status);
		} else if (r == ROLE_DELIVER || r == ROLE_FETCH) {
			bad |= WEXITSTATUS(status) != 0;
		}
	}
	return bad ? 2 : result;
}

/* The process that writes files; a signal handler has no other way to know it. */
static volatile sig_atomic_t writer;

/* Files were renamed: who writes them opens them anew. */
static void on_hup(int number)
{
	(void)number;
	const int saved = errno;
	if (writer > 0)
		kill((pid_t)writer, SIGHUP);
	errno = saved;
}

int run_all(const struct run *run)
{
	struct error e;
	int fd[PAIRS][2];
	pid_t pid[ROLES] = { 0 };
	if (!pairs(fd, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	fflush(NULL);
	if (run->lines && run->by_outputs)
		signal(SIGHUP, on_hup);
	for (int r = 0; r < ROLES; r++) {
		if (!needed((enum role)r, run))
			continue;
		pid[r] = fork();
		if (pid[r] == 0)
			become((enum role)r, run, fd);
		if (r == ROLE_OUTPUT)
			writer = (sig_atomic_t)pid[r];
		if (pid[r] < 0)
			fprintf(stderr, "mxwitness: cannot start the %s process: %s\n", role_name[r], strerror(errno));
	}
	for (int p = 0; p < PAIRS; p++) {
		close(fd[p][0]);
		close(fd[p][1]);
	}
	if (run->lines && run->lines->from) {
		close(run->lines->feed[1]);
		line_source_close(run->lines->source);
	}
	return wait_for(pid, run);
}

/* The operator's program for the manifest. The supervisor gives up the right to start programs before it starts anything
 * that reads packets, so who will start this one is forked before that, and waits. */
struct hook {
	const char *program;
	int start;
	pid_t pid;
};

static void hook_wait(const char *program, const char *manifest, int start)
{
	char c;
	if (read(start, &c, 1) != 1)
		_exit(0);
	signal(SIGPIPE, SIG_DFL);
	execlp(program, program, manifest, (char *)NULL);
	fprintf(stderr, "mxwitness: --evidence-hook %s: %s\n", program, strerror(errno));
	_exit(127);
}

static bool hook_open(struct hook *h, const char *program, const struct evidence_dir *dir, struct error *e)
{
	int fd[2];
	char path[PATH_MAX + 16];
	*h = (struct hook){ program, -1, 0 };
	if (!program)
		return true;
	snprintf(path, sizeof(path), "%s/MANIFEST", evidence_dir_path(dir));
	if (pipe2(fd, O_CLOEXEC) != 0)
		return error_set(e, "--evidence-hook %s: %s", program, strerror(errno));
	fflush(NULL);
	h->pid = fork();
	if (h->pid == 0) {
		close(fd[1]);
		hook_wait(program, path, fd[0]);
	}
	close(fd[0]);
	h->start = fd[1];
	return h->pid > 0 || error_set(e, "--evidence-hook %s: %s", program, strerror(errno));
}

static int hook_run(const struct hook *h, int status)
{
	int ended = -1;
	if (!h->program)
		return status;
	ssize_t n = write(h->start, "", 1);
	close(h->start);
	while (waitpid(h->pid, &ended, 0) < 0 && errno == EINTR)
		;
	if (n == 1 && WIFEXITED(ended) && WEXITSTATUS(ended) == 0)
		return status;
	fprintf(stderr, "mxwitness: --evidence-hook %s failed; the manifest is not signed\n", h->program);
	return 2;
}

int read_command(const struct options *o)
{
	static struct run run;
	struct error e;
	if (!prepare(o, &run, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* a reader that went away is an answer, not a signal */
	read_terminal(o, &run);
	struct hook hook;
	if (!hook_open(&hook, o->hook, run.evidence, &e) || !sandbox_supervisor(&e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	const int status = run_all(&run);
	run_outputs_end(&run);
	return hook_run(&hook, status);
}

/* Where mail and DNS are found besides their own ports, for who has not said it: they only cost packets. */
static const char mail_ports[] = "25,587,2525,465=tls,24,26,1025,1587,2465=tls,2526,2587,8025,10024,10025,10026,10587,25025";
static const uint16_t other_dns[] = { 1053, 5053, 5300, 5335, 5354, 5453, 8053, 10053 };

int discover_command(const struct options *o)
{
	static struct run run;
	struct options mine = *o;
	struct error e;
	mine.dns = "off"; /* nobody is asked, and nothing is judged by promises */
	if (!o->ports && !o->config)
		mine.ports = mail_ports;
	if (!prepare(&mine, &run, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	run.discover = true;
	run.pipeline.dns = true;
	if (!run.pipeline.ndns) {
		run.pipeline.ndns = sizeof(other_dns) / sizeof(other_dns[0]);
		memcpy(run.pipeline.dns_port, other_dns, sizeof(other_dns));
	}
	signal(SIGPIPE, SIG_IGN);
	if (sandbox_supervisor(&e))
		return run_all(&run);
	fprintf(stderr, "mxwitness: %s\n", e.text);
	return 2;
}
