/* fuzz_upstream_spec: what is taken for a server has an address, a port, and over TLS somebody to be: a name or a pin;
 * what is not has a reason that names the text. */
#include <netinet/in.h>
#include <stdlib.h>

#include "upstream_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_peer peer;
	struct error e = { "" };
	bool tls;
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	if (!upstream_spec(text, &peer, &tls, &e)) {
		must(strstr(e.text, "DNS resolver \"") == e.text);
		free(text);
		return 0;
	}
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&peer.address;
	must(v4->sin_port != 0);
	must(peer.address_n == (v4->sin_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)));
	must(tls == (strncmp(text, "tls://", 6) == 0));
	must(tls == (peer.pinned || peer.name[0] != 0));
	must(memchr(peer.name, 0, sizeof(peer.name)) != NULL);
	free(text);
	return 0;
}
