/* receivers: the outputs of the configuration that are not files. An event for one of them is put into its spool (spool.h), in its format;
 * who brings it on from there is proc_deliver. What is put and synced is not lost when this process dies. */
#ifndef RECEIVERS_H
#define RECEIVERS_H
#include "error.h"
#include "record.h"
#include "settings.h"

struct receivers;

/* Does the output go through a spool, and not into a file? */
static inline bool receivers_have(const struct output_settings *o)
{
	return o->type != output_type_file;
}
/* How many of the outputs do. */
size_t receivers_count(const struct settings *s);
/* The folder of an output's spool: <folder>/<its name>. false: the path would be too long. */
bool receivers_folder(const char *folder, const struct output_settings *o, char *path, size_t size);

/* Opens their spools below folder, and makes what is not there. sensor: its name, for the formats that have room for one; NULL: it has none.
 * NULL: e says which cannot be opened, and why. */
struct receivers *receivers_new(const struct settings *settings, const char *folder, const char *sensor, struct error *e);
void receivers_free(struct receivers *r);
/* May an event come? Not while one waits that could not be written. */
bool receivers_room(const struct receivers *r);
/* Puts the event into the spools that it is for, with their numbers as event.sequence. false: it is no possible event.
 * There must be room. */
bool receivers_event(struct receivers *r, struct record *event);
/* Writes what could not be written before, and has the disk keep what was put. false: a spool cannot be written now. */
bool receivers_flush(struct receivers *r);
/* Of each, since receivers_new: events acknowledged, sent again, given up; failures; what waits now; as columns of a stats record that
 * has those of other outputs already. */
void receivers_fill(const struct receivers *r, struct record *stats);
#endif
