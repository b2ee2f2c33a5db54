/* watch_host: what only the supervisor can see of the sensor: its processes, the links of its interfaces, its disks, and
 * which configuration is in force. */
#ifndef WATCH_HOST_H
#define WATCH_HOST_H
#include "watch.h"

/* Remembers where the interfaces' own counters stand, so that what came before the sensor does not count. */
void watch_host_begin(struct watch *w);
/* As columns of a stats record, which is emptied first. */
void watch_host_stats(struct watch *w, struct record *s);
#endif
