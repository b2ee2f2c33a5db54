/* folder: see folder.h. Knows nothing of what the files say. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "yaml_tree.h"

static int is_yaml(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return d->d_name[0] != '.' && ((n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0) ||
				       (n > 4 && strcmp(d->d_name + n - 4, ".yml") == 0));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

bool folder_yaml(struct arena *arena, const char *dir, const char *what, const char *const **paths, size_t *n,
		 struct error *e)
{
	struct dirent **names = NULL;
	char path[PATH_MAX];
	bool ok = true;
	int found = scandir(dir, &names, is_yaml, by_name);
	if (found < 0)
		return error_set(e, "%s: no folder of %s: %s", dir, what, strerror(errno));
	const char **list = arena_take(arena, ((size_t)found + 1) * sizeof(*list));
	size_t skip = strlen(dir);
	while (skip > 1 && dir[skip - 1] == '/')
		skip--;
	for (int i = 0; i < found; i++) {
		int len = snprintf(path, sizeof(path), "%.*s/%s", (int)skip, dir, names[i]->d_name);
		if (len < 0 || (size_t)len >= sizeof(path))
			ok = error_set(e, "%s: the path is too long", dir);
		else
			list[i] = arena_string(arena, bytes_of(path));
		free(names[i]);
	}
	free(names);
	*paths = (const char *const *)list;
	*n = (size_t)found;
	return ok;
}

bool folder_read(struct arena *arena, const char *path, struct bytes *out, struct error *e)
{
	FILE *f = fopen(path, "rbe");
	if (!f)
		return error_set(e, "%s: cannot be read: %s", path, strerror(errno));
	uint8_t *buf = malloc(YAML_FILE_MAX + 1);
	if (!buf) {
		fclose(f);
		return error_set(e, "%s: no memory to read it", path);
	}
	size_t n = fread(buf, 1, YAML_FILE_MAX + 1, f);
	bool bad = ferror(f);
	int why = errno;
	fclose(f);
	*out = (struct bytes){ (const uint8_t *)arena_string(arena, (struct bytes){ buf, n }), n };
	free(buf);
	return !bad || error_set(e, "%s: cannot be read: %s", path, strerror(why));
}

bool folder_is(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *folder_of(const char *path, char *buf, size_t cap)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return ".";
	snprintf(buf, cap, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return buf;
}
