/* question: is a question or an answer that came over a socket a possible one? Values from another process are
 * hostile until checked here; nothing is looked up and nothing is repaired. */
#include "question.h"

static bool ended(const char *s, size_t cap)
{
	return memchr(s, 0, cap) != NULL;
}

/* Lower case and without a last dot, so that equal names are equal texts. */
static bool name_form(const char *s, size_t cap)
{
	const char *end = memchr(s, 0, cap);
	if (!end)
		return false;
	for (const char *p = s; p < end; p++)
		if (*p <= ' ' || *p > '~' || (*p >= 'A' && *p <= 'Z'))
			return false;
	return end == s || end[-1] != '.' || end - s == 1;
}

bool question_check(const struct question *q, size_t n)
{
	return n == sizeof(*q) && q->type != 0 && q->name[0] && name_form(q->name, sizeof(q->name));
}

/* A bool that came as an octet: reading any value but these through bool is undefined. */
static bool flag_form(const bool *b)
{
	uint8_t octet;
	memcpy(&octet, b, 1);
	return octet <= 1;
}

bool answer_check(const struct answer *a, size_t n)
{
	if (n < offsetof(struct answer, data) || a->used > ANSWER_DATA || n != answer_size(a) || a->rrs > ANSWER_RRS)
		return false;
	if (a->status >= dnsstatus_COUNT || a->source >= dnssource_COUNT || a->fault >= resolverfault_COUNT ||
	    a->conflict >= dnsconflict_COUNT || a->conflict_how >= dnshow_COUNT ||
	    !flag_form(&a->conflict_proved) || (a->conflict && a->conflict_server.v != 4 && a->conflict_server.v != 6) || !flag_form(&a->nxdomain) || !flag_form(&a->seen_later))
		return false;
	if (!name_form(a->name, sizeof(a->name)) || !name_form(a->canonname, sizeof(a->canonname)) || !ended(a->why, sizeof(a->why)))
		return false;
	for (unsigned i = 0; i < a->rrs; i++)
		if (a->rr[i].off > a->used || a->rr[i].n > a->used - a->rr[i].off)
			return false;
	return true;
}
