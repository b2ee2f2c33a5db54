/* The five octets in front of every TLS record, and the one other way in which a handshake was ever begun: the
 * ClientHello of SSL 2.0. Knows nothing of what a record holds, keeps nothing. A wrong guess here would read text as
 * TLS or TLS as text, so each octet is judged as soon as it is there (RFC 8446 5.1, RFC 5246 6.2.1, E.2). */
#include "wire/tls_record.h"

enum parse tls_record(struct bytes in, struct tls_record *r)
{
	struct cur c = cur_of(in);
	uint8_t type = cur_u8(&c), major = cur_u8(&c), minor = cur_u8(&c);
	uint16_t length = cur_u16(&c);
	if (in.n > 0 && (type < TLS_CHANGE_CIPHER_SPEC || type > TLS_APPLICATION_DATA))
		return PARSE_BAD;
	if ((in.n > 1 && major != 3) || (in.n > 2 && minor > 4))
		return PARSE_BAD;
	if (c.bad)
		return PARSE_MORE;
	if (length > TLS_RECORD_MAX)
		return PARSE_BAD;
	*r = (struct tls_record){ (enum tls_content)type, (uint16_t)(major << 8 | minor), length };
	return PARSE_OK;
}

enum parse tls_record_ssl2(struct bytes in, size_t *total, uint16_t *version)
{
	enum { CLIENT_HELLO = 1, BODY_MIN = 9 };
	struct cur c = cur_of(in);
	uint8_t high = cur_u8(&c), low = cur_u8(&c), type = cur_u8(&c), major = cur_u8(&c), minor = cur_u8(&c);
	size_t length = (size_t)(high & 0x7f) << 8 | low;
	if ((in.n > 0 && !(high & 0x80)) || (in.n > 1 && length < BODY_MIN) || (in.n > 2 && type != CLIENT_HELLO))
		return PARSE_BAD;
	if ((in.n > 3 && major != 0 && major != 3) || (in.n > 4 && major == 0 && minor != 2))
		return PARSE_BAD;
	if (c.bad)
		return PARSE_MORE;
	*total = 2 + length;
	*version = (uint16_t)(major << 8 | minor);
	return PARSE_OK;
}
