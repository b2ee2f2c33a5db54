/* folder: the YAML files that the operator named, and their octets; where a file lies. */
#ifndef FOLDER_H
#define FOLDER_H
#include "arena.h"
#include "error.h"

/* folder_yaml: the *.yaml and *.yml of a folder in the order of their names (no locale has a say in it), not those of
 * its folders, as paths that begin with dir, in arena.
 * what  they are, for the message. false: e says why. */
bool folder_yaml(struct arena *arena, const char *dir, const char *what, const char *const **paths, size_t *n,
		 struct error *e);
/* folder_read: the octets of a file of at most YAML_FILE_MAX (a longer one is one octet too long, and the reader of
 * YAML refuses it), in arena. false: e says why. */
bool folder_read(struct arena *arena, const char *path, struct bytes *out, struct error *e);
/* folder_of: the folder of the file at path, in buf of cap octets; "." when its name has none. */
const char *folder_of(const char *path, char *buf, size_t cap);
/* folder_is: is path a folder? */
bool folder_is(const char *path);
#endif
