/* run_outputs: see run_outputs.h. */
#include "run_outputs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "receivers.h"
#include "rights.h"
#include "sink.h"

/* Of this run alone. */
static char made[PATH_MAX];

static bool own_folder(const struct run *run, struct error *e)
{
	const char *in = getenv("TMPDIR");
	const int n = snprintf(made, sizeof(made), "%s/mxwitness-spool-XXXXXX", in && *in ? in : "/tmp");
	if (n > 0 && (size_t)n < sizeof(made) && mkdtemp(made) &&
	    (!run->user.change || chown(made, run->user.uid, run->user.gid) == 0))
		return true;
	return error_set(e, "no folder for events that wait: %s: %s; set TMPDIR", made, strerror(errno));
}

bool run_outputs(const struct options *o, struct run *run, bool keep, struct error *e)
{
	const struct settings *s = &run->settings;
	run->by_outputs = s->output.n && !o->out && !o->format;
	if (!run->by_outputs)
		return true;
	rights_files_as(&run->user, true);
	const bool good = sinks_try(s, e);
	rights_files_as(&run->user, false);
	if (!good || receivers_count(s) == 0)
		return good;
	if (!keep && !own_folder(run, e))
		return false;
	if (keep && mkdir(s->spool, 0700) == 0 && run->user.change && chown(s->spool, run->user.uid, run->user.gid) != 0)
		return error_set(e, "spool: %s: %s", s->spool, strerror(errno));
	run->spool = keep ? s->spool : made;
	return true;
}

static void remove_spool(const char *path)
{
	DIR *d = opendir(path);
	for (const struct dirent *f; d && (f = readdir(d));)
		if (f->d_name[0] != '.')
			unlinkat(dirfd(d), f->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

void run_outputs_end(const struct run *run)
{
	char path[PATH_MAX];
	if (run->spool != made)
		return;
	rights_files_as(&run->user, true);
	for (size_t i = 0; i < run->settings.output.n; i++)
		if (receivers_have(&run->settings.output.at[i]) && receivers_folder(made, &run->settings.output.at[i], path, sizeof(path)))
			remove_spool(path);
	rights_files_as(&run->user, false);
	rmdir(made);
}
