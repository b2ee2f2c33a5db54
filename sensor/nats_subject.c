/* nats_subject: see nats_subject.h. */
#include "nats_subject.h"

#include <stdio.h>
#include <string.h>

#include "settings.h"

const char *nats_dataset(unsigned dataset)
{
	switch ((enum dataset)dataset) {
	case dataset_session:
		return "session";
	case dataset_alert:
		return "alert";
	case dataset_stats:
		return "stats";
	case dataset_posture:
		return "posture";
	case dataset_COUNT:
		break;
	}
	return "other";
}

uint32_t nats_partition(struct bytes key, uint32_t partitions)
{
	uint32_t h = UINT32_C(2166136261);
	for (size_t i = 0; i < key.n; i++)
		h = (h ^ key.p[i]) * UINT32_C(16777619);
	return partitions ? h % partitions : 0;
}

void nats_subject(const char *begin, unsigned dataset, uint32_t partition, char subject[NATS_SUBJECT_ROOM])
{
	snprintf(subject, NATS_SUBJECT_ROOM, "%.*s.%s.%u", NATS_BEGIN_SIZE - 1, begin, nats_dataset(dataset), (unsigned)partition);
}

bool nats_subject_begins(const char *begin)
{
	size_t word = 0;
	for (const char *p = begin; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f || *p == '*' || *p == '>')
			return false;
		if (*p == '.' && !word)
			return false;
		word = *p == '.' ? 0 : word + 1;
	}
	return word && strlen(begin) < NATS_BEGIN_SIZE;
}

bool nats_subject_fits(const char *pattern, const char *subject)
{
	for (;;) {
		size_t p = strcspn(pattern, "."), s = strcspn(subject, ".");
		if (p == 1 && *pattern == '>')
			return s > 0;
		if (!(p == 1 && *pattern == '*') && (p != s || memcmp(pattern, subject, p) != 0))
			return false;
		if (!pattern[p] || !subject[s])
			return pattern[p] == subject[s];
		pattern += p + 1;
		subject += s + 1;
	}
}
