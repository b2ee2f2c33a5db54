/* evidence_dir: the directory of evidence files. A file appears whole or not at all, with mode 0600; MANIFEST has a line
 * for each, chained to the line before; when there is too much, the oldest go first. */
#ifndef EVIDENCE_DIR_H
#define EVIDENCE_DIR_H
#include "bytes.h"
#include "error.h"

enum { EVIDENCE_NAME = 224 };

/* What the directory may hold; 0: no bound. octets, files of evidence files; age in seconds, by the time they were written. */
struct evidence_budget {
	uint64_t octets, files;
	int64_t age;
};

struct evidence_dir;

/* Opens path, made with mode 0700 if it is not there, and looks at what it holds. MANIFEST's last line is where the chain goes
 * on; a file that a crash left without its line gets one. NULL: e says what is wrong. One process at a time may write there. */
struct evidence_dir *evidence_dir_open(const char *path, const struct evidence_budget *budget, struct error *e);
/* Looks again, in a process that takes the place of another one which wrote there since d was opened. false: as above. */
bool evidence_dir_again(struct evidence_dir *d, struct error *e);
void evidence_dir_close(struct evidence_dir *d);
const char *evidence_dir_path(const struct evidence_dir *d);

/* Writes a file of that name, unless the same is there already. sha256: out, its digest in hex. Files that are over the budget
 * then are removed, the oldest first, the one just written never: the caller has reported all before it.
 * false: e says why; the file may be there, without its line in MANIFEST until it is written again or the directory is opened. */
bool evidence_dir_put(struct evidence_dir *d, const char *name, struct bytes octets, char sha256[65], struct error *e);
/* Files removed so far. */
uint64_t evidence_dir_removed(const struct evidence_dir *d);
#endif
