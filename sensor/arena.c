/* arena: see arena.h. A list of pieces; what is larger than a piece gets one of its own. */
#include "arena.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 16384 };

struct arena_piece {
	struct arena_piece *before;
	size_t used, size;
	max_align_t octets[];
};

static struct arena_piece *piece(struct arena *a, size_t n)
{
	size_t size = n > PIECE ? n : PIECE;
	struct arena_piece *p = calloc(1, sizeof(*p) + size);
	if (!p) {
		fputs("mxwitness: no memory for the rules\n", stderr);
		exit(2);
	}
	p->size = size;
	p->before = a->last;
	a->last = p;
	return p;
}

void *arena_take(struct arena *a, size_t n)
{
	struct arena_piece *p = a->last;
	n = (n + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!p || p->size - p->used < n)
		p = piece(a, n);
	p->used += n;
	return (char *)p->octets + p->used - n;
}

char *arena_string(struct arena *a, struct bytes b)
{
	char *s = arena_take(a, b.n + 1);
	if (b.n)
		memcpy(s, b.p, b.n);
	return s;
}

void arena_free(struct arena *a)
{
	while (a->last) {
		struct arena_piece *before = a->last->before;
		free(a->last);
		a->last = before;
	}
}
