/* kinship: see kinship.h. The list of public suffixes is the one that libpsl carries: no file is read. It knows nothing of
 * autonomous systems: networks are cut at fixed lengths. */
#include "judge/kinship.h"

#include <libpsl.h>

#include "text.h"

enum { NAME = 255, DAY = 86400 };

struct bytes kinship_domain(struct bytes name)
{
	char text[NAME + 1];
	if (name.n == 0 || name.n > NAME)
		return (struct bytes){ 0 };
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	if (strlen(text) != name.n)
		return (struct bytes){ 0 };
	const char *domain = psl_registrable_domain(psl_builtin(), text);
	return domain ? bytes_skip(name, (size_t)(domain - text)) : (struct bytes){ 0 };
}

static void network(struct record *r, struct addr *a)
{
	char buf[64];
	struct text t = { buf, 0, sizeof(buf), false };
	memset(a->a + (a->v == 4 ? 2 : 4), 0, sizeof(a->a) - (a->v == 4 ? 2 : 4));
	text_addr(&t, a);
	text_put(&t, a->v == 4 ? "/16" : "/32");
	record_str(r, F_corr_network, (struct bytes){ (const uint8_t *)buf, t.n });
}

void kinship_judge(struct record *r)
{
	char buf[64];
	struct text t = { buf, 0, sizeof(buf), false };
	struct addr a;
	int64_t confidence = record_get_num(r, F_id_confidence, confidence_none), end = record_get_num(r, F_event_end, -1);
	struct bytes domain = kinship_domain(record_get_str(r, F_id_host));
	record_unset(r, F_corr_operator);
	record_unset(r, F_corr_network);
	if (record_get_addr(r, F_dst_ip, &a))
		network(r, &a);
	if (domain.n && (confidence == confidence_high || confidence == confidence_medium))
		record_str(r, F_corr_operator, domain);
	else if (record_has(r, F_corr_network))
		record_str(r, F_corr_operator, record_get_str(r, F_corr_network));
	if (end < 0)
		return;
	text_time(&t, end);
	record_str(r, F_corr_day, bytes_head((struct bytes){ (const uint8_t *)buf, t.n }, 10));
}
