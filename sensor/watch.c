/* watch: see watch.h. The supervisor: reads the configuration, opens interfaces, joins and starts the processes, and then only
 * watches over them: starts anew who ended, puts other settings in force, brings interfaces back. It parses no packet. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "listener.h"
#include "log.h"
#include "notify.h"
#include "read.h"
#include "receivers.h"
#include "rights.h"
#include "sink.h"
#include "watch_host.h"

/* EXHIBITS: octets for packets kept as evidence       LINK_DNS: for DNS messages of the link, as they were
 * JUDGE_MS: so long the judge may take for the end      LOOP_MS: a worker that shows no life for so long hangs */
enum { EXHIBITS = 128 << 20, LINK_DNS = 32 << 20, JUDGE_MS = 45000, SHORTEST_MS = 10, LOOP_MS = 3000 };

static int64_t ns_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t ms_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what each process runs that has no file of its own ---- */

int watch_forwarder(void *context, unsigned job)
{
	struct watch *w = context;
	return proc_forwarder(&w->run, w->resolver_forwarder[1], w->supervisor, job);
}

int watch_verifier(void *context, unsigned job)
{
	struct watch *w = context;
	struct error e;
	(void)job;
	if (!rights_drop(&w->run.user, &e)) {
		log_line(SAY_ERROR, "%s", e.text);
		return 1;
	}
	verifier_hello(w->output_verifier[1]);
	return proc_verifier(&w->run, w->output_verifier[1]);
}

int watch_deliver(void *context, unsigned job)
{
	struct watch *w = context;
	log_open("mxwitness[deliver]", w->run.settings.log_level + SAY_ERROR);
	return proc_deliver(&w->run, -1, w->supervisor, job);
}

/* ---- before the first process ---- */

static bool interfaces(const struct options *o, struct settings *s, struct error *e)
{
	static const char *name[LIVE_IFACES];
	if (o->ninterfaces) {
		for (int i = 0; i < o->ninterfaces; i++)
			name[i] = o->interface[i];
		s->interfaces = (struct setting_texts){ name, (size_t)o->ninterfaces };
	}
	if (s->interfaces.n > LIVE_IFACES)
		return error_set(e, "interfaces: at most %d of them", LIVE_IFACES);
	return s->interfaces.n || error_set(e, "watch: no interface named; give -i NAME, or interfaces: in the configuration");
}

static const char *const modes[] = { [dns_mode_live] = "live", [dns_mode_auto] = "auto", [dns_mode_capture] = "capture",
				     [dns_mode_off] = "off" };

/* The options as read_prepare takes them, with what the configuration says where the command line is silent. */
static bool settle(const struct options *given, struct run *run, struct error *e)
{
	char other_ports[16];
	struct options o = *given;
	struct settings s = { .arena = { 0 } };
	bool read = config_read(o.config, &s, e);
	if (read && !o.dns)
		o.dns = modes[s.dns_mode];
	if (read && !o.other_ports) {
		snprintf(other_ports, sizeof(other_ports), s.other_ports ? "%u" : "off", s.other_ports);
		o.other_ports = other_ports;
	}
	settings_free(&s);
	return read && read_prepare(&o, run, e); /* which keeps neither o nor its own text of other ports */
}

static bool evidence(const struct options *o, struct run *run, struct error *e)
{
	struct settings *s = &run->settings;
	struct evidence_budget budget = { s->evidence_max_size, s->evidence_max_files, (int64_t)s->evidence_max_age * 1000000 };
	const char *path = o->evidence ? o->evidence : s->evidence_directory;
	if (!path)
		return true;
	if (o->budget && !evidence_budget_read(o->budget, &budget, e))
		return false;
	s->evidence_directory = path; /* where the output process may write */
	run->pipeline.exhibits = EXHIBITS;
	run->resolver.kept = LINK_DNS;
	run->evidence = evidence_dir_open(path, &budget, e);
	return run->evidence;
}

