/* conduit: one connection to a receiver that acknowledges nothing: TCP, TLS, UDP, or a socket of this machine. Looks up, connects,
 * writes, notices the end, and knows what has arrived as far as the system can tell (in_doubt.h). It does not know what it carries.
 * One that broke stays broken. No call waits longer than it is told to; the whole program must ignore SIGPIPE. */
#ifndef CONDUIT_H
#define CONDUIT_H
#include <openssl/ssl.h>

#include "bytes.h"
#include "carrier.h"

enum conduit_kind { CONDUIT_TLS, CONDUIT_TCP, CONDUIT_UDP, CONDUIT_UNIX_STREAM, CONDUIT_UNIX_DATAGRAM };

/* The largest message over a stream. */
enum { CONDUIT_OUT = 256 * 1024 };

struct conduit;

/* o: address (host:port), or path; of TLS also ca, cert, key, server_name; copied. NULL: e says why it cannot work. */
struct conduit *conduit_new(enum conduit_kind kind, const struct output_settings *o, struct error *e);
/* Works on what is under way, waiting up to wait_ms for something to happen. */
enum carrier_state conduit_state(struct conduit *c, int wait_ms, struct error *e);
/* Hands over one message in three parts, any of which may be empty: wholly or, with CARRIER_BUSY, not at all. What is too
 * long, for a datagram or for CONDUIT_OUT, is left out, which the log says, and counts as arrived. number: above those before. */
enum carrier_state conduit_put(struct conduit *c, uint64_t number, const struct bytes part[3], struct error *e);
/* Everything up to this number: its octets were taken by the other end's system (over a socket of this machine: read by its
 * program), and the connection lived on for two seconds, or, where a TCP peer's window does not
 * say that its program reads, a minute; of datagrams: none was refused for half a second. */
uint64_t conduit_done(const struct conduit *c);
/* NULL is none. */
void conduit_free(struct conduit *c);
#endif
