/* fuzz_fragment: a script of fragments, checked against a plain model: an array of octets and of "is there". Promise:
 * what comes out is the first octet that arrived at each place, and nothing comes out before all are there. */
#include <assert.h>
#include <stdlib.h>

#include "wire/fragment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MODEL = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cur c = cur_of((struct bytes){ data, size });
	struct fragment_table *ft = fragment_table_new(1);
	struct fragment_key key = { .src = { 4, { 1 } }, .dst = { 4, { 2 } }, .proto = 6 };
	uint8_t octet[MODEL] = { 0 }, there[MODEL] = { 0 }, part[MODEL / 4];
	uint32_t next = 0;
	while (cur_left(&c) >= 4) {
		uint32_t offset = cur_u8(&c) * 8u, n = cur_u16(&c) % sizeof(part), fill = cur_u8(&c);
		bool last = fill & 1;
		uint32_t to = offset + n;
		uint8_t *exact = malloc(n ? n : 1);
		for (uint32_t i = 0; i < n; i++)
			exact[i] = (uint8_t)(fill + i * 7);
		struct bytes whole = { 0 };
		enum fragment result = fragment_push(ft, &key, offset, last, (struct bytes){ exact, n }, next++, &whole);
		for (uint32_t i = 0; i < n && result != FRAGMENT_REFUSED; i++) {
			if (!there[offset + i])
				octet[offset + i] = exact[i];
			there[offset + i] = 1;
		}
		free(exact);
		if (result == FRAGMENT_DONE) {
			assert(whole.n <= MODEL && whole.n >= (last ? to : 1));
			for (size_t i = 0; i < whole.n; i++)
				assert(there[i] && whole.p[i] == octet[i]);
		}
		/* Refused: either the datagram is gone, or the fragment was impossible and it is still there. */
		if (result == FRAGMENT_REFUSED && n && (last || n % 8 == 0))
			memset(there, 0, sizeof(there));
		if (result == FRAGMENT_DONE)
			memset(there, 0, sizeof(there));
	}
	fragment_table_free(ft);
	return 0;
}