/* -o takes the place of the outputs of the configuration. */
static void output(const struct options *o, struct settings *s)
{
	static struct output_settings file;
	if (!o->out)
		return;
	file = (struct output_settings){ .type = output_type_file, .path = o->out, .format = output_format_ecs,
					 .minimum_level = level_informational, .datasets = UINT32_MAX };
	s->output = (struct setting_outputs){ &file, 1 };
}

/* What the processes write, opened or tried as who they will be. */
static bool files(const struct options *o, struct run *run, struct error *e)
{
	rights_files_as(&run->user, true);
	bool good = evidence(o, run, e) && sinks_try(&run->settings, e);
	rights_files_as(&run->user, false);
	struct error why = *e;
	return good || !run->user.change ? good : error_set(e, "%s (as user %s)", why.text, run->settings.user);
}

/* Makes the folder for the user, if it is not there. false: errno says why he cannot write there. */
static bool folder_for(const struct run *run, const char *what, const char *path)
{
	if (mkdir(path, 0700) == 0 && run->user.change && chown(path, run->user.uid, run->user.gid) != 0)
		log_line(SAY_WARNING, "%s: %s: %s", what, path, strerror(errno));
	rights_files_as(&run->user, true);
	const bool usable = faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
	const int error = errno;
	rights_files_as(&run->user, false);
	errno = error;
	return usable;
}

/* For events on their way. Without it nothing could be kept for a receiver that is away. */
static bool spool(struct run *run, struct error *e)
{
	const char *path = run->settings.spool;
	run->spool = NULL;
	if (receivers_count(&run->settings) == 0)
		return true;
	if (!folder_for(run, "spool", path))
		return error_set(e, "spool: %s: %s; outputs that are not files need a folder for events that wait", path, strerror(errno));
	run->spool = path;
	return true;
}

/* For what is remembered. Without one the judge has no files at all. */
static void state(struct run *run)
{
	const char *path = run->settings.state;
	if (path && !folder_for(run, "state", path)) {
		log_line(SAY_WARNING, "state: %s: %s; nothing is remembered", path, strerror(errno));
		run->settings.state = NULL;
	}
	run->state = run->settings.state;
}

/* Who has no name of his own goes by that of the machine. */
static void name_itself(struct settings *s)
{
	static char name[HOST_NAME_MAX + 1];
	if (!s->sensor_name && gethostname(name, sizeof(name) - 1) == 0 && name[0])
		s->sensor_name = name;
}

/* Everything that the configuration and the command line decide. For the start, and for each SIGHUP. */
static bool prepare(const struct options *o, struct run *run, struct error *e)
{
	if (!settle(o, run, e) || !interfaces(o, &run->settings, e))
		return false;
	run->user = sandbox_user_find(run->settings.user ? run->settings.user : "", run->settings.group);
	run->all = o->all;
	run->verbose = o->verbose;
	run->spill = run->verifier = -1;
	run->pipeline.interim = true;
	run->pipeline.dns = run->resolver.mode != RESOLVE_OFF;
	run->resolver.rolling = true;
	run->pipeline.quiet = run->settings.capture_shunt == shunting_auto ? run->settings.capture_shunt_after : 0;
	run->out = STDOUT_FILENO;
	read_terminal(o, run);
	output(o, &run->settings);
	name_itself(&run->settings);
	state(run);
	return spool(run, e) && files(o, run, e);
}

static bool open_source(struct watch *w, struct error *e)
{
	static uint16_t mail[PIPELINE_PORTS], dns[PIPELINE_DNS_PORTS + 1];
	const struct settings *s = &w->run.settings;
	const struct pipeline_config *p = &w->run.pipeline;
	size_t ndns = 0;
	struct live_config c = { .iface = s->interfaces.text, .ifaces = s->interfaces.n, .workers = w->workers,
				 .timeout = s->capture_timeout < SHORTEST_MS ? SHORTEST_MS : (unsigned)s->capture_timeout,
				 .buffer = s->capture_buffer, .promiscuous = s->capture_promiscuous };
	for (size_t i = 0; i < p->nports; i++)
		mail[i] = p->ports[i].port;
	if (p->dns)
		dns[ndns++] = 53;
	for (size_t i = 0; p->dns && i < p->ndns; i++)
		dns[ndns++] = p->dns_port[i];
	c.filter = (struct live_filter_config){ .mail = mail, .nmail = p->nports, .dns = dns, .ndns = ndns, .sample = p->odd,
						.expression = s->capture_filter, .tunnels = true };
	if (getrandom(&c.seed, sizeof(c.seed), 0) != sizeof(c.seed))
		return error_set(e, "no random octets from the system: %s", strerror(errno));
	w->source = source_live_open(&c, e);
	return w->source;
}

