/* stream_url: where a stream of JetStream is, in one word, as `mxwitness judge --from` has it:
 *	nats://HOST[:PORT][,HOST[:PORT]...]/STREAM[/SUBJECT]        tls:// likewise, by TLS
 * No credentials: a command line is for all to see. */
#ifndef STREAM_URL_H
#define STREAM_URL_H
#include <stdbool.h>

#include "error.h"

enum { STREAM_URL_HOSTS = 1024, STREAM_URL_NAME = 65, STREAM_URL_SUBJECT = 129 };

/* hosts    "host:port, host:port", as the address of an output has it (nats_open.h)
 * subject  what subjects begin with; mxwitness where the url says nothing */
struct stream_url {
	bool tls;
	char hosts[STREAM_URL_HOSTS], stream[STREAM_URL_NAME], subject[STREAM_URL_SUBJECT];
};

/* false: e says what is wrong with it. */
bool stream_url_read(const char *text, struct stream_url *u, struct error *e);
#endif
