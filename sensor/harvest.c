/* harvest: see harvest.h. Octets of a value from one process to the next are in the order of this machine. Knows no channel. */
#include "harvest.h"

#include <assert.h>
#include <string.h>

static size_t put(uint8_t *to, struct bytes b)
{
	if (b.n)
		memcpy(to, b.p, b.n);
	return b.n;
}

struct bytes harvest_behind(const struct pipeline_out *out, uint8_t behind[HARVEST_BEHIND])
{
	const uint32_t n = (uint32_t)out->chain.n;
	size_t at;
	assert(out->chain.n <= TLS_MESSAGE_MAX && out->proof.n <= KEY_PROOF_MAX);
	at = put(behind, (struct bytes){ (const uint8_t *)&n, sizeof(n) });
	at += put(behind + at, out->chain);
	at += put(behind + at, out->proof);
	return (struct bytes){ behind, at };
}

void harvest_answer(struct pipeline *p, struct classify *classify, const struct pipeline_look *look)
{
	uint8_t name[PIPELINE_NAME_MAX];
	if (classify)
		pipeline_classified(p, (struct bytes){ name, classify_name(classify, look, name) });
}

void harvest_stats(const struct pipeline *p, uint64_t packets, uint64_t octets, struct record *stats)
{
	record_init(stats);
	record_num(stats, F_st_packets, (int64_t)packets);
	record_num(stats, F_st_octets, (int64_t)octets);
	record_cstr(stats, F_st_classifier, classify_library() ? classify_library() : "off (built without nDPI)");
	pipeline_stats(p, stats);
}