static bool attach_shunt(struct watch *w, size_t iface, struct error *e)
{
	for (unsigned worker = 0; worker < w->workers; worker++)
		if (!shunt_attach(w->shunt, source_live_fd(w->source, worker, iface), source_live_program(w->source, iface),
				  source_live_link(w->source, iface), e))
			return false;
	return true;
}

static bool attach_all(struct watch *w, struct error *e)
{
	bool good = true;
	for (size_t i = 0; good && i < w->ifaces; i++)
		good = attach_shunt(w, i, e);
	return good;
}

/* Without it everything works and costs more: one notice. */
static void open_shunt(struct watch *w)
{
	struct error e;
	if (w->run.settings.capture_shunt == shunting_off) {
		snprintf(w->shunt_off, sizeof(w->shunt_off), "by the configuration");
		return;
	}
	w->shunt = shunt_open(w->run.settings.capture_shunt_flows, &e);
	if (w->shunt && attach_all(w, &e))
		return;
	shunt_close(w->shunt);
	w->shunt = NULL;
	snprintf(w->shunt_off, sizeof(w->shunt_off), "%.*s", WATCH_REASON - 1, e.text);
	log_line(SAY_NOTICE, "shunt: off (%s); packets of flows that have nothing more to tell are read and passed over", w->shunt_off);
}

static bool join(struct watch *w, int fd[2], uint32_t first, uint32_t second)
{
	return channel_pair(fd) && supervisor_fd(w->supervisor, fd[0], first) && supervisor_fd(w->supervisor, fd[1], second);
}

static bool add_jobs(struct watch *w)
{
	static const struct {
		const char *name;
		supervisor_main *run;
	} jobs[] = { [WATCH_OUTPUT] = { "output", watch_output }, [WATCH_JUDGE] = { "judge", watch_judge },
		     [WATCH_RESOLVER] = { "resolver", watch_resolver }, [WATCH_FORWARDER] = { "forwarder", watch_forwarder },
		     [WATCH_VERIFIER] = { "verifier", watch_verifier }, [WATCH_DELIVER] = { "deliver", watch_deliver } };
	bool good = true;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		good = supervisor_job(w->supervisor, jobs[i].name, jobs[i].run) >= 0 && good;
	for (unsigned i = 0; i < w->workers; i++) {
		char name[SUPERVISOR_NAME];
		snprintf(name, sizeof(name), "capture%u", i % 100);
		good = supervisor_job(w->supervisor, name, watch_capture) >= 0 && good;
	}
	supervisor_calm(w->supervisor, WATCH_VERIFIER);
	return good;
}

#define BIT(job) (UINT32_C(1) << (job))

static bool join_all(struct watch *w, struct error *e)
{
	bool good = add_jobs(w) && join(w, w->judge_resolver, BIT(WATCH_JUDGE), BIT(WATCH_RESOLVER)) &&
		    join(w, w->judge_output, BIT(WATCH_JUDGE), BIT(WATCH_OUTPUT)) &&
		    join(w, w->supervisor_judge, 0, BIT(WATCH_JUDGE)) &&
		    join(w, w->resolver_forwarder, BIT(WATCH_RESOLVER), BIT(WATCH_FORWARDER)) &&
		    join(w, w->output_verifier, BIT(WATCH_OUTPUT), BIT(WATCH_VERIFIER));
	for (unsigned i = 0; good && i < w->workers; i++)
		good = join(w, w->capture_judge[i], BIT(WATCH_CAPTURE + i), BIT(WATCH_JUDGE)) &&
		       join(w, w->capture_resolver[i], BIT(WATCH_CAPTURE + i), BIT(WATCH_RESOLVER));
	return good || error_set(e, "cannot join the processes: %s", strerror(errno));
}

