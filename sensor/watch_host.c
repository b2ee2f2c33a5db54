/* watch_host: see watch_host.h. Reads /proc, /sys and the file systems; writes nothing. What cannot be read counts as 0. */
#include "watch_host.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "folder.h"
#include "sink.h"

enum { FOLDERS = SINKS + 3 };

/* ---- processes ---- */

struct usage {
	int64_t memory, cpu;
};

static bool file(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, cap - 1, f) : 0;
	buf[n] = '\0';
	if (f)
		fclose(f);
	return n > 0;
}

/* proc(5): the second number of statm, and those 14 and 15 of stat, of which the second is a name in brackets. */
static struct usage usage_of(pid_t pid)
{
	char path[48], text[1024];
	struct usage u = { 0, 0 };
	int64_t pages = 0;
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof(path), "/proc/%ld/statm", (long)pid);
	if (pid > 0 && file(path, text, sizeof(text)) && sscanf(text, "%*d %" SCNd64, &pages) == 1)
		u.memory = pages * sysconf(_SC_PAGESIZE);
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	const char *name_end = pid > 0 && file(path, text, sizeof(text)) ? strrchr(text, ')') : NULL;
	if (name_end && sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2)
		u.cpu = (int64_t)(user + system) * (1000000000 / sysconf(_SC_CLK_TCK));
	return u;
}

static void processes(const struct watch *w, struct record *s)
{
	const unsigned jobs = WATCH_CAPTURE + w->workers;
	struct usage u[SUPERVISOR_JOBS + 1];
	for (unsigned i = 0; i < jobs; i++)
		u[i] = usage_of(supervisor_look(w->supervisor, i)->pid);
	u[jobs] = usage_of(getpid());
	for (unsigned i = 0; i < jobs; i++)
		record_add_cstr(s, F_st_process, supervisor_look(w->supervisor, i)->name);
	record_add_cstr(s, F_st_process, "supervisor");
	for (unsigned i = 0; i < jobs; i++)
		record_add_num(s, F_st_process_ended, supervisor_look(w->supervisor, i)->ended);
	record_add_num(s, F_st_process_ended, 0);
	for (unsigned i = 0; i <= jobs; i++)
		record_add_num(s, F_st_process_memory, u[i].memory);
	for (unsigned i = 0; i <= jobs; i++)
		record_add_num(s, F_st_process_cpu, u[i].cpu);
}

/* ---- interfaces ---- */

/* What the interface says that it received, whatever our filter lets through. */
static int64_t received(const char *name)
{
	char path[96], text[32];
	int64_t n = 0;
	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_packets", name);
	return file(path, text, sizeof(text)) && sscanf(text, "%" SCNd64, &n) == 1 ? n : -1;
}

/* What is new of a counter that begins anew with its interface. -1: it cannot be read now. */
static void follow(struct watch_counter *c, int64_t now)
{
	if (now < 0)
		return;
	c->sum += c->known ? (now >= c->last ? now - c->last : now) : 0;
	c->last = now;
	c->known = true;
}

/* Without a carrier nothing comes, however much the interface is up. One that does not say has one. */
static bool carrier(const char *name)
{
	char path[96], text[8];
	snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", name);
	return !file(path, text, sizeof(text)) || text[0] != '0';
}

static enum link link_of(enum live_state state, const char *name)
{
	switch (state) {
	case LIVE_IS_UP:
		return carrier(name) ? link_up : link_down;
	case LIVE_IS_DOWN:
		return link_down;
	case LIVE_IS_GONE:
	case LIVE_IS_OTHER:
		return link_gone;
	}
	return link_unknown;
}

static void count_interfaces(struct watch *w)
{
	for (size_t i = 0; i < w->ifaces; i++) {
		follow(&w->received[i], received(source_live_name(w->source, i)));
		follow(&w->missed[i], source_live_missed(w->source, i));
	}
}

static void interfaces(struct watch *w, struct record *s)
{
	count_interfaces(w);
	for (size_t i = 0; i < w->ifaces; i++)
		record_add_cstr(s, F_st_if_name, source_live_name(w->source, i));
	for (size_t i = 0; i < w->ifaces; i++)
		record_add_num(s, F_st_if_link, link_of(source_live_state(w->source, i), source_live_name(w->source, i)));
	for (size_t i = 0; i < w->ifaces; i++)
		record_add_num(s, F_st_if_received, w->received[i].sum);
	for (size_t i = 0; i < w->ifaces; i++)
		record_add_num(s, F_st_if_dropped, w->missed[i].sum);
}

/* ---- disks ---- */

static void add(const char *folder[FOLDERS], size_t *n, const char *path)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(folder[i], path) == 0)
			return;
	if (*n < FOLDERS)
		folder[(*n)++] = path;
}

static size_t folders(const struct settings *s, const char *folder[FOLDERS], char buf[SINKS + 1][PATH_MAX])
{
	size_t n = 0, used = 0;
	if (s->evidence_directory)
		add(folder, &n, s->evidence_directory);
	if (s->state)
		add(folder, &n, s->state);
	for (size_t i = 0; i < s->output.n && i < SINKS; i++)
		if (s->output.at[i].path)
			add(folder, &n, folder_of(s->output.at[i].path, buf[used++], PATH_MAX));
	if (s->metrics_textfile)
		add(folder, &n, folder_of(s->metrics_textfile, buf[used], PATH_MAX));
	return n;
}

static void disks(const struct watch *w, struct record *s)
{
	static char buf[SINKS + 1][PATH_MAX];
	const char *folder[FOLDERS];
	struct statvfs fs[FOLDERS] = { 0 };
	size_t n = folders(&w->run.settings, folder, buf);
	for (size_t i = 0; i < n; i++)
		if (statvfs(folder[i], &fs[i]) != 0)
			fs[i] = (struct statvfs){ 0 };
	for (size_t i = 0; i < n; i++)
		record_add_cstr(s, F_st_disk, folder[i]);
	for (size_t i = 0; i < n; i++)
		record_add_num(s, F_st_disk_free, (int64_t)(fs[i].f_bavail * fs[i].f_frsize));
	for (size_t i = 0; i < n; i++)
		record_add_num(s, F_st_disk_size, (int64_t)(fs[i].f_blocks * fs[i].f_frsize));
}

/* ---- all of it ---- */

void watch_host_begin(struct watch *w)
{
	count_interfaces(w);
}

void watch_host_stats(struct watch *w, struct record *s)
{
	record_init(s);
	processes(w, s);
	interfaces(w, s);
	disks(w, s);
	record_num(s, F_st_shunt, w->shunt ? onoff_on : onoff_off);
	if (!w->shunt)
		record_cstr(s, F_st_shunt_why, w->shunt_off);
	record_num(s, F_st_config_at, w->loaded);
	record_tri(s, F_st_config_ok, w->load_failed ? TRI_NO : TRI_YES);
}
