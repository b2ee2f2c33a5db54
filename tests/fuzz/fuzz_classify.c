/* What the library is shown: who speaks first, how much of it the client says, then the octets of both sides. Promise:
 * names are bounded, and from one connection to the next nothing stays behind. Nothing to do without the library. */
#include <assert.h>
#include <stdlib.h>

#include "classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the library has once it has begun may still grow a little, by tables that it makes when they are first needed. */
enum { LEAST = 1 << 20, MOST = 32 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct classify *c;
	uint8_t name[PIPELINE_NAME_MAX];
	if (!c)
		c = classify_new();
	if (!c || size < 2)
		return 0;
	struct bytes all = { data + 2, size - 2 };
	struct bytes client = bytes_head(bytes_head(all, (size_t)data[1] * 4), PIPELINE_LOOK_MAX);
	struct bytes server = bytes_head(bytes_skip(all, client.n), PIPELINE_LOOK_MAX);
	struct pipeline_look look = { .said = { client, server }, .first = data[0] & 1 ? S2C : C2S };
	assert(classify_name(c, &look, name) <= PIPELINE_NAME_MAX);
	size_t held = classify_memory();
	assert(held > LEAST && held < MOST);
	classify_name(c, &look, name);
	assert(classify_memory() == held);
	return 0;
}
