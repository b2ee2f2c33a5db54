/* A row of the database: any octets are refused or are an entry, which packs into a row that gives the same entry again. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "judge/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct history_entry e, again;
	static struct record r;
	static uint8_t buf[HISTORY_BLOB];
	if (!history_unpack(&e, (struct bytes){ data, size }))
		return 0;
	size_t n = history_pack(&e, buf);
	assert(n <= HISTORY_BLOB);
	assert(history_unpack(&again, (struct bytes){ buf, n }));
	assert(history_pack(&again, buf) == n);
	record_init(&r);
	record_num(&r, F_event_end, INT64_C(1700000000000000000));
	history_recall(&e, "server 192.0.2.1 25 own", &r);
	history_learn(&e, &r, level_informational);
	return 0;
}
