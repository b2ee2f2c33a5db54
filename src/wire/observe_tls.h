/* observe_tls: TLS events become facts tls.*, mxwitness.tls.* of the record. No opinions. */
#ifndef OBSERVE_TLS_H
#define OBSERVE_TLS_H
#include "record.h"
#include "wire/cert.h"
#include "wire/tls.h"

struct tls_observer; /* owns digests and the table of certificates: one per process */

/* NULL: no memory, or OpenSSL without SHA-256. All memory is taken here; tls_observer_free takes NULL. */
struct tls_observer *tls_observer_new(void);
void tls_observer_free(struct tls_observer *o);

/* What only the caller knows about the flow, at its end.
 * due        TLS was due: 220 to STARTTLS, or a port where TLS comes first
 * seen       [C2S], [S2C]: any octet of that direction is in the capture
 * midstream  the start of the connection is not in the capture
 * gap        [C2S], [S2C]: octets are missing from that direction, before or inside TLS
 * ended      the connection ended (FIN, RST, timeout), not only the capture or our memory for it
 * how, by    what ended it; failhow_unknown: not known. by: who sent that FIN or RST; side_COUNT: not known
 * octets     octets of each direction from the first one of TLS to the end (0: not known) */
struct tls_coverage {
	bool due, seen[2], midstream, gap[2], ended;
	enum failhow how;
	enum side by;
	uint64_t octets[2];
};

/* The facts of one event, to be called for each. t is the state after the event. */
void observe_tls(struct record *r, struct tls_observer *o, const struct tls *t, const struct tls_event *ev);

/* The facts that need the whole flow, among them the certificate, before tls_release. May be called more than once
 * (interim records); later calls replace. Without a TLS record and without due nothing is set. */
void observe_tls_finish(struct record *r, struct tls_observer *o, const struct tls *t, const struct tls_coverage *c);
#endif
