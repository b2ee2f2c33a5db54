/* run_outputs: the outputs of the configuration for a run that ends (`mxwitness read`, `mxwitness judge`), as `mxwitness watch` has them. */
#ifndef RUN_OUTPUTS_H
#define RUN_OUTPUTS_H
#include "options.h"
#include "run.h"

/* Where run->settings name outputs, and the command line neither a file nor a format, events go there: run->by_outputs, and run->spool
 * where receivers are among them. keep: in the folder of the configuration, so that what does not arrive goes with the next run;
 * else in one that run_outputs_end removes. false: e says what cannot be opened. */
bool run_outputs(const struct options *o, struct run *run, bool keep, struct error *e);
/* To be called when the processes have ended. */
void run_outputs_end(const struct run *run);
#endif
