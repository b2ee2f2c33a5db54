/* inputs: what the operator named on the command line, as a list of open capture files. */
#ifndef INPUTS_H
#define INPUTS_H
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* fd     open for reading, at its beginning, or -1 if closed
 * name   for people; control characters are "?"
 * head   head_n octets taken from fd that could not be put back (a pipe); they come before those of fd. Owned
 * size   octets in fd; sized false: not known */
struct input {
	int fd;
	char *name;
	uint8_t *head;
	size_t head_n;
	uint64_t size;
	bool sized;
};

struct inputs {
	struct input *v;
	size_t n, room;
};

/* Opens what source_open promises to open. false: e says what and why; list is then empty. */
bool inputs_open(struct inputs *list, char *const *paths, int n, struct error *e);

/* Closes and frees what is left of one input, or of all. */
void input_close(struct input *in);
void inputs_close(struct inputs *list);
#endif
