/* validator: see validator.h. */
#include "validator.h"

#include <stdio.h>

#include "dns_store.h"

/* The caches must not answer what the capture was not asked, and nothing may depend on the machine's clock or be
 * sent unasked. Our upstream always answers, within nine seconds: libunbound must neither ask again before that nor take
 * a zone that is slow for an upstream that is, for then it would leave all questions unasked. (Round-trip times and TTL
 * bounds are variables of the process in libunbound, not of the context: the context made last sets them for all.) */
static const char *const common[][2] = {
	{ "harden-below-nxdomain:", "no" }, { "aggressive-nsec:", "no" }, { "prefetch:", "no" }, { "prefetch-key:", "no" },
	{ "serve-expired:", "no" }, { "trust-anchor-signaling:", "no" }, { "root-key-sentinel:", "no" },
	{ "qname-minimisation:", "no" }, { "use-caps-for-id:", "no" }, { "rrset-roundrobin:", "no" }, { "do-ip6:", "no" },
	{ "val-sig-skew-min:", "3600" }, { "val-sig-skew-max:", "3600" }, { "edns-buffer-size:", "65000" },
	{ "msg-cache-slabs:", "1" }, { "rrset-cache-slabs:", "1" }, { "key-cache-slabs:", "1" }, { "infra-cache-slabs:", "1" },
	{ "infra-cache-min-rtt:", "12000" }, { "unknown-server-time-limit:", "12000" }, { "cache-max-ttl:", "3600" },
	{ "cache-max-negative-ttl:", "900" }, { "module-config:", "validator iterator" }, { NULL, NULL },
};
_Static_assert(DNS_SKEW == 3600, "val-sig-skew-min and -max in common say the same");

static const char *const small[][2] = {
	{ "msg-cache-size:", "4m" }, { "rrset-cache-size:", "8m" }, { "outgoing-range:", "32" },
	{ "num-queries-per-thread:", "32" }, { NULL, NULL },
};

static const char *const large[][2] = {
	{ "msg-cache-size:", "16m" }, { "rrset-cache-size:", "32m" }, { "key-cache-size:", "8m" },
	{ "outgoing-range:", "384" }, { "num-queries-per-thread:", "384" }, { "jostle-timeout:", "20000" },
	{ "val-bogus-ttl:", "5" }, { NULL, NULL },
};

/* Names that libunbound would answer by itself, without a question (RFC 6761, RFC 8375). */
static const char *const builtin_zones[] = { "test.", "invalid.", "onion.", "home.arpa.", "localhost." };

static bool set(struct ub_ctx *ub, const char *const list[][2])
{
	for (size_t i = 0; list[i][0]; i++)
		if (ub_ctx_set_option(ub, list[i][0], list[i][1]) != 0)
			return false;
	return true;
}

bool validator_begin(struct ub_ctx *ub, bool live)
{
	ub_ctx_debugout(ub, NULL);
	return set(ub, common) && set(ub, live ? large : small);
}

bool validator_finish(struct ub_ctx *ub, uint16_t port)
{
	char text[32];
	snprintf(text, sizeof(text), "127.0.0.1@%u", port);
	if (ub_ctx_set_fwd(ub, text) != 0 || ub_ctx_async(ub, 1) != 0)
		return false;
	for (size_t i = 0; i < sizeof(builtin_zones) / sizeof(builtin_zones[0]); i++)
		if (ub_ctx_zone_remove(ub, builtin_zones[i]) != 0)
			return false;
	return true;
}