/* The sockets of the output process. Nobody needs `mxwitness status` to be protected: without it there is a line. */
static bool open_sockets(struct watch *w, struct error *e)
{
	struct error why;
	const struct settings *s = &w->run.settings;
	const uint32_t output = BIT(WATCH_OUTPUT);
	w->to_judge = channel_new(w->supervisor_judge[0]);
	if (!w->to_judge)
		return error_set(e, "no memory");
	if (s->status_socket && (w->status = listener_unix(s->status_socket, &w->run.user, &why)) < 0)
		log_line(SAY_WARNING, "status.socket: %s; mxwitness status will not work", why.text);
	if (s->metrics_listen && (w->metrics = listener_open(s->metrics_listen, &w->run.user, e)) < 0)
		return false;
	return (w->status < 0 || supervisor_fd(w->supervisor, w->status, output)) &&
	       (w->metrics < 0 || supervisor_fd(w->supervisor, w->metrics, output));
}

static void close_sockets(struct watch *w)
{
	listener_remove(w->status);
	listener_remove(w->metrics);
}

static bool set_up(struct watch *w, const struct options *o, struct error *e)
{
	w->status = w->metrics = -1;
	if (!prepare(o, &w->run, e))
		return false;
	w->loaded = ns_now();
	w->workers = w->run.settings.capture_workers;
	w->ifaces = w->run.settings.interfaces.n;
	if (w->workers > WATCH_WORKERS)
		return error_set(e, "capture.workers: at most %d", WATCH_WORKERS);
	w->supervisor = supervisor_new(w, SUPERVISOR_BEAT_MS);
	w->numbers = numbers_new();
	w->alerted = alerted_new(WATCH_ALERTED);
	if (!w->numbers || !w->alerted)
		return error_set(e, "no memory");
	if (!w->supervisor || !open_source(w, e))
		return w->supervisor ? false : error_set(e, "no memory");
	open_shunt(w);
	w->run.verifier = -1;
	if (!join_all(w, e) || !open_sockets(w, e))
		return false;
	watch_host_begin(w);
	w->run.verifier = w->output_verifier[0];
	return true;
}

/* ---- the life of the processes ---- */

/* Never waits: what does not go now goes with the next second. */
static void tell_judge(struct watch *w, enum channel_kind kind, struct bytes what)
{
	channel_offer(w->to_judge, kind, what, (struct bytes){ 0 });
	channel_push(w->to_judge);
}

/* While there is no judge the newest numbers need not wait behind old ones. */
static void send_stats(struct watch *w)
{
	static struct record s;
	channel_push(w->to_judge);
	if (channel_pending(w->to_judge))
		return;
	watch_host_stats(w, &s);
	tell_judge(w, CH_STATS, (struct bytes){ (const uint8_t *)&s, record_size(&s) });
}

static void say_end(struct watch *w, unsigned job)
{
	const struct supervisor_job *j = supervisor_look(w->supervisor, job);
	char text[96];
	if (WIFSIGNALED(j->status))
		snprintf(text, sizeof(text), "%s: ended by signal %d (%s)", j->name, WTERMSIG(j->status), strsignal(WTERMSIG(j->status)));
	else
		snprintf(text, sizeof(text), "%s: ended with status %d", j->name, WEXITSTATUS(j->status));
	log_line(SAY_ERROR, "%s; it is started anew", text);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_texts(const struct setting_texts *a, const struct setting_texts *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++)
		same = strcmp(a->text[i], b->text[i]) == 0;
	return same;
}

