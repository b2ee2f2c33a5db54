/* spool_cursor: see spool_cursor.h. The folder is its own index: names of files sort as their numbers do. */
#include "spool_cursor.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const series_name[SPOOL_SERIES] = { "alerts", "others" };

void spool_file_name(enum spool_series series, uint64_t first, char name[32])
{
	snprintf(name, 32, "%s-%016llx", series_name[series], (unsigned long long)first);
}

bool spool_file_first(enum spool_series series, const char *name, uint64_t *first)
{
	const size_t n = strlen(series_name[series]);
	char *end;
	if (strncmp(name, series_name[series], n) != 0 || name[n] != '-' || strlen(name) != n + 17 ||
	    strspn(name + n + 1, "0123456789abcdef") != 16)
		return false;
	*first = strtoull(name + n + 1, &end, 16);
	return *first != 0;
}

uint64_t spool_file_find(int folder, enum spool_series series, uint64_t from, bool before)
{
	uint64_t best = 0, first;
	const int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d && fd >= 0)
		close(fd);
	for (struct dirent *at; d && (at = readdir(d));) {
		if (!spool_file_first(series, at->d_name, &first))
			continue;
		if (before ? first <= from && first > best : first >= from && (!best || first < best))
			best = first;
	}
	if (d)
		closedir(d);
	return best;
}
