/* fuzz_proxy_header: octets in front of a dialogue. Promises: octet by octet comes to the same end as the whole, at the same
 * octet; at most 107 octets are wanted; a header that is read says what its octets say; what follows does not matter. */
#include <assert.h>
#include <stdlib.h>

#include "wire/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* in in a block of exactly its size. */
static enum parse read_block(struct bytes in, struct proxy_header *out, size_t *used)
{
	uint8_t *block = malloc(in.n ? in.n : 1);
	assert(block);
	if (in.n)
		memcpy(block, in.p, in.n);
	enum parse got = proxy_header((struct bytes){ block, in.n }, out, used);
	free(block);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { MOST = 107 };
	struct bytes in = { data, size };
	struct proxy_header whole = { 0 }, part = { 0 };
	size_t used = 0, n = 0, part_used = 0;
	enum parse got = read_block(in, &whole, &used), step = PARSE_MORE;
	assert(got != PARSE_LONG && used <= size && (used > 0) == (got == PARSE_OK));
	while (step == PARSE_MORE && n < size)
		step = read_block(bytes_head(in, ++n), &part, &part_used);
	assert(step == got || size == 0);
	assert(got != PARSE_MORE || size < MOST);
	if (got != PARSE_OK)
		return 0;
	assert(used == n && part_used == used && used <= MOST && memcmp(&whole.source, &part.source, sizeof(part.source)) == 0);
	assert(whole.version == (data[0] == 'P' ? 1 : 2) && (whole.version == 2 || whole.skip == 0) && whole.skip <= UINT16_MAX);
	assert(!whole.addressed || (whole.source.v != 0 && whole.destination.v != 0));
	return 0;
}
