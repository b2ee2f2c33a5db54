/* mail_domain: see mail_domain.h. What passes here goes into questions, addresses of pages and names of files, so nothing
 * passes that could be more than a name in one of them. */
#include "mail_domain.h"

enum { LABEL_MAX = 63, SHOWN = 80 };

static bool letter_or_digit(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool label_ok(struct bytes label)
{
	if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!letter_or_digit(label.p[i]) && label.p[i] != '-')
			return false;
	return true;
}

static bool all_digits(struct bytes label)
{
	for (size_t i = 0; i < label.n; i++)
		if (label.p[i] < '0' || label.p[i] > '9')
			return false;
	return true;
}

/* Why it is no domain; NULL: it is one. name is in lower case. */
static const char *wrong(struct bytes name)
{
	struct bytes label = { name.p, 0 };
	size_t labels = 0;
	for (size_t i = 0; i <= name.n; i++) {
		if (i < name.n && name.p[i] >= 0x80)
			return "write it as A-labels, xn--...";
		if (i < name.n && name.p[i] != '.')
			continue;
		label.n = (size_t)(name.p + i - label.p);
		if (!label_ok(label))
			return "a label has 1 to 63 letters, digits and hyphens, and no hyphen at its ends";
		labels++;
		if (i < name.n)
			label.p = name.p + i + 1;
	}
	return labels < 2 ? "a mail domain has two labels or more" : all_digits(label) ? "it is an address" : NULL;
}

bool mail_domain_read(struct bytes text, char out[MAIL_DOMAIN_MAX + 1], struct error *e)
{
	struct bytes name = text;
	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n > MAIL_DOMAIN_MAX)
		return error_set(e, "%.*s...: no mail domain: longer than %d octets", SHOWN, (const char *)text.p, MAIL_DOMAIN_MAX);
	for (size_t i = 0; i < name.n; i++)
		out[i] = (char)ascii_lower(name.p[i]);
	out[name.n] = 0;
	const char *why = wrong((struct bytes){ (const uint8_t *)out, name.n });
	if (!why)
		return true;
	return error_set(e, "%.*s: no mail domain: %s", (int)bytes_head(text, SHOWN).n, (const char *)text.p, why);
}