/* What was opened before the first process stays until the next start. */
static bool needs_restart(const struct run *was, const struct run *now)
{
	const struct settings *a = &was->settings, *b = &now->settings;
	return !same_texts(&a->interfaces, &b->interfaces) || a->capture_workers != b->capture_workers ||
	       a->capture_buffer != b->capture_buffer || a->capture_shunt != b->capture_shunt ||
	       was->pipeline.nports != now->pipeline.nports ||
	       memcmp(was->pipeline.ports, now->pipeline.ports, sizeof(was->pipeline.ports)) != 0 ||
	       was->pipeline.dns != now->pipeline.dns || was->pipeline.odd != now->pipeline.odd ||
	       !same_text(a->status_socket, b->status_socket) ||
	       !same_text(a->metrics_listen, b->metrics_listen);
}

/* Other rules, policy, outputs: the processes that use them begin anew, one by one; capture goes on and loses nothing. */
static void reload(struct watch *w, const struct options *o)
{
	static const enum watch_job renewed[] = { WATCH_OUTPUT, WATCH_DELIVER, WATCH_RESOLVER, WATCH_FORWARDER, WATCH_VERIFIER,
						  WATCH_JUDGE };
	struct error e;
	struct run run = { 0 };
	notify("RELOADING=1");
	if (!prepare(o, &run, &e)) {
		w->load_failed = true;
		log_line(SAY_ERROR, "not reloaded, the settings of before stay: %s", e.text);
		read_release(&run);
		settings_free(&run.settings);
		notify("READY=1");
		return;
	}
	if (needs_restart(&w->run, &run))
		log_line(SAY_WARNING, "interfaces, mail ports, what belongs to capture, and sockets change with the next start only");
	run.verifier = w->run.verifier;
	memcpy(run.pipeline.key, w->run.pipeline.key, sizeof(run.pipeline.key));
	read_release(&w->run);
	if (w->reloaded)
		settings_free(&w->run.settings);
	else
		w->first = w->run.settings;
	w->reloaded = true;
	w->run = run;
	w->loaded = ns_now();
	w->load_failed = false;
	for (size_t i = 0; i < sizeof(renewed) / sizeof(renewed[0]); i++)
		supervisor_renew(w->supervisor, renewed[i]);
	log_line(SAY_NOTICE, "reloaded");
	notify("READY=1");
}

/* Interfaces that went and came back. */
static void look_after_interfaces(struct watch *w)
{
	struct error e;
	for (size_t i = 0; i < w->ifaces; i++) {
		if (source_live_state(w->source, i) != LIVE_IS_OTHER)
			continue;
		switch (source_live_reopen(w->source, i, &e)) {
		case LIVE_SAME:
			log_line(SAY_NOTICE, "interface %s is back", source_live_name(w->source, i));
			break;
		case LIVE_RESTART:
			log_line(SAY_NOTICE, "interface %s is back; capture begins anew", source_live_name(w->source, i));
			if (w->shunt && !attach_shunt(w, i, &e))
				log_line(SAY_WARNING, "shunt: not on %s: %s", source_live_name(w->source, i), e.text);
			for (unsigned k = 0; k < w->workers; k++)
				supervisor_renew(w->supervisor, WATCH_CAPTURE + k);
			break;
		case LIVE_FAILED:
			log_line(SAY_ERROR, "interface %s: %s", source_live_name(w->source, i), e.text);
			break;
		}
	}
}

static bool capture_over(const struct watch *w)
{
	for (unsigned i = 0; i < w->workers; i++)
		if (supervisor_look(w->supervisor, WATCH_CAPTURE + i)->pid > 0)
			return false;
	return true;
}

/* The end goes along the line: capture, then judge, which tells the output, and then those who served it. */
struct ending {
	bool begun, judge_told;
	int64_t until;
};

/* Who served the output: all that it had to say is in files and spools. */
static void end_servants(struct watch *w)
{
	supervisor_end(w->supervisor, WATCH_VERIFIER);
	supervisor_end(w->supervisor, WATCH_DELIVER);
}

