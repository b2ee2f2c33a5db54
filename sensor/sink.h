/* sink: the outputs of the configuration: files, or standard output, each with the datasets and levels that it is for. What
 * an event becomes there is json's and table's. */
#ifndef SINK_H
#define SINK_H
#include "error.h"
#include "run.h"
#include "settings.h"

enum { SINKS = 16 };

struct sinks;

/* Could the files of these outputs be opened? They are made if they are not there. false: e says which cannot, and why. */
bool sinks_try(const struct settings *settings, struct error *e);
/* Opens them all (files: appended to, made with mode 0640). Without any in settings: standard output, in run's format.
 * NULL: e says which, and why. */
struct sinks *sinks_new(const struct settings *settings, const struct run *run, struct error *e);
void sinks_free(struct sinks *s);
/* Is there room for an event in each of them? Not while one cannot be written. */
bool sinks_room(const struct sinks *s);
/* Puts the event into those that it is for. false: it is no possible event. There must be room. */
bool sinks_event(struct sinks *s, const struct record *event);
/* Writes what is gathered. false: one of them cannot be written now; what is for it is kept, and tried again each time. */
bool sinks_flush(struct sinks *s);
/* A file that was removed: what is written there is nowhere, and only opening it anew helps. NULL: there is none. */
const char *sinks_removed(const struct sinks *s);
/* The descriptor of one that takes nothing now and will say (poll, POLLOUT) when it does; -1: there is none. */
int sinks_slow(const struct sinks *s);
/* Of each: events written so far, failed attempts to write, octets that wait; as columns of a stats record. */
void sinks_fill(const struct sinks *s, struct record *stats);
#endif
