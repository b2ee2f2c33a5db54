/* notify: what the service manager is told (sd_notify(3)): ready, alive, stopping, in words. Nothing when there is none. */
#ifndef NOTIFY_H
#define NOTIFY_H
#include <stdint.h>

/* Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment. Opens the socket now, so that nothing is opened later. */
void notify_open(void);
/* state: lines as sd_notify(3) has them, such as "READY=1". */
void notify(const char *state);
/* How often the manager wants to hear WATCHDOG=1, ms; 0: not at all. */
int64_t notify_interval(void);
#endif
