/* sink: the outputs of the configuration: files, or standard output, each with the datasets and levels that it is for. What
 * an event becomes there is json's and table's. */
#ifndef SINK_H
#define SINK_H
#include <limits.h>

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
/* Puts the event into those that it is for, with their numbers as event.sequence. false: it is no possible event.
 * There must be room. */
bool sinks_event(struct sinks *s, struct record *event);
/* Writes what is gathered. false: one of them cannot be written now; what is for it is kept, and tried again each time. */
bool sinks_flush(struct sinks *s);
/* Opens files anew before the next line is written: somebody has renamed them. Where the process may not do so, they are written as before. */
void sinks_again(struct sinks *s);
/* Renames files whose time has come while nothing is written to them; to be called each second or so. */
void sinks_tick(struct sinks *s);
/* The folders, how many of them, in which files are renamed and made anew, so that a sandbox can leave them. all: of every file. To be called
 * when the files are open. */
size_t sinks_folders(const struct settings *settings, bool all, char folder[SINKS][PATH_MAX]);
/* A file that was removed: what is written there is nowhere, and only opening it anew helps. NULL: there is none. */
const char *sinks_removed(const struct sinks *s);
/* The descriptor of one that takes nothing now and will say (poll, POLLOUT) when it does; -1: there is none. */
int sinks_slow(const struct sinks *s);
/* Of each: events written so far, failed attempts to write, octets that wait; as columns of a stats record. */
void sinks_fill(const struct sinks *s, struct record *stats);
#endif
