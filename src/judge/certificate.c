/* certificate: see certificate.h. Leaves the error queue of OpenSSL to the caller, who empties it. */
#include "judge/certificate.h"

X509 *certificate_read(struct bytes der)
{
	const uint8_t *p = der.p;
	X509 *x = der.n ? d2i_X509(NULL, &p, (long)der.n) : NULL;
	if (x && (p != der.p + der.n || !X509_get0_pubkey(x))) {
		X509_free(x);
		x = NULL;
	}
	return x;
}
