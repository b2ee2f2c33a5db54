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

bool kinship_local(const struct addr *a)
{
	const uint8_t *o = a->a;
	if (a->v == 4)
		return o[0] == 10 || o[0] == 127 || (o[0] == 172 && (o[1] & 0xf0) == 16) || (o[0] == 192 && o[1] == 168) ||
		       (o[0] == 169 && o[1] == 254) || (o[0] == 100 && (o[1] & 0xc0) == 64);
	static const uint8_t loopback[16] = { [15] = 1 };
	return (o[0] & 0xfe) == 0xfc || (o[0] == 0xfe && (o[1] & 0xc0) == 0x80) || memcmp(o, loopback, sizeof(loopback)) == 0;
}

/* The network of an address, of so many bits. */
static void network(struct record *r, enum fact of, enum fact to, unsigned bits4, unsigned bits6)
{
	char buf[64];
	struct text t = { buf, 0, sizeof(buf), false };
	struct addr a;
	record_unset(r, to);
	if (!record_get_addr(r, of, &a))
		return;
	unsigned bits = a.v == 4 ? bits4 : bits6, whole = bits / 8;
	if (bits % 8)
		a.a[whole] = (uint8_t)(a.a[whole] & 0xff << (8 - bits % 8));
	whole += bits % 8 != 0;
	memset(a.a + whole, 0, sizeof(a.a) - whole);
	text_addr(&t, &a);
	text_put(&t, "/");
	text_num(&t, bits);
	record_str(r, to, (struct bytes){ (const uint8_t *)buf, t.n });
}

void kinship_judge(struct record *r)
{
	char buf[64];
	struct text t = { buf, 0, sizeof(buf), false };
	int64_t confidence = record_get_num(r, F_id_confidence, confidence_none), end = record_get_num(r, F_event_end, -1);
	struct bytes domain = kinship_domain(record_get_str(r, F_id_host));
	record_unset(r, F_corr_operator);
	network(r, F_dst_ip, F_corr_network, 20, 32);
	network(r, F_src_ip, F_corr_clients, 24, 64);
	if (domain.n && (confidence == confidence_high || confidence == confidence_medium))
		record_str(r, F_corr_operator, domain);
	else if (record_has(r, F_corr_network))
		record_str(r, F_corr_operator, record_get_str(r, F_corr_network));
	if (end < 0)
		return;
	text_time(&t, end);
	record_str(r, F_corr_day, bytes_head((struct bytes){ (const uint8_t *)buf, t.n }, 10));
}
