/* log: see log.h. One write a line, so that lines of several processes do not mix. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 1024 };

static struct {
	const char *name;
	enum log_priority least;
	int journal;
} own = { "mxwitness", SAY_INFO, 0 };

/* JOURNAL_STREAM names the device and inode of the journal's socket: is standard error that one? */
static int is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char ours[64];
	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return 0;
	snprintf(ours, sizeof(ours), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return strcmp(ours, stream) == 0;
}

void log_open(const char *name, enum log_priority least)
{
	own.name = name;
	own.least = least;
	own.journal = is_journal();
}

void log_line(enum log_priority level, const char *format, ...)
{
	char line[LINE];
	size_t n, room = sizeof(line) - 1;
	va_list args;
	if (level > own.least)
		return;
	n = own.journal ? (size_t)snprintf(line, room, "<%d>%s: ", (int)level, own.name) :
			  (size_t)snprintf(line, room, "%s: ", own.name);
	va_start(args, format);
	int said = vsnprintf(line + n, room - n, format, args);
	va_end(args);
	if (said < 0)
		return;
	n = (size_t)said < room - n ? n + (size_t)said : room - 1;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			line[i] = '?';
	line[n++] = '\n';
	ssize_t done = write(STDERR_FILENO, line, n);
	(void)done; /* there is nowhere to say that it failed */
}
