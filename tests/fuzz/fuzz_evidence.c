/* The head of an evidence file: what it says of itself, and the members of that. Promise: every span lies inside the file,
 * names have ends, and the walk over members ends; an exhibit that passes the check is walked to its end. */
#include <assert.h>

#include "evidence_file.h"
#include "json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct bytes b, const uint8_t *data, size_t size)
{
	assert(b.n == 0 || (b.p >= data && b.p + b.n <= data + size));
}

static void walk(struct bytes text, const uint8_t *data, size_t size)
{
	struct json_walk w;
	struct json_leaf leaf;
	size_t n = 0;
	for (json_walk(&w, text); json_next(&w, &leaf); n++) {
		inside(leaf.value, data, size);
		assert(strlen(leaf.path) < JSON_PATH && n < text.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes all = { data, size }, alert, context, octets;
	struct exhibit_head head;
	struct exhibit_walk w;
	struct exhibit_packet p;
	const uint8_t *digest;
	uint32_t was, n = 0;
	if (evidence_parts(all, &alert, &context)) {
		inside(alert, data, size);
		inside(context, data, size);
		walk(alert, data, size);
		walk(context, data, size);
	}
	walk(all, data, size);
	if (evidence_mark(all, &was, &digest))
		assert(size == EVIDENCE_MARK && (!digest || digest == data + 8));
	if (exhibit_check(all, &head)) {
		for (exhibit_walk(&w, all); exhibit_next(&w, &p, &octets); n++)
			inside(octets, data, size);
		assert(n == head.packets);
	}
	return 0;
}
