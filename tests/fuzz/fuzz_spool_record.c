/* A record that is read, written again, is the same octets; so is one whose checksum was made to fit. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "spool_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_again(const uint8_t *file, size_t size)
{
	struct spool_item item;
	size_t n = spool_record_read((struct bytes){ file, size }, &item);
	if (!n)
		return;
	if (n > size || spool_record_size(&item) != n)
		abort();
	uint8_t *again = malloc(n);
	if (!again)
		return;
	spool_record_write(&item, again);
	if (memcmp(again, file, n) != 0)
		abort();
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	same_again(data, size);
	uint8_t *file = malloc(size + 8);
	if (!file)
		return 0;
	uint32_t sum = (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);
	for (unsigned i = 0; i < 4; i++) {
		file[i] = (uint8_t)((uint32_t)size >> 8 * (3 - i));
		file[4 + i] = (uint8_t)(sum >> 8 * (3 - i));
	}
	if (size)
		memcpy(file + 8, data, size);
	same_again(file, size + 8);
	free(file);
	return 0;
}
