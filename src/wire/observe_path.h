/* observe_path: what TCP shows of who else may have written: habits of both sides, resets, conflicts, a handshake that
 * got no answer. The facts mxwitness.tcp.* and mxwitness.tls.stalled. No opinions. */
#ifndef OBSERVE_PATH_H
#define OBSERVE_PATH_H
#include "wire/observe_tcp.h"

/* The facts of a flow that is over. What needs packets that were not captured stays unseen. */
void observe_path(struct record *r, const struct flow *fl, const struct tcp_hints *hints);
#endif