static void go_on_ending(struct watch *w, struct ending *end)
{
	if (!end->begun)
		return;
	if (!end->judge_told && capture_over(w)) {
		send_stats(w);
		tell_judge(w, CH_END, (struct bytes){ 0 });
		end->judge_told = true;
		end->until = ms_now() + JUDGE_MS;
	}
	bool late = end->judge_told && ms_now() > end->until;
	if (supervisor_look(w->supervisor, WATCH_JUDGE)->finished || late) {
		supervisor_end(w->supervisor, WATCH_RESOLVER);
		supervisor_end(w->supervisor, WATCH_FORWARDER);
	}
	if (late)
		supervisor_end(w->supervisor, WATCH_JUDGE);
	if (supervisor_look(w->supervisor, WATCH_OUTPUT)->finished || late)
		end_servants(w);
	if (late)
		supervisor_end(w->supervisor, WATCH_OUTPUT);
}

static void begin_ending(struct watch *w, struct ending *end)
{
	notify("STOPPING=1");
	if (end->begun)
		return;
	end->begun = true;
	for (unsigned i = 0; i < w->workers; i++)
		supervisor_end(w->supervisor, WATCH_CAPTURE + i);
}

/* Does the packet loop of each worker turn? One that does not is killed in the end; the service manager hears nothing
 * meanwhile, so that it acts if that does not help. */
static bool loops_turn(const struct watch *w)
{
	for (unsigned i = 0; i < w->workers; i++)
		if (supervisor_quiet(w->supervisor, WATCH_CAPTURE + i) > LOOP_MS)
			return false;
	return true;
}

static void feed_watchdog(const struct watch *w, int64_t *fed)
{
	const int64_t interval = notify_interval(), now = ms_now();
	if (!interval || now - *fed < interval || !loops_turn(w))
		return;
	notify("WATCHDOG=1");
	*fed = now;
}

static void supervise(struct watch *w, const struct options *o)
{
	struct ending end = { false, false, 0 };
	int64_t fed = 0;
	enum supervise what;
	unsigned job = 0;
	while ((what = supervisor_wait(w->supervisor, &job)) != SUPERVISE_DONE) {
		switch (what) {
		case SUPERVISE_TICK:
			look_after_interfaces(w);
			send_stats(w);
			break;
		case SUPERVISE_ENDED:
			say_end(w, job);
			break;
		case SUPERVISE_STUCK:
			log_line(SAY_ERROR, "%s: shows no life; it was killed", supervisor_look(w->supervisor, job)->name);
			break;
		case SUPERVISE_STARTED:
			if (job == WATCH_JUDGE && end.judge_told) /* another judge than the one that was told */
				tell_judge(w, CH_END, (struct bytes){ 0 });
			break;
		case SUPERVISE_OVER:
			break;
		case SUPERVISE_RELOAD:
			reload(w, o);
			break;
		case SUPERVISE_STOP:
			begin_ending(w, &end);
			break;
		case SUPERVISE_DONE:
			break;
		}
		go_on_ending(w, &end);
		feed_watchdog(w, &fed);
	}
}

int watch_command(const struct options *given)
{
	static struct watch w;
	struct options mine = *given, *o = &mine;
	struct error e;
	if (!o->config && access(CONFIG_PATH, F_OK) == 0)
		o->config = CONFIG_PATH;
	log_open("mxwitness", SAY_NOTICE);
	notify_open();
	if (!set_up(&w, o, &e)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	log_open("mxwitness", w.run.settings.log_level + SAY_ERROR);
	if (!sandbox_supervisor_live(&w.run.user, &e) || !supervisor_start(w.supervisor)) {
		fprintf(stderr, "mxwitness: %s\n", e.text);
		return 2;
	}
	notify("READY=1");
	supervise(&w, o);
	close_sockets(&w);
	source_live_close(w.source);
	shunt_close(w.shunt);
	supervisor_free(w.supervisor);
	read_release(&w.run);
	settings_free(&w.run.settings);
	settings_free(&w.first);
	return 0;
}
