/* arena: memory that is taken piece by piece while files are read at start, and given back all at once. */
#ifndef ARENA_H
#define ARENA_H
#include "bytes.h"

struct arena_piece;
struct arena {
	struct arena_piece *last;
};

/* n octets, zeroed, aligned for anything. Without memory the program, which has not begun to work yet, says so and
 * ends with status 2. */
void *arena_take(struct arena *a, size_t n);
/* b as a NUL-terminated string. */
char *arena_string(struct arena *a, struct bytes b);
void arena_free(struct arena *a);
#endif
