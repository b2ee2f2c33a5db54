/* address: text into struct addr. Knows no name and asks nobody. inet_pton reads one spelling only and has no state; it
 * wants a NUL, hence the copy. RFC 4291 2.2, RFC 5321 4.1.3. */
#include "wire/address.h"

#include <arpa/inet.h>

bool address_read(struct bytes text, struct addr *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char z[INET6_ADDRSTRLEN];
	uint8_t a[16] = { 0 };
	if (text.n == 0 || text.n >= sizeof(z) || memchr(text.p, '\0', text.n))
		return false;
	memcpy(z, text.p, text.n);
	z[text.n] = '\0';
	bool six = memchr(text.p, ':', text.n);
	if (inet_pton(six ? AF_INET6 : AF_INET, z, a) != 1)
		return false;
	*out = (struct addr){ .v = 6 };
	if (six && memcmp(a, mapped, sizeof(mapped)) != 0) {
		memcpy(out->a, a, sizeof(out->a));
		return true;
	}
	out->v = 4;
	memcpy(out->a, six ? a + sizeof(mapped) : a, 4);
	return true;
}

bool address_read_tagged(struct bytes text, struct addr *out)
{
	struct bytes tag = bytes_of("IPv6:");
	if (!bytes_eq_nocase(bytes_head(text, tag.n), tag))
		return address_read(text, out);
	text = bytes_skip(text, tag.n);
	return text.n && memchr(text.p, ':', text.n) && address_read(text, out);
}
