/* flow_end: what ended a connection, and who. Asked at its end. */
#ifndef FLOW_END_H
#define FLOW_END_H
#include "record.h"
#include "wire/flow.h"

/* failhow_reset, failhow_fin or failhow_timeout; failhow_unknown: the capture ended, or the flow was evicted or replaced.
 * by  out: whose RST or FIN came first; side_COUNT: not known, or both closed at the same time. Which packet was
 *     captured first does not matter where sequence and acknowledgement numbers decide. */
enum failhow flow_end_how(const struct flow *fl, enum side *by);

/* dir sent a RST, and has not gone on behind it: then it was not the end. */
bool flow_end_reset(const struct flow *fl, enum dir dir);

/* A RST says that dir has sent more octets than are known: they are missing, though no gap shows it. */
bool flow_end_ahead(const struct flow *fl, enum dir dir);
#endif
